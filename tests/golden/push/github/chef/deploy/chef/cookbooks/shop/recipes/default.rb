# Written by pipelinegen 0.1.0. To write it again: pipelinegen generate
# Change pipelinegen.yaml, not this file.
script = node['application']['script']

cookbook_file script do
  source 'container.sh'
  owner 'root'
  group 'root'
  mode '0755'
end

node['application']['containers'].each do |name, container|
  image = container['image']
  port = [container['port'], container['health_path']].compact.map(&:to_s)

  # The pipeline sets the image together with its digest; anything else could change behind the name.
  raise "#{name}: #{image} has no digest" unless image.match?(/\A[^\s@]+@sha256:[0-9a-f]{64}\z/)

  execute "replace #{name}" do
    command [script, 'replace', name, image, *port]
    timeout 900
    not_if { ::File.exist?(script) && shell_out(script, 'status', name, image).exitstatus.zero? }
  end
end
