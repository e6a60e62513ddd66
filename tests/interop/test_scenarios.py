"""What no phone at hand does, done by sipp with scenarios of our own, one call each."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.harness.agent import Agent
from tests.harness.sipp import Sipp
from tests.interop.conftest import Bench

pytestmark = pytest.mark.interop

SCENARIOS = Path(__file__).parent / "scenarios"


def succeeded(sipp: Sipp) -> None:
    outcome = sipp.outcome()
    assert (outcome.code, outcome.succeeded, outcome.failed) == (0, 1, 0), sipp.errors


def callee(bench: Bench, name: str) -> Sipp:
    return bench.sipp(SCENARIOS / f"{name}.xml", calls=1)


def call(agent: Agent, sipp: Sipp) -> str:
    made = agent.call(sipp.uri)
    agent.wait_event("call", state="confirmed")
    return made


def hang_up(agent: Agent, made: str) -> None:
    agent.command("hangup", call=made)
    assert agent.wait_event("call", state="ended")["code"] == 200


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("prack_required_by_the_caller", ()),
        ("prack_required_by_the_caller", ("--prack", "require")),
        ("late_offer", ()),
    ],
)
def test_a_caller_that_is(bench: Bench, name: str, options: tuple[str, ...]) -> None:
    # Half a second of ringing, so that what comes before the answer is seen.
    agent = bench.agent("--auto-answer", "0.5", *options)
    sipp = bench.sipp(SCENARIOS / f"{name}.xml", target=agent.address, calls=1)
    agent.wait_event("call", state="confirmed")
    assert agent.wait_event("call", state="ended")["code"] == 200
    succeeded(sipp)


def test_a_caller_whose_ack_is_lost(bench: Bench) -> None:
    agent = bench.agent("--auto-answer", "0")
    capture = bench.capture()
    sipp = bench.sipp(SCENARIOS / "lost_ack.xml", target=agent.address, calls=1)
    assert agent.wait_event("call", state="ended")["code"] == 200
    succeeded(sipp)
    answers = capture.fields(
        'sip.Status-Code == 200 and sip.CSeq.method == "INVITE"', "sip.Call-ID"
    )
    assert len(answers) == 3  # at 0, 0.5 and 1.5 s; after 2 s the ACK came


def test_a_caller_that_says_everything_twice(bench: Bench) -> None:
    agent = bench.agent("--auto-answer", "0.5")
    capture = bench.capture()
    scenario = SCENARIOS / "retransmissions.xml"
    sipp = bench.sipp(scenario, target=agent.address, calls=1, literal=True)
    assert agent.wait_event("call", state="ended")["code"] == 200
    succeeded(sipp)
    told = [event["event"] for event in agent.events()]
    assert told.count("incoming") == 1
    answers = capture.fields(
        'sip.Status-Code >= 180 and sip.CSeq.method == "INVITE"', "sip.Status-Code", "sip.to.tag"
    )
    assert {tuple(each)[1] for each in answers} == {tuple(answers[0])[1]}


def test_a_callee_that_requires_prack(bench: Bench) -> None:
    agent, sipp = bench.agent(), callee(bench, "prack_required_by_the_callee")
    made = call(agent, sipp)
    assert agent.wait_event("call", state="early")["call"] == made
    hang_up(agent, made)
    succeeded(sipp)


def test_phones_that_ring_side_by_side(bench: Bench) -> None:
    agent, sipp = bench.agent(), callee(bench, "forked_early_dialogs")
    made = call(agent, sipp)
    hang_up(agent, made)
    succeeded(sipp)


def test_a_callee_that_wants_a_longer_interval_and_refreshes(bench: Bench) -> None:
    agent, sipp = bench.agent(), callee(bench, "interval_too_small")
    call(agent, sipp)
    ended = agent.wait_event("call", state="ended")
    assert (ended["code"], ended["by"]) == (200, "remote")
    succeeded(sipp)


def test_a_callee_that_asks_at_the_same_moment(bench: Bench) -> None:
    agent, sipp = bench.agent(), callee(bench, "glare")
    made = call(agent, sipp)
    agent.command("hold", call=made)
    assert agent.wait_event("call", hold="local", timeout=10)["call"] == made
    hang_up(agent, made)
    succeeded(sipp)


def test_a_pbx_that_says_who_is_there(bench: Bench) -> None:
    agent, sipp = bench.agent(), callee(bench, "connected_line")
    made = call(agent, sipp)
    first = agent.wait_event("identity", display_name="Reception")
    assert (first["call"], first["uri"]) == (made, "sip:100@pbx.example")
    digit = agent.wait_event("dtmf", method="info")
    assert (digit["digit"], digit["duration_ms"]) == ("5", 200)
    agent.wait_event("identity", display_name="Carol", uri="sip:carol@pbx.example")
    agent.command("dtmf", digits="7", method="info")
    hang_up(agent, made)
    succeeded(sipp)
