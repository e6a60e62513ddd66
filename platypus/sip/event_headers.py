"""The header fields of event notification: Event and Subscription-State (RFC 6665, 8.2).

Also what packages a phone asks for, and what they allow. A name that is unknown
is kept as text: whether it is served is decided where it is met.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from platypus.errors import ProtocolError
from platypus.sip.grammar import parse_number, parse_params

if TYPE_CHECKING:
    from platypus.sip.message import Request, Response

MAX_SECONDS = 2**32 - 1
# Nobody is asked to stay away longer than this: the lamp would be dark for the rest of the day.
LONGEST_RETRY_AFTER = 3600.0


class Package(NamedTuple):
    """An event package as a subscriber uses it."""

    name: str
    accept: str
    expires: int  # asked for, in seconds
    forks: bool  # whether several notifiers may answer one SUBSCRIBE (RFC 6665, 5.4.9)


PACKAGES = {
    package.name: package
    for package in (
        Package("dialog", "application/dialog-info+xml", 3600, True),  # RFC 4235, 3.3, 3.9
        Package("message-summary", "application/simple-message-summary", 3600, True),  # RFC 3842
        Package("presence", "application/pidf+xml", 3600, False),  # RFC 3856, 6.4, 6.9
    )
}


class EventType(NamedTuple):
    """`dialog;id=7`: a package, in lower case, and which of several subscriptions."""

    package: str
    id: str = ""

    @classmethod
    def of(cls, request: Request) -> EventType:
        """The Event of a SUBSCRIBE or NOTIFY; no package's where there is none, or a broken one."""
        name, _, text = (request.headers.get("Event") or "").partition(";")
        try:
            return cls(name.strip().lower(), parse_params(text).get("id") or "")
        except ProtocolError:
            return cls("")

    def __str__(self) -> str:
        return f"{self.package};id={self.id}" if self.id else self.package


class SubscriptionState(NamedTuple):
    """What a NOTIFY says of its subscription."""

    state: Literal["active", "pending", "terminated"]
    expires: int | None = None
    reason: str = ""
    retry_after: float | None = None

    @classmethod
    def of(cls, request: Request) -> SubscriptionState:
        """The field of a NOTIFY. Without one, from before RFC 3265, the state is active."""
        name, _, text = (request.headers.get("Subscription-State") or "active").partition(";")
        try:
            params = parse_params(text)
        except ProtocolError:
            params = {}
        name = name.strip().lower()
        expires = parse_number(params.get("expires") or "", MAX_SECONDS)
        retry_after = parse_number(params.get("retry-after") or "", MAX_SECONDS)
        return cls(
            # An extension's state says at least that the subscription is there.
            "terminated" if name == "terminated" else "pending" if name == "pending" else "active",
            expires,
            (params.get("reason") or "").lower(),
            None if retry_after is None else min(float(retry_after), LONGEST_RETRY_AFTER),
        )


def retry_after(response: Response) -> float | None:
    """When a refusal says to come back (RFC 3261, 20.33); None where it doesn't."""
    text = (response.headers.get("Retry-After") or "").partition(";")[0].partition("(")[0]
    seconds = parse_number(text.strip(), MAX_SECONDS)
    return None if seconds is None else min(float(seconds), LONGEST_RETRY_AFTER)


def min_expires(response: Response) -> int:
    """What a 423 asks for; 0 where it doesn't say."""
    return parse_number(response.headers.get("Min-Expires") or "", MAX_SECONDS) or 0
