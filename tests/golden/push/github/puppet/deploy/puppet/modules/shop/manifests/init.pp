# Written by pipelinegen 0.1.0. To write it again: pipelinegen generate
# Change pipelinegen.yaml, not this file.
#
# @summary Keeps the containers of the application at the images that Hiera names
#
# @param containers
#   The containers by name, each with its image; the pipeline sets the image, together with its digest.
#
# @param script
#   Where the script lies on the host that keeps a container at an image.
#
class shop (
  Hash[Pattern[/\A[a-zA-Z0-9][a-zA-Z0-9_.-]*\z/], Struct[{
    'image'                 => Pattern[/\A[^\s@]+@sha256:[0-9a-f]{64}\z/],
    Optional['port']        => Integer[1, 65535],
    Optional['health_path'] => Pattern[/\A\//],
  }]] $containers,
  Pattern[/\A\//] $script = '/usr/local/sbin/pipelinegen-container',
) {
  file { $script:
    ensure => file,
    source => 'puppet:///modules/shop/container.sh',
    owner  => 'root',
    group  => 'root',
    mode   => '0755',
  }

  $containers.each |$name, $container| {
    $image = $container['image']
    $port = [$container['port'], $container['health_path']].filter |$word| { $word =~ NotUndef }

    exec { "replace ${name}":
      command => [$script, 'replace', $name, $image] + $port.map |$word| { String($word) },
      unless  => [[$script, 'status', $name, $image]],
      timeout => 900,
      require => File[$script],
    }
  }
}
