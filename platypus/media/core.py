"""The media side of one engine: its loop, its ports, and which leg belongs to whom.

The native loop is started with the first stream, so that a phone which only
registers has none. This knows neither asyncio nor calls: whoever owns it watches
`Loop.wake_socket` and calls `deliver`.
"""

from __future__ import annotations

import logging
import socket
from base64 import b64encode
from collections.abc import Callable
from typing import TYPE_CHECKING

from platypus.errors import MediaError
from platypus.media.faults import log_fault
from platypus.media.ports import Ports
from platypus.media.session import MediaSession
from platypus.media.shaking import CallLater

if TYPE_CHECKING:
    from platypus._media.conference import Conference
    from platypus._media.loop import Leg, Loop
    from platypus.media.dtls import Certificate

logger = logging.getLogger("platypus.media")

ANYWHERE = {False: "0.0.0.0", True: "::"}  # noqa: S104 - by whether it is IPv6


class MediaCore:
    """`on_start(wake_socket)` is called once, when the loop was started.

    `host` is where ports are bound: what the engine listens on, so that a call outlives a
    change of the machine's address where that is 0.0.0.0.
    """

    def __init__(
        self,
        rtp_ports: tuple[int, int] | None,
        *,
        random: Callable[[int], bytes],
        on_start: Callable[[socket.socket], None],
        call_later: CallLater,
    ) -> None:
        self.host = "0.0.0.0"  # noqa: S104 - until the engine says what it listens on
        self._ports = Ports(rtp_ports, random)
        self._random = random
        self._on_start = on_start
        self.call_later = call_later
        self._certificate: Certificate | None = None
        self._loop: Loop | None = None
        self._sessions: dict[int, MediaSession] = {}
        self._closed = False

    @property
    def loop(self) -> Loop:
        """Started by whoever asks first."""
        if self._loop is None:
            from platypus._media.loop import Loop  # compiled, and not needed to register

            self._loop = Loop(log=logger.info, error=MediaError)
            self._loop.start()
            self._on_start(self._loop.wake_socket)
        return self._loop

    def certificate(self) -> Certificate:
        """Ours for DTLS, made with the first call that may need it."""
        if self._certificate is None:
            from platypus.media.dtls import Certificate  # with OpenSSL

            self._certificate = Certificate()
        return self._certificate

    @property
    def running(self) -> bool:
        return self._loop is not None and not self._closed

    def mixer(self, rate: int) -> Conference:
        """What the streams of a conference join; it mixes at `rate`."""
        from platypus._media.conference import Conference

        return Conference(rate)

    def session(self, on_event: Callable[..., None]) -> MediaSession:
        return MediaSession(self, on_event)

    def place_for(self, local: str) -> str:
        """What to bind to for a far end that is told `local`: of its family, where that is free."""
        if not local:
            return self.host
        if self.host in ANYWHERE.values():
            return ANYWHERE[":" in local]
        # A single address is listened on; a far end may want its media in the other family.
        return local if (":" in local) != (":" in self.host) else self.host

    def bind(self, place: str) -> tuple[socket.socket, socket.socket]:
        """An RTP and an RTCP socket. Raises MediaError."""
        return self._ports.open(place)

    def open_leg(
        self, session: MediaSession, sockets: tuple[socket.socket, socket.socket]
    ) -> tuple[Leg, int]:
        """A leg and its RTP port; random first values (RFC 3550, 5.1)."""
        loop = self.loop
        rtp, rtcp = sockets
        port = int(rtp.getsockname()[1])
        seed = self._random(22)
        try:
            leg = loop.open_leg(
                rtp,
                rtcp,
                ssrc=int.from_bytes(seed[:4], "big"),
                sequence=int.from_bytes(seed[4:6], "big"),
                timestamp=int.from_bytes(seed[6:10], "big"),
                cname=b64encode(seed[10:]),  # RFC 7022, 4.2: 96 bits, new for every call
            )
        except BaseException:  # else the loop has taken them over, and these are empty shells
            rtp.close()
            rtcp.close()
            raise
        self._sessions[leg.id] = session
        return leg, port

    def move_leg(self, leg: Leg, sockets: tuple[socket.socket, socket.socket]) -> int:
        """Have a leg go on over other sockets; the new RTP port."""
        port = int(sockets[0].getsockname()[1])
        try:
            leg.move(*sockets)
        finally:
            for each in sockets:
                each.close()
        return port

    def forget(self, leg_id: int) -> None:
        self._sessions.pop(leg_id, None)

    def deliver(self) -> None:
        """Hand every waiting event of the loop to the session of its leg.

        A fault in one costs none of the others.
        """
        if self._loop is None:
            return
        for leg_id, kind, *values in self._loop.drain_events():
            session = self._sessions.get(leg_id)
            if session is not None:
                try:
                    session.receive(kind, *values)
                except Exception as problem:
                    log_fault(logger, problem)
        # After the events: a packet that comes from here on wakes again.
        for leg_id, kind, host, port, packet, tag in self._loop.drain_packets():
            session = self._sessions.get(leg_id)
            if session is not None:
                try:
                    session.receive_packet(kind, (host, port), packet, tag)
                except Exception as problem:
                    log_fault(logger, problem)

    def give_back(self) -> None:
        """Free what streams that are over still hold, and let go of memory nobody uses."""
        if not self._sessions:
            self._sessions.clear()  # an empty dict keeps the memory of when it was not
        if self._loop is not None:
            self._loop.give_back()

    def lateness(self) -> dict[str, float | int] | None:
        """How late packets were sent; None while nothing has started."""
        return self._loop.lateness() if self._loop is not None else None

    def close(self) -> None:
        """Stop the loop (at most a second). Idempotent."""
        self._closed = True
        for session in list(self._sessions.values()):
            session.close()
        if self._loop is not None:
            self._loop.close()
        for session in list(self._sessions.values()):
            session.stop_waiting()
