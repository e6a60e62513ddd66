"""Calls whose way is gone: the peer is told our new address (RFC 3261, 14.1 and 12.2.1).

    lost         our address is another, or there is no network
    MoveDue      the user offers anew by `Session.reinvite`: Contact and media as they are now
    no answer    there is no network yet: again after a while, and at once when it is back
    481          the peer has given up: the call is over
    PATIENCE     over: the call ends as one that nobody answers for

A call that rings here goes on ringing, and is moved once it is answered. So is one of ours,
where its answer still finds us; else it is cancelled and made again from where we are now, as
with a next hop that fails (RFC 3263, 4.3). An UPDATE (RFC 3311) would move the early dialog, but
not the answer, which goes where the INVITE's Via says (18.2.2). What was lost is not decided here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from platypus.sip.events import MoveDue

if TYPE_CHECKING:
    from platypus.sip.flow import Flow
    from platypus.sip.session import Session
    from platypus.sip.stack import Stack
    from platypus.sip.timers import Timer

FIRST_RETRY, LONGEST_RETRY = 2.0, 16.0
# The far end hears nothing meanwhile; hardly anybody holds the line for longer.
PATIENCE = 120.0
# Of whoever waits for an answer to a call of their own.
CALLERS_PATIENCE = 20.0
# 14.1: a peer that says so has not understood what changed; whatever else it says, it knows us.
RETRIED = frozenset((408, 430, 480, 500, 503, 504))


class Moves:
    """The calls of one user agent that are being moved."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._moves: dict[Session, Move] = {}

    def __len__(self) -> int:
        return len(self._moves)

    def lost(self, flow: Flow, now: float) -> None:
        """Nothing gets through over `flow` any more."""
        for session in tuple(self._stack.sessions.values()):
            if not session.ended and not self.has(session) and flow in flows_of(session):
                self._start(session, now)

    def check(self, now: float) -> None:
        """Ask every peer whether the call still is: we were away, and don't know for how long."""
        for session in tuple(self._stack.sessions.values()):
            if not session.ended and not session.unanswered:
                self._start(session, now)

    def hurry(self, now: float) -> None:
        """The network is back."""
        for move in tuple(self._moves.values()):
            if move.waits:
                move.attempt(now)

    def settled(self, session: Session) -> None:
        """The peer knows where we are, or there is nobody to tell."""
        move = self._moves.pop(session, None)
        if move is not None:
            move.stop()

    def has(self, session: Session) -> bool:
        """Whether this one is being moved."""
        return session in self._moves

    def failed(self, session: Session, status: int | None, now: float) -> bool:
        """The peer was not reached; whether it will be tried again."""
        move = self._moves.get(session)
        if move is None or not (status is None or status in RETRIED):
            return False
        return move.again(now)

    def _start(self, session: Session, now: float) -> None:
        self.settled(session)
        move = self._moves[session] = Move(self._stack, session, now)
        move.attempt(now)


class Move:
    """One call that is being moved."""

    __slots__ = ("_session", "_stack", "_timer", "_until", "_wait")

    def __init__(self, stack: Stack, session: Session, now: float) -> None:
        self._stack = stack
        self._session = session
        self._timer: Timer | None = None
        self._wait = FIRST_RETRY
        self._until = now + _patience(session)

    @property
    def waits(self) -> bool:
        """Whether nothing is on its way."""
        return self._timer is not None

    def attempt(self, now: float) -> None:
        """Have the user offer anew, if there is a call by now."""
        self.stop()
        session = self._session
        if session.ended:
            self._stack.moves.settled(session)
        elif session.unanswered and session.calling is not None and session.calling.interrupted:
            session.calling.again(now)
        elif session.unanswered:
            self._until = now + _patience(session)
            self._timer = self._stack.timers.start(now + FIRST_RETRY, self.attempt)
        else:
            self._stack.emit(MoveDue(session))

    def again(self, now: float) -> bool:
        """Later; False when it has taken too long."""
        if now >= self._until:
            self._stack.moves.settled(self._session)
            return False
        self.stop()
        wait = self._stack.uniform(self._wait / 2, self._wait)
        self._wait = min(2 * self._wait, LONGEST_RETRY)
        self._timer = self._stack.timers.start(now + wait, self.attempt)
        return True

    def stop(self) -> None:
        """No attempt by itself."""
        if self._timer is not None:
            self._timer.stop()
            self._timer = None


def _patience(session: Session) -> float:
    calling = session.unanswered and session.calling is not None
    return CALLERS_PATIENCE if calling else PATIENCE


def moving(session: Session, status: int) -> bool:
    """Whether silence is to be expected for now: the network is not what it was."""
    return status == 408 and session.stack.moves.has(session)


def flows_of(session: Session) -> tuple[Flow, ...]:
    """What a call counts on: its dialog's flows, and the one that its Contact was made for.

    They differ where only its size sent the INVITE by TCP. One that is being moved has none of
    the latter kind until the peer is told another.
    """
    made = () if session.dialog is None else session.dialog.flows
    if session.flow is None or session.stack.moves.has(session):
        return made
    return (*made, session.flow)
