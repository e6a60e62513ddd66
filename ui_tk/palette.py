"""The colours of the window, light and dark, and which of them the system asks for.

Text on its ground has a contrast of at least 4.5 to 1 (WCAG 2.1, 1.4.3); a test
measures every pair that is used.
"""

from __future__ import annotations

import configparser
import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

GNOMES = {"GNOME", "UNITY", "BUDGIE", "PANTHEON", "X-CINNAMON"}
PATIENCE_S = 1.0  # with a program that is asked before the window opens

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

    This runs before the window opens: files only, but for GNOME and its relatives, which
    keep their choice in a database that takes a program to read.
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
    if GNOMES & set(env.get("XDG_CURRENT_DESKTOP", "").upper().split(":")):
        found = _gnome_prefers_dark(env)
        if found is not None:
            return found
    for folder in ("gtk-4.0", "gtk-3.0"):
        file = config / folder / "settings.ini"
        prefers = _ini(file, "Settings", "gtk-application-prefer-dark-theme")
        if prefers is not None:
            return prefers.strip().lower() in ("1", "true")
        theme = _ini(file, "Settings", "gtk-theme-name")
        if theme is not None:
            return theme.lower().endswith("-dark")
    return None


def _gnome_prefers_dark(env: Mapping[str, str]) -> bool | None:
    """What gsettings says; where it says `default`, windows are light there."""
    import subprocess  # nobody else's start needs it

    program = shutil.which("gsettings", path=env.get("PATH"))
    if program is None:
        return None
    command = [program, "get", "org.gnome.desktop.interface", "color-scheme"]
    try:
        said = subprocess.run(
            command, env=dict(env), capture_output=True, text=True, timeout=PATIENCE_S, check=True
        ).stdout.strip(" '\n")
    except (OSError, subprocess.SubprocessError):
        return None
    return {"prefer-dark": True, "prefer-light": False, "default": False}.get(said)


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
