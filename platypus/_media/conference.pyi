from typing import final

@final
class Conference:
    def __init__(self, rate: int) -> None: ...
    @property
    def rate(self) -> int: ...
