"""SRTP by pylibsrtp's own API, where libsrtp's functions can't be called by address.

    loop -> plain packet -> Relay -> protected packet -> loop -> wire
    wire -> loop -> protected packet -> Relay -> plain packet -> loop

Each packet goes through Python and comes back with the next frame: it is heard 20 ms later and
leaves as late as the program is busy. The rules are those of `_media/guard`: a new receiving
session is tried beside the one in use until it is clear which of them the far end uses.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from platypus._media.rollover import Rollover

if TYPE_CHECKING:
    from platypus._media.loop import Leg

TRIAL_PACKETS = 100
MAX_SSRCS = 64


class Session(Protocol):
    """What is used of pylibsrtp.Session."""

    def protect(self, packet: bytes) -> bytes: ...
    def protect_rtcp(self, packet: bytes) -> bytes: ...
    def unprotect(self, packet: bytes) -> bytes: ...
    def unprotect_rtcp(self, packet: bytes) -> bytes: ...


@dataclass(slots=True)
class Receiver:
    """One session to open packets by, and what its packets carry beside."""

    session: Session = field(repr=False)
    mki: bytes = b""
    rtp_tag: int = 0
    rtcp_tag: int = 0
    beside: Receiver | None = None  # of another key, if its MKI stands in the packet
    same_key: Session | None = field(default=None, repr=False)  # that protects, of several keys
    rollover: Rollover = field(default_factory=Rollover, repr=False)
    ssrcs: set[bytes] = field(default_factory=set)

    def open(self, packet: bytes, *, rtcp: bool) -> bytes | None:
        """None for what is refused. Of several keys this is the first."""
        end = max(len(packet) - (self.rtcp_tag if rtcp else self.rtp_tag), 0)
        begin = max(end - len(self.mki), 0)  # all of a sender's are as long
        mki, bare = packet[begin:end], packet[:begin] + packet[end:]
        used: Receiver | None = self
        while used is not None and used.mki != mki:
            used = used.beside
        if used is None:  # whether its key is the right one is for the tag to say
            used, bare = self, packet
        return used._open(bare, self, rtcp=rtcp)

    def _open(self, bare: bytes, first: Receiver, *, rtcp: bool) -> bytes | None:
        ssrc = bare[4:8] if rtcp else bare[8:12]
        if ssrc not in self.ssrcs and len(self.ssrcs) >= MAX_SSRCS:
            return None
        if self.same_key is not None and not rtcp:  # RTCP says its index itself
            self._lead(self.same_key, first, int.from_bytes(ssrc, "big"))
        opened = self._unprotect(bare, rtcp=rtcp)
        if opened is None:
            return None
        self.ssrcs.add(ssrc)
        if self.same_key is not None and not rtcp:
            sequence = int.from_bytes(bare[2:4], "big")
            self.rollover.note(first.rollover, int.from_bytes(ssrc, "big"), sequence)
        return opened

    def _lead(self, same_key: Session, first: Receiver, ssrc: int) -> None:
        """To where the stream is, which other keys have counted meanwhile (`_media/rollover`)."""
        for packet in self.rollover.lead(first.rollover, ssrc):
            self._unprotect(same_key.protect(packet), rtcp=False)

    def _unprotect(self, bare: bytes, *, rtcp: bool) -> bytes | None:
        try:
            return self.session.unprotect_rtcp(bare) if rtcp else self.session.unprotect(bare)
        except Exception:  # pylibsrtp's Error, or whatever it makes of what is no packet
            return None


class Relay:
    """Both directions of one leg."""

    def __init__(self, leg: Leg, log: Callable[[str], None]) -> None:
        self.refused = 0
        self._leg = leg
        self._log = log
        self._sender: Session | None = None
        self._receiver: Receiver | None = None
        self._candidate: Receiver | None = None
        self._trial: float = 0

    def send_by(self, session: Session) -> None:
        self._sender = session
        self._leg.protect("relayed")

    def receive_by(self, receiver: Receiver, *, same_key: bool = False) -> None:
        if self._receiver is None:
            self._receiver = receiver
        else:
            self._candidate = receiver
            self._trial = TRIAL_PACKETS if same_key else math.inf
        self._leg.unprotect("relayed")

    def receive(self, kind: str, address: tuple[str, int], packet: bytes, tag: int) -> None:
        """A packet of `Loop.drain_packets` that this leg wants opened or protected."""
        rtcp = kind.endswith("rtcp")
        if kind.startswith("seal"):
            self._seal(packet, address, rtcp=rtcp, rtcp_socket=bool(tag))
            return
        opened = self._open(packet, rtcp=rtcp)
        if opened is None:
            self.refused += 1
        else:
            self._leg.deliver(opened, address, tag)

    def _seal(
        self, packet: bytes, address: tuple[str, int], *, rtcp: bool, rtcp_socket: bool
    ) -> None:
        if self._sender is None:
            return
        try:
            sealed = self._sender.protect_rtcp(packet) if rtcp else self._sender.protect(packet)
        except Exception as problem:
            self._log(f"a packet could not be encrypted: {problem}")
            return
        self._leg.transmit(sealed, address, rtcp_socket=rtcp_socket)

    def _open(self, packet: bytes, *, rtcp: bool) -> bytes | None:
        used, other = self._receiver, self._candidate
        if used is None:
            return None
        opened = used.open(packet, rtcp=rtcp)
        if other is None or self._trial <= 0:
            return opened
        if opened is not None:
            self._trial -= 1
            return opened
        opened = other.open(packet, rtcp=rtcp)
        if opened is not None:
            self._receiver, self._candidate, self._trial = other, used, TRIAL_PACKETS
        return opened
