"""What the loop has to tell, handed to the streams it is about."""

from __future__ import annotations

import os
from types import SimpleNamespace
from typing import Any

import pytest

from platypus.media.core import MediaCore

SECRET = "inline:c2VjcmV0IGtleQ"
SOURCE = ("192.0.2.1", 4000)


class Stream:
    def __init__(self) -> None:
        self.told: list[str] = []

    def receive(self, kind: str, *_: object) -> None:
        self.told.append(kind)

    def receive_packet(self, kind: str, *_: object) -> None:
        self.told.append(kind)


class Faulty(Stream):
    def receive(self, kind: str, *_: object) -> None:
        raise RuntimeError(SECRET)

    receive_packet = receive


def test_a_fault_in_one_costs_none_of_the_others(caplog: pytest.LogCaptureFixture) -> None:
    core = MediaCore(None, random=os.urandom, on_start=print, call_later=print)  # type: ignore[arg-type]
    good, faulty = Stream(), Faulty()
    sessions: dict[int, Any] = {1: faulty, 2: good}
    core._sessions = sessions
    loop: Any = SimpleNamespace(
        drain_events=lambda: [(1, "stalled"), (2, "stalled")],
        drain_packets=lambda: [(leg, "outside", *SOURCE, b"\x16", 0) for leg in (1, 2)],
    )
    core._loop = loop
    core.deliver()
    assert good.told == ["stalled", "outside"]
    assert caplog.text.count("RuntimeError, a fault of ours") == 2
    assert SECRET not in caplog.text
