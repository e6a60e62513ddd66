"""What offer and answer agreed on about encryption, as a stream needs it. No key is in a repr."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class SrtpKeys:
    """SDES (RFC 4568): both master keys, each followed by its salt.

    `agreement` counts offers and answers. Each brings a new receiving context, also where the
    key is the same: the other side may have begun anew.
    """

    profile: str  # as in `media.srtp.PROFILES`
    send: bytes = field(repr=False)
    receive: bytes = field(repr=False)
    receive_mki: bytes = b""
    agreement: int = 0
    # More keys to receive by, each with its MKI: the far end may change to one at any packet.
    receive_others: tuple[tuple[bytes, bytes], ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class DtlsPeer:
    """DTLS-SRTP (RFC 5763): whose certificate it has to be, and who begins.

    `held` (RFC 4145, 4.1): nobody does, until another offer and answer say who.
    """

    client: bool  # we do
    fingerprints: tuple[tuple[str, bytes], ...]  # name of the hash, and what it gives
    held: bool = False


Security = SrtpKeys | DtlsPeer
