"""What one call's offers and answers say of encryption, and what comes of it.

    off       RTP/AVP, and nothing else is taken
    prefer    keys are offered in RTP/AVP (RFC 8643) where the signalling is encrypted; whatever
              the other side offers is taken, of several streams an encrypted one. DTLS is
              offered first, if it is, and done without where that is refused
    require   RTP/SAVP is offered, and a stream without keys is not taken

SDES (RFC 4568) or DTLS (RFC 5763), whichever an offer has. Our key stays the same in later
offers and answers as long as the other side's does; with a new one of theirs comes a new one
of ours. `Negotiator` asks this for the words of its m= section; no packet is known here.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from platypus.errors import ConfigError, SdpError
from platypus.media.keys import DtlsPeer, Security, SrtpKeys
from platypus.sdp.description import Attribute, MediaDescription
from platypus.sdp.security import (
    ANSWERS,
    DTLS,
    HASHES,
    PLAIN,
    SDES,
    SUITES,
    Crypto,
    Fingerprint,
    cryptos,
    fingerprints,
    setup,
)

logger = logging.getLogger("platypus.media")

Rule = Literal["off", "prefer", "require"]
RULES: tuple[Rule, ...] = ("off", "prefer", "require")
_WITH_CRYPTO = (*PLAIN, *SDES)
_ALL_PROTOCOLS = (*_WITH_CRYPTO, *DTLS)
# Four lines of keys make an authenticated INVITE 1,735 bytes, which UDP loses.
UDP_SUITES = ("AEAD_AES_128_GCM", "AES_CM_128_HMAC_SHA1_80")


@dataclass(frozen=True, slots=True)
class Words:
    """What our m= section says of encryption, and what that makes together with theirs."""

    protocol: str = PLAIN[0]
    attributes: tuple[Attribute, ...] = field(default=(), repr=False)
    security: Security | None = None
    ours: Crypto | None = None  # the line whose key we send by


class Encryption:
    """The rules of one call, its keys, and what was agreed last.

    `random` gives that many random bytes. `fingerprint` gives that of our certificate, which is
    made when it is first needed; without it there is no DTLS. With `dtls_first` that is offered.
    """

    def __init__(
        self,
        rule: Rule = "prefer",
        *,
        suites: Sequence[str] = tuple(SUITES),
        random: Callable[[int], bytes],
        fingerprint: Callable[[], tuple[str, bytes]] | None = None,
        dtls_first: bool = False,
    ) -> None:
        if rule not in RULES:
            raise ConfigError(f"srtp is off, prefer or require, not {rule!r}")
        for suite in suites:
            if suite not in SUITES:
                raise ConfigError(f"unknown SRTP suite {suite!r}", hint=f"of {', '.join(SUITES)}")
        self._rule = rule
        self._suites = tuple(suites)
        self._random = random
        self._fingerprint = fingerprint
        self._dtls_first = dtls_first and fingerprint is not None
        self._agreement = 0
        self._offered: tuple[Crypto, ...] = ()
        self._offered_dtls = False
        self._words: Words | None = None  # our answer to the offer that came last
        self._agreed = Words()
        self._association: DtlsPeer | None = None  # that there is, or waits
        self._renew = self._warned = False

    @property
    def offered(self) -> bool:
        """Whether our last offer had keys: nothing that comes before the answer can be read."""
        return bool(self._offered) or self._offered_dtls

    def second_choice(self) -> bool:
        """Our offer was not acceptable: whether the next one shall do without DTLS.

        Phones without it refuse its profile, and those with it want no other (baresip 1.0).
        """
        if self._rule != "prefer" or not self._offered_dtls:
            return False
        self._dtls_first = False
        return True

    def renew(self) -> None:
        """Offer a new key next time."""
        self._renew = True

    def offer(self, *, encrypted_hop: bool) -> Words:
        """What to say in an offer that goes out over TLS, or over something else."""
        self._agreement += 1
        self._offered, self._offered_dtls = (), False
        if self._agreed.security is not None:
            return self._offer_again()
        if self._rule == "off":
            return Words()
        if self._dtls_first:
            self._offered_dtls = True
            return Words(DTLS[0], self._dtls_lines("actpass"))
        if self._rule == "prefer" and not encrypted_hop:
            return Words()
        self._offered = tuple(
            Crypto(tag, suite, self._random(SUITES[suite]))
            for tag, suite in enumerate(self._suites_for(encrypted_hop), 1)
        )
        protocol = SDES[0] if self._rule == "require" else PLAIN[0]
        return Words(protocol, tuple(crypto.attribute for crypto in self._offered))

    def _offer_again(self) -> Words:
        """Hold, or a session that is refreshed: what was agreed is offered as it is."""
        agreed, ours = self._agreed, self._agreed.ours
        if ours is not None:
            if self._renew:
                ours = replace(ours, key=self._random(SUITES[ours.suite]))
            self._offered = (ours,)
            return Words(agreed.protocol, (ours.attribute,))
        self._offered_dtls = True
        return Words(agreed.protocol, self._dtls_lines("actpass"))

    def _suites_for(self, encrypted_hop: bool) -> Sequence[str]:
        if encrypted_hop:
            return self._suites
        if not self._warned:
            self._warned = True
            logger.warning(
                "SRTP is required and the signalling is not encrypted: whoever reads it has the"
                " keys of the call; use TLS"
            )
        return [suite for suite in self._suites if suite in UDP_SUITES] or self._suites[:2]

    def receive_answer(self, media: MediaDescription) -> Security | None:
        """What an answer to our offer agrees on. Raises `SdpError` for one that doesn't fit."""
        words = self._read_answer(media)
        self._agree(words)
        self._renew = False
        return words.security

    def _read_answer(self, media: MediaDescription) -> Words:
        if self._offered_dtls and (prints := fingerprints(media)):
            return Words(media.protocol, security=self._read_peer(media, prints))
        said = media.attribute("crypto") is not None
        if self._offered and said:
            return self._read_crypto(media)
        if self._offered_dtls and media.attribute("fingerprint") is not None:
            raise SdpError(
                f"no fingerprint of the answer proves anything; there are {', '.join(HASHES)}"
            )
        if self._rule == "require":
            raise SdpError("SRTP is required here, and the other side answered without it")
        if media.protocol not in _ALL_PROTOCOLS:
            raise SdpError(f"the answer is of {media.protocol}, which was not offered")
        if media.protocol not in PLAIN or said:
            raise SdpError("the answer wants encryption that was not offered")
        return Words(media.protocol)

    def _read_peer(self, media: MediaDescription, prints: Sequence[Fingerprint]) -> DtlsPeer:
        # RFC 4145, 4: who says nothing is passive in an answer, and active in an offer.
        role = setup(media) if media.attribute("setup") is not None else "passive"
        before = self._association
        if role == "actpass" and before is not None and before.fingerprints == _hashes(prints):
            # baresip 1.0 repeats what it offered once: there is an association, and it stays.
            return before
        if role is None or role == "actpass":
            raise SdpError("the answer does not say who begins the DTLS handshake")
        return _peer(prints, ANSWERS[role])

    def _read_crypto(self, media: MediaDescription) -> Words:
        theirs = next(iter(cryptos(media)), None)
        if theirs is None:
            raise SdpError("the a=crypto line of the answer can't be used")
        ours = next((each for each in self._offered if each.tag == theirs.tag), None)
        if ours is None or ours.suite != theirs.suite:
            raise SdpError(f"the answer takes a=crypto {theirs}, which was not offered")
        return Words(media.protocol, security=self._keys(ours, theirs), ours=ours)

    def problem(self, media: MediaDescription) -> str | None:
        """Why an offered stream can't be taken, for the one who reads the log."""
        protocol = media.protocol
        if protocol not in _ALL_PROTOCOLS:
            return f"{protocol} is not supported, only RTP/AVP, RTP/SAVP and UDP/TLS/RTP/SAVP"
        if self._rule == "off":
            off = "is encrypted, and SRTP is turned off here (--srtp off)"
            return None if protocol in PLAIN else f"{protocol} {off}"
        if self._rule == "prefer" and protocol in PLAIN:
            return None
        if self._choice(media) is not None:
            return None
        if self._rule == "require":
            return "SRTP is required here, and the other side offers none that we know"
        if protocol in DTLS:
            return f"{protocol} without a fingerprint that proves anything: {', '.join(HASHES)}"
        return f"{protocol} without a key of a suite that we know: {', '.join(self._suites)}"

    def unencrypted(self, media: MediaDescription) -> str | None:
        """Why another stream of the same offer might be the better one; None for an encrypted."""
        return self.problem(media) or ("plain" if self._choice(media) is None else None)

    def receive_offer(self) -> None:
        """Another offer has come: what was said of the one before is past."""
        self._agreement += 1
        self._words = None

    def answer(self, media: MediaDescription) -> Words:
        """What to say to an offered stream without a `problem`; the same when asked again."""
        if self._words is None:
            self._words = self._answer(media)
        return self._words

    def settle(self, words: Words) -> None:
        """Our answer goes out."""
        self._agree(words)
        self._offered, self._offered_dtls = (), False

    def _agree(self, words: Words) -> None:
        self._agreed, security = words, words.security
        if not isinstance(security, DtlsPeer):
            self._association = None
        elif not security.held:
            self._association = security

    def _answer(self, media: MediaDescription) -> Words:
        match self._choice(media):
            case Crypto() as theirs:
                ours = Crypto(theirs.tag, theirs.suite, self._key_for(theirs))
                keys = self._keys(ours, theirs)
                return Words(media.protocol, (ours.attribute,), keys, ours)
            case (first, *_) as prints if isinstance(first, Fingerprint):
                role = self._role(setup(media) or "active", prints)
                return Words(media.protocol, self._dtls_lines(role), _peer(prints, role))
            case _:
                return Words(media.protocol)

    def _choice(self, media: MediaDescription) -> Crypto | tuple[Fingerprint, ...] | None:
        if self._rule == "off":
            return None
        lines = cryptos(media) if media.protocol in _WITH_CRYPTO else ()
        crypto = next((each for each in lines if each.suite in self._suites), None)
        known = media.protocol in DTLS or (media.protocol in PLAIN and setup(media))
        prints = fingerprints(media) if known and self._fingerprint is not None else ()
        return (prints or crypto or None) if self._dtls_first else (crypto or prints or None)

    def _role(self, theirs: str, prints: Sequence[Fingerprint]) -> str:
        """RFC 8842, 5.3: who leaves it to us keeps the association that there is, by its roles."""
        before = self._association
        if theirs == "actpass" and before == _peer(prints, "passive"):
            return "passive"
        return ANSWERS[theirs]

    def _key_for(self, theirs: Crypto) -> bytes:
        agreed = self._agreed
        keys = agreed.security
        same = isinstance(keys, SrtpKeys) and (keys.profile, keys.receive) == (
            theirs.suite,
            theirs.key,
        )
        if same and agreed.ours is not None:
            return agreed.ours.key
        return self._random(SUITES[theirs.suite])

    def _keys(self, ours: Crypto, theirs: Crypto) -> SrtpKeys:
        return SrtpKeys(
            ours.suite, ours.key, theirs.key, theirs.mki, self._agreement, theirs.others
        )

    def _dtls_lines(self, role: str) -> tuple[Attribute, ...]:
        if self._fingerprint is None:
            return ()
        return (Fingerprint(*self._fingerprint()).attribute, ("setup", role))


def _peer(prints: Sequence[Fingerprint], our_role: str) -> DtlsPeer:
    return DtlsPeer(our_role == "active", _hashes(prints), our_role == "holdconn")


def _hashes(prints: Sequence[Fingerprint]) -> tuple[tuple[str, bytes], ...]:
    return tuple((each.algorithm, each.digest) for each in prints)
