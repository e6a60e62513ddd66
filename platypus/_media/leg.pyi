"""One leg as the media thread serves it; nothing of it is for Python."""
