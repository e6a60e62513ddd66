"""Carrying out the commands of the control protocol on one Engine.

A reply says that a command was accepted and never waits for the network, so it is
written before any event that the command caused: events that come while a command
runs are held back until its reply is out. Only `devices`, which has to ask the
sound system, replies later.

`Control` does not own the engine: whoever does is told by `quit`.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from platypus import events
from platypus.control.events import account_to_json, call_to_json, event_to_json, plain
from platypus.control.schema import Command, CommandError, parse_command
from platypus.errors import DeviceError, PlatypusError

if TYPE_CHECKING:
    from platypus.account import Account
    from platypus.call import Call
    from platypus.engine import Engine

Json = dict[str, Any]
Emit = Callable[[bytes], None]


def lost_line(count: int) -> bytes:
    """What to write where `count` lines could not be."""
    return _line(event_to_json(events.EventsDropped(count)))


def _make_encoder() -> Callable[[Json], str]:
    """`json` makes its C encoder anew for every object, which takes as long as most of ours."""
    encoder = json.JSONEncoder(separators=(",", ":"), allow_nan=False)
    make = getattr(json.encoder, "c_make_encoder", None)
    if make is None:
        return encoder.encode
    quote = json.encoder.encode_basestring_ascii
    encode = make(None, encoder.default, quote, None, ":", ",", False, False, False)
    return lambda value: "".join(encode(value, 0))


_encode = _make_encoder()


def _line(value: Json) -> bytes:
    return _encode(value).encode()


def _device_names() -> tuple[list[str], list[str]]:
    from platypus.audio.lists import list_devices

    try:
        lists = list_devices()
    except DeviceError:  # without PyAudio there are none; the `device` event says so in a call
        return [], []
    return [device.name for device in lists.inputs], [device.name for device in lists.outputs]


class Control:
    """Speaks the protocol for `engine`: `receive` takes a line, `emit` gets each line to write."""

    def __init__(
        self,
        engine: Engine,
        emit: Emit,
        *,
        quit: Callable[[], None],
        show: Callable[[str], None] | None = None,
    ) -> None:
        self._engine, self._emit, self._quit, self._show = engine, emit, quit, show
        # Oldest first, those that ended are out; who comes later finds those that there are.
        self._calls: dict[str, Call] = {call.id: call for call in engine.calls}
        self._held: list[events.Event] | None = []  # until `ready` was said
        self._tasks: set[asyncio.Task[None]] = set()
        self._unsubscribe = engine.subscribe(self._happened)

    def close(self) -> None:
        """No more events come."""
        self._unsubscribe()

    async def settle(self) -> None:
        """Wait for the replies that are still owed."""
        if self._tasks:
            await asyncio.wait(self._tasks)

    def ready(self, version: str) -> None:
        """Say that the sockets are bound."""
        self._send({"event": "ready", "listen": list(self._engine.listen), "version": version})
        self._tell_held()

    def receive(self, line: bytes) -> None:
        """Carry out the command on one line; it always gets exactly one reply."""
        self._held = []
        try:
            try:
                command = parse_command(line)
            except CommandError as error:
                self._refuse(error.reply_to, error)
                return
            self._run(command)
        finally:
            self._tell_held()

    def _run(self, command: Command) -> None:
        action: Callable[..., Any] = getattr(self, f"_do_{command.name}")
        try:
            result = action(**command.fields)
        except (PlatypusError, OSError, ValueError) as error:
            self._refuse(command.reply_to, error)
            return
        if isinstance(result, Awaitable):
            task = asyncio.ensure_future(self._reply_later(command.reply_to, result))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        else:
            self._accept(command.reply_to, result)

    async def _reply_later(self, reply_to: object, result: Awaitable[Json]) -> None:
        try:
            extra = await result
        except (PlatypusError, OSError) as error:
            self._refuse(reply_to, error)
        else:
            self._accept(reply_to, extra)

    def _accept(self, reply_to: object, extra: Json | None) -> None:
        self._send({"reply": reply_to, "ok": True} | (extra or {}))

    def _refuse(self, reply_to: object, error: Exception) -> None:
        code = getattr(error, "code", None) or "refused"
        self._send({"reply": reply_to, "ok": False, "error": str(error), "code": code})

    def _send(self, value: Json) -> None:
        self._emit(_line(value))

    def _happened(self, event: events.Event) -> None:
        match event:
            case events.VoiceActivity():
                return  # for embedders: the protocol has no such event
            case events.IncomingCall():
                self._calls[event.call.id] = event.call
            case events.Transferred():
                self._calls[event.new.id] = event.new
            case events.CallEnded():
                self._calls.pop(event.call.id, None)
                if not self._calls:
                    self._calls.clear()  # an empty dict keeps the memory of when it was not
        if self._held is not None:
            self._held.append(event)
        else:
            self._tell(event)

    def _tell_held(self) -> None:
        held, self._held = self._held or [], None
        for event in held:
            self._tell(event)

    def _tell(self, event: events.Event) -> None:
        self._emit(_encode(event_to_json(event)).encode())

    def _call(self, call: str | int | None, *, besides: Call | None = None) -> Call:
        if call is None:
            living = reversed(self._calls.values())
            newest = next((one for one in living if one is not besides), None)
            if newest is None:
                raise CommandError("there is no call", code="no-call")
            return newest
        found = self._calls.get(str(call))
        if found is None:
            raise CommandError(f"there is no call {call}", code="no-call")
        return found

    def _account(self, account: str | None) -> Account:
        accounts = self._engine.accounts
        if account is None:
            if not accounts:
                raise CommandError("there is no account", code="no-account")
            return accounts[0]
        for one in accounts:
            if account in (one.aor, one.aor.partition(":")[2]):
                return one
        known = ", ".join(one.aor for one in accounts) or "none"
        raise CommandError(f"there is no account {account}; there are: {known}", code="no-account")

    def _do_call(self, to: str, account: str | None = None, headers: Json | None = None) -> Json:
        using = self._account(account) if account or self._engine.accounts else None
        pairs = [
            (name, value)
            for name, content in (headers or {}).items()
            for value in (content if isinstance(content, list) else [content])
        ]
        return self._begun(self._engine.call(to, account=using, headers=pairs))

    def _do_pickup(self, to: str) -> Json:
        return self._begun(self._engine.pick_up(to))

    def _begun(self, call: Call) -> Json:
        if call.state != events.CallState.ENDED:  # its end may be among the held events
            self._calls[call.id] = call
        return {"call": call.id}

    def _do_answer(self, call: str | int | None = None) -> None:
        self._call(call).answer()

    def _do_ring(self, call: str | int | None = None) -> None:
        self._call(call).ring()

    def _do_reject(self, call: str | int | None = None, code: int = 486) -> None:
        self._call(call).reject(code)

    def _do_hangup(self, call: str | int | None = None) -> None:
        self._call(call).hangup()

    def _do_hold(self, call: str | int | None = None) -> None:
        self._call(call).hold()

    def _do_resume(self, call: str | int | None = None) -> None:
        self._call(call).resume()

    def _do_mute(self, on: bool, call: str | int | None = None) -> None:
        self._call(call).mute(on)

    def _do_dtmf(self, digits: str, call: str | int | None = None, method: str = "rtp") -> None:
        self._call(call).send_dtmf(digits.upper(), method=cast("events.DtmfMethod", method))

    def _do_redirect(self, to: str, call: str | int | None = None) -> None:
        self._call(call).redirect(to)

    def _do_transfer(
        self, call: str | int | None = None, to: str | None = None, other: str | int | None = None
    ) -> None:
        if (to is None) == (other is None):
            raise CommandError("transfer needs either to or other", code="missing-field")
        if other is None:
            self._call(call).transfer(to or "")
            return
        second = self._call(other)
        self._call(call, besides=second).transfer(second)

    def _do_accept_transfer(self, call: str | int | None = None) -> None:
        self._call(call).accept_transfer()

    def _do_refuse_transfer(self, call: str | int | None = None) -> None:
        self._call(call).refuse_transfer()

    def _do_conference(self, calls: list[str | int]) -> None:
        self._engine.conference(*(self._call(call) for call in calls))

    def _do_split(self, call: str | int | None = None) -> None:
        self._call(call).split()

    def _do_play(self, file: str, call: str | int | None = None) -> None:
        self._call(call).play(file)

    def _do_record(self, file: str, call: str | int | None = None) -> None:
        self._call(call).record(file, stereo=True)

    def _do_stop_record(self, call: str | int | None = None, file: str | None = None) -> None:
        self._call(call).stop_record(file)

    def _do_stats(self, call: str | int | None = None) -> Json:
        return {"stats": plain(self._call(call).statistics())}

    def _do_calls(self) -> Json:
        return {"calls": [call_to_json(call) for call in self._calls.values()]}

    def _do_accounts(self) -> Json:
        return {"accounts": [account_to_json(account) for account in self._engine.accounts]}

    async def _do_devices(self) -> Json:
        inputs, outputs = await asyncio.to_thread(_device_names)  # PortAudio may take a second
        return {"input": inputs, "output": outputs}

    def _do_register(self, account: str | None = None) -> None:
        for one in [self._account(account)] if account else self._all_accounts():
            one.register()

    def _do_unregister(self, account: str | None = None) -> None:
        for one in [self._account(account)] if account else self._all_accounts():
            one.unregister()

    def _do_subscribe(self, to: str, package: str) -> None:
        self._engine.watch(to, package)

    def _do_unsubscribe(self, to: str, package: str) -> None:
        self._engine.unwatch(to, package)

    def _do_message(self, to: str, text: str) -> None:
        self._engine.message(to, text)

    def _all_accounts(self) -> list[Account]:
        if not self._engine.accounts:
            raise CommandError("there is no account", code="no-account")
        return list(self._engine.accounts)

    def _do_set(self, **rules: Any) -> None:
        if not rules:
            raise CommandError("set needs something to set", code="missing-field")
        self._engine.rules = replace(self._engine.rules, **rules)

    def _do_show(self, page: str) -> None:
        if self._show is None:
            raise CommandError("this phone has no window to show", code="no-window")
        self._show(page)

    def _do_quit(self) -> None:
        self._quit()
