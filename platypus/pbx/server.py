"""The built-in PBX as one object: an engine, with a registrar and a bridge beside its calls.

    REGISTER                          the registrar, after a digest challenge
    INVITE to a user                  the bridge, after a digest challenge
    INVITE to an extension            a call of the engine's, after a digest challenge
    INVITE to anybody else            404
    MESSAGE to a user                 the relay, after a digest challenge
    SUBSCRIBE to a user               the watchers, after a digest challenge
    everything else                   what any endpoint answers

It listens on UDP and TCP, or with a certificate on TLS, and trusts whoever has a password.
"""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from platypus._version import __version__
from platypus.engine import Engine
from platypus.events import CallEnded, CallStateChanged
from platypus.options import SrtpRule
from platypus.pbx.bridge import UNAVAILABLE, Bridge
from platypus.pbx.extensions import Extensions
from platypus.pbx.registrar import MIN_EXPIRES, Binding, Registrar
from platypus.pbx.relay import Relay
from platypus.pbx.watchers import PACKAGES, Watchers
from platypus.sip import events as sip
from platypus.sip.digest import DigestServer, Verdict
from platypus.sip.headers import NameAddr
from platypus.sip.message import Request
from platypus.sip.privacy import ANONYMOUS
from platypus.sip.replaces import Replaces
from platypus.sip.session import Session

if TYPE_CHECKING:
    from platypus.call import Call
    from platypus.events import Event
    from platypus.net.tls import TlsSettings

logger = logging.getLogger("platypus.pbx")

REALM = "platypus"
NOTICE = "This PBX is for trying and testing; it is no product."


