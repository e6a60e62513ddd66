"""A media thread that stood still: what the far end gets, and what is told."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests._media.peer import Packet, Peer, address_of, next_event, open_leg, running_loop, wait_for

FRAME = 160
LEG = """\
import sys
from tests._media.peer import *
loop = Loop()
loop.start()
leg = open_leg(loop, ("127.0.0.1", int(sys.argv[1])))
sys.stdin.read()
print(loop.lateness()["skipped"])
loop.close()
"""

pytestmark = [
    pytest.mark.realtime,
    pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="needs SIGSTOP"),
]


@contextmanager
def leg_in_a_process(peer: Peer) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", LEG, str(peer.address[1])],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def stop(process: subprocess.Popen[str], seconds: float) -> None:
    os.kill(process.pid, signal.SIGSTOP)
    time.sleep(seconds)
    os.kill(process.pid, signal.SIGCONT)


def steps(packets: list[Packet]) -> list[int]:
    """How far each timestamp is from the last, in frames; sequence numbers never jump."""
    pairs = list(itertools.pairwise(packets))
    assert {(b.sequence - a.sequence) % 2**16 for a, b in pairs} == {1}
    return [(b.timestamp - a.timestamp) % 2**32 // FRAME for a, b in pairs]


def test_a_short_stall_is_caught_up_and_every_packet_sent():
    peer = Peer()
    with leg_in_a_process(peer) as process:
        before = peer.receive_many(5)
        stop(process, 0.12)
        packets = before + peer.receive_many(30)
        skipped, _ = process.communicate("")
    assert set(steps(packets)) == {1}
    assert skipped.strip() == "0"


def test_a_long_stall_is_skipped_truthfully_but_for_the_last_200_ms():
    peer = Peer()
    with leg_in_a_process(peer) as process:
        before = peer.receive_many(5)
        stop(process, 1.0)
        packets = before + peer.receive_many(60)
        skipped, _ = process.communicate("")
    jumps = [step for step in steps(packets) if step != 1]
    assert len(jumps) == 1
    assert jumps[0] - 1 == int(skipped)
    assert int(skipped) >= 30


def test_a_far_end_that_falls_silent_is_told_and_so_is_its_return():
    peer = Peer()
    with running_loop() as loop:
        leg = open_leg(loop, peer.address)
        peer.send(address_of(leg))
        assert next_event(loop, "stalled") == (leg.id, "stalled")
        peer.send(address_of(leg))
        assert next_event(loop, "resumed") == (leg.id, "resumed")
        assert wait_for(lambda: leg.statistics()["receive"]["silent_ms"] < 5000)
