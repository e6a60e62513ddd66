"""Packets that Python has to look at; nothing of it is for Python."""
