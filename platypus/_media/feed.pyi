"""A source as one leg hears it; nothing of it is for Python."""
