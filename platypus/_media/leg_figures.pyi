"""A leg's figures; Python has them as `platypus._media.loop.Leg.statistics`."""
