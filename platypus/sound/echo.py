"""Whether a call's echo is cancelled, and by what.

    off    never
    on     always, also where nothing can be heard of the speaker: for tests
    auto   where a loudspeaker and a microphone are in the air, and the extra is installed

There is one canceller an engine: what it has learnt of the room stays when a device changes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from platypus.errors import DeviceError

if TYPE_CHECKING:
    from platypus.audio.device import SoundDevice, Stream
    from platypus.audio.echo import Canceller
    from platypus.options import EchoRule


class Echo:
    """`equip` is called in a worker thread for one stream at a time, the rest from the loop."""

    def __init__(self, rule: EchoRule) -> None:
        self._rule = rule
        self._needed = False
        self._canceller: Canceller | None = None
        self.problem: str | None = None  # why there is none

    def equip(self, device: SoundDevice, stream: Stream) -> None:
        """Give a microphone's stream its canceller, if it may ever need one."""
        from platypus.audio.echo import make_canceller

        in_the_air = not (device.headset or device.virtual)
        if stream.source is None or self._rule == "off":
            return
        if self._rule == "auto" and not in_the_air:
            return
        try:
            self._canceller = self._canceller or make_canceller()
        except DeviceError as problem:
            self.problem = str(problem)
            return
        self.problem = None
        stream.source.cancel_echo(self._canceller)

    def moved(self, microphone: SoundDevice | None, speaker: SoundDevice | None) -> None:
        """These are in use now."""
        from platypus.audio.echo import needed

        self._needed = self._rule == "on" or (self._rule == "auto" and needed(microphone, speaker))
        if self._canceller is not None:
            self._canceller.enabled = self._needed

    @property
    def active(self) -> bool:
        """Whether echo is cancelled now."""
        return self._canceller is not None and self._canceller.enabled

    def remark(self) -> str | None:
        """A sentence where there is an echo, and nothing against it."""
        return self.problem if self._needed and self._canceller is None else None
