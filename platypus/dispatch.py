"""Which part of an engine an event of the signalling is for.

RegistrationChanged                  registering
IncomingCall                         a handler of the embedder's, or the calls
RequestReceived, WatcherArrived      a handler, or the notices
all that is about a call             the calls, made with the first
the rest                             notices; else whoever embeds a session of their own
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from platypus.delivery import guarded
from platypus.sip import events as sip

if TYPE_CHECKING:
    from platypus.engine import Engine
    from platypus.notices import Notices
    from platypus.queries import Queries
    from platypus.registering import Registering

logger = logging.getLogger("platypus.engine")


class Dispatch:
    """Hands the events of `engine` on."""

    def __init__(
        self,
        engine: Engine,
        *,
        registering: Registering,
        queries: Queries,
        notices: Notices,
        handlers: Mapping[str, Callable[[Any], Any]],
        session_events: Callable[[sip.Event], None] | None,
    ) -> None:
        self._engine = engine
        self._registering = registering
        self._queries = queries
        self._notices = notices
        self._handlers = handlers
        self._session_events = session_events

    def receive(self, event: sip.Event) -> None:
        """One event, to whom it concerns."""
        engine = self._engine
        match event:
            case sip.RegistrationChanged():
                self._registering.receive(event)
            case sip.IncomingCall():
                if engine.leaving:
                    event.session.reject(480, engine.now())
                elif not self._handled("INVITE", event):
                    engine.calling.receive_invite(event)
            case sip.RequestReceived() if event.request.method in self._handlers:
                self._handled(event.request.method, event)
            case sip.WatcherArrived() if self._handled("SUBSCRIBE", event):
                pass
            case sip.ResponseReceived() if self._queries.receive(event):
                pass
            case sip.RequestReceived():
                self._notices.receive(event)  # also inside a call, of which it is no part
            case _ if engine.has_called and engine.calling.receive(event):
                pass
            case _ if not self._notices.receive(event) and self._session_events is not None:
                guarded(self._session_events, event)

    def _handled(
        self, method: str, event: sip.IncomingCall | sip.RequestReceived | sip.WatcherArrived
    ) -> bool:
        handler = self._handlers.get(method)
        if handler is None:
            return False
        try:
            return bool(handler(event))
        except Exception:
            logger.exception("the handler for %s raised; the phone goes on", method)
        return False
