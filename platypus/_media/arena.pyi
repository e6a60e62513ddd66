def chunks() -> tuple[int, int]:
    """How many chunks there are, and how many blocks are taken of them; for tests."""

def spare() -> int:
    """How many blocks of what few turns look at are kept for the next call; for tests."""
