"""A call's media in another family of addresses than its signalling: where they are wanted, we go.

    offer with c=IN IP6, over IPv4 --> answered with an IPv6 address of ours, RTP bound there
    answer with it to ours of IPv4 --> offered anew, the same way
    no way to that address        --> an offer is refused with the reason, of an answer it is told

Which family a far end is offered is not asked here (RFC 6157's two m= lines): what it says of
itself is followed, until it says something else. One that gives a name is left where it is.
"""

from __future__ import annotations

import contextlib
import socket

from platypus.errors import NetworkError, SdpError
from platypus.net.addresses import family_of, local_address_for
from platypus.sdp.addresses import is_name

_NAMES = {socket.AF_INET: "IPv4", socket.AF_INET6: "IPv6"}


class MediaFamily:
    """Our address for the media of one call."""

    def __init__(self) -> None:
        self._theirs: str | None = None  # of the other family than the signalling
        self._ours = ""
        self._beside: socket.AddressFamily | None = None  # that of the signalling, then

    def follow(self, theirs: str | None, local: str) -> None:
        """The far end wants its media at `theirs`, None for nowhere, and knows us at `local`.

        Raises SdpError where we have no way to it.
        """
        if theirs is None:
            return
        family = family_of(theirs)
        if family == family_of(local) or is_name(theirs):
            self._theirs = None
            return
        try:
            self._ours = _bare(local_address_for(theirs, 0))
        except NetworkError as problem:
            name = _NAMES[family]
            raise SdpError(
                f"the media are wanted at {theirs}, and there is no way to it from here over "
                f"{name}; offer an {_NAMES[family_of(local)]} address, or give this machine {name}"
            ) from problem
        self._theirs, self._beside = theirs, family_of(local)

    def local(self, local: str) -> str:
        """What to tell the far end, which knows us at `local`."""
        if self._theirs is None or family_of(local) != self._beside:
            return local
        with contextlib.suppress(NetworkError):  # the last one may come back: there is no other
            self._ours = _bare(local_address_for(self._theirs, 0))
        return self._ours


def _bare(host: str) -> str:
    """Without its zone (RFC 4007, 11), which means nothing to others."""
    return host.partition("%")[0]
