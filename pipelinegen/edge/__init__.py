"""The only code that touches the world: processes, disk, git, registries, forges, the CI system."""
