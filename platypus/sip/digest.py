"""Digest authentication of a user agent (RFC 7616, RFC 8760, RFC 3261 section 22).

`DigestClient` answers challenges and authorises later requests beforehand. The
grammar and the hashes are in `challenge`, the other side in `digest_server`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from platypus.errors import ProtocolError
from platypus.sip.challenge import (
    Challenge,
    challenges_of,
    credentials_header,
    digest_response,
    find_credentials,
    ha1,
    parse_auth_leniently,
    split_algorithm,
)
from platypus.sip.digest_server import DigestServer, Verdict, Verification
from platypus.sip.grammar import quote
from platypus.sip.message import Request, Response

__all__ = ["DigestClient", "DigestServer", "Verdict", "Verification"]

# A phone meets its registrar's realm and those of a few proxies; of more the oldest is forgotten.
# A request that carries credentials for so many meets a server that invents them: it is given up.
MAX_REALMS = 8
# A nonce that is stale when it arrives comes from a broken clock: asking a second time can't help.
MAX_STALE_IN_ROW = 1


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
        if "\r" in username or "\n" in username:
            raise ValueError("a line end in the user name")
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
        asked = {(challenge.proxy, challenge.realm) for challenge in chosen}
        for key, session in self._sessions.items():
            # Another realm on the way took what the request carries for it: it wants to see a
            # higher count in this attempt (RFC 7616, 3.4.6), or takes it for a replay.
            if key in asked or _credentials_for(session.challenge, request) is not None:
                self._add_credentials(session, request)
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
                for _, info in parse_auth_leniently(f"Digest {text}"):
                    self._take_next_nonce(proxy, info)

    def _take_next_nonce(self, proxy: bool, info: Mapping[str, str]) -> None:
        for (is_proxy, _), session in self._sessions.items():
            if is_proxy == proxy and "nextnonce" in info and session.owns(info):
                session.challenge = session.challenge._replace(nonce=info["nextnonce"])
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
        return list(best.values())[:MAX_REALMS]

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
                self._refuse(key)
        if key in self._refused:
            self._sessions.pop(key, None)
            self.problem = f"{challenge.realm} refused the user name or password"
            return False
        if stale_in_row > MAX_STALE_IN_ROW:
            del self._sessions[key]
            self.problem = f"{challenge.realm} calls its own fresh nonces stale"
            return False
        if len(request.headers.get_all(credentials_header(challenge.proxy))) >= MAX_REALMS:
            self.problem = "the server asks for ever new realms"
            return False
        if old is None and len(self._sessions) >= MAX_REALMS:
            del self._sessions[next(iter(self._sessions))]
        cnonce = self._random(8).hex()
        secret = ha1(
            challenge.algorithm or "md5", self.username, challenge.realm, self._password,
            session=f"{challenge.nonce}:{cnonce}",
        )  # fmt: skip
        hosts = old.hosts if old else set()
        hosts.add(_domain(request))
        self._sessions[key] = _Session(challenge, cnonce, secret, hosts, 0, stale_in_row)
        return True

    def _refuse(self, key: tuple[bool, str]) -> None:
        if len(self._refused) >= MAX_REALMS:
            self._refused.pop()
        self._refused.add(key)

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


def _domain(request: Request) -> str:
    try:
        return request.to.uri.host.lower()
    except ProtocolError:
        return request.uri.host.lower()


def _credentials_for(challenge: Challenge, request: Request) -> dict[str, str] | None:
    """The credentials a request carries for the realm of a challenge."""
    return find_credentials(request, credentials_header(challenge.proxy), challenge.realm)


def _replace_credentials(request: Request, challenge: Challenge, text: str) -> None:
    name = credentials_header(challenge.proxy)
    others = [
        field
        for field in request.headers.get_all(name)
        if all(params.get("realm") != challenge.realm for _, params in parse_auth_leniently(field))
    ]
    request.headers.remove(name)
    for field_text in (*others, text):
        request.headers.add(name, field_text)
