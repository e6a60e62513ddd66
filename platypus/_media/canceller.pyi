"""Echo cancelling by WebRTC's audio processing, in a library that is called by address."""

from collections.abc import Mapping

class Canceller:
    """One microphone's; the media thread uses it while a leg has its source."""

    def __init__(
        self,
        functions: Mapping[str, int],
        *,
        echo: bool = True,
        noise: bool = True,
        gain: bool = True,
    ) -> None:
        """`functions`: the addresses of livekit_ffi_request and livekit_ffi_drop_handle.

        ValueError where the library answers something else than it should.
        """

    @property
    def enabled(self) -> bool:
        """Without it the samples are left as they are."""

    @enabled.setter
    def enabled(self, on: bool) -> None: ...
    @property
    def failures(self) -> int:
        """Blocks of 10 ms that the library did not take."""

    def hear(self, pcm: bytes, rate: int) -> None:
        """From Python, for tests: what is played, int16, in blocks of 10 ms."""

    def say(self, pcm: bytearray, rate: int) -> None:
        """From Python, for tests: what the microphone heard, in place."""

def module_in(answer: bytes) -> int:
    """The handle of the new module in the library's answer; ValueError for another answer."""
