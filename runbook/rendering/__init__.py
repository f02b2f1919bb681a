"""A procedure and its parts as text: plain, Markdown and JSON."""
