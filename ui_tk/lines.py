"""The calls that are, and what each key and button means for them.

Pure: messages in, commands out. One call is in front (`active`): the keys, mute and hold
are for it. A call that rings here never comes to the front by itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ui_tk import words
from ui_tk.messages import (
    Answer,
    CallChanged,
    CallOver,
    Command,
    Conference,
    Divert,
    HangUp,
    Hold,
    Join,
    Mute,
    Record,
    SendDigit,
    Split,
    Transfer,
)
from ui_tk.quality import Quality
from ui_tk.texts import tr

MAX_DIGITS_SHOWN = 32


@dataclass(slots=True)
class Line:
    """One call and what the window adds to it. Times are the window's clock."""

    call: CallChanged
    began: float
    name: str = ""  # as the user's contacts have it
    confirmed_at: float | None = None
    digits: str = ""
    sent: float | None = None
    heard: float | None = None
    quality: Quality = field(default_factory=Quality)
    transfer: str = ""  # how far a transfer has come, as a sentence
    transferred: bool = False  # with success: the call is about to end
    asked: str = ""  # whom the far end wants us to call instead

    @property
    def key(self) -> str:
        return self.call.call

    @property
    def rings_here(self) -> bool:
        return self.call.direction == "incoming" and self.call.state in ("trying", "ringing")

    @property
    def answered(self) -> bool:
        return self.call.state == "confirmed"

    @property
    def party(self) -> str:
        return words.party(self.call.remote, self.name or self.call.display_name)

    @property
    def held_here(self) -> bool:
        return self.call.hold in ("local", "both")

    def seconds(self, now: float) -> float | None:
        return None if self.confirmed_at is None else now - self.confirmed_at

    def state(self, now: float) -> str:
        """What a card says under the name."""
        match self.call.state:
            case "trying":
                return tr("Calling…") if not self.rings_here else tr("Incoming call")
            case "ringing":
                return tr("Ringing…") if not self.rings_here else tr("Incoming call")
            case "early":
                return tr("Ringing… (you can hear the other side)")
        held = {
            "local": tr("On hold"),
            "remote": tr("The other side holds the call"),
            "both": tr("On hold at both ends"),
        }.get(self.call.hold)
        parts = (
            words.duration(self.seconds(now) or 0),
            held,
            tr("Muted") if self.call.muted else None,
            tr("Conference") if self.call.conference else None,
            tr("Nothing is heard from the other side") if self.silent else None,
        )
        return "  ·  ".join(each for each in parts if each)

    @property
    def silent(self) -> bool:
        return self.call.media == "stalled" and self.call.hold == "none"


class Lines:
    """Every call that has not ended, in the order they came."""

    def __init__(self) -> None:
        self.all: dict[str, Line] = {}
        self.selected: str | None = None

    def changed(self, call: CallChanged, now: float, name: str = "") -> bool:
        """Take over what the engine says; whether the call is new."""
        line = self.all.get(call.call)
        is_new = line is None
        if line is None:
            line = self.all[call.call] = Line(call, now)
        line.call, line.name = call, name
        if line.answered and line.confirmed_at is None:
            line.confirmed_at = now
        # What we dial comes to the front; what comes in does so when it is answered.
        if not line.rings_here and (self.active is None or is_new):
            self.selected = call.call
        return is_new

    def over(self, over: CallOver) -> Line | None:
        """The line that ended; another one comes forward."""
        line = self.all.pop(over.call, None)
        if line is not None and self.selected == over.call:
            rest = (key for key, each in self.all.items() if not each.rings_here)
            self.selected = next(rest, None)
        return line

    def clear(self) -> None:
        self.all.clear()
        self.selected = None

    @property
    def active(self) -> Line | None:
        """The call in front."""
        return self.all.get(self.selected) if self.selected is not None else None

    @property
    def ringing(self) -> Line | None:
        """The oldest call that waits to be answered here."""
        return next((line for line in self.all.values() if line.rings_here), None)

    @property
    def shown(self) -> list[Line]:
        """Those that have a card: the one in front first."""
        rest = [each for each in self.all.values() if not each.rings_here]
        return sorted(rest, key=lambda each: each.key != self.selected)

    @property
    def sends_tones(self) -> bool:
        """Whether there is somebody to hear the keys."""
        line = self.active
        return line is not None and line.call.state in ("early", "confirmed")

    def tone(self, key: str) -> list[Command]:
        line = self.active
        if line is None:
            return []
        line.digits = (line.digits + key)[-MAX_DIGITS_SHOWN:]
        return [SendDigit(line.key, key)]

    def answer(self) -> list[Command]:
        line = self.ringing
        if line is None:
            return []
        hold = self.hold_the_others(line.key)
        self.selected = line.key
        return [*hold, Answer(line.key)]

    def refuse(self) -> list[Command]:
        return [HangUp(self.ringing.key)] if self.ringing is not None else []

    def divert(self, call: str, to: str) -> list[Command]:
        line = self.all.get(call)
        return [Divert(call, to)] if line is not None and line.rings_here else []

    def hang_up(self, call: str | None = None) -> list[Command]:
        line = self._line(call)
        return [HangUp(line.key)] if line is not None else []

    def toggle_mute(self) -> list[Command]:
        line = self.active
        return [Mute(line.key, not line.call.muted)] if line is not None else []

    def toggle_hold(self, call: str | None = None) -> list[Command]:
        line = self._line(call)
        if line is None or not line.answered:
            return []
        return [Hold(line.key, not line.held_here)]

    def toggle_record(self, file: str) -> list[Command]:
        line = self.active
        if line is None or not line.answered:
            return []
        return [Record(line.key, None if line.call.recording else file)]

    def transfer(self, call: str, to: str) -> list[Command]:
        line = self.all.get(call)
        return [Transfer(call, to)] if line is not None and line.answered else []

    def join(self, call: str, other: str) -> list[Command]:
        """Attended: the far ends of two answered calls are connected with each other."""
        both = self.all.get(call), self.all.get(other)
        if call == other or not all(line is not None and line.answered for line in both):
            return []
        return [Join(call, other)]

    def conference(self) -> list[Command]:
        """Everybody who is answered, together; the one in front first."""
        calls = tuple(line.key for line in self.shown if line.answered)
        return [Conference(calls)] if len(calls) > 1 else []

    def split(self, call: str | None = None) -> list[Command]:
        line = self._line(call)
        return [Split(line.key)] if line is not None and line.call.conference else []

    def select(self, call: str) -> list[Command]:
        """Bring another call to the front; the one that was there is held."""
        line = self.all.get(call)
        if line is None or call == self.selected or line.rings_here:
            return []
        hold = [] if line.call.conference else self.hold_the_others(call)
        self.selected = call
        return [*hold, Hold(call, False)] if line.held_here else hold

    def hold_the_others(self, but: str | None) -> list[Command]:
        return [
            Hold(key, True)
            for key, line in self.all.items()
            if key != but and line.answered and not line.held_here and not line.call.conference
        ]

    def _line(self, call: str | None) -> Line | None:
        return self.active if call is None else self.all.get(call)
