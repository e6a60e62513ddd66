def chunks() -> tuple[int, int]:
    """How many chunks there are, and how many blocks are taken of them; for tests."""
