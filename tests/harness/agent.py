"""Drives `platypus agent`, as a script or a CRM plug-in would: JSON lines in, JSON lines out.

Every line that the agent says is checked against docs of the control protocol, written down
here a second time on purpose: the agent's own tables must not vouch for themselves.
"""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.harness.programs import Program

ROOT = Path(__file__).parent.parent.parent

NUMBER = (int, float)
TEXT = str
MAYBE_TEXT = (str, type(None))
MAYBE_NUMBER = (int, float, type(None))
CALL = (str, int)

# The fields of each event and their types; every one is always there, and no other.
EVENTS: dict[str, dict[str, Any]] = {
    "ready": {"listen": list, "version": TEXT},
    "registered": {"account": TEXT, "expires": NUMBER, "contact": TEXT},
    "registration_failed": {
        "account": TEXT,
        "code": MAYBE_NUMBER,
        "reason": TEXT,
        "retry_in": MAYBE_NUMBER,
    },
    "unregistered": {"account": TEXT},
    "incoming": {
        "call": CALL,
        "account": MAYBE_TEXT,
        "from": TEXT,
        "to": TEXT,
        "display_name": MAYBE_TEXT,
        "headers": dict,
    },
    "call": {"call": CALL, "state": TEXT, "hold": TEXT},
    "media": {
        "call": CALL,
        "state": TEXT,
        "codec": MAYBE_TEXT,
        "srtp": MAYBE_TEXT,
        "local": MAYBE_TEXT,
        "remote": MAYBE_TEXT,
        "direction": MAYBE_TEXT,
    },
    "dtmf": {"call": CALL, "digit": TEXT, "method": TEXT, "duration_ms": MAYBE_NUMBER},
    "transfer": {"call": CALL, "status": NUMBER, "done": bool},
    "transfer_requested": {"call": CALL, "to": TEXT},
    "transferred": {"call": CALL, "new": CALL, "to": TEXT},
    "identity": {"call": CALL, "display_name": TEXT, "uri": TEXT},
    "played": {"call": CALL, "file": TEXT},
    "mwi": {"account": TEXT, "waiting": bool, "new": int, "old": int},
    "notify": {"package": TEXT, "from": TEXT, "state": TEXT},
    "message": {"from": TEXT, "text": TEXT},
    "device": {"input": MAYBE_TEXT, "output": MAYBE_TEXT, "reason": MAYBE_TEXT},
    "error": {"message": TEXT},
}
OPTIONAL: dict[str, dict[str, Any]] = {"error": {"call": CALL}, "notify": {"note": MAYBE_TEXT}}
ENDED: dict[str, Any] = {
    "code": MAYBE_NUMBER,
    "reason": MAYBE_TEXT,
    "by": TEXT,
    "elsewhere": bool,
    "stats": dict,
}
STATES = {
    "call": {"trying", "ringing", "early", "confirmed", "ended"},
    "media": {"started", "stalled", "resumed", "ended"},
}
HOLDS = {"none", "local", "remote", "both"}
STREAM = {"packets", "bytes", "lost", "late", "duplicated", "reordered", "jitter_ms"}
STATISTICS = {"send", "receive", "rtt_ms", "mos", "codec", "srtp", "duration_s"}
RECEIVED_ONLY = {"buffer_ms", "concealed_ms", "stretched_ms"}


def check_event(event: dict[str, Any]) -> None:
    """Raises AssertionError where an event is not what the control protocol says."""
    name = event.get("event")
    assert name in EVENTS, f"unknown event {event}"
    required = dict(EVENTS[name])
    if name == "call" and event.get("state") == "ended":
        required |= ENDED
    allowed = required | OPTIONAL.get(name, {})
    fields = {key: value for key, value in event.items() if key != "event"}
    assert set(required) <= set(fields) <= set(allowed), f"fields of {event}"
    for key, value in fields.items():
        assert isinstance(value, allowed[key]), f"{key} of {event}"
    assert name not in STATES or event["state"] in STATES[name], f"state of {event}"
    assert event.get("hold", "none") in HOLDS, f"hold of {event}"
    if "stats" in event:
        check_statistics(event["stats"])


