"""Being asked by the peer of a call to call somebody else: a REFER received (RFC 3515, 2.4).

Who may ask: the peer of an answered call, in its dialog, or outside with that
dialog's Target-Dialog (RFC 4538); everybody else gets 403. What is asked for is
read by `refer_to`; whether it is done is the user's decision. The NOTIFYs go one
at a time, the newest first, so that none overtakes another on UDP; they go on
after the first call has ended, until one says how the new call came out.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from platypus.errors import ProtocolError
from platypus.sip.dialog import Dialog
from platypus.sip.events import ReferReceived
from platypus.sip.grammar import parse_params
from platypus.sip.refer_to import Referral, read_refer
from platypus.sip.requesting import InDialog
from platypus.sip.responding import contact_for
from platypus.sip.sipfrag import CONTENT_TYPE, build_sipfrag
from platypus.sip.transaction import State

if TYPE_CHECKING:
    from platypus.sip.flow import Flow
    from platypus.sip.message import Request, Response
    from platypus.sip.server_transaction import ServerTransaction
    from platypus.sip.session import Session
    from platypus.sip.stack import Stack
    from platypus.sip.timers import Timer

# How long the subscription lasts: a phone that rings longer has given up itself (`ring_limit`).
EXPIRES = 600


class ReferredState(StrEnum):
    """How far a REFER of the peer's has come.

    state      input                       next       action
    --------   -------------------------   --------   ----------------------------
    ASKED      user accepts                ACCEPTED   202, NOTIFY 100
    ASKED      user refuses                OVER       a final response
    ACCEPTED   progress of the new call    ACCEPTED   NOTIFY of its status
    ACCEPTED   its final status            OVER       NOTIFY, terminated
    ACCEPTED   EXPIRES are over            OVER       NOTIFY, terminated by timeout
    ACCEPTED   a NOTIFY is refused         OVER       nobody listens
    """

    ASKED = "asked"
    ACCEPTED = "accepted"
    OVER = "over"


class Referred:
    """One REFER of the peer's: `accept` or `refuse` is owed, then `report`."""

    def __init__(
        self,
        session: Session,
        transaction: ServerTransaction,
        request: Request,
        dialog: Dialog,
        referral: Referral,
    ) -> None:
        self.session = session
        self.referral = referral
        self.state = ReferredState.ASKED
        # RFC 4488, 4: the peer asks for no subscription, and gets none.
        refer_sub = (request.headers.get("Refer-Sub") or "").partition(";")[0].strip().lower()
        self.subscribed = refer_sub != "false"
        self._stack = session.stack
        self._transaction = transaction
        self._dialog = dialog
        # 2.4.6: the first REFER of a dialog may go without, and old phones know no other.
        self._event = f"refer;id={request.cseq.number}" if session.referred else "refer"
        self._until = 0.0
        self._timer: Timer | None = None
        self._notifying = False
        self._reported = 0  # the newest status; a phone that rings on is no news
        self._next: tuple[int, str, str] | None = None  # status, reason, why it ends

    @property
    def over(self) -> bool:
        gone = self._transaction.state is State.TERMINATED  # nobody decided in time
        return self.state is ReferredState.OVER or (self.state is ReferredState.ASKED and gone)

    def accept(self, now: float) -> None:
        """202; what comes of it is told by `report`. Nothing if it was answered already."""
        if self.state is not ReferredState.ASKED:
            return
        fields = [("Contact", contact_for(self.session, self._transaction.flow))]
        if not self.subscribed:
            fields += [("Refer-Sub", "false"), ("Supported", "norefersub")]
        self._transaction.answer(202, now, fields)
        if not self.subscribed:
            self.state = ReferredState.OVER
            return
        self.state = ReferredState.ACCEPTED
        self._until = now + EXPIRES
        self._timer = self._stack.timers.start(self._until, self._expired)
        self.report(100, "Trying", now)

    def refuse(self, status: int, now: float) -> None:
        """A final response of 300 to 699 instead."""
        if not 300 <= status < 700:
            raise ValueError(f"{status} does not refuse a request")
        if self.state is ReferredState.ASKED:
            self.state = ReferredState.OVER
            self._transaction.answer(status, now)

    def report(self, status: int, reason: str, now: float) -> None:
        """Tell the peer how far the new call has come; a final status is the last word."""
        if self.state is not ReferredState.ACCEPTED or status == self._reported:
            return
        self._reported = status
        if status >= 200:
            self._stop()
        self._next = (status, reason, "noresource" if status >= 200 else "")
        self._notify(now)

    def receive_response(self, response: Response, now: float) -> None:
        """The answer to a NOTIFY."""
        if response.status < 200:
            return
        self._notifying = False
        if response.status >= 300:
            self._nobody_listens()
        self._notify(now)

    def request_failed(self, reason: str, now: float) -> None:
        """No answer to a NOTIFY."""
        self._notifying = False
        self._nobody_listens()

    def _notify(self, now: float) -> None:
        if self._notifying or self._next is None:
            return
        (status, reason, ending), self._next = self._next, None
        left = max(int(self._until - now), 1)
        state = f"terminated;reason={ending}" if ending else f"active;expires={left}"
        request = InDialog(
            self._stack,
            self._dialog,
            "NOTIFY",
            self,
            digest=self.session.digest,
            headers=[
                ("Event", self._event),
                ("Subscription-State", state),
                ("Contact", contact_for(self.session, self._transaction.flow)),
                ("User-Agent", self._stack.settings.user_agent),
            ],
            body=build_sipfrag(status, reason),
            content_type=f"{CONTENT_TYPE};version=2.0",
        )
        self._notifying = True
        request.start(now)

    def _expired(self, now: float) -> None:
        self._stop()
        self._next = (408, "Request Timeout", "timeout")
        self._notify(now)

    def _nobody_listens(self) -> None:
        self._stop()
        self._next = None

    def _stop(self) -> None:
        self.state = ReferredState.OVER
        if self._timer is not None:
            self._timer.stop()


def receive_refer(
    session: Session, transaction: ServerTransaction, request: Request, dialog: Dialog, now: float
) -> None:
    """A REFER of the peer's; its NOTIFYs will go by `dialog`."""
    if session.unanswered or session.ended:
        transaction.answer(403, now)
        return
    if session.referred is not None and not session.referred.over:
        transaction.answer(491, now)  # one transfer at a time
        return
    try:
        referral = read_refer(request)
    except ProtocolError as error:
        transaction.answer(error.status, now)
        return
    session.referred = Referred(session, transaction, request, dialog, referral)
    session.stack.emit(ReferReceived(session, session.referred))


def receive_stray_refer(
    stack: Stack, transaction: ServerTransaction, request: Request, flow: Flow, now: float
) -> None:
    """A REFER outside any dialog: only who knows a dialog of ours is its peer (RFC 4538, 3.2)."""
    session = _target_dialog(stack, request)
    if session is None:
        transaction.answer(403, now)
        return
    dialog = Dialog.from_request(request, transaction.to_tag, flow)
    receive_refer(session, transaction, request, dialog, now)


def _target_dialog(stack: Stack, request: Request) -> Session | None:
    call_id, _, rest = (request.headers.get("Target-Dialog") or "").partition(";")
    try:
        params = parse_params(rest)
    except ProtocolError:
        return None
    # "local" and "remote" are from the sender's point of view.
    session = stack.sessions.get((call_id.strip(), params.get("remote-tag") or ""))
    if session is None or session.dialog is None or not params.get("local-tag"):
        return None
    return session if session.dialog.remote.tag == params.get("local-tag") else None
