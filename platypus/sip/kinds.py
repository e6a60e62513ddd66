"""Events are tuples, and one of another kind with the same fields is another event."""

from __future__ import annotations


def tell_apart(*kinds: type) -> None:
    """Let values of these named tuples equal none but those of their own kind."""
    for kind in kinds:
        kind.__eq__ = _equals  # type: ignore[assignment]
        kind.__ne__ = _differs  # type: ignore[assignment]


def _equals(one: tuple[object, ...], other: object) -> bool:
    return type(one) is type(other) and tuple.__eq__(one, other)


def _differs(one: tuple[object, ...], other: object) -> bool:
    return not _equals(one, other)
