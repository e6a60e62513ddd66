"""WAV files: what is taken, what is refused and how."""

from __future__ import annotations

import os
import struct
import wave
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platypus.audio.files import (
    HEADER_BYTES,
    MAX_CHUNKS,
    UNKNOWN_SIZE,
    Wav,
    WavWriter,
    read_wav,
    wav_header,
)
from platypus.errors import AudioFileError

SAMPLES = array("h", [0, 1, -1, 32767, -32768, 1234])
PCM_GUID_TAIL = bytes.fromhex("000000001000800000aa00389b71")


def chunk(kind: bytes, data: bytes, size: int | None = None) -> bytes:
    length = len(data) if size is None else size
    return kind + struct.pack("<I", length) + data + b"\0" * (len(data) % 2)


def layout(code: int = 1, channels: int = 1, rate: int = 8000, bits: int = 16) -> bytes:
    width = channels * bits // 8
    return struct.pack("<HHIIHH", code, channels, rate, rate * width & 0xFFFFFFFF, width, bits)


def riff(*chunks: bytes) -> bytes:
    body = b"WAVE" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def extensible(code: int = 1, bits: int = 16) -> bytes:
    guid = struct.pack("<H", code) + PCM_GUID_TAIL
    return layout(0xFFFE, bits=bits) + struct.pack("<HHI", 22, bits, 4) + guid


DATA = chunk(b"data", SAMPLES.tobytes())


@pytest.fixture
def read(tmp_path):
    def reader(data: bytes) -> Wav:
        file = tmp_path / "in.wav"
        file.write_bytes(data)
        return read_wav(file)

    return reader


