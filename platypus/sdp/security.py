"""What descriptions say of encryption: SDES keys, and the fingerprints of DTLS.

a=crypto (RFC 4568; suites of RFC 6188 and 7714), a=fingerprint (RFC 8122), a=setup (RFC 4145)
and the profiles of m= lines: RTP/AVP, RTP/SAVP (RFC 3711), UDP/TLS/RTP/SAVP (RFC 5764), each
also with feedback (RFC 4585, RFC 5124), which is not used.

A line that can't be used is left out, whatever is wrong with it: an offer has others beside
it. Keys stand in no repr and in no error.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from platypus.sdp.description import Attribute, MediaDescription, SessionDescription

# Bytes of master key and master salt together, and the order we offer them in: AEAD first,
# then by the length of the tag.
SUITES = {
    "AEAD_AES_128_GCM": 28,
    "AEAD_AES_256_GCM": 44,
    "AES_CM_128_HMAC_SHA1_80": 30,
    "AES_CM_128_HMAC_SHA1_32": 30,
}
MAX_LINES = 32  # of a=crypto that are looked at: there are not so many suites
MAX_KEYS = 8  # of one line: each is a session of its own, waiting for its packets
MAX_MKI = 128  # RFC 4568, 9.2
MAX_LIFETIME_BITS = 48  # RFC 3711, 9.2: packets under one key

PLAIN = ("RTP/AVP", "RTP/AVPF")
SDES = ("RTP/SAVP", "RTP/SAVPF")
DTLS = ("UDP/TLS/RTP/SAVP", "UDP/TLS/RTP/SAVPF")

# RFC 4568, 9.2: tag 1*WSP suite 1*WSP key-params *(1*WSP session-param)
_CRYPTO = re.compile(r"(?P<tag>[0-9]{1,9})[ \t]+(?P<suite>\w{1,40})[ \t]+(?P<rest>\S.*)", re.ASCII)
# RFC 4568, 6.1: inline:key [| lifetime] [| MKI:length]
_INLINE = re.compile(
    r"inline:(?P<key>[A-Za-z0-9+/]{1,88}={0,2})"
    r"(?:\|(?P<lifetime>(?:2\^)?[0-9]{1,15}))?"
    r"(?:\|(?P<mki>[0-9]{1,309}):(?P<length>[0-9]{1,3}))?",
    re.ASCII | re.IGNORECASE,
)
_HASH = re.compile(r"[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2})*")
# RFC 8122, 5: names and sizes; MD5 and SHA-1 prove nothing any more.
HASHES = {"sha-256": 32, "sha-384": 48, "sha-512": 64}
_SESSION_WIDE = ("fingerprint", "setup")
# RFC 4145, 4.1: what each role is answered by.
ANSWERS = {
    "active": "passive",
    "passive": "active",
    "actpass": "active",
    "holdconn": "holdconn",  # no connection for now
}


@dataclass(frozen=True, slots=True)
class Crypto:
    """One a=crypto line: what its author encrypts with."""

    tag: int
    suite: str
    key: bytes = field(repr=False)  # the master key and its salt
    mki: bytes = b""  # stands in each of its packets
    others: tuple[tuple[bytes, bytes], ...] = field(default=(), repr=False)  # keys with MKIs

    def __str__(self) -> str:
        return f"{self.tag} {self.suite}"

    @property
    def attribute(self) -> Attribute:
        """As it is written: without a lifetime, which nobody reaches."""
        key = b64encode(self.key).decode("ascii")
        mki = f"|{int.from_bytes(self.mki, 'big')}:{len(self.mki)}" if self.mki else ""
        return ("crypto", f"{self.tag} {self.suite} inline:{key}{mki}")


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """The hash of a certificate."""

    algorithm: str
    digest: bytes

    @property
    def attribute(self) -> Attribute:
        return ("fingerprint", f"{self.algorithm} {self.digest.hex(':').upper()}")


def cryptos(media: MediaDescription) -> tuple[Crypto, ...]:
    """The lines that can be used, in their order. Of several with one tag the first counts."""
    found: dict[int, Crypto] = {}
    lines = [value for name, value in media.attributes if name == "crypto"]
    for value in lines[:MAX_LINES]:
        crypto = parse_crypto(value or "")
        if crypto is not None:
            found.setdefault(crypto.tag, crypto)
    return tuple(found.values())


def parse_crypto(value: str) -> Crypto | None:
    """None for a suite, a parameter or a key that we have no use for."""
    line = _CRYPTO.fullmatch(value)
    if line is None:
        return None
    suite = line["suite"].upper()
    key_params, *session_params = line["rest"].split()
    if suite not in SUITES or not all(map(_is_harmless, session_params)):
        return None
    keys = _keys(key_params, SUITES[suite])
    return Crypto(int(line["tag"]), suite, *keys[0], keys[1:]) if keys else None


def _is_harmless(parameter: str) -> bool:
    """RFC 4568, 6.3: what must be understood has no minus; the size of a window is a hint.

    Order and keys of error correction mean nothing without a stream that has it, and none of
    our answers does.
    """
    name, _, value = parameter.upper().partition("=")
    if name == "FEC_ORDER":
        return value in ("FEC_SRTP", "SRTP_FEC")
    return name.startswith("-") or name in ("WSH", "FEC_KEY")


def _keys(text: str, length: int) -> tuple[tuple[bytes, bytes], ...]:
    """Each with its MKI; none where one of them can't be used.

    RFC 4568, 6.1: with several, every packet says by its MKI which it was protected with. MKIs
    differ, and are of one length.
    """
    found: list[tuple[bytes, bytes]] = []
    params = text.split(";", MAX_KEYS)
    if len(params) > MAX_KEYS:
        return ()
    for param in params:
        inline = _INLINE.fullmatch(param)
        if inline is None or not _is_lifetime(inline["lifetime"]):
            return ()
        key = _key(inline["key"], length)
        mki = _mki(inline["mki"], inline["length"])
        if key is None or mki is None:
            return ()
        found.append((key, mki))
    mkis = [mki for _, mki in found]
    if len(found) > 1 and (len(set(mkis)) < len(mkis) or len({*map(len, mkis)}) > 1):
        return ()
    return tuple(found)


def _is_lifetime(text: str | None) -> bool:
    """It limits what its author sends, so that it only has to be one."""
    if text is None:
        return True
    if text.startswith("2^"):
        return int(text[2:]) <= MAX_LIFETIME_BITS
    return 0 < int(text) <= 1 << MAX_LIFETIME_BITS


def _key(text: str, length: int) -> bytes | None:
    bare = text.rstrip("=")  # some leave the padding out
    try:
        key = b64decode(bare + "=" * (-len(bare) % 4), validate=True)
    except (Base64Error, ValueError):
        return None
    return key if len(key) == length else None


def _mki(text: str | None, length: str | None) -> bytes | None:
    if text is None or length is None:
        return b""
    size = int(length)
    if not 1 <= size <= MAX_MKI or int(text) >> 8 * size:
        return None
    return int(text).to_bytes(size, "big")


def fingerprints(media: MediaDescription) -> tuple[Fingerprint, ...]:
    """All of a kind that proves something: any one may match (RFC 8122, 5.1)."""
    found = []
    lines = [value for name, value in media.attributes if name == "fingerprint"]
    for value in lines[:MAX_LINES]:
        algorithm, _, text = (value or "").partition(" ")
        text, algorithm = text.strip(), algorithm.lower()
        size = HASHES.get(algorithm)
        if size is not None and len(text) == 3 * size - 1 and _HASH.fullmatch(text):
            found.append(Fingerprint(algorithm, bytes.fromhex(text.replace(":", ""))))
    return tuple(found)


def setup(media: MediaDescription) -> str | None:
    """Who begins the handshake, as its author says it; None for nothing that can be used."""
    role = (media.attribute("setup") or "").lower()
    return role if role in ANSWERS else None


def with_session_attributes(description: SessionDescription) -> SessionDescription:
    """RFC 8122, 5 and RFC 4145, 4: what stands above all streams holds for each without its own."""
    if not any(name in _SESSION_WIDE for name, _ in description.attributes):
        return description
    media = tuple(
        replace(each, attributes=(*each.attributes, *_inherited(description, each)))
        for each in description.media
    )
    return replace(description, media=media)


def _inherited(description: SessionDescription, media: MediaDescription) -> Iterator[Attribute]:
    own = {name for name, _ in media.attributes}
    for name, value in description.attributes[: 4 * MAX_LINES]:
        if name in _SESSION_WIDE and name not in own:
            yield name, value
