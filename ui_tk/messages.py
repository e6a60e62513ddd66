"""What crosses between the window's thread and the engine's: values, and nothing alive.

`Message` goes to the window, `Command` to the engine. They hold no call, no account
and no socket, so neither thread can touch what belongs to the other.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ui_tk.tray import Face


@dataclass(frozen=True, slots=True)
class AccountSettings:
    """What the window needs to know to bring an account up. The password is never stored."""

    address: str
    password: str | None = field(default=None, repr=False)
    auth_user: str | None = None
    registrar: str | None = None
    outbound_proxy: str | None = None
    display_name: str = ""
    register: bool = True
    expires: int = 300
    mwi: bool = False


@dataclass(frozen=True, slots=True)
class Rules:
    """What becomes of calls that come in; a target is an address, a number, or None."""

    dnd: bool = False
    forward_always: str | None = None
    forward_busy: str | None = None
    forward_no_answer: str | None = None
    no_answer_after: float = 20.0

    @property
    def forwards(self) -> bool:
        return bool(self.forward_always or self.forward_busy or self.forward_no_answer)


@dataclass(frozen=True, slots=True)
class Ready:
    """The engine runs. `hint` is what a newcomer could do first, "" with an own account."""

    hint: str = ""
    listen: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AccountChanged:
    """The registration's own state at this moment."""

    address: str
    state: str  # registered, registering, failed or unregistered
    reason: str = ""
    retry_in: float | None = None


@dataclass(frozen=True, slots=True)
class CallChanged:
    """A call as it is now; the first one for a call says that there is one."""

    call: str
    direction: str  # incoming or outgoing
    state: str  # trying, ringing, early or confirmed
    remote: str
    display_name: str = ""
    hold: str = "none"
    muted: bool = False
    codec: str | None = None
    account: str | None = None
    srtp: str | None = None  # the profile; None for plain RTP
    secure: bool = False  # nobody on its way had the keys: a padlock may be shown
    media: str | None = None  # started, stalled, resumed; None before there is any
    recording: bool = False
    conference: bool = False
    diverted_from: str | None = None


@dataclass(frozen=True, slots=True)
class CallOver:
    """The last message of a call."""

    call: str
    code: int | None
    reason: str
    by: str
    elsewhere: bool = False


@dataclass(frozen=True, slots=True)
class LevelsMeasured:
    """Peaks of the last 100 ms, from 0 to 1; None where nothing was measured."""

    call: str
    sent: float | None
    heard: float | None


@dataclass(frozen=True, slots=True)
class QualityMeasured:
    """The last half second, and what has no direction; None where nothing was measured.

    `loss` is in per cent, times are in milliseconds. `sent` is what the far end says of us.
    """

    call: str
    mos: float | None = None
    delay_ms: float | None = None
    loss_heard: float | None = None
    loss_sent: float | None = None
    jitter_heard_ms: float | None = None
    jitter_sent_ms: float | None = None


@dataclass(frozen=True, slots=True)
class MailboxChanged:
    """What waits there; `mailbox` is what to call to hear it."""

    account: str
    mailbox: str
    waiting: bool
    new: int
    old: int


@dataclass(frozen=True, slots=True)
class LampChanged:
    """What somebody who is watched does: RFC 4235's word for the busiest dialog."""

    address: str
    state: str


@dataclass(frozen=True, slots=True)
class RulesChanged:
    rules: Rules


@dataclass(frozen=True, slots=True)
class TransferTold:
    """How far a transfer of ours has come."""

    call: str
    status: int
    done: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class TransferAsked:
    """The far end wants us to call somebody else instead."""

    call: str
    to: str


@dataclass(frozen=True, slots=True)
class TextReceived:
    sender: str
    text: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class PageAsked:
    """Somebody outside wants to see a page of the window (`ctl show`)."""

    page: str


@dataclass(frozen=True, slots=True)
class DeedAsked:
    """Somebody outside the window wants one of `Deeds`: the tray's menu, a global hotkey."""

    deed: str


@dataclass(frozen=True, slots=True)
class TrayChanged:
    """Whether somebody draws the phone's icon in a tray."""

    present: bool


@dataclass(frozen=True, slots=True)
class AppearanceTold:
    """Whether the desktop wants dark windows; None where it has no preference."""

    dark: bool | None


