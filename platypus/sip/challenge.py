"""Digest challenges and the arithmetic behind them (RFC 7616, RFC 8760, RFC 3261 section 22).

MD5, SHA-256 and SHA-512-256, their -sess forms, qop none, auth and auth-int. Does
not know `userhash`, nor the `username*` form: RFC 8760 leaves both out. Text is
UTF-8. Who answers and who verifies is in `digest`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from platypus.errors import ProtocolError
from platypus.sip.grammar import unquote
from platypus.sip.message import Request, Response

# challenge = auth-scheme 1*SP auth-param *(COMMA auth-param); several may share one field.
_AUTH_PIECE = re.compile(
    r"\s*(?:,|(?P<name>[A-Za-z0-9\-.!%*_+`'~]+)(?:\s*=\s*"
    r'(?P<value>"(?:[^"\\]|\\.)*+"|[^\s,"]*+)|(?=\s|,|$)))',
    re.DOTALL,
)

Hash = Callable[[bytes], str]


# hashlib loads OpenSSL, which takes milliseconds: at the first challenge, not at the start.
def _md5(data: bytes) -> str:
    from hashlib import md5

    return md5(data, usedforsecurity=False).hexdigest()


def _sha256(data: bytes) -> str:
    from hashlib import sha256

    return sha256(data).hexdigest()


def _sha512_256(data: bytes) -> str:
    from hashlib import new

    try:
        return new("sha512_256", data).hexdigest()
    except ValueError as error:
        raise ProtocolError(
            "this Python's OpenSSL has no SHA-512-256, which the other side asks for"
        ) from error


def is_available(algorithm: str) -> bool:
    """Whether we know this algorithm's hash, and this Python has it."""
    try:
        HASHES[split_algorithm(algorithm)[0]](b"")
    except (KeyError, ProtocolError):
        return False
    return True


# Weakest first. RFC 8760, 2.4 takes the topmost challenge unless local policy differs: ours does.
HASHES: Mapping[str, Hash] = {"md5": _md5, "sha-256": _sha256, "sha-512-256": _sha512_256}
_STRENGTH = {name: strength for strength, name in enumerate(HASHES)}


def split_algorithm(algorithm: str) -> tuple[str, bool]:
    """The name of the hash in lower case, and whether it is the -sess form."""
    name = algorithm.lower()
    return name.removesuffix("-sess"), name.endswith("-sess")


def ha1(algorithm: str, username: str, realm: str, password: str, *, session: str = "") -> str:
    """H(A1) (RFC 7616, 3.4.2); `session` is `nonce:cnonce`, used by the -sess forms."""
    name, is_session = split_algorithm(algorithm)
    digest = HASHES[name](_octets(f"{username}:{realm}:{password}"))
    return HASHES[name](_octets(f"{digest}:{session}")) if is_session else digest


def digest_response(
    algorithm: str,
    secret: str,
    *,
    method: str,
    uri: str,
    nonce: str,
    qop: str = "",
    nc: str = "",
    cnonce: str = "",
    body: bytes = b"",
) -> str:
    """The `response` of RFC 7616, 3.4.1, from `secret` = H(A1)."""
    hash_of = HASHES[split_algorithm(algorithm)[0]]
    a2 = f"{method}:{uri}"
    if qop == "auth-int":
        a2 += f":{hash_of(body)}"
    middle = f"{nonce}:{nc}:{cnonce}:{qop}" if qop else nonce
    return hash_of(_octets(f"{secret}:{middle}:{hash_of(_octets(a2))}"))


def _octets(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def parse_auth(text: str) -> list[tuple[str, dict[str, str]]]:
    """The (scheme, parameters) in a challenge or credentials; names and schemes in lower case."""
    found: list[tuple[str, dict[str, str]]] = []
    position = 0
    text = text.rstrip()
    while position < len(text):
        piece = _AUTH_PIECE.match(text, position)
        if piece is None or piece.end() == position:
            raise ProtocolError("authentication parameters that are none")
        position = piece.end()
        name, value = piece["name"], piece["value"]
        if value is None:
            if name:
                found.append((name.lower(), {}))
        elif found:
            found[-1][1].setdefault(name.lower(), unquote(value) if value[:1] == '"' else value)
        else:
            raise ProtocolError("authentication parameters without a scheme")
    return found


class Challenge(NamedTuple):
    """One Digest challenge out of WWW-Authenticate or Proxy-Authenticate."""

    realm: str
    nonce: str
    algorithm: str = ""  # as written; empty means MD5, and is not sent back
    qop: tuple[str, ...] = ()
    opaque: str | None = None
    stale: bool = False
    proxy: bool = False

    @classmethod
    def parse(cls, text: str, *, proxy: bool = False) -> Challenge:
        """Parse a field with one Digest challenge; raises ProtocolError for any other."""
        for challenge in cls.parse_all(text, proxy=proxy):
            return challenge
        raise ProtocolError("no Digest challenge")

    @classmethod
    def parse_all(cls, text: str, *, proxy: bool = False) -> list[Challenge]:
        """Every Digest challenge of a field; other schemes are passed over."""
        return [
            cls(
                realm=params.get("realm", ""),
                nonce=params["nonce"],
                algorithm=params.get("algorithm", ""),
                qop=tuple(option.strip().lower() for option in params.get("qop", "").split(",")),
                opaque=params.get("opaque"),
                stale=params.get("stale", "").lower() == "true",
                proxy=proxy,
            )
            for scheme, params in parse_auth(text)
            if scheme == "digest" and "nonce" in params
        ]

    @property
    def chosen_qop(self) -> str | None:
        """`auth` before `auth-int`; empty where the server offers none, None where only others."""
        for option in ("auth", "auth-int", ""):
            if option in self.qop:
                return option
        return None

    @property
    def strength(self) -> int:
        """Rank of the hash; -1 for what we can't answer."""
        name = split_algorithm(self.algorithm or "md5")[0]
        if self.chosen_qop is None or not is_available(name):
            return -1
        return _STRENGTH[name]


def challenges_of(response: Response) -> list[Challenge]:
    """The Digest challenges of a 401 or 407, in order; malformed fields are passed over."""
    found: list[Challenge] = []
    for name, proxy in (("WWW-Authenticate", False), ("Proxy-Authenticate", True)):
        for text in response.headers.get_all(name):
            try:
                found += Challenge.parse_all(text, proxy=proxy)
            except ProtocolError:
                continue
    return found


def credentials_header(proxy: bool) -> str:
    """The header that answers a challenge."""
    return "Proxy-Authorization" if proxy else "Authorization"


def parse_auth_leniently(text: str) -> list[tuple[str, dict[str, str]]]:
    """As `parse_auth`, and nothing out of what can't be read."""
    try:
        return parse_auth(text)
    except ProtocolError:
        return []


def find_credentials(request: Request, name: str, realm: str) -> dict[str, str] | None:
    """The Digest credentials a request carries for a realm."""
    for text in request.headers.get_all(name):
        for scheme, params in parse_auth_leniently(text):
            if scheme == "digest" and params.get("realm") == realm:
                return params
    return None
