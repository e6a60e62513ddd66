"""Sources by the names users give them: `tone`, `echo`, `wav:FILE`.

Nothing of the compiled media is loaded before the first is made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from platypus.audio.files import Wav
    from platypus.media.endpoints import Source


def make_source(spec: str) -> Source:
    """A source by its name; ConfigError or AudioFileError where there is none."""
    from platypus.audio import synthetic  # compiled code, and not needed to register

    return synthetic.make_source(spec)


def read_source(path: str, *, loop: bool) -> Source:
    """A WAV file as a source; AudioFileError says what is wrong with it."""
    return buffer(read(path), loop=loop)


def buffer(wav: Wav, *, loop: bool) -> Source:
    """A source of its own for samples that were read once."""
    from platypus.media.endpoints import BufferSource

    return BufferSource(wav.pcm, wav.rate, loop=loop)


def read(path: str) -> Wav:
    from platypus.audio.files import read_wav

    return read_wav(path)
