"""What feeds and outlets have in common; nothing of it is for Python."""
