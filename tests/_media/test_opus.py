"""Opus by the machine's libopus: what is sent, what is heard, what helps where packets are lost."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from itertools import pairwise
from types import MappingProxyType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from platypus._media import rtp
from platypus._media.codec import Decoder
from platypus._media.opus import describe
from platypus._media.stream import Stream
from platypus.media import opus
from tests._media.path import MS, speech

pytestmark = pytest.mark.skipif(not opus.available(), reason="no libopus here")

Pcm = NDArray[np.int16]
RATE = 48_000
FRAME = 960  # samples of 20 ms
SPEECH = speech(4.0, rate=RATE)
TIME = np.arange(2 * RATE) / RATE


def speaker(*, ptime_ms: int = 20, **settings: int) -> Stream:
    stream = Stream(rate=RATE, ptime_ms=ptime_ms, timestamp=0)
    stream.configure_send(107, "opus", settings=settings)
    return stream


def sent(pcm: Pcm, stream: Stream) -> list[rtp.Packet]:
    """A packet for each frame, `None` where nothing had to be sent."""
    step = stream.frame_samples
    packets = []
    for at in range(0, len(pcm) - step + 1, step):
        data = stream.capture(pcm[at : at + step].tobytes())
        packet = rtp.parse(data) if data else None
        if packet is not None:
            packets.append(packet)
    return packets


def payloads(pcm: Pcm, **settings: int) -> list[bytes]:
    return [bytes(packet.payload) for packet in sent(pcm, speaker(**settings))]


def decoded(parts: list[bytes], rate: int = RATE) -> Pcm:
    decoder = Decoder("opus", rate)
    return np.frombuffer(b"".join(map(decoder.decode, parts)), np.int16)


def pitch_and_level(pcm: Pcm, rate: int) -> tuple[float, float]:
    spectrum = np.abs(np.fft.rfft(pcm * np.hanning(len(pcm))))
    return float(np.argmax(spectrum) * rate / len(pcm)), float(np.std(pcm.astype(float)))


def snr_db(wanted: Pcm, got: Pcm) -> float:
    difference = wanted.astype(float) - got
    return float(10 * np.log10(np.sum(wanted.astype(float) ** 2) / np.sum(difference**2)))


def played(
    parts: list[bytes], lost: set[int], late_ms: Mapping[int, int] = MappingProxyType({})
) -> tuple[Pcm, float]:
    """As a stream plays these packets, and how long they waited in the end."""
    listener = Stream(rate=RATE)
    listener.configure_receive({107: "opus"})
    arrivals: list[tuple[int, bytes]] = []
    for number, part in enumerate(parts):
        packet = rtp.Packet(
            payload_type=107,
            marker=False,
            sequence=number,
            timestamp=FRAME * number,
            ssrc=1,
            payload=part,
        )
        if number not in lost:
            arrivals.append((number * 20 + late_ms.get(number, 0), rtp.serialize(packet)))
    arrivals.sort(reverse=True)
    out = b""
    for slot in range(len(parts)):
        now = slot * 20 + 8
        while arrivals and arrivals[-1][0] <= now:
            at, data = arrivals.pop()
            listener.receive(data, at * MS)
        out += listener.playout(now * MS)
    return np.frombuffer(out, np.int16), listener.counters()["buffer_ms"]


def libopus_alone(parts: list[bytes], lost: set[int]) -> Pcm:
    """What its decoder makes up, and what it is told."""
    decoder = Decoder("opus", RATE)
    made = []
    for number, part in enumerate(parts):
        if number not in lost:
            made.append(decoder.decode(part))
        else:
            told = b"" if number + 1 in lost else decoder.decode_fec(parts[number + 1], FRAME)
            made.append(told or decoder.conceal(FRAME))
    return np.frombuffer(b"".join(made), np.int16)


def likeness(a: Pcm, b: Pcm) -> float:
    """The correlation coefficient."""
    return float(np.corrcoef(a.astype(float), b.astype(float))[0, 1])


@pytest.mark.parametrize("rate", [8000, 16000, 48000])
def test_a_tone_comes_through_as_loud_at_every_rate(rate: int) -> None:
    tone = (8000 * np.sin(2 * np.pi * 1000 * TIME)).astype(np.int16)
    heard = decoded(payloads(tone), rate)
    assert len(heard) == 2 * rate
    pitch, level = pitch_and_level(heard[rate // 2 :], rate)
    assert pitch == pytest.approx(1000, abs=3)
    assert 20 * np.log10(level / (8000 / np.sqrt(2))) == pytest.approx(0, abs=1)


@pytest.mark.parametrize("ptime_ms", [10, 20, 40, 60])
def test_timestamps_count_48000_a_second_whatever_the_packets_are(ptime_ms: int) -> None:
    packets = sent(SPEECH, speaker(ptime_ms=ptime_ms))
    assert {b.timestamp - a.timestamp for a, b in pairwise(packets)} == {48 * ptime_ms}
    assert {describe(packet.payload)[0] for packet in packets} == {48 * ptime_ms}


def test_a_wish_for_few_bits_is_kept() -> None:
    size = [sum(map(len, payloads(SPEECH, bitrate=rate))) for rate in (12_000, 24_000)]
    assert size[0] * 8 / 4 < 14_000
    assert size[0] < 0.7 * size[1]


def test_a_constant_rate_is_constant() -> None:
    assert len({len(payload) for payload in payloads(SPEECH, cbr=1)}) == 1


def test_a_far_end_that_plays_8_kilohertz_is_sent_no_more() -> None:
    # RFC 6716, table 2: the bandwidth by the configuration; narrowband is 0 to 3 and 16 to 19.
    configurations = {payload[0] >> 3 for payload in payloads(SPEECH, max_rate=8000)}
    assert configurations <= {*range(4), *range(16, 20)}


def test_silence_is_not_sent_to_who_asked_for_that() -> None:
    silence = np.zeros(4 * RATE, np.int16)
    pcm = np.concatenate([SPEECH[:RATE], silence, SPEECH[:RATE]])
    packets = sent(pcm, speaker(dtx=1))
    assert len(packets) < 6 * 50 - 150
    after = next(p for a, p in pairwise(packets) if p.timestamp - a.timestamp > FRAME)
    assert after.marker  # RFC 3551, 4.1
    assert [b.sequence - a.sequence for a, b in pairwise(packets)] == [1] * (len(packets) - 1)
    assert len(sent(pcm, speaker())) == 6 * 50


class TestLoss:
    def lossy(self) -> list[bytes]:
        """As a sender codes who was told of a tenth being lost."""
        stream = speaker(fec=1)
        stream.follow_loss(0.09)
        stream.follow_loss(0.09)
        return [bytes(packet.payload) for packet in sent(SPEECH, stream)]

    def test_redundancy_is_sent_once_loss_is_reported(self) -> None:
        assert not any(describe(payload)[1] for payload in payloads(SPEECH, fec=1))
        assert sum(describe(payload)[1] for payload in self.lossy()) > 80

    @pytest.mark.parametrize("bitrate", [24000, 32000])
    def test_even_a_little_loss_gets_redundancy_in_nearly_every_packet(self, bitrate: int) -> None:
        stream = speaker(fec=1, bitrate=bitrate)
        stream.follow_loss(0.02)
        assert sum(describe(bytes(each.payload))[1] for each in sent(SPEECH, stream)) > 80
        for _ in range(12):
            stream.follow_loss(0.0)
        assert sum(describe(bytes(each.payload))[1] for each in sent(SPEECH, stream)) < 5

    def test_a_lost_packet_is_had_from_the_next(self) -> None:
        parts = self.lossy()
        whole = decoded(parts)
        decoder = Decoder("opus", RATE)
        by_fec, made_up = [], []
        for number, part in enumerate(parts):
            if number % 10 == 5 and describe(parts[number + 1])[1]:
                span = slice(number * FRAME, (number + 1) * FRAME)
                concealer = Decoder("opus", RATE)
                for before in parts[:number]:
                    concealer.decode(before)
                guess = np.frombuffer(concealer.conceal(FRAME), np.int16)
                copy = np.frombuffer(decoder.decode_fec(parts[number + 1], FRAME), np.int16)
                assert len(copy) == len(guess) == FRAME
                by_fec.append(likeness(copy, whole[span]))
                made_up.append(likeness(guess, whole[span]))
            else:
                decoder.decode(part)
        assert len(by_fec) > 5
        assert np.mean(by_fec) > 0.9
        assert np.mean(by_fec) > np.mean(made_up)

    def test_a_stream_plays_what_the_next_packet_tells(self) -> None:
        """On a path whose jitter makes a packet wait for the next one anyhow."""
        parts = self.lossy()
        lost = {n for n in range(60, len(parts) - 5, 7) if describe(parts[n + 1])[1]}
        late = dict.fromkeys(range(0, len(parts), 3), 25)
        torn, _ = played(parts, lost, late)
        whole, _ = played(parts, set(), late)
        concealer = Decoder("opus", RATE)
        guessed = b"".join(
            concealer.conceal(FRAME) if n in lost else concealer.decode(part)
            for n, part in enumerate(parts)
        )
        difference = snr_db(decoded(parts), np.frombuffer(guessed, np.int16))
        assert len(lost) > 5
        assert snr_db(whole, torn) > difference + 1.5

    def test_the_first_of_two_losses_is_bridged_to_what_is_told_of_the_second(self) -> None:
        """On a path whose jitter makes a packet wait for the two behind it."""
        parts = self.lossy()
        first = {n for n in range(60, len(parts) - 5, 7) if describe(parts[n + 2])[1]}
        lost = first | {n + 1 for n in first}
        late = dict.fromkeys(range(0, len(parts), 3), 48)
        torn, _ = played(parts, lost, late)
        whole, _ = played(parts, set(), late)
        plain = libopus_alone(parts, lost)
        assert len(first) > 5
        assert snr_db(whole, torn) > snr_db(decoded(parts), plain) + 1.0

    def test_losses_in_runs_are_waited_for_longer_than_as_many_alone(self) -> None:
        parts = self.lossy() * 3
        runs = {n + k for n in range(20, len(parts) - 5, 24) for k in (0, 1, 2)}
        alone = set(range(20, len(parts) - 5, 8))
        assert len(runs) == pytest.approx(len(alone), abs=3)
        assert played(parts, alone)[1] == pytest.approx(28, abs=1)
        assert 38 < played(parts, runs)[1] < 49

    def test_a_packet_that_tells_nothing_of_the_one_before_gives_nothing(self) -> None:
        parts = payloads(SPEECH)
        decoder = Decoder("opus", RATE)
        decoder.decode(parts[0])
        assert decoder.decode_fec(parts[2], FRAME) == b""

    def test_what_is_no_multiple_of_its_frames_is_left_to_others(self) -> None:
        decoder = Decoder("opus", RATE)
        decoder.decode(payloads(SPEECH)[0])
        assert len(decoder.conceal(120)) == 240
        assert decoder.conceal(100) == decoder.conceal(0) == b""

    def test_nothing_is_made_up_before_anything_was_heard(self) -> None:
        assert Decoder("opus", RATE).conceal(FRAME) == b""
        assert Decoder("pcmu").conceal(160) == b""

    def test_heavy_loss_costs_bits_which_come_back_when_it_is_over(self) -> None:
        stream = speaker(fec=1)

        def spoken() -> tuple[int, int]:
            packets = [bytes(packet.payload) for packet in sent(SPEECH, stream)]
            return sum(map(len, packets)), sum(describe(packet)[1] for packet in packets)

        before, _ = spoken()
        for _ in range(10):
            stream.follow_loss(0.3)
        narrow, redundant = spoken()
        for _ in range(40):
            stream.follow_loss(0.0)
        assert narrow < 0.8 * before
        assert redundant > 80  # it is needed most now
        assert spoken()[0] > 0.9 * before

    def test_a_single_burst_of_loss_costs_no_bits(self) -> None:
        stream = speaker(fec=1)
        stream.follow_loss(0.09)  # the redundancy's own
        before = sum(len(packet.payload) for packet in sent(SPEECH, stream))
        for lost in (0.2, 0.02, 0.2, 0.02):
            stream.follow_loss(lost)
        behind = sent(SPEECH, stream)
        assert sum(len(packet.payload) for packet in behind) > 0.95 * before
        assert sum(describe(bytes(packet.payload))[1] for packet in behind) > 80


class TestAnything:
    @given(st.binary(min_size=1, max_size=1400))
    def test_the_length_of_a_packet_is_what_libopus_says(self, payload: bytes) -> None:
        libopus = ctypes.CDLL("libopus.so.0")
        said = libopus.opus_packet_get_nb_samples(payload, len(payload), RATE)
        ours = describe(payload)[0]
        assert ours == (said if said > 0 else 0)

    @given(st.binary(max_size=1400))
    def test_any_payload_gives_exactly_as_much_as_it_promised(self, payload: bytes) -> None:
        for rate in (8000, 16000, 48000):
            decoder = Decoder("opus", rate)
            promised = decoder.samples(payload)
            assert len(decoder.decode(payload)) == 2 * promised
            assert len(decoder.decode_fec(payload, rate // 50)) in (0, 2 * rate // 50)

    @given(st.lists(st.integers(0, 255), min_size=2, max_size=300).map(bytes))
    def test_its_header_may_say_anything(self, payload: bytes) -> None:
        assert describe(bytes([3]) + payload)[1] in (True, False)


def test_opus_and_g711_may_follow_each_other_in_one_stream() -> None:
    listener = Stream(rate=RATE)
    listener.configure_receive({107: "opus", 0: "pcmu"})
    speaker_ = speaker()
    played = b""
    for slot in range(100):
        frame = SPEECH[slot * FRAME : (slot + 1) * FRAME].tobytes()
        listener.receive(speaker_.capture(frame), slot * 20_000_000)
        played += listener.playout(slot * 20_000_000 + 8_000_000)
    counters = listener.counters()
    assert counters["concealed_samples"] == counters["refused"] == 0
    pcm = np.frombuffer(played, np.int16)
    assert np.std(pcm[-RATE:].astype(float)) == pytest.approx(
        np.std(SPEECH[:RATE].astype(float)), rel=0.3
    )


def test_settings_that_are_none_are_refused() -> None:
    for settings in ({"bitrate": 5}, {"speed": 1}):
        with pytest.raises(ValueError, match="no settings"):
            speaker(**settings)
