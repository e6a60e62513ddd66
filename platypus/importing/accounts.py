"""What an import gives, and which reader a file needs: decided by what is in it."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass, field
from pathlib import Path

from platypus.config import AccountConfig
from platypus.errors import ConfigError
from platypus.files import read_bounded

MAX_BYTES = 4_194_304
PORT = {"udp": 5060, "tcp": 5060, "tls": 5061}


@dataclass(frozen=True, slots=True)
class ImportedAccount:
    """`transport` and `srtp` are the other phone's; ours hold for all accounts: they are shown."""

    config: AccountConfig
    password: str | None = field(default=None, repr=False)
    transport: str = "udp"
    srtp: str = "prefer"


@dataclass(frozen=True, slots=True)
class Imported:
    """`notes` say in sentences what could not be taken over."""

    source: str
    accounts: tuple[ImportedAccount, ...]
    notes: tuple[str, ...] = ()


def read_accounts(path: Path) -> Imported:
    """The accounts in another phone's file. Raises ConfigError where it is none of these."""
    from platypus.importing import baresip, ini, prototype

    try:
        data = read_bounded(path, MAX_BYTES)
    except OSError as error:
        raise ConfigError(f"can't be read: {error.strerror or error}", file=str(path)) from error
    if data is None:
        raise ConfigError("there is no such file", file=str(path))
    text = _text(data)
    if text.lstrip().startswith("{"):
        try:
            found = prototype.accounts(json.loads(text))
        except (ValueError, RecursionError) as error:
            raise ConfigError(f"is not JSON: {error}", file=str(path)) from error
    elif re.search(r"^\[(proxy_\d+|auth_info_\d+)\]", text, re.MULTILINE):
        found = ini.linphone(text)
    elif re.search(r"^\[(Account\d*|Settings)\]", text, re.MULTILINE):
        found = ini.microsip(text)
    elif re.search(r"^[^#\n]*<\s*sips?:", text, re.MULTILINE):
        found = baresip.accounts(text)
    else:
        raise ConfigError(
            "is no phone's file that is known here",
            file=str(path),
            hint="MicroSIP.ini, linphonerc, baresip's accounts or the prototype's settings.json",
        )
    if not found.accounts:
        raise ConfigError("holds no account", file=str(path), hint=" ".join(found.notes))
    return found


def usual_places() -> list[Path]:
    """Files of other phones that are there, for the assistant to offer."""
    home = Path.home()
    roaming = Path(os.environ.get("APPDATA", home / "AppData" / "Roaming"))
    candidates = [
        home / ".baresip" / "accounts",
        home / ".config" / "linphone" / "linphonerc",
        home / ".linphonerc",
        roaming / "Linphone" / "linphonerc",
        roaming / "MicroSIP" / "MicroSIP.ini",
        roaming / "MicroSIP" / "microsip.ini",
        home / ".config" / "platypus" / "settings.json",
        roaming / "platypus" / "settings.json",
    ]
    return [path for path in candidates if path.is_file()]


def account(
    name: str,
    user: str,
    host: str,
    *,
    password: str | None,
    transport: str = "udp",
    srtp: str = "prefer",
    display_name: str = "",
    auth_user: str | None = None,
    registrar: str | None = None,
    outbound_proxy: str | None = None,
    register: bool = True,
    expires: int = 300,
) -> ImportedAccount:
    """From what every phone has. A field that says nothing new is left out."""
    address = f"sip:{user}@{host}"
    config = AccountConfig(
        re.sub(r"[^\w.-]+", "-", name).strip("-") or user,
        address,
        display_name=display_name,
        auth_user=auth_user if auth_user and auth_user != user else None,
        registrar=registrar if registrar and registrar != f"sip:{host}" else None,
        outbound_proxy=outbound_proxy,
        register=register,
        expires=expires if expires > 0 else 300,
    )
    return ImportedAccount(config, password or None, transport, srtp)


def distinct(accounts: list[ImportedAccount]) -> tuple[ImportedAccount, ...]:
    """Names are the keys of our file: of two that are the same the second gets a number."""
    from dataclasses import replace

    taken: set[str] = set()
    result = []
    for each in accounts:
        name, number = each.config.name, 1
        while name in taken:
            number += 1
            name = f"{each.config.name}-{number}"
        taken.add(name)
        result.append(replace(each, config=replace(each.config, name=name)))
    return tuple(result)


def sip_uri(text: str) -> str | None:
    """A server as the other phone names it: with or without `sip:`, brackets and quotes."""
    text = text.strip().strip("\"'<> ")
    if not text:
        return None
    return text if text.lower().startswith(("sip:", "sips:")) else f"sip:{text}"


def _text(data: bytes) -> str:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):  # how Windows writes an .ini
        return data.decode("utf-16", "replace")
    return data.decode("utf-8-sig", "replace")
