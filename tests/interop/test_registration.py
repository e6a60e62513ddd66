"""Registering at Kamailio: digest, refusal, silence, and a state that is the truth."""

from __future__ import annotations

import signal

import pytest

from tests.harness.ports import free_port
from tests.interop.conftest import Bench

pytestmark = pytest.mark.interop


def test_registers_with_digest(bench: Bench) -> None:
    kamailio = bench.kamailio()
    agent = bench.agent(account=f"sip:alice@{kamailio.address}", password="wonderland")
    event = agent.wait_event("registered")
    assert event["account"] == f"sip:alice@{kamailio.address}"
    assert 0 < event["expires"] <= 3600
    assert agent.listen[0].partition(":")[2] in event["contact"]
    assert kamailio.wait_for_count("SAVED", "alice", 1) == 1
    assert kamailio.count("CHALLENGED", "alice") == 1
    account = agent.command("accounts")["accounts"][0]
    assert account["state"] == "registered"
    assert 0 < account["expires_in"] <= event["expires"]


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
def test_answers_either_algorithm(bench: Bench, algorithm: str) -> None:
    kamailio = bench.kamailio(algorithm=algorithm)
    bench.phone("alice", kamailio)
    assert kamailio.count("REFUSED", "alice") == 0


def test_a_wrong_password_is_named_and_sent_at_most_twice(bench: Bench) -> None:
    kamailio = bench.kamailio()
    capture = bench.capture(f"udp port {kamailio.port}")
    agent = bench.agent(account=f"sip:alice@{kamailio.address}", password="wrong")
    event = agent.wait_event("registration_failed")
    assert event["code"] == 401
    assert "password" in event["reason"] or "user name" in event["reason"]
    # Asked again, it may not try the same again either.
    agent.command("register")
    agent.wait_event("registration_failed")
    refused = kamailio.wait_for_count("REFUSED", "alice", 1)
    sent = capture.fields(
        'sip.Method == "REGISTER" && sip.Authorization',
        "sip.CSeq.seq",
        options=["-d", f"udp.port=={kamailio.port},sip"],
    )
    assert 1 <= refused <= 2
    assert 1 <= len(sent) <= 2
    assert agent.command("accounts")["accounts"][0]["state"] == "failed"


def test_refreshes_before_it_expires(bench: Bench) -> None:
    kamailio = bench.kamailio(max_expires=4)
    agent = bench.phone("alice", kamailio)
    agent.wait_event("registered", timeout=8)
    kamailio.wait_for_count("SAVED", "alice", 2)
    assert not [e for e in agent.events() if e["event"] == "unregistered"]


def test_takes_a_longer_expiry_where_the_server_asks_for_one(bench: Bench) -> None:
    kamailio = bench.kamailio(min_expires=120)
    agent = bench.phone("alice", kamailio, "--expires", "60")
    assert agent.command("accounts")["accounts"][0]["expires_in"] > 60


def test_unregisters_when_it_quits(bench: Bench) -> None:
    kamailio = bench.kamailio()
    agent = bench.phone("alice", kamailio)
    assert agent.quit() == 0
    kamailio.expect(r"SAVED alice .*expires=0 |SAVED alice .*expires=<null>.*;expires=0")


def test_unregisters_and_registers_again_when_told(bench: Bench) -> None:
    kamailio = bench.kamailio()
    agent = bench.phone("alice", kamailio)
    agent.command("unregister")
    agent.wait_event("unregistered")
    assert agent.command("accounts")["accounts"][0]["state"] == "unregistered"
    agent.command("register")
    agent.wait_event("registered")


def test_a_server_that_is_not_there_is_an_event_and_the_phone_works_on(bench: Bench) -> None:
    address = f"127.0.0.1:{free_port()}"
    agent = bench.agent(account=f"sip:alice@{address}", password="x")
    event = agent.wait_event("registration_failed", timeout=40)
    assert event["code"] in (None, 408)
    assert event["reason"]
    assert agent.command("accounts")["accounts"][0]["state"] != "registered"


def test_a_server_that_hangs_ends_the_registration_when_it_expires(bench: Bench) -> None:
    kamailio = bench.kamailio(max_expires=3)
    agent = bench.phone("alice", kamailio)
    kamailio.freeze()
    found = agent.wait_for(
        lambda: next(
            (e for e in agent.events() if e["event"] in ("unregistered", "registration_failed")),
            None,
        ),
        5,
        "news of the lost registration",
    )
    assert found["account"]
    assert agent.command("accounts")["accounts"][0]["state"] != "registered"
    kamailio.thaw()
    agent.wait_event("registered", timeout=40)


def test_registers_again_after_the_server_was_killed_and_came_back(bench: Bench) -> None:
    kamailio = bench.kamailio(max_expires=3)
    agent = bench.phone("alice", kamailio)
    kamailio.signal(signal.SIGKILL)
    kamailio.stop()
    agent.wait_for(
        lambda: agent.command("accounts")["accounts"][0]["state"] != "registered" or None,
        10,
        "end of the registration",
    )
    again = bench.kamailio(port=kamailio.port, max_expires=3)
    agent.wait_event("registered", timeout=60)
    again.wait_for_count("SAVED", "alice", 1)
