"""Transfers among three `platypus agent` at a `platypus pbx`, as programs."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.cli.test_agents_and_pbx import House, connect
from tests.harness.agent import Agent
from tests.harness.pbx import PbxProgram


@pytest.fixture(scope="module")
def pbx() -> Iterator[PbxProgram]:
    with PbxProgram("alice", "bob", "carol") as program:
        yield program


@pytest.fixture
def house(pbx: PbxProgram) -> Iterator[House]:
    with contextlib.ExitStack() as stack:
        yield House(stack, pbx)


@dataclass
class Party:
    """Alice has called Bob, and Carol is at home."""

    alice: Agent
    bob: Agent
    carol: Agent


def party(house: House, *options: str) -> Party:
    """`options` are Bob's."""
    found = Party(
        house.registered("alice"), house.registered("bob", *options), house.registered("carol")
    )
    connect(found.alice, found.bob, "bob")
    return found


def consult(found: Party) -> str | int:
    """Alice calls Carol as well; that call."""
    call = found.alice.call("carol")
    found.carol.wait_event("incoming")
    found.carol.command("answer")
    found.alice.wait_event("call", state="confirmed", call=call)
    found.carol.wait_event("call", state="confirmed")
    return call


def only_call(agent: Agent) -> dict[str, Any]:
    """The one call there is, once there is only one."""

    def find() -> dict[str, Any] | None:
        calls: list[dict[str, Any]] = agent.command("calls")["calls"]
        return calls[0] if len(calls) == 1 else None

    return agent.wait_for(find, 5, "only one call")


def test_a_blind_transfer(house: House) -> None:
    """RFC 5589, 6.1."""
    found = party(house)
    old = only_call(found.bob)["call"]
    found.alice.command("transfer", to="carol")
    transferred = found.bob.wait_event("transferred", call=old)
    assert transferred["to"] == house.pbx.uri("carol")
    incoming = found.carol.wait_event("incoming")
    assert incoming["from"] == house.pbx.uri("bob")
    found.alice.wait_event("transfer", status=180, done=False)
    found.carol.command("answer")
    found.alice.wait_event("transfer", status=200, done=True)
    ended = found.alice.wait_event("call", state="ended")
    assert (ended["code"], ended["by"]) == (200, "local")
    assert found.bob.wait_event("call", state="ended", call=old)["by"] == "remote"
    assert only_call(found.bob)["call"] == transferred["new"]
    assert only_call(found.bob)["state"] == only_call(found.carol)["state"] == "confirmed"


def test_a_blind_transfer_by_the_one_who_was_called(house: House) -> None:
    found = party(house)
    found.bob.command("transfer", to="carol")
    found.alice.wait_event("transferred")
    found.carol.wait_event("incoming")
    found.carol.command("answer")
    found.bob.wait_event("transfer", status=200, done=True)
    found.bob.wait_event("call", state="ended")
    assert only_call(found.alice)["remote"] == house.pbx.uri("carol")


def test_a_transfer_to_a_busy_phone_leaves_the_call(house: House) -> None:
    """RFC 5589, 6.2."""
    found = party(house)
    found.alice.command("transfer", to="605")
    found.alice.wait_event("transfer", status=486, done=True)
    assert only_call(found.alice)["state"] == "confirmed"
    found.bob.wait_event("call", state="ended", code=486)
    assert only_call(found.bob)["state"] == "confirmed"


def test_a_refused_transfer_leaves_the_call(house: House) -> None:
    found = party(house, "--refer", "refuse")
    found.alice.command("transfer", to="carol")
    found.alice.wait_event("transfer", status=603, done=True)
    assert only_call(found.alice)["state"] == only_call(found.bob)["state"] == "confirmed"


def test_a_person_is_asked_and_agrees(house: House) -> None:
    found = party(house, "--refer", "ask")
    found.alice.command("transfer", to="carol")
    assert found.bob.wait_event("transfer_requested")["to"] == house.pbx.uri("carol")
    assert len(found.bob.command("calls")["calls"]) == 1
    found.bob.command("accept_transfer")
    found.bob.wait_event("transferred")
    found.carol.wait_event("incoming")
    found.carol.command("answer")
    found.alice.wait_event("transfer", status=200, done=True)


