"""A rounded panel that is as large as its place: four drawn corners and what is between them."""

from __future__ import annotations

import tkinter as tk

from ui_tk.theme import Theme

RADIUS = 12


class Surface(tk.Canvas):
    """A canvas with a rounded ground. `on_resize` is called with its width in screen pixels."""

    def __init__(
        self, parent: tk.Misc, theme: Theme, *, height: int, ground: str, colour: str
    ) -> None:
        super().__init__(
            parent,
            height=height,
            width=1,
            background=ground,
            highlightthickness=0,
            borderwidth=0,
        )
        self._theme, self._colour = theme, colour
        self._corners = [self.create_image(0, 0, anchor="nw") for _ in range(4)]
        self._bars = [self.create_rectangle(0, 0, 0, 0, width=0) for _ in range(2)]
        self._size = (0, 0)
        self.set_colour(colour)
        self.bind("<Configure>", self._on_configure, add=True)

    def set_colour(self, colour: str) -> None:
        self._colour = colour
        side = 2 * self._theme.px(RADIUS)
        image = self._theme.shape(side, side, side // 2, colour)
        for corner in self._corners:
            self.itemconfigure(corner, image=image)
        for bar in self._bars:
            self.itemconfigure(bar, fill=colour)

    @property
    def colour(self) -> str:
        return self._colour

    def resized(self, width: int, height: int) -> None:
        """For those who draw on it: place what depends on the width."""

    def _on_configure(self, event: tk.Event[tk.Misc]) -> None:
        if (event.width, event.height) == self._size:
            return
        self._size = width, height = event.width, event.height
        radius = self._theme.px(RADIUS)
        far_x, far_y = width - 2 * radius, height - 2 * radius
        places = ((0, 0), (far_x, 0), (0, far_y), (far_x, far_y))
        for corner, place in zip(self._corners, places, strict=True):
            self.coords(corner, *place)
        self.coords(self._bars[0], radius, 0, width - radius, height)
        self.coords(self._bars[1], 0, radius, width, height - radius)
        self.resized(width, height)
