"""The registrar's table of bindings (RFC 3261, section 10.3), of one domain, in memory.

Pure: a REGISTER that was authenticated goes in, the answer comes out. Times are
arguments; what has expired is gone at the next look. Path (RFC 3327) is kept and
given back, and is the route of calls to the binding.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from platypus.sip.headers import NameAddr
from platypus.sip.message import Request
from platypus.sip.uri import Uri

DEFAULT_EXPIRES = 3600  # RFC 3261, 10.2.1.1
MAX_EXPIRES = 7200
MIN_EXPIRES = 10  # a test must be able to see a registration expire
MAX_CONTACTS = 8  # of one user: phones, not a table that a client can make grow
HOUR = 3600  # 10.3: 423 only below an hour


@dataclass(frozen=True, slots=True)
class Binding:
    """One contact of a user, until `expires_at`."""

    contact: NameAddr
    call_id: str
    cseq: int
    expires_at: float
    path: tuple[str, ...] = ()

    @property
    def uri(self) -> Uri:
        return self.contact.uri

    @property
    def instance(self) -> str | None:
        """RFC 5626, 4.1: the same phone, whatever its address."""
        return self.contact.params.get("+sip.instance")


@dataclass(frozen=True, slots=True)
class Answer:
    """What to answer a REGISTER with."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()


class Registrar:
    """Who can be reached where. Only the names in `users` have bindings."""

    def __init__(self, users: Collection[str], *, min_expires: int = MIN_EXPIRES) -> None:
        self._min_expires = min_expires
        self._bindings: dict[str, list[Binding]] = {user: [] for user in users}

    def bindings(self, user: str, now: float) -> list[Binding]:
        """Where `user` can be reached now, the newest first."""
        alive = [one for one in self._bindings.get(user, ()) if one.expires_at > now]
        if user in self._bindings:
            self._bindings[user] = alive
        return sorted(alive, key=lambda one: one.expires_at, reverse=True)

    def register(self, user: str, request: Request, now: float) -> Answer:
        """Carry out a REGISTER of `user`, or refuse it as a whole (10.3, steps 5 to 8)."""
        if user not in self._bindings:
            return Answer(404)
        kept = self.bindings(user, now)
        if request.wildcard_contact:
            if request.expires != 0 or not all(_is_newer(request, one) for one in kept):
                return Answer(400)
            self._bindings[user] = []
            return Answer(200)
        for contact in request.contacts:
            if not contact.uri.is_sip or not contact.uri.host:
                return Answer(400)
            expires = self._expires(contact, request)
            if 0 < expires < min(self._min_expires, HOUR):
                return Answer(423, (("Min-Expires", str(self._min_expires)),))
            old = _find(kept, contact)
            if old is not None and not _is_newer(request, old):
                return Answer(500)  # step 7: out of order, nothing may change
            if old is not None:
                kept.remove(old)
            if expires > 0:
                kept.insert(0, _bind(contact, request, now + expires))
        self._bindings[user] = kept[:MAX_CONTACTS]
        return Answer(200, (*_listed(self._bindings[user], now), *_path_of(request)))

    def _expires(self, contact: NameAddr, request: Request) -> int:
        text = contact.params.get("expires") or ""
        if text.isascii() and text.isdigit() and len(text) <= 10:
            wanted = int(text)
        else:
            wanted = DEFAULT_EXPIRES if request.expires is None else request.expires
        return min(wanted, MAX_EXPIRES)


def _bind(contact: NameAddr, request: Request, expires_at: float) -> Binding:
    path = tuple(request.headers.get_all("Path")) if "path" in request.supported else ()
    return Binding(contact, request.call_id, request.cseq.number, expires_at, path)


def _find(bindings: list[Binding], contact: NameAddr) -> Binding | None:
    instance = contact.params.get("+sip.instance")
    for one in bindings:
        if one.uri.equivalent(contact.uri) or (instance and one.instance == instance):
            return one
    return None


def _is_newer(request: Request, binding: Binding) -> bool:
    return binding.call_id != request.call_id or request.cseq.number > binding.cseq


def _listed(bindings: list[Binding], now: float) -> list[tuple[str, str]]:
    return [("Contact", str(_with_expires(one, now))) for one in bindings]


def _with_expires(binding: Binding, now: float) -> NameAddr:
    left = max(1, round(binding.expires_at - now))
    kept = {
        name: value for name, value in binding.contact.params.items() if name not in ("expires",)
    }
    return replace(binding.contact, params={**kept, "expires": str(left)})


def _path_of(request: Request) -> list[tuple[str, str]]:
    if "path" not in request.supported:
        return []
    return [("Path", path) for path in request.headers.get_all("Path")]
