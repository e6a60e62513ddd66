"""What happened, as the JSON objects of the control protocol.

One function an event; their keys are public interface. What has not been
measured is null: NaN and infinity never get out, they are not JSON.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from platypus import events

if TYPE_CHECKING:
    from platypus.account import Account
    from platypus.call import Call

Json = dict[str, Any]
_PLAIN = frozenset((int, str, bool, type(None)))


def event_to_json(event: events.Event) -> Json:
    """The JSON object that tells of `event`."""
    match event:
        case events.Registered(account, expires, contact):
            return _of_account("registered", account) | {"expires": expires, "contact": contact}
        case events.RegistrationFailed(account, code, reason, retry_in):
            return _of_account("registration_failed", account) | {
                "code": code,
                "reason": reason,
                "retry_in": plain(retry_in),
            }
        case events.Unregistered(account):
            return _of_account("unregistered", account)
        case events.IncomingCall():
            return _incoming(event.call)
        case events.CallStateChanged():
            state = str(event.state)
            return {"event": "call", "call": event.call.id, "state": state, "hold": event.hold}
        case events.CallEnded():
            return _ended(event)
        case events.MediaChanged():
            return _media(event)
        case events.DtmfReceived(call, digit, method, duration_ms):
            return _of_call("dtmf", call) | {
                "digit": digit,
                "method": method,
                "duration_ms": duration_ms,
            }
        case events.IdentityChanged(call, display_name, uri):
            return _of_call("identity", call) | {"display_name": display_name, "uri": uri}
        case events.TransferProgressed(call, status, done):
            return _of_call("transfer", call) | {"status": status, "done": done}
        case events.TransferRequested(call, to):
            return _of_call("transfer_requested", call) | {"to": to}
        case events.Transferred(call, new, to):
            return _of_call("transferred", call) | {"new": new.id, "to": to}
        case events.VoiceActivity():
            raise ValueError("the control protocol does not tell voice activity")
        case events.Played(call, file):
            return _of_call("played", call) | {"file": file}
        case events.MessageWaiting():
            return _mwi(event)
        case events.Notified(package, from_, state, note):
            told: Json = {"event": "notify", "package": package, "from": from_, "state": state}
            return told | {"note": note} if package == "presence" else told
        case events.MessageReceived(from_, text):
            return {"event": "message", "from": from_, "text": text}
        case events.DeviceChanged(input_name, output_name, reason):
            return {"event": "device", "input": input_name, "output": output_name, "reason": reason}
        case events.ErrorOccurred(message, call):
            error: Json = {"event": "error", "message": message}
            return error if call is None else error | {"call": call.id}
        case events.EventsDropped(count):
            return {"event": "error", "message": f"{count} events are lost: nobody read them"}


def call_to_json(call: Call) -> Json:
    """One line of what the command `calls` lists."""
    return {
        "call": call.id,
        "account": call.account.aor if call.account else None,
        "state": str(call.state),
        "hold": call.hold_state,
        "remote": call.remote,
    }


def account_to_json(account: Account) -> Json:
    """One line of what the command `accounts` lists."""
    return {
        "account": account.aor,
        "state": account.state,
        "expires_in": plain(account.expires_in),
    }


def plain(value: Any) -> Any:
    """`value` with only what JSON can hold: numbers that are not finite become null."""
    if isinstance(value, float):
        return round(value, 6) if math.isfinite(value) else None
    if type(value) is dict or isinstance(value, Mapping):
        return {str(k): v if type(v) in _PLAIN else plain(v) for k, v in value.items()}
    return [plain(one) for one in value] if isinstance(value, list | tuple) else value


def _of_account(name: str, account: Account) -> Json:
    return {"event": name, "account": account.aor}


def _of_call(name: str, call: Call) -> Json:
    return {"event": name, "call": call.id}


def _incoming(call: Call) -> Json:
    return {
        "event": "incoming",
        "call": call.id,
        "account": call.account.aor if call.account else None,
        "from": call.remote,
        "to": call.local,
        "display_name": call.display_name,
        "headers": call.headers,
    }


def _ended(event: events.CallEnded) -> Json:
    return {
        "event": "call",
        "call": event.call.id,
        "state": "ended",
        "hold": event.call.hold_state,
        "code": event.code,
        "reason": event.reason,
        "by": event.by,
        "elsewhere": event.elsewhere,
        "stats": plain(event.statistics),
    }


def _mwi(event: events.MessageWaiting) -> Json:
    return {
        "event": "mwi",
        "account": event.account.aor if event.account else event.mailbox,
        "waiting": event.waiting,
        "new": event.new,
        "old": event.old,
    }


def _media(event: events.MediaChanged) -> Json:
    return {
        "event": "media",
        "call": event.call.id,
        "state": str(event.state),
        "codec": event.codec,
        "srtp": event.srtp,
        "local": event.local,
        "remote": event.remote,
        "direction": event.direction,
    }
