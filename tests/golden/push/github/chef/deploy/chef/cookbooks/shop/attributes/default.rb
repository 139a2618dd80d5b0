# Written by pipelinegen 0.1.0. To write it again: pipelinegen generate
# Change pipelinegen.yaml, not this file.
# The images of an environment are set by attributes/ENVIRONMENT.json beside the cookbooks.
default['application']['script'] = '/usr/local/sbin/pipelinegen-container'
default['application']['containers'] = {}
