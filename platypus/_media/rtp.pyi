from typing import NamedTuple

from typing_extensions import Buffer

class Packet(NamedTuple):
    payload_type: int
    marker: bool
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes
    csrcs: tuple[int, ...] = ...
    extension: tuple[int, bytes] | None = ...

def parse(data: Buffer) -> Packet | None: ...
def serialize(packet: Packet) -> bytes: ...
