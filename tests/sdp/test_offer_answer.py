"""What two descriptions agree on (RFC 3264, RFC 3605, RFC 4733)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platypus.errors import SdpError
from platypus.sdp.description import SessionDescription, parse
from platypus.sdp.offer_answer import (
    Agreement,
    Capabilities,
    Direction,
    Format,
    agree,
    audio_stream,
    direction,
    formats,
    make_answer_audio,
    make_audio,
    make_description,
    problem_of,
    refused,
)

PCMU, PCMA = Format(0, "PCMU", 8000), Format(8, "PCMA", 8000)
EVENT = Format(101, "telephone-event", 8000, fmtp="0-16")
OURS = Capabilities((PCMU, PCMA, EVENT))
BOTH = Direction()


def described(*lines: str, c: str | None = "IN IP4 192.0.2.9") -> SessionDescription:
    session = ("v=0", "o=- 1 1 IN IP4 192.0.2.9", "s=-", *((f"c={c}",) if c else ()), "t=0 0")
    return parse("\r\n".join((*session, *lines, "")).encode())


def local(*listed: Format, way: Direction = BOTH) -> SessionDescription:
    audio = make_audio(listed, port=4000, way=way, ptime_ms=20, rtcp_port=None)
    return make_description([audio], session_id=1, version=1, address="192.0.2.1")


def agreed(*lines: str, c: str | None = "IN IP4 192.0.2.9") -> Agreement:
    return agree(local(*OURS.formats), described(*lines, c=c), 0, OURS)


class TestFormats:
    def test_static_payload_types_need_no_rtpmap(self):
        offer = described("m=audio 4000 RTP/AVP 0 8 9 18")
        assert [each.encoding for each in formats(offer.media[0])] == [
            "PCMU",
            "PCMA",
            "G722",
            "G729",
        ]

    def test_a_dynamic_payload_type_without_rtpmap_is_left_out(self):
        assert list(formats(described("m=audio 4000 RTP/AVP 97 0").media[0])) == [PCMU]

    def test_reads_clock_channels_and_parameters(self):
        offer = described(
            "m=audio 4000 RTP/AVP 111", "a=rtpmap:111 opus/48000/2", "a=fmtp:111 useinbandfec=1"
        )
        assert list(formats(offer.media[0])) == [Format(111, "opus", 48000, 2, "useinbandfec=1")]

    @pytest.mark.parametrize(
        "rtpmap", ["0", "0 ", "0 PCMU", "0 PCMU/", "0 PCMU/x", "0 PCMU/8000/x", "0 PCMU/99999999"]
    )
    def test_an_rtpmap_that_makes_no_sense_takes_only_its_format_away(self, rtpmap):
        offer = described("m=audio 4000 RTP/AVP 0 8", f"a=rtpmap:{rtpmap}")
        assert PCMA in formats(offer.media[0])

    def test_names_are_compared_without_case_and_clocks_count(self):
        assert PCMU.kind == Format(97, "pcmu", 8000).kind
        assert PCMU.kind != Format(97, "PCMU", 16000).kind
        assert PCMU.kind != Format(97, "PCMU", 8000, 2).kind


class TestDirection:
    @pytest.mark.parametrize("word", ["sendrecv", "sendonly", "recvonly", "inactive"])
    def test_is_read_and_written(self, word):
        offer = described("m=audio 4000 RTP/AVP 0", f"a={word}")
        assert str(direction(offer, offer.media[0])) == word

    def test_of_the_session_counts_for_every_stream_that_has_none(self):
        offer = described("a=inactive", "m=audio 4 RTP/AVP 0", "m=audio 6 RTP/AVP 0", "a=sendonly")
        assert [str(direction(offer, each)) for each in offer.media] == ["inactive", "sendonly"]

    def test_without_any_is_both_ways(self):
        offer = described("m=audio 4000 RTP/AVP 0")
        assert str(direction(offer, offer.media[0])) == "sendrecv"

    @pytest.mark.parametrize("c", ["IN IP4 0.0.0.0", "IN IP6 ::"])
    def test_a_zero_address_is_hold(self, c):
        offer = described("m=audio 4000 RTP/AVP 0", c=c)
        assert str(direction(offer, offer.media[0])) == "sendonly"

    @pytest.mark.parametrize(
        ("offered", "wanted", "answer"),
        [
            # RFC 3264, 6.1, and our own hold in the right column.
            ("sendrecv", BOTH, "sendrecv"),
            ("sendonly", BOTH, "recvonly"),
            ("recvonly", BOTH, "sendonly"),
            ("inactive", BOTH, "inactive"),
            ("sendrecv", Direction(True, False), "sendonly"),
            ("sendonly", Direction(True, False), "inactive"),
            ("recvonly", Direction(True, False), "sendonly"),
            ("inactive", Direction(True, False), "inactive"),
        ],
    )
    def test_of_an_answer_never_exceeds_the_offer(self, offered, wanted, answer):
        offer = described("m=audio 4000 RTP/AVP 0", f"a={offered}")
        assert str(wanted.answering(direction(offer, offer.media[0]))) == answer


class TestAnswering:
    def answer(self, *lines: str, wanted: Direction = BOTH):
        offer = described(*lines)
        index = audio_stream(offer.media, OURS)
        assert index is not None
        return make_answer_audio(offer, index, OURS, port=5000, wanted=wanted)

    def test_takes_our_order_and_the_offers_numbers(self):
        audio = self.answer(
            "m=audio 4000 RTP/AVP 18 8 100 0 96",
            "a=rtpmap:100 opus/48000/2",
            "a=rtpmap:96 telephone-event/8000",
            "a=fmtp:96 0-11",
        )
        assert audio.formats == ("0", "8", "96")
        assert ("fmtp", "96 0-16") in audio.attributes

    def test_passes_over_numbers_that_would_look_like_rtcp(self):
        audio = self.answer("m=audio 4000 RTP/AVP 72 0", "a=rtpmap:72 PCMA/8000")
        assert audio.formats == ("0",)

    def test_lists_a_codec_offered_twice_only_once(self):
        audio = self.answer("m=audio 4000 RTP/AVP 97 0", "a=rtpmap:97 PCMU/8000")
        assert audio.formats == ("97",)

    def test_chooses_the_first_stream_it_can_take_part_in(self):
        offer = described(
            "m=video 4000 RTP/AVP 99",
            "m=audio 4002 RTP/SAVP 0",
            "m=audio 0 RTP/AVP 0",
            "m=audio 4004 RTP/AVP 18",
            "m=audio 4006 RTP/AVP 0",
            "m=audio 4008 RTP/AVP 0",
        )
        assert audio_stream(offer.media, OURS) == 4

    def test_events_alone_make_no_stream(self):
        offer = described("m=audio 4000 RTP/AVP 101", "a=rtpmap:101 telephone-event/8000")
        assert audio_stream(offer.media, OURS) is None

    def test_refuses_a_stream_with_port_0_and_its_own_kind(self):
        media = described("m=video 51372 RTP/SAVPF 99 100", "a=rtpmap:99 VP8/90000").media[0]
        assert list(refused(media).lines()) == ["m=video 0 RTP/SAVPF 99"]

    @pytest.mark.parametrize(
        ("lines", "words"),
        [
            (["m=video 4000 RTP/AVP 99"], "no audio"),
            (["m=audio 4000 RTP/SAVP 0"], "RTP/SAVP is not supported"),
            (["m=audio 4000 RTP/AVP 18"], "G729"),
            (["m=audio 4 RTP/AVP 101", "a=rtpmap:101 telephone-event/8000"], "has telephone-event"),
            (["m=audio 4 RTP/AVP 96 97", "a=rtpmap:96 X/8000", "a=rtpmap:97 X/16000"], "has X"),
            (["m=audio 0 RTP/AVP 0"], "switched off"),
            ([], "no audio"),
        ],
    )
    def test_says_why_nothing_can_be_taken(self, lines, words):
        assert words in problem_of(described(*lines), OURS)


class TestAgreement:
    def test_sends_the_first_codec_of_the_answer_with_its_number(self):
        found = agreed("m=audio 7000 RTP/AVP 98 0", "a=rtpmap:98 PCMA/8000")
        assert (found.send.encoding, found.send.payload_type) == ("PCMA", 98)
        assert found.remote == ("192.0.2.9", 7000)

    def test_takes_what_was_offered_by_either_number(self):
        found = agreed("m=audio 7000 RTP/AVP 98", "a=rtpmap:98 PCMA/8000")
        assert {number: each.encoding for number, each in found.receive.items()} == {
            0: "PCMU",
            8: "PCMA",
            98: "PCMA",
            101: "telephone-event",
        }

    def test_our_own_meaning_of_a_number_wins(self):
        found = agreed("m=audio 7000 RTP/AVP 0 101", "a=rtpmap:101 PCMA/8000")
        assert found.receive[101].encoding == "telephone-event"

    def test_events_go_out_with_the_number_of_the_other_side(self):
        found = agreed("m=audio 7000 RTP/AVP 0 96", "a=rtpmap:96 telephone-event/8000")
        assert found.event is not None and found.event.payload_type == 96

    def test_events_at_another_clock_are_not_used(self):
        found = agreed("m=audio 7000 RTP/AVP 0 96", "a=rtpmap:96 telephone-event/48000")
        assert found.event is None

    def test_the_streams_own_address_goes_before_the_sessions(self):
        found = agreed("m=audio 7000 RTP/AVP 0", "c=IN IP6 2001:db8::7")
        assert found.remote == ("2001:db8::7", 7000)

    @pytest.mark.parametrize(
        ("line", "rtcp"),
        [
            ("a=ptime:20", ("192.0.2.9", 7001)),
            ("a=rtcp:53020", ("192.0.2.9", 53020)),
            ("a=rtcp:53020 IN IP6 2001:db8::8", ("2001:db8::8", 53020)),
            ("a=rtcp:99999", ("192.0.2.9", 7001)),
            ("a=rtcp:53020 IN IP4 nowhere", ("192.0.2.9", 7001)),
            # Reports are aimed at one peer as well.
            ("a=rtcp:53020 IN IP4 224.0.0.1", ("192.0.2.9", 7001)),
            ("a=rtcp:53020 IN IP4 255.255.255.255", ("192.0.2.9", 7001)),
            ("a=rtcp:53020 IN IP4 0.0.0.0", ("192.0.2.9", 7001)),
            ("a=rtcp:53020 IN IP6 fe80::1%eth0", ("192.0.2.9", 7001)),
        ],
    )
    def test_rtcp_goes_where_the_attribute_says_or_one_port_up(self, line, rtcp):
        assert agreed("m=audio 7000 RTP/AVP 0", line).rtcp == rtcp

    def test_there_is_no_rtcp_port_above_the_last(self):
        assert agreed("m=audio 65535 RTP/AVP 0").rtcp is None

    @pytest.mark.parametrize(
        ("line", "ptime"),
        [("a=ptime:30", 30), ("a=ptime:20.5", 20), ("a=ptime:x", None), ("a=ptime:0", None),
         ("a=ptime:5000", None), ("a=ptime:" + "9" * 500, None)],
    )  # fmt: skip
    def test_reads_the_packet_time_asked_for(self, line, ptime):
        assert agreed("m=audio 7000 RTP/AVP 0", line).ptime_ms == ptime

    def test_nothing_is_sent_to_a_zero_address(self):
        found = agreed("m=audio 7000 RTP/AVP 0", c="IN IP4 0.0.0.0")
        assert (found.remote, found.rtcp, str(found.direction)) == (None, None, "recvonly")

    def test_ignores_ice_and_feedback(self):
        found = agreed(
            "a=ice-ufrag:abcd", "a=group:BUNDLE 0", "m=audio 7000 RTP/AVP 0", "a=rtcp-mux",
            "a=candidate:1 1 UDP 2130706431 198.51.100.1 8998 typ host", "a=rtcp-fb:* nack",
        )  # fmt: skip
        assert found.remote == ("192.0.2.9", 7000)

    @pytest.mark.parametrize(
        ("lines", "c", "words"),
        [
            ([], "IN IP4 192.0.2.9", "no audio"),
            (["m=video 7000 RTP/AVP 0"], "IN IP4 192.0.2.9", "no audio"),
            (["m=audio 0 RTP/AVP 0"], "IN IP4 192.0.2.9", "refused"),
            (["m=audio 7000 RTP/SAVP 0"], "IN IP4 192.0.2.9", "RTP/SAVP"),
            (["m=audio 7000 RTP/AVP 18"], "IN IP4 192.0.2.9", "no codec"),
            (["m=audio 7000 RTP/AVP 0"], None, "c= line"),
            (["m=audio 7000 RTP/AVP 0"], "IN IP4 1.2.3", "1.2.3"),
            (["m=audio 7000 RTP/AVP 0"], "IN IP4 224.2.1.1/127", "224.2.1.1"),
            (["m=audio 7000 RTP/AVP 0"], "IN IP4 255.255.255.255", "255.255.255.255"),
        ],
    )
    def test_an_answer_that_does_not_fit_is_refused_with_a_reason(self, lines, c, words):
        with pytest.raises(SdpError, match=words.replace(".", r"\.")):
            agreed(*lines, c=c)

    def test_a_codec_we_know_but_did_not_offer_is_none_in_common(self):
        with pytest.raises(SdpError, match="no codec in common"):
            agree(local(PCMU, EVENT), described("m=audio 7000 RTP/AVP 8"), 0, OURS)


known = st.sampled_from(
    ["PCMU/8000", "PCMA/8000", "telephone-event/8000", "G729/8000", "opus/48000/2", "x/y"]
)


class TestProperties:
    @given(
        st.dictionaries(st.integers(0, 130), known, max_size=8),
        st.sampled_from(["sendrecv", "sendonly", "recvonly", "inactive"]),
        st.booleans(),
    )
    def test_both_sides_read_the_same_out_of_offer_and_answer(self, maps, word, held):
        lines = [f"a=rtpmap:{number} {text}" for number, text in maps.items()]
        numbers = " ".join(map(str, maps)) or "0"
        offer = described(f"m=audio 4000 RTP/AVP {numbers}", *lines, f"a={word}")
        if audio_stream(offer.media, OURS) is None:
            return
        wanted = Direction(receive=not held)
        audio = make_answer_audio(offer, 0, OURS, port=5000, wanted=wanted)
        answer = make_description([audio], session_id=2, version=1, address="192.0.2.2")
        us, them = agree(answer, offer, 0, OURS, answering=True), agree(offer, answer, 0, OURS)
        assert us.send.kind == them.send.kind
        assert (us.direction.send, us.direction.receive) == (
            them.direction.receive,
            them.direction.send,
        )
        assert us.send.payload_type in them.receive
        assert them.send.payload_type in us.receive
