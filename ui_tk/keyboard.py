"""The keys of the window: shortcuts, digits typed anywhere, and pasting."""

from __future__ import annotations

import tkinter as tk
from collections.abc import Callable
from functools import partial

from ui_tk import words
from ui_tk.actions import ACTIONS, PICK_KEYS
from ui_tk.deeds import Deeds
from ui_tk.model import KEYS

TAG = "PlatypusKeys"
# With Control or Alt (Mod1) a key is a shortcut, not a digit.
MODIFIERS = 0xC


class Keyboard:
    """Binds every action once, for the window and for the entry in it.

    An entry has meanings of its own for many of them (Ctrl-H deletes a letter), so it
    gets a tag that comes before those. In a list Return means the row.
    """

    def __init__(
        self, root: tk.Tk, entry: tk.Entry, deeds: Deeds, flash: Callable[[str], None]
    ) -> None:
        self._root, self._entry, self._deeds, self._flash = root, entry, deeds, flash
        entry.bindtags((TAG, *entry.bindtags()))
        for action in ACTIONS:
            deed = getattr(deeds, action.name)
            for key in action.keys:
                self._bind(f"<{key}>", deed)
        for number, key in enumerate(PICK_KEYS, 1):
            self._bind(f"<{key}>", partial(deeds.pick_number, number))
        root.bind("<Key>", self._on_key)
        for widget in (root, entry):
            widget.bind("<<Paste>>", self._on_paste)
        root.bind_class(TAG, "<Control-Key-slash>", self._on_select_all)
        root.bind_class(TAG, "<Alt-a>", self._on_select_all)

    def _bind(self, sequence: str, deed: Callable[[], object]) -> None:
        def pressed(_: tk.Event[tk.Misc]) -> str:
            deed()
            return "break"

        self._root.bind(sequence, pressed)
        self._root.bind_class(TAG, sequence, pressed)

    def _on_key(self, event: tk.Event[tk.Misc]) -> None:
        if isinstance(event.widget, tk.Entry) or int(event.state) & MODIFIERS:
            return
        if str(event.widget.winfo_toplevel()) != str(self._root):
            return
        if event.char and event.char in KEYS + "+":
            self._flash(event.char)
            self._deeds.press_key(event.char)
        elif event.keysym == "BackSpace":
            self._deeds.erase()
        elif event.char and event.char.isalpha():
            self._deeds.number()  # a name is typed: search for it
            self._entry.insert("end", event.char)

    def _on_paste(self, _: tk.Event[tk.Misc]) -> str:
        try:
            text = self._root.clipboard_get()
        except tk.TclError:
            return "break"  # nothing there, or nothing that is text
        if self._entry.selection_present():
            self._entry.delete("sel.first", "sel.last")
        self._entry.insert("insert", words.tidy_number(text))
        self._entry.focus_set()
        return "break"

    def _on_select_all(self, _: tk.Event[tk.Misc]) -> str:
        self._entry.selection_range(0, "end")
        return "break"
