"""The parts of the window: the dial side, the calls, and the pages below them."""
