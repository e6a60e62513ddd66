"""Messages between users (RFC 3428), passed to every phone of the one they are for.

The first phone that takes a message answers for all; what nobody took is refused
with the best of the refusals. Nothing is kept for somebody who is away.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from platypus.errors import PlatypusError
from platypus.pbx.bridge import UNAVAILABLE, best_refusal, first_hop
from platypus.pbx.registrar import Binding
from platypus.sip.events import RequestReceived, ResponseReceived
from platypus.sip.settings import AccountSettings
from platypus.sip.user_agent import UserAgent

logger = logging.getLogger("platypus.pbx")

TIMEOUT = 408


@dataclass(slots=True)
class _Message:
    """One on its way: whom to answer, and what the phones said so far."""

    key: int
    waiting: int = 0
    codes: list[int] = field(default_factory=list)
    answered: bool = False


class Relay:
    """The messages of one PBX that are on their way."""

    def __init__(self, agent: UserAgent, now: Callable[[], float]) -> None:
        self._agent = agent
        self._now = now
        self._messages: dict[int, _Message] = {}  # by the key of each copy

    def pass_on(self, event: RequestReceived, bindings: Sequence[Binding], aor: str) -> None:
        """Send a message that was let in to these phones, in the name of `aor`."""
        message = _Message(event.key)
        request = event.request
        for binding in bindings:
            account = AccountSettings(
                aor=aor,
                display_name=request.from_.display_name,
                outbound_proxy=first_hop(binding),
            )
            try:
                key = self._agent.request(
                    "MESSAGE",
                    str(binding.uri.without_headers()),
                    account=account,
                    body=request.body,
                    content_type=request.headers.get("Content-Type") or "",
                    now=self._now(),
                )
            except (PlatypusError, ValueError) as error:
                logger.warning("%s can't be sent a message: %s", binding.uri, error)
            else:
                message.waiting += 1
                self._messages[key] = message
        if not message.waiting:
            self._answer(message, UNAVAILABLE)

    def receive(self, event: ResponseReceived) -> None:
        """What a phone says."""
        message = self._messages.pop(event.key, None)
        if message is None or message.answered:
            return
        message.waiting -= 1
        status = event.response.status if event.response is not None else TIMEOUT
        if status < 300:
            self._answer(message, status)
        else:
            message.codes.append(status)
            if not message.waiting:
                self._answer(message, best_refusal(message.codes))

    def _answer(self, message: _Message, status: int) -> None:
        message.answered = True
        self._agent.respond(message.key, status, now=self._now())
