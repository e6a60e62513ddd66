"""What the far ends hear and where they are heard: a sound card, a file, a tone, silence.

One `Sound` an engine. Everything but the sound card makes a source of its own
for each call; a file is read once. The card is opened, off the loop, with the
first call that needs it, and closed after the last; it serves the call that
began or was resumed last. Where there is none the calls go on in silence, and a
`DeviceChanged` says why. Hot-plug and a chain of devices are not here.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from platypus.errors import DeviceError
from platypus.events import DeviceChanged, Event
from platypus.waiting import log_failure

if TYPE_CHECKING:
    from platypus.audio.device import Card
    from platypus.audio.files import Wav
    from platypus.media.endpoints import Sink, Source
    from platypus.options import MediaOptions

logger = logging.getLogger("platypus.engine")


class Seat(Protocol):
    """A call, as far as its sound goes. It keeps a source or sink that it was given itself."""

    def seat_source(self, source: Source | None) -> None: ...
    def seat_sink(self, sink: Sink | None) -> None: ...


class Sound:
    """`options.audio`: `system`, `null`, `tone`, `echo`, `speech`, `wav:FILE`, `wav-loop:FILE`."""

    def __init__(self, options: MediaOptions, publish: Callable[[Event], None]) -> None:
        self._spec = spec = options.audio
        self._input, self._output = options.input, options.output
        self._publish = publish
        self._wav: Wav | None = None
        self._card: Card | None = None
        self._opening: asyncio.Task[None] | None = None
        self._seats: list[Seat] = []  # of the card, the one it serves last
        self._closing: set[asyncio.Future[None]] = set()
        if spec.startswith(("wav:", "wav-loop:")):
            self._wav = _read(spec.partition(":")[2])  # a bad file is told before the first call
        elif spec not in ("system", "null"):
            make_source(spec)

    def attach(self, seat: Seat) -> None:
        """The media of a call has started, or it is the one to talk to from now on."""
        if self._wav is not None:
            seat.seat_source(_buffer(self._wav, loop=self._spec.startswith("wav-loop:")))
        elif self._spec == "system":
            self._take_card(seat)
        elif self._spec != "null":
            seat.seat_source(make_source(self._spec))

    def focus(self, seat: Seat) -> None:
        """Of several calls, this is the one to talk to."""
        if self._spec == "system":
            self._take_card(seat)

    def release(self, seat: Seat) -> None:
        """A call is over."""
        if seat not in self._seats:
            return
        served = self._seats[-1] is seat
        self._seats.remove(seat)
        if self._seats and served:
            self._serve()
        elif not self._seats:
            self._close_card()

    def close(self) -> None:
        """Close the sound card. Idempotent."""
        self._seats.clear()
        if self._opening is not None:
            self._opening.cancel()
        if self._card is not None:
            card, self._card = self._card, None
            card.close()  # takes a second at most, and nobody waits for the loop any more

    def _take_card(self, seat: Seat) -> None:
        if seat in self._seats:
            self._seats.remove(seat)
        self._seats.append(seat)
        if self._card is not None and self._card.alive:
            self._serve()
        elif self._opening is None:
            self._close_card()
            self._opening = asyncio.get_running_loop().create_task(self._open())
            self._opening.add_done_callback(log_failure)

    async def _open(self) -> None:
        from platypus.audio.portaudio import open_card  # PyAudio, which is optional

        loop = asyncio.get_running_loop()
        try:
            opened = loop.run_in_executor(None, open_card, self._input, self._output)
            opened.add_done_callback(self._opened_too_late)
            card = await asyncio.shield(opened)
        except DeviceError as problem:
            logger.warning("no sound: %s", problem)
            self._publish(DeviceChanged(None, None, str(problem)))
            return
        finally:
            self._opening = None
        self._card = card
        if not self._seats:
            self._close_card()
            return
        self._serve()
        self._publish(DeviceChanged(card.input, card.output, "opened for a call"))

    def _opened_too_late(self, opened: asyncio.Future[Card]) -> None:
        """The engine was left while the card was being opened."""
        if self._opening is None and not opened.cancelled() and opened.exception() is None:
            self._close(opened.result())

    def _serve(self) -> None:
        if self._card is None:
            return
        for seat in self._seats[:-1]:  # a source or sink serves one call at a time
            seat.seat_source(None)
            seat.seat_sink(None)
        self._seats[-1].seat_source(self._card.source)
        self._seats[-1].seat_sink(self._card.sink)

    def _close_card(self) -> None:
        if self._card is None:
            return
        card, self._card = self._card, None
        self._close(card)

    def _close(self, card: Card) -> None:
        closing = asyncio.get_running_loop().run_in_executor(None, card.close)
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)


def make_source(spec: str) -> Source:
    """A source by its name; ConfigError or AudioFileError where there is none."""
    from platypus.audio import synthetic  # compiled code, and not needed to register

    return synthetic.make_source(spec)


def read_source(path: str, *, loop: bool) -> Source:
    """A WAV file as a source; AudioFileError says what is wrong with it."""
    return _buffer(_read(path), loop=loop)


def _buffer(wav: Wav, *, loop: bool) -> Source:
    from platypus.media.endpoints import BufferSource

    return BufferSource(wav.pcm, wav.rate, loop=loop)


def _read(path: str) -> Wav:
    from platypus.audio.files import read_wav

    return read_wav(path)
