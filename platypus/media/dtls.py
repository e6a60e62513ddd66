"""DTLS-SRTP (RFC 5763, RFC 5764) without sockets: datagrams in and out, keys at the end.

    handshake = Handshake(certificate, client=True, fingerprints=...)
    handshake.start() / receive(datagram) / handle_timeout()
    handshake.to_send()      datagrams for the wire, at most MTU each
    handshake.keys           once it is done, and the certificate is the one of the description

OpenSSL works on memory BIOs and keeps the retransmission timer (RFC 6347, 4.2.4) by its own
clock; `next_timeout` says in how many seconds it wants to be called. Nothing that comes is
believed before the fingerprint matched: until then there are no keys. Renegotiation, cookies
and application data are not used.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field
from enum import Enum

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from OpenSSL import SSL

from platypus.errors import MediaError

MTU = 1200  # bytes of a datagram: what passes any path (RFC 8831 has the same)
HEADER = 13  # of a record: type, version, epoch, sequence, length
MAX_BIO = 65_536
LABEL = b"EXTRACTOR-dtls_srtp"  # RFC 5764, 4.2
LIFETIME = datetime.timedelta(days=30)

# OpenSSL's names for the profiles of RFC 5764, 4.1.2 and RFC 7714, 14.2, in the order we prefer:
# ours, and the bytes of key and salt.
PROFILES = {
    b"SRTP_AEAD_AES_128_GCM": ("AEAD_AES_128_GCM", 16, 12),
    b"SRTP_AEAD_AES_256_GCM": ("AEAD_AES_256_GCM", 32, 12),
    b"SRTP_AES128_CM_SHA1_80": ("AES_CM_128_HMAC_SHA1_80", 16, 14),
    b"SRTP_AES128_CM_SHA1_32": ("AES_CM_128_HMAC_SHA1_32", 16, 14),
}
_HASHES: dict[str, type[hashes.HashAlgorithm]] = {
    "sha-256": hashes.SHA256,
    "sha-384": hashes.SHA384,
    "sha-512": hashes.SHA512,
}


class Certificate:
    """Ours, self-signed: it only proves to be the one whose hash the description has."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "platypus")])
        now = datetime.datetime.now(datetime.UTC)
        self.certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + LIFETIME)
            .sign(self.key, hashes.SHA256())
        )

    @property
    def fingerprint(self) -> tuple[str, bytes]:
        return "sha-256", self.certificate.fingerprint(hashes.SHA256())

    def context(self) -> SSL.Context:
        context = SSL.Context(SSL.DTLS_METHOD)
        # Certificates are compared by their hash afterwards, not by who signed them.
        context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, _any_certificate)
        context.use_privatekey(self.key)
        context.use_certificate(self.certificate)
        context.set_options(SSL.OP_NO_QUERY_MTU)
        context.set_cipher_list(b"ECDHE+AESGCM:ECDHE+CHACHA20:ECDHE+AES:!aNULL")
        context.set_tlsext_use_srtp(b":".join(PROFILES))
        return context


def _any_certificate(*_: object) -> bool:
    return True


class State(Enum):
    SHAKING = "shaking"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Keys:
    """What both sides derived: each master key is followed by its salt."""

    profile: str
    send: bytes = field(repr=False)
    receive: bytes = field(repr=False)


