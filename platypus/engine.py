"""The phone without a face: signalling, media and the calls over them, on one asyncio loop.

    async with Engine() as phone:
        async with phone.account("sip:alice@example.com", password="...") as account:
            await account.registered()
            async with account.call("600") as call:
                await call.answered()

It starts no Python thread but the loop's executor, for names to resolve; the
media run in a native thread of their own, started with the first call. Several
engines in one process know nothing of each other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from platypus._version import __version__
from platypus.account import Account
from platypus.core import Core
from platypus.dispatch import Dispatch
from platypus.errors import ConfigError
from platypus.forwarding import CallRules
from platypus.leaving import leave
from platypus.net import locate
from platypus.notices import Notices
from platypus.options import (
    DEFAULT_SUITES,
    EchoRule,
    IncomingOptions,
    IntercomRule,
    MediaOptions,
    ReferRule,
    SrtpRule,
    WatcherRule,
    checked_stun,
    one_line,
    user_agent_settings,
)
from platypus.queries import Queries
from platypus.registering import Registering
from platypus.sip import caches
from platypus.sip import events as sip
from platypus.sip.settings import AccountSettings, Prack
from platypus.targets import by_transport, complete, parse_account

if TYPE_CHECKING:
    from platypus.call import Call
    from platypus.calling import Calling
    from platypus.conference import Conference
    from platypus.media.endpoints import Sink, Source
    from platypus.net.tls import TlsSettings
    from platypus.sip.message import Response
    from platypus.sip.registration import Registration
    from platypus.sound import Sound


class Engine(Core):
    """One phone. `async with` binds its sockets, and hangs up and unregisters at the end.

    `listen` is a numeric host and a port, 0 for any free one, for UDP and TCP; for
    TLS instead of TCP where `transport` says so and `tls` has a certificate. `tls` says
    whom to trust as well. `rtp_ports` are the
    lowest and highest port for media. `audio` is what far ends hear: `system` (the
    sound card), `null`, `tone`, `echo`, `speech`, `wav:FILE` or `wav-loop:FILE`;
    `input`, `output` and `ring` name sound devices to talk, listen and ring on; `ring_tone` is a
    WAV file instead of our bell, `country` (two letters) says whose ringback and busy tones are
    heard. `echo_cancelling` is `on`, `off` or, with the extra `aec`, `auto`: where a microphone can
    hear a loudspeaker. `record` is a WAV file for what is played, numbered from the second call on.

    With `suppress_silence` comfort noise is agreed on where the far end has it, and sent instead of
    silence (RFC 3389); Opus then sends nothing in silence either.

    `srtp` is `off`, `prefer` (keys are offered where the signalling is TLS, and taken anywhere) or
    `require` (no call without); `srtp_suites` are those of RFC 4568 and 7714, in the order of
    preference. With `dtls` DTLS-SRTP is offered instead of keys.

    Calls that come in ring and wait, unless they go to another user than `user`
    (404), are more than `max_calls` (486), all are to be refused (`reject`), or are
    answered after `auto_answer` seconds. `incoming(call)` decides instead of that.
    `refer` says what becomes of a transfer that the far end of an answered call asks
    for: `accept` it, `ask` (`TransferRequested`) or `refuse`.
    `handlers` take requests by their method, as `sip.events.RequestReceived`; the
    one for INVITE gets `sip.events.IncomingCall` and returns true for a session it
    takes over, whose later events go to `session_events`; the one for SUBSCRIBE likewise
    with `sip.events.WatcherArrived` for one of `packages`.

    `intercom` says whose wish to be answered by itself is granted (`Call-Info` with
    `answer-after`, `Alert-Info`): `never`, the account's `server`'s, or `anyone`'s. With
    `hold_others` whoever takes up a call, or makes one, puts the others on hold. Do not
    disturb and forwarding are `rules`. A call of ours is redirected at most
    `max_redirects` times.

    `prack` is `answer`, `support`, `require`, `serve` or `off` (RFC 3262; `sip.settings.Prack`).
    `session_expires` and `min_se` are the seconds of session timers asked for, 0 for none,
    and the least that is taken (RFC 4028).

    `stun` is the host and port of a server that is asked where others see us, for signalling and
    media (RFC 8489): for where the PBX does not help a phone behind a router.

    `watchers` are who may see our calls as dialog state (RFC 4235): the `server` of an
    account, or without any account whoever asks; `anybody`; `nobody`.
    """

    def __init__(
        self,
        *,
        listen: tuple[str, int] = ("0.0.0.0", 0),  # noqa: S104 - a phone is to be called
        rtp_ports: tuple[int, int] | None = None,
        codecs: Sequence[str] | None = None,
        suppress_silence: bool = False,
        user_agent: str | None = None,
        audio: str = "null",
        record: str | None = None,
        srtp: SrtpRule = "prefer",
        srtp_suites: Sequence[str] = DEFAULT_SUITES,
        dtls: bool = False,
        input: str | None = None,
        output: str | None = None,
        ring: str | None = None,
        ring_tone: str | None = None,
        country: str | None = None,
        echo_cancelling: EchoRule = "auto",
        user: str | None = None,
        max_calls: int | None = None,
        auto_answer: float | None = None,
        reject: int | None = None,
        refer: ReferRule = "accept",
        intercom: IntercomRule = "never",
        hold_others: bool = False,
        max_redirects: int = 5,
        rules: CallRules = CallRules(),  # noqa: B008 - a frozen value
        incoming: Callable[[Call], None] | None = None,
        handlers: Mapping[str, Callable[[Any], Any]] | None = None,
        session_events: Callable[[sip.Event], None] | None = None,
        instance_id: str | None = None,
        transport: Literal["udp", "tcp", "tls"] = "udp",
        tls: TlsSettings | None = None,
        prack: Prack = "answer",
        session_expires: int = 1800,
        min_se: int = 90,
        packages: Sequence[str] = ("dialog",),
        watchers: WatcherRule = "server",
        stun: tuple[str, int] | None = None,
    ) -> None:
        settings = user_agent_settings(
            user_agent=user_agent or f"Platypus/{__version__}",
            max_redirects=max_redirects,
            handled=handlers or {},
            packages=packages,
            prack=prack,
            session_expires=session_expires,
            min_se=min_se,
        )
        super().__init__(settings, listen=listen, transport=transport, tls=tls)
        self._instance_id = instance_id and one_line("instance_id", instance_id)
        self.public_address = self._ask(checked_stun(stun))
        self._media_options = MediaOptions(
            codecs=tuple(codecs) if codecs is not None else None,
            suppress_silence=suppress_silence,
            rtp_ports=rtp_ports,
            audio=audio,
            input=input,
            output=output,
            ring=ring,
            ring_tone=ring_tone,
            country=country,
            echo_cancelling=echo_cancelling,
            record=record,
            srtp=srtp,
            srtp_suites=tuple(srtp_suites),
            dtls=dtls,
        )
        self._verifies_servers = tls is None or tls.verify or bool(tls.pins)
        self._incoming_options = IncomingOptions(
            user=user,
            max_calls=max_calls,
            reject=reject,
            auto_answer=auto_answer,
            decide=incoming,
            refer=refer,
            intercom=intercom,
        )
        self._hold_others = hold_others
        self._rules = rules
        self._calling: Calling | None = None
        self.notices = Notices(self, watchers)
        self.registering = Registering(self.notices)
        self._queries = Queries(self)
        self._dispatch = Dispatch(
            self,
            registering=self.registering,
            queries=self._queries,
            notices=self.notices,
            handlers=handlers or {},
            session_events=session_events,
        )

    @property
    def accounts(self) -> list[Account]:
        """In the order they were added; the first is the default for calls."""
        return list(self.registering.accounts)

    @property
    def default_account(self) -> Account | None:
        """Whose host completes a number where no account is named."""
        return next(iter(self.registering.accounts), None)

    @property
    def rules(self) -> CallRules:
        """Do not disturb, and where calls are forwarded to; may be set at any time.

        `engine.rules = CallRules(forward_busy="600")`. Raises StateError for a target that
        can't be called.
        """
        return self._rules

    @rules.setter
    def rules(self, rules: CallRules) -> None:
        for target in rules.targets:
            self.complete(target, self.default_account)
        self._rules = rules

    @property
    def calls(self) -> list[Call]:
        """Those that have not ended, the newest last."""
        return self._calling.calls if self._calling is not None else []

    def give_back(self) -> None:
        """Free what calls that are over still hold, and let go of memory that nobody uses.

        For whoever sees that there are no calls; what was held is reused by the next ones.
        """
        caches.forget()
        locate.target.cache_clear()
        self._pump.transport.forget_routes()
        if self._calling is not None:
            self._calling.give_back()

    @property
    def has_called(self) -> bool:
        """Whether there were calls, so that `calling` makes nothing new."""
        return self._calling is not None

    @property
    def sound(self) -> Sound:
        """The sound devices: which there are and which are used, volumes, levels."""
        return self.calling.sound

    @property
    def calling(self) -> Calling:
        """The calls and their media: made with the first, so that registering needs none of it."""
        if self._calling is None:
            from platypus.calling import Calling

            self._calling = Calling(
                self,
                self._media_options,
                self._incoming_options,
                hold_others=self._hold_others,
                verifies_servers=self._verifies_servers,
            )
        return self._calling

    def account(
        self,
        aor: str,
        *,
        password: str | None = None,
        auth_user: str | None = None,
        registrar: str | None = None,
        outbound_proxy: str | None = None,
        display_name: str = "",
        anonymous: bool = False,
        expires: int = 300,
        register: bool = True,
        mwi: bool = False,
    ) -> Account:
        """Add an account, and begin to register it. What comes of it is told by events.

        What a server tells of its mailbox unasked is always taken; `mwi` subscribes to it.
        An `anonymous` one calls without its name, and asks the network to keep it (RFC 3325).
        """
        self.now()  # says at once that the engine is not running
        if expires < 1:
            raise ConfigError(f"expires is a number of seconds, at least 1, not {expires}")
        uri = parse_account(aor)
        transport = uri.transport or self.transport
        settings = AccountSettings(
            aor=str(uri),
            auth_user=auth_user,
            password=password,
            registrar=by_transport(registrar or str(uri), transport),
            expires=expires,
            outbound_proxy=outbound_proxy and by_transport(outbound_proxy, transport),
            display_name=display_name,
            anonymous=anonymous,
            instance_id=self._instance_id,
        )
        account = Account(self, settings, uri, mwi=mwi)
        self.registering.add(account, register=register)
        return account

    def call(
        self,
        to: str,
        *,
        account: Account | None = None,
        headers: Iterable[tuple[str, str]] = (),
        source: Source | str | None = None,
        sink: Sink | None = None,
        offer: bool = True,
    ) -> Call:
        """Call a SIP URI, or a number or user part at the account's host (default: the first).

        `source` and `sink` are used instead of the engine's audio. Without `offer` the far
        end makes the offer (RFC 3261, 14.1). Raises StateError for an address that isn't
        one, MediaError when no port is free.
        """
        self.now()
        account = account or self.default_account
        call = self.calling.call(
            self.complete(to, account), account, headers, source=source, sink=sink, offer=offer
        )
        self.calling.take_up(call)
        return call

    def watch(self, to: str, package: str = "dialog", *, account: Account | None = None) -> None:
        """Be told what `to` does: `dialog`, `presence` or `message-summary` (RFC 6665).

        `Notified` and `MessageWaiting` tell, soon and whenever it changes, until `unwatch`;
        a subscription that fails is `ErrorOccurred`. Raises StateError.
        """
        account = account or self.default_account
        self.notices.watching.watch(self.complete(to, account), package, account)

    def unwatch(self, to: str, package: str = "dialog") -> None:
        """Not any more. Raises StateError where it was not watched."""
        self.now()
        self.notices.watching.unwatch(self.complete(to, self.default_account), package)

    def message(self, to: str, text: str, *, account: Account | None = None) -> None:
        """Send a text of at most 1,300 bytes as UTF-8 (RFC 3428); ErrorOccurred if it is refused.

        Raises StateError for a text that can't be sent, and as `call` does.
        """
        self.now()
        account = account or self.default_account
        self.notices.messaging.send(self.complete(to, account), text, account)

    def pick_up(self, to: str, *, account: Account | None = None) -> Call:
        """Take the call that rings at `to`, asking there for its dialog state if need be.

        Raises StateError where it is watched and nothing rings; otherwise a call that can't
        be had ends without a code.
        """
        self.now()
        account = account or self.default_account
        call = self.notices.pickups.pick_up(self.complete(to, account), account)
        self.calling.take_up(call)
        return call

    def conference(self, *calls: Call) -> Conference:
        """Mix answered calls here, so that everybody hears everybody else; held ones are resumed.

        Where one of them is in a conference already, the others come to it. Raises StateError.
        """
        self.now()
        return self.calling.conferences.confer(calls)

    def find_call(self, call_id: str) -> Call | None:
        """The call with this `id`, None if there is none or it has ended."""
        return next((call for call in self.calls if call.id == call_id), None)

    async def options(self, to: str, *, account: Account | None = None) -> Response:
        """Ask what `to` can do (RFC 3261, 11). Raises NetworkError when nothing comes back."""
        settings = account.settings if account is not None else None
        return await self._queries.options(self.complete(to, account), settings)

    def media_lateness(self) -> dict[str, float | int] | None:
        """How late packets were sent; None while there was no call."""
        return self._calling.media.lateness() if self._calling is not None else None

    def complete(self, to: str, account: Account | None) -> str:
        """`to` as a SIP URI; StateError where it can't become one."""
        if account is None:
            return by_transport(complete(to, None), self.transport)
        uri = complete(to, account.uri)
        if account.settings.outbound_proxy:
            return uri  # the proxy's own URI says how to get there
        return by_transport(uri, account.uri.transport or self.transport)

    def adopt(self, registration: Registration, account: Account) -> None:
        """What the machine says of `registration` is for `account`."""
        self.registering.adopt(registration, account)

    def _receive(self, event: sip.Event) -> None:
        self._dispatch.receive(event)

    async def _prepare(self) -> None:
        if self._media_options not in (MediaOptions(), MediaOptions(audio="system")):
            # Says now what is wrong with them, not at the first call.
            await self.calling.sound.prepare(recorded=self._media_options.record is not None)

    def _started(self) -> None:
        self.registering.start(self.loop, self._pump.transport, self.recovery)

    async def _leave(self, timeout: float) -> None:  # noqa: ASYNC109 - bounded
        await leave(self, timeout)

    def _shut(self) -> None:
        if self._calling is not None:
            self._calling.close()
        self.registering.close()
        self._queries.close()
