"""What the far ends hear and where they are heard: sound devices, a file, a tone, silence.

One `Sound` an engine. Everything but the sound devices makes a source of its own
for each call; a file is read once. The devices are opened, off the loop, with the
first call that needs them, and closed after the last; they serve the call that
began or was resumed last. Where there is none the calls go on in silence, and a
`DeviceChanged` says why. Which device is used, and what becomes of one that fails,
is for `desk`.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from platypus.errors import DeviceError, StateError
from platypus.events import CallEnded, CallStateChanged, Event, IncomingCall
from platypus.sound.echo import Echo
from platypus.sound.seats import Seat, Seats
from platypus.sound.sources import buffer, make_source, read, read_source

if TYPE_CHECKING:
    from platypus.audio.device import DeviceLists
    from platypus.audio.files import Wav
    from platypus.audio.tones import TonePlan
    from platypus.options import MediaOptions
    from platypus.sound.cues import CallView
    from platypus.sound.desk import Desk
    from platypus.sound.line import Line
    from platypus.sound.signals import Signals

RECORDED_RATES = (8_000, 16_000, 24_000, 32_000, 44_100, 48_000)

__all__ = ["Seat", "Sound", "make_source", "read_source"]


class Sound:
    """`options.audio`: `system`, `null`, `tone`, `echo`, `speech`, `wav:FILE`, `wav-loop:FILE`.

    Embedders and the window have it as `Engine.sound`: the lists, the choice of devices,
    volumes and levels.
    """

    def __init__(self, options: MediaOptions, publish: Callable[[Event], None]) -> None:
        self._spec = spec = options.audio
        self._options = options
        self._publish = publish
        self._wav: Wav | None = None
        self._desk: Desk | None = None
        self._signals: Signals | None = None
        self._echo = Echo(options.echo_cancelling)
        self._calls: Callable[[], Iterable[CallView]] = tuple
        self._seats = Seats()  # the calls on the devices
        self._rate: int | None = None
        if spec.startswith(("wav:", "wav-loop:")):
            self._wav = read(spec.partition(":")[2])  # a bad file is told before the first call
        elif spec not in ("system", "null"):
            make_source(spec)
        self._bell = read(options.ring_tone) if options.ring_tone is not None else None
        if options.country is not None:
            plan_of(options.country)

    @property
    def input(self) -> str | None:
        """The microphone in use; None when there is none."""
        return self.desk.talking.name

    @property
    def output(self) -> str | None:
        """The speaker in use."""
        return self.desk.listening.name

    @property
    def rate(self) -> int | None:
        """Samples a second of the speaker, as a recording can have them; None: it has its own."""
        stream = self._desk.listening.stream if self._desk is not None else None
        rate = stream.rate if stream is not None else self._rate
        return rate if rate in RECORDED_RATES else None

    async def prepare(self, *, recorded: bool) -> None:
        """Before the first call: a recording has the rate of the speaker that will be used."""
        if self._spec != "system" or not recorded:
            return
        try:
            order = self.desk.listening.order(await self.devices())
        except DeviceError:
            return
        if order:
            self._rate = order[0].rate

    async def devices(self) -> DeviceLists:
        """The microphones and speakers there are now. DeviceError where they can't be listed."""
        from platypus.audio.lists import list_devices

        return await asyncio.get_running_loop().run_in_executor(None, list_devices)

    def choose_input(self, name: str | None) -> None:
        """Talk into this microphone from now on, also in a call; None follows the system."""
        self.desk.choose(self.desk.talking, name)

    def choose_output(self, name: str | None) -> None:
        """Listen here from now on."""
        self.desk.choose(self.desk.listening, name)

    def choose_ring(self, name: str | None) -> None:
        """Ring there; None rings where one listens."""
        self.desk.choose(self.desk.ringing, name or self.desk.listening.wanted)

    @property
    def gain(self) -> float:
        """Of the microphone: 1 is as it is, at most 8."""
        return self.desk.talking.gain

    @gain.setter
    def gain(self, value: float) -> None:
        _set_gain(self.desk.talking, value)

    @property
    def volume(self) -> float:
        """Of the speaker: 1 is as it comes, at most 8."""
        return self.desk.listening.gain

    @volume.setter
    def volume(self, value: float) -> None:
        _set_gain(self.desk.listening, value)

    @property
    def ring_volume(self) -> float:
        """Of the ring tone."""
        return self.desk.ringing.gain

    @ring_volume.setter
    def ring_volume(self, value: float) -> None:
        _set_gain(self.desk.ringing, value)

    @property
    def cancels_echo(self) -> bool:
        """Whether the microphone is cleaned of what the loudspeaker plays, now."""
        return self._echo.active

    @property
    def echo_problem(self) -> str | None:
        """A sentence where that is wanted and can't be."""
        return self._echo.problem

    def levels(self) -> tuple[float | None, float | None]:
        """Peaks of the last 100 ms at the microphone and the speaker, of full scale.

        None for one that is not open.
        """
        streams = self.desk.talking.stream, self.desk.listening.stream
        talking, listening = (each.overlay.level if each else None for each in streams)
        return talking, listening

    async def test_output(self, *, ring: bool = False) -> str:
        """Play three notes where one listens, or where it rings; the label of that device.

        DeviceError where there is none.
        """
        from platypus.sound.trial import play_notes

        return await play_notes(self.desk, self.desk.ringing if ring else self.desk.listening)

    async def test_input(
        self, seconds: float = 3.0, *, level: Callable[[float], None] = lambda peak: None
    ) -> float:
        """Listen to the microphone, then play what it heard; its peak as a fraction of full scale.

        `level` gets the peak ten times a second. DeviceError where there is no device,
        StateError while a call has it.
        """
        from platypus.sound.trial import hear_microphone, play_back

        if self._seats:
            raise StateError("the microphone is in a call: its level is shown there")
        peak, rate, heard = await hear_microphone(self.desk, seconds, level)
        if peak:
            await play_back(self.desk, rate, heard)
        return peak

    @property
    def desk(self) -> Desk:
        """The devices; made when first asked for."""
        if self._desk is None:
            from platypus.sound.desk import Desk

            options = self._options
            self._desk = Desk(
                options.input,
                options.output,
                options.ring,
                publish=self._publish,
                moved=self._moved,
                equip=self._echo.equip,
                remark=self._echo.remark,
            )
        return self._desk

    @property
    def signals(self) -> Signals:
        """Bell, ringback and the like; made when first asked for."""
        if self._signals is None:
            from platypus.sound.signals import Signals

            plan = plan_of(self._options.country)
            self._signals = Signals(self.desk, plan, self._bell, self._calls)
        return self._signals

    def follow(
        self,
        subscribe: Callable[[Callable[[Event], None]], Callable[[], None]],
        calls: Callable[[], Iterable[CallView]],
    ) -> None:
        """Let it be heard how these calls stand, where there is a sound card to hear it on."""
        if self._spec == "system":
            self._calls = calls
            subscribe(self._happened)

    def press(self, digits: Iterable[str]) -> None:
        """Let keys be heard that were pressed in a call."""
        if self._spec == "system" and self._seats:
            self.signals.digits(digits)

    def attach(self, seat: Seat) -> None:
        """The media of a call has started, or it is the one to talk to from now on."""
        if self._wav is not None:
            seat.seat_source(buffer(self._wav, loop=self._spec.startswith("wav-loop:")))
        elif self._spec == "system":
            self._take_devices(seat)
        elif self._spec != "null":
            seat.seat_source(make_source(self._spec))

    def focus(self, seat: Seat) -> None:
        """Of several calls, this is the one to talk to."""
        if self._spec == "system":
            self._take_devices(seat)

    def release(self, seat: Seat) -> None:
        """A call is over."""
        if seat not in self._seats:
            return
        self._seats.leave(seat)
        if self._seats:
            self._serve()
        else:
            self.desk.let_go(self)

    def close(self) -> None:
        """Close the sound devices. Idempotent."""
        self._seats.clear()
        if self._signals is not None:
            self._signals.close()
        if self._desk is not None:
            self._desk.close()

    def _happened(self, event: Event) -> None:
        if isinstance(event, IncomingCall | CallStateChanged | CallEnded):
            self.signals.happened(event)

    def _moved(self) -> None:
        self._echo.moved(self.desk.talking.device, self.desk.listening.device)
        self._serve()
        if self._signals is not None:
            self._signals.moved()

    def _take_devices(self, seat: Seat) -> None:
        self._seats.take(seat)
        self.desk.need(self, self.desk.talking, self.desk.listening)
        self._serve()

    def _serve(self) -> None:
        talking, listening = self.desk.talking.stream, self.desk.listening.stream
        self._seats.serve(
            talking.source if talking is not None else None,
            listening.sink if listening is not None else None,
        )


def plan_of(country: str | None) -> TonePlan:
    """The tones of a country, or of the place the system is set to; ConfigError for no country."""
    from platypus.audio.tones import plan_for

    locale = os.environ.get("LC_ALL") or os.environ.get("LC_TELEPHONE") or os.environ.get("LANG")
    return plan_for(country, locale or "")


def _set_gain(line: Line, value: float) -> None:
    if not 0.0 <= value <= 8.0:
        raise ValueError(f"a gain is from 0 to 8, not {value}")
    line.gain = value
    if line.stream is not None:
        line.stream.overlay.gain = value
