"""The comparison as people read it: the same rows as a table on a terminal, as Markdown, and as one HTML page."""
