"""Commands for the media thread; nothing of it is for Python."""
