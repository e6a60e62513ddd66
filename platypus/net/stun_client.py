"""Ask STUN servers over a socket that is there for something else (RFC 8489, 6.2.1).

The mapping a router makes belongs to a socket, so the question goes out by the very socket
whose address is wanted, and whoever reads that socket hands the answers in. Nothing is kept
once a question is answered; unknown answers are nobody's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from platypus.net.stun import FIRST_WAIT, REQUESTS, BindingTransaction
from platypus.sip.flow import Address

# `done(mapped, "")`, or `done(None, why)`.
Done = Callable[[Address | None, str], None]

MAX_QUESTIONS = 64


class StunClient:
    """The questions under way over one socket, which `send(data, address)` writes to."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        send: Callable[[bytes, Address], None],
        random: Callable[[int], bytes],
    ) -> None:
        self._loop = loop
        self._send = send
        self._random = random
        self._questions: dict[BindingTransaction, tuple[Done, asyncio.TimerHandle | None]] = {}

    def ask(
        self,
        server: Address,
        done: Done,
        *,
        requests: int = REQUESTS,
        first_wait: float | None = None,
    ) -> None:
        """Have `done` told where `server` sees this socket. A question too many fails at once."""
        if len(self._questions) >= MAX_QUESTIONS:
            self._loop.call_soon(done, None, "too many STUN questions are under way")
            return
        question = BindingTransaction(
            server,
            self._random,
            self._loop.time(),
            requests=requests,
            first_wait=first_wait or FIRST_WAIT or FIRST_WAIT,
        )
        self._questions[question] = done, None
        self._drive(question)

    def receive(self, data: bytes, source: Address) -> bool:
        """Whether a datagram answered one of the questions."""
        for question in tuple(self._questions):
            if question.receive(data, source):
                self._drive(question)
                return True
        return False

    def close(self) -> None:
        """Nobody waits any more."""
        for _, timer in self._questions.values():
            if timer is not None:
                timer.cancel()
        self._questions.clear()

    def _drive(self, question: BindingTransaction) -> None:
        """Send what is due, and come back when the next is; tell the end."""
        if question not in self._questions:
            return
        done, timer = self._questions[question]
        if timer is not None:
            timer.cancel()
        # asyncio may call a clock tick early.
        data = question.handle_timeout(self._loop.time() + 1e-3)
        if data is not None:
            self._send(data, question.server)
        due = question.next_timeout()
        if due is None:
            del self._questions[question]
            done(question.mapped, question.failed)
        else:
            self._questions[question] = done, self._loop.call_at(due, self._drive, question)
