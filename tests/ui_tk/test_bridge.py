"""The engine behind the window: a real one, calling the built-in PBX, without Tk."""

from __future__ import annotations

import os
import select
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from platypus import CallState, IdentityChanged
from platypus.local import connect, private_folder
from ui_tk.bridge import Bridge, PhoneSettings
from ui_tk.messages import (
    AccountChanged,
    AccountSettings,
    CallChanged,
    CallOver,
    Conference,
    Dial,
    HangUp,
    Hold,
    LampChanged,
    LevelsMeasured,
    Message,
    Mute,
    PageAsked,
    QualityMeasured,
    QuitAsked,
    Ready,
    Record,
    Rules,
    RulesChanged,
    SendDigit,
    SetRules,
    SipMessage,
    Split,
    Stopped,
    Trace,
    Transfer,
    TransferTold,
    Trouble,
    Watch,
)

pytestmark = pytest.mark.ui

PATIENCE_S = 10.0


class Listener:
    """Takes a bridge's messages as the window would: when its socket is readable."""

    def __init__(self, bridge: Bridge) -> None:
        self.bridge = bridge
        self.seen: list[Message] = []

    def until(self, wanted: Callable[[Message], bool]) -> Message:
        end = time.monotonic() + PATIENCE_S
        place = 0
        while True:
            for message in self.seen[place:]:
                place += 1
                if wanted(message):
                    del self.seen[:place]
                    return message
            left = end - time.monotonic()
            assert left > 0, f"not told in {PATIENCE_S} s; told was {self.seen}"
            if select.select([self.bridge.socket], [], [], left)[0]:
                self.seen += self.bridge.drain(100)

    def state(self, state: str, **more: object) -> CallChanged:
        def matches(message: Message) -> bool:
            return (
                isinstance(message, CallChanged)
                and message.state == state
                and all(getattr(message, key) == value for key, value in more.items())
            )

        found = self.until(matches)
        assert isinstance(found, CallChanged)
        return found


@pytest.fixture(autouse=True)
def _private_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))


@pytest.fixture
def start() -> Iterator[Callable[..., Listener]]:
    bridges = []

    def starter(**settings: object) -> Listener:
        bridge = Bridge(PhoneSettings(audio="tone", **settings))
        bridges.append(bridge)
        bridge.start()
        return Listener(bridge)

    yield starter
    for bridge in bridges:
        assert bridge.close(), "the engine's thread did not end"


@pytest.fixture
def phone(start) -> Listener:
    """Registered to the PBX in its own process."""
    phone = start()
    phone.until(lambda m: isinstance(m, AccountChanged) and m.state == "registered")
    return phone


def test_without_an_account_it_registers_to_its_own_pbx(start):
    phone = start()
    ready = phone.until(lambda m: isinstance(m, Ready))
    assert isinstance(ready, Ready) and "600" in ready.hint
    account = phone.until(lambda m: isinstance(m, AccountChanged) and m.state == "registered")
    assert isinstance(account, AccountChanged)
    assert account.address.startswith("sip:you@127.0.0.1:")


def test_a_call_is_made_and_ended(phone):
    phone.bridge.send(Dial("600", None))
    call = phone.state("confirmed", codec="pcmu")
    assert call.direction == "outgoing" and call.remote.startswith("sip:600@")
    phone.bridge.send(HangUp(call.call))
    over = phone.until(lambda m: isinstance(m, CallOver))
    assert over == CallOver(call.call, 200, over.reason, "local")


def test_levels_come_from_both_ends_of_the_echo(phone):
    phone.bridge.send(Dial("600", None))
    phone.state("confirmed")
    phone.until(
        lambda m: isinstance(m, LevelsMeasured) and (m.sent or 0) > 0.1 and (m.heard or 0) > 0.1
    )


