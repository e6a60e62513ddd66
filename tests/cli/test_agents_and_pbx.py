"""Two `platypus agent` and a `platypus pbx`, as programs on the loopback interface."""

from __future__ import annotations

import contextlib
import signal
import wave
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.agent import Agent
from tests.harness.pbx import PASSWORD, PbxProgram


class House:
    """A PBX and the phones that a test asks for, all stopped at its end."""

    def __init__(self, stack: contextlib.ExitStack, pbx: PbxProgram) -> None:
        self._stack, self.pbx = stack, pbx

    def phone(self, user: str, *options: str, password: str = PASSWORD) -> Agent:
        """A phone of that user; whether it registers is the test's to await."""
        return self._stack.enter_context(
            Agent(
                "--audio",
                "null",
                *options,
                account=self.pbx.uri(user),
                password=password,
            )
        )

    def registered(self, user: str, *options: str) -> Agent:
        phone = self.phone(user, *options)
        phone.wait_event("registered")
        return phone


@pytest.fixture(scope="module")
def pbx() -> Iterator[PbxProgram]:
    with PbxProgram("alice", "bob", "carol") as program:
        yield program


@pytest.fixture
def house(pbx: PbxProgram) -> Iterator[House]:
    with contextlib.ExitStack() as stack:
        yield House(stack, pbx)


def connect(caller: Agent, callee: Agent, user: str) -> None:
    caller.call(user)
    callee.wait_event("incoming")
    callee.command("answer")
    caller.wait_event("call", state="confirmed")
    callee.wait_event("call", state="confirmed")


def test_registers_and_says_where_and_for_how_long(house: House) -> None:
    event = house.phone("alice", "--expires", "120").wait_event("registered")
    assert event["account"] == house.pbx.uri("alice")
    assert event["expires"] == 120
    assert event["contact"].startswith("sip:alice@127.0.0.1:")


def test_a_wrong_password_is_named_as_such(house: House) -> None:
    event = house.phone("alice", password="wrong").wait_event("registration_failed")
    assert event["code"] == 403
    assert "password" in event["reason"]
    assert event["retry_in"] is None


def test_an_account_shows_its_state(house: House) -> None:
    phone = house.registered("alice")
    (account,) = phone.command("accounts")["accounts"]
    assert account["state"] == "registered"
    assert 0 < account["expires_in"] <= 300
    phone.command("unregister")
    phone.wait_event("unregistered")
    (account,) = phone.command("accounts")["accounts"]
    assert (account["state"], account["expires_in"]) == ("unregistered", None)
    phone.command("register")
    phone.wait_event("registered")


def test_with_no_register_nothing_is_sent_until_asked(house: House) -> None:
    phone = house.phone("alice", "--no-register")
    assert phone.command("accounts")["accounts"][0]["state"] == "unregistered"
    phone.command("register", account=house.pbx.uri("alice"))
    phone.wait_event("registered")


def test_a_call_between_users_has_its_states_in_order(house: House) -> None:
    alice, bob = house.registered("alice"), house.registered("bob")
    call = alice.call("bob")
    incoming = bob.wait_event("incoming")
    assert incoming["from"] == house.pbx.uri("alice")
    assert incoming["account"] == house.pbx.uri("bob")
    assert alice.wait_event("call", state="trying")["call"] == call
    alice.wait_event("call", state="ringing")
    bob.command("answer")
    alice.wait_event("call", state="confirmed")
    alice.wait_event("media", state="started")
    alice.command("hangup", call=call)
    ended = alice.wait_event("call", state="ended")
    assert (ended["code"], ended["by"]) == (200, "local")
    assert bob.wait_event("call", state="ended")["by"] == "remote"


def test_media_flow_straight_between_the_users(house: House) -> None:
    alice, bob = house.registered("alice"), house.registered("bob")
    connect(alice, bob, "bob")
    media = alice.wait_event("media", state="started")
    assert media["remote"] == bob.wait_event("media", state="started")["local"]


