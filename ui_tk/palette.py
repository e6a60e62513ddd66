"""The colours of the window, light and dark, and which of them the system asks for.

Text on its ground has a contrast of at least 4.5 to 1 (WCAG 2.1, 1.4.3); a test
measures every pair that is used.
"""

from __future__ import annotations

import configparser
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Appearance = Literal["system", "light", "dark"]
APPEARANCES: tuple[Appearance, ...] = ("system", "light", "dark")


@dataclass(frozen=True, slots=True)
class Palette:
    """Every colour of the window."""

    name: str
    rail: str
    window: str  # the ground of the dial side
    panel: str  # the ground of the pages
    card: str
    card_front: str
    key: str
    key_over: str
    key_down: str
    border: str
    text: str
    dim: str
    accent: str
    accent_over: str
    accent_text: str
    good: str
    good_over: str
    good_text: str
    bad: str
    bad_over: str
    bad_text: str
    busy: str
    focus: str
    on_colour: str = "#ffffff"


DARK = Palette(
    name="dark",
    rail="#0e1115",
    window="#14171c",
    panel="#1b1f26",
    card="#232931",
    card_front="#28303a",
    key="#262c35",
    key_over="#303844",
    key_down="#3d4754",
    border="#343c47",
    text="#eef1f4",
    dim="#9da6b2",
    accent="#2f6fe0",
    accent_over="#2963cf",
    accent_text="#7fb0ff",
    good="#1d854b",
    good_over="#1f9152",
    good_text="#3ecf80",
    bad="#cf3a40",
    bad_over="#d9474c",
    bad_text="#ff8f92",
    busy="#eda52e",
    focus="#6aa5ff",
)

LIGHT = Palette(
    name="light",
    rail="#e6e9ee",
    window="#f3f5f8",
    panel="#ffffff",
    card="#f3f5f8",
    card_front="#eaf0fa",
    key="#e4e8ee",
    key_over="#d8dee6",
    key_down="#c8d0db",
    border="#d3d9e1",
    text="#161b21",
    dim="#535e6b",
    accent="#1f5fd0",
    accent_over="#1a53b8",
    accent_text="#1a56c4",
    good="#17803f",
    good_over="#126c35",
    good_text="#0d6a35",
    bad="#c42b34",
    bad_over="#a9232b",
    bad_text="#b01f28",
    busy="#7f5200",
    focus="#1f6feb",
)


def choose(appearance: Appearance) -> Palette:
    """The palette that was asked for; with `system`, the one the desktop prefers."""
    if appearance == "system":
        return LIGHT if system_prefers_dark() is False else DARK
    return LIGHT if appearance == "light" else DARK


def system_prefers_dark(
    environment: dict[str, str] | None = None, home: Path | None = None
) -> bool | None:
    """What the desktop says, read from where it keeps it; None where it says nothing.

    Files only: this runs before the window opens. (GNOME keeps its choice in a database
    that takes a program to read; `gtk-3.0/settings.ini` is what the others write.)
    """
    env = dict(os.environ) if environment is None else environment
    if sys.platform == "win32":
        return _windows_prefers_dark()
    if theme := env.get("GTK_THEME"):
        return theme.lower().endswith(("-dark", ":dark"))
    config = Path(env.get("XDG_CONFIG_HOME") or (home or Path.home()) / ".config")
    if "KDE" in env.get("XDG_CURRENT_DESKTOP", "").upper():
        ground = _ini(config / "kdeglobals", "Colors:Window", "BackgroundNormal")
        parts = (ground or "").split(",")
        if len(parts) == 3 and all(each.strip().isdigit() for each in parts):
            return sum(map(int, parts)) < 3 * 128
    for folder in ("gtk-4.0", "gtk-3.0"):
        file = config / folder / "settings.ini"
        prefers = _ini(file, "Settings", "gtk-application-prefer-dark-theme")
        if prefers is not None:
            return prefers.strip().lower() in ("1", "true")
        theme = _ini(file, "Settings", "gtk-theme-name")
        if theme is not None:
            return theme.lower().endswith("-dark")
    return None


def _ini(file: Path, section: str, key: str) -> str | None:
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        parser.read_string(file.read_text(encoding="utf-8", errors="replace"))
    except (OSError, configparser.Error):
        return None
    return parser.get(section, key, fallback=None)


def _windows_prefers_dark() -> bool | None:
    if sys.platform != "win32":
        return None
    import winreg

    place = r"Software\Microsoft\Windows\CurrentVersion\Themes\Personalize"
    try:
        with winreg.OpenKey(winreg.HKEY_CURRENT_USER, place) as key:
            return winreg.QueryValueEx(key, "AppsUseLightTheme")[0] == 0
    except OSError:
        return None
