"""Passwords where there is no keychain: a file under a passphrase, or asked for at each start."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from platypus.vault import Vault
from tests.harness.programs import Program, wait_until
from tests.ui_tk.exchange import PASSWORD
from ui_tk.palette import DARK
from ui_tk.settings.window import SECTIONS

pytestmark = pytest.mark.ui

ROOT = Path(__file__).parent.parent.parent
PASSPHRASE = "three quiet words"


@pytest.fixture
def start(screen, exchange, tmp_path: Path) -> Iterator[Callable[[], Program]]:
    """Alice's phone, in a home without a keychain, whose password nobody tells it."""
    started = []
    config = tmp_path / "config.toml"
    config.write_text(f'[accounts.work]\naddress = "{exchange.pbx.uri("alice")}"\n')

    def starter() -> Program:
        environment = {"DISPLAY": screen.display, "HOME": str(tmp_path), "LANG": "C"}
        environment |= {"XDG_RUNTIME_DIR": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}
        environment["DBUS_SESSION_BUS_ADDRESS"] = "unix:path=/nonexistent"
        environment["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"
        command = [sys.executable, "-m", "ui_tk", "--listen", "127.0.0.1:0", "--audio", "null"]
        command += ["--config", str(config), "--appearance", "dark"]
        started.append(Program("window", command, folder=ROOT, environment=environment))
        return started[-1]

    yield starter
    for program in started:
        program.stop()


@pytest.fixture
def vault(tmp_path: Path) -> Path:
    return tmp_path / "platypus" / "passwords.vault"


def test_a_password_is_kept_under_a_passphrase_and_found_again(
    screen, exchange, start, vault, tmp_path
):
    phone = start()
    screen.wait_for_title("^Password -")
    screen.type(PASSWORD)
    screen.key("Tab", "space", "shift+Tab", "Return")  # the switch in between: keep it
    screen.wait_for_title("^Keeping passwords")
    screen.type("short")
    screen.key("Return")
    screen.wait_for_any(DARK.bad_text)
    screen.key("ctrl+slash")
    screen.type(PASSPHRASE)
    screen.key("Tab")
    screen.type("three quiet worlds")
    screen.key("Return")
    screen.wait_for_any(DARK.bad_text)
    screen.key("ctrl+slash")
    screen.type(PASSPHRASE)
    screen.key("Return")
    screen.wait_for_title(r"alice@.* \(registered\)")
    wait_until(vault.exists, "a vault")
    assert Vault(vault, PASSPHRASE).get(exchange.pbx.uri("alice")) == PASSWORD
    kept = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert not any(PASSWORD.encode() in each or PASSPHRASE.encode() in each for each in kept)
    screen.focus()
    screen.key("ctrl+q")
    assert phone.wait(10) == 0

    start()
    screen.wait_for_title("^Unlock")
    screen.type("three loud words")
    screen.key("Return")
    screen.wait_for_any(DARK.bad_text)
    screen.wait_for_title("^Unlock")
    screen.key("ctrl+slash")
    screen.type(PASSPHRASE)
    screen.key("Return")
    screen.wait_for_title(r"alice@.* \(registered\)")


def test_who_does_not_unlock_it_is_asked_for_the_password(screen, exchange, start, vault):
    Vault(vault, PASSPHRASE).set(exchange.pbx.uri("alice"), "an old one")
    start()
    screen.wait_for_title("^Unlock")
    screen.key("Escape")
    screen.wait_for_title("^Password -")
    screen.type(PASSWORD)
    screen.key("Return")
    screen.wait_for_title(r"alice@.* \(registered\)")
    assert Vault(vault, PASSPHRASE).get(exchange.pbx.uri("alice")) == "an old one"


def test_a_wrong_password_is_put_right_in_the_settings(screen, exchange, start):
    start()
    screen.wait_for_title("^Password -")
    screen.type("a wrong one")
    screen.key("Return")
    screen.wait_for_title(r"alice@.* \(not registered\)")
    screen.focus()
    screen.key("ctrl+comma")
    screen.wait_for_title("^Settings -")
    screen.key(*["Tab"] * (len(SECTIONS) + 1), "Down", "Return")  # the one account there is
    screen.wait_for_title("^Account -")
    screen.key("Tab")
    screen.type(PASSWORD)
    screen.key("Return")
    screen.wait_for_title(r"alice@.* \(registered\)")
