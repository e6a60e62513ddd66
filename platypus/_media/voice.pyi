from typing import final

from typing_extensions import Buffer

@final
class VoiceDetector:
    def update(self, frame: Buffer) -> bool | None: ...
    @property
    def active(self) -> bool: ...
