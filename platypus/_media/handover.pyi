"""Sockets on their way to the media thread; nothing of it is for Python."""
