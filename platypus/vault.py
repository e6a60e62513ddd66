"""Passwords in a file that only a passphrase opens (scrypt: RFC 7914; AES-GCM: NIST SP 800-38D).

For who has no keychain and does not want to be asked for each password at each start. The
file is JSON: the parameters of scrypt, a salt, a nonce, and the encrypted rest, which is
bound to all of that. The key stays in memory as long as the vault is open; a new salt and
nonce are drawn for each writing.
"""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import Any

from platypus.errors import CredentialsError
from platypus.files import read_bounded, write_whole

VERSION = 1
COST = {"n": 2**17, "r": 8, "p": 1}  # 128 MB and about half a second for each guess
COST_MAX = {"n": 2**20, "r": 32, "p": 16}  # a file that asks for more wants our memory
MAX_BYTES = 1_048_576
MIN_PASSPHRASE = 8


def default_path() -> Path:
    from platformdirs import user_config_path

    return user_config_path("platypus", appauthor=False) / "passwords.vault"


class Vault:
    """An open vault: a credential store. A file that is not there yet is made at the first `set`.

    Raises CredentialsError for a passphrase that does not open it, or a file that is none.
    """

    def __init__(self, path: Path, passphrase: str) -> None:
        self._path = path
        self._passphrase = passphrase
        self._passwords = self._read()

    @property
    def where(self) -> str:
        return f"a file under your passphrase ({self._path})"

    def get(self, address: str) -> str | None:
        return self._passwords.get(address)

    def set(self, address: str, password: str) -> None:
        self._write({**self._passwords, address: password})

    def delete(self, address: str) -> None:
        if address in self._passwords:
            self._write({key: self._passwords[key] for key in self._passwords if key != address})

    def change_passphrase(self, passphrase: str) -> None:
        before, self._passphrase = self._passphrase, passphrase
        try:
            self._write(self._passwords)
        except CredentialsError:
            self._passphrase = before
            raise

    def _read(self) -> dict[str, str]:
        try:
            data = read_bounded(self._path, MAX_BYTES)
        except OSError as error:
            raise self._error(f"can't be read: {error.strerror or error}") from error
        if data is None:
            return {}
        header, sealed = self._parse(data)
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        key = _key(self._passphrase, header)
        try:
            plain = AESGCM(key).decrypt(_bytes(header["nonce"]), sealed, _bound(header))
        except InvalidTag:
            raise self._error(
                "is not opened by that passphrase", "or the file was changed by somebody else"
            ) from None
        passwords = json.loads(plain)
        return {str(address): str(password) for address, password in passwords.items()}

    def _parse(self, data: bytes) -> tuple[dict[str, Any], bytes]:
        try:
            file = json.loads(data)
            sealed = _bytes(file.pop("sealed"))
            if file["version"] != VERSION:
                raise self._error(
                    f"is of version {file['version']}, this phone knows {VERSION}",
                    "a newer Platypus wrote it; use that",
                )
            if not all(0 < int(file[name]) <= most for name, most in COST_MAX.items()):
                raise ValueError("a cost out of bounds")
            if len(_bytes(file["salt"])) < 16 or len(_bytes(file["nonce"])) != 12:
                raise ValueError("a salt or a nonce that is none")
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise self._error(
                "is not a vault of passwords", "move it away to begin a new one"
            ) from error
        return file, sealed

    def _write(self, passwords: dict[str, str]) -> None:
        if len(self._passphrase) < MIN_PASSPHRASE:
            raise CredentialsError(
                f"a passphrase has at least {MIN_PASSPHRASE} characters",
                hint="several words are easier to keep in mind",
            )
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        header: dict[str, Any] = {"version": VERSION, **COST}
        header |= {"salt": _text(os.urandom(16)), "nonce": _text(os.urandom(12))}
        key = _key(self._passphrase, header)
        plain = json.dumps(passwords).encode()
        sealed = AESGCM(key).encrypt(_bytes(header["nonce"]), plain, _bound(header))
        try:
            write_whole(self._path, json.dumps({**header, "sealed": _text(sealed)}).encode())
        except OSError as error:
            raise self._error(f"can't be written: {error.strerror or error}") from error
        self._passwords = passwords

    def _error(self, problem: str, hint: str = "") -> CredentialsError:
        return CredentialsError(f"{self._path} {problem}", hint=hint)


def _key(passphrase: str, header: dict[str, Any]) -> bytes:
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

    cost = {name: int(header[name]) for name in COST}
    kdf = Scrypt(salt=_bytes(header["salt"]), length=32, **cost)
    return kdf.derive(passphrase.encode())


def _bound(header: dict[str, Any]) -> bytes:
    """What is authenticated beside the secret: everything that led to the key."""
    return json.dumps({name: header[name] for name in sorted(header)}).encode()


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)
