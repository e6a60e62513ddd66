"""What options and configuration say about TLS, tried before anything is sent.

The files are read here, so that a wrong one is a wrong option and no failed registration.
Without any of them nothing of TLS is imported: the phone's start needs none of it.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from platypus.errors import ConfigError

if TYPE_CHECKING:
    from platypus.net.tls import TlsSettings

TLS_OPTIONS = ("tls_ca", "tls_cert", "tls_key", "tls_pins", "tls_insecure")


def tls_settings(parser: argparse.ArgumentParser, given: Mapping[str, Any]) -> TlsSettings | None:
    """The settings, None where nothing was said. Exits 2 for files that can't be used."""
    if not any(given.values()):
        return None
    from platypus.net.tls import Tls, TlsSettings

    certificate, key = given.get("tls_cert"), given.get("tls_key")
    if key and not certificate:
        parser.error("--tls-key needs a --tls-cert")
    settings = TlsSettings(
        ca_file=given.get("tls_ca"),
        certificate=certificate,
        key=key,
        pins=tuple(given.get("tls_pins") or ()),
        verify=not given.get("tls_insecure"),
    )
    try:
        Tls(TlsSettings(ca_file=settings.ca_file)).client_context()
    except ConfigError as error:
        parser.error(f"--tls-ca: {error}")
    try:
        Tls(TlsSettings(certificate=certificate, key=key)).client_context()
    except ConfigError as error:
        parser.error(f"--tls-cert: {error}")
    try:
        Tls(settings)
    except ConfigError as error:
        parser.error(f"tls_pins: {error}")
    return settings
