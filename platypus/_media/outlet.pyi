"""A sink as one leg plays to it; nothing of it is for Python."""
