"""Events are told apart by what they are, not by what they hold; the signalling's own too."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from platypus import events
from platypus.sip import events as sip_events

KINDS = (*get_args(events.Event), *get_args(sip_events.Event))


def made(kind: Any) -> Any:
    """One of that kind whose fields could be any other's of the same number."""
    return kind(*range(len(kind._fields)))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: f"{kind.__module__}.{kind.__name__}")
def test_an_event_equals_only_one_of_its_own_kind(kind: Any) -> None:
    one = made(kind)
    alike = [other for other in KINDS if made(other) == one]
    assert alike == [kind]
    assert [made(other) != one for other in KINDS].count(False) == 1
    assert one != tuple(one) and tuple(one) != one
    assert hash(one) == hash(made(kind)) and len({one, made(kind)}) == 1


def test_one_with_other_fields_is_another() -> None:
    assert events.Played("call", "a.wav") != events.Played("call", "b.wav")  # type: ignore[arg-type]
