"""Palette and metrics: how everything in the window looks, at one scale.

One `Theme` holds one palette and one scale factor for sizes and fonts, and keeps
alive every image that was drawn for them. A window that shall look different is built
again with another theme; nothing is recoloured in place.
"""

from __future__ import annotations

import tkinter as tk
from tkinter import font as tkfont
from tkinter import ttk

from ui_tk.palette import DARK, Palette
from ui_tk.shapes import icon_png, rounded_png

SCALES = (1.0, 1.25, 1.5, 1.75, 2.0, 2.5, 3.0)  # those that are offered; any other works


class Theme:
    """One look at one scale, for one Tk root."""

    def __init__(self, root: tk.Tk, *, scale: float | None = None, palette: Palette = DARK) -> None:
        self.palette = palette
        self.scale = scale or max(1.0, round(root.winfo_fpixels("1i") / 96 * 4) / 4)
        root.tk.call("tk", "scaling", self.scale * 96 / 72)
        root.configure(background=palette.window)
        self._root = root
        self._images: dict[tuple[object, ...], tk.PhotoImage] = {}
        self._fonts: dict[tuple[float, str], tkfont.Font] = {}
        self._family = tkfont.nametofont("TkDefaultFont").actual("family")
        self._style()

    def px(self, size: float) -> int:
        """A size of the design, in the pixels of this screen."""
        return round(size * self.scale)

    def font(self, size: float, weight: str = "normal") -> tuple[str, int, str]:
        """A font whose height is `size` design pixels."""
        return (self._family, -self.px(size), weight)

    def measure(self, text: str, size: float, weight: str = "normal") -> int:
        """How wide `text` is in this font, in screen pixels."""
        width: int = self._measured(size, weight).measure(text)
        return width

    def fit(self, text: str, size: float, width: int, weight: str = "normal") -> str:
        """`text`, or as much of it as is `width` screen pixels wide, with an ellipsis."""
        if self.measure(text, size, weight) <= width:
            return text
        low, high = 0, len(text)
        while low < high:
            middle = (low + high + 1) // 2
            if self.measure(text[:middle].rstrip() + "…", size, weight) <= width:
                low = middle
            else:
                high = middle - 1
        return text[:low].rstrip() + "…"

    def tone(self, tone: str) -> str:
        """The colour of text that is good, bad, busy or plain."""
        p = self.palette
        return {"good": p.good_text, "bad": p.bad_text, "busy": p.busy}.get(tone, p.dim)

    def shape(
        self, width: int, height: int, radius: int, colour: str, outline: str | None = None
    ) -> tk.PhotoImage:
        """A rounded rectangle, in screen pixels. The theme keeps it alive."""
        key = (width, height, radius, colour, outline)
        if key not in self._images:
            data = rounded_png(width, height, radius, colour, outline, self.px(2))
            self._images[key] = tk.PhotoImage(master=self._root, data=data)
        return self._images[key]

    def icon(self, name: str, size: float, colour: str | None = None) -> tk.PhotoImage:
        """An icon of the drawn size that is nearest to `size` design pixels."""
        key = (name, self.px(size), colour or self.palette.text)
        if key not in self._images:
            self._images[key] = tk.PhotoImage(master=self._root, data=icon_png(*key))
        return self._images[key]

    def _measured(self, size: float, weight: str) -> tkfont.Font:
        key = (size, weight)
        if key not in self._fonts:
            self._fonts[key] = tkfont.Font(self._root, self.font(size, weight))
        return self._fonts[key]

    def _style(self) -> None:
        """The few ttk widgets: combo boxes, scroll bars, entries."""
        p, style = self.palette, ttk.Style(self._root)
        if style.theme_use() != "clam":
            style.theme_use("clam")
        style.configure(
            ".", background=p.panel, foreground=p.text, font=self.font(13), bordercolor=p.border
        )
        flat = {"lightcolor": p.key, "darkcolor": p.key, "bordercolor": p.border}
        style.configure(
            "TCombobox",
            fieldbackground=p.key,
            background=p.key,
            foreground=p.text,
            arrowcolor=p.dim,
            arrowsize=self.px(14),
            padding=self.px(6),
            insertcolor=p.text,
            **flat,
        )
        style.map(
            "TCombobox",
            fieldbackground=[("readonly", p.key)],
            foreground=[("readonly", p.text)],
            selectbackground=[("readonly", p.key)],
            selectforeground=[("readonly", p.text)],
            bordercolor=[("focus", p.focus)],
            background=[("active", p.key_over)],
        )
        style.configure(
            "Vertical.TScrollbar",
            troughcolor=p.panel,
            background=p.key_down,
            arrowsize=self.px(10),
            width=self.px(10),
            gripcount=0,
            borderwidth=0,
            relief="flat",
            bordercolor=p.panel,
            lightcolor=p.key_down,
            darkcolor=p.key_down,
        )
        style.map("Vertical.TScrollbar", background=[("active", p.dim), ("disabled", p.panel)])
        thumb: tuple[str, dict[str, str]] = ("Vertical.Scrollbar.thumb", {"sticky": "nswe"})
        trough = {"sticky": "ns", "children": [thumb]}
        style.layout("Vertical.TScrollbar", [("Vertical.Scrollbar.trough", trough)])  # type: ignore[list-item]
        options = ("background", p.key), ("foreground", p.text), ("selectBackground", p.key_down)
        for option, value in (*options, ("selectForeground", p.text)):
            self._root.option_add(f"*TCombobox*Listbox.{option}", value)
        self._root.option_add("*TCombobox*Listbox.font", self.font(13))
