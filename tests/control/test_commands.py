"""What commands do to an engine, and in which order lines come out. The engine is a stand-in."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from platypus import events
from platypus.control.commands import Control, lost_line
from platypus.errors import MediaError, StateError
from platypus.forwarding import CallRules


class StandIn:
    """Remembers what it was told; `trouble` is raised instead."""

    def __init__(self, **attributes: Any) -> None:
        self.told: list[tuple[Any, ...]] = []
        self.trouble: Exception | None = None
        self.__dict__.update(attributes)

    def __getattr__(self, name: str) -> Any:
        def method(*arguments: Any, **options: Any) -> None:
            if self.trouble is not None:
                raise self.trouble
            self.told.append((name, *arguments, *options.values()))

        return method


def a_call(identity: str, **attributes: Any) -> Any:
    return StandIn(
        id=identity,
        account=None,
        state=events.CallState.CONFIRMED,
        hold_state="none",
        remote="sip:bob@pbx",
        local="sip:me@here",
        display_name="Bob",
        headers={"Subject": "hi", "X": ["a", "b"]},
        **attributes,
    )


class FakeEngine:
    """An engine as far as `Control` uses one."""

    listen = ("udp:127.0.0.1:5070",)

    def __init__(self) -> None:
        self.accounts: list[Any] = []
        self.calls: list[Any] = []
        self.rules = CallRules()
        self.called: list[tuple[Any, ...]] = []
        self.told: list[tuple[Any, ...]] = []
        self.publish: Any = None
        self.during_call: list[events.Event] = []

    def subscribe(self, callback: Any) -> Any:
        self.publish = callback
        return lambda: None

    def watch(self, to: str, package: str) -> None:
        self.told.append(("watch", to, package))

    def unwatch(self, to: str, package: str) -> None:
        self.told.append(("unwatch", to, package))

    def message(self, to: str, text: str) -> None:
        self.told.append(("message", to, text))

    def pick_up(self, to: str) -> Any:
        return self.call(to, account=None, headers=())

    def call(self, to: str, *, account: Any, headers: Any) -> Any:
        call = a_call(str(len(self.called) + 1))
        self.called.append((to, account, list(headers)))
        self.publish(events.CallStateChanged(call, events.CallState.TRYING, "none"))
        return call


class Desk:
    """A control on a fake engine, and the lines it wrote."""

    def __init__(self) -> None:
        self.engine = FakeEngine()
        self.lines: list[dict[str, Any]] = []
        self.quits = 0
        self.control = Control(
            self.engine,  # type: ignore[arg-type]
            lambda line: self.lines.append(json.loads(line)),
            quit=self._quit,
        )

    def _quit(self) -> None:
        self.quits += 1

    def ready(self) -> Desk:
        self.control.ready("1")
        self.lines.clear()
        return self

    def do(self, cmd: str, **fields: Any) -> dict[str, Any]:
        """The reply, which is the first line that comes of it."""
        before = len(self.lines)
        self.control.receive(json.dumps({"cmd": cmd, **fields}).encode())
        return self.lines[before]

    def calls(self, *identities: str) -> list[Any]:
        calls = [a_call(identity) for identity in identities]
        for call in calls:
            self.engine.publish(events.IncomingCall(call))
        self.lines.clear()
        return calls


@pytest.fixture
def desk() -> Desk:
    return Desk().ready()


def test_ready_is_the_first_line_whatever_happened_before() -> None:
    desk = Desk()
    desk.engine.publish(events.DeviceChanged(None, None, "no sound card"))
    assert desk.lines == []
    desk.control.ready("1.2")
    assert desk.lines[0] == {"event": "ready", "listen": ["udp:127.0.0.1:5070"], "version": "1.2"}
    assert desk.lines[1]["event"] == "device"


def test_the_reply_goes_before_the_events_the_command_caused(desk: Desk) -> None:
    desk.do("call", to="600", id=7)
    assert desk.lines[0] == {"reply": 7, "ok": True, "call": "1"}
    assert desk.lines[1] == {"event": "call", "call": "1", "state": "trying", "hold": "none"}


def test_a_command_without_an_id_is_replied_to_as_well(desk: Desk) -> None:
    assert desk.do("calls") == {"reply": None, "ok": True, "calls": []}


def test_a_line_that_is_no_command_is_replied_to(desk: Desk) -> None:
    desk.control.receive(b"hello")
    assert desk.lines[0]["reply"] is None
    assert desk.lines[0]["ok"] is False


def test_headers_of_a_call_are_passed_on_one_by_one(desk: Desk) -> None:
    desk.do("call", to="600", headers={"X-One": "1", "X-Two": ["2", "3"]})
    assert desk.engine.called == [
        ("600", None, [("X-One", "1"), ("X-Two", "2"), ("X-Two", "3")]),
    ]


def test_the_first_account_calls_where_none_is_named(desk: Desk) -> None:
    desk.engine.accounts = [StandIn(aor="sip:a@pbx"), StandIn(aor="sip:b@pbx")]
    desk.do("call", to="600")
    desk.do("call", to="600", account="sip:b@pbx")
    assert [account.aor for _, account, _ in desk.engine.called] == ["sip:a@pbx", "sip:b@pbx"]


def test_an_unknown_account_is_named_with_those_there_are(desk: Desk) -> None:
    desk.engine.accounts = [StandIn(aor="sip:a@pbx")]
    error = desk.do("call", to="600", account="sip:c@pbx")["error"]
    assert "sip:c@pbx" in error and "sip:a@pbx" in error


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"cmd": "answer"}, ("answer",)),
        ({"cmd": "ring"}, ("ring",)),
        ({"cmd": "reject"}, ("reject", 486)),
        ({"cmd": "reject", "code": 603}, ("reject", 603)),
        ({"cmd": "hangup"}, ("hangup",)),
        ({"cmd": "hold"}, ("hold",)),
        ({"cmd": "resume"}, ("resume",)),
        ({"cmd": "mute", "on": True}, ("mute", True)),
        ({"cmd": "dtmf", "digits": "1a"}, ("send_dtmf", "1A", "rtp")),
        ({"cmd": "dtmf", "digits": "1", "method": "info"}, ("send_dtmf", "1", "info")),
        ({"cmd": "dtmf", "digits": "1", "method": "inband"}, ("send_dtmf", "1", "inband")),
        ({"cmd": "redirect", "to": "700"}, ("redirect", "700")),
        ({"cmd": "transfer", "to": "700"}, ("transfer", "700")),
        ({"cmd": "accept_transfer"}, ("accept_transfer",)),
        ({"cmd": "refuse_transfer"}, ("refuse_transfer",)),
        ({"cmd": "play", "file": "a.wav"}, ("play", "a.wav")),
        ({"cmd": "record", "file": "b.wav"}, ("record", "b.wav", True)),
        ({"cmd": "stop_record"}, ("stop_record", None)),
        ({"cmd": "stop_record", "file": "b.wav"}, ("stop_record", "b.wav")),
        ({"cmd": "split"}, ("split",)),
    ],
)
def test_a_command_reaches_the_call(desk: Desk, fields: Any, told: Any) -> None:
    (call,) = desk.calls("1")
    assert desk.do(**fields) == {"reply": None, "ok": True}
    assert call.told == [told]


def test_a_call_is_transferred_to_another(desk: Desk) -> None:
    first, second = desk.calls("1", "2")
    assert desk.do("transfer", call="2", other="1")["ok"] is True
    assert second.told == [("transfer", first)]


def test_the_newest_call_but_the_other_one_is_transferred(desk: Desk) -> None:
    first, second = desk.calls("1", "2")
    assert desk.do("transfer", other="2")["ok"] is True
    assert (first.told, second.told) == ([("transfer", second)], [])


@pytest.mark.parametrize("fields", [{}, {"to": "700", "other": "1"}])
def test_a_transfer_has_one_target(desk: Desk, fields: Any) -> None:
    desk.calls("1", "2")
    assert "either to or other" in desk.do("transfer", **fields)["error"]


def test_a_call_that_we_are_transferred_to_can_be_spoken_of(desk: Desk) -> None:
    (old,) = desk.calls("1")
    new = a_call("2")
    desk.engine.publish(events.Transferred(old, new, "sip:carol@pbx"))
    desk.do("hold", call="2")
    assert new.told == [("hold",)]


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"cmd": "subscribe", "to": "bob", "package": "dialog"}, ("watch", "bob", "dialog")),
        ({"cmd": "unsubscribe", "to": "bob", "package": "dialog"}, ("unwatch", "bob", "dialog")),
        ({"cmd": "message", "to": "bob", "text": "hi\nyou"}, ("message", "bob", "hi\nyou")),
    ],
)
def test_what_is_no_call_reaches_the_engine(desk: Desk, fields: Any, told: Any) -> None:
    assert desk.do(fields.pop("cmd"), **fields)["ok"] is True
    assert desk.engine.told == [told]


def test_a_call_picked_up_can_be_spoken_of(desk: Desk) -> None:
    assert desk.do("pickup", to="bob")["call"] == "1"
    assert desk.do("hangup", call="1")["ok"] is True


def test_a_rule_is_set_and_the_others_stay(desk: Desk) -> None:
    assert desk.do("set", forward_busy="600", dnd=True) == {"reply": None, "ok": True}
    assert desk.do("set", dnd=False)["ok"] is True
    assert desk.engine.rules == CallRules(forward_busy="600")
    assert desk.do("set", forward_busy=None)["ok"] is True
    assert desk.engine.rules == CallRules()


def test_setting_nothing_is_refused(desk: Desk) -> None:
    assert desk.do("set")["code"] == "missing-field"


def test_the_newest_call_is_meant_and_then_the_one_before(desk: Desk) -> None:
    first, second = desk.calls("1", "2")
    desk.do("hold")
    desk.engine.publish(events.CallEnded(second, 200, "", "remote", False, {}))
    desk.do("hold")
    assert (first.told, second.told) == ([("hold",)], [("hold",)])


@pytest.mark.parametrize("name", ["1", 1])
def test_a_call_may_be_named_by_text_or_number(desk: Desk, name: Any) -> None:
    first, _ = desk.calls("1", "2")
    desk.do("hold", call=name)
    assert first.told == [("hold",)]


def test_a_call_that_is_not_there_is_named(desk: Desk) -> None:
    assert desk.do("hangup")["error"] == "there is no call"
    desk.calls("1")
    assert desk.do("hangup", call="9")["error"] == "there is no call 9"


def test_a_call_that_ended_at_once_is_not_kept(desk: Desk) -> None:
    original = desk.engine.call

    def ended(to: str, **options: Any) -> Any:
        call = original(to, **options)
        call.state = events.CallState.ENDED
        desk.engine.publish(events.CallEnded(call, None, "no network", "local", False, {}))
        return call

    desk.engine.call = ended  # type: ignore[method-assign]
    assert desk.do("call", to="600")["ok"] is True
    assert desk.do("calls")["calls"] == []


@pytest.mark.parametrize(
    "trouble", [StateError("already ended"), MediaError("no port"), OSError(28, "disk full")]
)
def test_what_the_engine_refuses_is_refused_with_its_words(desk: Desk, trouble: Exception) -> None:
    (call,) = desk.calls("1")
    call.trouble = trouble
    reply = desk.do("hold", id="x")
    assert (reply["reply"], reply["ok"]) == ("x", False)
    assert str(trouble) in reply["error"]


def test_calls_lists_the_oldest_first(desk: Desk) -> None:
    desk.calls("1", "2")
    assert desk.do("calls")["calls"] == [
        {
            "call": identity,
            "account": None,
            "state": "confirmed",
            "hold": "none",
            "remote": "sip:bob@pbx",
        }
        for identity in ("1", "2")
    ]


def test_accounts_lists_their_states(desk: Desk) -> None:
    desk.engine.accounts = [StandIn(aor="sip:a@pbx", state="registered", expires_in=59.5)]
    assert desk.do("accounts")["accounts"] == [
        {"account": "sip:a@pbx", "state": "registered", "expires_in": 59.5}
    ]


@pytest.mark.parametrize("cmd", ["register", "unregister"])
def test_registering_is_for_all_accounts_or_for_one(desk: Desk, cmd: str) -> None:
    assert desk.do(cmd)["ok"] is False
    one, two = desk.engine.accounts = [StandIn(aor="sip:a@pbx"), StandIn(aor="sip:b@pbx")]
    desk.do(cmd)
    desk.do(cmd, account="b@pbx")
    assert (one.told, two.told) == ([(cmd,)], [(cmd,), (cmd,)])


def test_figures_that_are_no_numbers_are_null(desk: Desk) -> None:
    (call,) = desk.calls("1")
    call.statistics = lambda: {"rtt_ms": float("nan"), "send": {"jitter_ms": float("inf")}}
    assert desk.do("stats")["stats"] == {"rtt_ms": None, "send": {"jitter_ms": None}}


def test_quit_is_accepted_and_told_to_whoever_owns_the_engine(desk: Desk) -> None:
    assert desk.do("quit", id=1) == {"reply": 1, "ok": True}
    assert desk.quits == 1


def test_devices_are_replied_to_once_the_sound_system_has_answered(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platypus.control.commands._device_names", lambda: (["Mic"], ["Speaker"]))

    async def scenario() -> None:
        desk.control.receive(b'{"cmd":"devices","id":5}')
        assert desk.lines == []
        await desk.control.settle()

    asyncio.run(scenario())
    assert desk.lines == [{"reply": 5, "ok": True, "input": ["Mic"], "output": ["Speaker"]}]


def test_an_incoming_call_says_who_and_for_whom(desk: Desk) -> None:
    desk.engine.publish(events.IncomingCall(a_call("3")))
    assert desk.lines == [
        {
            "event": "incoming",
            "call": "3",
            "account": None,
            "from": "sip:bob@pbx",
            "to": "sip:me@here",
            "display_name": "Bob",
            "headers": {"Subject": "hi", "X": ["a", "b"]},
        }
    ]


def test_lost_lines_are_an_error_event() -> None:
    line = json.loads(lost_line(3))
    assert line["event"] == "error"
    assert "3" in line["message"]
