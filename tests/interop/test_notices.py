"""Messages and subscriptions through Kamailio, and with notifiers that sipp plays."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.harness.sipp import Sipp
from tests.interop.conftest import Bench

pytestmark = pytest.mark.interop

SCENARIOS = Path(__file__).parent / "scenarios"


def succeeded(sipp: Sipp) -> None:
    outcome = sipp.outcome()
    assert (outcome.code, outcome.succeeded, outcome.failed) == (0, 1, 0), sipp.errors


@pytest.mark.smoke
def test_a_message_goes_through_kamailio_with_a_password(bench: Bench) -> None:
    kamailio = bench.kamailio()
    alice, bob = bench.phone("alice", kamailio), bench.phone("bob", kamailio)
    alice.command("message", to="bob", text="Grüße ☃")
    event = bob.wait_event("message")
    assert event["text"] == "Grüße ☃"
    assert event["from"] == f"sip:alice@{kamailio.address}"
    kamailio.wait_for_count("MESSAGE", "alice", 1)
    alice.command("message", to="nobody", text="hello?")
    assert "404" in alice.wait_event("error")["message"]


def test_a_lamp_follows_a_phone_behind_kamailio(bench: Bench) -> None:
    kamailio = bench.kamailio()
    alice, bob, carol = (bench.phone(user, kamailio) for user in ("alice", "bob", "carol"))
    alice.command("subscribe", to="bob", package="dialog")
    address = f"sip:bob@{kamailio.address}"
    assert alice.wait_event("notify")["from"] == address
    carol.call("bob")
    alice.wait_event("notify", state="early")
    bob.wait_event("incoming")
    bob.command("answer")
    alice.wait_event("notify", state="confirmed")
    carol.end_call()
    alice.wait_event("notify", state="terminated")


def test_a_call_is_picked_up_through_kamailio(bench: Bench) -> None:
    kamailio = bench.kamailio()
    alice, bob, carol = (bench.phone(user, kamailio) for user in ("alice", "bob", "carol"))
    alice.call("bob")
    bob.wait_event("incoming")
    alice.wait_event("call", state="ringing")
    call = carol.command("pickup", to="bob")["call"]
    carol.wait_event("call", call=call, state="confirmed")
    assert bob.wait_event("call", state="ended")["by"] == "remote"


def test_a_stranger_does_not_see_who_a_phone_behind_kamailio_talks_to(bench: Bench) -> None:
    # Another address of this machine, or the stranger would look as the server does.
    kamailio = bench.kamailio()
    bob = bench.phone("bob", kamailio)
    stranger = bench.agent(host="127.0.0.2")
    stranger.command("subscribe", to=bob.uri("bob"), package="dialog")
    assert "403" in stranger.wait_event("error")["message"]


def test_a_notify_before_the_200_and_a_version_that_is_missing(bench: Bench) -> None:
    sipp = bench.sipp(SCENARIOS / "lamp_with_a_gap.xml", calls=1)
    agent = bench.agent()
    agent.command("subscribe", to=sipp.uri, package="dialog")
    assert agent.wait_event("notify")["state"] == "terminated"
    # What came out of order was not believed: the next state is of the fetched document.
    assert agent.wait_event("notify")["state"] == "early"
    agent.command("unsubscribe", to=sipp.uri, package="dialog")
    succeeded(sipp)


def test_presence_of_somebody(bench: Bench) -> None:
    sipp = bench.sipp(SCENARIOS / "presence.xml", calls=1)
    agent = bench.agent()
    agent.command("subscribe", to=sipp.uri, package="presence")
    event = agent.wait_event("notify", package="presence")
    assert (event["state"], event["note"]) == ("open", "at my desk")
    succeeded(sipp)


def test_a_mailbox_that_was_subscribed_to(bench: Bench) -> None:
    sipp = bench.sipp(SCENARIOS / "mailbox.xml", calls=1)
    agent = bench.agent("--no-register", account=sipp.uri, password="x")
    agent.command("subscribe", to=sipp.uri, package="message-summary")
    event = agent.wait_event("mwi")
    assert (event["account"], event["waiting"], event["new"], event["old"]) == (
        sipp.uri,
        True,
        3,
        1,
    )
    succeeded(sipp)
