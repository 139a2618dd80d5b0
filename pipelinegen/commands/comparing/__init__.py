"""The parts of `pipelinegen compare`: the generated pair, and the pull pipeline in the place of a push pipeline."""
