"""What comes from the network: to a transaction, a dialog, or refused (RFC 3261, 8.2, 12.2.2).

Every message is validated here once; after that no property of it raises. What
is no message, or a response nobody waits for, is counted and dropped. Requests
that we don't serve are refused in the order of 8.2: method, Request-URI, merged,
Require, dialog, body.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from platypus.errors import ProtocolError
from platypus.sip.bodies import DESCRIBING, describes_session, take_part
from platypus.sip.build import build_response, note_source
from platypus.sip.called import Called
from platypus.sip.ending import receive_bye
from platypus.sip.events import IncomingCall, RequestReceived
from platypus.sip.identity import note_identity
from platypus.sip.keys import client_key, server_key
from platypus.sip.message import Request, Response, parse_message
from platypus.sip.provisional import RELIABLE, wants_reliability
from platypus.sip.referred import receive_refer, receive_stray_refer
from platypus.sip.referring import receive_notify
from platypus.sip.replaces import find_replaced
from platypus.sip.server_transaction import InviteServerTransaction, ServerTransaction
from platypus.sip.session import Session
from platypus.sip.session_timer import interval_too_small
from platypus.sip.settings import BUILT_IN_METHODS
from platypus.sip.transaction import State
from platypus.sip.watcher import receive_subscribe

if TYPE_CHECKING:
    from platypus.sip.dialog import DialogKey
    from platypus.sip.flow import Flow
    from platypus.sip.settings import AccountSettings
    from platypus.sip.stack import Stack

# Methods of RFCs we know: 405 instead of 501 (8.2.1).
KNOWN_METHODS = frozenset(
    (*BUILT_IN_METHODS, "REGISTER", "SUBSCRIBE", "NOTIFY", "PUBLISH", "MESSAGE", "INFO", "UPDATE",
     "REFER", "PRACK")
)  # fmt: skip
SCHEMES = frozenset(("sip", "sips"))
RETRY_AFTER_OVERLOAD = "5"  # seconds; calls and transactions of a flood are gone soon

Fields = list[tuple[str, str]]


class Inbound:
    """The receiving side of one user agent."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._methods = frozenset(stack.settings.methods)
        self._accept = stack.settings.accept
        self.dropped = 0

    def receive(self, data: bytes, flow: Flow, now: float) -> None:
        """One message as it came."""
        try:
            message = parse_message(data)
        except ProtocolError:
            self.dropped += 1
            return
        try:
            message.validate()
        except ProtocolError as error:
            self.dropped += 1
            if isinstance(message, Request):
                self._refuse_malformed(message, error, flow)
            return
        if isinstance(message, Response):
            self._receive_response(message, now)
        else:
            self._receive_request(message, flow, now)

    def _receive_response(self, response: Response, now: float) -> None:
        # 8.1.3.3: with more than one Via it was meant for somebody else.
        if len(response.vias) == 1:
            key = client_key(response.via.branch or "", response.cseq.method)
            transaction = self._stack.clients.get(key)
            if transaction is not None:
                if response.body and not describes_session(response, self._accept):
                    response.body = b""  # nobody asked for it, and it is no answer
                transaction.receive_response(response, now)
                return
        self.dropped += 1

    def _receive_request(self, request: Request, flow: Flow, now: float) -> None:
        stack = self._stack
        key = server_key(request)
        transaction = stack.servers.get(key)
        if request.method == "ACK":
            if transaction is not None and transaction.state is not State.ACCEPTED:
                transaction.receive_request(request, now)
            else:
                self._receive_ack(request, now)
            return
        if transaction is not None:
            transaction.receive_request(request, now)
            return
        reply_flow = note_source(request, flow)
        if self._is_full(request):
            self._refuse_stateless(
                request, 503, reply_flow, [("Retry-After", RETRY_AFTER_OVERLOAD)]
            )
            return
        transaction = stack.start_server(key, request, reply_flow, now)
        to_tag = request.to.tag
        transaction.to_tag = to_tag or stack.token()
        if isinstance(transaction, InviteServerTransaction):
            transaction.start(now)
        if request.method == "CANCEL":
            self._receive_cancel(transaction, request, now)
        elif refusal := self._inspect(transaction, request):
            self._respond(transaction, refusal[0], now, refusal[1])
        elif to_tag:
            self._receive_in_dialog(transaction, request, flow, now)
        else:
            self._receive_new(transaction, request, flow, now)

    def _is_full(self, request: Request) -> bool:
        """Whether a new request is too much; those of calls that exist still find room."""
        stack = self._stack
        if len(stack.servers) < stack.settings.max_transactions:
            return False
        dialog = (request.call_id, request.to.tag or "")
        known = dialog in stack.sessions or dialog in stack.usages
        if request.method == "CANCEL":
            known = known or server_key(request, "INVITE") in stack.servers
        return not known or len(stack.servers) >= 2 * stack.settings.max_transactions

    def _receive_ack(self, request: Request, now: float) -> None:
        session = self._stack.sessions.get((request.call_id, request.to.tag or ""))
        if session is not None:
            if request.body:
                take_part(request, self._accept)
            session.receive_ack(request, now)

    def _receive_cancel(self, transaction: ServerTransaction, request: Request, now: float) -> None:
        invite = self._stack.servers.get(server_key(request, "INVITE"))
        if not isinstance(invite, InviteServerTransaction):
            self._respond(transaction, 481, now)
            return
        transaction.to_tag = invite.to_tag  # 9.2: the same as in the responses to the INVITE
        self._respond(transaction, 200, now)
        if invite.state is State.PROCEEDING and invite.user is not None:
            invite.user.receive_cancel(request, now)

    def _inspect(
        self, transaction: ServerTransaction, request: Request
    ) -> tuple[int, Fields] | None:
        """Why a request is refused whatever it asks for: a status, and what goes with it."""
        stack = self._stack
        if request.method not in self._methods:
            return (405 if request.method in KNOWN_METHODS else 501), [("Allow", stack.allow)]
        if request.uri.scheme not in SCHEMES:
            return 416, []
        merge = transaction.merge_key
        if merge is not None and stack.merges.get(merge) is not transaction:
            return 482, []
        required = request.require
        if required and (unsupported := [x for x in required if x not in stack.option_tags]):
            return 420, [("Unsupported", ", ".join(unsupported))]
        if request.method in DESCRIBING and request.body:
            return self._inspect_body(request)
        return None

    def _inspect_body(self, request: Request) -> tuple[int, Fields] | None:
        """8.2.3: a body that has to be understood, and isn't."""
        headers = request.headers
        disposition = (headers.get("Content-Disposition") or "").replace(" ", "").lower()
        encoding = (headers.get("Content-Encoding") or "identity").lower()
        if encoding == "identity" and describes_session(request, self._accept):
            return None
        if "handling=optional" in disposition:
            request.body = b""
            return None
        return 415, [("Accept", self._stack.accept), ("Accept-Encoding", "identity")]

    def _receive_in_dialog(
        self, transaction: ServerTransaction, request: Request, flow: Flow, now: float
    ) -> None:
        if receive_notify(self._stack, transaction, request, now):
            return
        key = (request.call_id, request.to.tag or "")
        usage = self._stack.usages.get(key)
        if usage is not None:
            usage.receive_request(transaction, request, flow, now)
            return
        session = self._stack.sessions.get(key)
        dialog = session.dialog_with(request.from_.tag) if session is not None else None
        if session is None or dialog is None or (session.ended and request.method != "BYE"):
            self._respond(transaction, self._over(request, key), now)
        elif not dialog.in_order(request):
            self._respond(transaction, 500, now)  # 12.2.2
        elif request.method == "BYE" and dialog is session.dialog:
            receive_bye(session, transaction, request, now)
        elif request.method == "OPTIONS":
            self._answer_options(transaction, now)
        elif request.method == "REFER" and dialog is session.dialog:
            receive_refer(session, transaction, request, dialog, now)
        elif request.method == "PRACK":
            session.receive_prack(transaction, request, now)
        elif request.method == "UPDATE":
            session.updates.receive(transaction, request, dialog, now)
            note_identity(session, request, flow)
        elif isinstance(transaction, InviteServerTransaction) and dialog is session.dialog:
            session.changes.receive(transaction, request, now)
            note_identity(session, request, flow)
        elif request.method in self._stack.settings.handled_methods:
            self._pass_up(transaction, request, flow, session)
        elif request.method == "INFO" and dialog is session.dialog:
            session.infos.receive(transaction, request, now)
        else:
            self._respond(transaction, 481, now)

    def _over(self, request: Request, key: DialogKey) -> int:
        """What a request gets that there is no call for: a BYE that crosses ours is right as well
        (RFC 5407: either side may end a call, and both may at once)."""
        known = request.method == "BYE" and self._stack.ended.get(key) == (request.from_.tag or "")
        return 200 if known and self._is_leaving(request.call_id) else 481

    def _is_leaving(self, call_id: str) -> bool:
        sent = (client.request for client in self._stack.clients.values())
        return any(each.method == "BYE" and each.call_id == call_id for each in sent)

    def _receive_new(
        self, transaction: ServerTransaction, request: Request, flow: Flow, now: float
    ) -> None:
        if request.method in self._stack.settings.handled_methods:
            self._pass_up(transaction, request, flow, None)
        elif request.method == "OPTIONS":
            self._answer_options(transaction, now)
            self._asked_for(request, flow, now)
        elif request.method == "REFER":
            receive_stray_refer(self._stack, transaction, request, flow, now)
        elif isinstance(transaction, InviteServerTransaction):
            self._receive_invite(transaction, request, flow, now)
        elif request.method == "SUBSCRIBE":
            account = self._account_for(request)
            receive_subscribe(self._stack, transaction, request, flow, account, now)
        else:
            self._respond(transaction, 481, now)  # a BYE outside any dialog (15.1.2)

    def _receive_invite(
        self, transaction: InviteServerTransaction, request: Request, flow: Flow, now: float
    ) -> None:
        stack = self._stack
        if unwanted := self._inspect_call(request):
            self._respond(transaction, unwanted[0], now, unwanted[1])
            return
        replaced, refusal = find_replaced(stack, request)
        if refusal:
            self._respond(transaction, refusal, now)
            return
        account = self._account_for(request)
        session = Session(
            stack,
            "uas",
            call_id=request.call_id,
            local=request.to.with_tag(transaction.to_tag),
            remote=request.from_,
            account=account,
            contact_user=request.uri.user or stack.settings.default_user,
        )
        session.request = request
        session.flow = session.offered_over = flow
        session.note_peer(request)
        note_identity(session, request, flow, tell=False)
        session.called = Called(session, transaction, request, flow)
        session.called.start(request, now)
        stack.emit(IncomingCall(session, request, replaced))

    def _inspect_call(self, request: Request) -> tuple[int, Fields] | None:
        """Why a new call is not even offered to the user."""
        settings = self._stack.settings
        if len(self._stack.sessions) >= settings.max_sessions:
            return 503, [("Retry-After", RETRY_AFTER_OVERLOAD)]
        if settings.prack == "require" and not wants_reliability(request):
            return 421, [("Require", RELIABLE)]
        if minimum := interval_too_small(request, settings.min_se):
            return 422, [("Min-SE", str(minimum))]
        return None

    def _account_for(self, request: Request) -> AccountSettings | None:
        """Whose call this is: by our Contact's user, or by the address it was made to."""
        registrations = self._stack.registrations
        for registration in registrations:
            if request.uri.user == registration.user:
                return registration.account
        for registration in registrations:
            if registration.is_aor(request.to.uri):
                return registration.account
        return None

    def _asked_for(self, request: Request, flow: Flow, now: float) -> None:
        """A PBX looks whether we are there, where its binding says."""
        for registration in self._stack.registrations:
            if request.uri.user == registration.user:
                registration.heard(flow, now)

    def _pass_up(
        self,
        transaction: ServerTransaction,
        request: Request,
        flow: Flow,
        session: Session | None,
    ) -> None:
        key = self._stack.new_key()
        transaction.user_key = key
        self._stack.pending[key] = transaction
        self._stack.emit(RequestReceived(key, request, flow, session))

    def _answer_options(self, transaction: ServerTransaction, now: float) -> None:
        """11.2: what an INVITE would find."""
        stack = self._stack
        fields = [("Allow", stack.allow), ("Accept", stack.accept), ("Accept-Encoding", "identity")]
        fields += [("Accept-Language", "en"), ("Supported", stack.supported)]
        self._respond(transaction, 200, now, fields)

    def _respond(
        self, transaction: ServerTransaction, status: int, now: float, headers: Fields | None = None
    ) -> None:
        transaction.answer(status, now, headers or ())

    def _refuse_malformed(self, request: Request, error: ProtocolError, flow: Flow) -> None:
        """Answer what can be answered (21.4.1), keeping no state for it (8.2.7)."""
        if request.method == "ACK":
            return
        try:
            reply_flow = note_source(request, flow)
        except ProtocolError:
            return  # without a Via there is nowhere to answer to
        self._refuse_stateless(request, error.status, reply_flow, [])

    def _refuse_stateless(self, request: Request, status: int, flow: Flow, headers: Fields) -> None:
        fields = [("Server", self._stack.settings.user_agent), *headers]
        tag = self._stack.token()
        response = build_response(request, status, to_tag=tag, headers=fields)
        self._stack.send(flow, response)
