# Written by pipelinegen 0.1.0. To write it again: pipelinegen generate
# Change pipelinegen.yaml, not this file.
include shop
