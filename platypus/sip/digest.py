"""Digest authentication for SIP, both sides (RFC 7616, RFC 8760, RFC 3261 section 22).

`DigestClient` answers challenges for a user agent, `DigestServer` makes and
verifies them for the built-in PBX. Nothing here reads a clock: times are arguments.
The grammar of challenges and the hashes are in `challenge`.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum

from platypus.errors import ProtocolError
from platypus.sip.challenge import (
    Challenge,
    challenges_of,
    digest_response,
    ha1,
    parse_auth,
    split_algorithm,
)
from platypus.sip.grammar import quote
from platypus.sip.message import Request, Response
from platypus.sip.uri import Uri

# A phone meets its registrar's and a few proxies' realms; a server that invents a new one for
# each answer would otherwise have us retry for ever.
MAX_REALMS = 8
# A nonce that is stale when it arrives comes from a broken clock: asking a second time can't help.
MAX_STALE_IN_ROW = 1
# Nonces in use at the built-in registrar: each phone holds about one per lifetime.
MAX_USED_NONCES = 4_096

# RFC 7616, 3.4: nc is eight hexadecimal digits.
_NC = re.compile(r"[0-9A-Fa-f]{8}")


@dataclass(slots=True)
class _Session:
    """A nonce in use: RFC 7616, 3.3: it may serve for more requests with a growing nc."""

    challenge: Challenge
    cnonce: str
    secret: str = field(repr=False)
    hosts: set[str]  # the To domains it was asked for (RFC 3261, 22.1)
    count: int = 0
    stale_in_row: int = 0
    in_advance: bool = False  # given with a success: it may have expired by its first use

    def owns(self, info: Mapping[str, str]) -> bool:
        """Whether this Authentication-Info answers us: it repeats our cnonce."""
        return info.get("cnonce", self.cnonce) == self.cnonce


class DigestClient:
    """Answers challenges with one user's credentials, and authorises later requests beforehand.

    `random(n)` gives n random octets. Once a realm has refused the credentials nothing more is
    sent to it, until `reset`.
    """

    def __init__(self, username: str, password: str, random: Callable[[int], bytes]) -> None:
        self.username = username
        self._password = password
        self._random = random
        self._sessions: dict[tuple[bool, str], _Session] = {}
        self._refused: set[tuple[bool, str]] = set()
        self.problem = ""

    def __repr__(self) -> str:
        return f"DigestClient({self.username!r})"

    def reset(self) -> None:
        """Forget what was refused: somebody asks to try again."""
        self._refused.clear()
        self._sessions.clear()

    def authorize(self, response: Response, request: Request) -> bool:
        """Put credentials into the next attempt at `request`, which `response` refused.

        `request` is the refused request or a copy of it: its old credentials tell whether these
        were refused. False if another attempt is of no use; `problem` then says why.
        """
        chosen = self._choose(challenges_of(response))
        if not chosen:
            return False
        for challenge in chosen:
            if not self._take(challenge, request):
                return False
        for challenge in chosen:
            self._add_credentials(self._sessions[challenge.proxy, challenge.realm], request)
        return True

    def preauthorize(self, request: Request) -> None:
        """Add credentials for every realm that asked before for requests to the same domain."""
        host = _domain(request)
        for session in self._sessions.values():
            if host in session.hosts:
                self._add_credentials(session, request)

    def receive_info(self, response: Response) -> None:
        """Take the next nonce of Authentication-Info (RFC 7616, 3.5), if it has one."""
        for proxy, name in ((False, "Authentication-Info"), (True, "Proxy-Authentication-Info")):
            for text in response.headers.get_all(name):
                for _, info in _parsed(f"Digest {text}"):
                    self._take_next_nonce(proxy, info)

    def _take_next_nonce(self, proxy: bool, info: Mapping[str, str]) -> None:
        for (is_proxy, _), session in self._sessions.items():
            if is_proxy == proxy and "nextnonce" in info and session.owns(info):
                session.challenge = replace(session.challenge, nonce=info["nextnonce"])
                session.count, session.in_advance = 0, True

    def _choose(self, challenges: Sequence[Challenge]) -> list[Challenge]:
        """The strongest known challenge of each realm; the topmost of equals."""
        best: dict[tuple[bool, str], Challenge] = {}
        for challenge in challenges:
            known = best.get((challenge.proxy, challenge.realm))
            if challenge.strength > (known.strength if known else -1):
                best[challenge.proxy, challenge.realm] = challenge
        if not best:
            names = ", ".join(sorted({c.algorithm for c in challenges if c.algorithm}))
            self.problem = f"no authentication that we know ({names or 'no Digest challenge'})"
        return list(best.values())

    def _take(self, challenge: Challenge, request: Request) -> bool:
        """Make a session of a challenge, unless its realm has refused our credentials."""
        key = (challenge.proxy, challenge.realm)
        old = self._sessions.get(key)
        sent = _credentials_for(challenge, request)
        stale_in_row = 0
        if sent is not None and old is not None:
            first_use = _is_first_use(old, sent)
            if challenge.stale:
                stale_in_row = old.stale_in_row + 1 if first_use else 0
            elif first_use or sent.get("nonce") == challenge.nonce:
                self._refused.add(key)
        if key in self._refused:
            self._sessions.pop(key, None)
            self.problem = f"{challenge.realm} refused the user name or password"
            return False
        if stale_in_row > MAX_STALE_IN_ROW:
            del self._sessions[key]
            self.problem = f"{challenge.realm} calls its own fresh nonces stale"
            return False
        if old is None and len(self._sessions) >= MAX_REALMS:
            self.problem = "the server asks for ever new realms"
            return False
        cnonce = self._random(8).hex()
        secret = ha1(
            challenge.algorithm or "md5", self.username, challenge.realm, self._password,
            session=f"{challenge.nonce}:{cnonce}",
        )  # fmt: skip
        hosts = old.hosts if old else set()
        hosts.add(_domain(request))
        self._sessions[key] = _Session(challenge, cnonce, secret, hosts, 0, stale_in_row)
        return True

    def _add_credentials(self, session: _Session, request: Request) -> None:
        session.count += 1
        challenge = session.challenge
        qop = challenge.chosen_qop or ""
        nc = f"{session.count:08x}"
        uri = str(request.uri)
        response = digest_response(
            challenge.algorithm or "md5", session.secret, method=request.method, uri=uri,
            nonce=challenge.nonce, qop=qop, nc=nc, cnonce=session.cnonce, body=request.body,
        )  # fmt: skip
        text = (
            f"Digest username={quote(self.username)}, realm={quote(challenge.realm)}, "
            f'nonce={quote(challenge.nonce)}, uri="{uri}", response="{response}"'
        )
        if challenge.algorithm:
            text += f", algorithm={challenge.algorithm}"
        if challenge.opaque is not None:
            text += f", opaque={quote(challenge.opaque)}"
        is_session = split_algorithm(challenge.algorithm)[1]
        if qop or is_session:
            text += f', cnonce="{session.cnonce}"'
        if qop:
            text += f", qop={qop}, nc={nc}"
        _replace_credentials(request, challenge, text)


def _is_first_use(session: _Session, sent: Mapping[str, str]) -> bool:
    """Whether the refused credentials used a nonce that had just been given for them.

    One that served before may have expired, and servers forget to say `stale`.
    """
    if session.in_advance and sent.get("nonce") == session.challenge.nonce:
        return False
    if "nc" in sent:
        return sent["nc"] == "00000001"
    return session.count <= 1 and sent.get("nonce") == session.challenge.nonce


def _header_name(proxy: bool) -> str:
    return "Proxy-Authorization" if proxy else "Authorization"


def _domain(request: Request) -> str:
    try:
        return request.to.uri.host.lower()
    except ProtocolError:
        return request.uri.host.lower()


def _credentials_for(challenge: Challenge, request: Request) -> dict[str, str] | None:
    """The credentials a request carries for the realm of a challenge."""
    return _find_credentials(request, _header_name(challenge.proxy), challenge.realm)


def _find_credentials(request: Request, name: str, realm: str) -> dict[str, str] | None:
    for text in request.headers.get_all(name):
        for scheme, params in _parsed(text):
            if scheme == "digest" and params.get("realm") == realm:
                return params
    return None


def _parsed(text: str) -> list[tuple[str, dict[str, str]]]:
    try:
        return parse_auth(text)
    except ProtocolError:
        return []


def _replace_credentials(request: Request, challenge: Challenge, text: str) -> None:
    name = _header_name(challenge.proxy)
    others = [
        field
        for field in request.headers.get_all(name)
        if all(params.get("realm") != challenge.realm for _, params in _parsed(field))
    ]
    request.headers.remove(name)
    for field_text in (*others, text):
        request.headers.add(name, field_text)


class Verdict(Enum):
    """What a server makes of a request's credentials."""

    OK = "ok"
    MISSING = "missing"  # challenge it
    STALE = "stale"  # right, but with a nonce that is too old or used up: challenge with stale=true
    BAD = "bad"  # wrong user, password or digest: challenge, or refuse


@dataclass(frozen=True, slots=True)
class Verification:
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
        params = _find_credentials(request, _header_name(self.proxy), self.realm)
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
        given = params.get("response", "").lower()
        same = hmac.compare_digest(expected.encode(), given.encode("utf-8", "replace"))
        return same and password is not None

    def _make_nonce(self, now: float) -> str:
        text = f"{max(0, int(now * 1000)):x}-{self._random(8).hex()}"
        return f"{text}-{self._mac(text)}"

    def _mac(self, text: str) -> str:
        return hmac.digest(self._key, text.encode("utf-8", "replace"), "sha256").hex()[:32]

    def _issued(self, nonce: str) -> float | None:
        """When we made this nonce; None if we didn't."""
        text, _, mac = nonce.rpartition("-")
        if not hmac.compare_digest(self._mac(text).encode(), mac.encode("utf-8", "replace")):
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


def _same_uri(text: str, request: Request) -> bool:
    """RFC 7616, 3.4.6: the URI of the credentials names what is asked for."""
    if text == str(request.uri):
        return True
    try:
        return Uri.parse(text).equivalent(request.uri)
    except ProtocolError:
        return False
