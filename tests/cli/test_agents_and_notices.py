"""Lamps, pickup, mailboxes and messages among agents without a server, as a script sees them."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Iterator

import pytest

from tests.harness.agent import Agent

Start = Callable[..., Agent]

BODY = (
    "Messages-Waiting: yes\r\nMessage-Account: sip:asterisk@127.0.0.1\r\n"
    "Voice-Message: 2/8 (0/2)\r\n"
)
SUMMARY = (
    "NOTIFY sip:alice@127.0.0.1 SIP/2.0\r\n"
    "Via: SIP/2.0/UDP 127.0.0.1;rport;branch=z9hG4bKmwi\r\nMax-Forwards: 70\r\n"
    "From: <sip:asterisk@127.0.0.1>;tag=1\r\nTo: <sip:alice@127.0.0.1>\r\n"
    "Call-ID: mwi\r\nCSeq: 102 NOTIFY\r\nContact: <sip:asterisk@127.0.0.1>\r\n"
    "Event: message-summary\r\nContent-Type: application/simple-message-summary\r\n"
    "Content-Length: {length}\r\n\r\n"
)


@pytest.fixture
def start() -> Iterator[Start]:
    with contextlib.ExitStack() as stack:
        yield lambda *options, **named: stack.enter_context(
            Agent("--audio", "null", *options, **named)
        )


def test_a_lamp_follows_the_calls_of_another_phone(start: Start) -> None:
    watcher, bob, carol = start(), start(), start()
    watcher.command("subscribe", to=bob.uri("bob"), package="dialog")
    first = watcher.wait_event("notify")
    assert first == {
        "event": "notify",
        "package": "dialog",
        "from": bob.uri("bob"),
        "state": "terminated",
    }
    carol.call(bob.uri("bob"))
    watcher.wait_event("notify", state="early")
    bob.wait_event("incoming")
    bob.command("answer")
    watcher.wait_event("notify", state="confirmed")
    carol.end_call()
    watcher.wait_event("notify", state="terminated")
    watcher.command("unsubscribe", to=bob.uri("bob"), package="dialog")
    reply = watcher.ask("unsubscribe", to=bob.uri("bob"), package="dialog")
    assert reply["ok"] is False and "not watched" in reply["error"]


@pytest.mark.parametrize("lamp", [True, False])
def test_a_call_ringing_over_there_is_picked_up(start: Start, lamp: bool) -> None:
    caller, callee, taker = start(), start(), start()
    if lamp:
        taker.command("subscribe", to=callee.uri("bob"), package="dialog")
        taker.wait_event("notify")
    caller.call(callee.uri("bob"))
    caller.wait_event("call", state="ringing")
    if lamp:
        taker.wait_event("notify", state="early")
    call = taker.command("pickup", to=callee.uri("bob"))["call"]
    taker.wait_event("call", call=call, state="confirmed")
    assert callee.wait_event("call", state="ended")["by"] == "remote"
    caller.wait_event("media", state="started")


def test_nothing_to_pick_up_ends_the_call_and_says_why(start: Start) -> None:
    callee, taker = start(), start()
    call = taker.command("pickup", to=callee.uri("bob"))["call"]
    ended = taker.wait_event("call", call=call, state="ended")
    assert (ended["code"], ended["by"]) == (None, "local")
    assert "nothing rings" in ended["reason"]


def test_a_message_goes_from_one_to_the_other(start: Start) -> None:
    alice, bob = start(), start()
    assert alice.command("message", to=bob.uri("bob"), text="Grüße ☃")["ok"] is True
    event = bob.wait_event("message")
    assert event["text"] == "Grüße ☃"
    assert event["from"].endswith(f"@{alice.address}")


def test_a_message_too_long_is_refused_and_one_refused_is_told(start: Start) -> None:
    alice = start()
    reply = alice.ask("message", to="sip:bob@127.0.0.1", text="x" * 1301)
    assert reply["ok"] is False and "1300" in reply["error"]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.bind(("127.0.0.1", 0))
        stranger.settimeout(5)
        alice.command("message", to=f"sip:bob@127.0.0.1:{stranger.getsockname()[1]}", text="hi")
        data, source = stranger.recvfrom(4096)
        lines = data.decode().split("\r\n")
        copied = [line for line in lines if line.startswith(("Via", "From", "To", "Call", "CSeq"))]
        answer = ["SIP/2.0 404 Not Found", *copied, "Content-Length: 0", "", ""]
        stranger.sendto("\r\n".join(answer).encode(), source)
    assert "404" in alice.wait_event("error")["message"]


def test_an_unasked_message_summary_lights_the_mailbox(start: Start) -> None:
    alice = start("--no-register", account="sip:alice@127.0.0.1", password="x")
    host, _, port = alice.address.partition(":")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as pbx:
        pbx.settimeout(5)
        pbx.sendto((SUMMARY.format(length=len(BODY)) + BODY).encode(), (host, int(port)))
        assert pbx.recv(4096).startswith(b"SIP/2.0 200")
    event = alice.wait_event("mwi")
    assert event == {
        "event": "mwi",
        "account": "sip:alice@127.0.0.1",
        "waiting": True,
        "new": 2,
        "old": 8,
    }


def test_a_package_nobody_can_read_is_refused_by_its_name(start: Start) -> None:
    reply = start().ask("subscribe", to="sip:bob@127.0.0.1", package="weather")
    assert reply["ok"] is False and "package" in reply["error"]


def test_a_phone_that_quits_while_it_watches_and_is_watched_ends_in_time(start: Start) -> None:
    alice, bob = start(), start()
    alice.command("subscribe", to=bob.uri("bob"), package="dialog")
    alice.wait_event("notify")
    assert bob.quit() == 0
    assert "probation" in alice.wait_event("error")["message"]
    assert alice.quit() == 0
