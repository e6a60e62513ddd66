"""What happened to the legs; nothing of it is for Python."""
