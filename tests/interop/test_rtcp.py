"""Reports on the wire: dissected by tshark, exchanged with baresip."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from tests.harness.agent import Agent
from tests.harness.listening import levels, speech, write_wav
from tests.harness.namespace import host_address
from tests.interop.conftest import Bench

pytestmark = pytest.mark.interop

SR, RR, SDES, BYE, XR = "200", "201", "202", "203", "207"


def wait_measured(phone: Agent, timeout: float = 20.0) -> dict[str, Any]:
    """The figures of its call, once the far end has answered a report."""
    end = time.monotonic() + timeout
    while (stats := phone.command("stats")["stats"])["rtt_ms"] is None:
        assert time.monotonic() < end, stats
        phone.wait_for_line(0.1)
    return dict(stats)


def check_measured(stats: dict[str, Any]) -> None:
    assert 0 <= stats["rtt_ms"] < 100
    assert stats["send"]["lost"] == 0
    assert 0 <= stats["send"]["jitter_ms"] < 20
    assert 4.0 < stats["mos"] <= 4.5


def test_the_dissector_finds_nothing_wrong(bench: Bench) -> None:
    capture = bench.capture("udp")
    alice, bob = bench.agent("--audio", "tone"), bench.agent("--audio", "tone")
    alice.call(bob.uri())
    bob.wait_event("incoming")
    bob.command("answer")
    for phone in (alice, bob):
        check_measured(wait_measured(phone))
    alice.command("hangup")
    for phone in (alice, bob):
        assert phone.wait_event("call", state="ended")["stats"]["mos"] > 4.0
    # RFC 5761: tshark learns the ports of RTP from the SDP, and reports are told by their type.
    packets = capture.fields("rtcp", "rtcp.pt", "rtcp.sdes.type", "rtcp.xr.bt", "_ws.expert")
    kinds = [row[0].split(",") for row in packets]
    assert all(first in (SR, RR) and SDES in rest for first, *rest in kinds)
    assert sum(kind[0] == SR for kind in kinds) >= 4
    assert all("1" in row[1].split(",") for row in packets)
    assert any("7" in row[2] for row in packets)
    assert [kind[-1] for kind in kinds].count(BYE) == 2
    assert all(not row[3] for row in packets), packets


@pytest.mark.parametrize("mux", [False, True])
def test_baresip_and_we_measure_each_other(bench: Bench, tmp_path: Path, mux: bool) -> None:
    voice = write_wav(tmp_path / "voice.wav", levels(speech(15, seed=31), "pcmu"))
    peer = bench.baresip("bert", voice, codecs=["PCMU"], rtcp_mux=mux)
    phone = bench.agent("--audio", f"wav:{voice}", "--codecs", "pcmu", host=host_address())
    phone.call(peer.uri)
    peer.wait_event("CALL_INCOMING")
    peer.command("accept")
    phone.wait_event("call", state="confirmed")
    check_measured(wait_measured(phone))
    phone.command("hangup")
    peer.wait_event("CALL_CLOSED")
