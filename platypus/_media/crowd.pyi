def gathered() -> tuple[int, list[int]]:
    """How many contexts live, and where the ranges of 2 MB begin that were looked at; for tests."""
