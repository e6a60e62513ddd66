"""What is told of the sound devices, and when: an event for each change, with its reason.

    lines in use           told
    --------------------   ---------------------------------------------
    of a call              each other stream, and each that is missing
    for tones and a bell   only what is wrong, and when it no longer is

Of the same streams nothing is told twice.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from platypus.audio.device import NO_DEVICES
from platypus.events import DeviceChanged, Event

if TYPE_CHECKING:
    from platypus.audio.device import Stream
    from platypus.sound.line import Line

logger = logging.getLogger("platypus.engine")

OPENED = "opened for a call"
BACK = "the sound devices are back"


class Telling:
    """`remark` has something to add to what is told of a change."""

    def __init__(self, publish: Callable[[Event], None], remark: Callable[[], str | None]) -> None:
        self._publish, self._remark = publish, remark
        self._told: tuple[tuple[Line, Stream | None], ...] | None = None
        self._lacking = False  # a line had no device when that was told

    @property
    def told(self) -> bool:
        """Whether it is known how the lines in use stand."""
        return self._told is not None

    @property
    def why_opened(self) -> str:
        """The reason of a device that was opened without any trouble."""
        return BACK if self._lacking else OPENED

    def forget(self) -> None:
        """No line is in use any more."""
        self._told, self._lacking = None, False

    def tell(
        self,
        lines: Iterable[Line],
        names: tuple[str | None, str | None],
        reasons: Sequence[str],
        *,
        call: bool,
        no_sound: str | None,
    ) -> None:
        """Of `lines`, those that are in use; with `call` the first two are a call's.

        `names` are those of the microphone and the speaker, `reasons` what happened since.
        """
        streams = tuple((line, line.stream) for line in lines)
        if streams == self._told:
            return
        parts = dict.fromkeys(part for reason in reasons for part in reason.split("; "))
        lacking = any(stream is None for _, stream in streams)
        wrong = lacking or self._lacking or not {OPENED, BACK}.issuperset(parts)
        others = call and streams[:2] != (self._told or ())[:2]
        self._told, self._lacking = streams, lacking
        if len(parts) > 1:
            parts.pop(OPENED, None)
        if not wrong and not others:
            return
        reason = "; ".join(parts) or (no_sound or NO_DEVICES if names == (None, None) else OPENED)
        logger.log(logging.WARNING if lacking else logging.INFO, "sound: %s", reason)
        remark = self._remark() if None not in names else None
        self._publish(DeviceChanged(*names, "; ".join(filter(None, (reason, remark)))))
