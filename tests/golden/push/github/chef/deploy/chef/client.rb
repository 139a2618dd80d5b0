# Written by pipelinegen 0.1.0. To write it again: pipelinegen generate
# Change pipelinegen.yaml, not this file.
# Local mode: the host converges from what the pipeline has copied to it, without a server.
here = File.dirname(File.expand_path(__FILE__))
cookbook_path File.join(here, 'cookbooks')
node_path File.join(here, 'nodes')
chef_license 'accept'
