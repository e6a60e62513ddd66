"""SRTP and SRTCP (RFC 3711, RFC 7714) of one direction, by libsrtp's functions."""

class Context:
    """One direction of one call, with one master key.

    `session` is the address of an `srtp_t` that `owner` keeps alive, `rtp` and `rtcp` are
    those of the two functions that work on it: libsrtp's to protect, or those to unprotect.
    The tags are the bytes that stand behind an MKI. `beside` is of another key that the sender
    may use, as its MKI tells, and has become part of this. Where there are several keys,
    `same_key` is an `srtp_t` for `protect` with the key of this one, which leads it over the
    rollovers that it did not hear. Given to a leg it is the loop's for good.
    """

    def __init__(
        self,
        owner: object,
        *,
        session: int,
        rtp: int,
        rtcp: int,
        rtp_tag: int,
        rtcp_tag: int,
        mki: bytes = b"",
        beside: Context | None = None,
        same_key: int = 0,
        protect: int = 0,
    ) -> None: ...
    @property
    def leased(self) -> bool: ...
    def protect(self, packet: bytes | bytearray | memoryview, *, rtcp: bool = False) -> bytes:
        """A packet as the loop sends it, for tests and replay."""

    def unprotect(self, packet: bytes | bytearray | memoryview, *, rtcp: bool = False) -> bytes:
        """A packet as the loop takes it in.

        ValueError says why it is refused: "malformed", "forged", "replayed", or "crowded"
        when it would be the 65th SSRC.
        """
