"""The SIP messages as a ladder."""

from __future__ import annotations

from ui_tk.ladder import MOST, Ladder

INVITE = "INVITE sip:600@pbx SIP/2.0\nCall-ID: a1\nCSeq: 1 INVITE\n"
RINGING = "SIP/2.0 180 Ringing\nCall-ID: a1\nCSeq: 1 INVITE\n"
BUSY = "SIP/2.0 486 Busy Here\nCall-ID: b2\nCSeq: 7 INVITE\n"
CHALLENGE = "SIP/2.0 401 Unauthorized\ni: c3\nCSeq: 2 REGISTER\n"


def test_a_rung_says_what_it_is_and_how_it_went():
    ladder = Ladder()
    for text in (INVITE, RINGING, BUSY, CHALLENGE, "nonsense\nmore"):
        ladder.add(0.0, True, "udp:192.0.2.1:5060", text)
    assert [(rung.title, rung.tone) for rung in ladder.rungs] == [
        ("INVITE sip:600@pbx", "plain"),
        ("180 Ringing (INVITE)", "good"),
        ("486 Busy Here (INVITE)", "bad"),
        ("401 Unauthorized (REGISTER)", "busy"),
        ("nonsense", "plain"),
    ]


def test_one_call_can_be_looked_at_alone():
    ladder = Ladder()
    for text in (INVITE, BUSY, RINGING, CHALLENGE):
        ladder.add(0.0, False, "peer", text)
    assert [rung.number for rung in ladder.of_call("a1")] == [1, 3]
    assert [rung.number for rung in ladder.of_call("c3")] == [4]
    assert len(ladder.of_call("")) == 4


def test_it_has_an_end_and_the_newest_stay():
    ladder = Ladder()
    for _ in range(MOST + 5):
        ladder.add(0.0, True, "peer", INVITE)
    assert (len(ladder.rungs), ladder.rungs[-1].number) == (MOST, MOST + 5)
