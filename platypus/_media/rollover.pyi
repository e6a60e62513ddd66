"""Which index a packet of SRTP has where its sender uses several keys (RFC 3711, 3.3.1)."""

class Rollover:
    """One key's, for who protects and opens packets by other functions than libsrtp's own.

    `first` is that of the first key, where all of a sender's are counted.
    """

    def lead(self, first: Rollover, ssrc: int) -> list[bytes]:
        """Packets to protect by this key and open by its session before one of that SSRC."""

    def note(self, first: Rollover, ssrc: int, sequence: int) -> None:
        """A packet was opened by this key's session."""
