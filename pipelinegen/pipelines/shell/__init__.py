"""Understanding shell commands in pipelines: which program, with which words, and what it would change."""
