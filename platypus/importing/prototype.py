"""settings.json of the phone's first prototype: one account, or a list of them.

Its "keychain" was an XOR with a constant. What it obscured that way is not taken over: the
user types the password once, and it goes to a real keychain.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from platypus.importing.accounts import Imported, ImportedAccount, account, distinct, sip_uri

_USER = ("username", "user", "extension", "sip_user", "sipuser")
_HOST = ("domain", "server", "host", "registrar", "sip_server", "sipserver")
_PASSWORD = ("password", "sip_password", "sippassword")
_OBSCURED = ("encrypted_password", "encryptedpassword", "password_encrypted", "obfuscated_password")
_DISPLAY = ("display_name", "displayname", "name")
_AUTH = ("auth_user", "auth_username", "authusername", "auth_id")


def accounts(settings: Any) -> Imported:
    found: list[ImportedAccount] = []
    notes: list[str] = []
    for table in _tables(settings):
        user, host = _first(table, _USER), _first(table, _HOST)
        if user.lower().startswith("sip:"):
            user = user[4:]
        if "@" in user:
            user, _, host = user.partition("@")
        if not user or not host:
            continue
        host = (sip_uri(host) or "").partition(":")[2].partition(";")[0].rpartition("@")[2]
        port = _first(table, ("port", "sip_port", "server_port"))
        if port.isdigit() and port not in ("0", "5060") and ":" not in host:
            host = f"{host}:{port}"
        password = _first(table, _PASSWORD)
        if not password or _first(table, _OBSCURED):
            notes.append(f"{user}@{host}: the prototype kept no usable password; type it.")
            password = ""
        found.append(
            account(
                _first(table, ("label", "id")) or f"{user}@{host}",
                user,
                host,
                password=password or None,
                transport=_first(table, ("transport", "protocol")).lower() or "udp",
                display_name=_first(table, _DISPLAY),
                auth_user=_first(table, _AUTH) or None,
                outbound_proxy=sip_uri(_first(table, ("outbound_proxy", "outboundproxy", "proxy"))),
            )
        )
    return Imported("the prototype", distinct(found), tuple(notes))


def _tables(settings: Any) -> Iterator[Mapping[str, Any]]:
    """Every table that names a user, however deep the settings put it."""
    if isinstance(settings, list):
        for each in settings[:64]:
            yield from _tables(each)
    elif isinstance(settings, dict):
        table = {str(key).lower(): value for key, value in settings.items()}
        if _first(table, _USER):
            yield table
        for value in settings.values():
            if isinstance(value, (dict, list)):
                yield from _tables(value)


def _first(table: Mapping[str, Any], names: tuple[str, ...]) -> str:
    for name in names:
        value = table.get(name)
        if isinstance(value, (str, int)) and not isinstance(value, bool) and str(value).strip():
            return str(value).strip()
    return ""
