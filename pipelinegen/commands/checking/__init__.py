"""The checks of `pipelinegen doctor`: each looks at one thing and says what it found and what mends it."""
