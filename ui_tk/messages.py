"""What crosses between the window's thread and the engine's: values, and nothing alive.

`Message` goes to the window, `Command` to the engine. They hold no call, no account
and no socket, so neither thread can touch what belongs to the other.
"""

from __future__ import annotations

from dataclasses import dataclass, field


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
class Ready:
    """The engine runs. `hint` is what a newcomer could do first, "" with an own account."""

    hint: str = ""


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
    | DeviceSettled
    | Trouble
    | Stopped
)


@dataclass(frozen=True, slots=True)
class Dial:
    to: str
    account: str | None


@dataclass(frozen=True, slots=True)
class Answer:
    call: str


@dataclass(frozen=True, slots=True)
class HangUp:
    """Ends, cancels or refuses, whatever the state of the call asks for."""

    call: str


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


Command = Dial | Answer | HangUp | Mute | Hold | SendDigit
