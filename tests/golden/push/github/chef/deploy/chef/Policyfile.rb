# Written by pipelinegen 0.1.0. To write it again: pipelinegen generate
# Change pipelinegen.yaml, not this file.
# What a host of this application converges to. With a Chef server, this policy is what is uploaded, one group for each
# environment: chef install && chef push ENVIRONMENT
name 'shop'
run_list 'shop::default'
cookbook 'shop', path: 'cookbooks/shop'