def test_mute_and_hold_are_told_back(phone):
    phone.bridge.send(Dial("600", None))
    call = phone.state("confirmed")
    phone.bridge.send(Mute(call.call, True))
    phone.state("confirmed", muted=True)
    phone.bridge.send(Hold(call.call, True))
    phone.state("confirmed", hold="local")
    phone.bridge.send(Hold(call.call, False))
    phone.state("confirmed", hold="none")


def test_a_digit_is_sent(phone):
    phone.bridge.send(Dial("609", None))
    call = phone.state("confirmed", codec="pcmu")
    phone.bridge.send(SendDigit(call.call, "5"))
    phone.bridge.send(Mute(call.call, True))
    phone.state("confirmed", muted=True)
    assert not any(isinstance(message, Trouble) for message in phone.seen)


def test_a_busy_number_is_told_with_its_code(phone):
    phone.bridge.send(Dial("605", None))
    over = phone.until(lambda m: isinstance(m, CallOver))
    assert isinstance(over, CallOver) and over.code == 486


@pytest.mark.parametrize("target", ["", "sip:", "not an address at all", "sip:x@[::"])
def test_what_can_not_be_dialled_is_told(phone, target):
    phone.bridge.send(Dial(target, None))
    phone.until(lambda m: isinstance(m, Trouble | CallOver))
    phone.bridge.send(Dial("600", None))
    phone.state("confirmed")


def test_a_command_for_a_call_that_has_ended_is_nothing(phone):
    phone.bridge.send(HangUp("gone"))
    phone.bridge.send(Dial("600", None))
    phone.state("confirmed")
    assert not any(isinstance(message, Trouble) for message in phone.seen)


def test_a_port_in_use_stops_it_with_a_reason(start):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        host, port = taken.getsockname()
        phone = start(accounts=(AccountSettings("sip:a@127.0.0.1:9"),), listen=(host, port))
        stopped = phone.until(lambda m: isinstance(m, Stopped))
    assert isinstance(stopped, Stopped) and stopped.error is not None
    assert str(port) in stopped.error and "in use" in stopped.error


def test_a_bad_account_is_told_and_the_others_live(start):
    phone = start(accounts=(AccountSettings("nonsense"),), listen=("127.0.0.1", 0))
    failed = phone.until(lambda m: isinstance(m, AccountChanged))
    assert isinstance(failed, AccountChanged) and failed.state == "failed" and failed.reason
    phone.until(lambda m: isinstance(m, Ready))


def test_a_fault_in_the_thread_reaches_the_window(start, monkeypatch):
    def broken(*_: object, **__: object) -> None:
        raise KeyError("a fault of ours")

    monkeypatch.setattr("platypus.Engine", broken)
    phone = start(accounts=(AccountSettings("sip:a@127.0.0.1:9"),))
    stopped = phone.until(lambda m: isinstance(m, Stopped))
    assert isinstance(stopped, Stopped) and "a fault of ours" in (stopped.error or "")


def test_closing_hangs_up_and_tells_so(phone):
    phone.bridge.send(Dial("600", None))
    phone.state("confirmed")
    assert phone.bridge.close()
    phone.until(lambda m: isinstance(m, CallOver))
    assert phone.until(lambda m: isinstance(m, Stopped)) == Stopped(None)
    phone.bridge.send(Dial("600", None))
    phone.until(lambda m: isinstance(m, Trouble))


def test_closing_what_was_never_started_is_nothing():
    assert Bridge(PhoneSettings()).close()


def test_a_flood_of_messages_is_taken_in_batches_and_none_is_lost():
    bridge = Bridge(PhoneSettings())
    for number in range(250):
        bridge.post(Trouble(str(number)))
    taken: list[Message] = []
    while select.select([bridge.socket], [], [], 0)[0]:
        batch = bridge.drain(100)
        assert len(batch) <= 100
        taken += batch
    assert taken == [Trouble(str(number)) for number in range(250)]


def test_do_not_disturb_and_forwarding_are_told_back(phone):
    phone.bridge.send(SetRules(Rules(dnd=True, forward_busy="600")))
    told = phone.until(lambda m: isinstance(m, RulesChanged) and m.rules.dnd)
    assert isinstance(told, RulesChanged) and told.rules.forward_busy == "600"


