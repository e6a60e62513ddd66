"""A bounded queue of pointers between two threads; nothing of it is for Python."""
