"""The keychain's rules; the real gnome-keyring is in tests/interop/test_keychain.py."""

from __future__ import annotations

import logging
import sys
import threading
import types

import pytest

from platypus.credentials import Keychain, Memory, open_store, trusted_backend, within
from platypus.errors import CredentialsError

keyring = pytest.importorskip("keyring", reason="the extra `desktop` is not installed")
from keyring.backend import KeyringBackend  # noqa: E402


def backend(module: str) -> KeyringBackend:
    kind = type(
        "Keyring",
        (KeyringBackend,),
        {"get_password": lambda *_: "x", "set_password": lambda *_: None, "priority": 1},
    )
    kind.__module__ = module
    return kind()


def choose(monkeypatch: pytest.MonkeyPatch, chosen: object) -> None:
    monkeypatch.setattr(keyring, "get_keyring", lambda: chosen)


@pytest.mark.parametrize(
    ("module", "problem"),
    [
        ("keyrings.alt.file", "plain text"),
        ("keyring.backends.null", "no keychain"),
        ("keyring.backends.fail", "no keychain"),
    ],
)
def test_a_backend_that_keeps_no_secret_is_refused(
    monkeypatch: pytest.MonkeyPatch, module: str, problem: str
) -> None:
    choose(monkeypatch, backend(module))
    with pytest.raises(CredentialsError, match=problem):
        trusted_backend()


def test_of_several_backends_the_first_that_can_be_trusted_is_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    good = backend("keyring.backends.SecretService")
    chained = types.SimpleNamespace(backends=[backend("keyrings.alt.file"), good])
    choose(monkeypatch, chained)
    assert trusted_backend() is good


def test_without_a_keychain_passwords_are_kept_in_memory_and_the_reason_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    choose(monkeypatch, backend("keyring.backends.fail"))
    store, why = open_store()
    assert isinstance(store, Memory)
    assert "asked for at each start" in why
    store.set("sip:a@b", "geheim")
    assert store.get("sip:a@b") == "geheim"
    store.delete("sip:a@b")
    assert store.get("sip:a@b") is None


def test_without_the_package_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(CredentialsError, match="platypus-phone"):
        Keychain()


def test_a_keychain_that_hangs_is_left_behind() -> None:
    done = threading.Event()
    try:
        with pytest.raises(CredentialsError, match=r"within 0\.05 s"):
            within(0.05, "read", done.wait)
    finally:
        done.set()


def test_what_a_backend_says_reaches_neither_log_nor_error(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail() -> None:
        raise RuntimeError("could not store geheim")

    with caplog.at_level(logging.DEBUG), pytest.raises(CredentialsError) as caught:
        within(1, "write to it", fail)
    assert "geheim" not in caplog.text + str(caught.value) + repr(caught.value.__cause__)
    assert caught.value.__suppress_context__
