"""A list of rows, drawn only where it is seen: ten thousand cost what twenty do.

Each row has an icon, a text, a smaller one below and one at its right. Up and Down,
Page Up and Down, Home and End move; Return, or a double click, chooses.
"""

from __future__ import annotations

import tkinter as tk
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from tkinter import ttk

from ui_tk.theme import Theme
from ui_tk.widgets.label import has_focus

ROW_HEIGHT = 52
WHEEL_ROWS = 2


@dataclass(frozen=True, slots=True)
class Row:
    """What one row shows. `key` says which it is when the list is shown again."""

    key: Hashable
    text: str
    below: str = ""
    right: str = ""
    icon: str = ""
    tone: str = "plain"  # of the icon; and of the text where it is bad
    badge: str = ""  # a second icon, before the text at the right


class RowList(tk.Frame):
    """`on_choose(key)` for Return and a double click, `on_select(key)` for every move."""

    def __init__(
        self,
        parent: tk.Misc,
        theme: Theme,
        on_choose: Callable[[Hashable], object],
        *,
        on_select: Callable[[Hashable | None], object] | None = None,
        on_leave: Callable[[], object] | None = None,
        empty: str = "",
        ground: str | None = None,
    ) -> None:
        self._ground = ground or theme.palette.panel
        super().__init__(parent, background=self._ground)
        self._theme, self._choose, self._select, self._leave = (
            theme, on_choose, on_select, on_leave,
        )  # fmt: skip
        self._empty = empty
        self._rows: Sequence[Row] = ()
        self._top = 0.0  # in rows, from the first
        self._selected: Hashable | None = None
        self._hover: int | None = None
        self._height = theme.px(ROW_HEIGHT)
        self._canvas = tk.Canvas(
            self, background=self._ground, highlightthickness=0, borderwidth=0, takefocus=True,
            width=1, height=1,
        )  # fmt: skip
        self._bar = ttk.Scrollbar(self, command=self._on_bar)
        self._canvas.pack(side="left", fill="both", expand=True)
        self._bound = False
        self._listen()

    def show(self, rows: Sequence[Row]) -> None:
        """Show these; what was selected stays selected where it is still there."""
        if rows == self._rows:
            return
        self._rows = rows
        if self._selected is not None and all(row.key != self._selected for row in rows):
            self._selected = None
        self._clamp()
        self._draw()

    @property
    def selected(self) -> Hashable | None:
        return self._selected

    @property
    def rows(self) -> Sequence[Row]:
        return self._rows

    def select(self, key: Hashable | None) -> None:
        if key != self._selected:
            self._selected = key
            self._draw()

    def move(self, by: int) -> None:
        """Select the row that many further; from none, the first."""
        if not self._rows:
            return
        at = self._index()
        if at is None:
            at = 0 if by > 0 else len(self._rows) - 1
        elif at + by < 0 and by == -1 and self._leave is not None:
            self._set(None)
            self._leave()
            return
        else:
            at = max(0, min(len(self._rows) - 1, at + by))
        self._reveal(at)
        self._set(self._rows[at].key)

    def take_focus(self) -> None:
        self._canvas.focus_set()
        if self._selected is None:
            self.move(1)

    def choose(self) -> None:
        if self._selected is not None:
            self._choose(self._selected)

    def _listen(self) -> None:
        canvas = self._canvas
        canvas.bind("<Configure>", self._on_configure)
        canvas.bind("<Motion>", self._on_motion)
        canvas.bind("<Leave>", lambda _: self._set_hover(None))
        canvas.bind("<ButtonPress-1>", self._on_press)
        canvas.bind("<Double-Button-1>", self._on_double)
        canvas.bind("<MouseWheel>", lambda e: self._scroll(-1 if e.delta > 0 else 1))
        canvas.bind("<Button-4>", lambda _: self._scroll(-1))
        canvas.bind("<Button-5>", lambda _: self._scroll(1))
        canvas.bind("<FocusIn>", lambda _: self._draw())
        canvas.bind("<FocusOut>", lambda _: self._draw())
        for key, by in (("Up", -1), ("Down", 1), ("Prior", -8), ("Next", 8)):
            canvas.bind(f"<{key}>", lambda _, by=by: self._on_move(by))  # type: ignore[misc]
        canvas.bind("<Home>", lambda _: self._on_move(-len(self._rows)))
        canvas.bind("<End>", lambda _: self._on_move(len(self._rows)))
        for name in ("<Return>", "<KP_Enter>"):
            canvas.bind(name, self._on_return)

    def _on_move(self, by: int) -> str:
        self.move(by)
        return "break"

    def _on_return(self, _: tk.Event[tk.Misc]) -> str | None:
        if self._selected is None:
            return None
        self.choose()
        return "break"

    def _set(self, key: Hashable | None) -> None:
        self.select(key)
        if self._select is not None:
            self._select(key)

    def _index(self) -> int | None:
        return next((i for i, row in enumerate(self._rows) if row.key == self._selected), None)

    def _row_at(self, y: int) -> int | None:
        at = int((y + self._top * self._height) // self._height)
        return at if 0 <= at < len(self._rows) else None

    def _on_press(self, event: tk.Event[tk.Misc]) -> None:
        self._canvas.focus_set()
        at = self._row_at(event.y)
        if at is not None:
            self._set(self._rows[at].key)

    def _on_double(self, event: tk.Event[tk.Misc]) -> None:
        if self._row_at(event.y) is not None:
            self.choose()

    def _on_motion(self, event: tk.Event[tk.Misc]) -> None:
        self._set_hover(self._row_at(event.y))

    def _set_hover(self, at: int | None) -> None:
        if at != self._hover:
            self._hover = at
            self._draw()

    def _on_configure(self, _: tk.Event[tk.Misc]) -> None:
        self._clamp()
        self._draw()

    @property
    def _visible(self) -> float:
        return max(1, self._canvas.winfo_height()) / self._height

    def _clamp(self) -> None:
        self._top = max(0.0, min(self._top, len(self._rows) - self._visible))

    def _reveal(self, at: int) -> None:
        if at < self._top:
            self._top = float(at)
        elif at + 1 > self._top + self._visible:
            self._top = at + 1 - self._visible
        self._clamp()

    def _scroll(self, by: int) -> None:
        self._top += by * WHEEL_ROWS
        self._clamp()
        self._draw()

    def _on_bar(self, action: str, value: str, unit: str = "") -> None:
        if action == "moveto":
            self._top = float(value) * len(self._rows)
        else:
            self._top += int(value) * (self._visible if unit == "pages" else 1)
        self._clamp()
        self._draw()

    def _draw(self) -> None:
        canvas, count = self._canvas, len(self._rows)
        canvas.delete("all")
        if count > self._visible + 0.01:
            if not self._bound:
                self._bar.pack(side="right", fill="y", before=canvas)
                self._bound = True
            self._bar.set(self._top / count, (self._top + self._visible) / count)
        elif self._bound:
            self._bar.pack_forget()
            self._bound = False
        if not count and self._empty:
            canvas.create_text(
                canvas.winfo_width() / 2,
                min(canvas.winfo_height() / 2, self._theme.px(80)),
                text=self._empty,
                fill=self._theme.palette.dim,
                font=self._theme.font(13),
                width=canvas.winfo_width() - self._theme.px(48),
                justify="center",
            )
        first = int(self._top)
        for at in range(first, min(count, int(self._top + self._visible) + 2)):
            self._draw_row(at, round((at - self._top) * self._height))

    def _draw_row(self, at: int, y: int) -> None:
        canvas, theme, row = self._canvas, self._theme, self._rows[at]
        p, width, height = theme.palette, self._canvas.winfo_width(), self._height
        focused = has_focus(canvas)
        if row.key == self._selected or at == self._hover:
            colour = p.key if row.key != self._selected or not focused else p.key_over
            canvas.create_rectangle(0, y, width, y + height, fill=colour, width=0)
            if row.key == self._selected and focused:
                canvas.create_rectangle(0, y, theme.px(3), y + height, fill=p.focus, width=0)
        left, middle = theme.px(14), y + height // 2
        if row.icon:
            image = theme.icon(row.icon, 20, theme.tone(row.tone))
            canvas.create_image(left + theme.px(10), middle, image=image)
            left += theme.px(34)
        right = width - theme.px(14)
        if row.right:
            canvas.create_text(
                right, middle, text=row.right, anchor="e", fill=p.dim, font=theme.font(12)
            )
            right -= theme.measure(row.right, 12) + theme.px(12)
        if row.badge:
            image = theme.icon(row.badge, 16, p.accent_text)
            canvas.create_image(right - theme.px(8), middle, image=image)
            right -= theme.px(26)
        lift = theme.px(9) if row.below else 0
        room = right - left
        canvas.create_text(
            left,
            middle - lift,
            text=theme.fit(row.text, 14, room),
            anchor="w",
            fill=p.bad_text if row.tone == "bad" else p.text,
            font=theme.font(14),
        )
        if row.below:
            canvas.create_text(
                left,
                middle + theme.px(10),
                text=theme.fit(row.below, 11, room),
                anchor="w",
                fill=p.dim,
                font=theme.font(11),
            )
