"""Settings, Diagnostics: the SIP messages as a ladder, and a report to send without secrets."""

from __future__ import annotations

import time
import tkinter as tk
from collections.abc import Callable
from pathlib import Path
from tkinter import filedialog

from ui_tk.ladder import Rung
from ui_tk.messages import Trace
from ui_tk.settings.host import Host
from ui_tk.texts import tr
from ui_tk.theme import Theme
from ui_tk.widgets import button
from ui_tk.widgets.button import Button, Look
from ui_tk.widgets.label import label, wrapping
from ui_tk.widgets.rows import Row, RowList

REFRESH_MS = 500
LIST_HEIGHT, TEXT_LINES = 230, 11


class _Section:
    """Messages are read from when this is first opened on."""

    def __init__(self, frame: tk.Frame, theme: Theme, host: Host) -> None:
        p = theme.palette
        self._frame, self._theme, self._host = frame, theme, host
        self._rungs: dict[int, Rung] = {}
        empty = tr("Messages are shown from now on. Register or call, and they come.")
        self._list = RowList(frame, theme, lambda _: None, on_select=self._selected, empty=empty)
        self._list.configure(height=theme.px(LIST_HEIGHT))
        self._list.pack_propagate(False)
        self._list.pack(fill="x")
        self._text = tk.Text(
            frame, height=TEXT_LINES, wrap="none", font=("TkFixedFont", -theme.px(11)),
            background=p.window, foreground=p.text, relief="flat", borderwidth=theme.px(8),
            highlightthickness=0, state="disabled", width=1,
        )  # fmt: skip
        self._text.pack(fill="both", expand=True, pady=(theme.px(8), 0))
        row = tk.Frame(frame, background=p.panel)
        row.pack(fill="x", pady=(theme.px(10), 0))
        look = Look(0, 38, button.accent(theme), p.panel, text_size=13, icon_size=16)
        Button(row, theme, self._save, look, icon="import", text=tr("Save a report…")).pack(
            side="left"
        )
        self._told = wrapping(label(frame, theme, 12, colour=p.dim))
        self._told.configure(
            text=tr("Passwords, digests and keys are taken out before anything is shown or saved.")
        )
        self._told.pack(fill="x", pady=(theme.px(8), 0))
        self._follow = True
        host.send(Trace(True))
        self._show()

    def leave(self) -> None:
        self._follow = False
        self._host.send(Trace(False))

    def _show(self) -> None:
        if not self._follow or not self._frame.winfo_exists():
            return
        rungs = self._host.model.ladder.of_call("")
        self._rungs = {rung.number: rung for rung in rungs}
        self._list.show(
            [
                Row(
                    rung.number,
                    rung.title,
                    f"{tr('to') if rung.sent else tr('from')} {rung.peer}",
                    time.strftime("%H:%M:%S", time.localtime(rung.at)) + f".{rung.at % 1 * 10:.0f}",
                    "arrow" if rung.sent else "incoming",
                    rung.tone,
                )
                for rung in reversed(rungs)
            ]
        )
        self._frame.after(REFRESH_MS, self._show)

    def _selected(self, key: object) -> None:
        rung = self._rungs.get(key) if isinstance(key, int) else None
        self._text.configure(state="normal")
        self._text.delete("1.0", "end")
        self._text.insert("1.0", rung.text if rung is not None else "")
        self._text.configure(state="disabled")

    def _save(self) -> None:
        name = filedialog.asksaveasfilename(
            parent=self._frame, defaultextension=".zip",
            initialfile=time.strftime("platypus-report-%Y-%m-%d.zip"),
        )  # fmt: skip
        if not name:
            return
        from platypus.config import serialize
        from platypus.diagnose import write_bundle

        host, model = self._host, self._host.model
        about = [f"{each.address}: {each.state} {each.reason}" for each in model.accounts.values()]
        messages = [
            f"{rung.at:.3f} {'>' if rung.sent else '<'} {rung.peer}\n{rung.text}"
            for rung in model.ladder.of_call("")
        ]
        try:
            write_bundle(Path(name), messages=messages, about=about, config=serialize(host.config))
        except OSError as error:
            text, tone = tr("Not saved: {why}", why=error.strerror or str(error)), "bad"
        else:
            text, tone = tr("Saved as {name}.", name=name), "good"
        self._told.configure(text=text, foreground=self._theme.tone(tone))


def build(frame: tk.Frame, theme: Theme, host: Host) -> Callable[[], None]:
    return _Section(frame, theme, host).leave
