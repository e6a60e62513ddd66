"""Settings, Appearance: light or dark, how large, in which language."""

from __future__ import annotations

import tkinter as tk
from dataclasses import replace

from ui_tk.settings.host import Host
from ui_tk.texts import LANGUAGES, tr
from ui_tk.theme import SCALES, Theme
from ui_tk.widgets.fields import Choice


def build(frame: tk.Frame, theme: Theme, host: Host) -> None:
    def change(**what: object) -> None:
        window = replace(host.config.window, **what)  # type: ignore[arg-type]
        host.apply(replace(host.config, window=window))

    now = host.config.window
    looks = (("system", tr("As the system")), ("light", tr("Light")), ("dark", tr("Dark")))
    rows = [
        Choice(frame, theme, tr("Colours"), looks, now.appearance,
               lambda value: change(appearance=value)),
        Choice(frame, theme, tr("Size"), scales(), f"{now.scale:g}",
               lambda value: change(scale=float(value))),
        Choice(frame, theme, tr("Language"), languages(), now.language,
               lambda value: change(language=value)),
    ]  # fmt: skip
    for row in rows:
        row.pack(fill="x", pady=(0, theme.px(14)))


def scales() -> list[tuple[str, str]]:
    return [
        ("0", tr("As the screen says")),
        *((f"{each:g}", f"{each * 100:.0f}\N{NO-BREAK SPACE}%") for each in SCALES),
    ]


def languages() -> list[tuple[str, str]]:
    return [("", tr("As the system")), *LANGUAGES.items()]
