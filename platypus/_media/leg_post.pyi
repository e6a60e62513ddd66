"""A leg's packets that are Python's business; nothing of it is for Python."""