class TestReading:
    @pytest.mark.parametrize("rate", [8000, 11025, 16000, 22050, 44100, 48000, 96000])
    def test_any_rate_of_what_another_program_wrote(self, tmp_path, rate):
        with wave.open(str(tmp_path / "in.wav"), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(rate)
            file.writeframes(SAMPLES.tobytes())
        assert read_wav(tmp_path / "in.wav") == Wav(rate, SAMPLES.tobytes())

    def test_the_first_channel_of_several(self, read):
        stereo = array("h", [1, -9, 2, -9, 3, -9]).tobytes()
        found = read(riff(chunk(b"fmt ", layout(channels=2)), chunk(b"data", stereo)))
        assert array("h", found.pcm).tolist() == [1, 2, 3]

    def test_the_extensible_header(self, read):
        assert read(riff(chunk(b"fmt ", extensible()), DATA)).pcm == SAMPLES.tobytes()

    def test_past_chunks_that_mean_nothing_here_also_of_odd_length(self, read):
        found = read(
            riff(
                chunk(b"LIST", b"INFOx"),
                chunk(b"fmt ", layout() + b"\0"),
                chunk(b"fact", b"\6\0\0\0"),
                DATA,
                chunk(b"id3 ", b"tail"),
            )
        )
        assert found.pcm == SAMPLES.tobytes()

    def test_a_recording_that_goes_on(self, read):
        assert read(wav_header(8000) + SAMPLES.tobytes()).pcm == SAMPLES.tobytes()

    def test_whole_frames_only(self, read):
        stereo = SAMPLES.tobytes() + b"\1\2"
        found = read(riff(chunk(b"fmt ", layout(channels=2)), chunk(b"data", stereo)))
        assert array("h", found.pcm).tolist() == SAMPLES[::2].tolist()

    def test_says_how_long_it_is(self):
        assert Wav(8000, b"\0\0" * 4000).duration == 0.5


class TestRefusing:
    @pytest.mark.parametrize(
        ("data", "words"),
        [
            (b"", ["empty", "record it again"]),
            (b"ID3\3" + b"\0" * 100, ["not a WAV", "ffmpeg"]),
            (b"RIFF\0\0\0\0AVI " + b"\0" * 100, ["not a WAV", "ffmpeg"]),
            (b"RIFX\0\0\0\0WAVE" + b"\0" * 100, ["not a WAV"]),
            (riff(chunk(b"fmt ", layout(bits=24)), DATA), ["24-bit", "ffmpeg", "in-16bit.wav"]),
            (riff(chunk(b"fmt ", layout(bits=8)), DATA), ["8-bit", "ffmpeg"]),
            (riff(chunk(b"fmt ", layout(code=3, bits=32)), DATA), ["floating point", "ffmpeg"]),
            (riff(chunk(b"fmt ", extensible(3, 32)), DATA), ["floating point"]),
            (riff(chunk(b"fmt ", layout(code=7, bits=8)), DATA), ["mu-law", "ffmpeg"]),
            (riff(chunk(b"fmt ", layout(code=0x55)), DATA), ["0x55", "ffmpeg"]),
            (riff(chunk(b"fmt ", layout(channels=0)), DATA), ["0 channels"]),
            (riff(chunk(b"fmt ", layout(rate=0)), DATA), ["0 samples a second"]),
            (riff(chunk(b"fmt ", layout(rate=4_000_000)), DATA), ["4000000 samples"]),
            (riff(chunk(b"fmt ", layout()), chunk(b"data", b"")), ["no sound"]),
            (riff(chunk(b"fmt ", layout()), chunk(b"data", b"\1")), ["no sound"]),
            (riff(DATA, chunk(b"fmt ", layout())), ["damaged"]),
            (riff(chunk(b"fmt ", layout())), ["cut off", "again"]),
            (riff(chunk(b"fmt ", layout()[:9])), ["cut off"]),
            (riff(chunk(b"fmt ", layout()), chunk(b"data", b"\1\0", 400)), ["after 2 of 400"]),
            (riff(chunk(b"LIST", b"", 0xFFFFFFF0), DATA), ["cut off"]),
            (riff(*[chunk(b"junk", b"")] * (MAX_CHUNKS + 1), DATA), ["no samples"]),
        ],
    )  # fmt: skip
    def test_names_the_file_and_says_what_to_do(self, read, data, words):
        with pytest.raises(AudioFileError) as caught:
            read(data)
        assert "in.wav" in str(caught.value)
        assert all(word in caught.value.problem for word in words), caught.value.problem

    def test_a_missing_file(self, tmp_path):
        with pytest.raises(AudioFileError, match="No such file"):
            read_wav(tmp_path / "none.wav")

    def test_a_directory(self, tmp_path):
        with pytest.raises(AudioFileError, match="not a file"):
            read_wav(tmp_path)

    @pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
    def test_a_pipe_that_nobody_writes_to(self, tmp_path):
        os.mkfifo(tmp_path / "pipe.wav")
        with pytest.raises(AudioFileError, match="not a file"):
            read_wav(tmp_path / "pipe.wav")

    def test_every_beginning_of_a_good_file_but_the_whole(self, read):
        data = riff(chunk(b"fmt ", layout()), DATA)
        for length in range(len(data)):
            with pytest.raises(AudioFileError):
                read(data[:length])
        assert read(data).pcm == SAMPLES.tobytes()


class TestProperties:
    @given(damage=st.lists(st.tuples(st.integers(0, 43), st.integers(0, 255)), max_size=4))
    def test_a_damaged_header_gives_sound_or_an_error(self, tmp_path_factory, damage):
        data = bytearray(wav_header(8000, len(SAMPLES)) + SAMPLES.tobytes())
        for place, value in damage:
            data[place] = value
        file = tmp_path_factory.mktemp("wav") / "in.wav"
        file.write_bytes(data)
        try:
            assert 0 < len(read_wav(file).pcm) <= len(data)
        except AudioFileError:
            return


class TestWriting:
    def test_others_read_what_was_written(self, tmp_path):
        with WavWriter(tmp_path / "out.wav", 16000) as writer:
            writer.write(SAMPLES.tobytes())
            writer.write(SAMPLES.tobytes())
        with wave.open(str(tmp_path / "out.wav")) as file:
            assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 16000)
            assert file.readframes(100) == SAMPLES.tobytes() * 2
        assert (tmp_path / "out.wav").stat().st_size == HEADER_BYTES + 4 * len(SAMPLES)

    def test_a_reader_may_follow_it_as_it_grows(self, tmp_path):
        writer = WavWriter(tmp_path / "out.wav", 8000)
        for count in range(1, 4):
            writer.write(SAMPLES.tobytes())
            assert read_wav(tmp_path / "out.wav").pcm == SAMPLES.tobytes() * count
        writer.close()

    def test_its_sizes_are_unknown_until_the_end(self, tmp_path):
        writer = WavWriter(tmp_path / "out.wav", 8000)
        head = (tmp_path / "out.wav").read_bytes()
        assert struct.unpack_from("<I", head, 4)[0] == UNKNOWN_SIZE
        assert struct.unpack_from("<I", head, 40)[0] == UNKNOWN_SIZE
        writer.close()
        writer.close()
        assert struct.unpack_from("<I", (tmp_path / "out.wav").read_bytes(), 40)[0] == 0

    def test_a_header_has_44_bytes_and_never_overflows(self):
        assert len(wav_header(8000)) == len(wav_header(48000, 2**40)) == HEADER_BYTES

    def test_nothing_is_written_after_the_end(self, tmp_path):
        writer = WavWriter(tmp_path / "out.wav", 8000)
        writer.close()
        with pytest.raises(AudioFileError, match="closed"):
            writer.write(b"\0\0")

    def test_a_place_that_can_not_be_written(self, tmp_path):
        with pytest.raises(AudioFileError, match="can't be written"):
            WavWriter(tmp_path / "none" / "out.wav", 8000)

    @pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")
    def test_a_full_disk(self):
        with pytest.raises(AudioFileError, match="No space left"):
            WavWriter("/dev/full", 8000)
