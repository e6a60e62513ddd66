"""SIP messages of a far end that is a bare socket, line by line."""

from __future__ import annotations

from collections.abc import Iterable

from platypus.sip.message import Message, Request, Response

HOST = "127.0.0.1"


def written(lines: Iterable[str], body: str = "") -> bytes:
    """A message of these lines; a body is a session description."""
    kind = ["Content-Type: application/sdp"] if body else []
    return "\r\n".join([*lines, *kind, f"Content-Length: {len(body)}", "", body]).encode()


def response_to(
    request: Request, status: str, *, tag: str, contact: str = "", body: str = ""
) -> bytes:
    """`status` with its reason. `tag` is ours where the dialog has none yet."""
    to = request.headers.get("To") or ""
    lines = [
        f"SIP/2.0 {status}",
        *_copied(request, "Via", "From", "Call-ID", "CSeq"),
        f"To: {to}" if ";tag=" in to else f"To: {to};tag={tag}",
    ]
    return written([*lines, f"Contact: <{contact}>"] if contact else lines, body)


def invite(body: str, own: int, port: int, *, host: str = HOST) -> bytes:
    """A call, the only one, from a socket at port `own` to a phone at `port`."""
    return written(
        [
            f"INVITE sip:alice@{host}:{port} SIP/2.0",
            f"Via: SIP/2.0/UDP {host}:{own};branch=z9hG4bKfar",
            "Max-Forwards: 70",
            f"From: <sip:bob@{host}:{own}>;tag=far",
            f"To: <sip:alice@{host}:{port}>",
            "Call-ID: far",
            "CSeq: 1 INVITE",
            f"Contact: <sip:bob@{host}:{own}>",
        ],
        body,
    )


def request_after(answer: Response, method: str, own: int) -> bytes:
    """An ACK of that answer to our INVITE, or the BYE behind it."""
    taken = answer.status < 300
    uri = answer.contacts[0].uri if taken else f"sip:alice@{HOST}"
    own_via = f"Via: SIP/2.0/UDP {HOST}:{own};branch=z9hG4bK{method}"
    return written(
        [
            f"{method} {uri} SIP/2.0",
            # RFC 3261, 17.1.1.3: the ACK of a refusal belongs to the INVITE's transaction.
            *([own_via] if taken else _copied(answer, "Via")),
            "Max-Forwards: 70",
            *_copied(answer, "From", "To", "Call-ID"),
            f"CSeq: {answer.cseq.number + (method != 'ACK')} {method}",
        ]
    )


def _copied(message: Message, *names: str) -> list[str]:
    return [f"{name}: {message.headers.get(name)}" for name in names]