class Handshake:
    """One association. `fingerprints` are those of the other side's description."""

    def __init__(
        self,
        certificate: Certificate,
        *,
        client: bool,
        fingerprints: tuple[tuple[str, bytes], ...],
    ) -> None:
        self.state = State.SHAKING
        self.keys: Keys | None = None
        self.problem = ""  # why it failed, a sentence
        self._client = client
        self._fingerprints = fingerprints
        self._connection = SSL.Connection(certificate.context())
        self._connection.set_ciphertext_mtu(MTU)
        if client:
            self._connection.set_connect_state()
        else:
            self._connection.set_accept_state()

    def start(self) -> None:
        """Say the first word, if we are the client."""
        self._shake()

    def receive(self, datagram: bytes) -> None:
        """A datagram of the other side, whatever it is. Nothing is raised."""
        if self.state is State.FAILED or not datagram or len(datagram) > MAX_BIO:
            return
        self._connection.bio_write(datagram)
        if self.state is State.SHAKING:
            self._shake()
        else:
            self._listen()

    def next_timeout(self) -> float | None:
        """Seconds until `handle_timeout` wants to be called; None where nothing is waited for."""
        if self.state is State.FAILED:
            return None
        left = self._connection.DTLSv1_get_timeout()
        return None if left is None else max(0.0, float(left))

    def handle_timeout(self) -> None:
        """Say again what was not answered."""
        if self.state is State.FAILED:
            return
        try:
            self._connection.DTLSv1_handle_timeout()
        except SSL.Error as error:
            self._fail(f"the DTLS handshake was not answered ({_reason(error)})")

    def to_send(self) -> list[bytes]:
        """Datagrams for the wire: whole records, as many in each as fit."""
        try:
            data = self._connection.bio_read(MAX_BIO)
        except SSL.WantReadError:
            return []
        return list(_datagrams(data))

    def _shake(self) -> None:
        try:
            self._connection.do_handshake()
        except SSL.WantReadError:
            return
        except SSL.Error as error:
            self._fail(f"the DTLS handshake failed ({_reason(error)})")
            return
        try:
            self.keys = self._agreed_keys()
        except MediaError as error:
            self._fail(str(error))
        else:
            self.state = State.DONE

    def _listen(self) -> None:
        """After the end: who says its last word again has not heard ours, which OpenSSL repeats."""
        try:
            while self._connection.recv(4096):
                pass  # RFC 5764, 3: data beside the keys means nothing here
        except SSL.Error:
            return

    def _agreed_keys(self) -> Keys:
        """Raises MediaError where the other side is not who it has to be."""
        theirs = self._connection.get_peer_certificate(as_cryptography=True)
        if theirs is None or not any(_matches(theirs, one) for one in self._fingerprints):
            raise MediaError("the DTLS certificate is not the one whose fingerprint was signalled")
        known = PROFILES.get(self._connection.get_selected_srtp_profile())
        if known is None:
            raise MediaError("the DTLS handshake agreed on no SRTP profile that we know")
        profile, key, salt = known
        data = self._connection.export_keying_material(LABEL, 2 * (key + salt))
        # RFC 5764, 4.2: client key, server key, client salt, server salt.
        client = data[:key] + data[2 * key : 2 * key + salt]
        server = data[key : 2 * key] + data[2 * key + salt :]
        return Keys(profile, client, server) if self._client else Keys(profile, server, client)

    def _fail(self, problem: str) -> None:
        self.state, self.problem, self.keys = State.FAILED, problem, None


def _matches(certificate: x509.Certificate, expected: tuple[str, bytes]) -> bool:
    algorithm = _HASHES.get(expected[0])
    return algorithm is not None and certificate.fingerprint(algorithm()) == expected[1]


def _datagrams(data: bytes) -> list[bytes]:
    """A memory BIO does not keep the borders of datagrams; records carry their lengths."""
    found, begin, at = [], 0, 0
    while at + HEADER <= len(data):
        end = at + HEADER + int.from_bytes(data[at + 11 : at + 13], "big")
        if end - begin > MTU and at > begin:
            found.append(data[begin:at])
            begin = at
        at = end
    if begin < len(data):
        found.append(data[begin:])
    return found


def _reason(error: SSL.Error) -> str:
    """OpenSSL's words; its queue holds tuples of library, function and reason."""
    queue = error.args[0] if error.args and isinstance(error.args[0], list) else []
    words = [entry[-1] for entry in queue if entry and entry[-1]]
    return ", ".join(words) or type(error).__name__
