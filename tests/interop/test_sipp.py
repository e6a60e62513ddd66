"""sipp at a rate, with the scenarios it brings along: nothing in them was written for us."""

from __future__ import annotations

import pytest

from tests.interop.conftest import Bench

pytestmark = pytest.mark.interop


@pytest.mark.parametrize(
    ("calls", "rate"),
    [pytest.param(10, 10, marks=pytest.mark.smoke), pytest.param(100, 25)],
)
def test_sipp_calls_us_at_a_rate(bench: Bench, calls: int, rate: int) -> None:
    agent = bench.agent("--auto-answer", "0")
    caller = bench.sipp("uac", target=agent.address, calls=calls, rate=rate, duration_ms=200)
    outcome = caller.outcome()
    assert (outcome.code, outcome.succeeded, outcome.failed) == (0, calls, 0), caller.errors
    assert outcome.retransmissions == 0
    for _ in range(calls):
        assert agent.wait_event("call", state="ended")["code"] == 200
    assert agent.command("calls")["calls"] == []


def test_we_call_sipp_many_times_at_once(bench: Bench) -> None:
    callee = bench.sipp("uas")
    agent = bench.agent()
    calls = [agent.call(callee.uri) for _ in range(20)]
    for _ in calls:
        agent.wait_event("call", state="confirmed")
    for call in calls:
        agent.command("hangup", call=call)
    for _ in calls:
        assert agent.wait_event("call", state="ended")["code"] == 200
    assert callee.errors == ""


def test_sipp_is_refused_beyond_the_number_of_calls_allowed(bench: Bench) -> None:
    agent = bench.agent("--auto-answer", "0", "--max-calls", "1")
    caller = bench.sipp("uac", target=agent.address, calls=3, rate=100, duration_ms=1000)
    outcome = caller.outcome()
    assert (outcome.succeeded, outcome.failed) == (1, 2)


def test_sipp_is_refused_with_the_code_that_was_asked_for(bench: Bench) -> None:
    agent = bench.agent("--reject", "486")
    caller = bench.sipp("uac", target=agent.address, calls=2, rate=10)
    assert caller.outcome().failed == 2
    assert "486" in caller.errors


def test_keys_go_as_tones_and_come_back_where_no_events_were_agreed(bench: Bench) -> None:
    """sipp agrees on PCMU alone and sends back what it hears."""
    echo = bench.sipp("uas", rtp_echo=True)
    agent = bench.agent("--audio", "tone")
    call = agent.call(echo.uri)
    agent.wait_event("media", state="started")
    refused = agent.ask("dtmf", digits="1", call=call)
    assert "inband" in refused["error"]
    agent.command("dtmf", digits="19*#0", method="inband", call=call)
    heard = [agent.wait_event("dtmf") for _ in range(5)]
    assert "".join(event["digit"] for event in heard) == "19*#0"
    assert {event["method"] for event in heard} == {"inband"}
    assert all(100 <= event["duration_ms"] <= 220 for event in heard)
    agent.command("hangup", call=call)
