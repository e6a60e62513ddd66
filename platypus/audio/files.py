"""WAV files: read whole, or written piece by piece as a recording grows.

The format is the RIFF form of Microsoft and IBM (1991), with the extensible header
of 2001. Only linear 16-bit samples are taken, of any rate; of several channels the
first is heard. Everything else is refused with a sentence that says how to convert it.
Rates are not converted here: the stream that plays the samples does that.
"""

from __future__ import annotations

import os
import stat
import struct
import sys
from array import array
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from platypus.errors import AudioFileError

UNKNOWN_SIZE = 0xFFFFFFFF  # a file still being written, by us or by a pipe
HEADER_BYTES = 44
MAX_BYTES = 256 * 1024 * 1024  # held in memory: 46 minutes of 48 kHz mono
MAX_CHUNKS = 1_000  # a file of nothing but empty chunks must not keep us
MAX_CHANNELS = 64
MIN_RATE, MAX_RATE = 1_000, 384_000  # what the resampler takes

_PCM, _FLOAT, _A_LAW, _MU_LAW, _EXTENSIBLE = 1, 3, 6, 7, 0xFFFE
_KINDS = {_FLOAT: "floating point", _A_LAW: "A-law", _MU_LAW: "mu-law"}
# The rest of the GUID whose first two bytes are the format code of the old header.
_GUID_TAIL = bytes.fromhex("000000001000800000aa00389b71")


@dataclass(frozen=True, slots=True)
class Wav:
    """The samples of a file: int16, mono, in the machine's byte order."""

    rate: int
    pcm: bytes

    @property
    def duration(self) -> float:
        return len(self.pcm) / 2 / self.rate


def read_wav(path: str | os.PathLike[str]) -> Wav:
    """Read a whole file. Blocks on the disk; raises `AudioFileError`."""
    name = os.fspath(path)
    try:
        if not stat.S_ISREG(os.stat(name).st_mode):  # opening a pipe would wait for its writer
            raise AudioFileError(name, "is not a file; give the name of a WAV file")
        with open(name, "rb") as file:
            return _read(file, name, os.fstat(file.fileno()).st_size)
    except OSError as error:
        raise AudioFileError(name, f"can't be read: {error.strerror}") from error


def wav_header(rate: int, frames: int | None = None) -> bytes:
    """The 44 bytes before mono 16-bit samples; None says that their number isn't known yet."""
    data = UNKNOWN_SIZE if frames is None else min(2 * frames, UNKNOWN_SIZE)
    riff = min(HEADER_BYTES - 8 + data, UNKNOWN_SIZE)
    return struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        *(b"RIFF", riff, b"WAVE", b"fmt ", 16, _PCM, 1, rate, 2 * rate, 2, 16, b"data", data),
    )


class WavWriter:
    """A recording: every write is on disk at once, so that a reader may follow it.

    Until `close` the header's sizes are 0xFFFFFFFF. Blocks on the disk; raises
    `AudioFileError` where the file can't be made or the disk is full.
    """

    def __init__(self, path: str | os.PathLike[str], rate: int) -> None:
        self.path, self.rate, self.frames = Path(path), rate, 0
        try:
            self._file: BinaryIO | None = open(path, "wb", buffering=0)  # noqa: SIM115
        except OSError as error:
            raise self._error(error) from error
        self._put(wav_header(rate))

    def __enter__(self) -> WavWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def write(self, pcm: bytes) -> None:
        """Append int16 mono samples in the machine's byte order."""
        if sys.byteorder == "big":
            pcm = _swapped(pcm)
        self._put(pcm)
        self.frames += len(pcm) // 2

    def close(self) -> None:
        """Put the sizes into the header. Idempotent."""
        if self._file is None:
            return
        file, self._file = self._file, None
        try:
            with file:
                file.seek(0)
                file.write(wav_header(self.rate, self.frames))
        except OSError as error:
            raise self._error(error) from error

    def _put(self, data: bytes) -> None:
        if self._file is None:
            raise AudioFileError(str(self.path), "the recording is already closed")
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError as error:
            raise self._error(error) from error

    def _error(self, error: OSError) -> AudioFileError:
        return AudioFileError(str(self.path), f"can't be written: {error.strerror}")


