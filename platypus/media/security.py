"""Keys that were agreed on, brought to a leg; libsrtp and OpenSSL are loaded with the first.

    SrtpKeys of the plan ---------------------> contexts -> Leg.protect, Leg.unprotect
    DtlsPeer of the plan -> Shaking -> its keys -^

It gives the leg only what changed. Until it is known what was agreed, and with DTLS until the
other side has proved who it is, nothing is believed that comes and nothing is sent. A far end
that moves, or begins anew, may shake hands again: what was agreed serves until it has. One that
wants no connection for now (RFC 4145, 4.1) is waited for with the stream shut; an association
that there is by then is kept.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from platypus.errors import MediaError
from platypus.media.faults import FAULT, log_fault
from platypus.media.keys import DtlsPeer, Security, SrtpKeys
from platypus.media.shaking import Address, CallLater, Shaking, begins

if TYPE_CHECKING:
    from platypus._media.loop import Leg
    from platypus.media.dtls import Certificate, Keys
    from platypus.media.relay import Relay

logger = logging.getLogger("platypus.media")

MAX_EARLY = 8  # handshake packets that overtake the answer: more are repeated anyhow


class LegSecurity:
    """The encryption of one stream.

    `certificate` gives ours. `changed()` is called when a handshake has brought keys,
    `failed(why)` when it brings none.
    """

    def __init__(
        self,
        certificate: Callable[[], Certificate],
        call_later: CallLater,
        *,
        changed: Callable[[], None],
        failed: Callable[[str], None],
    ) -> None:
        self._certificate = certificate
        self._call_later = call_later
        self._changed, self._failed = changed, failed
        self._keys: SrtpKeys | None = None
        self._sealers: dict[tuple[str, bytes], Any] = {}  # by key: in use, and the one before
        self._peer: DtlsPeer | None = None
        self._shaking: Shaking | None = None
        self._again: Shaking | None = None  # beside it, once that has brought keys
        self._leg: Leg | None = None  # of the handshake
        self._remote: Address | None = None
        self._listens = self._asks = self._takes = False
        self._early: list[tuple[bytes, Address]] = []
        self._relay: Relay | None = None
        self._shut = self._proved = False

    @property
    def profile(self) -> str | None:
        """What packets are protected by now; None for plain RTP."""
        return self._keys.profile if self._keys is not None else None

    @property
    def pending(self) -> bool:
        """Whether keys have to come by a handshake before anything is heard."""
        return self._shut and self._keys is None

    @property
    def verified(self) -> bool:
        """Whether the other side has proved by DTLS to be who the description says."""
        return self._proved

    @property
    def refused(self) -> int:
        """Packets that did not authenticate, of those that the loop can't judge itself."""
        return self._relay.refused if self._relay is not None else 0

    def expect(self, leg: Leg, *, encrypted: bool) -> None:
        """An offer is out, and its answer will say how to read what comes."""
        if self._keys is None and self._peer is None and encrypted != self._shut:
            self._shut = encrypted
            leg.unprotect("shut" if encrypted else "plain")
            self._listen(leg, encrypted)  # RFC 5763, 5: a handshake may overtake the answer

    def apply(self, leg: Leg, security: Security | None, remote: Address | None) -> None:
        """What was agreed on. Raises MediaError where there is no libsrtp."""
        if isinstance(security, DtlsPeer):
            self._apply_peer(leg, security, remote)
            return
        self._end_handshake()
        self._listen(leg, False)
        if isinstance(security, SrtpKeys):
            self._apply_keys(leg, security)
        elif self._keys is not None or self._shut:
            leg.protect("plain")
            leg.unprotect("plain")
            self._keys, self._relay, self._shut = None, None, False

    def receive(self, kind: str, address: Address, packet: bytes, tag: int) -> None:
        """A packet for Python of this leg."""
        if kind != "outside":
            if self._relay is not None:
                self._relay.receive(kind, address, packet, tag)
        elif self._shaking is not None:
            self._shaking.receive(packet, address)
            if self._again is None and self._proved and not self._is_client and begins(packet):
                self._shake_again(address)
            if self._again is not None:
                self._again.receive(packet, address)
        elif len(self._early) < MAX_EARLY:
            self._early.append((packet, address))

    def close(self) -> None:
        """Nothing leads from here to whoever is told any more."""
        self._end_handshake()
        self._relay, self._sealers = None, {}
        self._changed, self._failed = _nobody, _nobody

    def _apply_peer(self, leg: Leg, peer: DtlsPeer, remote: Address | None) -> None:
        if peer.held:
            self._wait(leg)
            return
        if peer == self._peer:
            self._move(remote)
            return
        if self._proved and self._peer is not None and peer.fingerprints == self._peer.fingerprints:
            # RFC 8842, 3.1: other roles, and so another association, if there comes one.
            self._peer, self._remote = peer, remote
            self._shake_again(remote)
            return
        if self._keys is None:
            leg.protect("shut")
            leg.unprotect("shut")
        elif self._peer is None:
            self._keys = None  # those of a description: a handshake replaces them
            leg.protect("shut")
            leg.unprotect("shut")
        self._end_handshake()
        self._peer, self._shut = peer, True
        self._leg, self._remote = leg, remote
        self._listen(leg, True)
        self._shaking = self._shake(leg, peer, done=self._shaken, failed=self._failed)
        self._shaking.start(remote)
        early, self._early = self._early, []
        for packet, source in early:
            if self._shaking is not None:
                self._shaking.receive(packet, source)

    def _wait(self, leg: Leg) -> None:
        """For another offer, before there is any handshake."""
        if self._proved:
            return
        self._end_handshake()
        leg.protect("shut")
        leg.unprotect("shut")
        self._keys, self._relay, self._shut = None, None, True
        self._listen(leg, True)  # it may overtake the answer that allows it

    def _shake(
        self,
        leg: Leg,
        peer: DtlsPeer,
        *,
        done: Callable[[Keys], None],
        failed: Callable[[str], None],
    ) -> Shaking:
        certificate, call_later = self._certificate(), self._call_later
        return Shaking(leg, peer, certificate, call_later, done=done, failed=failed)

    @property
    def _is_client(self) -> bool:
        return self._peer is not None and self._peer.client

    def _move(self, remote: Address | None) -> None:
        """RFC 5763, 6.6: at another address there may be another association."""
        if remote is None or remote == self._remote:
            return
        known, self._remote = self._remote is not None, remote
        if not self._proved and self._shaking is not None:
            self._shaking.move(remote)
        elif known and self._is_client:
            self._shake_again(remote)

    def _shake_again(self, remote: Address | None) -> None:
        self._end_again()
        if self._leg is not None and self._peer is not None:
            # One that comes to nothing ends nothing: there are keys that serve.
            self._again = self._shake(
                self._leg, self._peer, done=self._shaken_again, failed=lambda _: self._end_again()
            )
            self._again.start(remote)

    def _shaken_again(self, keys: Keys) -> None:
        if self._shaking is not None:
            self._shaking.close()
        self._shaking, self._again = self._again, None
        self._shaken(keys)

    def _shaken(self, keys: Keys) -> None:
        if self._leg is None or self._leg.closed:
            return
        before = self.profile
        try:
            self._apply_keys(self._leg, SrtpKeys(keys.profile, keys.send, keys.receive))
        except MediaError as problem:
            self._failed(str(problem))
            return
        except Exception as problem:
            log_fault(logger, problem)
            self._failed(FAULT)
            return
        self._proved = True
        if self.profile != before:
            self._changed()

    def _end_handshake(self) -> None:
        self._end_again()
        if self._shaking is not None:
            self._shaking.close()
            self._shaking = None
        self._peer, self._proved = None, False

    def _end_again(self) -> None:
        if self._again is not None:
            self._again.close()
            self._again = None

    def ask(self, leg: Leg, on: bool) -> None:
        """Whether somebody else waits for packets that are no RTP as well."""
        self._asks = on
        self._listen(leg, self._listens)

    def _listen(self, leg: Leg, on: bool) -> None:
        """Whether the loop bothers Python with packets that are no RTP."""
        self._listens = on
        if self._takes != (on or self._asks):
            self._takes = not self._takes
            leg.take_packets(self._takes)

    def _apply_keys(self, leg: Leg, keys: SrtpKeys) -> None:
        from platypus.media import srtp

        if srtp.NATIVE is None:
            self._relay_keys(leg, keys)
        else:
            old, sealing, opening = self._keys, None, None
            if old is None or (old.profile, old.send) != (keys.profile, keys.send):
                sealing = self._sealer(keys, srtp.context)
            if old != keys:
                mki, others = keys.receive_mki, keys.receive_others
                opening = srtp.context(
                    keys.profile, keys.receive, outbound=False, mki=mki, others=others
                )
            # Both are there now: the leg gets all or nothing.
            if sealing is not None:
                leg.protect(sealing)
            if opening is not None:
                leg.unprotect(opening, same_key=_same_key(old, keys))
        self._keys, self._shut = keys, False

    def _sealer(self, keys: SrtpKeys, make: Callable[..., Any]) -> Any:
        """What seals by our key. A change that is taken back brings the one before again.

        It goes on where it was: begun anew its rollover counter would not be the far end's, and
        it would seal by numbers that it has used (RFC 3711, 3.3.1 and 9.1).
        """
        key = keys.profile, keys.send
        sealer = self._sealers.pop(key, None)
        if sealer is None:
            sealer = make(*key, outbound=True)
        self._sealers = {**dict([*self._sealers.items()][-1:]), key: sealer}
        return sealer

    def _relay_keys(self, leg: Leg, keys: SrtpKeys) -> None:
        """Through Python, packet for packet."""
        from platypus.media import srtp
        from platypus.media.relay import Receiver, Relay

        old, profile = self._keys, srtp.PROFILES[keys.profile]
        if self._relay is None:
            self._relay = Relay(leg, logger.warning)
        if old is None or (old.profile, old.send) != (keys.profile, keys.send):
            self._relay.send_by(self._sealer(keys, srtp.session))
        if old != keys:
            receiver: Receiver | None = None
            for key, mki in (*keys.receive_others, (keys.receive, keys.receive_mki)):
                session = srtp.session(keys.profile, key, outbound=False)
                receiver = Receiver(session, mki, profile.rtp_tag, profile.rtcp_tag, receiver)
                if keys.receive_others:
                    receiver.same_key = srtp.session(keys.profile, key, outbound=True)
            assert receiver is not None  # noqa: S101 - there is one key at least
            self._relay.receive_by(receiver, same_key=_same_key(old, keys))


def _same_key(old: SrtpKeys | None, new: SrtpKeys) -> bool:
    return old is not None and (old.profile, old.receive) == (new.profile, new.receive)


def _nobody(*_: object) -> None:
    """Who is told of a stream that has ended."""
