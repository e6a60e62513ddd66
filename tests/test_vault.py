from __future__ import annotations

import json
from pathlib import Path

import pytest

from platypus import vault
from platypus.errors import CredentialsError
from platypus.vault import Vault

PASSPHRASE = "four words make one"
REAL_COST = dict(vault.COST)


@pytest.fixture(autouse=True)
def _cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """The real cost is half a second a key."""
    monkeypatch.setattr(vault, "COST", {"n": 2**10, "r": 8, "p": 1})


def test_passwords_come_back_under_the_same_passphrase_only(tmp_path: Path) -> None:
    path = tmp_path / "passwords.vault"
    store = Vault(path, PASSPHRASE)
    store.set("sip:a@b", "geheim")
    store.set("sip:c@d", "other")
    store.delete("sip:c@d")
    again = Vault(path, PASSPHRASE)
    assert again.get("sip:a@b") == "geheim"
    assert again.get("sip:c@d") is None
    with pytest.raises(CredentialsError, match="not opened by that passphrase"):
        Vault(path, "three other words")


def test_nothing_of_a_password_is_in_the_file_and_each_writing_differs(tmp_path: Path) -> None:
    path = tmp_path / "passwords.vault"
    store = Vault(path, PASSPHRASE)
    store.set("sip:alice@pbx", "geheim")
    first = path.read_bytes()
    store.set("sip:alice@pbx", "geheim")
    second = path.read_bytes()
    for data in (first, second):
        assert b"geheim" not in data and b"alice" not in data and PASSPHRASE.encode() not in data
    assert json.loads(first)["salt"] != json.loads(second)["salt"]
    assert json.loads(first)["nonce"] != json.loads(second)["nonce"]
    assert path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("field", ["n", "salt", "nonce", "sealed"])
def test_a_file_that_was_tampered_with_does_not_open(tmp_path: Path, field: str) -> None:
    path = tmp_path / "passwords.vault"
    Vault(path, PASSPHRASE).set("sip:a@b", "geheim")
    file = json.loads(path.read_text())
    text = file[field]
    file[field] = 2**11 if field == "n" else ("A" if text[0] != "A" else "B") + text[1:]
    path.write_text(json.dumps(file))
    with pytest.raises(CredentialsError):
        Vault(path, PASSPHRASE)


@pytest.mark.parametrize(
    "change",
    [{"n": 2**40}, {"version": 9}, {"salt": ""}, {"nonce": "!"}, {"r": "x"}, {"sealed": None}],
)
def test_a_file_that_asks_for_too_much_is_refused(
    tmp_path: Path, change: dict[str, object]
) -> None:
    path = tmp_path / "passwords.vault"
    Vault(path, PASSPHRASE).set("sip:a@b", "geheim")
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(CredentialsError, match=r"not a vault|of version 9"):
        Vault(path, PASSPHRASE)


def test_a_new_passphrase_takes_the_place_of_the_old(tmp_path: Path) -> None:
    path = tmp_path / "passwords.vault"
    store = Vault(path, PASSPHRASE)
    store.set("sip:a@b", "geheim")
    with pytest.raises(CredentialsError, match="at least 8"):
        store.change_passphrase("short")
    assert Vault(path, PASSPHRASE).get("sip:a@b") == "geheim"
    store.change_passphrase("another passphrase")
    assert Vault(path, "another passphrase").get("sip:a@b") == "geheim"
    with pytest.raises(CredentialsError):
        Vault(path, PASSPHRASE)


def test_the_cost_of_a_guess_is_that_of_today() -> None:
    assert REAL_COST["n"] >= 2**17 and REAL_COST["r"] >= 8
    assert all(REAL_COST[name] <= vault.COST_MAX[name] for name in REAL_COST)


def test_the_vault_is_not_shown_by_its_repr(tmp_path: Path) -> None:
    store = Vault(tmp_path / "v", PASSPHRASE)
    store.set("sip:a@b", "geheim")
    assert "geheim" not in repr(store) and PASSPHRASE not in repr(store)
