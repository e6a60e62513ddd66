"""Sources and sinks, as the far end of a leg hears and fills them."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterator

import numpy as np
import pytest

from platypus._media.endpoint import (
    BufferSource,
    EchoSource,
    NullSink,
    RingSink,
    RingSource,
    SilenceSource,
    Sink,
    Source,
    ToneSource,
)
from platypus._media.g711 import decode_ulaw, encode_ulaw
from platypus._media.loop import Loop
from platypus._media.ring import Ring
from tests._media.peer import Peer, address_of, next_event, open_leg, running_loop, wait_for

SILENCE = b"\xff" * 160
FRAME = 160


@pytest.fixture
def loop() -> Iterator[Loop]:
    with running_loop() as loop:
        yield loop


def speech(samples: int, seed: int = 1) -> np.ndarray:
    """Noise that is never silent in any frame, so that every frame can be told from another."""
    values = np.random.default_rng(seed).integers(-8000, 8000, samples)
    return np.where(values == 0, 500, values).astype(np.int16)


def sent_from(peer: Peer, frames: int) -> bytes:
    """The payloads of so many packets, from the first that is not silence."""
    first = wait_for(lambda: next((p for p in [peer.receive().payload] if p != SILENCE), None))
    return first + b"".join(packet.payload for packet in peer.receive_many(frames - 1))


def as_samples(payload: bytes) -> np.ndarray:
    return np.frombuffer(decode_ulaw(payload), dtype=np.int16).astype(float)


def snr_db(samples: np.ndarray, hz: float, rate: int = 8000) -> float:
    """How much of the signal is the sine of `hz`."""
    angle = 2 * math.pi * hz * np.arange(len(samples)) / rate
    basis = np.stack([np.sin(angle), np.cos(angle)])
    fit = np.linalg.lstsq(basis.T, samples, rcond=None)[0] @ basis
    return 10 * math.log10(np.mean(fit**2) / np.mean((samples - fit) ** 2))


class TestBuffer:
    def test_every_sample_leaves_bit_by_bit_and_then_silence(self, loop):
        peer = Peer()
        leg = open_leg(loop, peer.address)
        pcm = speech(25 * FRAME)
        leg.set_source(BufferSource(pcm.tobytes(), 8000))
        assert sent_from(peer, 25) == encode_ulaw(pcm.tobytes())
        assert peer.receive().payload == SILENCE

    def test_its_end_is_told_once(self, loop):
        peer = Peer()
        leg = open_leg(loop, peer.address)
        leg.set_source(BufferSource(speech(3 * FRAME + 7).tobytes(), 8000))
        assert next_event(loop, "source-ended") == (leg.id, "source-ended")
        sent = leg.statistics()["send"]["packets"]
        wait_for(lambda: leg.statistics()["send"]["packets"] > sent + 5)
        assert loop.drain_events() == []

    def test_a_loop_repeats_without_a_gap(self, loop):
        peer = Peer()
        leg = open_leg(loop, peer.address)
        pcm = speech(250).tobytes()
        leg.set_source(BufferSource(pcm, 8000, loop=True))
        assert sent_from(peer, 20) == encode_ulaw(pcm * 13)[: 20 * FRAME]

    def test_plays_from_the_first_sample_whenever_a_leg_takes_it(self, loop):
        peer = Peer()
        leg = open_leg(loop, peer.address)
        source = BufferSource(speech(100 * FRAME).tobytes(), 8000)
        leg.set_source(source)
        first = sent_from(peer, 3)
        leg.set_source(None)
        wait_for(lambda: peer.receive().payload == SILENCE)
        leg.set_source(source)
        assert sent_from(peer, 3) == first

    def test_waits_for_media_before_its_first_sample(self, loop):
        peer = Peer()
        leg = open_leg(loop)
        pcm = speech(5 * FRAME).tobytes()
        leg.set_source(BufferSource(pcm, 8000))
        peer.talk(address_of(leg), lambda: leg.statistics()["receive"]["packets"] > 5)
        leg.configure_send(0, "pcmu", peer.address)
        assert sent_from(peer, 5) == encode_ulaw(pcm)

    @pytest.mark.parametrize("rate", [16_000, 44_100, 48_000, 11_025])
    def test_any_rate_is_resampled(self, loop, rate):
        peer = Peer()
        leg = open_leg(loop, peer.address)
        time = np.arange(rate) / rate
        tone = np.round(10_000 * np.sin(2 * math.pi * 1000 * time)).astype(np.int16)
        leg.set_source(BufferSource(tone.tobytes(), rate))
        assert snr_db(as_samples(sent_from(peer, 20))[FRAME:], 1000) > 35

    def test_an_empty_buffer_is_silence_that_ends_at_once(self, loop):
        peer = Peer()
        leg = open_leg(loop, peer.address)
        leg.set_source(BufferSource(b"", 8000, loop=True))
        assert peer.receive().payload == SILENCE
        leg.set_source(BufferSource(b"", 8000))
        assert next_event(loop, "source-ended")

    def test_its_memory_is_held_as_long_as_it_plays(self, loop):
        peer = Peer()
        leg = open_leg(loop, peer.address)
        pcm = bytearray(speech(50 * FRAME).tobytes())
        leg.set_source(BufferSource(pcm, 8000))
        with pytest.raises(BufferError):
            pcm.extend(b"xx")
        expected = encode_ulaw(bytes(pcm))
        del pcm
        assert sent_from(peer, 50) == expected

    @pytest.mark.parametrize(
        ("pcm", "rate", "problem"), [(b"abc", 8000, "odd"), (b"ab", 100, "rate"), (b"", 0, "rate")]
    )
    def test_refuses_what_is_no_audio(self, pcm, rate, problem):
        with pytest.raises(ValueError, match=problem):
            BufferSource(pcm, rate)


class TestTone:
    def test_has_the_frequency_and_the_level_that_were_asked_for(self, loop):
        peer = Peer()
        leg = open_leg(loop, peer.address)
        leg.set_source(ToneSource([(1004, 8000)]))
        samples = as_samples(sent_from(peer, 50))
        assert snr_db(samples, 1004) > 35
        assert np.sqrt(np.mean(samples**2)) == pytest.approx(8000 / math.sqrt(2), rel=0.01)

    def test_a_cadence_is_on_and_off(self, loop):
        peer = Peer()
        leg = open_leg(loop, peer.address)
        leg.set_source(ToneSource([(440, 8000)], [40, 60]))
        payload = sent_from(peer, 10)
        quiet = [payload[at : at + FRAME] == SILENCE for at in range(0, len(payload), FRAME)]
        assert quiet == [False, False, True, True, True] * 2

    def test_a_sum_over_full_scale_is_cut_and_does_not_wrap(self, loop):
        peer = Peer()
        leg = open_leg(loop, peer.address)
        leg.set_source(ToneSource([(100, 32_767), (100, 32_767)]))
        samples = as_samples(sent_from(peer, 10))
        steps = np.abs(np.diff(samples))
        assert samples.max() > 30_000
        assert steps.max() < 10_000

    @pytest.mark.parametrize(
        ("tones", "cadence"),
        [([], ()), ([(440, 1)] * 5, ()), ([(0, 1)], ()), ([(440, 40_000)], ()), ([(440, 1)], [0])],
    )
    def test_refuses_what_is_no_tone(self, tones, cadence):
        with pytest.raises(ValueError, match=r"tone|cadence"):
            ToneSource(tones, cadence)


class TestRingsAndEcho:
    def test_what_is_played_reaches_a_ring(self, loop):
        peer = Peer()
        leg = open_leg(loop, peer.address)
        ring = Ring(8000)
        leg.set_sink(RingSink(ring, 8000))
        payload = encode_ulaw(speech(FRAME).tobytes())
        peer.talk(address_of(leg), lambda: ring.available > 30 * FRAME, payload)
        heard = ring.read(8000)
        assert decode_ulaw(payload) in heard

    def test_a_ring_at_another_rate_gets_it_resampled(self, loop):
        peer = Peer()
        leg = open_leg(loop, peer.address)
        ring = Ring(96_000)
        leg.set_sink(RingSink(ring, 48_000))
        time = np.arange(FRAME) / 8000
        tone = np.round(8000 * np.sin(2 * math.pi * 1000 * time)).astype(np.int16)
        peer.talk(address_of(leg), lambda: ring.available > 40_000, encode_ulaw(tone.tobytes()))
        samples = np.frombuffer(ring.read(96_000), dtype=np.int16).astype(float)
        assert max(snr_db(samples[at : at + 4800], 1000, 48_000) for at in (20_000, 30_000)) > 30

    def test_a_full_ring_loses_and_counts_and_stops_nothing(self, loop):
        peer = Peer()
        leg = open_leg(loop, peer.address)
        ring = Ring(FRAME)
        leg.set_sink(RingSink(ring, 8000))
        wait_for(lambda: leg.statistics()["sink_overruns"] >= 5 * FRAME)
        assert peer.receive().payload == SILENCE

    def test_an_echo_sends_back_what_was_played(self, loop):
        peer = Peer()
        leg = open_leg(loop, peer.address)
        leg.set_source(EchoSource())
        said = encode_ulaw(speech(FRAME).tobytes())
        heard: list[bytes] = []

        def echoed() -> bool:
            heard.append(peer.receive().payload)
            return said in b"".join(heard)

        peer.talk(address_of(leg), echoed, said)

    def test_no_sink_is_as_good_as_a_null_sink(self, loop):
        peer = Peer()
        leg = open_leg(loop, peer.address)
        for sink in (None, NullSink()):
            leg.set_sink(sink)
            before = leg.statistics()["receive"]["packets"]
            peer.talk(address_of(leg), lambda b=before: leg.statistics()["receive"]["packets"] > b)
        assert leg.statistics()["sink_overruns"] == 0

    def test_a_source_given_to_a_second_leg_leaves_the_first_in_silence(self, loop):
        first, second = Peer(), Peer()
        one, other = open_leg(loop, first.address), open_leg(loop, second.address)
        tone = ToneSource([(440, 8000)])
        one.set_source(tone)
        sent_from(first, 2)
        other.set_source(tone)
        sent_from(second, 2)
        wait_for(lambda: first.receive().payload == SILENCE)
        one.set_source(tone)
        sent_from(first, 2)

    def test_a_source_lives_as_long_as_a_leg_needs_it(self, loop):
        peer = Peer()
        leg = open_leg(loop, peer.address)
        leg.set_source(RingSource(filled(Ring(80_000), 500), 8000))
        assert len(sent_from(peer, 30)) == 30 * FRAME

    def test_a_microphone_begins_when_its_ring_has_reached_its_level(self, loop):
        peer = Peer()
        leg = open_leg(loop, peer.address)
        ring = Ring(4000)
        leg.set_source(RingSource(ring, 8000, card_period=80))
        filled(ring, 1)
        assert [p.payload for p in peer.receive_many(4)] == [SILENCE] * 4
        filled(ring, 3)
        assert len(sent_from(peer, 2)) == 2 * FRAME

    def test_a_microphone_that_was_not_read_for_long_is_not_heard_late(self, loop):
        peer = Peer()
        leg = open_leg(loop, peer.address)
        ring = filled(Ring(80_000), 400)
        leg.set_source(RingSource(ring, 8000, card_period=80))
        sent_from(peer, 1)
        assert ring.available <= 85 * 8

    def test_a_speaker_ring_is_filled_to_its_level_and_no_further(self, loop):
        leg = open_leg(loop, Peer().address)
        ring = Ring(48_000)
        leg.set_sink(RingSink(ring, 48_000, card_period=480))
        wait_for(lambda: leg.statistics()["sink_overruns"] > 4800)
        assert ring.available < 0.1 * 48_000

    def test_rates_are_those_given(self):
        assert RingSource(Ring(10), 44_100).rate == 44_100
        assert RingSink(Ring(10), 16_000).rate == 16_000
        assert (SilenceSource().rate, NullSink().rate) == (0, 0)
        assert isinstance(SilenceSource(), Source)
        assert isinstance(NullSink(), Sink)


def filled(ring: Ring, frames: int) -> Ring:
    ring.write(array("h", [1000, -1000] * (frames * FRAME // 2)))
    return ring
