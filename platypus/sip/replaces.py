"""Replaces (RFC 3891): the dialog whose place an INVITE takes.

Section 3's rules, for whoever receives one:

    no dialog of ours, or a ringing one that we did not make    481
    one that is over                                            603
    an answered one where only a ringing one is meant           486
    two of them, or with Join                                   400

To know a dialog's tags, which are 64 random bits each, is the right to replace it.
What becomes of the two calls is not decided here.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from platypus.errors import ProtocolError
from platypus.sip.grammar import parse_params

if TYPE_CHECKING:
    from platypus.sip.dialog import Dialog
    from platypus.sip.message import Request
    from platypus.sip.session import Session
    from platypus.sip.stack import Stack

# Replaces = callid *( SEMI replaces-param ); callid = word [ "@" word ], which holds no ";".
_CALL_ID = re.compile(r"[^\s;,]+")
_TAG = re.compile(r"[A-Za-z0-9\-.!%*_+`'~]+")


class Replaces(NamedTuple):
    """A dialog as the one sees it who is asked to give it up: `to_tag` is that side's own."""

    call_id: str
    to_tag: str
    from_tag: str
    early_only: bool = False

    @classmethod
    def parse(cls, text: str) -> Replaces:
        """Parse the header's value; raises ProtocolError (400)."""
        call_id, _, rest = text.strip().partition(";")
        params = parse_params(rest)
        to_tag, from_tag = params.get("to-tag") or "", params.get("from-tag") or ""
        if not _CALL_ID.fullmatch(call_id.strip()):
            raise ProtocolError("a Replaces without a Call-ID")
        if not _TAG.fullmatch(to_tag) or not _TAG.fullmatch(from_tag):
            raise ProtocolError("a Replaces without both tags")
        return cls(call_id.strip(), to_tag, from_tag, "early-only" in params)

    @classmethod
    def of(cls, dialog: Dialog, *, early_only: bool = False) -> Replaces:
        """How the peer of `dialog` is to be asked for it."""
        # Section 3: a tag of zero stands for the missing one of an RFC 2543 peer.
        remote, local = dialog.remote.tag or "0", dialog.local.tag or "0"
        return cls(dialog.call_id, remote, local, early_only)

    def __str__(self) -> str:
        text = f"{self.call_id};to-tag={self.to_tag};from-tag={self.from_tag}"
        return f"{text};early-only" if self.early_only else text


def find_replaced(stack: Stack, request: Request) -> tuple[Session | None, int]:
    """The call that an INVITE is to replace; or None, and what to refuse it with (0: nothing)."""
    values = request.headers.get_all("Replaces")
    if not values:
        return None, 0
    if len(values) > 1 or "Join" in request.headers:
        return None, 400
    try:
        replaces = Replaces.parse(values[0])
    except ProtocolError as error:
        return None, error.status
    return _match(stack, replaces)


def _match(stack: Stack, replaces: Replaces) -> tuple[Session | None, int]:
    key = (replaces.call_id, replaces.to_tag)
    tag = "" if replaces.from_tag == "0" else replaces.from_tag
    session = stack.sessions.get(key)
    if session is None:
        return None, 603 if stack.ended.get(key) in (tag, replaces.from_tag) else 481
    dialog = session.dialog_with(tag) or session.dialog_with(replaces.from_tag)
    if dialog is None:
        return None, 481
    if session.ended:
        return None, 603
    if session.unanswered:
        return (session, 0) if session.role == "uac" else (None, 481)
    return (None, 486) if replaces.early_only else (session, 0)
