"""The benchmark: a generator of manifest repositories, a check of each changed line, runners that measure ratios."""
