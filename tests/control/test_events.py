"""Each event of the engine has one shape in JSON, with every field the protocol names."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any, get_args

import pytest

from platypus import events
from platypus.control.events import event_to_json, plain

ACCOUNT: Any = SimpleNamespace(aor="sip:alice@pbx")
CALL: Any = SimpleNamespace(
    id="1",
    account=ACCOUNT,
    hold_state="local",
    remote="sip:bob@pbx",
    local="sip:alice@pbx",
    display_name="",
    headers={},
)
STATISTICS = {"send": {"packets": 1}, "receive": {}, "rtt_ms": None}

OTHER: Any = SimpleNamespace(id="2")

SHAPES: list[tuple[events.Event, dict[str, Any]]] = [
    (
        events.Registered(ACCOUNT, 300, "sip:alice@10.0.0.1"),
        {
            "event": "registered",
            "account": "sip:alice@pbx",
            "expires": 300,
            "contact": "sip:alice@10.0.0.1",
        },
    ),
    (
        events.RegistrationFailed(ACCOUNT, None, "no answer", 30.0),
        {
            "event": "registration_failed",
            "account": "sip:alice@pbx",
            "code": None,
            "reason": "no answer",
            "retry_in": 30.0,
        },
    ),
    (
        events.TransferProgressed(CALL, 180, False, "Ringing"),
        {"event": "transfer", "call": "1", "status": 180, "done": False},
    ),
    (
        events.TransferRequested(CALL, "sip:carol@pbx"),
        {"event": "transfer_requested", "call": "1", "to": "sip:carol@pbx"},
    ),
    (
        events.Transferred(CALL, OTHER, "sip:carol@pbx"),
        {"event": "transferred", "call": "1", "new": "2", "to": "sip:carol@pbx"},
    ),
    (events.Unregistered(ACCOUNT), {"event": "unregistered", "account": "sip:alice@pbx"}),
    (
        events.IncomingCall(CALL),
        {
            "event": "incoming",
            "call": "1",
            "account": "sip:alice@pbx",
            "from": "sip:bob@pbx",
            "to": "sip:alice@pbx",
            "display_name": "",
            "headers": {},
        },
    ),
    (
        events.CallStateChanged(CALL, events.CallState.EARLY, "none"),
        {"event": "call", "call": "1", "state": "early", "hold": "none"},
    ),
    (
        events.CallEnded(CALL, 486, "Busy Here", "remote", False, STATISTICS),
        {
            "event": "call",
            "call": "1",
            "state": "ended",
            "hold": "local",
            "code": 486,
            "reason": "Busy Here",
            "by": "remote",
            "elsewhere": False,
            "stats": STATISTICS,
        },
    ),
    (
        events.MediaChanged(
            CALL, events.MediaState.STARTED, "pcmu", None, "1.2.3.4:5", None, "sendonly"
        ),
        {
            "event": "media",
            "call": "1",
            "state": "started",
            "codec": "pcmu",
            "srtp": None,
            "local": "1.2.3.4:5",
            "remote": None,
            "direction": "sendonly",
        },
    ),
    (
        events.DtmfReceived(CALL, "#", "rtp", 160),
        {"event": "dtmf", "call": "1", "digit": "#", "method": "rtp", "duration_ms": 160},
    ),
    (
        events.IdentityChanged(CALL, "Carol", "sip:carol@pbx"),
        {"event": "identity", "call": "1", "display_name": "Carol", "uri": "sip:carol@pbx"},
    ),
    (events.Played(CALL, "a.wav"), {"event": "played", "call": "1", "file": "a.wav"}),
    (
        events.MessageWaiting(ACCOUNT, "sip:alice@pbx", True, 2, 8),
        {"event": "mwi", "account": "sip:alice@pbx", "waiting": True, "new": 2, "old": 8},
    ),
    (
        events.MessageWaiting(None, "sip:700@pbx", False, 0, 0),
        {"event": "mwi", "account": "sip:700@pbx", "waiting": False, "new": 0, "old": 0},
    ),
    (
        events.Notified("dialog", "sip:bob@pbx", "early"),
        {"event": "notify", "package": "dialog", "from": "sip:bob@pbx", "state": "early"},
    ),
    (
        events.Notified("presence", "sip:bob@pbx", "open", None),
        {
            "event": "notify",
            "package": "presence",
            "from": "sip:bob@pbx",
            "state": "open",
            "note": None,
        },
    ),
    (
        events.MessageReceived("sip:bob@pbx", "hi\n\u2603", "Bob"),
        {"event": "message", "from": "sip:bob@pbx", "text": "hi\n\u2603"},
    ),
    (
        events.DeviceChanged(None, "Speaker", "unplugged"),
        {"event": "device", "input": None, "output": "Speaker", "reason": "unplugged"},
    ),
    (events.ErrorOccurred("oh"), {"event": "error", "message": "oh"}),
    (events.ErrorOccurred("oh", CALL), {"event": "error", "message": "oh", "call": "1"}),
    (
        events.EventsDropped(2),
        {"event": "error", "message": "2 events are lost: nobody read them"},
    ),
]


@pytest.mark.parametrize(("event", "shape"), SHAPES, ids=lambda value: type(value).__name__)
def test_an_event_has_its_shape(event: events.Event, shape: dict[str, Any]) -> None:
    value = event_to_json(event)
    assert value == shape
    assert json.loads(json.dumps(value, allow_nan=False)) == shape


def test_every_event_there_is_has_a_shape() -> None:
    # Voice activity is told to embedders only: the protocol has no such event.
    told = set(get_args(events.Event)) - {events.VoiceActivity}
    assert {type(event) for event, _ in SHAPES} == told


def test_numbers_that_json_has_not_become_null_at_any_depth() -> None:
    value = {"a": [1.5, float("nan")], "b": {"c": float("-inf")}, "d": (1, None, "x", True)}
    assert plain(value) == {"a": [1.5, None], "b": {"c": None}, "d": [1, None, "x", True]}
