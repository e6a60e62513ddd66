"""A DTLS handshake on a leg: its packets through the loop, its timer on the engine's clock.

    leg -> drain_packets -> Shaking -> dtls.Handshake -> Shaking -> leg.transmit

It ends with `done(keys)` or `failed(why)`, once. Afterwards it goes on answering whoever has
not heard the last word. As long as nobody knows where the other side is (it holds the call by
0.0.0.0, or its name is looked up) it does not begin, and nobody is impatient.

Nothing in a handshake proves who sent it before its end. So once the address of the description
is heard, others are not. Until then somebody else may be the far end behind a NAT; but they can't
end the handshake by an alert, and what they spoil is begun anew.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Protocol

from platypus.media.keys import DtlsPeer

if TYPE_CHECKING:
    from platypus._media.loop import Leg
    from platypus.media.dtls import Certificate, Keys

Address = tuple[str, int]

LIMIT = 15.0  # seconds for all of it: six repetitions
SPOILT_MAX = 8  # times; then nobody else is heard either
LEAST = 0.05  # OpenSSL's timer is not asked again at once for what it is a hair early with


class Timer(Protocol):
    """What `call_later` gives."""

    def cancel(self) -> None: ...


CallLater = Callable[[float, Callable[[], None]], Timer]


def begins(packet: bytes) -> bool:
    """Whether this is the first word of a handshake: a ClientHello in the clear (RFC 6347, 4.3)."""
    return len(packet) > 25 and packet[0] == 22 and packet[3:5] == bytes(2) and packet[13] == 1


def complains(packet: bytes) -> bool:
    """Whether one of these records is an alert in the clear."""
    at = 0
    while at + 13 <= len(packet):
        if packet[at] == 21 and packet[at + 3 : at + 5] == bytes(2):
            return True
        at += 13 + int.from_bytes(packet[at + 11 : at + 13], "big")
    return False


class Shaking:
    """One handshake."""

    def __init__(
        self,
        leg: Leg,
        peer: DtlsPeer,
        certificate: Certificate,
        call_later: CallLater,
        *,
        done: Callable[[Keys], None],
        failed: Callable[[str], None],
    ) -> None:
        from platypus.media.dtls import Handshake

        self._leg = leg
        self._call_later = call_later
        self._done, self._failed = done, failed
        self._remote: Address | None = None
        self._said: Address | None = None  # by the description
        self._closed = False  # to all but who is there
        self._spoilt = 0
        self._make = partial(
            Handshake, certificate, client=peer.client, fingerprints=peer.fingerprints
        )
        self._handshake = self._make()
        self._told = False
        self._timer: Timer | None = None
        self._limit: Timer | None = None

    def start(self, remote: Address | None) -> None:
        """Say the first word, if it is ours, to where the description says."""
        self._said = remote
        self._aim(remote)
        self._go_on()

    def move(self, remote: Address) -> None:
        """The description says another address now."""
        self._said, self._closed = remote, False
        self._aim(remote)
        self._go_on()

    def receive(self, packet: bytes, source: Address) -> None:
        """A datagram that came to the leg. Behind a NAT it comes from another address."""
        if not packet or not 20 <= packet[0] < 64:  # RFC 7983, 7: STUN is for others
            return
        known = self._said in (None, source)
        if not self._told:
            if not known and (self._closed or complains(packet)):
                return
            self._closed = self._closed or source == self._said
            self._aim(source)
        self._handshake.receive(packet)
        if self._told or known or not self._failed_by_now:
            self._go_on()
        else:
            self._begin_anew()

    @property
    def _failed_by_now(self) -> bool:
        from platypus.media.dtls import State

        return self._handshake.state is State.FAILED

    def _begin_anew(self) -> None:
        self._spoilt += 1
        self._closed = self._spoilt >= SPOILT_MAX
        self._remote, self._handshake = self._said, self._make()
        self._handshake.start()
        self._go_on()

    def close(self) -> None:
        self._told = True
        self._stop_timer()
        self._stop_limit()

    def _aim(self, remote: Address | None) -> None:
        self._remote = remote
        if remote is not None and self._limit is None and not self._told:
            self._limit = self._call_later(LIMIT, self._too_long)
            self._handshake.start()

    def _go_on(self) -> None:
        from platypus.media.dtls import State

        for datagram in self._handshake.to_send():
            if self._remote is not None and not self._leg.closed:
                self._leg.transmit(datagram, self._remote)
        self._stop_timer()
        if self._handshake.state is State.FAILED:
            self._fail(self._handshake.problem)
            return
        keys = self._handshake.keys
        if keys is not None and not self._told:
            self._told = True
            self._stop_limit()
            self._done(keys)
            if self._leg.closed:
                return  # they could not be used
        wait = self._handshake.next_timeout()
        if wait is not None:
            self._timer = self._call_later(max(wait, LEAST), self._timeout)

    def _timeout(self) -> None:
        self._timer = None
        self._handshake.handle_timeout()
        self._go_on()

    def _too_long(self) -> None:
        self._fail(f"the other side did not finish the DTLS handshake within {LIMIT:.0f} s")

    def _fail(self, problem: str) -> None:
        if not self._told:
            self.close()
            self._failed(problem)

    def _stop_limit(self) -> None:
        if self._limit is not None:
            self._limit.cancel()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
