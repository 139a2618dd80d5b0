"""Forges behind one port: find, open, update, comment, close, auto-merge."""
