"""The parts of `pipelinegen build`: what is asked for, the plan, the walk of one image, and what is told of it."""
