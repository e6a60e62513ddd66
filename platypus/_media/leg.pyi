"""One leg's turn in the media thread; nothing of it is for Python."""