@dataclass(frozen=True, slots=True)
class HotkeysTold:
    """Why a key that is to work everywhere does not, as a sentence; "" where all do."""

    problem: str


@dataclass(frozen=True, slots=True)
class SipMessage:
    """What was said, without what is secret. `at` is in seconds since 1970."""

    at: float
    sent: bool
    peer: str
    text: str


@dataclass(frozen=True, slots=True)
class QuitAsked:
    """Somebody outside wants the phone to end (`ctl quit`)."""


@dataclass(frozen=True, slots=True)
class Redraw:
    """Something the window shows was changed beside the model: contacts, the history."""


@dataclass(frozen=True, slots=True)
class DeviceSettled:
    """The sound devices in use; None is silence."""

    input: str | None
    output: str | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something a person should know, as a sentence."""

    text: str


@dataclass(frozen=True, slots=True)
class Stopped:
    """The engine's thread is at its end; with an error, not of our own will."""

    error: str | None = None


Message = (
    Ready
    | AccountChanged
    | CallChanged
    | CallOver
    | LevelsMeasured
    | QualityMeasured
    | MailboxChanged
    | LampChanged
    | RulesChanged
    | TransferTold
    | TransferAsked
    | TextReceived
    | PageAsked
    | DeedAsked
    | TrayChanged
    | HotkeysTold
    | AppearanceTold
    | SipMessage
    | QuitAsked
    | Redraw
    | DeviceSettled
    | Trouble
    | Stopped
)


@dataclass(frozen=True, slots=True)
class Dial:
    to: str
    account: str | None


@dataclass(frozen=True, slots=True)
class PickUp:
    """Take the call that rings at `to`."""

    to: str
    account: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    call: str


@dataclass(frozen=True, slots=True)
class HangUp:
    """Ends, cancels or refuses, whatever the state of the call asks for."""

    call: str


@dataclass(frozen=True, slots=True)
class Divert:
    """Send a call that rings here elsewhere."""

    call: str
    to: str


@dataclass(frozen=True, slots=True)
class Mute:
    call: str
    on: bool


@dataclass(frozen=True, slots=True)
class Hold:
    call: str
    on: bool


@dataclass(frozen=True, slots=True)
class SendDigit:
    call: str
    digit: str


@dataclass(frozen=True, slots=True)
class Transfer:
    """Connect the far end with `to`, unseen."""

    call: str
    to: str


@dataclass(frozen=True, slots=True)
class Join:
    """Connect the far ends of two calls with each other, and leave."""

    call: str
    other: str


@dataclass(frozen=True, slots=True)
class AnswerTransfer:
    """What the far end asked for (`TransferAsked`): do it, or refuse."""

    call: str
    accept: bool


@dataclass(frozen=True, slots=True)
class Conference:
    """Let everybody in these calls hear everybody."""

    calls: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Split:
    """Take one call out of its conference."""

    call: str


@dataclass(frozen=True, slots=True)
class Record:
    """Write a call to `file`, or with None stop."""

    call: str
    file: str | None


@dataclass(frozen=True, slots=True)
class SetRules:
    rules: Rules


@dataclass(frozen=True, slots=True)
class Watch:
    to: str
    on: bool


@dataclass(frozen=True, slots=True)
class Register:
    """Register an account now, or give its registration up."""

    account: str
    on: bool


@dataclass(frozen=True, slots=True)
class SetVolume:
    """How loud `input`, `output` or `ring` is; 1 is as it comes."""

    kind: str
    value: float


@dataclass(frozen=True, slots=True)
class Trace:
    """Whether every SIP message is told (`SipMessage`)."""

    on: bool


@dataclass(frozen=True, slots=True)
class ShowTray:
    """What the icon in the tray shows from now on."""

    face: Face


@dataclass(frozen=True, slots=True)
class SetHotkeys:
    """Keys that work everywhere, by the deeds they stand for; and a headset's buttons."""

    keys: tuple[tuple[str, str], ...] = ()
    headset: bool = False


CallCommand = (
    Answer
    | HangUp
    | Divert
    | Mute
    | Hold
    | SendDigit
    | Transfer
    | Join
    | AnswerTransfer
    | Split
    | Record
)
PhoneCommand = (
    CallCommand | Dial | PickUp | Conference | SetRules | Watch | Register | SetVolume | Trace
)
DesktopCommand = ShowTray | SetHotkeys
Command = PhoneCommand | DesktopCommand
