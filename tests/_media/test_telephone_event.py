"""RFC 4733 events, as they are sent and as they are heard."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platypus._media import rtp
from platypus._media.rtp import Packet
from platypus._media.stream import Stream
from tests._media.path import FRAME, MS, as_heard, listener, network, play, speech

EVENT = 101


def sender(**options: int) -> Stream:
    stream = Stream(ssrc=5, sequence=65534, timestamp=800, **options)
    stream.configure_send(0, "pcmu", event_payload_type=EVENT)
    return stream


def sent(stream: Stream, packets: int) -> list[Packet]:
    parsed = [rtp.parse(stream.capture(None)) for _ in range(packets)]
    return [packet for packet in parsed if packet is not None]


def fields(packet: Packet) -> tuple[int, bool, int, int]:
    """Event, end, volume, duration."""
    event, flags, high, low = packet.payload
    return event, bool(flags & 0x80), flags & 0x3F, high << 8 | low


def event_packet(
    number: int,
    *,
    event: int = 5,
    duration: int,
    end: bool = False,
    timestamp: int = 1000,
    marker: bool = False,
) -> Packet:
    payload = bytes([event, (0x80 if end else 0) | 10, duration >> 8, duration & 0xFF])
    return Packet(EVENT, marker, 100 + number, timestamp, 0x1234, payload)


def digits(packets: list[Packet], slots: int | None = None) -> list[tuple[object, ...]]:
    """What a listener reports when these packets come every 20 ms."""
    heard = play(network(packets), len(packets) + 12 if slots is None else slots)
    return [event[1:] for event in heard.events if event[0] == "dtmf"]


class TestSending:
    def test_one_digit_packet_by_packet(self) -> None:
        stream = sender()
        before = sent(stream, 2)
        stream.send_event(5, 100, volume=7)
        during = sent(stream, 7)
        after = sent(stream, 2)
        assert [packet.payload_type for packet in before + after] == [0] * 4
        assert [fields(packet) for packet in during] == [
            (5, False, 7, 160),
            (5, False, 7, 320),
            (5, False, 7, 480),
            (5, False, 7, 640),
            (5, True, 7, 800),
            (5, True, 7, 800),
            (5, True, 7, 800),
        ]
        assert [packet.marker for packet in during] == [True] + [False] * 6
        assert {packet.timestamp for packet in during} == {800 + 2 * FRAME}
        assert [packet.timestamp for packet in after] == [800 + 9 * FRAME, 800 + 10 * FRAME]
        numbers = [packet.sequence for packet in before + during + after]
        assert numbers == [(65534 + n) % 2**16 for n in range(11)]

    def test_a_duration_between_packets_ends_as_it_was_asked_for(self) -> None:
        stream = sender()
        stream.send_event(1, 50)
        assert [fields(packet)[3] for packet in sent(stream, 5)] == [160, 320, 400, 400, 400]

    def test_the_shortest_event_is_three_end_packets(self) -> None:
        stream = sender()
        stream.send_event(1, 1)
        packets = sent(stream, 4)
        assert [fields(packet)[1] for packet in packets[:3]] == [True] * 3
        assert packets[0].marker
        assert packets[3].payload_type == 0

    def test_between_two_digits_audio_passes_for_40_ms(self) -> None:
        stream = sender()
        stream.send_event(1, 40)
        stream.send_event(2, 40)
        types = [packet.payload_type for packet in sent(stream, 12)]
        assert types == [EVENT] * 4 + [0, 0] + [EVENT] * 4 + [0, 0]

    def test_a_pause_is_kept(self) -> None:
        stream = sender()
        stream.send_event(1, 40)
        stream.send_pause(100)
        stream.send_event(2, 40)
        types = [packet.payload_type for packet in sent(stream, 15)]
        assert types == [EVENT] * 4 + [0] * 5 + [EVENT] * 4 + [0] * 2

    def test_events_wait_in_order_and_are_counted_until_they_are_out(self) -> None:
        stream = sender()
        for event in (0, 10, 11, 15):
            stream.send_event(event, 40)
        assert stream.events_pending == 4
        events = [fields(p)[0] for p in sent(stream, 30) if p.payload_type == EVENT and p.marker]
        assert events == [0, 10, 11, 15]
        assert stream.events_pending == 0

    def test_a_long_event_goes_on_in_segments(self) -> None:
        # RFC 4733, 2.5.1.3: the full segment has no end bit, the next no marker.
        stream = sender()
        stream.send_event(3, 9000)
        packets = [p for p in sent(stream, 460) if p.payload_type == EVENT]
        first = [p for p in packets if p.timestamp == 800]
        second = [p for p in packets if p.timestamp == 800 + 0xFFFF]
        assert len(first) + len(second) == len(packets)
        assert [fields(p)[3] for p in first[-3:]] == [0xFFFF] * 3
        assert not any(fields(p)[1] for p in first)
        assert not any(p.marker for p in second)
        assert [fields(p)[1:] for p in second[-3:]] == [(True, 10, 72000 - 0xFFFF)] * 3
        assert fields(second[0])[3] > 0

    def test_more_than_the_queue_holds_is_refused(self) -> None:
        stream = sender()
        for _ in range(64):
            stream.send_event(1, 40)
        with pytest.raises(ValueError, match="too many"):
            stream.send_event(1, 40)

    @pytest.mark.parametrize("duration_ms", [0, -1, 60_001])
    def test_durations_that_make_no_sense(self, duration_ms: int) -> None:
        with pytest.raises(ValueError, match="no such duration"):
            sender().send_event(1, duration_ms)

    def test_without_a_payload_type_there_are_no_events(self) -> None:
        stream = Stream()
        stream.configure_send(0, "pcmu")
        with pytest.raises(ValueError, match="no payload type"):
            stream.send_event(1, 100)
        with pytest.raises(ValueError, match="no payload type"):
            stream.send_pause(100)


class TestHearing:
    def event(self, *, end_packets: int = 3) -> list[Packet]:
        growing = [event_packet(n, duration=160 * (n + 1), marker=n == 0) for n in range(4)]
        ends = [event_packet(4 + n, duration=800, end=True) for n in range(3)]
        return growing + ends[:end_packets]

    def test_a_digit_is_reported_once_with_its_duration(self) -> None:
        assert digits(self.event()) == [(5, 100)]

    def test_when_all_end_packets_are_lost(self) -> None:
        assert digits(self.event(end_packets=0)) == [(5, 80)]

    def test_it_is_not_reported_before_it_can_have_ended(self) -> None:
        assert digits(self.event(end_packets=0), slots=10) == []

    def test_when_only_the_end_packets_come(self) -> None:
        assert digits(self.event()[4:]) == [(5, 100)]

    @pytest.mark.parametrize("number", range(7))
    def test_when_a_single_packet_comes(self, number: int) -> None:
        reported = digits([self.event()[number]])
        assert [event for event, _ in reported] == [5]

    def test_repetitions_and_stragglers_are_ignored(self) -> None:
        packets = self.event()
        late = [event_packet(n, duration=320) for n in (7, 8)]
        assert digits([*packets, *late]) == [(5, 100)]

    def test_reordering_within_an_event(self) -> None:
        packets = self.event()
        assert digits([packets[3], packets[0], packets[4], packets[1], packets[2]]) == [(5, 100)]

    def test_the_same_digit_twice(self) -> None:
        again = [p._replace(timestamp=3000, sequence=p.sequence + 20) for p in self.event()]
        assert digits(self.event() + again) == [(5, 100), (5, 100)]

    def test_a_new_digit_ends_one_whose_end_was_lost(self) -> None:
        second = [
            p._replace(timestamp=3000, sequence=p.sequence + 20, payload=b"\x06" + p.payload[1:])
            for p in self.event()
        ]
        assert digits(self.event(end_packets=0) + second) == [(5, 80), (6, 100)]

    def test_a_straggler_of_the_digit_before_is_no_digit(self) -> None:
        first = self.event()
        second = [p._replace(timestamp=3000, sequence=p.sequence + 20) for p in self.event()]
        straggler = first[2]._replace(sequence=150)
        assert digits([*first[:2], *first[3:], *second, straggler]) == [(5, 100), (5, 100)]

    def test_a_long_event_is_one(self) -> None:
        stream = sender()
        stream.send_event(3, 9000)
        assert digits(sent(stream, 470)) == [(3, 9000)]

    @pytest.mark.parametrize("clock", [8000, 16000, 24000, 32000, 48000])
    def test_a_long_event_of_another_clock_than_the_streams_is_one(self, clock: int) -> None:
        """A segment is 65,535 of its own units long, and its timestamp in those of the stream."""
        stream = Stream(ssrc=5, timestamp=2**32 - 8000)
        stream.configure_send(0, "pcmu", event_payload_type=EVENT, event_clock=clock)
        before = sent(stream, 5)
        stream.send_event(3, 9000)
        ear = Stream()
        ear.configure_receive({0: "pcmu", EVENT: f"telephone-event/{clock}"})
        heard = play(network([*before, *sent(stream, 490)]), 500, stream=ear)
        assert [event for event in heard.events if event[0] == "dtmf"] == [("dtmf", 3, 9000)]

    @pytest.mark.parametrize("event", [16, 17, 64, 255])
    def test_flash_and_tones_are_no_digits(self, event: int) -> None:
        assert digits([event_packet(1, event=event, duration=800, end=True)]) == []

    def test_payloads_too_short_are_no_events(self) -> None:
        packet = event_packet(0, duration=800, end=True)
        assert digits([packet._replace(payload=packet.payload[:3])]) == []

    def test_redundant_data_behind_the_event_is_not_looked_at(self) -> None:
        packet = event_packet(0, duration=800, end=True)
        assert digits([packet._replace(payload=packet.payload + b"\x07\x80\0\1")]) == [(5, 100)]

    def test_more_digits_than_anybody_asks_for_are_bounded(self) -> None:
        stream = listener()
        for n in range(50):
            packet = event_packet(n, event=n % 16, duration=800, end=True, timestamp=1000 * n)
            stream.receive(rtp.serialize(packet), n * 20 * MS)
        reported: list[tuple[object, ...]] = []
        while (event := stream.next_event()) is not None:
            reported.append(event)
        assert [event[1] for event in reported if event[0] == "dtmf"] == [
            n % 16 for n in range(42, 50)
        ]

    def test_a_new_source_may_use_the_same_timestamp(self) -> None:
        other = [
            p._replace(ssrc=9, sequence=p.sequence + 5000, payload=b"\x06" + p.payload[1:])
            for p in self.event()
        ]
        assert digits(self.event() + other) == [(5, 100), (6, 100)]

    @given(st.lists(st.integers(0, 15), min_size=1, max_size=5), st.sets(st.integers(0, 200)))
    def test_what_is_sent_is_heard_unless_a_digit_is_lost_whole(
        self, dialled: list[int], lost: set[int]
    ) -> None:
        stream = sender()
        for event in dialled:
            stream.send_event(event, 100)
            stream.send_pause(200)
        packets = sent(stream, 18 * len(dialled) + 4)
        arrivals = network(packets, lost=lost)
        heard = play(arrivals, len(packets) + 12)
        reported = [event[1] for event in heard.events if event[0] == "dtmf"]
        survivors: dict[int, int] = {}
        for _, packet in arrivals:
            if packet.payload_type == EVENT:
                survivors[packet.timestamp] = packet.payload[0]
        assert reported == [survivors[timestamp] for timestamp in sorted(survivors)]


class TestWithAudio:
    def test_the_gap_of_an_event_is_silence_and_no_loss(self) -> None:
        pcm = speech(2.0)
        stream = sender()
        packets = []
        for number in range(100):
            if number == 40:
                stream.send_event(9, 120)
            frame = pcm[number * FRAME : (number + 1) * FRAME].tobytes()
            parsed = rtp.parse(stream.capture(frame))
            assert parsed is not None
            packets.append(parsed)
        heard = play(network(packets), 100)
        assert heard.counters()["concealed_samples"] == 0
        assert heard.counters()["lost"] == 0
        assert not any(heard.concealed)
        # Eight packets: 120 ms and two repetitions; their time is kept.
        assert not heard.pcm[41 * FRAME : 48 * FRAME].any()
        assert heard.sources(as_heard(pcm))[48:] == [n * FRAME for n in range(48, 100)]
        assert ("dtmf", 9, 120) in heard.events

    def test_an_event_packet_that_is_lost_is_not_concealed(self) -> None:
        stream = sender()
        stream.send_event(9, 120)
        packets = sent(stream, 30)
        heard = play(network(packets, lost=[2, 3]), 30)
        assert heard.counters()["concealed_samples"] == 0
        assert heard.counters()["lost"] == 2
