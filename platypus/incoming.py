"""What becomes of a call that comes in, before anybody hears of it.

refused by rule (482 and 400 are the machine's)   404 another user, 486 full, 488 no codec
refused or sent on as the user wants              do not disturb, forwarding
taken by a handler of the embedder's              a PBX that bridges
otherwise                                         rings, and waits or is answered by itself
"""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING

from platypus.call_faults import refusal
from platypus.delivery import guarded
from platypus.errors import MediaError, SdpError, StateError
from platypus.events import CallState, ErrorOccurred, IncomingCall
from platypus.forwarding import Forwarding
from platypus.sip.identity import comes_from, is_trusted
from platypus.sip.intercom import answer_after
from platypus.sip.warning import warning

if TYPE_CHECKING:
    from platypus.account import Account
    from platypus.call import Call
    from platypus.calling import Calling
    from platypus.engine import Engine
    from platypus.options import IncomingOptions
    from platypus.sip.events import IncomingCall as Invited
    from platypus.sip.message import Request
    from platypus.sip.session import Session

logger = logging.getLogger("platypus.engine")


class Reception:
    """Takes the calls that come in for `engine`."""

    def __init__(self, engine: Engine, calling: Calling, options: IncomingOptions) -> None:
        self._engine = engine
        self._calling = calling
        self._options = options
        self._forwarding = Forwarding(engine)

    def receive(self, event: Invited) -> None:
        engine, session = self._engine, event.session
        replaced = self._calling.find(event.replaces)
        status = self._refusal(event.request) if replaced is None else None
        if status is not None:
            session.reject(status, engine.now())
            return
        account = account_for(engine.accounts, event.request) or self._server_of(session)
        if session.account is None and account is not None:
            session.belongs_to(account.settings)
        if replaced is None and self._sent_away(event, account):
            return
        call = self._calling.new_call(account, "incoming")
        call.signals.begin(session, event.request)
        if session.remote_body:
            try:
                call.media.receive_offer(session.remote_body)
            except (SdpError, MediaError) as problem:
                logger.info("refused a call from %s: %s", session.remote_uri, problem)
                said = [warning(str(problem))]
                session.reject(refusal(problem), engine.now(), headers=said)
                return
        self._calling.adopt(session, call)
        try:
            self._calling.public.prepare(call, partial(self._announce, call, replaced))
        except MediaError as problem:
            logger.info("refused a call from %s: %s", session.remote_uri, problem)
            session.reject(480, engine.now())

    def _announce(self, call: Call, replaced: Call | None) -> None:
        if replaced is not None:
            self._calling.transfers.replace(replaced, call)
        else:
            self._engine.publish(IncomingCall(call))
            self._take(call)
        self._engine.pump()

    def _server_of(self, session: Session) -> Account | None:
        """The account whose server sends a call to a user that we know nothing of."""
        flow = session.flow
        if flow is None:
            return None
        accounts = self._engine.accounts
        if not accounts:
            return None
        return next((a for a in accounts if comes_from(session.stack, a.settings, flow)), None)

    def _refusal(self, request: Request) -> int | None:
        options = self._options
        if options.user is not None and getattr(request.uri, "user", None) != options.user:
            return 404
        return options.reject

    def _sent_away(self, event: Invited, account: Account | None) -> bool:
        """Whether it was refused or forwarded as the user wants, or is one too many."""
        calls, limit = len(self._calling.calls), self._options.max_calls
        full = limit is not None and calls >= limit
        if self._forwarding.take(event.session, event.request, account, busy=full or calls > 0):
            return True
        if full:
            event.session.reject(486, self._engine.now())
        return full

    def _take(self, call: Call) -> None:
        options = self._options
        if call.state is not CallState.TRYING:
            return  # whoever was told of it has already done something
        if options.decide is not None:
            guarded(options.decide, call)
            return
        wait = self._answered_after(call)
        if wait == 0:
            self._answer(call)
            return
        call.ring()
        if wait is not None:
            self._engine.loop.call_later(wait, self._answer, call)
        self._forwarding.watch(call)

    def _answered_after(self, call: Call) -> float | None:
        """Seconds until the call is answered by itself; None leaves it to the user."""
        options, session = self._options, call.session
        if options.auto_answer is not None or options.intercom == "never":
            return options.auto_answer
        talking = any(each.state is CallState.CONFIRMED for each in self._calling.calls)
        if call.invite is None or session.flow is None or talking:
            return None  # an announcement must not break into a conversation
        if options.intercom == "server" and not is_trusted(session, session.flow):
            return None
        return answer_after(call.invite)

    def _answer(self, call: Call) -> None:
        if call.state is CallState.ENDED or call.state is CallState.CONFIRMED:
            return
        try:
            call.answer()
        except (MediaError, SdpError, StateError) as problem:
            self._engine.publish(ErrorOccurred(f"a call can't be answered: {problem}", call))
            if not call.session.ended:  # by a fault of ours it is
                call.reject(488 if isinstance(problem, SdpError) else 480)


def account_for(accounts: list[Account], request: Request) -> Account | None:
    """Whose call it is: the Request-URI is our Contact, the To what was dialled."""
    user = getattr(request.uri, "user", None)
    for account in accounts:
        if user is not None and user in (account.settings.contact_user, account.uri.user):
            return account
    for account in accounts:
        if account.uri.equivalent(request.to.uri):
            return account
    return None
