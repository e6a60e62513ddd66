from typing import Any

from typing_extensions import Buffer, disjoint_base

from platypus._media.stream import Stream

VERDICTS: dict[int, str]

@disjoint_base
class Reports:
    def __init__(self, stream: Stream, cname: bytes, *, offset_ns: int = 0) -> None: ...
    def start(self, now_ns: int) -> None: ...
    @property
    def next_ns(self) -> int | None: ...
    def due(self, now_ns: int) -> bool: ...
    def write(
        self,
        now_ns: int,
        *,
        captured_ns: int | None = None,
        voip: bool = False,
        bye: bool = False,
    ) -> bytes: ...
    def receive(self, data: Buffer, arrival_ns: int) -> str: ...
    def figures(self) -> dict[str, Any]: ...
