"""What becomes of a call that comes in, before anybody hears of it.

refused by rule (482 and 400 are the machine's)   404 another user, 486 full, 488 no codec
taken by a handler of the embedder's              a PBX that bridges
otherwise                                         rings, and waits or is answered by itself
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from platypus.delivery import guarded
from platypus.errors import MediaError, SdpError, StateError
from platypus.events import CallState, ErrorOccurred, IncomingCall

if TYPE_CHECKING:
    from platypus.account import Account
    from platypus.call import Call
    from platypus.calling import Calling
    from platypus.engine import Engine
    from platypus.options import IncomingOptions
    from platypus.sip.events import IncomingCall as Invited
    from platypus.sip.message import Request

logger = logging.getLogger("platypus.engine")


class Reception:
    """Takes the calls that come in for `engine`."""

    def __init__(self, engine: Engine, calling: Calling, options: IncomingOptions) -> None:
        self._engine = engine
        self._calling = calling
        self._options = options

    def receive(self, event: Invited) -> None:
        engine, session = self._engine, event.session
        replaced = self._calling.find(event.replaces)
        status = self._refusal(event.request) if replaced is None else None
        if status is not None:
            session.reject(status, engine.now())
            return
        call = self._calling.new_call(account_for(engine.accounts, event.request), "incoming")
        call.signals.begin(session, event.request)
        if session.remote_body:
            try:
                call.media.receive_offer(session.remote_body)
            except SdpError as problem:
                logger.info("refused a call from %s: %s", session.remote_uri, problem)
                session.reject(488, engine.now(), headers=[warning(problem)])
                return
        self._calling.adopt(session, call)
        if replaced is not None:
            self._calling.transfers.replace(replaced, call)
            return
        engine.publish(IncomingCall(call))
        self._take(call)

    def _refusal(self, request: Request) -> int | None:
        options = self._options
        if options.user is not None and getattr(request.uri, "user", None) != options.user:
            return 404
        if options.reject is not None:
            return options.reject
        if options.max_calls is not None and len(self._calling.calls) >= options.max_calls:
            return 486
        return None

    def _take(self, call: Call) -> None:
        options = self._options
        if call.state is not CallState.TRYING:
            return  # whoever was told of it has already done something
        if options.decide is not None:
            guarded(options.decide, call)
        elif options.auto_answer == 0:
            self._answer(call)
        else:
            call.ring()
            if options.auto_answer is not None:
                self._engine.loop.call_later(options.auto_answer, self._answer, call)

    def _answer(self, call: Call) -> None:
        if call.state is CallState.ENDED or call.state is CallState.CONFIRMED:
            return
        try:
            call.answer()
        except (MediaError, SdpError, StateError) as problem:
            self._engine.publish(ErrorOccurred(f"a call can't be answered: {problem}", call))
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


def warning(problem: SdpError) -> tuple[str, str]:
    """RFC 3261, 13.3.1.3: a 488 should say why, for whoever reads the trace."""
    text = str(problem).replace("\\", "/").replace('"', "'")
    text = "".join(each if each.isprintable() and each.isascii() else "?" for each in text)
    return "Warning", f'399 platypus "{text[:200]}"'
