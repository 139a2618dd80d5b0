"""The parts of the built-in engine `oci`: images put together from files, with nothing run and nothing installed."""
