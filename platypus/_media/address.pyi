"""Symmetric RTP (RFC 4961) with care: whose packets are heard, and where ours go."""

class Latch:
    def signal(self, remote: tuple[str, int] | None) -> None:
        """The numeric address that SDP gave; ValueError for a name."""

    def judge(self, source: tuple[str, int], ssrc: int, sequence: int, now_ns: int) -> str:
        """One RTP packet: "stranger" (drop it), "taken", or "moved" (and we send there now)."""

    @property
    def target(self) -> tuple[str, int] | None: ...
