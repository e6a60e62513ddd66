"""Settings, Calls: do not disturb, forwarding, how numbers are dialled, recordings."""

from __future__ import annotations

import tkinter as tk
from collections.abc import Callable
from dataclasses import replace

from ui_tk.dialrules import dialled
from ui_tk.settings.host import Host
from ui_tk.settings.hotkeys import HotkeyRows
from ui_tk.startup import dial_rules_of
from ui_tk.system import desktop_entry
from ui_tk.texts import tr
from ui_tk.theme import Theme
from ui_tk.widgets.fields import Choice, Field, Switch
from ui_tk.widgets.label import label, wrapping

EXAMPLE = "+49 30 901820"


class _Section:
    def __init__(self, frame: tk.Frame, theme: Theme, host: Host) -> None:
        self._frame, self._theme, self._host = frame, theme, host
        rules = host.model.rules
        self._dnd = Switch(frame, theme, tr("Do not disturb"), rules.dnd,
                           lambda on: self._calls(dnd=on),
                           hint=tr("Every call is refused as busy."))  # fmt: skip
        self._dnd.pack(fill="x", pady=(0, theme.px(8)))
        self._heading(tr("Forward calls to"))
        self._targets = {
            "forward_always": Field(frame, theme, tr("Always"), rules.forward_always or ""),
            "forward_busy": Field(frame, theme, tr("While I am in a call"),
                                  rules.forward_busy or ""),
            "forward_no_answer": Field(frame, theme, tr("When I don't answer"),
                                       rules.forward_no_answer or ""),
        }  # fmt: skip
        for name, field in self._targets.items():
            self._keep_on_leaving(field, lambda name=name: self._forward(name))
        self._after = Field(frame, theme, tr("Seconds until then"), f"{rules.no_answer_after:g}")
        self._keep_on_leaving(self._after, self._no_answer_after)
        self._dialing()
        self._rest()

    def leave(self) -> None:
        """What was typed last counts as well."""
        for name in self._targets:
            self._forward(name)
        self._no_answer_after()
        self._rules()
        self._hotkeys.leave()

    def _dialing(self) -> None:
        frame, theme, now = self._frame, self._theme, self._host.config.dialing
        self._heading(tr("Numbers"))
        self._parts = {
            "country": Field(frame, theme, tr("Our country"), now.country, hint=tr("as in +49")),
            "national": Field(frame, theme, tr("Before national numbers"), now.national,
                              hint=tr("as in 0")),
            "international": Field(frame, theme, tr("Instead of the +"), now.international,
                                   hint=tr("as in 00; empty: the + is dialled")),
            "outside": Field(frame, theme, tr("For an outside line"), now.outside,
                             hint=tr("put before every number longer than an extension")),
            "extension_digits": Field(frame, theme, tr("Digits of an extension, at most"),
                                      str(now.extension_digits)),
        }  # fmt: skip
        for field in self._parts.values():
            self._keep_on_leaving(field, self._rules)
        self._example = wrapping(label(frame, theme, 12, colour=theme.palette.dim))
        self._example.pack(fill="x", pady=(theme.px(2), 0))
        self._show_example()

    def _rest(self) -> None:
        frame, theme, now = self._frame, self._theme, self._host.config.calls
        self._heading(tr("In calls"))
        asked = (("ask", tr("Ask me")), ("accept", tr("Do it")), ("refuse", tr("Refuse")))
        Choice(frame, theme, tr("When the other side wants to transfer me"), asked, now.refer,
               lambda value: self._calls(refer=value)).pack(fill="x")  # fmt: skip
        self._records = Field(frame, theme, tr("Folder for recordings"), now.records or "",
                              hint=str(self._host.records))  # fmt: skip
        self._keep_on_leaving(
            self._records, lambda: self._calls(records=self._records.value or None)
        )
        Switch(frame, theme, tr("Ask before dialling a link"), now.ask_before_links,
               lambda on: self._calls(ask_before_links=on),
               hint=tr("Of a web page or another program.")).pack(fill="x")  # fmt: skip
        self._heading(tr("Keys that work everywhere"))
        self._hotkeys = HotkeyRows(frame, theme, self._host, self._keep_on_leaving)
        self._heading(tr("In the system"))
        Switch(frame, theme, tr("Telephone links open this phone"), desktop_entry.is_installed(),
               lambda on: self._system(desktop_entry.install if on else desktop_entry.remove),
               hint=tr("sip:, tel: and callto:, and an entry in the menu"),
               ).pack(fill="x")  # fmt: skip
        Switch(frame, theme, tr("Start when I log in"), desktop_entry.starts_at_login(),
               lambda on: self._system(lambda: desktop_entry.set_start_at_login(on)),
               hint=tr("Out of the way, ready to be called.")).pack(fill="x")  # fmt: skip
        Switch(frame, theme, tr("Closing the window leaves the phone in the tray"),
               self._host.config.window.tray, self._tray,
               hint=tr("Its icon opens the window again.") if self._host.model.tray
               else tr("There is no tray here: closing the window ends the phone."),
               ).pack(fill="x")  # fmt: skip
        self._said = wrapping(label(frame, theme, 12, colour=theme.palette.dim))
        self._said.pack(fill="x", pady=(theme.px(2), 0))

    def _tray(self, on: bool) -> None:
        config = self._host.config
        self._host.apply(replace(config, window=replace(config.window, tray=on)))

    def _system(self, change: Callable[[], list[str] | None]) -> None:
        try:
            said = change() or []
        except OSError as error:
            said = [tr("That could not be changed: {why}.", why=error.strerror or error)]
        self._said.configure(text=" ".join(said))

    def _heading(self, text: str) -> None:
        heading = label(self._frame, self._theme, 15, text=text, weight="bold")
        heading.pack(fill="x", pady=(self._theme.px(14), self._theme.px(6)))

    def _keep_on_leaving(self, field: Field, keep: object) -> None:
        field.pack(fill="x", pady=(0, self._theme.px(6)))
        for event in ("<FocusOut>", "<Return>"):
            field.entry.bind(event, lambda _: keep())  # type: ignore[operator]

    def _calls(self, **what: object) -> None:
        calls = replace(self._host.config.calls, **what)  # type: ignore[arg-type]
        if calls != self._host.config.calls:
            self._host.apply(replace(self._host.config, calls=calls))

    def _forward(self, name: str) -> None:
        field = self._targets[name]
        value = field.value
        wrong = any(each.isspace() for each in value)
        field.say(tr("A number or an address has no spaces.") if wrong else "")
        if not wrong:
            self._calls(**{name: value or None})

    def _no_answer_after(self) -> None:
        value = self._after.value
        fits = value.isdigit() and 1 <= int(value) <= 600
        self._after.say("" if fits else tr("A number from {low} to {high}.", low=1, high=600))
        if fits:
            self._calls(no_answer_after=int(value))

    def _rules(self) -> None:
        digits = self._parts["extension_digits"]
        if not digits.value.isdigit():
            digits.say(tr("A number from {low} to {high}.", low=0, high=15))
            return
        values = {name: field.value for name, field in self._parts.items()}
        dialing = replace(
            self._host.config.dialing,
            **{**values, "extension_digits": int(digits.value)},  # type: ignore[arg-type]
        )
        for field in self._parts.values():
            field.say("")
        try:
            dial_rules_of(dialing)
        except ValueError as error:
            name = next((each for each in self._parts if each in str(error)), "country")
            self._parts[name].say(f"{error}.")
            return
        if dialing != self._host.config.dialing:
            self._host.apply(replace(self._host.config, dialing=dialing))
        self._show_example()

    def _show_example(self) -> None:
        number = dialled(EXAMPLE, self._host.model.dial_rules)
        text = tr("{typed} is dialled as {dialled}", typed=EXAMPLE, dialled=number)
        self._example.configure(text=text)


def build(frame: tk.Frame, theme: Theme, host: Host) -> object:
    return _Section(frame, theme, host).leave
