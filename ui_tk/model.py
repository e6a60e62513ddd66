"""What the window shows and what its keys mean, without a window.

The bridge's messages go in by `receive`, what the user does by the other methods;
those give back the commands that follow. No thread, no clock and no tkinter: the
time is an argument, so everything here is tested without a display.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Literal

from ui_tk import words
from ui_tk.messages import (
    AccountChanged,
    Answer,
    CallChanged,
    CallOver,
    Command,
    DeviceSettled,
    Dial,
    HangUp,
    Hold,
    LevelsMeasured,
    Message,
    Mute,
    Ready,
    SendDigit,
    Stopped,
    Trouble,
)

Tone = Literal["good", "busy", "bad", "plain"]

MAX_RECENT = 100  # a log for this session; nobody scrolls further
MAX_NUMBER = 256  # longer than any address a person would type
KEYS = "123456789*0#"


@dataclass(slots=True)
class Line:
    """One call and what the window adds to it."""

    call: CallChanged
    began: float
    confirmed_at: float | None = None
    digits: str = ""
    sent: float | None = None
    heard: float | None = None

    @property
    def rings_here(self) -> bool:
        return self.call.direction == "incoming" and self.call.state in ("trying", "ringing")

    @property
    def party(self) -> str:
        return words.party(self.call.remote, self.call.display_name)

    @property
    def held_here(self) -> bool:
        return self.call.hold in ("local", "both")


@dataclass(frozen=True, slots=True)
class Recent:
    """A call of the past. `seconds` is None where it was never answered."""

    kind: Literal["outgoing", "incoming", "missed", "failed"]
    party: str
    remote: str
    at: float
    seconds: float | None


class Model:
    """The state behind the window."""

    def __init__(self) -> None:
        self.number = ""
        self.notice = ""
        self.notice_tone: Tone = "plain"
        self.hint = "Starting…"
        self.device = ""
        self.has_sound = True
        self.running = False
        self.accounts: dict[str, AccountChanged] = {}
        self.account: str | None = None
        self.lines: dict[str, Line] = {}
        self.selected: str | None = None
        self.recent: deque[Recent] = deque(maxlen=MAX_RECENT)

    def receive(self, message: Message, now: float) -> None:
        match message:
            case Ready(hint):
                self.running, self.hint = True, hint
            case AccountChanged(address):
                self.accounts[address] = message
                if self.account is None:
                    self.account = address
            case CallChanged():
                self._call_changed(message, now)
            case CallOver():
                self._call_over(message, now)
            case LevelsMeasured(call, sent, heard):
                if call in self.lines:
                    self.lines[call].sent, self.lines[call].heard = sent, heard
            case DeviceSettled(microphone, speaker, reason):
                self.device = words.device_line(microphone, speaker, reason)
                self.has_sound = microphone is not None and speaker is not None
            case Trouble(text):
                self.say(text, "bad")
            case Stopped(error):
                self._stopped(error)

    def say(self, text: str, tone: Tone = "plain") -> None:
        self.notice, self.notice_tone = text, tone

    def _call_changed(self, call: CallChanged, now: float) -> None:
        line = self.lines.get(call.call)
        is_new = line is None
        if line is None:
            line = self.lines[call.call] = Line(call, now)
            self.say("")
        line.call = call
        if call.state == "confirmed" and line.confirmed_at is None:
            line.confirmed_at = now
        # What we dial comes to the front; what comes in does so when it is answered.
        if not line.rings_here and (self.line is None or is_new):
            self.selected = call.call

    def _call_over(self, over: CallOver, now: float) -> None:
        line = self.lines.pop(over.call, None)
        if line is None:
            return
        if self.selected == over.call:
            rest = (key for key, each in self.lines.items() if not each.rings_here)
            self.selected = next(rest, None)
        self.recent.appendleft(_recent(line, over, now))
        seconds = None if line.confirmed_at is None else now - line.confirmed_at
        if seconds is not None and over.code == 200:
            self.say(f"Call with {line.party} ended after {words.duration(seconds)}.")
        elif seconds is None and line.call.direction == "incoming" and not over.elsewhere:
            text = "Missed call from" if over.by == "remote" else "Refused the call from"
            self.say(f"{text} {line.party}.", "busy")
        else:
            why = words.why_ended(over.code, over.reason, elsewhere=over.elsewhere)
            mild = over.by == "local" or over.elsewhere
            self.say(f"{line.party}: {why}", "plain" if mild else "bad")

    def _stopped(self, error: str | None) -> None:
        self.running = False
        self.lines.clear()
        self.selected = None
        for address, account in self.accounts.items():
            self.accounts[address] = AccountChanged(address, "unregistered", account.reason)
        if error is not None:
            self.say(f"The phone stopped: {error}", "bad")

    @property
    def account_now(self) -> AccountChanged | None:
        return self.accounts.get(self.account) if self.account is not None else None

    @property
    def account_tone(self) -> Tone:
        account = self.account_now
        if account is None:
            return "plain"
        tones: dict[str, Tone] = {"registered": "good", "registering": "busy", "failed": "bad"}
        return tones.get(account.state, "plain")

    @property
    def line(self) -> Line | None:
        """The call in front."""
        return self.lines.get(self.selected) if self.selected is not None else None

    @property
    def active(self) -> Line | None:
        """The call in front, unless it waits to be answered here."""
        line = self.line
        return line if line is not None and not line.rings_here else None

    @property
    def sends_tones(self) -> bool:
        """Whether there is somebody to hear the keys."""
        line = self.active
        return line is not None and line.call.state in ("early", "confirmed")

    @property
    def ringing(self) -> Line | None:
        """The oldest call that waits to be answered here."""
        return next((line for line in self.lines.values() if line.rings_here), None)

    @property
    def below(self) -> tuple[str, Tone]:
        """The line under the number: what went wrong, why there is no registration, or a hint."""
        if self.notice:
            return self.notice, self.notice_tone
        if self.active is not None and self.sends_tones:
            return "Keys send tones. Click above to call somebody else.", "plain"
        account = self.account_now
        if account is not None and account.state == "failed" and account.reason:
            again = f" Trying again in {account.retry_in:.0f} s." if account.retry_in else ""
            return f"{account.reason.rstrip('.')}.{again}", "bad"
        return self.hint, "plain"

    @property
    def title(self) -> str:
        """Of the window: also what a screen reader and the task bar have to go by."""
        if self.ringing is not None:
            return f"{self.ringing.party} calls - Platypus"
        if self.active is not None:
            verb = "In call with" if self.active.call.state == "confirmed" else "Calling"
            return f"{verb} {self.active.party} - Platypus"
        account = self.account_now
        if account is None:
            return "Platypus"
        return f"Platypus - {words.account_line(account.address, account.state)}"

    def call_state(self, line: Line, now: float) -> str:
        call = line.call
        match call.state:
            case "trying":
                return "Calling…"
            case "ringing":
                return "Ringing…"
            case "early":
                return "Ringing… (you can hear the other side)"
        time = words.duration(now - (line.confirmed_at or now))
        held = {
            "local": "On hold",
            "remote": "The other side holds the call",
            "both": "On hold at both ends",
        }.get(call.hold)
        muted = "Muted" if call.muted else None
        return "  ·  ".join(each for each in (time, held, muted) if each)

    def type(self, key: str, *, into_number: bool = False) -> list[Command]:
        """A key of the dialpad or keyboard: a digit of the number, or a tone in a call."""
        line = self.active
        if not into_number and line is not None and self.sends_tones:
            if key not in KEYS:
                return []
            line.digits = (line.digits + key)[-32:]
            return [SendDigit(line.call.call, key)]
        self.set_number(self.number + key)
        return []

    def set_number(self, text: str) -> None:
        self.number = text[:MAX_NUMBER]
        if text and not self.lines:
            self.say("")

    def paste(self, text: str) -> None:
        self.set_number(words.tidy_number(text))

    def enter(self) -> list[Command]:
        """The green button, or Return: answers what rings, else calls the number."""
        if self.ringing is not None:
            return self.answer()
        number = words.tidy_number(self.number)
        if not number:
            if self.recent and self.active is None:
                self.number = words.short(self.recent[0].remote)  # as every phone: redial
            return []
        if not self.running:
            self.say("The phone is not running.", "bad")
            return []
        account = self.account_now
        hold = self._hold_the_others(None)
        self.number = ""
        return [*hold, Dial(number, account.address if account else None)]

    def answer(self) -> list[Command]:
        line = self.ringing
        if line is None:
            return []
        hold = self._hold_the_others(line.call.call)
        self.selected = line.call.call
        return [*hold, Answer(line.call.call)]

    def refuse(self) -> list[Command]:
        return [HangUp(self.ringing.call.call)] if self.ringing is not None else []

    def escape(self) -> list[Command]:
        """Refuses what rings, else ends the call in front, else clears the number."""
        if self.ringing is not None:
            return self.refuse()
        if self.active is not None:
            return [HangUp(self.active.call.call)]
        self.set_number("")
        self.say("")
        return []

    def hang_up(self) -> list[Command]:
        return [HangUp(self.active.call.call)] if self.active is not None else []

    def toggle_mute(self) -> list[Command]:
        line = self.active
        return [Mute(line.call.call, not line.call.muted)] if line is not None else []

    def toggle_hold(self) -> list[Command]:
        line = self.active
        if line is None or line.call.state != "confirmed":
            return []
        return [Hold(line.call.call, not line.held_here)]

    def select(self, call: str) -> list[Command]:
        """Bring another call to the front; the one that was there is held."""
        if call not in self.lines or call == self.selected or self.lines[call].rings_here:
            return []
        commands = self._hold_the_others(call)
        self.selected = call
        line = self.lines[call]
        return [*commands, Hold(call, False)] if line.held_here else commands

    def _hold_the_others(self, call: str | None) -> list[Command]:
        """One voice at a time: whoever else is talking waits."""
        return [
            Hold(line.call.call, True)
            for line in self.lines.values()
            if line.call.call != call and line.call.state == "confirmed" and not line.held_here
        ]


def _recent(line: Line, over: CallOver, now: float) -> Recent:
    seconds = None if line.confirmed_at is None else now - line.confirmed_at
    kind: Literal["outgoing", "incoming", "missed", "failed"]
    if line.call.direction == "incoming":
        kind = "missed" if seconds is None and over.by == "remote" else "incoming"
        if over.elsewhere:
            kind = "incoming"
    else:
        kind = "outgoing" if seconds is not None or over.by == "local" else "failed"
    return Recent(kind, line.party, line.call.remote, line.began, seconds)