def test_a_call_is_recorded(phone, tmp_path):
    phone.bridge.send(Dial("600", None))
    call = phone.state("confirmed", codec="pcmu")
    file = tmp_path / "call.wav"
    phone.bridge.send(Record(call.call, str(file)))
    phone.state("confirmed", recording=True)
    phone.bridge.send(Record(call.call, None))
    phone.state("confirmed", recording=False)
    phone.bridge.send(HangUp(call.call))
    phone.until(lambda m: isinstance(m, CallOver))
    assert file.read_bytes()[:4] == b"RIFF"


def test_quality_is_measured_twice_a_second(phone):
    phone.bridge.send(Dial("600", None))
    phone.state("confirmed")
    measured = phone.until(lambda m: isinstance(m, QualityMeasured))
    assert isinstance(measured, QualityMeasured) and measured.loss_heard == 0.0


def test_a_call_is_transferred_unseen(phone):
    phone.bridge.send(Dial("600", None))
    call = phone.state("confirmed", codec="pcmu")
    phone.bridge.send(Transfer(call.call, "601"))
    phone.until(lambda m: isinstance(m, TransferTold) and m.done)


def test_two_calls_become_a_conference_and_go_apart_again(phone):
    phone.bridge.send(Dial("600", None))
    first = phone.state("confirmed", codec="pcmu")
    phone.bridge.send(Dial("601", None))
    second = phone.until(
        lambda m: isinstance(m, CallChanged) and m.call != first.call and m.state == "confirmed"
    )
    assert isinstance(second, CallChanged)
    phone.bridge.send(Conference((first.call, second.call)))
    phone.state("confirmed", call=first.call, conference=True)
    phone.bridge.send(Split(second.call))
    phone.state("confirmed", call=first.call, conference=False)


def test_a_lamp_is_watched_and_told(phone):
    phone.bridge.send(Watch("you", True))
    phone.until(lambda m: isinstance(m, LampChanged))
    phone.bridge.send(Watch("you", False))


def test_a_call_that_is_given_another_name_is_told_with_it(phone, monkeypatch):
    phone.bridge.send(Dial("600", None))
    phone.state("confirmed", codec="pcmu")
    renamed = SimpleNamespace(
        id="1", direction="incoming", state=CallState.RINGING, remote="sip:100@pbx",
        display_name="Carol", hold_state="none", muted=False, codec=None, account=None,
        diverted_from=None, conference=None, secure=False,
    )  # fmt: skip
    told = IdentityChanged(renamed, "Carol", "sip:100@pbx")
    phone.bridge._loop.call_soon_threadsafe(phone.bridge._phone._on_event, told)
    phone.state("ringing", display_name="Carol")


def test_what_is_said_from_a_shell_is_seen_in_the_window(phone):
    phone.bridge.send(Dial("600", None))
    call = phone.state("confirmed", codec="pcmu")
    connection, _ = connect(private_folder() / f"ctl-{os.getpid()}")
    with connection:
        connection.sendall(b'{"cmd":"mute","on":true}\n{"cmd":"show","page":"team"}\n')
        phone.state("confirmed", muted=True)
        phone.until(lambda m: m == PageAsked("team"))
        connection.sendall(b'{"cmd":"set","dnd":true}\n{"cmd":"quit"}\n')
        phone.until(lambda m: isinstance(m, RulesChanged) and m.rules.dnd)
        phone.until(lambda m: m == QuitAsked())
    assert call.muted is False


def test_messages_are_told_without_secrets_while_they_are_asked_for(phone):
    phone.bridge.send(Trace(True))
    phone.bridge.send(Dial("600", None))
    invite = phone.until(lambda m: isinstance(m, SipMessage) and "Authorization" in m.text)
    assert isinstance(invite, SipMessage) and invite.sent and 'response="***"' in invite.text
    phone.state("confirmed", codec="pcmu")
