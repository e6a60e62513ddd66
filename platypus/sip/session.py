"""A call's signalling, from INVITE to BYE, in either role (RFC 3261, sections 12 to 15).

`Session` is what the user holds, and what the parts of it share:

    calling    the first INVITE sent: provisional answers, forks, redirection, CANCEL
    called     the first INVITE received: ringing, answering, refusing
    changing   re-INVITEs both ways, and glare
    ending     CANCEL, BYE, and what is let go of
    referring, referred   REFER both ways (RFC 3515)
    info       INFO both ways (RFC 6086)
    identity   what the network says of the peer (RFC 3325)
    updating   UPDATEs both ways, before the answer too
    session_timer   whether the other side is still there
    acknowledge   the ACK and the repeated 2xx
    responding   what our responses say

Bodies are opaque; whether one is an offer or an answer follows from where it
stands (13.2.1), and that is all this layer knows of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Literal

from platypus.errors import StateError
from platypus.sip.changing import Changes
from platypus.sip.ending import bye_if_acknowledged, end, hang_up, leave, send_bye
from platypus.sip.events import Acknowledged
from platypus.sip.identity import note_identity
from platypus.sip.info import Infos
from platypus.sip.referring import Referring
from platypus.sip.responding import respond
from platypus.sip.session_state import SessionState
from platypus.sip.session_timer import SessionTimer
from platypus.sip.updating import Updates

if TYPE_CHECKING:
    from platypus.sip.acknowledge import Acknowledgement, Answer
    from platypus.sip.called import Called
    from platypus.sip.calling import Calling
    from platypus.sip.dialog import Dialog
    from platypus.sip.events import By
    from platypus.sip.flow import Flow
    from platypus.sip.headers import NameAddr
    from platypus.sip.message import Headers, Request, Response
    from platypus.sip.prack import Prack
    from platypus.sip.referred import Referred
    from platypus.sip.server_transaction import ServerTransaction
    from platypus.sip.settings import AccountSettings
    from platypus.sip.stack import Stack

Body = bytes | Callable[[str], bytes] | None
Fields = Iterable[tuple[str, str]]


class Session:
    """One call. Methods return at once; what comes of them is told by events.

    In a state that doesn't allow it a method raises StateError; `hangup` never does.
    """

    __slots__ = (
        "__weakref__", "_changes", "_infos", "_timer", "_updates", "account", "answers",
        "bye_headers", "call_id", "called", "calling", "contact_user", "dialog", "digest",
        "flow", "id", "identity", "local", "local_tag", "offered_over", "owed", "referred",
        "referring", "refusal", "remote", "remote_allow", "remote_body", "remote_supported",
        "request", "role", "stack", "state",
    )  # fmt: skip

    def __init__(
        self,
        stack: Stack,
        role: Literal["uac", "uas"],
        *,
        call_id: str,
        local: NameAddr,
        remote: NameAddr,
        account: AccountSettings | None,
        contact_user: str,
    ) -> None:
        self.stack = stack
        self.role: Literal["uac", "uas"] = role
        self.call_id = call_id
        self.local = local
        self.remote = remote
        self.account = account
        self.contact_user = contact_user
        self.local_tag = local.tag or ""
        self.id = f"{call_id}:{self.local_tag}"
        self.state = SessionState.CALLING
        self.request: Request | None = None  # the first INVITE
        self.flow: Flow | None = None
        self.offered_over: Flow | None = None  # by which the last offer of either side went
        self.dialog: Dialog | None = None
        self.remote_body: bytes | None = None  # the newest
        self.remote_allow: frozenset[str] = frozenset()
        self.remote_supported: frozenset[str] = frozenset()
        self.digest = stack.digest_for(account)
        self.calling: Calling | None = None
        self.called: Called | None = None
        self.referring: Referring | None = None  # our newest REFER
        self.referred: Referred | None = None  # the peer's
        self.refusal: Response | None = None  # what ended our call before it began
        self.identity: NameAddr | None = None  # of the peer, by the word of the network
        self.answers: dict[int, Answer] = {}  # 2xx not acknowledged yet, by CSeq
        self.owed: list[Acknowledgement | Prack] = []  # the user will answer what they have
        self.bye_headers: tuple[tuple[str, str], ...] = ()
        self._changes: Changes | None = None
        self._updates: Updates | None = None
        self._infos: Infos | None = None
        self._timer: SessionTimer | None = None
        stack.sessions[call_id, self.local_tag] = self

    # The parts lead back here: made when first asked for, they are let go of at the end, and
    # then nothing but whoever holds the session keeps it (`release`).

    @property
    def changes(self) -> Changes:
        if self._changes is None:
            self._changes = Changes(self)
        return self._changes

    @property
    def updates(self) -> Updates:
        if self._updates is None:
            self._updates = Updates(self)
        return self._updates

    @property
    def infos(self) -> Infos:
        if self._infos is None:
            self._infos = Infos(self)
        return self._infos

    @property
    def timer(self) -> SessionTimer:
        if self._timer is None:
            self._timer = SessionTimer(self)
        return self._timer

    @property
    def local_uri(self) -> str:
        """Our address, bare."""
        return str(self.local.uri.without_headers().without_params())

    @property
    def remote_uri(self) -> str:
        """The peer's address, bare."""
        return str(self.remote.uri.without_headers().without_params())

    @property
    def headers(self) -> Headers | None:
        """The fields of the first INVITE."""
        return self.request.headers if self.request is not None else None

    @property
    def local_address(self) -> str | None:
        """Our address as the peer's side sees it, once the way is known."""
        return self.flow.local[0] if self.flow is not None else None

    @property
    def ended(self) -> bool:
        return self.state is SessionState.ENDED

    @property
    def unanswered(self) -> bool:
        """Whether the first INVITE has no final response yet."""
        return self.state in (SessionState.CALLING, SessionState.RINGING)

    @property
    def owes_ack(self) -> bool:
        """Whether `acknowledge` is awaited."""
        return bool(self.owed)

    # What the user does.

    def ring(self, now: float) -> None:
        """180 Ringing."""
        self._ringing("ring").progress(180, None, now)

    def progress(self, status: int, body: bytes | None, now: float) -> None:
        """Another provisional response, 183 with the answer for early media."""
        self._ringing("progress").progress(status, body, now)

    def answer(self, body: bytes | None, now: float) -> None:
        """200; `body` may be left out where `progress` gave it. To an INVITE without an offer
        it is the offer, and `Acknowledged` brings the answer."""
        self._ringing("answer").answer(body, now)

    def reject(self, status: int, now: float, reason: str = "", headers: Fields = ()) -> None:
        """A final response of 300 to 699."""
        self._ringing("reject").reject(status, now, reason, headers)

    def redirect(self, targets: Sequence[str], now: float, headers: Fields = ()) -> None:
        """302 Moved Temporarily."""
        contacts = [("Contact", f"<{target}>") for target in targets]
        self._ringing("redirect").reject(302, now, "", [*contacts, *headers])

    def belongs_to(self, account: AccountSettings) -> None:
        """This account is called, though it is not registered: its server may name the caller."""
        self.account, self.digest = account, self.stack.digest_for(account)
        if self.request is not None and self.flow is not None:
            note_identity(self, self.request, self.flow, tell=False)

    def acknowledge(self, body: bytes, now: float, content_type: str = "application/sdp") -> None:
        """The ACK with our answer to the offer in a 2xx, or the PRACK for one that came early."""
        if not self.owed:
            raise StateError("no acknowledgement is owed")
        self.owed.pop(0).answer(body, content_type, now)
        if self.state is SessionState.ANSWERING and self.calling is not None and not self.owed:
            self.state = SessionState.CONFIRMED
        self.changes.settled(now)

    def reinvite(self, body: Body, now: float, content_type: str = "application/sdp") -> None:
        """Offer a change, or ask for an offer (None); sent when no other INVITE is pending.

        A callable is given the local address when the request is sent, also when it is sent
        again after a glare, so that it always says what is wanted by then. Where it raises
        MediaError nothing is sent, and `ReinviteRefused` tells.
        """
        answering = self.called is not None and self.called.answering
        if self.ended or (self.unanswered and not answering):
            raise StateError(f"a call that is {self.state} can't be changed")
        self.changes.want(body, content_type, now)

    def update(self, body: Body, now: float, content_type: str = "application/sdp") -> None:
        """Offer a change by UPDATE, before the answer too, or refresh the session (None).

        Raises StateError where no early dialog has agreed yet, or an offer is pending.
        """
        self.updates.send(body, content_type, now)

    def accept_reinvite(self, body: bytes, now: float) -> None:
        """200 to what `Reinvited` told of; nothing if the peer gave it up meanwhile."""
        if not self.updates.accept(body, now):
            self.changes.accept(body, now)

    def refuse_reinvite(
        self, status: int, now: float, reason: str = "", headers: Fields = ()
    ) -> None:
        """Refuse what `Reinvited` told of; the call goes on."""
        if not self.updates.refuse(status, now, reason, headers):
            self.changes.refuse(status, now, reason, headers)

    def refer(
        self, refer_to: str, now: float, *, referred_by: str = "", subscribe: bool = True
    ) -> None:
        """Ask the peer to call somebody else; `ReferProgressed` tells how that went.

        `refer_to` is the header's value (`sip.refer_to`). Without `subscribe` nothing is told
        but whether the peer agreed (RFC 4488).
        """
        if self.dialog is None or self.unanswered or self.ended:
            raise StateError(f"a call that is {self.state} can't be transferred")
        if self.referring is not None and not self.referring.over:
            raise StateError("a transfer of this call is under way")
        self.referring = Referring(
            self, self.dialog, refer_to, referred_by=referred_by, subscribe=subscribe
        )
        self.referring.start(now)

    def hangup(self, now: float, reason: str = "", headers: Fields = ()) -> None:
        """End the call whatever its state: CANCEL, refusal, or BYE (15)."""
        hang_up(self, now, reason, headers)

    def leave(self, now: float) -> None:
        """The program ends: what still waits for an ACK can do so no longer."""
        leave(self, now)

    # What the parts do.

    def receive_ack(self, request: Request, now: float) -> None:
        """The ACK for one of our 2xx."""
        answer = self.answers.pop(request.cseq.number, None)
        if answer is None:
            return
        answer.stop()
        if self.ended:
            bye_if_acknowledged(self, now)
            return
        if self.state is SessionState.ANSWERING:
            self.state = SessionState.CONFIRMED
        body = request.body or None
        if body is not None:
            self.remote_body = body
        self.stack.emit(Acknowledged(self, body))
        if self._changes is not None:
            self._changes.settled(now)

    def never_acknowledged(self, answer: Answer, now: float) -> None:
        """13.3.1.4: after 64*T1 without an ACK the dialog is confirmed, and ended by BYE."""
        self.answers.pop(answer.cseq, None)
        if self.ended:
            bye_if_acknowledged(self, now)
            return
        self.abandon(now)
        self.end(408, "the answer was never acknowledged", "local")
        send_bye(self, now)

    def dialog_with(self, remote_tag: str | None) -> Dialog | None:
        """The dialog, or an early one, with this peer (12.2.2)."""
        if self.dialog is not None and (self.dialog.remote.tag or "") == (remote_tag or ""):
            return self.dialog
        return self.calling.leg(remote_tag or "") if self.calling is not None else None

    def owe_ack(self, acknowledgement: Acknowledgement | Prack) -> None:
        """The peer's response has an offer: the user will answer it."""
        self.owed.append(acknowledgement)

    def receive_prack(self, transaction: ServerTransaction, request: Request, now: float) -> None:
        """The caller has a reliable provisional response of ours."""
        if self.called is not None:
            self.called.provisionals.receive_prack(transaction, request, now)
        else:
            respond(self, transaction, 481, now)

    def flow_lost(self, flow: Flow) -> None:
        """A connection broke; the call outlives it."""
        legs = self.calling.legs if self.calling is not None else ()
        for dialog in (self.dialog, *legs):
            if dialog is not None:
                dialog.flow_lost(flow)

    def come_by(self, flow: Flow) -> None:
        """A change of the peer's came by `flow`: it reaches us there, if no more where it did."""
        self.offered_over = flow
        if self.flow is not None and self.flow.local[0] != flow.local[0]:
            self.flow = flow

    def note_peer(self, message: Request | Response) -> None:
        """What a message of the peer's says about it."""
        if "Allow" in message.headers:
            self.remote_allow = frozenset(method.upper() for method in message.allow)
        if "Supported" in message.headers:
            self.remote_supported = frozenset(tag.lower() for tag in message.supported)
        if message.body:
            self.remote_body = message.body

    def end(self, code: int | None, reason: str, by: By, *, elsewhere: bool = False) -> None:
        """Tell the end, once."""
        end(self, code, reason, by, elsewhere=elsewhere)

    def abandon(self, now: float) -> None:
        """The end is near: what the peer asked for is answered, what we did is given up."""
        if self._changes is not None:
            self._changes.abandon(now)
        if self._updates is not None:
            self._updates.stop(now)

    def stop(self) -> None:
        """It has ended: nothing happens by itself any more."""
        if self._changes is not None:
            self._changes.stop()
        if self._updates is not None:
            self._updates.stop()
        if self._timer is not None:
            self._timer.stop()

    def release(self) -> None:
        """It is over: let go of what leads back here."""
        if self.called is not None:
            self.called.release()
        self.called = self.calling = None
        self._changes = self._updates = self._infos = self._timer = None

    def _ringing(self, verb: str) -> Called:
        if self.called is None or not self.unanswered:
            raise StateError(f"a call that is {self.state} can't {verb}")
        return self.called
