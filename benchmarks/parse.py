"""How long it takes to parse and to serialise a 1.2 kB INVITE with its SDP.

CPU time of the process, best of several rounds, over messages that all differ in
what differs in life: Call-ID, tags, branches, the session's id. Parsing is measured bare, and
with every field that a user agent reads of an INVITE; serialising from a message
built field by field.

    python -m benchmarks.parse
"""

from __future__ import annotations

import gc
import json
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from platypus.sip.message import Headers, Message, Request, parse_message

_T = TypeVar("_T")

# pyVoIP takes 32 us, sipmessage 14 to 59, pjsip in C 1.4.
TARGETS = {"parse_and_read_us": 40.0}

# More than the caches of URIs and addresses hold, so that no round finds its values there.
MESSAGES = 1_000
ROUNDS = 7

_SDP = """v=0
o=- 3930{n:06d} 3930{n:06d} IN IP4 192.0.2.17
s=Platypus
c=IN IP4 192.0.2.17
t=0 0
m=audio {port} RTP/AVP 9 0 8 101
b=AS:84
a=rtcp:{rtcp} IN IP4 192.0.2.17
a=ssrc:39{n:06d} cname:5b2c
a=rtpmap:9 G722/8000
a=rtpmap:0 PCMU/8000
a=rtpmap:8 PCMA/8000
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-16
a=ptime:20
a=maxptime:150
a=sendrecv
""".replace("\n", "\r\n")

_INVITE = """INVITE sip:bob@192.0.2.99:5060;ob SIP/2.0
Via: SIP/2.0/UDP 192.0.2.5:5060;branch=z9hG4bK8c1f{n:06d}.1;rport
Via: SIP/2.0/UDP 192.0.2.17:5070;received=192.0.2.17;rport=5070;branch=z9hG4bKa1b2{n:06d}
Record-Route: <sip:192.0.2.5;lr;ftag=4f{n:06d}>
Max-Forwards: 69
From: "Alice Example" <sip:alice@pbx.example.com>;tag=4f{n:06d}
To: <sip:bob@pbx.example.com>
Call-ID: 7c9e6679-7425-40de-944b-e07fc1{n:06d}@192.0.2.17
CSeq: {n} INVITE
Contact: "Alice Example" <sip:alice@192.0.2.17:5070;ob>
Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, UPDATE, PRACK, INFO, NOTIFY, REFER, SUBSCRIBE, MESSAGE
Supported: replaces, 100rel, timer, norefersub
P-Asserted-Identity: "Alice Example" <sip:alice@pbx.example.com>
Session-Expires: 1800
Min-SE: 90
User-Agent: Example Phone 4.2.1
Content-Type: application/sdp
Content-Length: {length}

""".replace("\n", "\r\n")


def make_invite(n: int) -> bytes:
    """The n-th INVITE of a day, as a proxy hands it on."""
    body = _SDP.format(n=n, port=10_000, rtcp=10_001)
    return (_INVITE.format(n=n, length=len(body)) + body).encode()


def read_fields(message: Message) -> tuple[object, ...]:
    """What a user agent server reads of an INVITE before it rings."""
    message.validate()
    assert isinstance(message, Request)
    return (
        message.method, message.uri, message.via, message.via.branch, message.vias, message.from_,
        message.from_.tag, message.to, message.to.tag, message.call_id, message.cseq,
        message.contacts, message.routes, message.record_routes, message.content_type,
        message.content_length, message.max_forwards, message.expires, message.require,
        message.supported, message.allow, message.user_agent, message.body,
    )  # fmt: skip


def build_invite(n: int) -> Request:
    """The same INVITE as its sender writes it."""
    headers = Headers()
    for line in make_invite(n).split(b"\r\n\r\n")[0].decode().split("\r\n")[1:]:
        name, _, value = line.partition(": ")
        headers.add(name, value)
    return Request(
        "INVITE",
        "sip:bob@192.0.2.99:5060;ob",
        headers,
        _SDP.format(n=n, port=10_000, rtcp=10_001).encode(),
    )


def best_us(work: Callable[[_T], object], inputs: Sequence[_T]) -> float:
    """Microseconds of CPU for one call, in the best round."""
    best = float("inf")
    gc.collect()
    gc.disable()
    try:
        for _ in range(ROUNDS):
            start = time.process_time()
            for value in inputs:
                work(value)
            best = min(best, time.process_time() - start)
    finally:
        gc.enable()
    return best / len(inputs) * 1e6


def run() -> dict[str, float]:
    """Microseconds for each kind of work, and the size of the message in octets."""
    datagrams = [make_invite(n) for n in range(100_000, 100_000 + MESSAGES)]
    built = [build_invite(n) for n in range(MESSAGES)]
    return {
        "message_bytes": float(len(datagrams[0])),
        "parse_us": round(best_us(parse_message, datagrams), 2),
        "parse_and_read_us": round(
            best_us(lambda data: read_fields(parse_message(data)), datagrams), 2
        ),
        "serialize_us": round(best_us(Request.serialize, built), 2),
    }


if __name__ == "__main__":
    print(json.dumps(run(), indent=2))
