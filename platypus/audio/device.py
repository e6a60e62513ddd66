"""What a sound card is to the rest of the phone, whoever drives it.

A card is opened for both directions, in mono, and gives the two ends that a leg of the
media loop takes: its microphone as a source, its speaker as a sink. It serves one leg at a time.
`platypus.audio.portaudio` has the real ones. Choosing and opening may take some tenths of a
second: call from a worker thread, not from an event loop.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from platypus.errors import DeviceError

if TYPE_CHECKING:
    from platypus._media.endpoint import RingSink, RingSource

PERIOD_MS = 10  # a callback; half of RTP's frame, and what every sound server carries
RATE = 48000


class Card(Protocol):
    """An open sound card. `source` or `sink` is None for a direction it does not have."""

    @property
    def source(self) -> RingSource | None: ...
    @property
    def sink(self) -> RingSink | None: ...
    @property
    def input(self) -> str | None:
        """The name of the microphone."""

    @property
    def output(self) -> str | None: ...
    @property
    def rate(self) -> int: ...
    @property
    def alive(self) -> bool:
        """Whether its callbacks still come: a card that was unplugged or suspended has none."""

    def statistics(self) -> dict[str, int]:
        """What it moved and lost, in callbacks and samples."""

    def close(self) -> None:
        """Takes at most a second. Idempotent."""


@dataclass(frozen=True, slots=True)
class Device:
    """One that could be opened; `number` is the sound library's."""

    number: int
    name: str
    latency: float  # seconds, the least it says it can do
    default_rate: int


def choose(devices: Sequence[Device], name: str | None, default: int | None) -> Device:
    """The device called `name` (or whose name alone contains it), or the default one.

    DeviceError lists the names there are: a chosen device that is gone must not become another
    one, or silence, without a word.
    """
    names = [device.name for device in devices]
    if name is None:
        for device in devices:
            if device.number == default:
                return device
        raise DeviceError("there is no default sound device", available=names)
    for device in devices:
        if device.name == name:
            return device
    similar = [device for device in devices if name.casefold() in device.name.casefold()]
    if len(similar) == 1:
        return similar[0]
    problem = "more than one sound device is" if similar else "no sound device is"
    raise DeviceError(f"{problem} called {name!r}", available=names)
