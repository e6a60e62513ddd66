"""Keys that were agreed on, brought to a leg; pylibsrtp is loaded with the first of them.

    Security of the plan -> LegSecurity -> contexts -> Leg.protect, Leg.unprotect

It gives the leg only what changed. Until an answer is known nothing is believed that comes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from platypus.media.keys import Security, SrtpKeys

if TYPE_CHECKING:
    from platypus._media.loop import Leg


class LegSecurity:
    """The encryption of one stream."""

    def __init__(self) -> None:
        self._keys: SrtpKeys | None = None
        self._shut = False

    @property
    def profile(self) -> str | None:
        """What packets are protected by now; None for plain RTP."""
        return self._keys.profile if self._keys is not None else None

    def expect(self, leg: Leg, *, encrypted: bool) -> None:
        """An offer is out, and its answer will say how to read what comes."""
        if self._keys is None and encrypted != self._shut:
            self._shut = encrypted
            leg.unprotect("shut" if encrypted else "plain")

    def apply(self, leg: Leg, security: Security | None) -> None:
        """What was agreed on. Raises MediaError where there is no libsrtp."""
        if isinstance(security, SrtpKeys):
            self._apply_keys(leg, security)
        elif self._keys is not None or self._shut:
            leg.protect("plain")
            leg.unprotect("plain")
            self._keys, self._shut = None, False

    def _apply_keys(self, leg: Leg, keys: SrtpKeys) -> None:
        from platypus.media.srtp import context

        old = self._keys
        if old is None or (old.profile, old.send) != (keys.profile, keys.send):
            leg.protect(context(keys.profile, keys.send, outbound=True))
        if old != keys:
            receiving = context(keys.profile, keys.receive, outbound=False, mki=keys.receive_mki)
            leg.unprotect(receiving)
        self._keys, self._shut = keys, False
