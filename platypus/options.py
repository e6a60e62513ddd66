"""How an engine was asked to behave, as its parts get it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

from platypus.errors import ConfigError
from platypus.sip.settings import Prack, UserAgentSettings

if TYPE_CHECKING:
    from platypus.call import Call

ReferRule = Literal["accept", "ask", "refuse"]
WatcherRule = Literal["server", "anybody", "nobody"]

# Whose wish to be answered by itself is granted: nobody's, the account's server's, or anybody's.
IntercomRule = Literal["never", "server", "anyone"]

# Whether the microphone is cleaned of what the loudspeaker plays: where it can hear it, or always.
EchoRule = Literal["auto", "on", "off"]

# Plain RTP only; encrypted where the other side is able to; or no call without.
SrtpRule = Literal["off", "prefer", "require"]

# RFC 7714 and RFC 4568, in the order they are offered in.
DEFAULT_SUITES = (
    "AEAD_AES_128_GCM",
    "AEAD_AES_256_GCM",
    "AES_CM_128_HMAC_SHA1_80",
    "AES_CM_128_HMAC_SHA1_32",
)
TRYING_AFTER = 0.2  # as late as RFC 3261, 17.2.1 allows: nearly every call rings or ends before


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaOptions:
    """Codecs by preference, ports, and where sound comes from and goes to."""

    codecs: tuple[str, ...] | None = None  # None: all, and answers keep the caller's order
    suppress_silence: bool = False  # comfort noise instead (RFC 3389), DTX with Opus
    rtp_ports: tuple[int, int] | None = None
    audio: str = "null"
    input: str | None = None
    output: str | None = None
    ring: str | None = None  # where to ring; where one listens, if None
    ring_tone: str | None = None  # a WAV file instead of the telephone's own bell
    country: str | None = None  # whose tones; the system's, if None
    echo_cancelling: EchoRule = "auto"
    record: str | None = None
    srtp: SrtpRule = "prefer"
    srtp_suites: tuple[str, ...] = DEFAULT_SUITES
    dtls: bool = False  # offered instead of keys in the description

    def __post_init__(self) -> None:
        if self.echo_cancelling not in get_args(EchoRule):
            raise ConfigError(f"echo_cancelling is auto, on or off, not {self.echo_cancelling!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingOptions:
    """What to do with calls that come in; the defaults let all of them ring."""

    user: str | None = None  # refuse calls to others with 404
    max_calls: int | None = None
    reject: int | None = None  # refuse all with this status
    auto_answer: float | None = None  # seconds; 0 is at once
    intercom: IntercomRule = "never"  # a stranger must not open the microphone
    decide: Callable[[Call], None] | None = None  # instead of ringing
    refer: ReferRule = "accept"  # what becomes of a far end's wish to transfer us

    def __post_init__(self) -> None:
        if self.refer not in get_args(ReferRule):
            raise ConfigError(f"refer is accept, ask or refuse, not {self.refer!r}")
        if self.intercom not in get_args(IntercomRule):
            raise ConfigError(f"intercom is never, server or anyone, not {self.intercom!r}")
        if self.reject is not None and not 300 <= self.reject <= 699:
            raise ConfigError(f"reject is a status from 300 to 699, not {self.reject}")
        if self.max_calls is not None and self.max_calls < 1:
            raise ConfigError(f"max_calls is a number, at least 1, not {self.max_calls}")
        if self.auto_answer is not None and not self.auto_answer >= 0:
            raise ConfigError(f"auto_answer is in seconds, 0 is at once, not {self.auto_answer}")


def one_line(name: str, text: str) -> str:
    """What is to stand in a header. ConfigError for what would end it."""
    if not text.isprintable():
        raise ConfigError(f"{name} is one line of printable text, not {text!r}")
    return text


def checked_stun(server: tuple[str, int] | None) -> tuple[str, int] | None:
    """ConfigError for what is no host and port."""
    match server:
        case None | (str(), int()):
            return server
    raise ConfigError(f'stun is a host and a port, like ("stun.example.org", 3478), not {server!r}')


def user_agent_settings(
    *,
    user_agent: str,
    max_redirects: int,
    handled: Iterable[str],
    packages: Sequence[str],
    prack: Prack,
    session_expires: int,
    min_se: int,
) -> UserAgentSettings:
    """What the signalling is told; `handled` are the methods the embedder takes itself."""
    if prack not in get_args(Prack):
        raise ConfigError(f"prack is {', '.join(get_args(Prack))}, not {prack!r}")
    methods = {"NOTIFY", "MESSAGE", *handled} - {"INVITE", "SUBSCRIBE"}
    return UserAgentSettings(
        user_agent=one_line("user_agent", user_agent),
        max_redirects=max_redirects,
        trying_after=TRYING_AFTER,
        handled_methods=tuple(sorted(methods)),
        packages=tuple(packages),
        prack=prack,
        session_expires=session_expires,
        min_se=min_se,
    )
