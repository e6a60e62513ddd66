"""What `set` and the network's word about callers do, between agents as programs."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

import pytest

from tests.harness.agent import Agent


@pytest.fixture
def agents() -> Iterator[tuple[Agent, Agent, Agent]]:
    with contextlib.ExitStack() as stack:
        yield tuple(stack.enter_context(Agent("--audio", "null")) for _ in range(3))  # type: ignore[misc]


Three = tuple[Agent, Agent, Agent]


def test_do_not_disturb_is_busy_and_nothing_comes_in(agents: Three) -> None:
    alice, bob, _ = agents
    bob.command("set", dnd=True)
    alice.call(bob.uri())
    assert alice.wait_event("call", state="ended")["code"] == 486
    assert bob.events() == []
    bob.command("set", dnd=False)
    alice.call(bob.uri())
    bob.wait_event("incoming")


def test_a_forwarded_call_keeps_its_name_at_the_caller(agents: Three) -> None:
    alice, bob, carol = agents
    bob.command("set", forward_always=carol.uri("carol"))
    call = alice.call(bob.uri())
    incoming = carol.wait_event("incoming")
    assert "reason=unconditional" in incoming["headers"]["Diversion"]
    carol.command("answer")
    assert alice.wait_event("call", state="confirmed")["call"] == call
    bob.command("set", forward_always=None)
    alice.call(bob.uri())
    bob.wait_event("incoming")


def test_a_second_call_goes_on_when_busy(agents: Three) -> None:
    alice, bob, carol = agents
    bob.command("set", forward_busy=carol.uri("carol"))
    alice.call(bob.uri())
    bob.wait_event("incoming")
    bob.command("answer")
    alice.wait_event("call", state="confirmed")
    alice.call(bob.uri())
    carol.wait_event("incoming")


def test_a_target_that_cannot_be_called_is_refused(agents: Three) -> None:
    reply = agents[0].ask("set", forward_no_answer="600")
    assert reply["ok"] is False and "600" in reply["error"]


def test_digits_by_info_are_events_like_others(agents: Three) -> None:
    alice, bob, _ = agents
    alice.call(bob.uri())
    bob.wait_event("incoming")
    bob.command("answer")
    alice.wait_event("call", state="confirmed")
    alice.command("dtmf", digits="7#", method="info")
    for digit in "7#":
        event = bob.wait_event("dtmf", method="info")
        assert (event["digit"], event["duration_ms"]) == (digit, 160)


def test_a_caller_that_asks_to_be_answered_is_where_that_is_wanted(agents: Three) -> None:
    alice, bob, _ = agents
    asking = {"Alert-Info": "<http://127.0.0.1>;info=alert-autoanswer"}
    with Agent("--audio", "null", "--intercom", "anyone") as door:
        alice.call(bob.uri(), headers=asking)
        alice.wait_event("call", state="ringing")
        alice.call(door.uri(), headers=asking)
        alice.wait_event("call", state="confirmed")


def test_the_servers_word_names_the_caller(agents: Three) -> None:
    server, stranger, _ = agents
    asserted = {"P-Asserted-Identity": '"The Boss" <sip:boss@pbx>'}
    with Agent("--audio", "null", "--no-register", account=server.uri("bob"), password="x") as bob:
        server.call(bob.uri("bob"), headers=asserted)
        assert bob.wait_event("incoming")["display_name"] == "The Boss"
        stranger.call(bob.uri("bob"), headers=asserted)
        assert bob.wait_event("incoming")["display_name"] == ""


def test_a_call_nobody_answers_goes_on_after_the_time_that_was_said(agents: Three) -> None:
    alice, _, carol = agents
    with Agent("--audio", "null", "--no-answer", "1") as bob:
        bob.command("set", forward_no_answer=carol.uri("carol"))
        call = alice.call(bob.uri())
        bob.wait_event("incoming")
        assert "reason=no-answer" in carol.wait_event("incoming")["headers"]["Diversion"]
        ended = bob.wait_event("call", state="ended")
        assert (ended["code"], ended["by"]) == (302, "local")
        alice.wait_event("call", state="ringing", call=call)


def test_silence_is_described_instead_of_sent_where_both_want_that() -> None:
    options = ("--audio", "null", "--suppress-silence", "--auto-answer", "0")
    with Agent(*options) as alice, Agent(*options) as bob, Agent("--audio", "null") as carol:
        for far, least, most in ((bob, 25, 55), (carol, 70, 200)):
            alice.call(far.uri())
            if far is carol:
                far.wait_event("incoming")
                far.command("answer")
            far.wait_event("media", state="started")
            time.sleep(1.6)
            stats = far.command("stats")["stats"]
            assert least <= stats["receive"]["packets"] <= most
            assert stats["receive"]["lost"] == 0
            alice.command("hangup")
