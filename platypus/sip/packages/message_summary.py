"""Message waiting: application/simple-message-summary (RFC 3842, section 5).

    Messages-Waiting: yes
    Message-Account: sip:alice@vmail.example.com
    Voice-Message: 2/8 (0/2)

Only voice messages are counted; of the other classes (fax, text, ...) it is known
that something waits. Header fields of single messages, which may follow, are not read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from platypus.errors import ProtocolError
from platypus.sip.grammar import shown

CONTENT_TYPE = "application/simple-message-summary"

# msg-summary-line = message-context-class HCOLON newmsgs SLASH oldmsgs [ LPAREN urgent RPAREN ]
_COUNTS = re.compile(r"([0-9]{1,9})\s*/\s*([0-9]{1,9})")
MAX_LINES = 64  # of the summary, before the first blank line


@dataclass(frozen=True, slots=True)
class MessageSummary:
    """What waits in a mailbox; the counts are of voice messages."""

    waiting: bool
    new: int = 0
    old: int = 0
    account: str = ""  # the mailbox, where the server names it

    def serialize(self) -> bytes:
        """The body of a NOTIFY."""
        lines = [f"Messages-Waiting: {'yes' if self.waiting else 'no'}"]
        if self.account:
            lines.append(f"Message-Account: {self.account}")
        lines.append(f"Voice-Message: {self.new}/{self.old} (0/0)")
        return ("\r\n".join(lines) + "\r\n").encode()


def parse_message_summary(body: bytes) -> MessageSummary:
    """Read a body; raises ProtocolError without its one mandatory line."""
    fields: dict[str, str] = {}
    for line in body.decode("utf-8", "replace").lstrip().splitlines()[:MAX_LINES]:
        if not line.strip():
            break
        name, colon, value = line.partition(":")
        if colon:
            fields.setdefault(name.strip().lower(), value.strip())
    waiting = fields.get("messages-waiting", "").lower()
    if waiting not in ("yes", "no"):
        raise ProtocolError("a message summary that does not say whether messages wait")
    counts = _COUNTS.match(fields.get("voice-message", ""))
    new, old = (int(counts[1]), int(counts[2])) if counts else (0, 0)
    account = shown(fields.get("message-account", ""))
    return MessageSummary(waiting == "yes", new, old, account)