@dataclass(frozen=True, slots=True)
class _Format:
    code: int
    channels: int
    rate: int
    bits: int


def _read(file: BinaryIO, name: str, size: int) -> Wav:
    head = file.read(12)
    if len(head) < 12 or head[:4] != b"RIFF" or head[8:] != b"WAVE":
        if not head:
            raise AudioFileError(name, "is an empty file; fetch or record it again")
        raise AudioFileError(name, f"is not a WAV file; convert it: {_recipe(name)}")
    layout: _Format | None = None
    for _ in range(MAX_CHUNKS):
        kind, length = _chunk(file, name)
        padding = length % 2  # a chunk of odd length is followed by a zero
        if kind == b"fmt ":
            layout = _format(file.read(min(length, 40)), name)
            length -= min(length, 40)
        elif kind == b"data":
            if layout is None:
                raise AudioFileError(name, "is damaged: its samples come before their format")
            _check(layout, name)
            return _samples(file, name, layout, length, size - file.tell())
        file.seek(length + padding, os.SEEK_CUR)
    raise AudioFileError(name, f"is damaged: more than {MAX_CHUNKS} parts and no samples")


def _chunk(file: BinaryIO, name: str) -> tuple[bytes, int]:
    head = file.read(8)
    if len(head) < 8:
        raise AudioFileError(name, "is cut off before its first sample; fetch or record it again")
    kind, length = struct.unpack("<4sI", head)
    return kind, length


def _format(data: bytes, name: str) -> _Format:
    if len(data) < 16:
        raise AudioFileError(name, "is cut off in its header; fetch or record it again")
    code, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", data)
    if code == _EXTENSIBLE and len(data) >= 40 and data[26:40] == _GUID_TAIL:
        code = int.from_bytes(data[24:26], "little")
    return _Format(code, channels, rate, bits)


def _check(layout: _Format, name: str) -> None:
    kind = _KINDS.get(layout.code)
    if layout.code != _PCM and kind is None:
        kind = f"coded in a way we don't know (format {layout.code:#x})"
    if layout.code == _PCM and layout.bits != 16:
        kind = f"{layout.bits}-bit"
    if kind is not None:
        raise AudioFileError(name, f"is {kind}, only 16-bit is played; convert it: {_recipe(name)}")
    if not 1 <= layout.channels <= MAX_CHANNELS:
        raise AudioFileError(name, f"is damaged: it says {layout.channels} channels")
    if not MIN_RATE <= layout.rate <= MAX_RATE:
        raise AudioFileError(
            name, f"has {layout.rate} samples a second, from {MIN_RATE} to {MAX_RATE} can be played"
        )


def _samples(file: BinaryIO, name: str, layout: _Format, length: int, left: int) -> Wav:
    if length == UNKNOWN_SIZE:
        length = left  # a recording that goes on, or whose end was never written
    if length > left:
        raise AudioFileError(
            name, f"is cut off after {left} of {length} bytes of sound; fetch or record it again"
        )
    if length > MAX_BYTES:
        raise AudioFileError(name, f"has {length} bytes of sound, {MAX_BYTES} can be played")
    frame = 2 * layout.channels
    samples = array("h")
    samples.frombytes(file.read(length - length % frame))
    if not samples:
        raise AudioFileError(name, "has no sound in it; record it again")
    if layout.channels > 1:
        samples = samples[:: layout.channels]
    if sys.byteorder == "big":
        samples.byteswap()
    return Wav(layout.rate, samples.tobytes())


def _swapped(pcm: bytes) -> bytes:
    samples = array("h", pcm)
    samples.byteswap()
    return samples.tobytes()


def _recipe(name: str) -> str:
    stem = os.path.splitext(os.path.basename(name))[0]
    return f"ffmpeg -i {os.path.basename(name)} -ac 1 -c:a pcm_s16le {stem}-16bit.wav"
