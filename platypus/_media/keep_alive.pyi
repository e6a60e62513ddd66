"""When a packet goes out only to keep a NAT's binding open (RFC 6263)."""

class KeepAlive:
    def sent(self, now_ns: int) -> None:
        """Something went out."""

    def due(self, now_ns: int) -> bool:
        """Whether an empty packet is to go out now; if so it is taken to have."""
