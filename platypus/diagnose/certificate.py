"""Whom a server claims to be, and what speaks against it: for who is to decide whether to trust it.

The certificate is fetched by a connection of its own, over which nothing is sent.
"""

from __future__ import annotations

import asyncio
import os
import ssl
from dataclasses import dataclass

from platypus.errors import NetworkError
from platypus.net.certificate import faults, read
from platypus.net.resolver import Resolver, resolve_numeric
from platypus.net.tls import HANDSHAKE_TIMEOUT, Tls, TlsSettings, fetch
from platypus.sip.uri import Uri


@dataclass(frozen=True, slots=True)
class CertificateReport:
    """Who it is for, who says so, until when; and why it is not believed, as short sentences."""

    name: str  # the domain it has to be for
    names: str
    issuer: str
    valid_from: str
    valid_until: str
    fingerprint: str  # SHA-256, to be compared with what the server's owner says
    problems: tuple[str, ...]


async def look_at_certificate(uri: str, tls: TlsSettings | None = None) -> CertificateReport:
    """The certificate of whoever answers for `uri`. Raises NetworkError where none is shown."""
    resolver = Resolver(os.urandom)
    try:
        hops = resolve_numeric(uri) or await resolver.resolve(uri)
    finally:
        resolver.close()
    hop = hops[0]
    name = hop.name or Uri.parse(uri).host
    address = (hop.host, hop.port)
    certificate = read(await fetch(address, name))
    code, message = await _verdict(address, name, tls)
    return CertificateReport(
        name,
        certificate.names,
        certificate.issuer,
        f"{certificate.not_before:%Y-%m-%d}",
        f"{certificate.not_after:%Y-%m-%d}",
        certificate.fingerprint,
        tuple(faults(certificate, name, code=code, message=message)),
    )


async def _verdict(address: tuple[str, int], name: str, tls: TlsSettings | None) -> tuple[int, str]:
    """What OpenSSL has against it, with the authorities we trust: its code and words."""
    trust = TlsSettings(ca_file=tls.ca_file) if tls is not None else TlsSettings()
    context = Tls(trust).client_context()
    try:
        async with asyncio.timeout(HANDSHAKE_TIMEOUT):
            _, writer = await asyncio.open_connection(*address, ssl=context, server_hostname=name)
    except ssl.SSLCertVerificationError as error:
        return error.verify_code, error.verify_message
    except (OSError, TimeoutError) as error:
        raise NetworkError(f"{name}: {Tls(trust).reason(error)}") from error
    writer.transport.abort()
    return 0, ""
