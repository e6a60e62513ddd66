"""Digest authentication of a server (RFC 7616, RFC 8760), for the built-in PBX.

Makes challenges and verifies credentials. What follows from a verdict, a 401 or a
403, is the caller's. It reads no clock: times are arguments.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from typing import NamedTuple

from platypus.errors import ProtocolError
from platypus.sip.challenge import (
    credentials_header,
    digest_response,
    find_credentials,
    ha1,
    is_available,
)
from platypus.sip.grammar import quote
from platypus.sip.message import Request
from platypus.sip.uri import Uri

# Nonces in use at the built-in registrar: each phone holds about one per lifetime.
MAX_USED_NONCES = 4_096

# RFC 7616, 3.4: nc is eight hexadecimal digits.
_NC = re.compile(r"[0-9A-Fa-f]{8}")


class Verdict(Enum):
    """What a server makes of a request's credentials."""

    OK = "ok"
    MISSING = "missing"  # challenge it
    STALE = "stale"  # right, but with a nonce that is too old or used up: challenge with stale=true
    BAD = "bad"  # wrong user, password or digest: challenge, or refuse


class Verification(NamedTuple):
    """A verdict and the user it is about."""

    verdict: Verdict
    username: str = ""


class DigestServer:
    """Challenges requests and verifies what comes back, for the built-in PBX.

    `passwords(username)` gives a password or None. Nonces carry their time and a MAC,
    so that nothing is stored before credentials were right.
    """

    def __init__(
        self,
        realm: str,
        passwords: Callable[[str], str | None],
        random: Callable[[int], bytes],
        *,
        algorithms: Iterable[str] = ("SHA-256", "MD5"),
        qop: str = "auth",
        nonce_lifetime: float = 300.0,
        proxy: bool = False,
    ) -> None:
        self.realm = realm
        self.algorithms = tuple(algorithms)
        missing = [name for name in self.algorithms if not is_available(name)]
        if missing:
            raise ValueError(f"no such hash in this Python: {', '.join(missing)}")
        self.proxy = proxy
        self._qop = qop
        self._passwords = passwords
        self._random = random
        self._lifetime = nonce_lifetime
        self._key = random(32)
        self._used: dict[str, int] = {}  # nonce: highest nc seen, oldest nonce first
        self._oldest = float("-inf")  # nonces issued before this were forgotten

    def challenge(self, now: float, *, stale: bool = False) -> list[tuple[str, str]]:
        """The header fields to put into a 401 or 407, the strongest algorithm on top."""
        name = "Proxy-Authenticate" if self.proxy else "WWW-Authenticate"
        text = f'Digest realm={quote(self.realm)}, nonce="{self._make_nonce(now)}"'
        if self._qop:
            text += f', qop="{self._qop}"'
        if stale:
            text += ", stale=true"
        return [(name, f"{text}, algorithm={algorithm}") for algorithm in self.algorithms]

    def verify(self, request: Request, now: float) -> Verification:
        """Judge the credentials for our realm."""
        params = find_credentials(request, credentials_header(self.proxy), self.realm)
        if params is None:
            return Verification(Verdict.MISSING)
        username = params.get("username", "")
        if not self._is_right(params, request):
            return Verification(Verdict.BAD, username)
        issued = self._issued(params["nonce"])
        if issued is None or not now - self._lifetime <= issued <= now or issued < self._oldest:
            return Verification(Verdict.STALE, username)
        if not self._use(params["nonce"], int(params.get("nc", "1"), 16)):
            return Verification(Verdict.STALE, username)
        return Verification(Verdict.OK, username)

    def _is_right(self, params: Mapping[str, str], request: Request) -> bool:
        algorithm = params.get("algorithm", "MD5")
        qop = params.get("qop", "").lower()
        nonce, nc, cnonce = params.get("nonce", ""), params.get("nc", ""), params.get("cnonce", "")
        if algorithm.lower() not in {known.lower() for known in self.algorithms}:
            return False
        if qop and (qop not in ("auth", "auth-int") or not _NC.fullmatch(nc) or not cnonce):
            return False
        if not _same_uri(params.get("uri", ""), request):
            return False
        username = params.get("username", "")
        password = self._passwords(username)
        secret = ha1(algorithm, username, self.realm, password or "", session=f"{nonce}:{cnonce}")
        expected = digest_response(
            algorithm, secret, method=request.method, uri=params.get("uri", ""), nonce=nonce,
            qop=qop, nc=nc, cnonce=cnonce, body=request.body,
        )  # fmt: skip
        return _is_same(expected, params.get("response", "").lower()) and password is not None

    def _make_nonce(self, now: float) -> str:
        text = f"{max(0, int(now * 1000)):x}-{self._random(8).hex()}"
        return f"{text}-{self._mac(text)}"

    def _mac(self, text: str) -> str:
        import hmac  # like hashlib in `challenge`: not needed by a phone that starts

        return hmac.digest(self._key, text.encode("utf-8", "replace"), "sha256").hex()[:32]

    def _issued(self, nonce: str) -> float | None:
        """When we made this nonce; None if we didn't."""
        text, _, mac = nonce.rpartition("-")
        if not _is_same(self._mac(text), mac):
            return None
        return int(text.partition("-")[0], 16) / 1000

    def _use(self, nonce: str, nc: int) -> bool:
        """Note a count as used; False if it was, or a higher one (a replay)."""
        if nc <= self._used.get(nonce, 0):
            return False
        if nonce not in self._used and len(self._used) >= MAX_USED_NONCES:
            self._forget()
        self._used[nonce] = nc
        return True

    def _forget(self) -> None:
        """Make room; a nonce that is forgotten while it is valid must not work again."""
        issued = {nonce: self._issued(nonce) or 0.0 for nonce in self._used}
        by_age = sorted(issued, key=issued.__getitem__)
        for nonce in by_age[: MAX_USED_NONCES // 2]:
            self._oldest = max(self._oldest, issued[nonce] + 0.001)
            del self._used[nonce]


def _is_same(expected: str, given: str) -> bool:
    """Compare in a time that does not tell how much of it is right."""
    from hmac import compare_digest

    return compare_digest(expected.encode(), given.encode("utf-8", "replace"))


def _same_uri(text: str, request: Request) -> bool:
    """RFC 7616, 3.4.6: the URI of the credentials names what is asked for."""
    if text == str(request.uri):
        return True
    try:
        return Uri.parse(text).equivalent(request.uri)
    except ProtocolError:
        return False
