"""Colours that can be read, and which of them the desktop asks for."""

from __future__ import annotations

import os
import subprocess

import pytest

from tests.harness.programs import find_program
from ui_tk.palette import DARK, LIGHT, Palette, choose, system_prefers_dark


@pytest.mark.parametrize("palette", [DARK, LIGHT], ids=lambda each: each.name)
class TestContrast:
    """WCAG 2.1, 1.4.3."""

    def test_text_stands_out_from_every_ground(self, palette: Palette):
        grounds = ("rail", "window", "panel", "card", "card_front", "key")
        texts = ("text", "dim", "bad_text", "good_text", "accent_text", "busy")
        found = {
            (text, ground): contrast(getattr(palette, text), getattr(palette, ground))
            for ground in grounds
            for text in texts
        }
        assert {pair: round(each, 2) for pair, each in found.items() if each < 4.5} == {}

    def test_what_stands_on_a_coloured_button_does_too(self, palette: Palette):
        grounds = ("good", "good_over", "bad", "accent", "accent_over", "bad_over")
        found = {each: contrast(palette.on_colour, getattr(palette, each)) for each in grounds}
        assert {each: round(value, 2) for each, value in found.items() if value < 4.0} == {}

    def test_a_key_under_the_pointer_can_still_be_read(self, palette: Palette):
        for ground in (palette.key_over, palette.key_down):
            assert contrast(palette.text, ground) >= 4.5


class TestSystem:
    @pytest.mark.parametrize(
        ("file", "text", "dark"),
        [
            ("gtk-3.0/settings.ini", "[Settings]\ngtk-application-prefer-dark-theme=1\n", True),
            ("gtk-3.0/settings.ini", "[Settings]\ngtk-application-prefer-dark-theme=0\n", False),
            ("gtk-4.0/settings.ini", "[Settings]\ngtk-theme-name=Adwaita-dark\n", True),
            ("gtk-3.0/settings.ini", "[Settings]\ngtk-theme-name=Adwaita\n", False),
            ("gtk-3.0/settings.ini", "no ini file", None),
            ("other", "", None),
        ],
    )
    def test_gtk_says_what_it_prefers(self, tmp_path, file, text, dark):
        path = tmp_path / ".config" / file
        path.parent.mkdir(parents=True)
        path.write_text(text)
        assert system_prefers_dark({}, tmp_path) is dark

    @pytest.mark.parametrize(("ground", "dark"), [("239,240,241", False), ("49,54,59", True)])
    def test_kde_does_by_its_colours(self, tmp_path, ground, dark):
        (tmp_path / "kdeglobals").write_text(f"[Colors:Window]\nBackgroundNormal={ground}\n")
        env = {"XDG_CURRENT_DESKTOP": "KDE", "XDG_CONFIG_HOME": str(tmp_path)}
        assert system_prefers_dark(env) is dark

    @pytest.mark.parametrize(
        ("chosen", "dark"), [("prefer-dark", True), ("prefer-light", False), ("default", False)]
    )
    def test_gnome_does_by_gsettings(self, tmp_path, chosen, dark):
        gsettings = find_program("gsettings")
        env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "GSETTINGS_BACKEND": "keyfile"}
        env |= {"XDG_CONFIG_HOME": str(tmp_path), "XDG_CURRENT_DESKTOP": "ubuntu:GNOME"}
        command = [gsettings, "set", "org.gnome.desktop.interface", "color-scheme", chosen]
        if subprocess.run(command, env=env, capture_output=True, check=False).returncode:
            pytest.skip("GNOME's schemas are not installed")
        assert system_prefers_dark(env) is dark

    def test_a_theme_of_the_environment_goes_before(self, tmp_path):
        assert system_prefers_dark({"GTK_THEME": "Adwaita:dark"}, tmp_path) is True

    def test_what_was_chosen_goes_before_all(self):
        assert (choose("light"), choose("dark")) == (LIGHT, DARK)


def contrast(one: str, other: str) -> float:
    def luminance(colour: str) -> float:
        parts = [each / 255 for each in bytes.fromhex(colour[1:])]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)
