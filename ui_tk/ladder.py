"""The SIP messages as a ladder: who said what to whom, one arrow a message.

    10:42:07.120   phone                        192.0.2.1:5060
                   INVITE sip:600@pbx   --------------->
                   <---------------   180 Ringing

Kept are the newest, redacted before they come here. Pure: messages in, rows out.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass

MOST = 500
_START = re.compile(
    r"(?:SIP/2\.0 (?P<status>\d{3}) (?P<reason>.*)|(?P<method>[A-Z]+) (?P<uri>\S+))"
)


@dataclass(frozen=True, slots=True)
class Rung:
    """One message. `at` is the time of day in seconds since 1970; `sent` is from us."""

    number: int
    at: float
    sent: bool
    peer: str
    text: str

    @property
    def title(self) -> str:
        """`INVITE sip:600@pbx`, `180 Ringing (INVITE)`."""
        found = _START.match(self.text)
        if found is None:
            return self.text.partition("\n")[0][:60] or "?"
        if found["method"]:
            return f"{found['method']} {found['uri']}"
        return f"{found['status']} {found['reason']} ({self.method})".strip()

    @property
    def method(self) -> str:
        found = re.search(r"^CSeq\s*:\s*\d+\s+(\w+)", self.text, re.IGNORECASE | re.MULTILINE)
        return found[1] if found else "?"

    @property
    def call_id(self) -> str:
        found = re.search(r"^(?:Call-ID|i)\s*:\s*(\S+)", self.text, re.IGNORECASE | re.MULTILINE)
        return found[1] if found else ""

    @property
    def tone(self) -> str:
        found = _START.match(self.text)
        if found is None or not found["status"]:
            return "plain"
        status = int(found["status"])
        challenged = status in (401, 407)
        return "good" if status < 300 else "busy" if status < 400 or challenged else "bad"


class Ladder:
    """The newest messages, oldest first."""

    def __init__(self) -> None:
        self.rungs: deque[Rung] = deque(maxlen=MOST)
        self._count = 0

    def add(self, at: float, sent: bool, peer: str, text: str) -> None:
        self._count += 1
        self.rungs.append(Rung(self._count, at, sent, peer, text))

    def of_call(self, call_id: str) -> list[Rung]:
        """Those of one conversation; all with ""."""
        return [rung for rung in self.rungs if not call_id or rung.call_id == call_id]
