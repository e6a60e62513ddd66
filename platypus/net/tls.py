"""TLS for SIP: whom to trust, and what to say about who is not trusted (RFC 5922).

The chain is verified by `ssl`, with its own check of host names off: that knows no SIP
domains. The name is checked by us, by `certificate`, before a byte of SIP is sent. What was
wrong with a refused certificate `ssl` does not tell, so it is fetched by a second
handshake, unverified, that carries nothing.

Connections are `stream`'s.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import re
import ssl
from dataclasses import dataclass, field

from platypus.errors import ConfigError, NetworkError
from platypus.net.addresses import format_address
from platypus.net.certificate import Certificate, faults, fingerprint, printable, read
from platypus.sip.flow import Address

logger = logging.getLogger("platypus.net")

HANDSHAKE_TIMEOUT = 8.0
_PIN = re.compile(r"[0-9A-F]{64}")

# OpenSSL's reasons for what is no matter of the server's certificate.
_REASONS = {
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": "it wants a client certificate",
    "SSLV3_ALERT_HANDSHAKE_FAILURE": "it refused the TLS handshake",
    "TLSV1_ALERT_UNKNOWN_CA": "it does not trust the authority of our client certificate",
    "SSLV3_ALERT_BAD_CERTIFICATE": "it refused our client certificate",
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN": "it refused our client certificate",
    "SSLV3_ALERT_CERTIFICATE_EXPIRED": "our client certificate has expired",
    "TLSV1_ALERT_ACCESS_DENIED": "it refused our client certificate",
    "TLSV1_UNRECOGNIZED_NAME": "it does not know that name",
    "WRONG_VERSION_NUMBER": "what listens there speaks no TLS; check the port and the transport",
    "UNSUPPORTED_PROTOCOL": "it speaks only TLS older than 1.2",
    "TLSV1_ALERT_PROTOCOL_VERSION": "it speaks only another version of TLS",
}
_MAY_WANT_CERTIFICATE = "SSLV3_ALERT_HANDSHAKE_FAILURE"


@dataclass(frozen=True, slots=True)
class TlsSettings:
    """Whom to trust. The default: the authorities of the system, and the SIP domain in the name.

    `ca_file` is a private authority (PEM), trusted instead of the system's. `certificate`
    and `key` are ours (PEM, with what issued it), for servers that want one and for
    listening. `pins` are SHA-256 fingerprints: a certificate among them is taken whoever
    issued it to whom, and no other is. `wildcards` takes `*.example.com` for a domain,
    against RFC 5922, 7.2. Without `verify` everybody is believed.
    """

    ca_file: str | None = None
    certificate: str | None = None
    key: str | None = None
    key_password: str | None = field(default=None, repr=False)
    pins: tuple[str, ...] = ()
    wildcards: bool = False
    verify: bool = True


class Tls:
    """The contexts made of the settings, each once, and the checks that go with them."""

    def __init__(self, settings: TlsSettings | None = None) -> None:
        self._settings = settings or TlsSettings()
        self._pins = frozenset(map(normalise_pin, self._settings.pins))
        self._client: ssl.SSLContext | None = None

    def client_context(self) -> ssl.SSLContext:
        """For connections we open. Raises ConfigError for a file that can't be used."""
        if self._client is None:
            context = self._trust()
            context.check_hostname = False  # `check` does that
            if not self._settings.verify or self._pins:
                context.verify_mode = ssl.CERT_NONE
            self._identify(context)
            self._client = context
        return self._client

    def server_context(self) -> ssl.SSLContext | None:
        """For connections we accept; None without a certificate of ours. Raises ConfigError."""
        if self._settings.certificate is None:
            return None
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._identify(context)
        return context

    def check(self, der: bytes | None, name: str) -> None:
        """Whether the far end may speak for `name`, or is pinned. Raises NetworkError."""
        if not self._settings.verify and not self._pins:
            return
        if der is None:
            raise NetworkError(f"{printable(name)} has no certificate")
        if self._pins:
            self._check_pin(der, name)
            return
        certificate = read(der)
        if not certificate.is_for(name, wildcards=self._settings.wildcards):
            raise NetworkError(self._refused(certificate, name))

    async def explain(self, error: Exception, address: Address, name: str) -> str:
        """Why the handshake with `address` for `name` failed, in a sentence."""
        where = f"{printable(name)} at {format_address(address)}"
        if isinstance(error, ssl.SSLCertVerificationError):
            try:
                certificate = read(await fetch(address, name))
            except NetworkError:
                return f"{where}: its certificate was refused: {error.verify_message}"
            return self._refused(certificate, name, error)
        return f"{where}: {self.reason(error)}"

    def reason(self, error: Exception) -> str:
        """Why a TLS connection broke, in a few words."""
        if isinstance(error, ssl.SSLError):
            reason = error.reason or ""
            words = _REASONS.get(reason, f"TLS failed ({printable(reason or str(error))})")
            if reason == _MAY_WANT_CERTIFICATE and self._settings.certificate is None:
                words += "; it may want a client certificate, and none is configured"
            return words
        if isinstance(error, TimeoutError | ConnectionAbortedError):
            return "it did not finish the TLS handshake; what listens there may speak no TLS"
        return "it broke the connection during the TLS handshake"

    def _trust(self) -> ssl.SSLContext:
        ca_file = self._settings.ca_file
        try:
            context = ssl.create_default_context(cafile=ca_file)
        except (OSError, ssl.SSLError) as error:
            raise _unusable(error, ca_file, "holds no certificate (PEM)") from error
        if ca_file is not None:
            # From Python 3.13 on these refuse most authorities that people make themselves.
            context.verify_flags &= ~ssl.VERIFY_X509_STRICT
            # The file may hold an intermediate authority, or the server's own certificate.
            context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
            logger.info("strict X.509 checks are off for the private authority %s", ca_file)
        return context

    def _identify(self, context: ssl.SSLContext) -> None:
        settings = self._settings
        # Said here, since distributions lower it: Python 3.11 of Debian 12 would speak TLS 1.0.
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if settings.certificate is None:
            return
        password = settings.key_password or ""
        try:
            # Without a password here OpenSSL would ask for one on the terminal.
            context.load_cert_chain(settings.certificate, settings.key, lambda: password)
        except (OSError, ssl.SSLError) as error:
            problem = "and its key can't be used: they don't fit, or the key wants a password"
            raise _unusable(error, settings.certificate, problem) from error

    def _check_pin(self, der: bytes, name: str) -> None:
        found = fingerprint(der)
        wanted = normalise_pin(found)
        if not any(hmac.compare_digest(wanted, pin) for pin in self._pins):
            raise NetworkError(
                f"{printable(name)}: its certificate is not the pinned one; "
                f"its SHA-256 fingerprint is {found}"
            )

    def _refused(
        self, certificate: Certificate, name: str, error: ssl.SSLCertVerificationError | None = None
    ) -> str:
        found = faults(
            certificate,
            name,
            code=error.verify_code if error is not None else 0,
            message=error.verify_message if error is not None else "",
            wildcards=self._settings.wildcards,
        )
        return f"{printable(name)}: its certificate was refused: {'; '.join(found)}"