@pytest.mark.parametrize(("callers", "calleds"), [("require", "off"), ("off", "require")])
def test_phones_that_agree_on_no_encryption_are_told_so(
    house: House, callers: str, calleds: str
) -> None:
    alice = house.registered("alice", "--srtp", callers)
    house.registered("bob", "--srtp", calleds, "--auto-answer", "0")
    alice.call("bob")
    ended = alice.wait_event("call", state="ended")
    assert ended["code"] == 488
    assert "SRTP is" in ended["reason"]  # turned off here, or required


def test_hold_passes_through_and_back(house: House) -> None:
    alice, bob = house.registered("alice"), house.registered("bob")
    connect(alice, bob, "bob")
    alice.command("hold")
    alice.wait_event("call", hold="local")
    bob.wait_event("call", hold="remote")
    bob.command("hold")
    bob.wait_event("call", hold="both")
    alice.command("resume")
    alice.wait_event("call", hold="remote")
    bob.command("resume")
    alice.wait_event("call", hold="none")
    bob.wait_event("call", hold="none")


def test_digits_are_heard_by_the_other_user(house: House) -> None:
    alice, bob = house.registered("alice"), house.registered("bob")
    connect(alice, bob, "bob")
    alice.command("dtmf", digits="1a#")
    events = [bob.wait_event("dtmf") for _ in range(3)]
    assert "".join(event["digit"] for event in events) == "1A#"
    assert {event["method"] for event in events} == {"rtp"}


def test_a_refusal_reaches_the_caller_with_its_code(house: House) -> None:
    alice, bob = house.registered("alice"), house.registered("bob")
    alice.call("bob")
    bob.wait_event("incoming")
    bob.command("reject", code=603)
    assert alice.wait_event("call", state="ended")["code"] == 603


def test_hanging_up_before_the_answer_cancels(house: House) -> None:
    alice, bob = house.registered("alice"), house.registered("bob")
    alice.call("bob")
    bob.wait_event("incoming")
    alice.wait_event("call", state="ringing")
    alice.command("hangup")
    assert alice.wait_event("call", state="ended")["code"] == 487
    ended = bob.wait_event("call", state="ended")
    assert (ended["by"], ended["elsewhere"]) == ("remote", False)


def test_a_call_answered_by_another_phone_ended_elsewhere(house: House) -> None:
    alice = house.registered("alice")
    desk, mobile = house.registered("carol"), house.registered("carol")
    alice.call("carol")
    desk.wait_event("incoming")
    mobile.wait_event("incoming")
    mobile.command("answer")
    alice.wait_event("call", state="confirmed")
    assert desk.wait_event("call", state="ended")["elsewhere"] is True


def test_a_redirection_goes_to_the_new_target(house: House) -> None:
    alice, bob = house.registered("alice"), house.phone("bob", "--no-register")
    callee = house.registered("carol")
    alice.call(bob.uri("bob"))
    bob.wait_event("incoming")
    bob.command("redirect", to=callee.uri("carol"))
    callee.wait_event("incoming")
    callee.command("answer")
    alice.wait_event("call", state="confirmed")


def test_forwarding_goes_through_the_pbx_with_who_did_it(house: House) -> None:
    alice, bob, carol = (house.registered(user) for user in ("alice", "bob", "carol"))
    bob.command("set", forward_always="carol")
    alice.call("bob")
    incoming = carol.wait_event("incoming")
    assert house.pbx.uri("bob") in incoming["headers"]["Diversion"]
    carol.command("answer")
    alice.wait_event("call", state="confirmed")


def test_digits_by_info_go_through_the_pbx(house: House) -> None:
    alice, bob = house.registered("alice"), house.registered("bob")
    connect(alice, bob, "bob")
    alice.command("dtmf", digits="5*", method="info")
    events = [bob.wait_event("dtmf", method="info") for _ in range(2)]
    assert "".join(event["digit"] for event in events) == "5*"


def test_nobody_registered_is_unavailable_and_nobody_known_is_not_found(house: House) -> None:
    alice = house.registered("alice")
    for user, code in (("bob", 480), ("nobody", 404)):
        alice.call(user)
        assert alice.wait_event("call", state="ended")["code"] == code


@pytest.mark.parametrize(("extension", "code"), [("605", 486), ("606", 503)])
def test_extensions_that_refuse(house: House, extension: str, code: int) -> None:
    alice = house.registered("alice")
    alice.call(extension)
    assert alice.wait_event("call", state="ended")["code"] == code


