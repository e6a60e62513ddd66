"""A call's offers and answers over its whole life (RFC 3264, section 8)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platypus.errors import ConfigError, SdpError, StateError
from platypus.negotiation import Negotiator
from platypus.sdp.description import parse
from tests._media.peer import open_leg, running_loop

A, B = "192.0.2.1", "192.0.2.2"


def negotiator(*codecs: str, **options: object) -> Negotiator:
    return Negotiator(
        codecs or ("pcmu", "pcma"), random=lambda n: bytes(range(1, n + 1)), **options
    )


def exchange(offerer: Negotiator, answerer: Negotiator, *, at: str = A, to: str = B):
    """One offer and its answer; the plans of both sides."""
    answerer.receive_offer(offerer.offer(at, 4000))
    body, theirs = answerer.answer(to, 5000)
    return offerer.receive_answer(body), theirs


def pair() -> tuple[Negotiator, Negotiator]:
    a, b = negotiator(), negotiator()
    exchange(a, b)
    return a, b


def sdp(*lines: str, c: str = "192.0.2.9") -> bytes:
    session = ("v=0", "o=- 7 7 IN IP4 192.0.2.9", "s=-", f"c=IN IP4 {c}", "t=0 0")
    return "\r\n".join((*session, *lines, "")).encode()


def version(body: bytes) -> int:
    return int(parse(body).origin.version)


class TestFirstCall:
    def test_both_sides_get_matching_plans(self):
        ours, theirs = exchange(negotiator(), negotiator())
        assert (ours.remote, theirs.remote) == ((B, 5000), (A, 4000))
        assert (ours.codec, ours.send_payload_type) == (theirs.codec, 0) == ("pcmu", 0)
        assert ours.receive_payload_types == {0: "pcmu", 8: "pcma", 101: "telephone-event"}
        assert (ours.dtmf_payload_type, ours.ptime_ms) == (101, 20)
        assert (ours.send, ours.receive, ours.direction) == (True, True, "sendrecv")
        assert (ours.rtcp, ours.rtcp_mux, ours.voip_metrics) == ((B, 5000), True, True)

    def test_the_answer_keeps_the_order_of_whoever_answers(self):
        ours, theirs = exchange(negotiator("pcma", "pcmu", "g722"), negotiator("g722", "pcmu"))
        assert ours.codec == theirs.codec == "g722"

    def test_without_an_order_of_his_own_the_callers_is_kept(self):
        answerer = negotiator("pcmu", "pcma", "g722", in_order=False)
        ours, theirs = exchange(negotiator("g722", "pcma", "pcmu"), answerer)
        assert ours.codec == theirs.codec == "g722"

    def test_thirty_payload_types_are_read_and_the_ones_we_know_answered(self):
        strange = [f"a=rtpmap:{number} X{number}/8000" for number in range(97, 123)]
        numbers = " ".join(map(str, (*range(97, 123), 3, 9, 0, 123)))
        ours = negotiator("g722", "pcmu")
        ours.receive_offer(
            sdp(f"m=audio 7000 RTP/AVP {numbers}", *strange, "a=rtpmap:123 telephone-event/8000")
        )
        body, plan = ours.answer(A, 4000)
        assert parse(body).media[0].formats == ("9", "0", "123")
        assert (plan.codec, plan.send_payload_type, plan.dtmf_payload_type) == ("g722", 9, 123)

    @pytest.mark.parametrize("codec", ["PCMU", "telephone-event"])
    def test_a_codec_under_every_number_is_heard_under_as_many_as_a_stream_takes(self, codec):
        maps = [f"a=rtpmap:{number} {codec}/8000" for number in range(1, 128)]
        numbers = " ".join(map(str, range(128)))
        ours = negotiator("pcmu", "pcma")
        ours.receive_offer(sdp(f"m=audio 7000 RTP/AVP {numbers}", *maps))
        _, plan = ours.answer(A, 4000)
        assert 30 <= len(plan.receive_payload_types) <= 32
        with running_loop() as loop:
            open_leg(loop).configure_receive(plan.receive_payload_types)

    def test_each_side_sends_with_the_others_numbers(self):
        """RFC 3264, 5.1: payload types may differ for the two directions."""
        ours = negotiator("pcmu")
        assert b"m=audio 4000 RTP/AVP 0 101\r\n" in ours.offer(A, 4000)
        answer = sdp(
            "m=audio 7000 RTP/AVP 98 97",
            "a=rtpmap:98 PCMU/8000",
            "a=rtpmap:97 telephone-event/8000",
        )
        plan = ours.receive_answer(answer)
        assert (plan.send_payload_type, plan.dtmf_payload_type) == (98, 97)
        expected = {0: "pcmu", 101: "telephone-event", 98: "pcmu", 97: "telephone-event"}
        assert plan.receive_payload_types == expected

    def test_what_has_a_number_of_its_own_needs_no_rtpmap(self):
        body = negotiator("pcma", "g722", "pcmu").offer(A, 4000)
        assert b"m=audio 4000 RTP/AVP 8 9 0 101\r\n" in body
        assert body.count(b"a=rtpmap:") == 1  # telephone-event's

    def test_comfort_noise_is_agreed_where_both_want_it(self):
        ours, theirs = exchange(
            negotiator(suppress_silence=True), negotiator(suppress_silence=True)
        )
        assert ours.noise_payload_type == theirs.noise_payload_type == 13
        assert ours.receive_payload_types[13] == "cn"

    @pytest.mark.parametrize("who", [(True, False), (False, True), (False, False)])
    def test_and_not_where_one_does_not(self, who: tuple[bool, bool]):
        offerer, answerer = (negotiator(suppress_silence=each) for each in who)
        body = offerer.offer(A, 4000)
        assert (b" 13 " in body) is who[0]
        answerer.receive_offer(body)
        body, theirs = answerer.answer(B, 5000)
        assert b" 13" not in body
        assert offerer.receive_answer(body).noise_payload_type is theirs.noise_payload_type is None

    def test_comfort_noise_alone_is_no_codec(self):
        ours = negotiator("pcmu", suppress_silence=True)
        with pytest.raises(SdpError, match="no codec in common"):
            ours.receive_offer(sdp("m=audio 7000 RTP/AVP 13 101"))

    def test_opus_has_silence_of_its_own_unless_the_other_side_wants_none(self):
        ours = negotiator("opus", suppress_silence=True)
        assert b" 13" not in ours.offer(A, 4000)
        answer = ("m=audio 7000 RTP/AVP 107", "a=rtpmap:107 opus/48000/2")
        assert ours.receive_answer(sdp(*answer)).parameters["usedtx"] == "1"
        plan = ours.receive_answer(sdp(*answer, "a=fmtp:107 usedtx=0"))
        assert plan.parameters["usedtx"] == "0"
        assert plan.noise_payload_type is None

    def test_an_answer_may_change_the_codec_in_mid_call(self):
        a, b = negotiator("pcmu", "g722"), negotiator("pcmu", "g722")
        exchange(a, b)
        a.offer(A, 4000)
        plan = a.receive_answer(sdp("m=audio 7000 RTP/AVP 9 101"))
        assert (plan.codec, plan.send_payload_type) == ("g722", 9)

    def test_an_offer_leaves_room_for_the_rest_of_an_invite(self):
        # With digest an INVITE has 1,000 bytes beside its body, and must stay under 1,300.
        assert len(negotiator().offer("255.255.255.255", 65_534)) < 300

    def test_ipv6_is_told_as_such(self):
        body = negotiator().offer("2001:db8::1", 4000)
        assert body.count(b"IN IP6 2001:db8::1") == 2

    def test_an_rtcp_port_of_its_own_is_told(self):
        assert b"a=rtcp:6000\r\n" in negotiator().offer(A, 4000, rtcp_port=6000)
        assert b"a=rtcp:" not in negotiator().offer(A, 4000, rtcp_port=4001)

    def test_reports_share_the_port_of_rtp_only_where_both_say_so(self):
        plain = sdp("m=audio 7000 RTP/AVP 0")
        ours = negotiator()
        ours.offer(A, 4000)
        plan = ours.receive_answer(plain)
        assert (plan.rtcp, plan.rtcp_mux) == (("192.0.2.9", 7001), False)
        ours.receive_offer(plain)
        body, plan = ours.answer(A, 4000)
        assert b"rtcp-mux" not in body
        assert (plan.rtcp, plan.rtcp_mux) == (("192.0.2.9", 7001), False)
        ours.receive_offer(sdp("m=audio 7000 RTP/AVP 0", "a=rtcp-mux"))
        body, plan = ours.answer(A, 4000)
        assert b"a=rtcp-mux\r\n" in body
        assert (plan.rtcp, plan.rtcp_mux) == (("192.0.2.9", 7000), True)

    @pytest.mark.parametrize(
        ("line", "wanted"),
        [
            ("a=rtcp-xr:voip-metrics", True),
            ("a=rtcp-xr:rcvr-rtt=all:100 voip-metrics", True),
            ("a=rtcp-xr:stat-summary=loss,dup", False),
            ("a=rtcp-xr", False),
            ("a=sendrecv", False),
        ],
    )
    def test_voip_metrics_are_for_who_asks_for_them(self, line, wanted):
        ours = negotiator()
        assert b"a=rtcp-xr:voip-metrics\r\n" in ours.offer(A, 4000)
        plan = ours.receive_answer(sdp("m=audio 7000 RTP/AVP 0", line))
        assert plan.voip_metrics is wanted

    def test_what_may_arrive_before_the_answer_is_known(self):
        ours = negotiator("pcma")
        assert ours.offered_payload_types == {}
        ours.offer(A, 4000)
        assert ours.offered_payload_types == {8: "pcma", 101: "telephone-event"}

    def test_without_events_of_the_other_side_there_is_no_payload_type_for_them(self):
        ours = negotiator()
        ours.offer(A, 4000)
        assert ours.receive_answer(sdp("m=audio 7000 RTP/AVP 8")).dtmf_payload_type is None

    def test_the_same_offer_takes_the_answers_of_several_forks(self):
        ours = negotiator()
        ours.offer(A, 4000)
        early = ours.receive_answer(sdp("m=audio 7000 RTP/AVP 0"))
        final = ours.receive_answer(sdp("m=audio 8000 RTP/AVP 8", c="192.0.2.10"))
        assert (early.remote, final.remote) == (("192.0.2.9", 7000), ("192.0.2.10", 8000))
        assert ours.plan == final

    @pytest.mark.parametrize(
        ("lines", "ptime"),
        [((), 20), (("a=ptime:30",), 30), (("a=ptime:10",), 10), (("a=maxptime:10",), 10),
         (("a=ptime:30", "a=maxptime:10"), 10), (("a=ptime:25",), 20), (("a=ptime:200",), 60),
         (("a=ptime:5",), 10), (("a=ptime:60", "a=maxptime:45"), 40), (("a=maxptime:150",), 20)],
    )  # fmt: skip
    def test_the_other_sides_packet_time_is_used_where_the_stream_can(self, lines, ptime):
        ours = negotiator()
        ours.offer(A, 4000)
        assert ours.receive_answer(sdp("m=audio 7000 RTP/AVP 0", *lines)).ptime_ms == ptime


class TestRefusing:
    @pytest.mark.parametrize(
        "lines",
        [
            (),
            ("m=video 7000 RTP/AVP 99",),
            ("m=audio 7000 RTP/SAVP 0",),
            ("m=audio 7000 UDP/TLS/RTP/SAVPF 0",),
            ("m=audio 7000 RTP/AVP 18",),
            ("m=audio 0 RTP/AVP 0",),
        ],
    )
    def test_an_offer_without_a_usable_stream_raises(self, lines):
        with pytest.raises(SdpError):
            negotiator().receive_offer(sdp(*lines))

    def test_a_refused_offer_changes_nothing(self):
        a, b = pair()
        before = b.plan
        with pytest.raises(SdpError):
            b.receive_offer(sdp("m=audio 7000 RTP/AVP 18"))
        assert b.plan == before
        assert exchange(a, b)[1] == before

    @pytest.mark.parametrize("address", ["224.2.1.1/127", "255.255.255.255", "12l.0.0.1"])
    def test_an_offer_whose_address_is_no_peers_is_refused_before_it_rings(self, address):
        with pytest.raises(SdpError):
            negotiator().receive_offer(sdp("m=audio 7000 RTP/AVP 0", c=address))

    def test_an_answer_needs_an_offer(self):
        with pytest.raises(StateError):
            negotiator().receive_answer(sdp("m=audio 7000 RTP/AVP 0"))
        with pytest.raises(StateError):
            negotiator().answer(A, 4000)

    def test_an_unknown_codec_is_named_with_a_suggestion(self):
        with pytest.raises(ConfigError, match=r"'pcmx'.*did you mean pcm"):
            negotiator("pcmx")
        with pytest.raises(ConfigError, match="no codec"):
            Negotiator((), random=bytes)


class TestStreams:
    def test_the_answer_has_every_stream_in_its_place(self):
        ours = negotiator()
        ours.receive_offer(
            sdp("m=video 7000 RTP/AVP 99", "m=audio 7002 RTP/SAVP 0", "m=audio 7004 RTP/AVP 8",
                "m=audio 7006 RTP/AVP 0")
        )  # fmt: skip
        body, plan = ours.answer(A, 4000)
        assert [(m.kind, m.port, m.protocol) for m in parse(body).media] == [
            ("video", 0, "RTP/AVP"),
            ("audio", 0, "RTP/SAVP"),
            ("audio", 4000, "RTP/AVP"),
            ("audio", 0, "RTP/AVP"),
        ]
        assert plan.remote == ("192.0.2.9", 7004)

    def test_our_later_offer_keeps_the_places_of_theirs(self):
        ours = negotiator()
        ours.receive_offer(sdp("m=video 7000 RTP/AVP 99", "m=audio 7004 RTP/AVP 8"))
        ours.answer(A, 4000)
        offer = parse(ours.offer(A, 4000))
        assert [(m.kind, m.port) for m in offer.media] == [("video", 0), ("audio", 4000)]
        answer = sdp("m=video 0 RTP/AVP 99", "m=audio 7004 RTP/AVP 8")
        assert ours.receive_answer(answer).remote == ("192.0.2.9", 7004)

    def test_a_later_offer_may_switch_the_stream_off_and_on_again(self):
        a, b = pair()
        b.receive_offer(sdp("m=audio 0 RTP/AVP 0"))
        body, off = b.answer(B, 5000)
        assert [m.port for m in parse(body).media] == [0]
        assert (off.remote, off.send, off.receive, off.direction) == (
            None,
            False,
            False,
            "inactive",
        )
        assert b.hold_state == "remote"
        _, on = exchange(a, b)
        assert (on.remote, on.direction, b.hold_state) == ((A, 4000), "sendrecv", "none")

    def test_an_answer_after_the_streams_moved_is_no_answer_to_the_old_offer(self):
        ours = negotiator()
        ours.offer(A, 4000)
        ours.receive_answer(sdp("m=audio 7000 RTP/AVP 0"))
        ours.receive_offer(sdp("m=video 7000 RTP/AVP 99", "m=audio 7004 RTP/AVP 8"))
        ours.answer(A, 4000)
        with pytest.raises(StateError):
            ours.receive_answer(sdp("m=audio 7000 RTP/AVP 0"))

    def test_a_later_offer_may_move_address_port_and_codec(self):
        _, b = pair()
        b.receive_offer(sdp("m=audio 9000 RTP/AVP 8", c="192.0.2.77"))
        _, plan = b.answer(B, 5000)
        assert (plan.remote, plan.codec) == (("192.0.2.77", 9000), "pcma")


class TestNumbers:
    def test_a_number_the_other_side_uses_otherwise_is_not_offered(self):
        ours = negotiator()
        ours.receive_offer(sdp("m=audio 7000 RTP/AVP 0 101", "a=rtpmap:101 opus/48000/2"))
        ours.answer(A, 4000)
        assert b"a=rtpmap:127 telephone-event/8000" in ours.offer(A, 4000)

    def test_events_keep_the_number_they_were_answered_with(self):
        ours = negotiator()
        ours.receive_offer(sdp("m=audio 7000 RTP/AVP 0 96", "a=rtpmap:96 telephone-event/8000"))
        _, plan = ours.answer(A, 4000)
        assert plan.dtmf_payload_type == 96
        assert b"a=rtpmap:96 telephone-event/8000" in ours.offer(A, 4000)

    def test_our_own_number_stays_when_theirs_differs(self):
        ours = negotiator()
        ours.offer(A, 4000)
        plan = ours.receive_answer(
            sdp("m=audio 7000 RTP/AVP 0 96", "a=rtpmap:96 telephone-event/8000")
        )
        assert plan.dtmf_payload_type == 96
        assert plan.receive_payload_types[101] == "telephone-event"
        assert b"a=rtpmap:101 telephone-event/8000" in ours.offer(A, 4000)

    def test_a_later_offer_puts_the_codec_in_use_first(self):
        ours = negotiator("pcmu", "pcma")
        ours.offer(A, 4000)
        ours.receive_answer(sdp("m=audio 7000 RTP/AVP 8"))
        ours.hold()
        assert parse(ours.offer(A, 4000)).media[0].formats[0] == "8"


class TestVersion:
    def test_starts_at_1_and_stays_while_nothing_changes(self):
        ours = negotiator()
        bodies = [ours.offer(A, 4000) for _ in range(3)]
        assert len(set(bodies)) == 1 and version(bodies[0]) == 1

    def test_an_answer_given_twice_is_the_same(self):
        a, b = negotiator(), negotiator()
        b.receive_offer(a.offer(A, 4000))
        assert b.answer(B, 5000) == b.answer(B, 5000)

    def test_grows_by_one_with_every_change_under_the_same_session(self):
        ours = negotiator()
        first = ours.offer(A, 4000)
        moved = ours.offer(B, 4000)
        ours.hold()
        held = ours.offer(B, 4000)
        assert [version(each) for each in (first, moved, held)] == [1, 2, 3]
        assert len({parse(each).origin.session_id for each in (first, moved, held)}) == 1


class TestHold:
    def test_is_told_to_the_other_side_and_taken_back(self):
        a, b = pair()
        a.hold()
        ours, theirs = exchange(a, b)
        assert (ours.direction, theirs.direction) == ("sendonly", "recvonly")
        assert (a.hold_state, b.hold_state) == ("local", "remote")
        a.resume()
        ours, theirs = exchange(a, b)
        assert (ours.direction, theirs.direction) == ("sendrecv", "sendrecv")
        assert (a.hold_state, b.hold_state) == ("none", "none")

    def test_counts_only_once_it_is_answered(self):
        a, b = pair()
        a.hold()
        b.receive_offer(a.offer(A, 4000))
        assert a.hold_state == "none"

    def test_a_refused_hold_leaves_the_call_as_it_was(self):
        a, b = pair()
        a.hold()
        a.offer(A, 4000)
        a.offer_refused()
        ours, _ = exchange(a, b)
        assert (ours.direction, a.hold_state) == ("sendrecv", "none")

    def test_of_both_sides_ends_one_by_one(self):
        a, b = pair()
        a.hold()
        exchange(a, b)
        b.hold()
        theirs, ours = exchange(b, a, at=B, to=A)
        assert (ours.direction, theirs.direction) == ("inactive", "inactive")
        assert (a.hold_state, b.hold_state) == ("both", "both")
        a.resume()
        exchange(a, b)
        assert (a.hold_state, b.hold_state) == ("remote", "local")
        b.resume()
        exchange(b, a, at=B, to=A)
        assert (a.hold_state, b.hold_state) == ("none", "none")

    @pytest.mark.parametrize(
        ("lines", "c", "direction"),
        [
            (("a=sendonly",), "192.0.2.9", "recvonly"),
            (("a=inactive",), "192.0.2.9", "inactive"),
            ((), "0.0.0.0", "recvonly"),
        ],
    )
    def test_is_understood_in_every_form_of_the_field(self, lines, c, direction):
        _, b = pair()
        b.receive_offer(sdp("m=audio 7000 RTP/AVP 0", *lines, c=c))
        body, plan = b.answer(B, 5000)
        assert parse(body).media[0].attribute(direction) == ""
        assert (plan.send, plan.direction, b.hold_state) == (False, direction, "remote")

    def test_an_inactive_answer_to_our_hold_is_not_their_hold(self):
        a, _ = pair()
        a.hold()
        a.offer(A, 4000)
        plan = a.receive_answer(sdp("m=audio 7000 RTP/AVP 0", "a=inactive"))
        assert (plan.send, plan.receive, a.hold_state) == (False, False, "local")

    def test_an_answer_that_only_sends_is_their_hold(self):
        ours = negotiator()
        ours.offer(A, 4000)
        plan = ours.receive_answer(sdp("m=audio 7000 RTP/AVP 0", "a=sendonly"))
        assert (plan.send, plan.receive, ours.hold_state) == (False, True, "remote")


steps = st.lists(
    st.sampled_from(["hold", "resume", "again"]).flatmap(
        lambda verb: st.tuples(st.just(verb), st.booleans())
    ),
    max_size=12,
)


@given(steps)
def test_after_any_history_both_sides_agree_on_direction_and_hold(steps):
    a, b = pair()
    for verb, by_a in steps:
        offerer = a if by_a else b
        if verb == "hold":
            offerer.hold()
        elif verb == "resume":
            offerer.resume()
        ours, theirs = exchange(a, b) if by_a else exchange(b, a, at=B, to=A)
        assert (ours.send, ours.receive) == (theirs.receive, theirs.send)
        mirror = {"local": "remote", "remote": "local"}
        assert a.hold_state == mirror.get(b.hold_state, b.hold_state)


class TestOpus:
    CHROME = (
        "m=audio 7000 RTP/AVP 111 9 0 110 126",
        "a=rtpmap:111 opus/48000/2",
        "a=fmtp:111 minptime=10;useinbandfec=1;maxaveragebitrate=20000;usedtx=1",
        "a=rtpmap:110 telephone-event/48000",
        "a=rtpmap:126 telephone-event/8000",
    )

    def test_is_offered_as_its_rfc_wants_it(self):
        """RFC 7587, 7: 48,000 and two channels, whatever is sent; and events at its clock."""
        lines = negotiator("opus", "pcmu").offer(A, 4000).decode().splitlines()
        assert "m=audio 4000 RTP/AVP 107 0 101 102" in lines
        assert "a=rtpmap:107 opus/48000/2" in lines
        assert "a=fmtp:107 useinbandfec=1" in lines
        assert "a=rtpmap:102 telephone-event/48000" in lines

    def test_is_sent_as_the_other_side_wants_it_with_events_of_its_clock(self):
        ours = negotiator("opus", "pcmu")
        ours.receive_offer(sdp(*self.CHROME))
        body, plan = ours.answer(A, 4000)
        assert parse(body).media[0].formats == ("111", "0", "126", "110")
        assert (plan.codec, plan.send_payload_type) == ("opus", 111)
        assert (plan.dtmf_payload_type, plan.dtmf_clock) == (110, 48000)
        assert plan.parameters["maxaveragebitrate"] == "20000"
        assert plan.receive_payload_types[126] == "telephone-event"
        assert plan.receive_payload_types[110] == "telephone-event/48000"

    def test_events_of_8000_do_where_the_other_side_knows_no_others(self):
        ours = negotiator("opus", "pcmu")
        ours.receive_offer(sdp(self.CHROME[0], self.CHROME[1], self.CHROME[4]))
        _, plan = ours.answer(A, 4000)
        assert (plan.codec, plan.dtmf_payload_type, plan.dtmf_clock) == ("opus", 126, 8000)

    @pytest.mark.parametrize("clock", [16000, 24000, 32000, 48000])
    def test_events_of_a_clock_that_no_codec_of_ours_has_are_taken(self, clock):
        """A phone with wideband codecs of its own may know events of their clock alone."""
        ours = negotiator("pcmu")
        event = f"a=rtpmap:97 telephone-event/{clock}"
        ours.receive_offer(sdp("m=audio 7000 RTP/AVP 0 97", event))
        body, plan = ours.answer(A, 4000)
        assert event in body.decode().splitlines()
        assert (plan.dtmf_payload_type, plan.dtmf_clock) == (97, clock)
        assert plan.receive_payload_types[97] == f"telephone-event/{clock}"

    def test_events_of_its_clock_are_offered_where_it_is_the_favourite(self):
        assert b"telephone-event/48000" not in negotiator("pcmu", "opus").offer(A, 4000)

    def test_is_known_without_its_channels(self):
        ours = negotiator("opus")
        ours.receive_offer(sdp("m=audio 7000 RTP/AVP 96", "a=rtpmap:96 OPUS/48000"))
        assert ours.answer(A, 4000)[1].codec == "opus"

    def test_its_packet_times_are_those_its_frames_have(self):
        ours = negotiator("opus")
        ours.receive_offer(sdp("m=audio 7000 RTP/AVP 96", "a=rtpmap:96 opus/48000/2", "a=ptime:30"))
        assert ours.answer(A, 4000)[1].ptime_ms == 20

    def test_a_number_of_ours_that_means_something_else_to_them_is_given_up(self):
        """RFC 3264, 8.3.2: a number keeps its meaning for the whole session."""
        ours = negotiator("opus", "pcmu")
        ours.receive_offer(
            sdp("m=audio 7000 RTP/AVP 0 102 107", "a=rtpmap:102 telephone-event/8000",
                "a=rtpmap:107 iLBC/8000")
        )  # fmt: skip
        ours.answer(A, 4000)
        audio = parse(ours.offer(A, 4000)).media[0]
        maps = dict(value.split(" ") for name, value in audio.attributes if name == "rtpmap")
        assert maps["102"] == "telephone-event/8000"
        assert "107" not in maps
        assert sorted(maps.values()) == [
            "opus/48000/2",
            "telephone-event/48000",
            "telephone-event/8000",
        ]