def normalise_pin(text: str) -> str:
    """A SHA-256 fingerprint in whatever way it was copied. Raises ConfigError."""
    digits = text.upper().removeprefix("SHA256").strip(" :=").replace(":", "").replace(" ", "")
    if not _PIN.fullmatch(digits):
        raise ConfigError(
            "a pinned certificate is given by its SHA-256 fingerprint, 64 hexadecimal digits",
            hint="openssl x509 -noout -fingerprint -sha256 -in FILE prints it",
        )
    return digits


def _unusable(error: OSError, file: str | None, problem: str) -> ConfigError:
    if isinstance(error, ssl.SSLError) or error.strerror is None:
        return ConfigError(f"the TLS certificate {file} {problem}")
    return ConfigError(f"the TLS file {file} or its key can't be read: {error.strerror}")


async def fetch(address: Address, name: str) -> bytes:
    """The certificate of whoever listens there, believed or not. Raises NetworkError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        async with asyncio.timeout(HANDSHAKE_TIMEOUT):
            _, writer = await asyncio.open_connection(*address, ssl=context, server_hostname=name)
    except (OSError, TimeoutError) as error:
        raise NetworkError(f"{format_address(address)} shows no certificate") from error
    der: bytes | None = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.transport.abort()
    if der is None:
        raise NetworkError(f"{format_address(address)} shows no certificate")
    return der