def check_statistics(statistics: dict[str, Any]) -> None:
    assert set(statistics) == STATISTICS, f"statistics {statistics}"
    assert set(statistics["send"]) == STREAM, f"send of {statistics}"
    assert set(statistics["receive"]) == STREAM | RECEIVED_ONLY, f"receive of {statistics}"


class Agent(Program):
    """A running agent. Commands return their reply; events are awaited, each seen once.

    `wait_event` takes the first event that fits among those not yet taken, so that a second
    `wait_event("call", state="confirmed")` waits for a second call.
    """

    def __init__(
        self,
        *options: str,
        host: str = "127.0.0.1",
        account: str | None = None,
        password: str | None = None,
        environment: dict[str, str] | None = None,
        listen: bool = True,
    ) -> None:
        command = [sys.executable, "-m", "platypus", "agent"]
        command += ["--listen", f"{host}:0"] if listen else []
        variables = {"PYTHONPATH": str(ROOT), **(environment or {})}
        if account:
            command += ["--account", account]
        if password is not None:
            command += ["--password-env", "TEST_PASSWORD"]
            variables["TEST_PASSWORD"] = password
        self._events: list[dict[str, Any]] = []
        self._replies: dict[object, dict[str, Any]] = {}
        self._next_id = 0
        self._parsed = 0
        self._parsing = threading.Lock()
        super().__init__(
            "platypus agent", [*command, *options], environment=variables, separate_stdout=True
        )
        self.listen: list[str] = []
        try:
            self.listen = self.wait_event("ready")["listen"]
        except BaseException:
            self.stop()
            raise

    @property
    def address(self) -> str:
        """The `host:port` it is to be called at."""
        return self.listen[0].partition(":")[2]

    def uri(self, user: str = "agent") -> str:
        return f"sip:{user}@{self.address}"

    def send(self, cmd: str, **fields: Any) -> int:
        """Sends a command and returns its id."""
        self._next_id += 1
        self.write_line(json.dumps({"cmd": cmd, "id": self._next_id, **fields}))
        return self._next_id

    def ask(self, cmd: str, timeout: float = 5.0, **fields: Any) -> dict[str, Any]:
        """Sends a command and returns its reply, refused or not."""
        identity = self.send(cmd, **fields)
        return self.wait_for(lambda: self._reply(identity), timeout, f"reply to {cmd}")

    def command(self, cmd: str, timeout: float = 5.0, **fields: Any) -> dict[str, Any]:
        """Sends a command that must be accepted."""
        reply = self.ask(cmd, timeout, **fields)
        assert reply["ok"] is True, f"{cmd} {fields} was refused: {reply}"
        return reply

    def call(self, to: str, **fields: Any) -> str | int:
        return self.command("call", to=to, **fields)["call"]

    def statistics(self, call: str | int | None = None) -> dict[str, Any]:
        fields = {} if call is None else {"call": call}
        statistics = self.command("stats", **fields)["stats"]
        check_statistics(statistics)
        return statistics

    def wait_event(self, name: str, timeout: float = 10.0, **fields: Any) -> dict[str, Any]:
        """The next event of that name whose fields have the given values."""

        def find() -> dict[str, Any] | None:
            for index, event in enumerate(self.events()):
                if event["event"] == name and all(event.get(k) == v for k, v in fields.items()):
                    with self._parsing:
                        return self._events.pop(index)
            return None

        return self.wait_for(find, timeout, f"event {name} with {fields}")

    def events(self) -> list[dict[str, Any]]:
        """The events that nobody has taken yet."""
        self._parse()
        return list(self._events)

    def end_call(self) -> dict[str, Any]:
        """Hangs up the newest call and returns its last event."""
        self.command("hangup")
        return self.wait_event("call", state="ended")

    def quit(self) -> int:
        self.command("quit")
        return self.wait(3)

    def _reply(self, identity: int) -> dict[str, Any] | None:
        self._parse()
        return self._replies.pop(identity, None)

    def _parse(self) -> None:
        with self._parsing:
            for line in self.stdout_lines[self._parsed :]:
                self._parsed += 1
                try:
                    value = json.loads(line)
                except ValueError:
                    pytest.fail(f"not JSON on standard output: {line!r}\n{self.tail()}", False)
                if "event" in value:
                    check_event(value)
                    self._events.append(value)
                else:
                    assert "reply" in value and isinstance(value["ok"], bool), f"reply {value}"
                    self._replies[value["reply"]] = value