def test_early_media_before_the_refusal(house: House) -> None:
    alice = house.registered("alice")
    alice.call("608")
    alice.wait_event("call", state="early")
    alice.wait_event("media", state="started")
    ended = alice.wait_event("call", state="ended")
    assert ended["code"] == 404
    assert ended["stats"]["receive"]["packets"] > 100


def test_an_extension_that_never_answers_is_cancelled(house: House) -> None:
    alice = house.registered("alice")
    alice.call("607")
    alice.wait_event("call", state="ringing")
    assert alice.end_call()["code"] == 487


def test_digits_are_said_back(house: House) -> None:
    alice = house.registered("alice")
    alice.call("609")
    alice.wait_event("call", state="confirmed")
    alice.command("dtmf", digits="42*")
    assert "".join(alice.wait_event("dtmf")["digit"] for _ in range(3)) == "42*"


def test_a_tune_ends_by_itself(house: House) -> None:
    alice = house.registered("alice")
    alice.call("601")
    ended = alice.wait_event("call", timeout=10, state="ended")
    assert (ended["code"], ended["by"]) == (200, "remote")
    assert 2 < ended["stats"]["duration_s"] < 5


def test_calls_are_recorded_one_file_each(house: House, tmp_path: Path) -> None:
    alice = house.registered("alice", "--record", str(tmp_path / "heard.wav"))
    for _ in range(2):
        alice.call("602")
        alice.wait_event("call", state="confirmed")
        alice.wait_for(
            lambda: alice.statistics()["receive"]["packets"] > 5 or None, 5, "some packets"
        )
        alice.end_call()
    assert alice.quit() == 0
    for name in ("heard.wav", "heard-2.wav"):
        with wave.open(str(tmp_path / name)) as file:
            assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 8000)
            assert any(file.readframes(file.getnframes()))


def test_the_newest_call_is_meant_where_none_is_named(house: House) -> None:
    alice = house.registered("alice")
    first, second = alice.call("600"), alice.call("602")
    for _ in range(2):
        alice.wait_event("call", state="confirmed")
    assert [call["call"] for call in alice.command("calls")["calls"]] == [first, second]
    assert alice.end_call()["call"] == second
    assert alice.end_call()["call"] == first
    assert alice.ask("hangup")["error"] == "there is no call"


def test_more_calls_than_allowed_are_refused_as_busy(house: House) -> None:
    house.registered("bob", "--max-calls", "1", "--auto-answer", "0")
    alice, carol = house.registered("alice"), house.registered("carol")
    alice.call("bob")
    alice.wait_event("call", state="confirmed")
    carol.call("bob")
    assert carol.wait_event("call", state="ended")["code"] == 486


def test_refuses_every_call_when_told_to(house: House) -> None:
    alice, bob = house.registered("alice"), house.registered("bob", "--reject", "480")
    alice.call("bob")
    assert alice.wait_event("call", state="ended")["code"] == 480
    assert not [event for event in bob.events() if event["event"] == "incoming"]


def test_refuses_calls_to_other_users(house: House) -> None:
    alice = house.registered("alice")
    bob = house.phone("bob", "--no-register", "--user", "bob")
    alice.call(bob.uri("robert"))
    assert alice.wait_event("call", state="ended")["code"] == 404
    alice.call(bob.uri("bob"))
    bob.wait_event("incoming")


def test_a_stranger_is_challenged_and_gets_nowhere(house: House) -> None:
    with Agent("--audio", "null") as stranger:
        stranger.call(house.pbx.uri("600"))
        assert stranger.wait_event("call", state="ended")["code"] == 401


def test_the_pbx_leaves_its_calls_in_good_order() -> None:
    with PbxProgram("alice", "bob") as pbx, contextlib.ExitStack() as stack:
        house = House(stack, pbx)
        alice, bob = house.registered("alice"), house.registered("bob")
        connect(alice, bob, "bob")
        alice.call("600")
        alice.wait_event("call", state="confirmed")
        pbx.signal(signal.SIGTERM)
        assert pbx.wait(4) == 0
        for phone, calls in ((alice, 2), (bob, 1)):
            for _ in range(calls):
                assert phone.wait_event("call", state="ended")["by"] == "remote"
