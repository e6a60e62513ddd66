"""The media thread itself; Python has it as `platypus._media.loop.Loop`."""
