# Written by pipelinegen 0.1.0. To write it again: pipelinegen generate
# Change pipelinegen.yaml, not this file.
name 'shop'
maintainer 'pipelinegen'
license 'Apache-2.0'
description 'Keeps the containers of shop at their images'
version '1.0.0'
chef_version '>= 16.0'
