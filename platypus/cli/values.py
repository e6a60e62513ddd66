"""What the values of options may be: each check turns a text into a value, or says what is wrong.

They are argparse `type` functions: what they raise ends with exit code 2 and names
the option. A value of a later version is known and said to be not supported yet.
"""

from __future__ import annotations

import math
import os
from argparse import ArgumentTypeError
from collections.abc import Callable
from pathlib import Path

from platypus.errors import ProtocolError
from platypus.sip.uri import Uri

CODECS = ("pcmu", "pcma", "g722", "opus")
MAX_EXPIRES = 7 * 24 * 3600  # a week: no registrar grants more


def host_port(text: str) -> tuple[str, int]:
    """HOST:PORT, with brackets around an IPv6 address."""
    host, colon, port = text.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        raise ArgumentTypeError(f"{text!r}: write an IPv6 address as [ADDRESS]:PORT")
    if not colon or not host or not _is_port(port):
        raise ArgumentTypeError(f"{text!r} is not HOST:PORT")
    return host, int(port)


def stun_server(text: str) -> tuple[str, int]:
    """HOST or HOST:PORT; 3478 is STUN's (RFC 8489, 18.4)."""
    host, port = host_port(f"{text}:3478" if ":" not in text or text.endswith("]") else text)
    if not port or any(letter.isspace() for letter in host):
        raise ArgumentTypeError(f"{text!r} is not HOST or HOST:PORT")
    return host, port


def sip_uri(text: str) -> str:
    """A SIP URI; `sip:` may be left out."""
    return str(_parse_uri(text))


def address_of_record(text: str) -> str:
    """A SIP URI with a user."""
    uri = _parse_uri(text)
    if not uri.user:
        raise ArgumentTypeError(f"{text!r} has no user, as in sip:alice@{uri.host}")
    return str(uri)


def _parse_uri(text: str) -> Uri:
    scheme = text.partition(":")[0].lower()
    try:
        uri = Uri.parse(text if scheme in ("sip", "sips") else f"sip:{text}")
    except ProtocolError as error:
        raise ArgumentTypeError(f"{text!r} is not a SIP URI: {error}") from None
    if text.partition(";")[0].endswith(":"):
        raise ArgumentTypeError(f"{text!r} ends where a host or a port is missing")
    if uri.password is not None:
        raise ArgumentTypeError("a password does not belong on a command line")
    return uri


def port_range(text: str) -> tuple[int, int]:
    """LOW-HIGH, with room for one call: a port for RTP and the next for RTCP."""
    low, dash, high = text.partition("-")
    if not dash or not _is_port(low) or not _is_port(high) or int(low) < 1:
        raise ArgumentTypeError(f"{text!r} is not LOW-HIGH")
    if int(high) < int(low) + int(low) % 2 + 1:
        raise ArgumentTypeError(f"{text!r} has no room for one pair of ports")
    return int(low), int(high)


def codecs(text: str) -> tuple[str, ...]:
    """Names of codecs, the preferred first."""
    names = tuple(name.strip().lower() for name in text.split(","))
    for name in names:
        if name not in CODECS:
            raise ArgumentTypeError(f"no codec {name!r}; there are: {', '.join(CODECS)}")
    if len(set(names)) != len(names):
        raise ArgumentTypeError(f"{text!r} names a codec twice")
    if "opus" in names:
        from platypus.media import opus  # compiled, and not needed for the others

        if not opus.available():
            raise ArgumentTypeError(f"opus needs libopus: {opus.how_to_get_it()}")
    return names


def audio(text: str) -> str:
    """What the far end hears."""
    kind, colon, path = text.partition(":")
    if text in ("system", "null", "tone"):
        return text
    if kind not in ("wav", "wav-loop") or not colon or not path:
        raise ArgumentTypeError(
            f"{text!r} is none of system, null, tone, wav:FILE and wav-loop:FILE"
        )
    return text


def country(text: str) -> str:
    """Two letters of a country whose tones we know."""
    from platypus.audio.tones import plan_for
    from platypus.errors import ConfigError

    try:
        plan_for(text)
    except ConfigError as error:
        raise ArgumentTypeError(str(error)) from error
    return text.lower()


def echo_cancelling(text: str) -> str:
    """As in the configuration; the option's own choices say the same."""
    if text not in ("auto", "on", "off"):
        raise ArgumentTypeError(f"echo_cancelling is auto, on or off, not {text!r}")
    return text


def ring_tone(text: str) -> str:
    """A WAV file that can be played: no call should have to find out that it can't."""
    from platypus.audio.files import read_wav
    from platypus.errors import AudioFileError

    try:
        read_wav(text)
    except AudioFileError as error:
        raise ArgumentTypeError(str(error)) from error
    return text


def recording(text: str) -> str:
    """A file that can be made, or written over: no call should have to find that out."""
    path = Path(text)
    writable = os.access(path if path.exists() else path.parent, os.W_OK)
    if path.is_dir() or not path.parent.is_dir() or not writable:
        raise ArgumentTypeError(f"{text!r} can't be written; give a file in a folder of yours")
    return text


def whole(low: int, high: int) -> Callable[[str], int]:
    """A check for a whole number from `low` to `high`."""

    def check(text: str) -> int:
        plain = text.isascii() and text.isdigit() and len(text) <= 9
        if not plain or not low <= int(text) <= high:
            raise ArgumentTypeError(f"{text!r} is not a number from {low} to {high}")
        return int(text)

    return check


def seconds(text: str) -> float:
    """A time that is not negative."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise ArgumentTypeError(f"{text!r} is not a number of seconds")
    return value


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 5 and int(text) <= 65535


def transport(text: str) -> str:
    """What SIP goes over where no URI says otherwise."""
    if text not in ("udp", "tcp", "tls"):
        raise ArgumentTypeError(f"{text!r} is none of udp, tcp and tls")
    return text


def srtp(text: str) -> str:
    """Whether media are encrypted."""
    if text not in ("off", "prefer", "require"):
        raise ArgumentTypeError(f"{text!r} is none of off, prefer and require")
    return text


def suites(text: str) -> tuple[str, ...]:
    """SRTP suites by their names in RFC 4568 and 7714."""
    from platypus.options import DEFAULT_SUITES

    names = tuple(part.strip().upper() for part in text.split(","))
    for name in names:
        if name not in DEFAULT_SUITES:
            raise ArgumentTypeError(f"{name!r} is none of {', '.join(DEFAULT_SUITES)}")
    return names
