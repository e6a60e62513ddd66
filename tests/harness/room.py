"""A room with two desks, each with a microphone and a speaker, heard by one recorder.

All that sounds in it are channels of one null sink, so that one recording has what was said and
what was heard by the same clock: how late one is after the other needs nothing else.

    channel   0          1           2          3
              a_mouth    a_speaker   b_mouth    b_speaker
              -> a_mic               -> b_mic

`a_mouth` and `b_mouth` are sinks into which somebody says something.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tests.harness.listening import Pcm
from tests.harness.soundserver import RATE, SoundServer, soundserver

CHANNELS = ("aux0", "aux1", "aux2", "aux3")
PLACES = ("a_mouth", "a_speaker", "b_mouth", "b_speaker")
MICROPHONES = {"a_mic": "a_mouth", "b_mic": "b_mouth"}


def _script() -> str:
    lines = [
        "load-module module-native-protocol-unix auth-anonymous=1 socket={socket}",
        "load-module module-null-sink norewinds=1 sink_name=room rate=48000 channels=4"
        f" channel_map={','.join(CHANNELS)}",
    ]
    place = dict(zip(PLACES, CHANNELS, strict=True))
    for name, channel in place.items():
        lines.append(
            f"load-module module-remap-sink sink_name={name} master=room channels=1"
            f" channel_map={channel} master_channel_map={channel} remix=no"
        )
    for name, mouth in MICROPHONES.items():
        lines.append(
            f"load-module module-remap-source source_name={name} master=room.monitor channels=1"
            f" channel_map={place[mouth]} master_channel_map={place[mouth]} remix=no"
        )
    return "\n".join([*lines, "set-default-sink a_speaker", "set-default-source a_mic", ""])


@contextlib.contextmanager
def room(folder: Path) -> Iterator[SoundServer]:
    """A running one, whose address this process has in its environment meanwhile."""
    with soundserver(folder, _script()) as server:
        yield server


@contextlib.contextmanager
def recording(server: SoundServer, path: Path) -> Iterator[None]:
    """While inside, everything that sounds is written to `path`; `heard` takes it apart."""
    with server.hearing(path, "room.monitor", channels=CHANNELS):
        yield


def heard(path: Path) -> dict[str, Pcm]:
    """By place: int16 at 48 kHz."""
    samples = np.fromfile(path, dtype=np.int16)
    whole = samples[: len(samples) // len(CHANNELS) * len(CHANNELS)].reshape(-1, len(CHANNELS))
    return {name: whole[:, index] for index, name in enumerate(PLACES)}


def delays(
    said: Pcm, late: Pcm, *, every: float = 1.0, most: float = 0.4
) -> list[tuple[float, float]]:
    """Of pieces of `said` that are loud: (how much later they are in `late`, likeness 0 to 1)."""
    size, reach = RATE // 10, int(most * RATE)
    found = []
    for start in range(0, len(said) - size - reach, int(every * RATE)):
        piece = said[start : start + size].astype(float)
        if np.sqrt(np.mean(piece**2)) < 500:
            continue
        span = late[start : start + size + reach].astype(float)
        length = len(span) + size
        match = np.fft.irfft(np.fft.rfft(span, length) * np.conj(np.fft.rfft(piece, length)))[
            :reach
        ]
        best = int(np.argmax(match))
        energy = np.linalg.norm(piece) * np.linalg.norm(span[best : best + size])
        found.append((best / RATE, float(match[best] / energy) if energy else 0.0))
    return found
