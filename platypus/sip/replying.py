"""Responses whose connection broke: they go over a new one (RFC 3261, 18.2.2).

To the address the request came from, and the port its Via names, for the one it
came from is no more. Where no connection can be had the peer asks again, or gives up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from platypus.sip.grammar import format_host_port
from platypus.sip.keys import port_in
from platypus.sip.routing import Locator
from platypus.sip.transaction import State

if TYPE_CHECKING:
    from platypus.sip.flow import Flow
    from platypus.sip.server_transaction import ServerTransaction
    from platypus.sip.stack import Stack

# A flood of requests over one connection that breaks must not end in a flood of connections
# asked for; they would all be the same one.
MAX_REPLIES = 64
_OPEN = (State.TRYING, State.PROCEEDING, State.ACCEPTED, State.COMPLETED)


class Reply:
    """One transaction that needs another flow."""

    __slots__ = ("_stack", "_transaction")

    def __init__(self, stack: Stack, transaction: ServerTransaction) -> None:
        self._stack = stack
        self._transaction = transaction

    def start(self, uri: str, now: float) -> None:
        """Find one."""
        Locator(self._stack, uri, self).start(now)

    def located(self, flow: Flow, now: float) -> None:
        """What was sent last may have been lost with the old one."""
        old = self._transaction.flow
        for session in self._stack.sessions.values():
            if session.flow == old and session.unanswered:
                session.flow = flow  # whose address the answer names
        self._transaction.move(flow)

    def not_located(self, reason: str, now: float) -> None:
        """Nothing to do."""


def reroute(stack: Stack, flow: Flow, now: float) -> None:
    """`flow` is no more: what is still to be answered over it needs another."""
    waiting = [one for one in stack.servers.values() if one.flow == flow and one.state in _OPEN]
    for transaction in waiting[:MAX_REPLIES]:
        uri = _origin(transaction)
        if uri is not None:
            Reply(stack, transaction).start(uri, now)


def _origin(transaction: ServerTransaction) -> str | None:
    """Where its responses go; the key has the sent-by of its Via (17.2.3)."""
    flow = transaction.flow
    if flow.transport == "udp":
        return f"sip:{format_host_port(*flow.remote)};transport=udp"
    said = port_in(transaction.key)
    if said is None:
        return None
    port = int(said) if said else (5061 if flow.transport == "tls" else 5060)
    return f"sip:{format_host_port(flow.remote[0], port)};transport={flow.transport}"
