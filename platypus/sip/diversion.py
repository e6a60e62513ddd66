"""Whom a call was for before it came here: Diversion and History-Info (RFC 5806, RFC 7044).

Both tell who sent a call on and why, in opposite orders. They are read to show
it, and to see that a call does not go round in circles. Diversion is also
written, into the 302 of our own forwarding. It is hearsay: nothing is decided by
it but not to forward.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from platypus.errors import ProtocolError
from platypus.sip.grammar import parse_number, printable
from platypus.sip.headers import NameAddr

if TYPE_CHECKING:
    from platypus.sip.message import Message, Request
    from platypus.sip.uri import Uri

MAX_DIVERSIONS = 20  # values read of one message
MAX_COUNT = 1000

# RFC 4458, 2: what the cause of a URI says, in the words of RFC 5806.
_CAUSES = {
    "302": "unconditional",
    "404": "unavailable",
    "408": "no-answer",
    "480": "deflection",
    "486": "user-busy",
    "503": "out-of-service",
}


@dataclass(frozen=True, slots=True)
class Diversion:
    """Somebody who sent the call on."""

    uri: Uri
    display_name: str = ""
    reason: str = "unknown"  # RFC 5806: user-busy, no-answer, unconditional, deflection...
    count: int = 1
    private: bool = False  # whoever is called next is not to be shown it

    def __str__(self) -> str:
        party = NameAddr(self.uri, self.display_name)
        privacy = ";privacy=full" if self.private else ""
        return f"{party};reason={self.reason};counter={self.count}{privacy}"


def diversions_in(message: Message) -> tuple[Diversion, ...]:
    """Who sent the call on, the last first; from History-Info where there is no Diversion."""
    found = []
    for text in message.headers.get_all("Diversion")[:MAX_DIVERSIONS]:
        party = _parse(text)
        if party is not None:
            reason = printable(party.params.get("reason") or "unknown").lower()
            count = parse_number(party.params.get("counter") or "1", MAX_COUNT)
            uri = party.uri.without_headers()
            private = (party.params.get("privacy") or "off").lower() != "off"
            found.append(Diversion(uri, party.display_name, reason, count or 1, private))
    return tuple(found) or tuple(_history(message))


def diversion_count(message: Message) -> int:
    """How often the call was sent on, as far as anybody says."""
    return sum(each.count for each in diversions_in(message))


def went_through(message: Message, uri: Uri) -> bool:
    """Whether `uri` sent this call on before: to send it there would make a circle."""
    return any(same_party(each.uri, uri) for each in diversions_in(message))


def same_party(one: Uri, other: Uri) -> bool:
    """The same user at the same host; a port that only one of them names says nothing."""
    ports = one.port is None or other.port is None or one.port == other.port
    return ports and one.user == other.user and one.host.lower() == other.host.lower()


def forwarding_fields(request: Request, by: Diversion) -> list[tuple[str, str]]:
    """What goes into a 302 of ours: who sends the call on, then who did before, the last first.

    Histories go back to whoever understands them (RFC 7044, 9.3).
    """
    earlier = request.headers.get_all("Diversion")[: MAX_DIVERSIONS - 1]
    fields = [("Diversion", str(by)), *(("Diversion", value) for value in earlier)]
    if "histinfo" in request.supported:
        entries = request.headers.get_all("History-Info")[:MAX_DIVERSIONS]
        fields += [("History-Info", value) for value in entries]
    return fields


def carried_on(response: Message) -> list[str]:
    """The Diversions of a 3xx, for the INVITE that follows it."""
    values = response.headers.get_all("Diversion")[:MAX_DIVERSIONS]
    return [value for value in values if _parse(value) is not None]


def _history(message: Message) -> list[Diversion]:
    """RFC 7044, 10.1: an entry with `mp`, or with a cause in its URI, is somebody else's than the
    one it names; that one sent the call on."""
    texts = message.headers.get_all("History-Info")[:MAX_DIVERSIONS]
    entries = [entry for text in texts if (entry := _parse(text)) is not None]
    by_index = {entry.params.get("index"): entry for entry in entries}
    found = []
    for before, entry in zip([None, *entries], entries, strict=False):
        cause = entry.uri.params.get("cause") if entry.uri.is_sip else None
        mapped = entry.params.get("mp")
        source = by_index.get(mapped) if mapped else (before if cause else None)
        if source is None:
            continue
        reason = _CAUSES.get(cause or "") or _reason_of(source)
        uri = source.uri.without_headers()
        found.append(Diversion(uri, source.display_name, reason))
    return found[::-1]


def _reason_of(entry: NameAddr) -> str:
    """The Reason that stands in the entry's URI: `?Reason=SIP%3Bcause%3D486`."""
    text = next((v for k, v in entry.uri.headers.items() if k.lower() == "reason"), "")
    cause = text.lower().replace(" ", "").partition("cause=")[2].partition(";")[0]
    return _CAUSES.get(cause, "unknown")


def _parse(text: str) -> NameAddr | None:
    try:
        return NameAddr.parse(text)
    except ProtocolError:
        return None
