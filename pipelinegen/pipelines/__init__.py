"""Pipelines as data, pure: designed and written, read and compared."""
