"""Why a request was sent: the Reason header (RFC 3326).

Only what a phone acts on or shows is read: the SIP cause and its text. Of the telephone
network's own causes (Q.850) that is one: another phone has the call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from platypus.errors import ProtocolError
from platypus.sip.grammar import parse_number, parse_params, printable, quote

if TYPE_CHECKING:
    from platypus.sip.message import Request

MAX_CAUSE = 699
NON_SELECTED_USER_CLEARING = 26  # Q.850's words for it
ELSEWHERE = "Call completed elsewhere"  # the RFC's own words (3326, 3.1)


class Reason(NamedTuple):
    """One SIP reason: a status, and words for a person, perhaps none."""

    cause: int
    text: str = ""

    def __str__(self) -> str:
        return f"SIP;cause={self.cause}" + (f";text={quote(self.text)}" if self.text else "")

    @property
    def field(self) -> tuple[str, str]:
        """As a header."""
        return "Reason", str(self)


COMPLETED_ELSEWHERE = Reason(200, ELSEWHERE)


def reason_of(request: Request) -> Reason | None:
    """The SIP reason of a CANCEL or BYE; None without one that can be read."""
    return _of_protocol(request, "SIP")


def completed_elsewhere(request: Request) -> bool:
    """Whether another phone has the call: it is none that was missed."""
    reason = reason_of(request)
    if reason is None:
        reason = _of_protocol(request, "Q.850")
        return reason is not None and reason.cause == NON_SELECTED_USER_CLEARING
    return reason.cause == 200


def _of_protocol(request: Request, wanted: str) -> Reason | None:
    for value in request.headers.get_all("Reason"):
        protocol, semicolon, rest = value.partition(";")
        if protocol.strip().upper() != wanted:
            continue
        try:
            params = parse_params(semicolon + rest)
        except ProtocolError:
            continue
        cause = parse_number(params.get("cause") or "", MAX_CAUSE)
        if cause is not None:
            return Reason(cause, printable(params.get("text") or ""))
    return None
