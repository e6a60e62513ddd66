"""A certificate authority of the tests' own, made by cryptography: private keys on P-256."""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

PEM = serialization.Encoding.PEM
DAY = timedelta(days=1)


class Issued:
    """A certificate with its key, as files and as DER."""

    def __init__(
        self,
        folder: Path,
        name: str,
        certificate: x509.Certificate,
        key: ec.EllipticCurvePrivateKey,
    ) -> None:
        self.certificate = certificate
        self.der = certificate.public_bytes(serialization.Encoding.DER)
        self.certificate_file = str(folder / f"{name}.pem")
        self.key_file = str(folder / f"{name}.key")
        Path(self.certificate_file).write_bytes(certificate.public_bytes(PEM))
        Path(self.key_file).write_bytes(
            key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        )


class Authority:
    """Issues certificates; its own is `file`.

    `strict=False` leaves out what strict X.509 checks want, as home-made authorities do.
    """

    def __init__(self, folder: Path, name: str = "Test Authority", *, strict: bool = True) -> None:
        self._folder = folder
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._strict = strict
        self._count = 0
        builder = self._builder(self._name, self._key, DAY * -400, DAY * 400)
        builder = builder.issuer_name(self._name)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), strict)
        if strict:
            builder = self._identified(builder, self._key)
        own = builder.sign(self._key, hashes.SHA256())
        self.file = Issued(folder, f"{name}-authority", own, self._key).certificate_file

    def issue(
        self,
        *hosts: str,
        uris: tuple[str, ...] = (),
        addresses: tuple[str, ...] = (),
        common_name: str = "somebody",
        begins: timedelta = -DAY,
        ends: timedelta = DAY * 30,
        client: bool = False,
        self_signed: bool = False,
    ) -> Issued:
        """A certificate for these names, valid from `begins` to `ends` from now."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
        builder = self._builder(subject, key, begins, ends)
        names: list[x509.GeneralName] = [
            *map(x509.UniformResourceIdentifier, uris),
            *map(x509.DNSName, hosts),
            *(x509.IPAddress(ipaddress.ip_address(each)) for each in addresses),
        ]
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), False)
        usage = ExtendedKeyUsageOID.CLIENT_AUTH if client else ExtendedKeyUsageOID.SERVER_AUTH
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), False)
        signer = key if self_signed else self._key
        builder = builder.issuer_name(subject if self_signed else self._name)
        if self._strict:
            builder = self._identified(builder, key, signer)
        self._count += 1
        signed = builder.sign(signer, hashes.SHA256())
        return Issued(self._folder, f"{id(self)}-{self._count}", signed, key)

    def _builder(
        self,
        subject: x509.Name,
        key: ec.EllipticCurvePrivateKey,
        begins: timedelta,
        ends: timedelta,
    ) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        builder = x509.CertificateBuilder().subject_name(subject).public_key(key.public_key())
        builder = builder.serial_number(x509.random_serial_number())
        return builder.not_valid_before(now + begins).not_valid_after(now + ends)

    def _identified(
        self,
        builder: x509.CertificateBuilder,
        key: ec.EllipticCurvePrivateKey,
        signer: ec.EllipticCurvePrivateKey | None = None,
    ) -> x509.CertificateBuilder:
        """What strict checks ask for (RFC 5280, 4.2.1.1 to 4.2.1.3)."""
        issuer = (signer or key).public_key()
        own = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        builder = builder.add_extension(own, False)
        by = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer)
        builder = builder.add_extension(by, False)
        is_authority = signer is None
        return builder.add_extension(
            x509.KeyUsage(
                digital_signature=True,
                content_commitment=False,
                key_encipherment=False,
                data_encipherment=False,
                key_agreement=False,
                key_cert_sign=is_authority,
                crl_sign=is_authority,
                encipher_only=False,
                decipher_only=False,
            ),
            True,
        )
