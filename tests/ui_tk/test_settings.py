"""Every section of the settings in the real window, from the keyboard.

What came of it is looked for on the screen, in the file, and where a call can tell, in a call.
"""

from __future__ import annotations

import re
import tomllib
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from platypus import Call, CallState
from tests.harness.programs import wait_until
from tests.ui_tk.desk import Desk
from tests.ui_tk.exchange import PASSWORD
from ui_tk.palette import DARK, LIGHT
from ui_tk.settings.window import SECTIONS

pytestmark = pytest.mark.ui

NAMES = [name for name, _, _ in SECTIONS]
INSIDE = (700, 590)  # the ground of a section, where nothing stands


class Hand:
    """Opens one section, with the keyboard in its first field."""

    def __init__(self, desk: Desk) -> None:
        self.desk, self.screen, self.palette = desk, desk.screen, DARK

    def open(self, section: str, *, fields: int = 1) -> None:
        """`fields`: how many times Tab is pressed in the section."""
        self.desk.ctl("show", "page=settings")
        self.screen.wait_for_title("^Settings")
        at = NAMES.index(section)
        self.screen.key("Tab", *["Down"] * at)
        # Tab goes to what is on the screen: the section first has to be there.
        self.screen.wait_for_colour(16, 35 + 42 * at, self.palette.accent)
        self.screen.key(*["Tab"] * (len(NAMES) - 1 - at + fields))

    def choose(self, *keys: str) -> None:
        """Of a list that opens with Down; its keys go to it once it is there."""
        before = self.screen.look().copy()
        self.screen.key("Down")
        wait_until(lambda: (self.screen.look() != before).any(), "an open list")
        self.screen.key(*keys, "Return")

    def write(self, text: str) -> None:
        self.screen.key("ctrl+slash")
        self.screen.type(text)
        self.screen.key("Return")

    def close(self) -> None:
        """Every window but the first; one may be closing already."""
        while others := [each for each in self.screen.titles() if each.endswith(" - Platypus")]:
            if self.screen.can_focus_on(others[0]):
                self.screen.key("Escape")

    def kept(self, holds: Callable[[dict[str, Any]], object]) -> None:
        """Until the file says so."""
        file = self.desk.folder / "config.toml"

        def written() -> bool:
            try:
                return bool(holds(tomllib.loads(file.read_text())))
            except KeyError:
                return False

        wait_until(written, "that it is written")


