def begin() -> None:
    """From here on what is loaded and made is to be found fast. To be called once, and first."""

def end() -> None:
    """The program is ready."""

def chunks() -> int:
    """How many chunks of 2 MB there are; for tests."""
