"""INFO inside a call (RFC 6086; its legacy usage, RFC 2976, for digits).

What a body says is the user's matter; only its type is looked at. Ours go one
at a time, in the order they were asked for: on UDP the second digit would
overtake the first. Info packages are not known: 469 says so.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from platypus.errors import StateError
from platypus.sip.events import InfoReceived, InfoRefused
from platypus.sip.requesting import InDialog

if TYPE_CHECKING:
    from platypus.sip.dialog import Dialog
    from platypus.sip.message import Request, Response
    from platypus.sip.server_transaction import ServerTransaction
    from platypus.sip.session import Session

# Digits, as Cisco and Asterisk write them, and as the older draft did.
ACCEPTED = ("application/dtmf-relay", "application/dtmf")
MAX_BODY = 1024  # far more than any digit takes
MAX_QUEUED = 128  # of one call; whoever types more has a stuck key


class Infos:
    """The INFO requests of one session."""

    __slots__ = ("_busy", "_queue", "_session")

    def __init__(self, session: Session) -> None:
        self._session = session
        self._queue: deque[tuple[str, bytes]] = deque()
        self._busy = False

    def send(self, content_type: str, body: bytes, now: float) -> None:
        """Send as soon as those before it are answered. StateError where it can't be."""
        session = self._session
        if session.dialog is None or session.unanswered or session.ended:
            raise StateError(f"a call that is {session.state} can't take an INFO")
        if len(self._queue) >= MAX_QUEUED:
            raise StateError(f"{MAX_QUEUED} digits are still waiting to be sent")
        self._queue.append((content_type, body))
        self._next(session.dialog, now)

    def receive(self, transaction: ServerTransaction, request: Request, now: float) -> None:
        """The peer's: answered here, and told where it has something to say."""
        if request.headers.get("Info-Package"):
            # RFC 6086, 4.2.2; the empty list says that there is none we would take.
            transaction.answer(469, now, [("Recv-Info", "")])
        elif not request.body:
            transaction.answer(200, now)  # RFC 2976, 2.2: a sign of life
        elif request.content_type not in ACCEPTED or len(request.body) > MAX_BODY:
            transaction.answer(415, now, [("Accept", ", ".join(ACCEPTED))])
        else:
            transaction.answer(200, now)
            session = self._session
            session.stack.emit(InfoReceived(session, request.content_type or "", request.body))

    def receive_response(self, response: Response, now: float) -> None:
        """The next one may go; a refusal is told, and the rest would be refused as well."""
        if response.status < 200:
            return
        if response.status >= 300:
            self._refused(response.status, response.reason)
        self._over(now)

    def request_failed(self, reason: str, now: float) -> None:
        """No answer at all. Whether the call still lives is for others to find out."""
        self._refused(None, reason)
        self._over(now)

    def _refused(self, status: int | None, reason: str) -> None:
        self._queue.clear()
        if not self._session.ended:
            self._session.stack.emit(InfoRefused(self._session, status, reason))

    def _over(self, now: float) -> None:
        self._busy = False
        session = self._session
        if session.ended:
            self._queue.clear()
        elif session.dialog is not None:
            self._next(session.dialog, now)

    def _next(self, dialog: Dialog, now: float) -> None:
        if self._busy or not self._queue:
            return
        content_type, body = self._queue.popleft()
        self._busy = True
        session = self._session
        InDialog(
            session.stack,
            dialog,
            "INFO",
            self,
            digest=session.digest,
            headers=[("User-Agent", session.stack.settings.user_agent)],
            body=body,
            content_type=content_type,
        ).start(now)
