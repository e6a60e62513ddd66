"""How the window is to look: what the user chose under Settings, Appearance."""

from __future__ import annotations

from dataclasses import dataclass

from ui_tk.palette import Appearance


@dataclass(frozen=True, slots=True)
class Preferences:
    appearance: Appearance = "system"
    scale: float | None = None  # None: as the screen says
    language: str | None = None  # None: as the system says
