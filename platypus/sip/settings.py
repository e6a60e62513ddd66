"""What a user agent and an account are told once: frozen values with their limits.

The limits bound what strangers on the network can make the phone remember
(RFC 3261, 26.3.2.4 leaves them to the implementation). No secret shows in a repr.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

# Methods the machine answers by itself; handled methods are added to them in Allow.
BUILT_IN_METHODS = ("INVITE", "ACK", "CANCEL", "BYE", "OPTIONS", "NOTIFY", "REFER", "PRACK",
                    "UPDATE", "INFO")  # fmt: skip

# off: not understood. serve: our ringing is reliable where the caller requires it. answer: and what
# comes reliably is acknowledged. support: ours is also where the caller only can. require: nothing
# goes without.
Prack = Literal["off", "serve", "answer", "support", "require"]

# What of an account is written into messages, where a line end would break them.
_WRITTEN = ("aor", "auth_user", "registrar", "outbound_proxy", "display_name", "instance_id",
            "contact_user")  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class UserAgentSettings:
    """How a `UserAgent` behaves; the defaults suit a phone.

    `handled_methods` are requests passed to the user as `RequestReceived`, such as
    REGISTER for a registrar; every other method is refused with 405 or 501.
    """

    user_agent: str = "Platypus"
    handled_methods: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()  # of events that others may ask to watch (RFC 6665)
    # Further option tags (RFC 3261, 19.2): RFC 3891, RFC 4488, RFC 4538.
    supported: tuple[str, ...] = ("replaces", "norefersub", "tdialog")
    prack: Prack = "answer"  # reliable provisional responses (RFC 3262)
    session_expires: int = 1800  # seconds asked for (RFC 4028); 0 is no session timer
    min_se: int = 90  # the least we take (RFC 4028, 4)
    accept: tuple[str, ...] = ("application/sdp",)
    default_user: str = "platypus"  # of From and Contact where no account gives one
    t1: float = 0.5  # the round trip estimate (RFC 3261, 17.1.1.1)
    t2: float = 4.0  # longest interval of retransmission
    t4: float = 5.0  # how long a message stays in the network
    # Server transactions, a few kB each for 64*T1: 512 requests or 256 short calls a second.
    max_transactions: int = 16_384
    max_sessions: int = 2048  # calls, both directions; more from the network get 503
    max_usages: int = 512  # subscriptions, both directions
    max_redirects: int = 5  # 3xx followed for one call
    # RFC 3261, 17.2.1: a 100 may be left out where another response follows within 0.2 s, as it
    # does from whoever rings or answers at once: the message costs a tenth of a call.
    trying_after: float = 0.0
    # A caller that vanished without CANCEL stops ringing here; a callee that says it rings, and
    # nothing more for so long, is given up (RFC 3261, 13.2.1 leaves the time to the caller).
    ring_limit: float = 600.0
    silence_limit: float = 180.0  # nothing but 100 for so long ends a call (timer C, 16.6)

    @property
    def methods(self) -> tuple[str, ...]:
        """Everything that goes into Allow."""
        watched = ("SUBSCRIBE",) if self.packages else ()
        extra = [method for method in self.handled_methods if method not in BUILT_IN_METHODS]
        built_in = [each for each in BUILT_IN_METHODS if each != "PRACK" or self.prack != "off"]
        return (*built_in, *watched, *extra)

    @property
    def option_tags(self) -> tuple[str, ...]:
        """Everything that goes into Supported."""
        tags = list(self.supported)
        if self.prack != "off":
            tags.append("100rel")
        if self.session_expires > 0:
            tags.append("timer")
        return tuple(tags)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountSettings:
    """Who we are at a registrar, and by which way its requests leave.

    `registrar` defaults to the domain (host and port) of the address of record, `auth_user` and
    `contact_user` to its user part. Raises ValueError for text that can't be sent.
    """

    aor: str  # address of record, such as "sip:alice@example.com"
    auth_user: str | None = None
    password: str | None = field(default=None, repr=False)
    registrar: str | None = None
    expires: int = 300
    outbound_proxy: str | None = None  # a preloaded loose route (RFC 3261, 8.1.2)
    display_name: str = ""
    instance_id: str | None = None  # "urn:uuid:..." (RFC 5626, 4.1)
    contact_user: str | None = None
    anonymous: bool = False  # calls are made without our name (RFC 3323, RFC 3325)

    @property
    def server(self) -> str:
        """Where what we send goes first: the URI of the proxy, or of the registrar."""
        return self.outbound_proxy or self.registrar or self.aor

    def __post_init__(self) -> None:
        for name in _WRITTEN:
            value = getattr(self, name)
            if value and not value.isprintable():
                raise ValueError(f"{name} holds characters that can't be sent: {value!r}")
