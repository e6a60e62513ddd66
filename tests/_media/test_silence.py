"""Silence suppression (RFC 3389): what is not sent, and what is said in its place."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from platypus._media import rtp
from platypus._media.comfort import Comfort
from platypus._media.stream import Stream
from tests._media.path import FRAME, Pcm, play, speech

NOISE_TYPE = 13


def noise(seconds: float, level_db: float, *, seed: int = 3, rate: int = 8000) -> Pcm:
    """White, so many dB below overload."""
    rms = 32768 * 10 ** (-level_db / 20)
    return np.random.default_rng(seed).normal(0, rms, round(seconds * rate)).astype(np.int16)


def speaker(**options: int) -> Stream:
    stream = Stream(ssrc=7)
    stream.configure_send(0, "pcmu", noise_payload_type=NOISE_TYPE, **options)
    return stream


def sent(pcm: Pcm, stream: Stream | None = None) -> list[rtp.Packet | None]:
    """For each frame the packet that left, if one did."""
    stream = stream or speaker()
    frames = (pcm[at : at + FRAME] for at in range(0, len(pcm) // FRAME * FRAME, FRAME))
    left = (stream.capture(part.tobytes()) for part in frames)
    return [rtp.parse(packet) if packet else None for packet in left]


def descriptions(packets: list[rtp.Packet | None]) -> list[bytes]:
    return [bytes(each.payload) for each in packets if each and each.payload_type == NOISE_TYPE]


def audible(packets: list[rtp.Packet | None]) -> list[int]:
    return [at for at, each in enumerate(packets) if each and each.payload_type == 0]


def test_a_quiet_room_is_described_once_a_second_instead_of_being_sent() -> None:
    packets = sent(noise(10, 60))
    assert audible(packets)[-1] < 30  # until what is quiet here was known
    told = descriptions(packets)
    assert 9 <= len(told) <= 12
    assert all(abs(each[0] - 60) <= 1 for each in told)


def test_nothing_of_what_is_said_is_missing() -> None:
    """Not even the first frame, and 240 ms behind the last."""
    pcm = noise(6, 65)
    pcm[2 * 8000 : 4 * 8000] += speech(2)
    packets = sent(pcm)
    assert set(range(100, 200 + 12)) <= set(audible(packets))
    assert not [at for at in audible(packets) if 50 <= at < 99 or at > 214]


def test_the_first_packet_of_a_spurt_is_marked_and_its_time_is_true() -> None:
    pcm = noise(6, 65)
    pcm[2 * 8000 : 4 * 8000] += speech(2)
    packets = sent(pcm)
    first = packets[100]
    assert first is not None and first.marker and first.timestamp == 100 * FRAME
    told = [each for each in packets if each and each.payload_type == NOISE_TYPE]
    assert not any(each.marker for each in told)
    left = [each for each in packets if each]
    assert [each.sequence for each in left] == list(range(len(left)))


def test_a_noise_that_changes_is_told_anew() -> None:
    packets = sent(np.concatenate([noise(3, 70), noise(3, 64)]))
    told = descriptions(packets)
    assert told[1][0] >= 69 and abs(told[-1][0] - 64) <= 1
    louder = next(at for at, each in enumerate(packets[150:]) if each)
    assert louder < 15


def test_a_muted_microphone_is_told_as_no_noise_at_all() -> None:
    told = descriptions(sent(np.zeros(3 * 8000, np.int16)))
    assert told and set(told) == {b"\x7f"}


def test_a_loud_noise_is_sent_as_it_is() -> None:
    assert len(audible(sent(noise(10, 38)))) == 500


def test_a_new_noise_is_quiet_after_a_while_however_it_began() -> None:
    packets = sent(np.concatenate([noise(2, 75), noise(40, 50)]))
    assert 150 < audible(packets)[-1] < 1500
    assert abs(descriptions(packets)[-1][0] - 50) <= 1


@pytest.mark.parametrize("tilt", [-0.9, 0.0, 0.9])
def test_what_is_made_of_it_has_the_level_and_the_colour(tilt: float) -> None:
    white = noise(8, 58).astype(float)
    made = np.zeros(len(white))
    for at in range(1, len(white)):
        made[at] = white[at] + tilt * made[at - 1]
    made *= np.std(white) / np.std(made)
    told = descriptions(sent(made.astype(np.int16)))[-1]
    comfort = Comfort()
    comfort.describe(told)
    heard = np.frombuffer(comfort.make(64000), np.int16).astype(float)
    assert 20 * np.log10(np.std(heard) / np.std(made)) == pytest.approx(0, abs=1.2)
    assert high(heard) == pytest.approx(high(made), abs=2)


def high(pcm: NDArray[np.float64]) -> float:
    """The upper half of the band beside the lower, in dB."""
    power = np.abs(np.fft.rfft(pcm)) ** 2
    half = len(power) // 2
    return float(10 * np.log10(power[half:].sum() / power[:half].sum()))


def test_the_far_end_hears_the_room_and_misses_nothing() -> None:
    pcm = noise(8, 60)
    pcm[8000 : 2 * 8000] += speech(1)
    packets = sent(pcm)
    heard = play([(20.0 * at, each) for at, each in enumerate(packets) if each], 400)
    counters = heard.counters()
    assert counters["concealed_samples"] == 0 and counters["lost"] == 0
    quiet = heard.pcm[4 * 8000 : 7 * 8000].astype(float)
    assert -20 * np.log10(np.std(quiet) / 32768) == pytest.approx(60, abs=1.5)


def test_without_a_payload_type_silence_is_sent_like_everything_else() -> None:
    stream = Stream(ssrc=7)
    stream.configure_send(0, "pcmu")
    assert len(audible(sent(noise(4, 60), stream))) == 200


def test_in_wide_band_the_level_alone_is_told() -> None:
    stream = Stream(ssrc=7, rate=16000)
    stream.configure_send(9, "g722", noise_payload_type=NOISE_TYPE)
    pcm = noise(4, 60, rate=16000)
    left = [stream.capture(pcm[at : at + 320].tobytes()) for at in range(0, len(pcm), 320)]
    told = descriptions([rtp.parse(each) if each else None for each in left])
    assert told and all(len(each) == 1 and abs(each[0] - 60) <= 1 for each in told)


@given(st.lists(st.sampled_from([0, 1, 60, 900, 30000, -32768]), min_size=1, max_size=60))
def test_whatever_is_captured_is_sent_or_described(levels: list[int]) -> None:
    stream = speaker()
    for number, level in enumerate(levels * 3):
        frame = np.full(FRAME, level, np.int16)
        frame[:: 1 + number % 3] = 0
        packet = stream.capture(frame.tobytes())
        if packet:
            assert rtp.parse(packet).payload_type in (0, NOISE_TYPE)
            assert len(rtp.parse(packet).payload) in (FRAME, 1, 7)
