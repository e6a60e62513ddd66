"""The control protocol: JSON lines in, JSON lines out, over one Engine.

`schema` says what a command may hold, `commands` carries it out, `events` gives
what happened its JSON shape, `lines` moves the lines. None of them knows where
the lines come from: `platypus agent` uses standard input and output.
"""
