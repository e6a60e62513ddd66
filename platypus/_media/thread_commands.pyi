"""What the media thread does at a command's word; nothing of it is for Python."""