@pytest.fixture(scope="module")
def desk(screen, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    desk = Desk(screen, tmp_path_factory.mktemp("alice"))
    yield desk
    desk.close()


@pytest.fixture
def hand(desk: Desk) -> Iterator[Hand]:
    hand = Hand(desk)
    yield hand
    hand.close()


def call_from_bob(desk: Desk) -> Call:
    return desk.exchange.call_of_bob("alice")


class TestAccounts:
    def test_one_is_made_and_what_can_be_none_is_said(self, hand, screen):
        hand.open("accounts", fields=2)
        screen.key("space")  # New account
        screen.wait_for_title("^New account")
        screen.type("carol")
        screen.key("Return")
        screen.wait_for_any(DARK.bad_text)
        screen.key("ctrl+slash")
        screen.type("carol@127.0.0.1:1")
        screen.key("Return")
        hand.kept(lambda file: "sip:carol@127.0.0.1:1" in str(file["accounts"]))
        screen.wait_for_title("^Keeping passwords|^Password|registered")

    def test_one_that_fails_is_shown_as_that(self, hand, screen):
        hand.open("accounts")
        screen.wait_for_any(DARK.bad_text)  # nobody answers Carol there


class TestAudio:
    def test_a_volume_is_kept(self, hand, screen):
        hand.open("audio", fields=2)
        screen.key("End")
        hand.kept(lambda file: file["audio"]["input_gain"] == 2.0)
        screen.key("Left", "Left")
        hand.kept(lambda file: file["audio"]["input_gain"] == 1.9)

    def test_without_a_sound_system_the_test_says_what_is_missing(self, hand, screen):
        hand.open("audio", fields=7)
        screen.key("space")
        screen.wait_for_any(DARK.bad_text)


class TestCodecs:
    def test_one_that_is_moved_up_is_offered_first(self, hand, desk, screen):
        hand.open("codecs", fields=4)  # the second switch, past the arrows of the first row
        screen.key("ctrl+Up")
        hand.kept(lambda file: file["codecs"][:2] == ["pcma", "pcmu"])
        screen.wait_for_title(r"alice@.* \(registered\)|Settings")
        hand.close()
        desk.again_until(lambda: desk.shell("call", "to=bob").returncode == 0, "a call")
        call = desk.exchange.until(lambda: next(iter(desk.exchange.bob.calls), None))
        desk.exchange.do(call.answer)
        desk.exchange.until(lambda: call.codec)
        assert desk.exchange.do(lambda: call.codec) == "pcma"
        desk.ctl("hangup")
        desk.until(lambda: desk.exchange.is_quiet)


class TestNetwork:
    def test_ports_that_can_be_none_are_said_and_change_nothing(self, hand, screen):
        hand.open("network", fields=3)
        hand.write("20000-10000")
        screen.wait_for_any(DARK.bad_text)
        hand.write("20000-20999")
        hand.kept(lambda file: file["rtp_ports"] == "20000-20999")


class TestSecurity:
    def test_encryption_is_chosen_and_a_wrong_fingerprint_is_said(self, hand, screen):
        hand.open("security")
        hand.choose("Down")
        hand.kept(lambda file: file["srtp"] == "require")
        hand.close()
        hand.open("security")
        hand.choose("Up")
        hand.kept(lambda file: "srtp" not in file)
        hand.close()
        hand.open("security", fields=6)
        hand.write("AA:BB")
        screen.wait_for_any(DARK.bad_text)


class TestCalls:
    def test_do_not_disturb_refuses_and_forwarding_forwards(self, hand, desk, screen):
        desk.exchange.until(lambda: desk.exchange.pbx.contacts("alice"))
        hand.open("calls")
        screen.key("space")
        hand.kept(lambda file: file["calls"]["dnd"])
        assert desk.exchange.run(call_from_bob(desk).ended()).code == 486
        screen.key("space", "Tab")
        hand.kept(lambda file: "calls" not in file)
        hand.write("60 0")
        screen.wait_for_any(DARK.bad_text)
        hand.write(desk.exchange.pbx.uri("600"))
        hand.kept(lambda file: file["calls"]["forward_always"])
        call = call_from_bob(desk)
        desk.until(lambda: call.state is CallState.CONFIRMED)
        desk.exchange.do(call.hangup)
        screen.key("ctrl+slash", "BackSpace", "Return")
        hand.kept(lambda file: "calls" not in file)


class TestDiagnostics:
    def test_messages_are_shown_and_saved_without_secrets(self, hand, desk, screen):
        hand.open("diagnostics")
        before = screen.look().copy()
        desk.ctl("register")
        wait_until(lambda: (screen.look() != before).any(), "a message on the screen")
        screen.key("Down")
        screen.key("Tab", "space")
        report = desk.folder / "report.zip"
        screen.focus_on("Save As")
        screen.key("ctrl+slash")
        screen.type(str(report))
        screen.key("Return")
        wait_until(report.exists, "a report")
        with zipfile.ZipFile(report) as parts:
            everything = b"".join(parts.read(name) for name in parts.namelist())
        assert b"REGISTER sip:" in everything
        assert "a fault" not in desk.window.output
        assert PASSWORD.encode() not in everything
        assert not re.search(rb'response="?[0-9a-f]{32}', everything)


class TestAppearance:
    def test_light_dark_and_language_hold_at_once(self, hand, screen):
        hand.open("appearance")
        screen.wait_for_colour(*INSIDE, DARK.panel)
        hand.choose("Down")
        hand.kept(lambda file: file["window"]["appearance"] == "light")
        screen.wait_for_title("^Settings")
        screen.wait_for_colour(*INSIDE, LIGHT.panel)
        hand.palette = LIGHT
        hand.close()
        hand.open("appearance", fields=3)
        hand.choose("Down", "Down")
        hand.kept(lambda file: file["window"]["language"] == "de")
        screen.wait_for_title("^Einstellungen")
