"""The phone as a part of the desktop: links, one instance, notifications, start at login.

Each module works without tkinter, and each says in a sentence when the system has no such
thing; the phone goes on without it.
"""
