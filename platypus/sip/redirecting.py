"""Where a call of ours goes after a 3xx (RFC 3261, 8.1.3.4 and 21.3).

The best target first, none twice, and no more than a limit in all: a redirection may lead in a
circle. What a 3xx tells of the call's way (RFC 5806) goes along. The INVITEs are `calling`'s.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from platypus.sip.diversion import carried_on

if TYPE_CHECKING:
    from platypus.sip.headers import NameAddr
    from platypus.sip.message import Headers, Response
    from platypus.sip.uri import Uri


class Redirections:
    """The targets of one call: tried, or named by a 3xx and not tried yet."""

    __slots__ = ("_most", "_targets", "_tried")

    def __init__(self, first: Uri, most: int) -> None:
        self._tried = [first]
        self._targets: list[Uri] = []
        self._most = most  # that are followed

    def take(self, response: Response) -> tuple[Uri, ...]:
        """What is to be tried now, best first; empty where the 3xx names nothing new."""
        found: list[Uri] = []
        for contact in sorted(response.contacts, key=_quality, reverse=True):
            uri = contact.uri.without_headers()
            known = any(uri.equivalent(other) for other in (*self._tried, *found))
            # 26.2.2 promises TLS for a sips call: it is not followed to where there may be none.
            safe = uri.scheme == "sips" or self._tried[-1].scheme != "sips"
            if uri.is_sip and safe and not known:
                found.append(uri)
        self._targets[:0] = found
        del self._targets[max(self._most + 1 - len(self._tried), 0) :]
        return tuple(self._targets) if found else ()

    def next(self) -> Uri | None:
        """The next target; None when none is left."""
        if not self._targets:
            return None
        self._tried.append(self._targets.pop(0))
        return self._tried[-1]


def note_way(headers: Headers, response: Response) -> None:
    """Put what a 3xx tells of the call's way into the fields of the next INVITE."""
    diversions = carried_on(response)
    if diversions:
        headers.remove("Diversion")
    for value in diversions:
        headers.add("Diversion", value)


def _quality(contact: NameAddr) -> float:
    """The q of a Contact, 1 by default (20.10)."""
    try:
        return float(contact.params.get("q") or 1)
    except ValueError:
        return 0.0
