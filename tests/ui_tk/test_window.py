"""The real window, on a screen of its own, with real calls through the built-in PBX.

Hands press keys and the mouse; what came of it is asked at the other end of the call,
beside the window's title and the colours on the screen.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from platypus import Call, CallState, DtmfReceived
from tests.harness.programs import Program
from tests.ui_tk.exchange import PASSWORD, Exchange
from tests.ui_tk.screen import Screen
from ui_tk.palette import DARK

pytestmark = pytest.mark.ui

ROOT = Path(__file__).parent.parent.parent
DOT, CALL_BUTTON, INCOMING = (86, 32), (172, 495), (1212, 32)
SIX, ZERO, NINE = (324, 266), (232, 418), (324, 342)
GREEN, RED, DOT_GREEN, DOT_RED = DARK.good, DARK.bad, DARK.good_over, DARK.bad
QUIET = 30  # of 32768: what G.711 makes of silence is less


@pytest.fixture
def start(screen: Screen, tmp_path: Path) -> Iterator[Callable[..., Program]]:
    """Starts the phone's window."""
    started = []

    def starter(*options: str, password: str = PASSWORD) -> Program:
        environment = {"DISPLAY": screen.display, "HOME": str(tmp_path), "SECRET": password}
        environment |= {"XDG_RUNTIME_DIR": str(tmp_path)}
        command = [sys.executable, "-m", "ui_tk", "--listen", "127.0.0.1:0", *options]
        program = Program("window", command, folder=ROOT, environment=environment)
        started.append(program)
        return program

    yield starter
    for program in started:
        program.stop()


@pytest.fixture
def phone(screen: Screen, exchange: Exchange, start: Callable[..., Program]) -> Program:
    """Alice's, registered, and with the keyboard."""
    uri = exchange.pbx.uri("alice")
    phone = start("--account", uri, "--password-env", "SECRET", "--audio", "tone")
    screen.wait_for_title(r"alice@.* \(registered\)")
    screen.focus()
    return phone


def answered(exchange: Exchange, call: Call) -> None:
    exchange.run(call.answered(timeout=10))


def loudness(exchange: Exchange, call: Call, frames: int = 25) -> float:
    """The loudest of half a second of what Bob hears, after what was on its way."""

    async def listen() -> float:
        heard = []
        async for frame in call.frames():
            heard.append(np.abs(np.frombuffer(frame, np.int16).astype(int)).max())
            if len(heard) == 2 * frames:
                break
        return float(max(heard[frames:]))

    return exchange.run(listen())


class TestCalling:
    def test_a_number_is_typed_called_and_hung_up(self, screen, exchange, phone, tmp_path):
        screen.wait_for_colour(*CALL_BUTTON, GREEN)
        screen.type("600")
        screen.key("Return")
        screen.wait_for_title("In call with 600")
        far = exchange.until(lambda: exchange.call_to("600"))
        assert exchange.do(lambda: far.state) is CallState.CONFIRMED
        screen.wait_for_colour(*CALL_BUTTON, RED)
        screen.look(tmp_path / "call.png")
        screen.key("Escape")
        exchange.until(lambda: far.state is CallState.ENDED)
        screen.wait_for_title(r"\(registered\)")
        screen.wait_for_colour(*CALL_BUTTON, GREEN)

    def test_the_mouse_does_all_of_it_too(self, screen, exchange, phone):
        for key in (NINE, ZERO, ZERO):
            screen.click(*key)
        screen.key("ctrl+l", "ctrl+slash", "BackSpace")
        for key in (SIX, ZERO, ZERO):
            screen.click(*key)
        screen.click(*CALL_BUTTON)
        far = exchange.until(lambda: exchange.call_to("600"))
        screen.wait_for_title("In call with 600")
        screen.click(*CALL_BUTTON)
        exchange.until(lambda: far.state is CallState.ENDED)

    def test_a_busy_number_leaves_the_phone_ready(self, screen, exchange, phone):
        screen.type("605")
        screen.key("Return")
        screen.wait_for_title("Calling 605|registered")
        screen.wait_for_title(r"\(registered\)")
        screen.type("600")
        screen.key("Return")
        screen.wait_for_title("In call with 600")

    def test_a_pasted_number_is_called(self, screen, exchange, phone, start):
        code = (
            "import tkinter as t; r = t.Tk(); r.withdraw();"
            "r.clipboard_clear(); r.clipboard_append('6 0-0'); r.update();"
            "print('copied', flush=True); r.mainloop()"
        )
        command = [sys.executable, "-c", code]
        with Program("clipboard", command, environment={"DISPLAY": screen.display}) as other:
            other.expect("copied")
            screen.focus()
            screen.key("ctrl+v", "Return")
            screen.wait_for_title("In call with 600")

    def test_keys_in_a_call_are_heard_as_tones_by_the_other_side(self, screen, exchange, phone):
        screen.type("bob")
        screen.key("Return")
        call = exchange.until(lambda: next(iter(exchange.bob.calls), None))
        exchange.do(call.answer)
        screen.wait_for_title("In call with bob")
        screen.type("42#")
        exchange.until(lambda: len(digits(exchange)) == 3)
        assert digits(exchange) == ["4", "2", "#"]

    def test_mute_and_hold_are_real(self, screen, exchange, phone):
        screen.type("bob")
        screen.key("Return")
        call = exchange.until(lambda: next(iter(exchange.bob.calls), None))
        exchange.do(call.answer)
        screen.wait_for_title("In call with bob")
        assert loudness(exchange, call) > 5000
        screen.key("ctrl+m")
        assert loudness(exchange, call) < QUIET
        screen.key("ctrl+m")
        assert loudness(exchange, call) > 5000
        screen.key("ctrl+h")
        exchange.until(lambda: call.hold_state == "remote")
        screen.key("ctrl+h")
        exchange.until(lambda: call.hold_state == "none")


