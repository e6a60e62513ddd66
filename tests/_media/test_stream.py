"""One stream: what is sent, what is refused, what is told; and that nothing breaks it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from platypus._media import g711, rtp
from platypus._media.codec import codec_number
from platypus._media.rtp import Packet
from platypus._media.stream import Stream
from tests._media.path import FRAME, MS, Sender, as_heard, listener, network, play, speech

SPEECH = speech(2.0)
FRAMES = [SPEECH[at : at + FRAME].tobytes() for at in range(0, len(SPEECH), FRAME)]
PACKETS = Sender(SPEECH).packets()


def speaker(codec: str = "pcmu", **options: int) -> Stream:
    stream = Stream(ssrc=0xAABBCCDD, sequence=65535, timestamp=2**32 - 160, **options)
    stream.configure_send({"pcmu": 0, "pcma": 8, "g722": 9}[codec], codec)
    return stream


def parsed(data: bytes) -> Packet:
    packet = rtp.parse(data)
    assert packet is not None
    return packet


class TestSending:
    def test_packets_count_on_from_where_they_were_told_to(self) -> None:
        stream = speaker()
        packets = [parsed(stream.capture(frame)) for frame in FRAMES[:3]]
        assert [(p.sequence, p.timestamp) for p in packets] == [
            (65535, 2**32 - 160),
            (0, 0),
            (1, 160),
        ]
        assert {p.ssrc for p in packets} == {0xAABBCCDD}
        assert [p.marker for p in packets] == [True, False, False]

    @pytest.mark.parametrize(("codec", "payload_type"), [("pcmu", 0), ("pcma", 8)])
    def test_the_payload_is_the_codecs(self, codec: str, payload_type: int) -> None:
        packet = parsed(speaker(codec).capture(FRAMES[0]))
        encode = g711.encode_ulaw if codec == "pcmu" else g711.encode_alaw
        assert (packet.payload_type, packet.payload) == (payload_type, encode(FRAMES[0]))

    def test_nothing_captured_is_silence(self) -> None:
        assert parsed(speaker().capture(None)).payload == b"\xff" * 160

    def test_short_frames_are_gathered_to_a_packet(self) -> None:
        stream = speaker()
        half = FRAME  # bytes of 80 samples
        assert stream.capture(FRAMES[0][:half]) == b""
        packet = parsed(stream.capture(FRAMES[0][half:]))
        assert packet.payload == g711.encode_ulaw(FRAMES[0])

    def test_a_frame_longer_than_a_packet_is_refused(self) -> None:
        stream = speaker()
        with pytest.raises(ValueError, match="frame"):
            stream.capture(bytes(2 * FRAME + 2))
        stream.capture(bytes(160))
        with pytest.raises(ValueError, match="frame"):
            stream.capture(bytes(2 * FRAME))

    @pytest.mark.parametrize(
        ("ptime_ms", "codec"), [(10, "pcmu"), (30, "pcmu"), (60, "pcmu"), (20, "g722")]
    )
    def test_packets_are_as_long_as_asked_for(self, ptime_ms: int, codec: str) -> None:
        stream = speaker(codec, ptime_ms=ptime_ms, rate=16000 if codec == "g722" else 8000)
        first, second = (parsed(stream.capture(None)) for _ in range(2))
        assert stream.frame_samples == ptime_ms * stream.rate // 1000
        assert len(first.payload) == ptime_ms * 8  # 64 kbit/s, all of them
        assert (second.timestamp - first.timestamp) % 2**32 == ptime_ms * 8

    def test_time_goes_on_while_nothing_is_sent(self) -> None:
        stream = speaker()
        stream.capture(FRAMES[0])
        stream.skip_capture(8000)
        packet = parsed(stream.capture(FRAMES[1]))
        assert (packet.sequence, packet.timestamp, packet.marker) == (0, 8000, True)

    def test_half_a_packet_is_given_up_when_time_was_skipped(self) -> None:
        stream = speaker()
        stream.capture(FRAMES[0][:FRAME])
        stream.skip_capture(160)
        packet = parsed(stream.capture(FRAMES[1]))
        assert packet.payload == g711.encode_ulaw(FRAMES[1])
        assert packet.timestamp == 80  # 2**32 - 160 and 240 samples

    def test_without_a_codec_nothing_is_sent_but_time_goes_on(self) -> None:
        stream = Stream(timestamp=0)
        assert stream.capture(FRAMES[0]) == b""
        stream.configure_send(8, "pcma")
        assert parsed(stream.capture(FRAMES[1])).timestamp == 160

    def test_a_codec_changed_in_mid_call_keeps_the_count(self) -> None:
        stream = speaker()
        stream.capture(FRAMES[0])
        stream.configure_send(8, "pcma")
        packet = parsed(stream.capture(FRAMES[1]))
        assert (packet.payload_type, packet.sequence, packet.timestamp) == (8, 0, 0)
        assert packet.payload == g711.encode_alaw(FRAMES[1])

    def test_what_was_sent_is_counted(self) -> None:
        stream = speaker()
        for frame in FRAMES[:5]:
            stream.capture(frame)
        send = stream.statistics()["send"]
        assert (send["packets"], send["bytes"]) == (5, 800)


class TestReceiving:
    @pytest.mark.parametrize(
        ("data", "verdict"),
        [
            (b"", "not rtp"),
            (b"\x00\x01\x00\x08" + bytes(20), "not rtp"),
            (b"\x16\xfe\xff" + bytes(20), "not rtp"),
            (b"\x80\xc8" + bytes(26), "rtcp"),
            (b"\x80\x00" + bytes(9), "malformed"),
            (b"\xa0\x00" + bytes(10) + b"\x00", "malformed"),
            (b"\x80\x63" + bytes(170), "unknown type"),
            (b"\x80\x00" + bytes(1499), "overflow"),
            (b"\x80\x00" + bytes(1498), "overflow"),
            (b"\x80\x00" + bytes(10 + 160), "accepted"),
            (b"\x80\x00" + bytes(10), "accepted"),
        ],
    )
    def test_what_becomes_of_a_first_datagram(self, data: bytes, verdict: str) -> None:
        assert listener().receive(data, 0) == verdict

    def test_padding_extension_and_sources_are_not_heard(self) -> None:
        decorated = []
        for number, packet in enumerate(PACKETS):
            data = bytearray(
                rtp.serialize(packet._replace(csrcs=(1, 2, 3), extension=(0xBEDE, b"\x10\xff\0\0")))
            )
            padding = 1 + number % 9
            data += bytes(padding - 1) + bytes([padding])
            data[0] |= 0x20
            decorated.append((20.0 * number, bytes(data)))
        assert np.array_equal(play(decorated, len(PACKETS)).pcm, as_heard(SPEECH))

    def test_payload_types_are_what_was_agreed(self) -> None:
        stream = Stream()
        stream.configure_receive({97: "pcma"})
        packets = [
            p._replace(payload_type=97, payload=g711.encode_alaw(frame))
            for p, frame in zip(PACKETS, FRAMES, strict=True)
        ]
        heard = play(network(packets), len(packets), stream=stream)
        expected = g711.decode_alaw(g711.encode_alaw(SPEECH.tobytes()))
        assert heard.pcm.tobytes() == expected

    def test_a_codec_changed_in_mid_call_is_heard_at_once(self) -> None:
        packets = [
            p if n < 50 else p._replace(payload_type=8, payload=g711.encode_alaw(FRAMES[n]))
            for n, p in enumerate(PACKETS)
        ]
        heard = play(network(packets), len(packets))
        alaw = g711.decode_alaw(g711.encode_alaw(SPEECH.tobytes()))
        assert heard.pcm[: 50 * FRAME].tobytes() == as_heard(SPEECH)[: 50 * FRAME].tobytes()
        assert heard.pcm[50 * FRAME :].tobytes() == alaw[100 * FRAME :]

    def test_types_agreed_before_are_forgotten(self) -> None:
        stream = listener()
        stream.configure_receive({8: "pcma"})
        assert stream.receive(rtp.serialize(PACKETS[0]), 0) == "unknown type"

    def test_unknown_types_between_are_no_loss(self) -> None:
        keepalive = PACKETS[30]._replace(payload_type=99, payload=b"")
        after = [p._replace(sequence=p.sequence + 1) for p in PACKETS[30:]]
        arrivals = [*network(PACKETS[:30]), (599.0, keepalive)]
        arrivals += [(20.0 * (30 + n), p) for n, p in enumerate(after)]
        heard = play(arrivals, len(PACKETS))
        assert np.array_equal(heard.pcm, as_heard(SPEECH))
        assert heard.counters()["lost"] == 0

    def test_what_was_not_to_be_heard_is_not_lost(self) -> None:
        stream = listener()
        play(network(PACKETS[:30], lost=[10]), 30, stream=stream)
        stream.pass_over()
        later = [(20.0 * n, PACKETS[n]) for n in range(60, 100)]
        heard = play(later, 40, stream=stream, phase_ms=607.0 + 600.0)
        assert heard.counters()["lost"] == 1
        assert np.array_equal(heard.pcm, as_heard(SPEECH)[60 * FRAME :])
        assert heard.events == []

    def test_before_anything_came_all_is_silence(self) -> None:
        heard = play([], 10)
        assert not heard.pcm.any()
        assert heard.counters()["silent_samples"] == 10 * FRAME

    def test_flags_tell_audio_from_silence(self) -> None:
        stream = listener()
        assert stream.playout_flagged(0) == (bytes(2 * FRAME), False, False)
        stream.receive(rtp.serialize(PACKETS[0]), 20 * MS)
        _, audio, concealed = stream.playout_flagged(40 * MS)
        assert (audio, concealed) == (True, False)


class TestEvents:
    def test_a_new_stream_tells_its_source_and_that_it_started(self) -> None:
        heard = play(network(PACKETS[:5]), 5)
        assert heard.events == [("ssrc", 0x1234), ("started",)]

    def test_garbage_starts_nothing(self) -> None:
        garbage = [(1.0, b"\x80\x63" + bytes(170)), (2.0, b"nonsense"), (3.0, b"")]
        assert play(garbage, 5).events == []

    def test_events_alone_are_no_audio(self) -> None:
        event = Packet(101, True, 1, 1, 5, b"\x05\x0a\x00\xa0")
        assert play([(1.0, event)], 3).events == [("ssrc", 5)]


class TestStatistics:
    def test_nothing_measured_is_none(self) -> None:
        receive = listener().statistics()["receive"]
        assert receive.pop("packets") == 0
        assert receive.pop("bytes") == 0
        assert set(receive.values()) == {None}

    def test_has_the_keys_of_the_control_protocol(self) -> None:
        statistics = play(network(PACKETS), 100).stream.statistics()
        common = {"packets", "bytes", "lost", "late", "duplicated", "reordered", "jitter_ms"}
        assert set(statistics["send"]) == common
        assert set(statistics["receive"]) == common | {"buffer_ms", "concealed_ms", "stretched_ms"}

    def test_a_clean_call_in_figures(self) -> None:
        receive = play(network(PACKETS), 100).stream.statistics()["receive"]
        assert receive["buffer_ms"] == pytest.approx(7.0, abs=0.1)
        assert receive["jitter_ms"] == pytest.approx(0.0, abs=0.01)
        del receive["buffer_ms"], receive["jitter_ms"]
        assert receive == {
            "packets": 100,
            "bytes": 16000,
            "lost": 0,
            "late": 0,
            "duplicated": 0,
            "reordered": 0,
            "concealed_ms": 0.0,
            "stretched_ms": 0.0,
        }

    def test_jitter_is_rfc_3550s(self) -> None:
        delays = [0.0 if number % 2 else 8.0 for number in range(100)]
        expected = 0.0
        for _ in range(99):  # |D| is 8 ms each time
            expected += (8.0 - expected) / 16
        heard = play(network(PACKETS, delays_ms=delays), 100)
        jitter = heard.stream.statistics()["receive"]["jitter_ms"]
        assert jitter == pytest.approx(expected, abs=0.01)

    def test_jitter_knows_that_timestamps_wrap(self) -> None:
        packets = Sender(SPEECH, timestamp=2**32 - 1600).packets()
        jitter = play(network(packets), 100).stream.statistics()["receive"]["jitter_ms"]
        assert jitter == pytest.approx(0.0, abs=0.01)

    def test_concealment_is_told_in_ms(self) -> None:
        receive = play(network(PACKETS, lost=[50, 60]), 100).stream.statistics()["receive"]
        assert (receive["lost"], receive["concealed_ms"]) == (2, 40.0)


class TestRobustness:
    @settings(deadline=None, max_examples=300)
    @given(st.lists(st.binary(max_size=400), max_size=20))
    def test_arbitrary_datagrams(self, datagrams: list[bytes]) -> None:
        stream = listener()
        for number, data in enumerate(datagrams):
            stream.receive(data, number * 20 * MS)
            assert len(stream.playout(number * 20 * MS + 7 * MS)) == 2 * FRAME
            while stream.next_event() is not None:
                pass

    @settings(deadline=None, max_examples=300)
    @given(
        st.lists(
            st.tuples(
                st.sampled_from([0x80, 0x90, 0xA0, 0xB1, 0x8F]),
                st.sampled_from([0, 8, 13, 0x80 | 101, 101]),
                st.binary(min_size=10, max_size=200),
                st.integers(-(10**12), 10**15),
            ),
            max_size=20,
        )
    )
    def test_arbitrary_contents_of_packets_at_arbitrary_times(
        self, packets: list[tuple[int, int, bytes, int]]
    ) -> None:
        stream = listener()
        for first, second, rest, at in packets:
            stream.receive(bytes([first, second]) + rest, at)
            assert len(stream.playout(at + MS)) == 2 * FRAME
        stream.statistics()

    @settings(deadline=None)
    @given(st.data())
    def test_a_packet_with_any_bit_flipped(self, data: st.DataObject) -> None:
        arrivals: list[tuple[float, Packet | bytes]] = []
        for number, packet in enumerate(PACKETS[:20]):
            raw = bytearray(rtp.serialize(packet))
            bit = data.draw(st.integers(0, 8 * 20 - 1))
            raw[bit >> 3] ^= 1 << (bit & 7)
            arrivals.append((20.0 * number, bytes(raw)))
        assert len(play(arrivals, 24).pcm) == 24 * FRAME


class TestArguments:
    @pytest.mark.parametrize(
        "options", [{"rate": 0}, {"rate": 96000}, {"ptime_ms": 0}, {"ptime_ms": 400}]
    )
    def test_streams_that_make_no_sense(self, options: dict[str, int]) -> None:
        with pytest.raises(ValueError, match="no stream"):
            Stream(**options)

    def test_codecs_by_name(self) -> None:
        assert codec_number("PCMU") == codec_number("pcmu")
        with pytest.raises(ValueError, match="unknown codec 'g729'"):
            codec_number("g729")

    @pytest.mark.parametrize("payload_type", [-1, 128])
    def test_payload_types_have_seven_bits(self, payload_type: int) -> None:
        with pytest.raises(ValueError, match="payload type"):
            Stream().configure_send(payload_type, "pcmu")
        with pytest.raises(ValueError, match="payload type"):
            Stream().configure_receive({payload_type: "pcmu"})

    def test_a_refused_agreement_leaves_the_old_one(self) -> None:
        stream = listener()
        with pytest.raises(ValueError, match="payload type"):
            stream.configure_receive({8: "pcma", 200: "pcmu"})
        assert stream.receive(rtp.serialize(PACKETS[0]), 0) == "accepted"

    @pytest.mark.parametrize("samples", [0, -1, 2881])
    def test_frames_of_no_length_or_too_long(self, samples: int) -> None:
        with pytest.raises(ValueError, match="samples"):
            listener().playout(0, samples)
