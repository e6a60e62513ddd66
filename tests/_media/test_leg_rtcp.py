"""A leg's reports on real sockets: whose are taken, and where ours go."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

import pytest

from platypus._media import rtcp
from platypus._media.loop import Leg, Loop
from tests._media.peer import Peer, address_of, open_leg, running_loop, udp_socket, wait_for

OURS = 1  # the SSRC of a leg of `open_leg`


@pytest.fixture
def loop() -> Iterator[Loop]:
    with running_loop() as loop:
        yield loop


class Line:
    """A leg with an RTCP port, and the two sockets of its far end."""

    def __init__(self, loop: Loop, **options: Any) -> None:
        self.rtp, self.rtcp = Peer(), Peer()
        ours, reports = udp_socket(), udp_socket()
        self.rtp_address, self.rtcp_address = ours.getsockname(), reports.getsockname()
        self.leg: Leg = loop.open_leg(
            ours, reports, ssrc=OURS, sequence=1, timestamp=1, cname=b"us"
        )
        self.leg.configure_receive({0: "pcmu"})
        self.leg.configure_send(0, "pcmu", self.rtp.address)
        self.leg.configure_rtcp(self.rtcp.address, **options)


def report(ssrc: int = 77, *, lost: int = 0, lsr: int = 0) -> bytes:
    block = struct.pack("!IIIIII", OURS, lost, 1, 16, lsr, 0)
    return struct.pack("!BBHI", 0x81, 201, 7, ssrc) + block


def next_report(peer: Peer, ours: int = 77) -> dict[str, Any]:
    while True:
        data, _ = peer.socket.recvfrom(2048)
        said = rtcp.parse(data, ours)
        if said is not None:
            return said


def test_the_first_report_goes_out_with_the_first_packet(loop: Loop) -> None:
    line = Line(loop)
    data, source = line.rtcp.socket.recvfrom(2048)
    assert source == line.rtcp_address
    said = rtcp.parse(data)
    assert said is not None
    assert said["sender"]["packets"] == 1
    assert said["ssrc"] == OURS
    assert data.endswith(b"\x01\x02us" + bytes(4))


def test_with_rtcp_mux_it_comes_from_the_port_of_rtp_and_goes_to_it(loop: Loop) -> None:
    line = Line(loop, mux=True)
    found: dict[bool, tuple[str, int]] = {}
    while len(found) < 2:
        data, source = line.rtp.socket.recvfrom(2048)
        found[192 <= data[1] <= 223] = source
    assert found == {False: line.rtp_address, True: line.rtp_address}


@pytest.mark.parametrize("port", ["rtp", "rtcp"])
def test_reports_on_either_port_are_taken(loop: Loop, port: str) -> None:
    line = Line(loop)
    to = line.rtp_address if port == "rtp" else line.rtcp_address
    line.rtcp.socket.sendto(report(lost=5), to)
    wait_for(lambda: line.leg.statistics()["rtcp_packets"] == 1)
    send = line.leg.statistics()["send"]
    assert (send["lost"], send["jitter_ms"]) == (5, 2.0)


def test_the_round_trip_is_measured_from_the_kernels_stamp(loop: Loop) -> None:
    line = Line(loop)
    sender = next_report(line.rtcp)["sender"]
    line.rtcp.socket.sendto(report(lsr=sender["ntp"] >> 16 & 0xFFFFFFFF), line.rtcp_address)
    rtt_ms = wait_for(lambda: line.leg.statistics()["rtt_ms"])
    # Read up to 100 ms later than it came: by the reader's clock it would be that much longer.
    assert 0 <= rtt_ms < 5000


def test_what_is_no_report_is_counted(loop: Loop) -> None:
    line = Line(loop)
    line.rtcp.socket.sendto(report()[:-4], line.rtcp_address)
    line.rtcp.socket.sendto(report(OURS), line.rtcp_address)
    wait_for(lambda: line.leg.statistics()["invalid"] == 2)
    assert line.leg.statistics()["rtcp_packets"] == 0


def test_reports_from_another_host_are_a_strangers(loop: Loop) -> None:
    line = Line(loop)
    stranger = Peer(host="127.0.0.2")
    stranger.socket.sendto(report(lost=9), line.rtcp_address)
    wait_for(lambda: line.leg.statistics()["strangers"] == 1)
    assert line.leg.statistics()["send"]["lost"] is None


def test_reports_go_back_to_where_they_come_from(loop: Loop) -> None:
    line = Line(loop)
    next_report(line.rtcp)
    behind_a_nat = Peer()
    behind_a_nat.socket.sendto(report(), line.rtcp_address)
    assert next_report(behind_a_nat)["ssrc"] == OURS


def test_closing_says_bye(loop: Loop) -> None:
    line = Line(loop)
    next_report(line.rtcp)
    line.leg.close()
    while not (said := next_report(line.rtcp))["bye"]:
        pass
    assert said["sender"] is not None


def test_without_an_address_there_are_no_reports_and_no_bye(loop: Loop) -> None:
    line = Line(loop)
    next_report(line.rtcp)
    line.leg.configure_rtcp(None)
    line.rtp.receive_many(3)
    line.leg.close()
    wait_for(lambda: loop.lateness()["count"])
    line.rtcp.socket.setblocking(False)
    with pytest.raises(BlockingIOError):
        line.rtcp.socket.recvfrom(2048)


def test_who_may_not_send_still_reports(loop: Loop) -> None:
    line = Line(loop)
    line.leg.set_direction(False, True)
    line.rtp.talk(line.rtp_address, lambda: line.leg.statistics()["receive"]["packets"] > 3)
    assert next_report(line.rtcp)["ssrc"] == OURS


def test_a_leg_that_was_given_no_address_for_reports_sends_none(loop: Loop) -> None:
    peer = Peer()
    leg = open_leg(loop, peer.address)
    assert {packet.payload_type for packet in peer.receive_many(30)} == {0}
    assert leg.statistics()["rtt_ms"] is None
    assert address_of(leg)


@pytest.mark.parametrize("cname", [b"", b"x" * 65])
def test_a_cname_that_does_not_fit_is_refused(loop: Loop, cname: bytes) -> None:
    with pytest.raises(ValueError, match="CNAME"):
        loop.open_leg(udp_socket(), ssrc=1, sequence=1, timestamp=1, cname=cname)
