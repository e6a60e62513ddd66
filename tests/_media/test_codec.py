"""The codecs as a stream uses them: clocks, rates, and changes from one to another."""

from __future__ import annotations

import numpy as np
import pytest

from platypus._media import g711, g722, rtp
from platypus._media.codec import CODECS, codec_number
from platypus._media.stream import Stream
from tests._media.path import MS, speech

WIDE = speech(2.0, rate=16000)
NARROW = speech(2.0)


def packet(number: int, payload_type: int, payload: bytes, *, step: int = 160) -> bytes:
    return rtp.serialize(
        rtp.Packet(
            payload_type=payload_type,
            marker=False,
            sequence=number,
            timestamp=1000 + number * step,
            ssrc=7,
            payload=payload,
        )
    )


def g711_payload(number: int, samples: int = 160) -> bytes:
    return g711.encode_ulaw(NARROW[number * samples : (number + 1) * samples].tobytes())


def heard(stream: Stream, packets: list[bytes], frames: int) -> np.ndarray:
    """Each packet 20 ms after the one before, played in slots a little later."""
    out = []
    for slot in range(frames):
        if slot < len(packets):
            stream.receive(packets[slot], slot * 20 * MS)
        out.append(stream.playout(slot * 20 * MS + 8 * MS))
    return np.frombuffer(b"".join(out), np.int16)


def tone_power(pcm: np.ndarray, hz: float, rate: int) -> float:
    """In dB against full scale, of a sine of `hz` in it."""
    time = np.arange(len(pcm)) / rate
    window = np.hanning(len(pcm))
    amplitude = abs(np.sum(pcm * window * np.exp(-2j * np.pi * hz * time))) / np.sum(window) * 2
    return float(20 * np.log10(max(amplitude, 1e-3) / 32768))


def test_numbers_are_found_by_name_in_any_case() -> None:
    assert codec_number("G722") == CODECS["g722"]
    assert codec_number("telephone-event/48000") == CODECS["telephone-event"]


@pytest.mark.parametrize("name", ["g729", "", "telephone-event/11025", "pcmu/8000", "pcmu/"])
def test_names_of_nothing_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"codec|clock"):
        codec_number(name)


@pytest.mark.parametrize("rate", [16000, 48000])
def test_g711_is_heard_by_a_wideband_leg(rate: int) -> None:
    """A far end may use any codec that was agreed, from packet to packet."""
    time = np.arange(16000) / 8000
    tone = (8000 * np.sin(2 * np.pi * 440 * time)).astype(np.int16)
    packets = [
        packet(n, 0, g711.encode_ulaw(tone[160 * n : 160 * (n + 1)].tobytes())) for n in range(100)
    ]
    stream = Stream(rate=rate)
    stream.configure_receive({0: "pcmu"})
    pcm = heard(stream, packets, 100)[rate // 5 : rate]
    assert tone_power(pcm, 440, rate) == pytest.approx(20 * np.log10(8000 / 32768), abs=0.2)
    assert stream.counters()["concealed_samples"] == 0


def test_g722_is_heard_by_a_narrowband_leg() -> None:
    time = np.arange(32000) / 16000
    tone = (6000 * (np.sin(2 * np.pi * 440 * time) + np.sin(2 * np.pi * 6000 * time))).astype(
        np.int16
    )
    codes = g722.Encoder().encode(tone.tobytes())
    stream = Stream(rate=8000)
    stream.configure_receive({9: "g722"})
    packets = [packet(n, 9, codes[160 * n : 160 * (n + 1)]) for n in range(100)]
    pcm = heard(stream, packets, 100)[1600:8000]
    assert tone_power(pcm, 440, 8000) == pytest.approx(20 * np.log10(6000 / 32768), abs=0.3)
    assert tone_power(pcm, 2000, 8000) < -60  # where 6 kHz would be without a filter


def test_the_codec_changes_between_two_packets_and_nothing_is_lost() -> None:
    codes = g722.Encoder().encode(WIDE.tobytes())
    packets = [
        packet(n, 0, g711_payload(n))
        if n < 20
        else packet(n, 9, codes[160 * (n - 20) : 160 * (n - 19)])
        for n in range(60)
    ]
    stream = Stream(rate=16000)
    stream.configure_receive({0: "pcmu", 9: "g722"})
    pcm = heard(stream, packets, 60)
    # G.722 begins with a state of its own, wherever the call was before.
    start = 2 * np.argmax(np.frombuffer(pcm.tobytes(), np.int16) != 0)
    assert start < 1600
    wide = g722.Decoder().decode(codes[: 160 * 40])
    assert wide[: 640 * 35] in pcm.tobytes()
    assert stream.counters()["concealed_samples"] == stream.counters()["late"] == 0


def test_a_stream_retuned_to_another_codec_goes_on() -> None:
    """A re-INVITE: frames are of another rate, numbers and clock go on."""
    stream = Stream(timestamp=0, sequence=0)
    stream.configure_send(0, "pcmu")
    first = rtp.parse(stream.capture(bytes(320)))
    with pytest.raises(ValueError, match="16000 Hz"):
        stream.configure_send(9, "g722")
    stream.retune(16000)
    stream.configure_send(9, "g722")
    second = rtp.parse(stream.capture(bytes(640)))
    assert first is not None and second is not None
    assert (second.payload_type, second.sequence, second.timestamp) == (9, 1, 160)
    assert len(second.payload) == 160


def test_figures_are_of_the_same_time_after_a_change_of_rate() -> None:
    stream = Stream()
    stream.configure_receive({0: "pcmu", 9: "g722"})
    packets = [packet(n, 0, g711_payload(n)) for n in range(50) if n not in (20, 30)]
    before_ms = 0.0
    for n, data in enumerate(packets):
        stream.receive(data, n * 20 * MS)
        stream.playout(n * 20 * MS + 8 * MS)
    before_ms = stream.statistics()["receive"]["concealed_ms"] or 0.0
    stream.retune(16000)
    counters = stream.counters()
    assert before_ms > 0
    assert stream.statistics()["receive"]["concealed_ms"] == pytest.approx(before_ms, abs=0.1)
    assert counters["requested_samples"] == sum(
        counters[f"{kind}_samples"] for kind in ("played", "concealed", "silent", "inserted")
    )


@pytest.mark.parametrize("clock", [8000, 16000, 48000])
def test_events_have_the_clock_that_was_agreed_for_them(clock: int) -> None:
    speaker = Stream(timestamp=0)
    speaker.configure_send(0, "pcmu", event_payload_type=101, event_clock=clock)
    listener = Stream()
    listener.configure_receive({0: "pcmu", 101: f"telephone-event/{clock}"})
    speaker.send_event(5, 200)
    digits = []
    for slot in range(40):
        data = speaker.capture(None)
        listener.receive(data, slot * 20 * MS)
        listener.playout(slot * 20 * MS + 8 * MS)
        while (event := listener.next_event()) is not None:
            digits += [event] if event[0] == "dtmf" else []
    assert digits == [("dtmf", 5, 200)]


@pytest.mark.parametrize("octets", [0, 961, 1400])
def test_what_is_longer_than_any_packet_is_not_played(octets: int) -> None:
    stream = Stream(rate=48000)
    stream.configure_receive({9: "g722"})
    stream.receive(packet(0, 9, bytes(octets)), 0)
    assert stream.counters()["packets"] <= 1
    assert not any(stream.playout(100 * MS))
