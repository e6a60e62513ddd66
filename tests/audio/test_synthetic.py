"""Sources by name, the virtual cable's ends, and the made-up voice."""

from __future__ import annotations

import numpy as np
import pytest

from platypus._media.endpoint import (
    BufferSource,
    EchoSource,
    NullSink,
    RingSink,
    RingSource,
    SilenceSource,
    ToneSource,
)
from platypus.audio.files import WavWriter
from platypus.audio.synthetic import VirtualCable, make_source, null_sink, speech
from platypus.errors import AudioFileError, ConfigError


def samples(pcm: bytes) -> np.ndarray:
    return np.frombuffer(pcm, np.int16).astype(float)


class TestNames:
    @pytest.mark.parametrize(
        ("name", "kind"),
        [
            ("null", SilenceSource),
            ("tone", ToneSource),
            ("echo", EchoSource),
            ("speech", BufferSource),
        ],
    )
    def test_each_makes_its_source(self, name, kind):
        assert type(make_source(name)) is kind

    @pytest.mark.parametrize("kind", ["wav:", "wav-loop:"])
    def test_a_file_keeps_its_rate(self, tmp_path, kind):
        with WavWriter(tmp_path / "a:b.wav", 44100) as file:
            file.write(b"\1\0" * 100)
        source = make_source(f"{kind}{tmp_path}/a:b.wav")
        assert type(source) is BufferSource and source.rate == 44100

    @pytest.mark.parametrize(
        ("name", "hint"),
        [
            ("tome", "tone"),
            ("wav", "wav:"),
            ("wav:", "wav:"),
            ("", "null"),
            ("system", "there are"),
        ],
    )
    def test_one_that_is_none_gets_a_suggestion(self, name, hint):
        with pytest.raises(ConfigError, match=hint):
            make_source(name)

    def test_a_bad_file_is_named(self, tmp_path):
        with pytest.raises(AudioFileError, match=r"none\.wav"):
            make_source(f"wav:{tmp_path}/none.wav")


class TestCable:
    def test_has_a_source_and_a_sink_at_each_end(self):
        cable = VirtualCable(16000)
        for source, sink in (cable.left, cable.right):
            assert (type(source), type(sink)) == (RingSource, RingSink)
            assert source.rate == sink.rate == 16000

    def test_nowhere_is_a_sink_too(self):
        assert type(null_sink()) is NullSink


class TestSpeech:
    def test_is_the_same_every_time_and_as_long_as_asked(self):
        assert speech(1.5) == speech(1.5)
        assert len(speech(1.5)) == 2 * 12_000
        assert len(speech(0.5, 16000)) == 2 * 8000
        assert speech(0) == b""

    def test_is_loud_but_never_clips(self):
        signal = samples(speech(8))
        assert 10_000 < np.abs(signal).max() < 20_000
        assert 1_000 < np.sqrt(np.mean(signal**2)) < 5_000

    def test_has_pauses(self):
        frames = np.abs(samples(speech(8))[: 8000 * 8 // 160 * 160].reshape(-1, 160)).max(axis=1)
        assert 0.05 < np.mean(frames == 0) < 0.4

    def test_lies_in_the_telephone_band(self):
        spectrum = np.abs(np.fft.rfft(samples(speech(8)))) ** 2
        hz = np.fft.rfftfreq(64_000, 1 / 8000)
        assert spectrum[(hz > 90) & (hz < 3400)].sum() > 0.98 * spectrum.sum()
