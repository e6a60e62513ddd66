"""Short messages in and out, each a request of its own (MESSAGE, RFC 3428).

Plain text only. Nothing is kept: whoever is not there does not get it, and is told
by whom it was refused. Messages inside a call are taken like the others.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from platypus.errors import StateError
from platypus.events import ErrorOccurred, MessageReceived
from platypus.sip.build import reason_phrase
from platypus.watching import bare

if TYPE_CHECKING:
    from platypus.account import Account
    from platypus.engine import Engine
    from platypus.sip.events import ResponseReceived
    from platypus.sip.message import Request

# RFC 3428, 8: larger ones could clog a path that has no congestion control.
MAX_OCTETS = 1300
CONTENT_TYPE = "text/plain"
_CHARSET = re.compile(r";\s*charset\s*=\s*\"?([A-Za-z0-9_.:-]+)", re.IGNORECASE)
# What old phones send besides UTF-8; nothing here can expand, or fail.
_CODECS = {"utf-8": "utf-8", "us-ascii": "utf-8", "iso-8859-1": "latin-1"}


class Messaging:
    """The messages of one engine that wait for an answer."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._sent: dict[int, str] = {}  # to whom

    def send(self, to: str, text: str, account: Account | None) -> None:
        """Send to a SIP URI. Raises StateError for a text that is empty or too long."""
        body = text.encode("utf-8", "replace")
        if not body:
            raise StateError("there is nothing to send")
        if len(body) > MAX_OCTETS:
            raise StateError(
                f"a message has at most {MAX_OCTETS} bytes as UTF-8, this one has {len(body)}"
            )
        engine = self._engine
        key = engine.user_agent.request(
            "MESSAGE",
            to,
            account=account.settings if account is not None else None,
            body=body,
            content_type=f"{CONTENT_TYPE};charset=UTF-8",
            now=engine.now(),
        )
        self._sent[key] = bare(to)
        engine.pump()

    def receive_response(self, event: ResponseReceived) -> bool:
        """Whether the response was to one of ours; a refusal is told."""
        to = self._sent.pop(event.key, None)
        if to is None:
            return False
        response = event.response
        if response is None:
            self._tell(to, event.reason or "no answer")
        elif response.status >= 300:
            words = response.reason or reason_phrase(response.status)
            self._tell(to, f"{words} ({response.status})")
        return True

    def receive_request(self, request: Request) -> tuple[int, list[tuple[str, str]]]:
        """A message for us: the status to answer with, and what goes with it."""
        codec = _codec_of(request)
        if codec is None:
            return 415, [("Accept", CONTENT_TYPE), ("Accept-Encoding", "identity")]
        text = request.body.decode(codec, "replace")
        sender = request.from_
        self._engine.publish(MessageReceived(bare(str(sender.uri)), text, sender.display_name))
        return 200, []

    def _tell(self, to: str, reason: str) -> None:
        self._engine.publish(ErrorOccurred(f"the message to {to} was not delivered: {reason}"))


def _codec_of(request: Request) -> str | None:
    """How to read the body; None for what is no plain text."""
    if request.content_type != CONTENT_TYPE:
        return None
    if (request.headers.get("Content-Encoding") or "identity").strip().lower() != "identity":
        return None
    charset = _CHARSET.search(request.headers.get("Content-Type") or "")
    return _CODECS.get(charset[1].lower() if charset else "utf-8")
