"""Calls through virtual sound cards: is the content right both ways, and how late is it?

Two desks in one room of a private PulseAudio (`tests.harness.room`). First two of our phones talk
to each other, then our phone and baresip; noise is said into both microphones, and one recording
has it again at both speakers. The delay from a microphone to the other speaker is that of the
greatest correlation, of one piece of every second. baresip's own playing is late by its own
buffers: towards it only the content counts.
"""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from benchmarks._cards import LONG
from tests.harness.agent import Agent
from tests.harness.baresip import Baresip
from tests.harness.listening import noise
from tests.harness.namespace import host_address
from tests.harness.room import delays, heard, recording, room
from tests.harness.soundserver import RATE, SoundServer

BY_NAME_ONLY = True
SECONDS = 8.0 if LONG else 3.0
SETTLE_S = 1.5
ALIKE = 0.9  # a telephone's codec and a resampler are in between
THERE = 0.7  # baresip's player stretches by itself: what was said, at changing speed
TARGETS = {
    "phones_there_ms": 100.0,
    "phones_back_ms": 100.0,
    "baresip_to_us_ms": 100.0,
    "unlike_percent": 0.0,
    "unlike_at_baresip_percent": 0.0,
}


@contextlib.contextmanager
def agent(desk: str, *options: str) -> Iterator[Agent]:
    sound = ("--input", f"{desk}_mic", "--output", f"{desk}_speaker")
    phone = Agent(*sound, *options, host=host_address())
    try:
        yield phone
    finally:
        phone.stop()


def listen(server: SoundServer, folder: Path) -> dict[str, list[tuple[float, float]]]:
    """(delay, likeness) second by second, from each mouth to the other desk's speaker."""
    path = folder / "room"
    with (
        recording(server, path),
        server.saying(noise(SECONDS, RATE, seed=1).tobytes(), "a_mouth"),
        server.saying(noise(SECONDS, RATE, seed=2).tobytes(), "b_mouth"),
    ):
        time.sleep(SECONDS + 1)
    sounds = heard(path)
    return {
        "a": delays(sounds["a_mouth"], sounds["b_speaker"]),
        "b": delays(sounds["b_mouth"], sounds["a_speaker"]),
    }


def call_phone(server: SoundServer, folder: Path) -> dict[str, list[tuple[float, float]]]:
    with agent("a") as ours, agent("b", "--auto-answer", "0") as other:
        ours.command("call", to=f"sip:bob@{other.address}")
        ours.wait_event("call", state="confirmed")
        time.sleep(SETTLE_S)
        return listen(server, folder)


def call_baresip(server: SoundServer, folder: Path) -> dict[str, list[tuple[float, float]]]:
    baresip = Baresip(folder, user="bob", sound=("b_mic", "b_speaker"), answer="auto")
    try:
        with agent("a") as ours:
            ours.command("call", to=baresip.uri)
            ours.wait_event("call", state="confirmed")
            time.sleep(SETTLE_S)
            return listen(server, folder)
    finally:
        baresip.stop()


def late(found: list[tuple[float, float]]) -> float:
    """The median in ms."""
    return float(np.median([delay for delay, _ in found] or [1.0])) * 1000


def unlike(found: list[tuple[float, float]], least: float) -> float:
    """How many percent of the pieces are not what was said; all of them where nothing was."""
    return 100.0 * sum(alike < least for _, alike in found) / len(found) if found else 100.0


def run() -> Mapping[str, float | str]:
    """For `python -m benchmarks`."""
    with tempfile.TemporaryDirectory() as name, room(Path(name)) as server:
        phones = call_phone(server, Path(name))
        baresip = call_baresip(server, Path(name))
    return {
        "phones_there_ms": late(phones["a"]),
        "phones_back_ms": late(phones["b"]),
        "baresip_to_us_ms": late(baresip["b"]),
        "us_to_baresip_ms": late(baresip["a"]),
        "pieces": float(sum(map(len, (*phones.values(), *baresip.values())))),
        "unlike_percent": max(
            unlike(found, ALIKE) for found in (phones["a"], phones["b"], baresip["b"])
        ),
        "unlike_at_baresip_percent": unlike(baresip["a"], THERE),
    }
