"""What answers at 600 and on. Each is a function that is given a call that came in.

    600 echo            604 rings 3 s, then echo     608 early media, then 404
    601 a tune, ends    605 busy (486)               609 says back the digits it hears
    602 1004 Hz         606 503                      615 records
    603 music           607 never answers

They use nothing but the public face of a call, as any program that embeds the
engine would; time passes on the loop the engine runs on.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from platypus.errors import PlatypusError
from platypus.events import CallEnded, CallState, DtmfReceived
from platypus.media.endpoints import BufferSource
from platypus.pbx.melody import MESSAGE, MUSIC, RATE, melody, ringback, spoken_digits
from platypus.sip.uri import Uri

if TYPE_CHECKING:
    from platypus.call import Call
    from platypus.engine import Engine
    from platypus.events import Event
    from platypus.media.endpoints import Source

logger = logging.getLogger("platypus.pbx")

RING_SECONDS = 3.0
EARLY_SECONDS = 3.0
DIGIT_PAUSE = 1.0  # silence after which what was keyed is said back
DIGIT_MS = 100
DIGIT_TURN = 0.2  # of a digit and the gap behind it, with some room
MAX_DIGITS = 32  # said back at once; more are not kept
MAX_RECORD_SECONDS = 600  # a forgotten call must not fill the disk

WHAT = {
    "600": "echo",
    "601": "plays a tune and hangs up",
    "602": "a 1004 Hz tone",
    "603": "music",
    "604": "rings 3 s, then answers with an echo",
    "605": "busy (486)",
    "606": "service unavailable (503)",
    "607": "never answers",
    "608": "early media, then not found (404)",
    "609": "says back the digits it hears",
    "615": "records what you say",
}


class Extensions:
    """Takes calls to the numbers of `WHAT` on `engine`."""

    def __init__(
        self,
        engine: Engine,
        *,
        record_dir: Path | None,
        recorded: Callable[[str], None],
    ) -> None:
        self._engine = engine
        self._tell_recorded = recorded  # by whom, when they have hung up
        self._recording: set[Call] = set()
        self._record_dir = record_dir
        self._recorded = itertools.count(1)
        self._digits: dict[Call, str] = {}
        self._pauses: dict[Call, asyncio.TimerHandle] = {}
        self._actions: dict[str, Callable[[Call], None]] = {
            "600": self._echo,
            "601": self._message,
            "602": self._tone,
            "603": self._music,
            "604": self._ring_first,
            "605": lambda call: call.reject(486),
            "606": lambda call: call.reject(503),
            "607": lambda call: call.ring(),
            "608": self._early,
            "609": self._say_back,
            "615": self._record,
        }

    def __contains__(self, user: object) -> bool:
        return user in self._actions

    def take(self, call: Call) -> None:
        """Do with an incoming call what its extension does."""
        action = self._actions.get(call.request_user or "")
        if action is None:
            call.reject(404)
            return
        try:
            action(call)
        except PlatypusError as error:
            logger.warning("%s: %s", call.request_user, error)
            call.hangup()

    def receive(self, event: Event) -> None:
        """What happens to the calls, for the extensions that listen."""
        match event:
            case DtmfReceived(call, digit) if call in self._digits:
                self._heard(call, digit)
            case CallEnded(call):
                self._digits.pop(call, None)
                pause = self._pauses.pop(call, None)
                if pause is not None:
                    pause.cancel()
                if call in self._recording:
                    self._recording.remove(call)
                    self._tell_recorded(Uri.parse(call.remote).user or "")

    def _answer(self, call: Call, source: Source | str | None) -> None:
        call.set_source(source)
        call.answer()

    def _echo(self, call: Call) -> None:
        self._answer(call, "echo")

    def _message(self, call: Call) -> None:
        samples = melody(MESSAGE)
        self._answer(call, BufferSource(samples, RATE))
        self._later(len(samples) / 2 / RATE, call, call.hangup)

    def _tone(self, call: Call) -> None:
        self._answer(call, "tone")

    def _music(self, call: Call) -> None:
        self._answer(call, BufferSource(melody(MUSIC), RATE, loop=True))

    def _ring_first(self, call: Call) -> None:
        call.ring()
        self._later(RING_SECONDS, call, lambda: self._echo(call))

    def _early(self, call: Call) -> None:
        call.set_source(BufferSource(ringback(), RATE, loop=True))
        call.progress(183)
        self._later(EARLY_SECONDS, call, lambda: call.reject(404))

    def _say_back(self, call: Call) -> None:
        self._digits[call] = ""
        self._answer(call, None)

    def _heard(self, call: Call, digit: str) -> None:
        self._digits[call] = (self._digits[call] + digit)[:MAX_DIGITS]
        pause = self._pauses.get(call)
        if pause is not None:
            pause.cancel()
        self._pauses[call] = self._later(DIGIT_PAUSE, call, lambda: self._say(call))

    def _say(self, call: Call) -> None:
        """First as telephone-events (RFC 4733), which programs read, then for the ear."""
        digits, self._digits[call] = self._digits[call], ""
        call.send_dtmf(digits, duration_ms=DIGIT_MS)
        sounds = BufferSource(spoken_digits(digits), RATE)
        # Events are sent instead of audio: what is played meanwhile would not be heard.
        self._later(len(digits) * DIGIT_TURN, call, lambda: call.set_source(sounds))

    def _record(self, call: Call) -> None:
        if self._record_dir is not None:
            path = self._record_dir / f"615-{next(self._recorded)}.wav"
            call.record(str(path))
            logger.warning("615 records to %s", path)
            self._recording.add(call)
        self._answer(call, BufferSource(spoken_digits("1", on_ms=300), RATE))
        self._later(MAX_RECORD_SECONDS, call, call.hangup)

    def _later(self, delay: float, call: Call, action: Callable[[], None]) -> asyncio.TimerHandle:
        def act() -> None:
            if call.state is CallState.ENDED or not self._engine.running:
                return
            try:
                action()
            except PlatypusError as error:
                logger.warning("%s: %s", call.request_user, error)

        return self._engine.loop.call_later(delay, act)
