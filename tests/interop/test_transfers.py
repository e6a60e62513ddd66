"""Transfers among three phones: over Kamailio, which stays in the path, and with baresip as one.

baresip 1.0.0 transfers blindly, both ways, reports no more than the start and the end, and drops
the Replaces of a Refer-To.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.harness.agent import Agent
from tests.harness.baresip import Baresip
from tests.harness.listening import RATE, find, levels, read_wav, speech, write_wav
from tests.harness.namespace import host_address
from tests.interop.conftest import Bench
from tests.interop.test_calls import wait_for_samples

pytestmark = pytest.mark.interop


def connect(caller: Agent, callee: Agent, to: str) -> str | int:
    """A call that is answered; the caller's."""
    call = caller.call(to)
    callee.wait_event("incoming")
    callee.command("answer")
    caller.wait_event("call", state="confirmed", call=call)
    callee.wait_event("call", state="confirmed")
    return call


def only_call(agent: Agent) -> dict[str, Any]:
    """The one call there is, once there is only one."""

    def find_it() -> dict[str, Any] | None:
        calls: list[dict[str, Any]] = agent.command("calls")["calls"]
        return calls[0] if len(calls) == 1 else None

    return agent.wait_for(find_it, 5, "only one call")


class Office:
    """Alice, Bob and Carol at one Kamailio; Bob has a voice, and what Carol hears is kept."""

    def __init__(self, bench: Bench, folder: Path) -> None:
        self.kamailio = bench.kamailio()
        self.voice = levels(speech(12, seed=50), "pcmu")
        self.heard = folder / "carol-hears.wav"
        file = write_wav(folder / "bob.wav", self.voice)
        self.alice = bench.phone("alice", self.kamailio)
        self.bob = bench.phone("bob", self.kamailio, "--audio", f"wav-loop:{file}")
        self.carol = bench.phone("carol", self.kamailio, "--record", str(self.heard))

    def check_carol_hears_bob(self, recording: Path) -> None:
        wait_for_samples(self.carol, recording, 2 * RATE)
        assert find(read_wav(recording)[RATE // 2 : RATE], self.voice).snr_db > 40


def test_a_blind_transfer_over_kamailio(bench: Bench, tmp_path: Path) -> None:
    office = Office(bench, tmp_path)
    first = connect(office.alice, office.bob, "bob")
    office.alice.command("transfer", call=first, to="carol")
    office.bob.wait_event("transferred")
    assert office.carol.wait_event("incoming")["from"] == f"sip:bob@{office.kamailio.address}"
    office.carol.command("answer")
    office.alice.wait_event("transfer", status=200, done=True)
    office.alice.wait_event("call", state="ended", call=first)
    assert only_call(office.bob)["state"] == "confirmed"
    office.check_carol_hears_bob(office.heard)


@pytest.mark.smoke
def test_an_attended_transfer_over_kamailio(bench: Bench, tmp_path: Path) -> None:
    office = Office(bench, tmp_path)
    first = connect(office.alice, office.bob, "bob")
    office.alice.command("hold", call=first)
    office.bob.wait_event("call", hold="remote")
    other = connect(office.alice, office.carol, "carol")
    office.alice.command("transfer", call=first, other=other)
    office.alice.wait_event("transfer", call=first, status=200, done=True)
    office.alice.wait_event("call", state="ended", call=first)
    office.alice.wait_event("call", state="ended", call=other)
    office.bob.wait_event("transferred")
    replaced = office.carol.wait_event("transferred")
    assert replaced["to"] == f"sip:bob@{office.kamailio.address}"
    assert only_call(office.carol)["call"] == replaced["new"]
    assert only_call(office.bob)["hold"] == "none"
    office.check_carol_hears_bob(tmp_path / "carol-hears-2.wav")


def test_a_transfer_to_nobody_over_kamailio(bench: Bench, tmp_path: Path) -> None:
    office = Office(bench, tmp_path)
    first = connect(office.alice, office.bob, "bob")
    office.alice.command("transfer", call=first, to="nobody")
    office.alice.wait_event("transfer", status=404, done=True)
    assert only_call(office.alice)["state"] == only_call(office.bob)["state"] == "confirmed"


class WithBaresip:
    """Two phones of ours, and a baresip."""

    def __init__(self, bench: Bench, folder: Path) -> None:
        silence = write_wav(folder / "voice.wav", levels(speech(15, seed=51), "pcmu"))
        self.bert: Baresip = bench.baresip("bert", silence, codecs=["PCMU"])
        host = host_address()
        self.alice = bench.agent("--codecs", "pcmu", host=host)
        self.carol = bench.agent("--codecs", "pcmu", host=host)


@pytest.mark.smoke
def test_baresip_is_transferred(bench: Bench, tmp_path: Path) -> None:
    three = WithBaresip(bench, tmp_path)
    first = three.alice.call(three.bert.uri)
    three.bert.wait_event("CALL_INCOMING")
    three.bert.command("accept")
    three.alice.wait_event("call", state="confirmed")
    three.alice.command("transfer", to=three.carol.uri("carol"))
    incoming = three.carol.wait_event("incoming")
    assert incoming["from"] == three.bert.uri
    three.carol.command("answer")
    three.carol.wait_event("call", state="confirmed")
    assert three.alice.wait_event("transfer", done=True)["status"] == 200
    three.alice.wait_event("call", state="ended", call=first)
    assert only_call(three.carol)["state"] == "confirmed"


def test_baresip_is_held_while_we_ask_somebody_and_taken_back(bench: Bench, tmp_path: Path) -> None:
    """RFC 5359, 2.2: what was asked is over, and the call that waited goes on both ways."""
    three = WithBaresip(bench, tmp_path)
    first = three.alice.call(three.bert.uri)
    three.bert.wait_event("CALL_INCOMING")
    three.bert.command("accept")
    three.alice.wait_event("call", state="confirmed")
    three.alice.command("hold", call=first)
    three.alice.wait_event("call", call=first, hold="local")
    asking = connect(three.alice, three.carol, three.carol.uri("carol"))
    three.alice.command("hangup", call=asking)
    three.carol.wait_event("call", state="ended", code=200)
    three.alice.command("resume", call=first)
    three.alice.wait_event("call", call=first, hold="none")
    before = three.alice.statistics(first)["receive"]["packets"]

    def flows() -> bool | None:
        return three.alice.statistics(first)["receive"]["packets"] > before + 20 or None

    three.alice.wait_for(flows, 5, "RTP of baresip's after the hold")
    assert only_call(three.alice)["state"] == "confirmed"


def test_baresip_calls_anew_where_it_should_replace_and_that_ends_both_of_ours(
    bench: Bench, tmp_path: Path
) -> None:
    three = WithBaresip(bench, tmp_path)
    first = three.alice.call(three.bert.uri)
    three.bert.wait_event("CALL_INCOMING")
    three.bert.command("accept")
    three.alice.wait_event("call", state="confirmed")
    other = connect(three.alice, three.carol, three.carol.uri("carol"))
    three.alice.command("transfer", call=first, other=other)
    new = three.carol.wait_event("incoming")["call"]
    three.carol.command("answer", call=new)
    three.alice.wait_event("transfer", call=first, status=200, done=True)
    three.alice.wait_event("call", call=first, state="ended")
    three.alice.wait_event("call", call=other, state="ended")
    assert only_call(three.carol)["call"] == new


def test_baresip_transfers_us(bench: Bench, tmp_path: Path) -> None:
    three = WithBaresip(bench, tmp_path)
    three.bert.command("dial", three.alice.uri())
    old = three.alice.wait_event("incoming")["call"]
    three.alice.command("answer")
    three.bert.wait_event("CALL_ESTABLISHED")
    three.bert.command("transfer", three.carol.uri("carol"))
    transferred = three.alice.wait_event("transferred", call=old)
    assert transferred["to"] == three.carol.uri("carol")
    three.carol.wait_event("incoming")
    three.carol.command("answer")
    three.alice.wait_event("call", state="confirmed", call=transferred["new"])
    three.alice.wait_event("call", state="ended", call=old)
    assert only_call(three.alice)["call"] == transferred["new"]


def test_we_are_transferred_to_baresip(bench: Bench, tmp_path: Path) -> None:
    three = WithBaresip(bench, tmp_path)
    first = connect(three.alice, three.carol, three.carol.uri())
    three.alice.command("transfer", call=first, to=three.bert.uri)
    three.bert.wait_event("CALL_INCOMING")
    three.bert.command("accept")
    three.alice.wait_event("transfer", status=200, done=True)
    assert only_call(three.carol)["remote"] == three.bert.uri


def test_baresip_hears_that_a_transfer_failed(bench: Bench, tmp_path: Path) -> None:
    three = WithBaresip(bench, tmp_path)
    three.bert.command("dial", three.alice.uri())
    old = three.alice.wait_event("incoming")["call"]
    three.alice.command("answer")
    three.bert.wait_event("CALL_ESTABLISHED")
    three.bert.command("transfer", three.carol.uri("carol"))
    three.alice.wait_event("transferred")
    three.carol.wait_event("incoming")
    three.carol.command("reject", code=486)
    three.bert.expect("transfer fail|TRANSFER_FAILED|486")
    assert only_call(three.alice)["call"] == old
