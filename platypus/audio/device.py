"""What a sound device is to the rest of the phone, whoever lists and drives it.

A device is opened for one direction, in mono, and gives the end that a leg of the media loop
takes: a microphone a source, a speaker a sink. It serves one leg at a time. Talking, listening
and ringing may be on three devices with three clocks, and one may be replaced while the others
go on. `platypus.audio.portaudio` opens the real ones. Listing and opening may take some tenths
of a second: call from a worker thread, not from an event loop.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from platypus.errors import DeviceError

if TYPE_CHECKING:
    from platypus._media.endpoint import RingSink, RingSource
    from platypus._media.overlay import Overlay

PERIOD_MS = 10  # a callback; half of RTP's frame, and what every sound server carries
RATE = 48000
NO_DEVICES = (
    "there is no sound device: start PulseAudio or PipeWire, or plug a sound card in;"
    " without one use --audio null, tone or wav:FILE"
)


class Stream(Protocol):
    """A device, open and running in one direction; the end of the other one is None."""

    @property
    def source(self) -> RingSource | None: ...
    @property
    def sink(self) -> RingSink | None: ...
    @property
    def overlay(self) -> Overlay:
        """Its gain and level, and the tune it plays on top."""

    @property
    def rate(self) -> int: ...
    @property
    def active(self) -> bool:
        """The sound library says that it runs: also of a device that is suspended."""

    @property
    def called(self) -> bool:
        """Whether a callback has come since it was opened."""

    @property
    def silent_ms(self) -> float | None:
        """Since the last callback, or the start."""

    def read(self, samples: int) -> bytes:
        """Up to so many samples of what was captured; only while no leg has the source."""

    def statistics(self) -> dict[str, int]:
        """What it moved and lost, in callbacks and samples."""

    def close(self) -> None:
        """Takes at most a second. Idempotent."""


@dataclass(frozen=True, slots=True)
class SoundDevice:
    """One microphone or speaker. `name` is unique and chooses it; `label` is for people."""

    name: str
    label: str
    rate: int = RATE  # its own, samples a second
    number: int | None = None  # PortAudio's, where that knows it
    latency: float = 0.01  # seconds, the least it says it can do
    monitor: bool = False  # it hears what a speaker plays: no microphone, but can be asked for
    headset: bool = False  # worn at the ear: there is no echo to cancel
    virtual: bool = False  # made of software: nothing sounds in the air, as far as we know
    suspended: bool = False  # taken out of service, or only resting


@dataclass(frozen=True, slots=True)
class DeviceLists:
    """The microphones and speakers there are, and which of them the system prefers."""

    inputs: tuple[SoundDevice, ...] = ()
    outputs: tuple[SoundDevice, ...] = ()
    default_input: str | None = None
    default_output: str | None = None


def choose(devices: Sequence[SoundDevice], name: str | None, default: str | None) -> SoundDevice:
    """The device called `name`, or whose name or label alone contains it; or the default one.

    DeviceError lists the names there are: a chosen device that is gone must not become another
    one, or silence, without a word.
    """
    names = [device.name for device in devices]
    if name is None:
        for device in devices:
            if device.name == default:
                return device
        raise DeviceError("there is no default sound device", available=names)
    found = matching(devices, name)
    if len(found) == 1:
        return found[0]
    problem = "more than one sound device is" if found else "no sound device is"
    raise DeviceError(f"{problem} called {name!r}", available=names)


def matching(devices: Sequence[SoundDevice], name: str) -> list[SoundDevice]:
    """Those that `name` may mean: by name, else by label, else by a part of either."""
    wanted = name.casefold()
    for fits in (
        lambda device: device.name == name,
        lambda device: device.label == name,
        lambda device: wanted in device.name.casefold() or wanted in device.label.casefold(),
    ):
        found = [device for device in devices if fits(device)]
        real = [device for device in found if not device.monitor]
        if found:
            return real or found
    return []


def chain(
    devices: Sequence[SoundDevice], name: str | None, default: str | None
) -> list[SoundDevice]:
    """In which order to try them: the one asked for, the system's default, then the others.

    Monitors are tried only where asked for, or where the system itself prefers one.
    """
    wanted = matching(devices, name) if name is not None else []
    order = wanted if len(wanted) == 1 else []
    order += [device for device in devices if device.name == default]
    order += [device for device in devices if not device.monitor]
    return list(dict.fromkeys(order))
