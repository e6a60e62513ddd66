"""What the far ends hear and where they are heard: a sound card, a file, a tone, silence.

One `Sound` an engine. Everything but the sound card makes a source of its own
for each call; a file is read once. The card is opened with the first call that
needs it and closed after the last; where there is none the call goes on in
silence, and a `DeviceChanged` says so.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from platypus.errors import DeviceError
from platypus.events import Event

if TYPE_CHECKING:
    from platypus.audio.files import Wav
    from platypus.media.endpoints import Sink, Source
    from platypus.options import MediaOptions

Ends = tuple["Source | None", "Sink | None"]


class Sound:
    """`options.audio`: `system`, `null`, `tone`, `echo`, `speech`, `wav:FILE`, `wav-loop:FILE`."""

    def __init__(self, options: MediaOptions, publish: Callable[[Event], None]) -> None:
        self._spec = spec = options.audio
        self._input, self._output = options.input, options.output
        self._publish = publish
        self._wav: Wav | None = None
        if spec.startswith(("wav:", "wav-loop:")):
            self._wav = _read(spec.partition(":")[2])  # a bad file is told before the first call
        elif spec not in ("system", "null"):
            make_source(spec)

    def ends(self) -> Ends:
        """A source and a sink for one call; None is silence, and nowhere."""
        if self._wav is not None:
            return buffer_source(self._wav, loop=self._spec.startswith("wav-loop:")), None
        if self._spec == "null":
            return None, None
        if self._spec == "system":
            return self._card()
        return make_source(self._spec), None

    def release(self, ends: Ends) -> None:
        """The call that had these is over."""

    def close(self) -> None:
        """Close the sound card. Idempotent."""

    def _card(self) -> Ends:
        raise DeviceError("no sound card")


def make_source(spec: str) -> Source:
    """A source by its name; ConfigError or AudioFileError where there is none."""
    from platypus.audio import synthetic  # compiled code, and not needed to register

    return synthetic.make_source(spec)


def read_source(path: str, *, loop: bool) -> Source:
    """A WAV file as a source; AudioFileError says what is wrong with it."""
    return buffer_source(_read(path), loop=loop)


def buffer_source(wav: Wav, *, loop: bool) -> Source:
    from platypus.media.endpoints import BufferSource

    return BufferSource(wav.pcm, wav.rate, loop=loop)


def _read(path: str) -> Wav:
    from platypus.audio.files import read_wav

    return read_wav(path)
