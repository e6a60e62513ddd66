"""Plays the cues of the calls on the sound devices, and the digits that are pressed.

A cue that lasts (bell, ringback, call waiting) is rendered once for the device's rate and
repeated by the device itself until the calls stand otherwise; one that tells of an end is played
for a while. The devices are held as long as something is to be heard on them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from platypus.events import CallEnded, CallStateChanged, Event, IncomingCall
from platypus.sound.cues import CallView, Cue, cue_for, cue_for_end

if TYPE_CHECKING:
    from platypus.audio.device import Stream
    from platypus.audio.files import Wav
    from platypus.audio.tones import TonePlan
    from platypus.call import Call
    from platypus.sound.desk import Desk
    from platypus.sound.line import Line

# A call that is answered by itself, or refused, does not ring for a blink.
SETTLE_S = 0.05
END_S = 4.0
KEPT = 8  # rendered cues; a bell of 6 s at 48 kHz has half a megabyte


class Signals:
    """Of one engine; `happened` takes its events, `moved` a new stream of the desk's."""

    def __init__(
        self, desk: Desk, plan: TonePlan, bell: Wav | None, calls: Callable[[], Iterable[CallView]]
    ) -> None:
        self._desk, self._plan, self._calls = desk, plan, calls
        self._bell = bell  # instead of the telephone's own
        self._cue: Cue | None = None
        self._end: Cue | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._ending: asyncio.TimerHandle | None = None
        self._playing: Stream | None = None
        self._rendered: dict[tuple[Cue, int], bytes] = {}

    def happened(self, event: Event) -> None:
        """Whatever the calls did."""
        match event:
            case IncomingCall() | CallStateChanged():
                self._soon()
            case CallEnded():
                self._ended(event.call, event.code, event.by)

    def digits(self, digits: Iterable[str]) -> None:
        """Keys that were pressed, where a call is heard."""
        from platypus.audio.tones import render_digits

        stream = self._desk.listening.stream
        if stream is not None and self._cue is None:
            stream.overlay.play(render_digits(digits, stream.rate))

    def moved(self) -> None:
        """A line has another stream: what is due is played there."""
        line = self._line()
        if line is None or line.stream is None or line.stream is self._playing:
            return
        cue = self._cue or self._end
        if cue is not None:
            self._playing = line.stream
            line.stream.overlay.play(self._samples(cue, line.stream.rate), loop=True)

    def close(self) -> None:
        for timer in (self._timer, self._ending):
            if timer is not None:
                timer.cancel()
        self._timer = self._ending = None

    def _soon(self) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(SETTLE_S, self._settle)

    def _settle(self) -> None:
        self._timer = None
        cue = cue_for(self._calls())
        if cue is self._cue:
            return
        self._silence()
        self._cue = cue
        if cue is not None:
            self._end_is_over()
        self._sound()

    def _ended(self, call: Call, code: int | None, by: str) -> None:
        never_answered = call.signals.answered_at is None
        if call.direction == "outgoing" and never_answered:
            end = cue_for_end(code, "local" if by == "local" else "remote")
            if end is not None and cue_for(self._calls()) is None:
                self._silence()
                self._cue, self._end = None, end
                self._ending = asyncio.get_running_loop().call_later(END_S, self._end_is_over)
                self._sound()
                return
        self._soon()

    def _end_is_over(self) -> None:
        if self._ending is not None:
            self._ending.cancel()
            self._ending = None
        if self._end is not None:
            self._silence()
            self._end = None

    def _line(self) -> Line | None:
        cue = self._cue or self._end
        if cue is None:
            return None
        return self._desk.listening if cue.in_the_ear else self._desk.ringing

    def _sound(self) -> None:
        line = self._line()
        if line is not None:
            self._desk.need(self, line)
            self.moved()

    def _silence(self) -> None:
        """What plays fades; the device is closed if nothing else needs it."""
        if self._playing is not None:
            self._playing.overlay.stop()
            self._playing = None
        self._desk.let_go(self)

    def _samples(self, cue: Cue, rate: int) -> bytes:
        key = cue, rate
        if key not in self._rendered:
            if len(self._rendered) >= KEPT:
                self._rendered.clear()
            self._rendered[key] = self._render(cue, rate)
        return self._rendered[key]

    def _render(self, cue: Cue, rate: int) -> bytes:
        from platypus.audio import tones

        if cue is Cue.BELL and self._bell is not None:
            return tones.render_file(self._bell, rate)
        match cue:
            case Cue.BELL:
                return tones.render_bell(self._plan, rate)
            case Cue.INFORMATION:
                return tones.render(tones.INFORMATION, rate)
        return tones.render(getattr(self._plan, cue.value), rate)
