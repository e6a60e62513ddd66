"""Building messages from messages (RFC 3261, 8.1.1, 8.2.6, 9.1, 17.1.1.3 and 18.2).

Values are copied as text, never parsed and written again. What a response says
beyond the fixed part is the caller's. Nothing here has a state.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from platypus.errors import ProtocolError
from platypus.sip.caches import remembered
from platypus.sip.grammar import format_host_port
from platypus.sip.header_access import write
from platypus.sip.header_map import header_lines
from platypus.sip.headers import NameAddr
from platypus.sip.message import SIP_VERSION, Headers, Request
from platypus.sip.uri import Uri

if TYPE_CHECKING:
    from platypus.sip.flow import Address, Flow, Transport
    from platypus.sip.message import Response

MAX_FORWARDS = "70"
_DEFAULT_PORTS = {"udp": 5060, "tcp": 5060, "tls": 5061}

# RFC 3261, 21, and its extensions: what a person may be shown.
REASONS = {
    100: "Trying", 180: "Ringing", 181: "Call Is Being Forwarded", 182: "Queued",
    183: "Session Progress", 199: "Early Dialog Terminated", 200: "OK", 202: "Accepted",
    204: "No Notification", 300: "Multiple Choices", 301: "Moved Permanently",
    302: "Moved Temporarily", 305: "Use Proxy", 380: "Alternative Service", 400: "Bad Request",
    401: "Unauthorized", 402: "Payment Required", 403: "Forbidden", 404: "Not Found",
    405: "Method Not Allowed", 406: "Not Acceptable", 407: "Proxy Authentication Required",
    408: "Request Timeout", 410: "Gone", 412: "Conditional Request Failed",
    413: "Request Entity Too Large", 414: "Request-URI Too Long", 415: "Unsupported Media Type",
    416: "Unsupported URI Scheme", 420: "Bad Extension", 421: "Extension Required",
    422: "Session Interval Too Small", 423: "Interval Too Brief", 429: "Provide Referrer Identity",
    430: "Flow Failed", 433: "Anonymity Disallowed", 439: "First Hop Lacks Outbound Support",
    480: "Temporarily Unavailable", 481: "Call/Transaction Does Not Exist", 482: "Loop Detected",
    483: "Too Many Hops", 484: "Address Incomplete", 485: "Ambiguous", 486: "Busy Here",
    487: "Request Terminated", 488: "Not Acceptable Here", 489: "Bad Event",
    491: "Request Pending", 493: "Undecipherable", 494: "Security Agreement Required",
    500: "Server Internal Error", 501: "Not Implemented", 502: "Bad Gateway",
    503: "Service Unavailable", 504: "Server Time-out", 505: "Version Not Supported",
    513: "Message Too Large", 580: "Precondition Failure", 600: "Busy Everywhere",
    603: "Decline", 604: "Does Not Exist Anywhere", 606: "Not Acceptable",
}  # fmt: skip

_CLASSES = {1: "Trying", 2: "OK", 3: "Redirected", 4: "Request Failure", 5: "Server Failure"}


def reason_phrase(status: int) -> str:
    """The RFC's words for a status, or for its class."""
    return REASONS.get(status) or _CLASSES.get(status // 100, "Global Failure")


def build_response(
    request: Request,
    status: int,
    *,
    reason: str = "",
    to_tag: str = "",
    headers: Iterable[tuple[str, str]] = (),
    body: bytes = b"",
) -> bytes:
    """The response to `request`, written, with what 8.2.6.2 copies; `to_tag` where its To has none.

    Raises ValueError for a header that would break the message.
    """
    source = request.headers
    lines = [
        f"{SIP_VERSION} {status} {reason or REASONS.get(status) or reason_phrase(status)}",
        *source.lines("Via", "From", "To"),
    ]
    if to_tag and not _has_tag(request):
        lines[-1] += f";tag={to_tag}"  # of the To, which is there if it was read
    lines += source.lines("Call-ID", "CSeq")
    if status == 100:
        lines += source.lines("Timestamp")  # 8.2.6.1
    return write(lines + header_lines(headers), body)


def _has_tag(request: Request) -> bool:
    try:
        return bool(request.to.tag)
    except ProtocolError:
        return True  # a To that is none goes back as it came


def ack_for_refusal(request: Request, response: Response) -> bytes:
    """The ACK for a 3xx to 6xx, part of the INVITE's transaction (17.1.1.3)."""
    ack = _same_transaction(request, "ACK")
    ack.headers.set("To", response.headers.get("To") or request.headers.get("To") or "")
    return ack.serialize()


def build_cancel(request: Request) -> Request:
    """The CANCEL for a request of ours (9.1)."""
    return _same_transaction(request, "CANCEL")


def _same_transaction(request: Request, method: str) -> Request:
    source = request.headers
    headers = Headers([("Via", source.get_all("Via")[0])])
    for name in ("Route", "Max-Forwards", "From", "To", "Call-ID"):
        for value in source.get_all(name):
            headers.add(name, value)
    headers.add("CSeq", f"{request.cseq.number} {method}")
    return Request(method, request.uri, headers)


def via_value(flow: Flow, branch: str) -> str:
    """Our Via on `flow`, asking for the port we are seen at (RFC 3581, 3)."""
    sent_by = format_host_port(*flow.local)
    return f"SIP/2.0/{flow.transport.upper()} {sent_by};rport;branch={branch}"


def contact_uri(flow: Flow, user: str, *, secure: bool = False) -> str:
    """Where requests reach us over the transport of `flow`; `secure` makes it a `sips:` URI."""
    return _contact_uri(flow.transport, flow.local, user, secure)


@remembered(maxsize=64)
def _contact_uri(transport: Transport, local: Address, user: str, secure: bool) -> str:
    if secure and transport == "tls":
        return str(Uri("sips", user, *local))
    params: dict[str, str | None] = {}
    if transport != "udp":
        params["transport"] = transport
    return str(Uri("sip", user, *local, params))


def own_address(flow: Flow, user: str) -> NameAddr:
    """Who speaks when no account does: our own address on a flow."""
    return NameAddr(Uri("sip", user, *flow.local))


def note_source(request: Request, flow: Flow) -> Flow:
    """Write where a request came from into its Via; the flow its responses go to (18.2, RFC 3581).

    Over UDP without rport that is the port the Via names, at the address the request came from.
    """
    via = said = request.via
    host, port = flow.remote
    wants_rport = via.wants_rport
    if wants_rport:
        via = via.with_params(received=host, rport=str(port))
    elif via.host != host:
        via = via.with_params(received=host)
    if via is not said:
        fields = request.headers.get_all("Via")
        request.headers.set("Via", str(via))
        for value in fields[1:]:
            request.headers.add("Via", value)
    if wants_rport or flow.transport != "udp":
        return flow
    port = via.port or 5060
    return flow if port == flow.remote[1] else flow._replace(remote=(host, port))


def flow_reaches(flow: Flow, uri: Uri) -> bool:
    """Whether `uri` is, numerically, the far end of `flow`: then nothing has to be resolved."""
    host, port = flow.remote
    transport = "tls" if uri.scheme == "sips" else uri.transport or "udp"
    return (
        uri.host == host
        and (uri.port or _DEFAULT_PORTS[flow.transport]) == port
        and transport == flow.transport
    )


def loose(uri: str) -> Uri:
    """An outbound proxy as a route: always a loose one (RFC 3261, 16.12.1.1)."""
    parsed = Uri.parse(uri)
    return parsed if parsed.is_loose else parsed.with_params(lr=None)
