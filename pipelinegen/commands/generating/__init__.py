"""The steps of `pipelinegen generate`."""
