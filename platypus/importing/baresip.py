"""baresip's accounts: `"Name" <sip:user:password@host;transport=tls>;auth_pass=...;regint=...`"""

from __future__ import annotations

import re

from platypus.importing.accounts import Imported, ImportedAccount, account, distinct, sip_uri

_ACCOUNT = re.compile(
    r"\s*(?P<name>\"[^\"]*\"|[^<\"]*)\s*<\s*(?P<scheme>sips?):(?P<user>[^:@;>]+)(?::(?P<password>[^@>]*))?"
    r"@(?P<host>\[[^\]]+\](?::\d+)?|[^;>]+)(?P<uri>[^>]*)>(?P<parameters>.*)"
)
_PARAMETER = re.compile(r";\s*(?P<key>[\w-]+)(?:=(?P<value>\"[^\"]*\"|[^;]*))?")
_SRTP = {"srtp": "prefer", "srtp-mand": "require", "srtp-mandf": "require", "dtls_srtp": "require"}


def accounts(text: str) -> Imported:
    found: list[ImportedAccount] = []
    notes: list[str] = []
    for line in text.splitlines():
        match = _ACCOUNT.match(line) if not line.lstrip().startswith("#") else None
        if match is None:
            continue
        more = _parameters(match["parameters"])
        transport = _parameters(match["uri"]).get("transport", "udp").lower()
        password = more.get("auth_pass") or match["password"]
        if not password:
            notes.append(f"{match['user']}@{match['host']} has no password here; type it.")
        interval = more.get("regint", "300")
        found.append(
            account(
                f"{match['user']}@{match['host']}",
                match["user"],
                match["host"].strip(),
                password=password,
                transport="tls" if match["scheme"] == "sips" else transport,
                srtp=_SRTP.get(more.get("mediaenc", ""), "prefer"),
                display_name=match["name"].strip().strip('"'),
                auth_user=more.get("auth_user"),
                outbound_proxy=sip_uri(more.get("outbound", "")),
                register=interval != "0",
                expires=int(interval) if interval.isdigit() and len(interval) < 9 else 300,
            )
        )
    return Imported("baresip", distinct(found), tuple(notes))


def _parameters(text: str) -> dict[str, str]:
    return {
        match["key"].lower(): (match["value"] or "").strip().strip('"')
        for match in _PARAMETER.finditer(text)
    }
