"""Everything a person can do at the window: its key, and how `platypus ctl` says it.

One list: the window binds it, the settings show it, and a test goes through it, once with
the keyboard and once from a shell. What is typed in between (a number, a digit) is `...`.
"""

from __future__ import annotations

from dataclasses import dataclass

from ui_tk.texts import tr


@dataclass(frozen=True, slots=True)
class Action:
    """`name` is the method of `Hands`; `keys` are Tk's; `ctl` is what follows `platypus ctl`."""

    name: str
    text: str
    keys: tuple[str, ...]
    ctl: str


ACTIONS = (
    Action("enter", "Call the number; answer a call", ("Return", "KP_Enter"), "call to=..."),
    Action("answer", "Answer", ("Control-Return",), "answer"),
    Action("escape", "Refuse, hang up, or clear the number", ("Escape",), "hangup"),
    Action("divert", "Divert the call that rings", ("Control-f",), "redirect to=..."),
    Action("mute", "Mute", ("Control-m",), "mute on=true"),
    Action("hold", "Hold and resume", ("Control-h",), "hold"),
    Action("transfer", "Transfer: a number, or Ctrl+2 to 9", ("Control-t",), "transfer to=..."),
    Action("conference", "Conference of all calls", ("Control-j",), "conference calls=..."),
    Action("split", "Take a call out of the conference", ("Control-k",), "split"),
    Action("record", "Record the call", ("Control-s",), "record file=..."),
    Action("accept_transfer", "Accept being transferred", ("Control-y",), "accept_transfer"),
    Action("refuse_transfer", "Refuse being transferred", ("Control-n",), "refuse_transfer"),
    Action("redial", "Call the last number again", ("Control-r",), "call to=..."),
    Action("voicemail", "Call the voicemail", ("F5",), "call to=..."),
    Action("pick_up", "Take a colleague's call that rings", ("Control-p",), "pickup to=..."),
    Action("dnd", "Do not disturb", ("Control-d",), "set dnd=true"),
    Action("account", "The next account", ("Control-a",), "call account=..."),
    Action("number", "To the number", ("Control-l",), "show page=phone"),
    Action("history", "Calls", ("F2",), "show page=history"),
    Action("contacts", "Contacts", ("F3",), "show page=contacts"),
    Action("team", "Team", ("F4",), "show page=team"),
    Action("settings", "Settings", ("Control-comma",), "show page=settings"),
    Action("keys", "All keys", ("F1",), "show page=keys"),
    Action("quit", "Hang up and quit", ("Control-q",), "quit"),
)
PICK_KEYS = tuple(f"Control-Key-{number}" for number in range(1, 10))  # the calls, by their cards


def shown(key: str) -> str:
    """A key as a person reads it on theirs: `Ctrl+M`."""
    parts = key.replace("Control", tr("Ctrl")).replace("KP_Enter", "Enter").split("-")
    return "+".join("," if part == "comma" else part.capitalize() for part in parts)