def test_a_person_is_asked_and_declines(house: House) -> None:
    found = party(house, "--refer", "ask")
    found.alice.command("transfer", to="carol")
    found.bob.wait_event("transfer_requested")
    found.bob.command("refuse_transfer")
    found.alice.wait_event("transfer", status=603, done=True)
    assert only_call(found.alice)["state"] == "confirmed"
    assert found.bob.ask("accept_transfer")["ok"] is False


def test_an_attended_transfer(house: House) -> None:
    """RFC 5589, 7.1, with a back-to-back user agent between them all."""
    found = party(house)
    first = only_call(found.alice)["call"]
    other = consult(found)
    carols = only_call(found.carol)["call"]
    found.alice.command("transfer", call=first, other=other)
    found.alice.wait_event("transfer", call=first, status=200, done=True)
    found.alice.wait_event("call", call=first, state="ended")
    found.alice.wait_event("call", call=other, state="ended")
    transferred = found.carol.wait_event("transferred", call=carols)
    assert transferred["to"] == house.pbx.uri("bob")
    found.carol.wait_event("call", call=carols, state="ended")
    found.bob.wait_event("transferred")
    found.bob.wait_event("call", state="ended")
    assert only_call(found.carol)["call"] == transferred["new"]
    assert only_call(found.carol)["state"] == only_call(found.bob)["state"] == "confirmed"
    bobs = found.bob.command("stats")["stats"]["receive"]["packets"]
    found.bob.wait_for(
        lambda: found.bob.command("stats")["stats"]["receive"]["packets"] > bobs + 10, 5, "media"
    )


def test_an_attended_transfer_to_who_called_us(house: House) -> None:
    found = party(house)
    connect(found.carol, found.bob, "bob")
    calls = {call["remote"]: call["call"] for call in found.bob.command("calls")["calls"]}
    alices, carols = calls[house.pbx.uri("alice")], calls[house.pbx.uri("carol")]
    found.bob.command("transfer", call=alices, other=carols)
    found.bob.wait_event("transfer", call=alices, status=200, done=True)
    found.bob.wait_event("call", call=alices, state="ended")
    found.bob.wait_event("call", call=carols, state="ended")
    assert only_call(found.alice)["remote"] == house.pbx.uri("carol")
    assert only_call(found.carol)["remote"] == house.pbx.uri("alice")


def test_an_attended_transfer_to_an_extension(house: House) -> None:
    found = party(house)
    first = only_call(found.alice)["call"]
    other = found.alice.call("600")
    found.alice.wait_event("call", state="confirmed", call=other)
    found.alice.command("transfer", call=first, other=other)
    found.alice.wait_event("transfer", call=first, status=200, done=True)
    assert only_call(found.bob)["remote"] == house.pbx.uri("600")


def test_a_transfer_to_a_phone_that_still_rings_is_a_blind_one(house: House) -> None:
    """RFC 5589, 7.6: nobody can be asked to give up a call that rings."""
    found = party(house)
    first = only_call(found.alice)["call"]
    other = found.alice.call("carol")
    ringing = found.carol.wait_event("incoming")["call"]
    found.alice.wait_event("call", call=other, state="ringing")
    found.alice.command("transfer", call=first, other=other)
    found.carol.wait_event("call", call=ringing, state="ended")
    assert found.carol.wait_event("incoming")["from"] == house.pbx.uri("bob")
    found.carol.command("answer")
    found.alice.wait_event("transfer", call=first, status=200, done=True)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"to": "sip:"}, "not a SIP address"),
        ({"other": 1}, "itself"),
        ({"to": "carol", "call": 77}, "no call 77"),
    ],
)
def test_a_transfer_that_can_not_be_is_refused_at_once(
    house: House, fields: dict[str, object], said: str
) -> None:
    alice, bob = house.registered("alice"), house.registered("bob")
    connect(alice, bob, "bob")
    reply = alice.ask("transfer", **{"call": 1, **fields})
    assert reply["ok"] is False and said in reply["error"]
