"""A leg that goes on over other sockets: another family of addresses, the same stream."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from platypus._media.loop import Leg, Loop
from platypus.errors import MediaError
from tests._media.peer import Peer, address_of, open_leg, running_loop, udp_socket, wait_for

SIX = "::1"


@pytest.fixture
def loop() -> Iterator[Loop]:
    with running_loop() as loop:
        yield loop


def move(leg: Leg, host: str = SIX) -> tuple[str, int]:
    """Where the leg is afterwards; it knows no far end there yet."""
    rtp, rtcp = udp_socket(host), udp_socket(host)
    address: tuple[str, int] = rtp.getsockname()[:2]
    leg.move(rtp, rtcp)
    assert rtp.fileno() == rtcp.fileno() == -1  # the loop's, as those before were
    return address


def test_the_stream_goes_on_with_its_next_packet(loop: Loop) -> None:
    before, after = Peer(), Peer(host=SIX)
    leg = open_leg(loop, before.address)
    last = before.receive_many(3)[-1]
    here = move(leg)
    leg.configure_send(0, "pcmu", after.address, 101)
    first = after.receive()
    assert first.source == here
    assert first.ssrc == last.ssrc
    assert 0 < (first.sequence - last.sequence) & 0xFFFF < 50


def test_it_is_heard_there(loop: Loop) -> None:
    before, after = Peer(), Peer(host=SIX)
    leg = open_leg(loop, before.address)
    before.send(address_of(leg))
    wait_for(lambda: leg.statistics()["receive"]["packets"] == 1)
    here = move(leg)
    leg.configure_send(0, "pcmu", after.address, 101)
    after.talk(here, lambda: leg.statistics()["receive"]["packets"] > 5)


def test_nothing_is_sent_before_it_is_known_where_to(loop: Loop) -> None:
    before, after = Peer(), Peer(host=SIX)
    leg = open_leg(loop, before.address)
    before.receive()
    here = move(leg)
    wait_for(lambda: is_free(address_of(leg)))
    sent = leg.statistics()["send"]["packets"]
    after.talk(here, lambda: leg.statistics()["receive"]["packets"] > 10)
    assert leg.statistics()["send"]["packets"] <= sent + 5  # counted a few turns late
    assert leg.statistics()["send_errors"] == 0


def test_the_ports_before_are_free(loop: Loop) -> None:
    leg = open_leg(loop, Peer().address)
    move(leg)
    wait_for(lambda: is_free(address_of(leg)))


def test_there_and_back_many_times(loop: Loop) -> None:
    leg = open_leg(loop)
    for _ in range(20):
        move(leg)
        here = move(leg, "127.0.0.1")
    four = Peer()
    leg.configure_send(0, "pcmu", four.address, 101)
    assert four.receive().source == here


def test_what_is_no_socket_for_it_stays_the_callers(loop: Loop) -> None:
    leg = open_leg(loop)
    with (
        socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as wrong,
        pytest.raises(ValueError, match="UDP"),
    ):
        leg.move(wrong)
    leg.close()
    with udp_socket(SIX) as late:
        with pytest.raises(MediaError, match="closed"):
            leg.move(late)
        assert late.fileno() >= 0


def is_free(address: tuple[str, int]) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.bind(address)
        except OSError:
            return False
    return True
