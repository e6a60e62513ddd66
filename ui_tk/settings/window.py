"""The settings: sections at the left, the chosen one at the right.

What is changed holds at once and is written to the configuration file; there is no button
for it. What can't be understood is said beside its field, and changes nothing.
"""

from __future__ import annotations

import tkinter as tk
from collections.abc import Callable
from importlib import import_module

from ui_tk.settings.host import Host
from ui_tk.texts import tr
from ui_tk.theme import Theme
from ui_tk.widgets import button
from ui_tk.widgets.button import Button, Look
from ui_tk.widgets.label import label
from ui_tk.widgets.scroll import Scroll

WIDTH, HEIGHT, LIST_WIDTH = 780, 600, 172
SECTIONS = (
    ("accounts", "person", "Accounts"),
    ("audio", "speaker", "Audio"),
    ("codecs", "voicemail", "Codecs"),
    ("network", "attended", "Network"),
    ("security", "padlock", "Security"),
    ("calls", "call", "Calls"),
    ("appearance", "moon", "Appearance"),
    ("diagnostics", "search", "Diagnostics"),
)

_open: dict[str, SettingsWindow] = {}


def open_settings(root: tk.Tk, theme: Theme, host: Host, section: str = "") -> None:
    """Open the one settings window, or bring it forward."""
    window = _open.get("settings")
    if window is None or not window.winfo_exists():
        window = _open["settings"] = SettingsWindow(root, theme, host)
        section = section or SECTIONS[0][0]
    if section:
        window.show(section)
    window.deiconify()
    window.lift()
    window.focus_force()


def open_section() -> str:
    """The section that is looked at, "" where the settings are closed."""
    window = _open.get("settings")
    return window.section if window is not None and window.winfo_exists() else ""


class SettingsWindow(tk.Toplevel):
    """Up and Down in the list change the section, Escape closes."""

    def __init__(self, root: tk.Tk, theme: Theme, host: Host) -> None:
        p = theme.palette
        super().__init__(root, class_="Platypus", background=p.panel)
        self.theme, self.host = theme, host
        self.title(tr("Settings") + " - Platypus")
        self.geometry(f"{theme.px(WIDTH)}x{theme.px(HEIGHT)}")
        self.minsize(theme.px(WIDTH), theme.px(420))
        self.bind("<Escape>", lambda _: self.destroy())
        self.section = ""
        self._buttons: dict[str, Button] = {}
        self._leave: Callable[[], object] | None = None
        self._build_list()
        side = tk.Frame(self, background=p.panel)
        side.pack(side="left", fill="both", expand=True)
        self._heading = label(side, theme, 20, weight="bold")
        self._heading.pack(fill="x", padx=theme.px(24), pady=(theme.px(20), theme.px(8)))
        self._place = tk.Frame(side, background=p.panel)
        self._place.pack(fill="both", expand=True)
        self._scroll: Scroll | None = None
        self.bind("<FocusIn>", self._on_focus)

    def show(self, section: str) -> None:
        """Build the section anew: it shows what holds now."""
        if section not in self._buttons:
            return
        if self._leave is not None:
            self._leave()
        self.section = section
        for name, made in self._buttons.items():
            icon, text = next((icon, text) for each, icon, text in SECTIONS if each == name)
            colours = self._colours(name == section)
            made.show(icon=icon, text=tr(text), colours=colours)
        self._heading.configure(text=tr(next(t for n, _, t in SECTIONS if n == section)))
        for child in self._place.winfo_children():
            child.destroy()
        self._scroll = Scroll(self._place, self.theme)
        self._scroll.pack(fill="both", expand=True)
        frame = tk.Frame(self._scroll.inside, background=self.theme.palette.panel)
        frame.pack(fill="both", expand=True, padx=self.theme.px(24), pady=(0, self.theme.px(20)))
        module = import_module(f"ui_tk.settings.{section}")
        self._leave = module.build(frame, self.theme, self.host)

    def destroy(self) -> None:
        if self._leave is not None:
            leave, self._leave = self._leave, None
            leave()
        super().destroy()

    def _build_list(self) -> None:
        theme, p = self.theme, self.theme.palette
        column = tk.Frame(self, background=p.window, width=theme.px(LIST_WIDTH))
        column.pack(side="left", fill="y")
        column.pack_propagate(False)
        tk.Frame(column, background=p.window, height=theme.px(14)).pack()
        for name, icon, text in SECTIONS:
            look = Look(LIST_WIDTH - 20, 38, self._colours(False), p.window, icon_size=16,
                        text_size=13, radius=10, left=True)  # fmt: skip
            made = Button(column, theme, lambda name=name: self.show(name), look,  # type: ignore[misc]
                          icon=icon, text=tr(text))  # fmt: skip
            made.pack(pady=theme.px(2))
            made.bind("<Down>", lambda _, name=name: self._step(name, 1))  # type: ignore[misc]
            made.bind("<Up>", lambda _, name=name: self._step(name, -1))  # type: ignore[misc]
            self._buttons[name] = made

    def _colours(self, on: bool) -> button.Colours:
        p = self.theme.palette
        if on:
            return button.accent(self.theme)
        return button.Colours(p.window, p.key_over, p.key_down, p.text)

    def _step(self, name: str, by: int) -> None:
        names = [each for each, _, _ in SECTIONS]
        wanted = names[(names.index(name) + by) % len(names)]
        self.show(wanted)
        self._buttons[wanted].focus_set()

    def _on_focus(self, event: tk.Event[tk.Misc]) -> None:
        if self._scroll is not None:
            self._scroll.reveal_inside(event.widget)
