"""Colours, sizes, fonts and shapes: how everything in the window looks.

One `Theme` holds one scale factor for sizes and fonts. Canvas shapes are not
anti-aliased on X11, so rounded shapes are drawn here, as PNG bytes with an alpha
channel; icons are PNG files made beforehand (`scripts/icons.py`).
"""

from __future__ import annotations

import struct
import tkinter as tk
import zlib
from dataclasses import dataclass
from functools import lru_cache
from math import sqrt
from pathlib import Path
from tkinter import font, ttk

ICON_SIZES = (20, 24, 30, 36, 40, 48, 60, 72)
ICONS = Path(__file__).parent / "icons"


@dataclass(frozen=True, slots=True)
class Palette:
    """Every colour of the window. Text on its ground has a contrast of at least 4.5 to 1."""

    window: str
    panel: str
    key: str
    key_over: str
    key_down: str
    border: str
    text: str
    dim: str
    good: str
    good_over: str
    bad: str
    bad_over: str
    busy: str
    focus: str
    bad_text: str


DARK = Palette(
    window="#14171c",
    panel="#1b1f26",
    key="#252b34",
    key_over="#2f3742",
    key_down="#3d4754",
    border="#343c47",
    text="#eef1f4",
    dim="#98a1ad",
    good="#1f9d57",
    good_over="#25b365",
    bad="#d13b40",
    bad_over="#e24d52",
    busy="#eda52e",
    focus="#6aa5ff",
    bad_text="#ff8a8d",
)


class Theme:
    """One look at one scale, for one Tk root."""

    def __init__(self, root: tk.Tk, *, scale: float | None = None, palette: Palette = DARK) -> None:
        self.palette = palette
        self.scale = scale or max(1.0, round(root.winfo_fpixels("1i") / 96 * 4) / 4)
        root.tk.call("tk", "scaling", self.scale * 96 / 72)
        root.configure(background=palette.window)
        self._root = root
        self._images: dict[tuple[object, ...], tk.PhotoImage] = {}
        self._family = font.nametofont("TkDefaultFont").actual("family")
        self._style()

    def px(self, size: float) -> int:
        """A size of the design, in the pixels of this screen."""
        return round(size * self.scale)

    def font(self, size: float, weight: str = "normal") -> tuple[str, int, str]:
        """A font whose height is `size` design pixels."""
        return (self._family, -self.px(size), weight)

    def tone(self, tone: str) -> str:
        """The colour of text that is good, bad, busy or plain."""
        p = self.palette
        return {"good": p.good_over, "bad": p.bad_text, "busy": p.busy}.get(tone, p.dim)

    def shape(
        self, width: int, height: int, radius: int, colour: str, outline: str | None = None
    ) -> tk.PhotoImage:
        """A rounded rectangle, in screen pixels. The theme keeps it alive."""
        key = (width, height, radius, colour, outline)
        if key not in self._images:
            data = rounded_png(width, height, radius, colour, outline, self.px(2))
            self._images[key] = tk.PhotoImage(master=self._root, data=data)
        return self._images[key]

    def icon(self, name: str, size: float) -> tk.PhotoImage:
        """A white icon, of the drawn size that is nearest to `size` design pixels."""
        wanted = self.px(size)
        nearest = min(ICON_SIZES, key=lambda each: abs(each - wanted))
        key = (name, nearest)
        if key not in self._images:
            file = ICONS / f"{name}-{nearest}.png"
            self._images[key] = tk.PhotoImage(master=self._root, file=str(file))
        return self._images[key]

    def _style(self) -> None:
        p, style = self.palette, ttk.Style(self._root)
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
            **flat,
        )
        style.map(
            "TCombobox",
            fieldbackground=[("readonly", p.key)],
            foreground=[("readonly", p.text)],
            selectbackground=[("readonly", p.key)],
            selectforeground=[("readonly", p.text)],
            bordercolor=[("focus", p.focus)],
        )
        style.configure(
            "Treeview",
            background=p.panel,
            fieldbackground=p.panel,
            foreground=p.text,
            rowheight=self.px(30),
            borderwidth=0,
            font=self.font(13),
            **flat,
        )
        style.configure(
            "Treeview.Heading",
            background=p.panel,
            foreground=p.dim,
            relief="flat",
            font=self.font(12),
            padding=(0, self.px(4)),
        )
        style.map("Treeview.Heading", background=[("active", p.panel)])
        style.map("Treeview", background=[("selected", p.key)], foreground=[("selected", p.text)])
        style.layout("Treeview", [("Treeview.treearea", {"sticky": "nswe"})])
        # Without the place for a sign that opens a branch: the rows are a plain list.
        text: tuple[str, dict[str, str]] = ("Treeitem.text", {"side": "left"})
        row = {"sticky": "nswe", "children": [text]}
        style.layout("Treeview.Item", [("Treeitem.padding", row)])  # type: ignore[list-item]
        options = ("background", p.key), ("foreground", p.text), ("selectBackground", p.key_down)
        for option, value in options:
            self._root.option_add(f"*TCombobox*Listbox.{option}", value)
        self._root.option_add("*TCombobox*Listbox.font", self.font(13))


@lru_cache(maxsize=64)
def _coverage(width: int, height: int, radius: int) -> tuple[bytes, ...]:
    """How much of every pixel a rounded rectangle covers, 0 to 255, a row at a time."""
    radius = min(radius, width // 2, height // 2)
    rows = []
    for y in range(min(radius, height)):
        down = radius - y - 0.5
        edge = bytes(
            max(
                0,
                min(255, round(255 * (radius - sqrt((radius - x - 0.5) ** 2 + down * down) + 0.5))),
            )
            for x in range(radius)
        )
        rows.append(edge + b"\xff" * (width - 2 * radius) + edge[::-1])
    middle = [b"\xff" * width] * (height - 2 * len(rows))
    return (*rows, *middle, *reversed(rows))


def rounded_png(
    width: int, height: int, radius: int, colour: str, outline: str | None = None, border: int = 2
) -> bytes:
    """A filled rounded rectangle as a PNG file, with an outline of `border` pixels inside."""
    outer = _coverage(width, height, radius)
    fill = _rgb(colour)
    if outline is None:
        return _png(width, [_row(fill, fill, None, alpha) for alpha in outer])
    inner = _coverage(width - 2 * border, height - 2 * border, radius - border)
    side, blank = bytes(border), bytes(width)
    padded = [blank] * border + [side + row + side for row in inner] + [blank] * border
    edge = _rgb(outline)
    return _png(width, [_row(fill, edge, a, b) for a, b in zip(padded, outer, strict=True)])


def _row(fill: bytes, edge: bytes, inside: bytes | None, alpha: bytes) -> bytes:
    """One row of RGBA pixels: `fill` where `inside`, `edge` elsewhere."""
    row = bytearray(4 * len(alpha))
    for channel in range(3):
        if inside is None or fill[channel] == edge[channel]:
            row[channel::4] = bytes([fill[channel]]) * len(alpha)
        else:
            a, b = fill[channel], edge[channel]
            row[channel::4] = inside.translate(
                bytes((b * 255 + (a - b) * i) // 255 for i in range(256))
            )
    row[3::4] = alpha
    return bytes(row)


def _png(width: int, rows: list[bytes]) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    head = struct.pack(">IIBBBBB", width, len(rows), 8, 6, 0, 0, 0)  # 8 bits, RGBA
    data = zlib.compress(b"".join(b"\0" + row for row in rows), 1)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def _rgb(colour: str) -> bytes:
    return bytes.fromhex(colour.removeprefix("#"))