class Pbx:
    """A PBX with these users and passwords, as long as it is entered.

    `listen` is a numeric host and a port, 0 for any free one. `record_dir` is where
    extension 615 puts its files; without it what is said there is not kept. With a
    certificate in `tls` it listens for TLS beside UDP. `srtp` is for the extensions: between
    phones keys go through as they are.
    """

    def __init__(
        self,
        *,
        listen: tuple[str, int] = ("127.0.0.1", 0),
        users: Mapping[str, str],
        codecs: Sequence[str] | None = None,
        rtp_ports: tuple[int, int] | None = None,
        record_dir: Path | None = None,
        min_expires: int = MIN_EXPIRES,
        tls: TlsSettings | None = None,
        srtp: SrtpRule = "prefer",
    ) -> None:
        self._passwords = dict(users)
        self._engine = Engine(
            listen=listen,
            transport="udp" if tls is None else "tls",
            tls=tls,
            srtp=srtp,
            codecs=codecs,
            rtp_ports=rtp_ports,
            user_agent=f"Platypus-PBX/{__version__}",
            audio="null",
            handlers={
                "REGISTER": self._register,
                "INVITE": self._invite,
                "MESSAGE": self._message,
                "SUBSCRIBE": self._subscribe,
            },
            packages=PACKAGES,
            incoming=self._take,
            refer="refuse",  # an extension calls nobody
            session_events=self._session_event,
            # What the phones agree on is passed through as it is, not taken part in.
            max_redirects=0,  # the caller follows, with its own password
            prack="serve",  # for callers who require it; the phones behind us are asked for nothing
            session_expires=0,
        )
        self._digest = DigestServer(REALM, self._passwords.get, os.urandom)
        self._registrar = Registrar(self._passwords, min_expires=min_expires)
        self._extensions = Extensions(self._engine, record_dir=record_dir, recorded=self._recorded)
        self._bridges: dict[Session, Bridge] = {}
        agent = self._engine.user_agent
        self._relay = Relay(agent, self._engine.now)
        self._watchers = Watchers(agent, self._engine.now, self.uri)
        self._engine.subscribe(self._happened)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def start(self) -> None:
        """Bind the socket. Raises NetworkError."""
        await self._engine.start()

    async def close(self) -> None:
        """Hang up every call. Idempotent."""
        if self._engine.running:
            for bridge in set(self._bridges.values()):
                bridge.caller.hangup(self._engine.now())
            self._engine.pump()
        await self._engine.close()

    @property
    def address(self) -> tuple[str, int]:
        """Where it can be reached: a numeric host and a port."""
        return self._engine.address

    @property
    def engine(self) -> Engine:
        """What it runs on."""
        return self._engine

    def uri(self, user: str) -> str:
        """The address of record of a user, or the address of an extension."""
        host, port = self.address
        return f"sip:{user}@[{host}]:{port}" if ":" in host else f"sip:{user}@{host}:{port}"

    def contacts(self, user: str) -> list[str]:
        """Where a user is registered now."""
        return [str(one.uri) for one in self._registrar.bindings(user, self._engine.now())]

    def _register(self, event: sip.RequestReceived) -> bool:
        request, now = event.request, self._engine.now()
        user, status, headers = self._authenticate(request)
        if user is None:
            self._engine.user_agent.respond(event.key, status, headers=headers, now=now)
            return True
        if request.to.uri.user != user:
            self._engine.user_agent.respond(event.key, 403, now=now)
            return True
        answer = self._registrar.register(user, request, now)
        self._engine.user_agent.respond(event.key, answer.status, headers=answer.headers, now=now)
        logger.info("%s: REGISTER answered with %d", user, answer.status)
        return True

    def _authenticate(self, request: Request) -> tuple[str | None, int, list[tuple[str, str]]]:
        """The user whose password was right; or None, and what to answer."""
        now = self._engine.now()
        verification = self._digest.verify(request, now)
        match verification.verdict:
            case Verdict.OK:
                return verification.username, 200, []
            case Verdict.BAD:
                # A challenge again would tell nothing new, and invite to guess.
                logger.info("%s: wrong user name or password", verification.username)
                return None, 403, []
            case verdict:
                return None, 401, self._digest.challenge(now, stale=verdict is Verdict.STALE)

    def _invite(self, event: sip.IncomingCall) -> bool:
        """Whether the call was taken here; otherwise it is an extension's."""
        session, request, now = event.session, event.request, self._engine.now()
        user, status, headers = self._authenticate(request)
        if user is None:
            session.reject(status, now, headers=headers)
            return True
        if request.from_.uri.user != user and not _is_hidden(request):
            session.reject(403, now)  # nobody calls in another's name
            return True
        if event.replaces in self._bridges:
            self._replace(session, event.replaces, user, request)
            return True
        called = request.uri.user or ""
        logger.info("%s calls %s", user, called)
        if called in self._extensions:
            return False
        if called not in self._passwords:
            session.reject(404, now)
            return True
        bindings = self._registrar.bindings(called, now)
        if bindings:
            self._start(session, bindings, user, request)
        else:
            session.reject(UNAVAILABLE, now)
        return True

    def _start(
        self,
        session: Session,
        bindings: Sequence[Binding],
        user: str,
        request: Request,
        headers: Sequence[tuple[str, str]] = (),
    ) -> None:
        bridge = Bridge(session, self._engine.user_agent, self._engine.now, self._forget)
        caller = str(ANONYMOUS.uri) if _is_hidden(request) else self.uri(user)
        bridge.start(bindings, caller, request.from_.display_name, headers)
        if bridge.phones:
            for one in bridge.sessions:
                self._bridges[one] = bridge
            self._update_lamps()

    def _replace(
        self, session: Session, replaced: Session | None, user: str, request: Request
    ) -> None:
        """A call for one leg of a bridge: the phone at its other end shall take it (RFC 3891)."""
        now = self._engine.now()
        dialog = self._bridges[replaced].other(replaced).dialog if replaced is not None else None
        if dialog is None:
            session.reject(481, now)
            return
        early_only = Replaces.parse(request.headers.get("Replaces") or "").early_only
        replaces = Replaces.of(dialog, early_only=early_only)
        path = (str(dialog.route_set[0]),) if dialog.route_set else ()
        target = Binding(NameAddr(dialog.remote_target), "", 0, math.inf, path)
        logger.info("%s takes the place of a leg of a bridge", user)
        self._start(session, [target], user, request, [("Replaces", str(replaces))])

    def _forget(self, bridge: Bridge) -> None:
        for session in bridge.sessions:
            self._bridges.pop(session, None)

    def _message(self, event: sip.RequestReceived) -> None:
        """From one user to another."""
        request, now = event.request, self._engine.now()
        user, status, headers = self._authenticate(request)
        called = request.uri.user or ""
        if user is not None and request.from_.uri.user != user:
            status = 403  # nobody speaks in another's name
        elif user is not None and called not in self._passwords:
            status = 404
        if status != 200 or user is None:
            self._engine.user_agent.respond(event.key, status, headers=headers, now=now)
            return
        logger.info("%s sends %s a message", user, called)
        self._relay.pass_on(event, self._registrar.bindings(called, now), self.uri(user))

    def _subscribe(self, event: sip.WatcherArrived) -> bool:
        """Anybody's lamp, and one's own mailbox."""
        watcher, now = event.watcher, self._engine.now()
        user, status, headers = self._authenticate(event.request)
        watched = event.request.uri.user or ""
        if user is None:
            watcher.refuse(status, now, headers)
        elif watched not in self._passwords and watched not in self._extensions:
            watcher.refuse(404, now)
        elif watcher.package == "message-summary" and watched != user:
            watcher.refuse(403, now)
        else:
            self._watchers.accept(watcher, watched)
        return True

    def _recorded(self, user: str) -> None:
        self._watchers.recorded(user, self._registrar.bindings(user, self._engine.now()))
        self._engine.pump()

    def _happened(self, event: Event) -> None:
        """What the extensions' calls do."""
        self._extensions.receive(event)
        if isinstance(event, CallStateChanged | CallEnded):
            self._update_lamps()

    def _update_lamps(self) -> None:
        sessions = [call.session for call in self._engine.calls]
        self._watchers.update(sessions, set(self._bridges.values()))
        self._engine.pump()

    def _session_event(self, event: sip.Event) -> None:
        match event:
            case sip.ResponseReceived():
                self._relay.receive(event)
                return
            case sip.NotifyWanted(watcher):
                self._watchers.tell(watcher)
                return
            case sip.WatcherLeft(watcher):
                self._watchers.forget(watcher)
                return
        session = getattr(event, "session", None)
        bridge = self._bridges.get(session) if session is not None else None
        if bridge is not None:
            bridge.receive(event)
            self._update_lamps()

    def _take(self, call: Call) -> None:
        self._extensions.take(call)


def _is_hidden(request: Request) -> bool:
    """A caller that does not want its name told (RFC 3323, 4.1.1.3); its password was right."""
    return request.from_.uri.host == ANONYMOUS.uri.host
