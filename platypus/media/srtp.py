"""SRTP sessions (RFC 3711, RFC 7714), the only place that knows pylibsrtp.

    profile, master key -> Context -> a leg of the loop, which calls libsrtp by address

What that relies on is looked at once, when this is imported: the functions' addresses and
signatures, the session's, and that both ways give the same packet. Where one of it is not as
expected, `NATIVE` is None, a warning says so, and `Session` protects by pylibsrtp's own API.

Keys stand in no repr, no log and no exception of this module.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from pylibsrtp import Error, Policy, Session

from platypus._media.srtp import Context
from platypus.errors import MediaError

logger = logging.getLogger("platypus.media")


@dataclass(frozen=True, slots=True)
class Profile:
    """A suite by its name in RFC 4568 and RFC 7714."""

    name: str
    key_length: int
    salt_length: int
    rtp_tag: int  # bytes of tag that follow an MKI: none with AEAD, whose tag is in the text
    rtcp_tag: int
    number: int  # pylibsrtp's

    @property
    def master_length(self) -> int:
        return self.key_length + self.salt_length


PROFILES = {
    profile.name: profile
    for profile in (
        Profile("AEAD_AES_128_GCM", 16, 12, 0, 0, Policy.SRTP_PROFILE_AEAD_AES_128_GCM),
        Profile("AEAD_AES_256_GCM", 32, 12, 0, 0, Policy.SRTP_PROFILE_AEAD_AES_256_GCM),
        Profile(
            *("AES_CM_128_HMAC_SHA1_80", 16, 14, 10, 10), Policy.SRTP_PROFILE_AES128_CM_SHA1_80
        ),
        # RFC 4568, 6.2.2: SRTCP keeps the tag of 80 bits.
        Profile(*("AES_CM_128_HMAC_SHA1_32", 16, 14, 4, 10), Policy.SRTP_PROFILE_AES128_CM_SHA1_32),
    )
}


@dataclass(frozen=True, slots=True)
class Native:
    """Addresses of libsrtp's functions."""

    protect: int
    protect_rtcp: int
    unprotect: int
    unprotect_rtcp: int


def session(profile: str, master: bytes, *, outbound: bool) -> Session:
    """One direction with one master key, followed by its salt. Raises MediaError."""
    known = PROFILES.get(profile)
    if known is None:
        raise MediaError(f"unknown SRTP profile {profile!r}; there are: {', '.join(PROFILES)}")
    if len(master) != known.master_length:
        wanted = f"has {known.master_length} bytes, not {len(master)}"
        raise MediaError(f"a master key with its salt for {profile} {wanted}")
    ways = Policy.SSRC_ANY_OUTBOUND if outbound else Policy.SSRC_ANY_INBOUND
    try:
        return Session(Policy(key=master, ssrc_type=ways, srtp_profile=known.number))
    except Error as error:
        raise MediaError(f"no SRTP session with {profile}: {error}") from error


def context(
    profile: str,
    master: bytes,
    *,
    outbound: bool,
    mki: bytes = b"",
    others: Sequence[tuple[bytes, bytes]] = (),
) -> Context:
    """The same for the loop. Raises MediaError, also where there is only pylibsrtp's own API.

    `others` are further master keys of the same sender with their MKIs, all as long as `mki`.
    """
    if NATIVE is None:
        raise MediaError("libsrtp's functions can't be called by their addresses here")
    if not others:
        owner = session(profile, master, outbound=outbound)
        return _context(NATIVE, profile, owner, outbound, mki)
    found: Context | None = None
    for key, its_mki in (*others, (master, mki)):
        owner, same_key = (session(profile, key, outbound=way) for way in (outbound, True))
        found = _context(NATIVE, profile, owner, outbound, its_mki, found, same_key)
    assert found is not None  # noqa: S101 - there is one key at least
    return found


def _context(
    native: Native,
    profile: str,
    owner: Session,
    outbound: bool,
    mki: bytes = b"",
    beside: Context | None = None,
    same_key: Session | None = None,
) -> Context:
    known = PROFILES[profile]
    return Context(
        (owner, same_key),
        session=_address_of(owner),
        rtp=native.protect if outbound else native.unprotect,
        rtcp=native.protect_rtcp if outbound else native.unprotect_rtcp,
        rtp_tag=known.rtp_tag,
        rtcp_tag=known.rtcp_tag,
        mki=mki,
        beside=beside,
        same_key=_address_of(same_key) if same_key is not None else 0,
        protect=native.protect,
    )


def _address_of(owner: Session) -> int:
    pointer = vars(owner)["_srtp"][0]
    return int(_binding().ffi.cast("uintptr_t", pointer))


def _binding() -> Any:
    """Private to pylibsrtp, without types."""
    return import_module("pylibsrtp._binding")


def find_native() -> Native:
    """Raises whatever goes wrong where pylibsrtp is not built as we know it."""
    ffi, lib = _binding().ffi, _binding().lib
    addresses = []
    for name in ("srtp_protect", "srtp_protect_rtcp", "srtp_unprotect", "srtp_unprotect_rtcp"):
        function = ffi.addressof(lib, name)
        signature = [each.cname for each in ffi.typeof(function).args]
        if signature != ["struct srtp_ctx_t_ *", "void *", "int *"]:
            raise TypeError(f"{name} takes {', '.join(signature)}")
        addresses.append(int(ffi.cast("uintptr_t", function)))
    native = Native(*addresses)
    _compare(native)
    return native


def _compare(native: Native) -> None:
    """The same packet both ways."""
    profile, master = "AES_CM_128_HMAC_SHA1_80", bytes(range(30))
    packet = bytes.fromhex("800f1234decafbadcafebabe") + bytes(160)
    ours = _context(native, profile, session(profile, master, outbound=True), True)
    theirs = session(profile, master, outbound=True)
    if ours.protect(packet) != theirs.protect(packet):
        raise ValueError("libsrtp by address and pylibsrtp do not give the same packet")


def _look() -> Native | None:
    try:
        return find_native()
    except Exception as problem:  # whatever another version of pylibsrtp makes of it
        logger.warning("SRTP goes through pylibsrtp's own API, which is slower: %s", problem)
        return None


NATIVE = _look()
