"""What the icon in the desktop's tray shows, and what its menu offers: decided by the model.

No tkinter and no D-Bus: the icon itself is `system.status_item`. What a line of the menu
does is the method of `Deeds` of that name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ui_tk import words
from ui_tk.texts import tr

if TYPE_CHECKING:
    from ui_tk.model import Model

State = Literal["registered", "unregistered", "ringing", "talking", "missed"]


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the menu. Without a deed it is a line drawn between others."""

    deed: str = ""
    text: str = ""
    checked: bool | None = None
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class Face:
    """All of it, at one moment."""

    state: State
    title: str
    text: str = ""
    menu: tuple[Entry, ...] = ()


def face_of(model: Model) -> Face:
    """What matters most is shown: a call that rings, one that is up, missed ones, the account."""
    account = model.account_now
    text = words.account_line(account.address, account.state) if account is not None else ""
    missed = model.unseen
    if model.ringing is not None:
        state: State = "ringing"
    elif model.lines.all:
        state = "talking"
    elif missed:
        state, text = "missed", tr("Missed calls: {count}", count=missed)
    else:
        registered = account is not None and account.state == "registered"
        state = "registered" if registered else "unregistered"
    return Face(state, model.title.removesuffix(" - Platypus"), text, _menu(model))


def _menu(model: Model) -> tuple[Entry, ...]:
    calls: tuple[Entry, ...] = (Entry("answer", tr("Answer"), enabled=False),)
    if model.ringing is not None:
        who = model.ringing.party
        calls = (
            Entry("answer", tr("Answer {who}", who=who)),
            Entry("refuse", tr("Refuse")),
        )
    elif model.active is not None:
        muted = model.active.call.muted
        calls = (Entry("hang_up", tr("Hang up")), Entry("mute", tr("Mute"), checked=muted))
    return (
        Entry("come_forward", tr("Open Platypus")),
        Entry(),
        *calls,
        Entry(),
        Entry("dnd", tr("Do not disturb"), checked=model.rules.dnd),
        Entry(),
        Entry("quit", tr("Quit")),
    )
