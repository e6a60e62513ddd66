"""PRACK, sent by the caller for reliable provisional responses (RFC 3262, 4).

Each early dialog counts its responses by itself. One that came before is heard
once, one whose predecessor was lost not at all: the callee repeats both. The
PRACK has our answer where the response had the offer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from platypus.sip.grammar import parse_number
from platypus.sip.provisional import RELIABLE
from platypus.sip.requesting import InDialog

if TYPE_CHECKING:
    from platypus.sip.dialog import Dialog
    from platypus.sip.message import Response
    from platypus.sip.session import Session

MAX_RSEQ = 2**32 - 1


class Pracks:
    """The reliable provisional responses to one INVITE of ours, by To tag."""

    __slots__ = ("_agreed", "_rseq")

    def __init__(self) -> None:
        self._rseq: dict[str, int] = {}
        self._agreed: dict[str, None] = {}

    def clear(self) -> None:
        """Another INVITE goes elsewhere."""
        self._rseq.clear()
        self._agreed.clear()

    def is_new(self, tag: str, response: Response) -> bool:
        """Note a reliable response; False if it came before, or out of order (RFC 3262, 4)."""
        rseq = rseq_of(response)
        last = self._rseq.get(tag)
        if rseq is None or (last is not None and rseq != last + 1):
            return False
        self._rseq[tag] = rseq
        return True

    def agree(self, tag: str) -> None:
        """Offer and answer are complete on this leg: what later responses say of it is nothing."""
        self._agreed[tag] = None

    def has_agreed(self, tag: str) -> bool:
        """Whether they are."""
        return tag in self._agreed

    @property
    def newest_agreed(self) -> str | None:
        """The leg that agreed last."""
        return next(reversed(self._agreed), None)


def rseq_of(response: Response) -> int | None:
    """The number of a reliable response; None for one that is not."""
    if response.status <= 100 or RELIABLE not in response.require:
        return None
    return parse_number(response.headers.get("RSeq") or "", MAX_RSEQ)


class Prack:
    """The PRACK for one response, sent when it needs no answer, or has one."""

    __slots__ = ("_dialog", "_rack", "_session")

    def __init__(self, session: Session, dialog: Dialog, response: Response) -> None:
        self._session = session
        self._dialog = dialog
        self._rack = f"{rseq_of(response)} {response.cseq}"

    def start(self, now: float) -> None:
        """Send it without a body."""
        self.answer(b"", "", now)

    def answer(self, body: bytes, content_type: str, now: float) -> None:
        """Send it with our answer to the offer in the response."""
        session = self._session
        if session.ended:
            return
        fields = [("RAck", self._rack), ("User-Agent", session.stack.settings.user_agent)]
        InDialog(
            session.stack,
            self._dialog,
            "PRACK",
            self,
            digest=session.digest,
            headers=fields,
            body=body,
            content_type=content_type,
        ).start(now)

    def receive_response(self, response: Response, now: float) -> None:
        """Nothing to do: a callee that did not take it repeats its response, then gives up."""

    def request_failed(self, reason: str, now: float) -> None:
        """The same."""
