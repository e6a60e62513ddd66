"""The window of the phone, with Python's own Tk and nothing else.

It uses the engine as any other program would: by the public names of `platypus`.
"""
