"""A TLS certificate as SIP reads it: whom it is for (RFC 5922, section 7), and what is wrong.

    subjectAltName URI sip:example.com     the domain
                   DNS example.com         the domain, if no such URI is there
                   IP  192.0.2.1           for a URI whose host is an address
    subject        CN  example.com         only where there is no subjectAltName at all

The chain was verified by `ssl`, or not; that is not done here. cryptography is imported
with the first certificate.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from platypus.errors import NetworkError, ProtocolError
from platypus.net.addresses import is_numeric, same_host
from platypus.sip.uri import Uri

if TYPE_CHECKING:
    from cryptography import x509

MAX_NAMES = 5  # in a sentence; certificates of content networks have hundreds
MAX_NAME = 100
# X.509 errors of OpenSSL (x509_vfy.h) that say more than the certificate itself shows.
_NOT_YET_VALID, _EXPIRED, _SELF_SIGNED = 9, 10, 18
_SAID_BELOW = (_NOT_YET_VALID, _EXPIRED, _SELF_SIGNED, 19, 20, 21)
_UNTRUSTED = (_SELF_SIGNED, 19, 20, 21)


@dataclass(frozen=True, slots=True)
class Certificate:
    """The parts of an X.509 certificate that count here."""

    fingerprint: str  # SHA-256, as openssl writes it: AB:CD:...
    uris: tuple[str, ...]
    hosts: tuple[str, ...]
    addresses: tuple[str, ...]
    common_names: tuple[str, ...]  # empty where there is a subjectAltName
    issuer: str
    self_signed: bool
    not_before: datetime
    not_after: datetime

    @property
    def domains(self) -> tuple[str, ...]:
        """The SIP domains it is for (RFC 5922, 7.1)."""
        named = tuple(domain for uri in self.uris if (domain := _sip_domain(uri)))
        return named or self.hosts or self.common_names

    def is_for(self, name: str, *, wildcards: bool = False) -> bool:
        """Whether it is for this domain or address, in full (RFC 5922, 7.2)."""
        wanted = name.rstrip(".").lower()
        if is_numeric(wanted) and any(same_host(each, wanted) for each in self.addresses):
            return True
        domains = [domain.rstrip(".").lower() for domain in self.domains]
        if any(same_host(domain, wanted) for domain in domains):
            return True
        _, _, parent = wanted.partition(".")
        # Only in a DNS name, only one label, and nothing as wide as *.com.
        starred = f"*.{parent}" in (host.lower() for host in self.hosts)
        named_by_uri = self.domains != self.hosts
        return wildcards and starred and not named_by_uri and "." in parent

    @property
    def names(self) -> str:
        """Whom it is for, for a sentence."""
        found = dict.fromkeys((*self.domains, *self.addresses))
        shown = ", ".join(printable(each) for each in list(found)[:MAX_NAMES])
        more = len(found) - MAX_NAMES
        return f"{shown} and {more} more" if more > 0 else shown or "nobody"


def read(der: bytes) -> Certificate:
    """Read a certificate; NetworkError where that is not possible."""
    from cryptography import x509

    try:
        found = x509.load_der_x509_certificate(der)
        alternatives = _alternatives(found)
        common = [] if alternatives is not None else _common_names(found.subject)
        names = alternatives if alternatives is not None else x509.SubjectAlternativeName([])
        return Certificate(
            fingerprint=fingerprint(der),
            uris=tuple(names.get_values_for_type(x509.UniformResourceIdentifier)),
            hosts=tuple(names.get_values_for_type(x509.DNSName)),
            addresses=tuple(map(str, names.get_values_for_type(x509.IPAddress))),
            common_names=tuple(common),
            issuer=_issuer(found),
            self_signed=found.issuer == found.subject,
            not_before=found.not_valid_before_utc,
            not_after=found.not_valid_after_utc,
        )
    except ValueError as error:  # what cryptography raises for everything malformed
        raise NetworkError("the certificate of the far end can't be read") from error


def fingerprint(der: bytes) -> str:
    """SHA-256 of a certificate, as openssl writes it: AB:CD:..."""
    return hashlib.sha256(der).digest().hex(":").upper()


def _alternatives(found: x509.Certificate) -> x509.SubjectAlternativeName | None:
    from cryptography import x509

    try:
        return found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return None


def _common_names(name: x509.Name) -> list[str]:
    from cryptography.x509.oid import NameOID

    return [str(each.value) for each in name.get_attributes_for_oid(NameOID.COMMON_NAME)]


def _issuer(found: x509.Certificate) -> str:
    """The name a person knows an authority by."""
    names = _common_names(found.issuer)
    return printable(names[0] if names else found.issuer.rfc4514_string())


def _sip_domain(uri: str) -> str | None:
    """RFC 5922, 7.1: `sip:` only, and without a user, who would be no domain."""
    try:
        parsed = Uri.parse(uri)
    except ProtocolError:
        return None
    return parsed.host if parsed.scheme == "sip" and parsed.user is None else None


def faults(
    certificate: Certificate,
    name: str,
    *,
    code: int = 0,
    message: str = "",
    wildcards: bool = False,
    now: datetime | None = None,
) -> list[str]:
    """What is wrong with it, each in a few words; `code` and `message` are OpenSSL's."""
    now = now or datetime.now(UTC)
    return [
        *_faults_of_time(certificate, code, now),
        *_faults_of_trust(certificate, code),
        *(
            []
            if certificate.is_for(name, wildcards=wildcards)
            else [_wrong_name(certificate, name)]
        ),
        *([message] if code and code not in _SAID_BELOW else []),
    ]


def _faults_of_time(certificate: Certificate, code: int, now: datetime) -> Iterable[str]:
    if now > certificate.not_after:
        yield f"it expired on {_day(certificate.not_after)}"
    elif now < certificate.not_before:
        yield f"it is not valid before {_day(certificate.not_before)}; check this clock"
    elif code in (_EXPIRED, _NOT_YET_VALID):
        yield "a certificate of the authority that issued it has expired or is not yet valid"


def _faults_of_trust(certificate: Certificate, code: int) -> Iterable[str]:
    if code not in _UNTRUSTED:
        return
    if certificate.self_signed:
        yield (
            "it is self-signed; if it is yours, give the file as private authority, "
            f"or pin its fingerprint {certificate.fingerprint}"
        )
    else:
        yield (
            f"it was issued by {certificate.issuer}, which is not trusted here; "
            "if that authority is yours, give its certificate as private authority"
        )


def _day(when: datetime) -> str:
    return when.strftime("%Y-%m-%d")  # the same in every language


def _wrong_name(certificate: Certificate, name: str) -> str:
    sentence = f"it is for {certificate.names}, and {printable(name)} was wanted"
    if certificate.is_for(name, wildcards=True):
        sentence += " (SIP allows no wildcards, RFC 5922)"
    return sentence


def printable(text: str) -> str:
    """What a stranger wrote, fit for a line of a log or a window."""
    return "".join(each if each.isprintable() else "?" for each in text[:MAX_NAME])
