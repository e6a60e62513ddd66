"""What the machine does when its driver has noticed that the network or the time is another.

lost        a flow leads nowhere: its registrations have failed, its calls are moved
reachable   there may be a network again: what waits for a retry is tried now
woke        time went on without us: what is due is done, every binding and call is checked
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from platypus.sip.replying import reroute

if TYPE_CHECKING:
    from platypus.sip.flow import Flow
    from platypus.sip.stack import Stack


def lose(stack: Stack, flow: Flow, reason: str, now: float, *, heard: bool) -> None:
    """`flow` is no more, whatever its transport; or only not the one to use, and we are `heard`."""
    stack.moves.lost(flow, now)
    stack.forget_flow(flow)
    for registration in stack.registrations:
        registration.flow_lost(flow, reason, now)
    stack.flow_failed(flow, reason, now, but_invites=heard)
    reroute(stack, flow, now)


def reach(stack: Stack, now: float) -> None:
    """Try at once what waits for a retry; who is registered is left alone."""
    stack.outages.forget()
    for registration in stack.registrations:
        if registration.state != "registered":
            registration.hurry(now)
    stack.moves.hurry(now)


def wake(stack: Stack, now: float) -> None:
    """Do what is due, then ask every registrar and every peer."""
    stack.timers.handle_timeout(now)
    stack.outages.forget()
    for registration in stack.registrations:
        registration.hurry(now)
    stack.moves.check(now)
