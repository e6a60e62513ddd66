"""MicroSIP.ini and linphonerc: both are sections of key=value, each with keys of its own."""

from __future__ import annotations

import re

from platypus.importing.accounts import Imported, ImportedAccount, account, distinct, sip_uri

_SRTP = {"disabled": "off", "optional": "prefer", "mandatory": "require"}
_SIP = re.compile(r"sips?:(?P<user>[^@;>]+)@(?P<host>\[[^\]]+\]|[^;>:]+)(?::(?P<port>\d+))?")
_TRANSPORT = re.compile(r";transport=(\w+)", re.IGNORECASE)
# What MicroSIP has encrypted for its Windows account: nobody else reads it.
_ENCRYPTED = re.compile(r"(?:[0-9A-Fa-f]{2}){24,}")


def _sections(text: str) -> dict[str, dict[str, str]]:
    """Section by section, keys in lower case. Lines that are neither are passed over."""
    sections: dict[str, dict[str, str]] = {}
    section: dict[str, str] = {}
    for line in map(str.strip, text.splitlines()):
        if line.startswith("[") and line.endswith("]"):
            section = sections.setdefault(line[1:-1], {})
        elif line[:1] not in ("", "#", ";"):
            key, equals, value = line.partition("=")
            if equals:
                section.setdefault(key.strip().lower(), value.strip())
    return sections


def microsip(text: str) -> Imported:
    found: list[ImportedAccount] = []
    notes: list[str] = []
    sections = _sections(text)
    for name, section in sections.items():
        user, domain = section.get("username", ""), section.get("domain", "")
        server = section.get("server", "") or domain
        if not re.fullmatch(r"Account\d*", name) or not user or not server:
            continue
        label = section.get("label", "") or user
        password: str | None = section.get("password", "")
        if password and _ENCRYPTED.fullmatch(password):
            notes.append(f"{label}: MicroSIP encrypted the password; type it once more.")
            password = None
        found.append(
            account(
                label,
                user,
                domain or server,
                password=password,
                transport=section.get("transport", "udp") or "udp",
                srtp=_SRTP.get(section.get("srtp", "").lower(), "prefer"),
                display_name=section.get("displayname", ""),
                auth_user=section.get("authid", "") or None,
                registrar=sip_uri(server),
                outbound_proxy=sip_uri(section.get("proxy", "")),
                expires=_number(section.get("registerrefresh", "")),
            )
        )
    return Imported("MicroSIP", distinct(found), tuple(notes))


def linphone(text: str) -> Imported:
    found: list[ImportedAccount] = []
    notes: list[str] = []
    sections = _sections(text)
    secrets = [each for name, each in sections.items() if name.startswith("auth_info_")]
    for name, section in sections.items():
        identity = _SIP.search(section.get("reg_identity", ""))
        if not name.startswith("proxy_") or identity is None:
            continue
        user, host = identity["user"], identity["host"]
        where = f"{host}:{identity['port']}" if identity["port"] else host
        secret = next(
            (
                each
                for each in secrets
                if each.get("username") == user and host in (each.get("domain", host) or host)
            ),
            None,
        )
        password = secret.get("passwd") if secret is not None else None
        if secret is not None and not password and secret.get("ha1"):
            notes.append(f"{user}@{host}: Linphone kept only a digest; type the password.")
        server = section.get("reg_proxy", "")
        transport = _TRANSPORT.search(server) or _TRANSPORT.search(section.get("reg_route", ""))
        found.append(
            account(
                f"{user}@{host}",
                user,
                where,
                password=password,
                transport=transport[1].lower() if transport else "udp",
                display_name=section.get("reg_identity", "").partition("<")[0].strip('" '),
                auth_user=secret.get("userid") or None if secret is not None else None,
                registrar=sip_uri(_TRANSPORT.sub("", server)),
                outbound_proxy=sip_uri(_TRANSPORT.sub("", section.get("reg_route", ""))),
                register=section.get("reg_sendregister", "1") != "0",
                expires=_number(section.get("reg_expires", "")),
            )
        )
    return Imported("Linphone", distinct(found), tuple(notes))


def _number(text: str) -> int:
    return int(text) if text.isdigit() and len(text) < 9 else 300
