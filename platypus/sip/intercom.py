"""A caller's wish to be answered without anybody's hand: intercoms, paging, door phones.

There is no RFC that all follow: `Call-Info: <...>;answer-after=N` is what Snom,
Yealink and Asterisk speak, `Alert-Info: <...>;info=alert-autoanswer` Polycom and
Grandstream. Whether the wish is granted is not decided here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from platypus.errors import ProtocolError
from platypus.sip.grammar import parse_number, parse_params

if TYPE_CHECKING:
    from platypus.sip.message import Request

MAX_WAIT = 3600
_WORDS = frozenset(("alert-autoanswer", "auto answer", "auto-answer", "autoanswer", "intercom"))


def answer_after(request: Request) -> float | None:
    """Seconds after which the caller would be answered; None where it asks for nothing."""
    for value in request.headers.get_all("Call-Info"):
        params = _params(value)
        seconds = params.get("answer-after")
        if seconds is not None:
            wait = parse_number(seconds.strip(), MAX_WAIT)
            if wait is not None:
                return float(wait)
    for value in request.headers.get_all("Alert-Info"):
        params = _params(value)
        if (params.get("info") or "").lower() in _WORDS:
            return float(parse_number(params.get("delay") or "0", MAX_WAIT) or 0)
    return None


def _params(value: str) -> dict[str, str | None]:
    """What follows the address, which may be anything in brackets, or nothing."""
    _, bracket, rest = value.rpartition(">")
    text = rest if bracket else value[value.find(";") :] if ";" in value else value
    try:
        return dict(parse_params(text))
    except ProtocolError:
        return {}
