"""The last step before a leg's sockets; nothing of it is for Python."""
