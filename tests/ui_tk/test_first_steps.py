"""What the window does by itself: offers an account, and asks about a certificate, once."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from platypus import TlsSettings
from tests.harness.authority import Authority
from tests.harness.programs import Program, wait_until
from tests.ui_tk.exchange import PASSWORD, Exchange
from ui_tk.messages import AccountChanged
from ui_tk.palette import DARK
from ui_tk.prompts import CertificatePrompts

ROOT = Path(__file__).parent.parent.parent
ALICE = "sip:alice@example.com"
REFUSED = AccountChanged(ALICE, "failed", "example.com: its certificate was refused: it expired")
WELCOME = (730, 50)  # its button, before what stands on it


class TestPrompts:
    @pytest.fixture
    def asked(self) -> list[str]:
        return []

    @pytest.fixture
    def prompts(self, asked: list[str]) -> CertificatePrompts:
        return CertificatePrompts(asked.append)

    def test_a_refused_certificate_is_asked_about_once(self, prompts, asked):
        for _ in range(3):
            prompts.hear(REFUSED)
        assert asked == [ALICE]

    def test_and_again_after_it_was_registered(self, prompts, asked):
        for message in (REFUSED, AccountChanged(ALICE, "registered"), REFUSED):
            prompts.hear(message)
        assert asked == [ALICE, ALICE]

    def test_other_failures_are_none_of_its_business(self, prompts, asked):
        prompts.hear(AccountChanged(ALICE, "failed", "403: the password is wrong"))
        prompts.hear(AccountChanged(ALICE, "unregistered", REFUSED.reason))
        assert asked == []


@pytest.fixture
def start(screen, tmp_path: Path) -> Iterator[Callable[..., Program]]:
    started = []

    def starter(config: str = "") -> Program:
        file = tmp_path / "config.toml"
        file.write_text(config)
        environment = {"DISPLAY": screen.display, "HOME": str(tmp_path), "LANG": "C"}
        environment |= {"XDG_RUNTIME_DIR": str(tmp_path), "SECRET": PASSWORD}
        environment["DBUS_SESSION_BUS_ADDRESS"] = "unix:path=/nonexistent"
        command = [sys.executable, "-m", "ui_tk", "--listen", "127.0.0.1:0", "--audio", "null"]
        command += ["--config", str(file), "--appearance", "dark", "--password-env", "SECRET"]
        started.append(Program("window", command, folder=ROOT, environment=environment))
        return started[-1]

    yield starter
    for program in started:
        program.stop()


@pytest.mark.ui
def test_without_an_account_the_assistant_is_offered(screen, start):
    start()
    screen.wait_for_title("registered")
    screen.wait_for_colour(*WELCOME, DARK.accent)
    screen.click(*WELCOME)
    screen.wait_for_title("^New account")


@pytest.mark.ui
def test_a_certificate_that_is_not_believed_is_shown_and_pinned(screen, start, tmp_path):
    issued = Authority(tmp_path).issue(addresses=("127.0.0.1",))
    tls = TlsSettings(certificate=issued.certificate_file, key=issued.key_file)
    exchange = Exchange(tls=tls)
    try:
        address = exchange.pbx.uri("alice")
        start(f'transport = "tls"\n[accounts.work]\naddress = "{address}"\n')
        screen.wait_for_title("^Certificate of 127.0.0.1")
        screen.key("Tab", "Tab", "space")  # past Refuse
        screen.wait_for_title(r"alice@.* \(registered\)")
        wait_until(lambda: "tls_pins" in (tmp_path / "config.toml").read_text(), "a pin")
    finally:
        exchange.close()
