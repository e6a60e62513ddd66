"""A bare stack for tests of single state machines: no user agent, no network."""

from __future__ import annotations

import random

from platypus.sip.flow import Flow, Send
from platypus.sip.message import Message, Request, Response, parse_message
from platypus.sip.settings import UserAgentSettings
from platypus.sip.stack import Stack

UDP = Flow("udp", ("10.0.0.1", 5060), ("10.0.0.2", 5060))
TCP = Flow("tcp", ("10.0.0.1", 5060), ("10.0.0.2", 5060), 1)


def new_stack(**settings: object) -> Stack:
    return Stack(
        random=random.Random(1).randbytes,
        settings=UserAgentSettings(**settings),  # type: ignore[arg-type]
    )


def new_request(method: str = "OPTIONS", *, branch: str = "z9hG4bK1", cseq: int = 1) -> Request:
    text = (
        f"{method} sip:bob@10.0.0.2 SIP/2.0\r\n"
        f"Via: SIP/2.0/UDP 10.0.0.1:5060;branch={branch}\r\n"
        "Max-Forwards: 70\r\n"
        "Route: <sip:proxy.example.com;lr>\r\n"
        "From: <sip:alice@example.com>;tag=a\r\n"
        "To: <sip:bob@example.com>\r\n"
        "Call-ID: call\r\n"
        f"CSeq: {cseq} {method}\r\n\r\n"
    )
    request = parse_message(text.encode())
    assert isinstance(request, Request)
    return request


def new_response(request: Request, status: int, *, tag: str = "b") -> Response:
    text = (
        f"SIP/2.0 {status} Whatever\r\n"
        f"Via: {request.headers.get('Via')}\r\n"
        f"From: {request.headers.get('From')}\r\n"
        f"To: {request.headers.get('To')};tag={tag}\r\n"
        f"Call-ID: {request.call_id}\r\n"
        f"CSeq: {request.headers.get('CSeq')}\r\n\r\n"
    )
    response = parse_message(text.encode())
    assert isinstance(response, Response)
    return response


def sent(stack: Stack) -> list[Message]:
    """What was sent since the last look."""
    effects, stack.effects = stack.effects, []
    return [parse_message(effect.data) for effect in effects if isinstance(effect, Send)]


def send_times(stack: Stack, until: float) -> list[float]:
    """When something was sent, running the timers up to a moment; each send counts."""
    times = [0.0 for _ in sent(stack)]
    while (due := stack.timers.next_timeout()) is not None and due <= until:
        stack.timers.handle_timeout(due)
        times += [due for _ in sent(stack)]
    return times


def own_timers(stack: Stack) -> int:
    """How many run beside the one that all transactions share, which may outlast them."""
    return len(stack.timers) - (stack.lingering._timer is not None)
