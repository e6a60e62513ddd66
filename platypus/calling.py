"""The calls of one engine, and what they share: media loop, ports, sound, file names.

Made with the first call: a phone that only registers loads none of this.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Literal

from platypus.call import Call
from platypus.call_end import Ends
from platypus.call_public import PublicMedia, likely_family
from platypus.call_waiting import hold_others
from platypus.codecs import choose
from platypus.conference import Conferences
from platypus.encryption import Encryption
from platypus.incoming import Reception
from platypus.media.core import MediaCore
from platypus.media.recording import RecordingNames
from platypus.negotiation import Negotiator
from platypus.sip import events as sip
from platypus.sound import Sound, make_source
from platypus.transfer import Transfers
from platypus.wake import Wake

if TYPE_CHECKING:
    from platypus.account import Account
    from platypus.engine import Engine
    from platypus.media.endpoints import Sink, Source
    from platypus.options import IncomingOptions, MediaOptions
    from platypus.sip.session import Session


class Calling:
    """Makes calls, finds the call of a session, and lets go of them."""

    def __init__(
        self,
        engine: Engine,
        options: MediaOptions,
        incoming: IncomingOptions,
        *,
        hold_others: bool = False,
        verifies_servers: bool = True,
    ) -> None:
        self._engine = engine
        self._options = options
        self.verifies_servers = verifies_servers
        if options.codecs is not None:
            choose(options.codecs)  # an unknown codec is told before the first call
        self._encryption()  # and so is an unknown suite
        self._calls: dict[str, Call] = {}
        self._sessions: dict[Session, Call] = {}
        self._numbers = count(1)
        self._wake: Wake | None = None
        self._one_at_a_time = hold_others
        self.addresses = engine.addresses
        self.ends = Ends(engine.pump)
        self.conferences = Conferences(self)
        self.public = PublicMedia(engine.public_address)
        self._reception = Reception(engine, self, incoming)
        self.transfers = Transfers(engine, self, incoming.refer)
        self.media = MediaCore(
            options.rtp_ports,
            random=os.urandom,
            on_start=self._watch,
            call_later=lambda delay, callback: engine.loop.call_later(delay, callback),
        )
        self.sound = Sound(options, engine.publish)
        self.sound.follow(engine.subscribe, lambda: self._calls.values())
        self.recordings = RecordingNames(options.record) if options.record else None

    @property
    def calls(self) -> list[Call]:
        return list(self._calls.values())

    def call(
        self,
        target: str,
        account: Account | None,
        headers: Iterable[tuple[str, str]],
        *,
        source: Source | str | None,
        sink: Sink | None,
        offer: bool,
        start: bool = True,
    ) -> Call:
        call = self.new_call(account, "outgoing")
        if source is not None:
            call.media.set_source(make_source(source) if isinstance(source, str) else source)
        if sink is not None:
            call.media.set_sink(sink)
        asks = start and self.public.wanted
        # No free port is told to whoever calls, not to the far end.
        if self.public.wanted:
            call.media.stream.advertise(likely_family(target, account))
            call.media.stream.reserve()
            if not asks:
                call.media.stream.give_back()
        else:
            call.media.stream.open()
        try:
            session = self._engine.user_agent.invite(
                target,
                account=account.settings if account is not None else None,
                body=call.media.offer if offer else None,
                headers=tuple(headers),
                start=start and not asks,
                now=self._engine.now(),
            )
        except Exception:
            call.media.stream.give_back()
            call.media.stream.close()
            raise
        if offer and session.calling is not None:
            session.calling.second_offer = call.media.second_offer
        call.signals.begin(session)
        self.adopt(session, call)
        if asks:
            self.public.prepare(call, partial(self._start, call))
        # In a turn of its own, so that whoever calls has the call before its first event.
        self._engine.loop.call_soon(self._announce, call)
        return call

    def send(self, call: Call, target: str, headers: Iterable[tuple[str, str]]) -> None:
        """Start a call that was held back until it was known where it goes."""
        self.public.prepare(call, partial(self._send, call, target, tuple(headers)))

    def _send(self, call: Call, target: str, headers: tuple[tuple[str, str], ...]) -> None:
        call.media.stream.open()
        if call.session.calling is not None:
            call.session.calling.send(target, headers, self._engine.now())
        self._engine.pump()

    def _start(self, call: Call) -> None:
        call.media.stream.open()
        if call.session.calling is not None:
            call.session.calling.start(self._engine.now())
        self._engine.pump()

    def new_call(self, account: Account | None, direction: Literal["outgoing", "incoming"]) -> Call:
        if self.media.host != self._engine.address[0]:
            self.media.host = self._engine.address[0]
        return Call(
            self._engine,
            self,
            str(next(self._numbers)),
            account=account,
            negotiator=self._negotiator(),
            direction=direction,
        )

    def take_up(self, call: Call) -> None:
        """Somebody turns to `call`: hold the others where that is wanted."""
        if self._one_at_a_time:
            together = self.conferences.together
            hold_others((each for each in self._calls.values() if not together(each, call)), call)

    def find(self, session: Session | None) -> Call | None:
        """The call of a session, until it has ended."""
        return self._sessions.get(session) if session is not None else None

    def adopt(self, session: Session, call: Call) -> None:
        self._calls[call.id] = call
        self._sessions[session] = call

    def forget(self, call: Call) -> None:
        self._calls.pop(call.id, None)
        self._sessions.pop(call.session, None)

    def give_back(self) -> None:
        """See `Engine.give_back`."""
        if not self._calls:
            self._calls.clear()  # an empty dict keeps the memory of when it was not
            self._sessions.clear()
        self.media.give_back()

    def receive_invite(self, event: sip.IncomingCall) -> None:
        self._reception.receive(event)

    def receive(self, event: sip.Event) -> bool:
        """Whether the event is about one of our calls."""
        if self.transfers.receive(event):
            return True
        call = self.find(getattr(event, "session", None))
        if call is None:
            return False
        call.signals.receive(event)
        return True

    def close(self) -> None:
        for call in self.calls:
            call.media.close()
        self.public.close()
        if self._wake is not None:
            self._wake.close()
        self.sound.close()
        self.media.close()

    def _encryption(self) -> Encryption:
        options = self._options
        return Encryption(
            options.srtp,
            suites=options.srtp_suites,
            random=os.urandom,
            fingerprint=lambda: self.media.certificate().fingerprint,
            dtls_first=options.dtls,
        )

    def _negotiator(self) -> Negotiator:
        options = self._options
        return Negotiator(
            choose(options.codecs),
            in_order=options.codecs is not None,
            suppress_silence=options.suppress_silence,
            random=os.urandom,
            encryption=self._encryption(),
        )

    def _announce(self, call: Call) -> None:
        if not self._engine.running:
            return
        call.signals.announce()
        self._engine.pump()

    def _watch(self, wake_socket: socket.socket) -> None:
        self._wake = Wake(wake_socket, self.media.deliver)