def digits(exchange: Exchange) -> list[str]:
    return [event.digit for event in exchange.events if isinstance(event, DtmfReceived)]


class TestIncoming:
    def test_a_call_is_shown_and_answered_from_the_keyboard(
        self, screen, exchange, phone, tmp_path
    ):
        call = exchange.call_of_bob("alice")
        screen.wait_for_title("bob calls")
        screen.wait_for_colour(*INCOMING, DARK.card_front)
        screen.look(tmp_path / "incoming.png")
        screen.key("Return")
        answered(exchange, call)
        screen.wait_for_title("In call with bob")
        assert loudness(exchange, call) > 5000
        exchange.do(call.hangup)
        screen.wait_for_title(r"\(registered\)")

    def test_a_call_is_refused_from_the_keyboard(self, screen, exchange, phone):
        call = exchange.call_of_bob("alice")
        screen.wait_for_title("bob calls")
        screen.key("Escape")
        ended = exchange.run(call.ended())
        assert ended.code == 486
        screen.wait_for_title(r"\(registered\)")

    def test_a_second_call_is_answered_and_the_first_held(self, screen, exchange, phone):
        screen.type("600")
        screen.key("Return")
        screen.wait_for_title("In call with 600")
        echo = exchange.until(lambda: exchange.call_to("600"))
        call = exchange.call_of_bob("alice")
        screen.wait_for_title("bob calls")
        screen.key("Return")
        answered(exchange, call)
        exchange.until(lambda: echo.hold_state == "remote")
        screen.wait_for_title("In call with bob")


class TestAccount:
    def test_a_wrong_password_is_shown(self, screen, exchange, start):
        uri = exchange.pbx.uri("alice")
        start("--account", uri, "--password-env", "SECRET", "--audio", "null", password="wrong")
        screen.wait_for_title(r"alice@.* \(not registered\)")
        screen.wait_for_colour(*DOT, DOT_RED)
        assert exchange.do(lambda: exchange.pbx.contacts("alice")) == []

    def test_a_password_that_is_not_known_is_asked_for_and_not_kept(
        self, screen, exchange, start, tmp_path
    ):
        start("--account", exchange.pbx.uri("alice"), "--audio", "null")
        screen.wait_for_title("^Password")
        screen.type(PASSWORD)
        screen.key("Return")
        screen.wait_for_title(r"alice@.* \(registered\)")
        kept = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
        assert not any(PASSWORD.encode() in each for each in kept)

    def test_closing_the_window_unregisters(self, screen, exchange, phone):
        screen.wait_for_colour(*DOT, DOT_GREEN)
        assert len(exchange.do(lambda: exchange.pbx.contacts("alice"))) == 1
        screen.key("ctrl+q")
        assert phone.wait(10) == 0
        assert exchange.do(lambda: exchange.pbx.contacts("alice")) == []

    def test_a_signal_hangs_up_and_unregisters(self, screen, exchange, phone):
        screen.type("600")
        screen.key("Return")
        far = exchange.until(lambda: exchange.call_to("600"))
        screen.wait_for_title("In call with 600")
        os.kill(phone.pid, 15)
        exchange.until(lambda: far.state is CallState.ENDED)
        assert phone.wait(10) == 0
        assert exchange.do(lambda: exchange.pbx.contacts("alice")) == []

    def test_without_any_the_first_call_needs_no_server(self, screen, start):
        start("--audio", "null")
        screen.wait_for_title(r"you@127\.0\.0\.1.* \(registered\)")
        screen.focus()
        screen.type("600")
        screen.key("Return")
        screen.wait_for_title("In call with 600")
        screen.key("Escape")
        screen.wait_for_title(r"\(registered\)")


class TestLooks:
    def test_everything_is_twice_as_large_on_a_dense_screen(self, screen, start, tmp_path):
        start("--audio", "null", "--scale", "2")
        screen.wait_for_title("registered")
        screen.wait_for_colour(2 * CALL_BUTTON[0], 2 * CALL_BUTTON[1], GREEN)
        pixels = screen.look(tmp_path / "large.png")
        assert pixels[1230, 1590].any() and not pixels[1250, 1590].any()  # 1240 high, then black


class TestStarting:
    def test_without_a_display_it_says_what_to_do(self, tmp_path):
        environment = {key: value for key, value in os.environ.items() if key != "DISPLAY"}
        done = subprocess.run(
            [sys.executable, "-m", "ui_tk"],
            cwd=ROOT,
            env=environment | {"HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 6
        assert "platypus demo" in done.stderr and "Traceback" not in done.stderr

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            (["--scale", "9"], "0.5 to 4"),
            (["--listen", "x"], "HOST:PORT"),
            (["--account", "sip:a@b", "--password-env", "NO_SUCH"], "NO_SUCH"),
            (["--config", "/nonexistent.toml"], "no such file"),
        ],
    )
    def test_a_wrong_option_is_named(self, options, words):
        done = subprocess.run(
            [sys.executable, "-m", "ui_tk", *options],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 2 and words in done.stderr
