"""Keeping a NAT's binding open while no media may go out (RFC 6263)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from platypus._media.keep_alive import KeepAlive
from platypus._media.loop import Loop
from tests._media.peer import Peer, open_leg, running_loop, wait_for

SECOND = 1_000_000_000
TURN = SECOND // 50
START = 1_000_003 * SECOND


@pytest.fixture
def loop() -> Iterator[Loop]:
    with running_loop() as loop:
        yield loop


def times(keep_alive: KeepAlive, seconds: int) -> list[float]:
    """When it is due, in seconds from `START`, asked in each turn from the next one on."""
    turns = range(START + TURN, START + seconds * SECOND + 1, TURN)
    return [(now - START) / SECOND for now in turns if keep_alive.due(now)]


def test_a_packet_is_due_15_s_after_the_last_that_went_out_and_every_15_s() -> None:
    keep_alive = KeepAlive()
    keep_alive.sent(START)
    assert times(keep_alive, 61) == [15, 30, 45, 60]


def test_media_put_it_off() -> None:
    keep_alive = KeepAlive()
    keep_alive.sent(START - 14 * SECOND)
    keep_alive.sent(START)
    assert times(keep_alive, 16) == [15]


def test_who_never_sent_opens_the_binding_at_once() -> None:
    assert times(KeepAlive(), 16) == [0.02, 15.02]


def test_a_leg_that_may_not_send_says_so_by_an_empty_packet_of_an_unknown_type(loop: Loop) -> None:
    peer = Peer()
    leg = open_leg(loop)
    leg.set_direction(False, True)
    leg.configure_send(0, "pcmu", peer.address)
    kept = peer.receive()
    assert (kept.payload_type, kept.payload) == (127, b"")
    assert leg.statistics()["send"]["packets"] == 0  # of the audio
    leg.set_direction(True, True)
    after = peer.receive()
    assert after.payload
    assert after.sequence == (kept.sequence + 1) & 0xFFFF
    assert after.marker
    peer.socket.close()


def test_a_leg_that_has_just_sent_needs_none(loop: Loop) -> None:
    peer = Peer()
    leg = open_leg(loop, peer.address)
    peer.receive()
    leg.set_direction(False, True)
    turns = loop.turns()[0]
    wait_for(lambda: loop.turns()[0] > turns + 10)
    peer.socket.setblocking(False)
    with pytest.raises(BlockingIOError):
        while True:
            assert peer.receive().payload
    peer.socket.close()
