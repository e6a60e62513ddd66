"""Keys and fingerprints in descriptions: what is taken, and what is left out."""

from __future__ import annotations

import base64

import pytest

from platypus.sdp.description import MediaDescription, parse
from platypus.sdp.security import (
    SUITES,
    Crypto,
    Fingerprint,
    cryptos,
    fingerprints,
    parse_crypto,
    setup,
    with_session_attributes,
)

CM = "AES_CM_128_HMAC_SHA1_80"
KEY = bytes(range(30))
INLINE = "inline:" + base64.b64encode(KEY).decode()
SHA256 = ":".join(["AB"] * 32)


def media(*attributes: tuple[str, str | None]) -> MediaDescription:
    return MediaDescription("audio", 4000, "RTP/SAVP", ("0",), attributes=attributes)


class TestCrypto:
    @pytest.mark.parametrize(
        "value",
        [
            f"1 {CM} {INLINE}",
            f"1 {CM.lower()} {INLINE}",
            f"1\t{CM}  {INLINE}|2^20",
            f"1 {CM} {INLINE}|2^48",
            f"1 {CM} {INLINE}|1000000",
            f"000000001 {CM} {INLINE}",
            f"1 {CM} {INLINE} WSH=64",
            f"1 {CM} {INLINE} -SOMETHING -OTHER=1",
            f"1 {CM} {INLINE} FEC_ORDER=FEC_SRTP",
            f"1 {CM} {INLINE} FEC_ORDER=SRTP_FEC FEC_KEY={INLINE}|1:4;{INLINE}|2:4 WSH=128",
        ],
    )
    def test_what_peers_write_is_understood(self, value: str) -> None:
        assert parse_crypto(value) == Crypto(1, CM, KEY)

    @pytest.mark.parametrize(
        ("text", "mki"),
        [("|1:4", b"\0\0\0\1"), ("|2^20|7:1", b"\7"), ("|258:2", b"\1\2"), ("|0:1", b"\0")],
    )
    def test_an_mki_has_a_value_and_a_length(self, text: str, mki: bytes) -> None:
        assert parse_crypto(f"1 {CM} {INLINE}{text}") == Crypto(1, CM, KEY, mki)

    def test_several_keys_have_an_mki_each(self) -> None:
        other = base64.b64encode(KEY[::-1]).decode()
        crypto = parse_crypto(f"1 {CM} {INLINE}|2^20|1:4;inline:{other}|2^20|2:4")
        assert crypto == Crypto(1, CM, KEY, b"\0\0\0\1", ((KEY[::-1], b"\0\0\0\2"),))

    def test_the_offer_of_rfc_4568_6_1_is_taken_by_the_line_that_is_known(self) -> None:
        """Its example: a suite that nobody has beside one that everybody has, with FEC."""
        one = "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz"
        two = "QUJjZGVmMTIzNDU2Nzg5QUJDREUwMTIzNDU2Nzg5"
        lines = [
            f"1 {CM} inline:{one}|2^20|1:4 FEC_ORDER=FEC_SRTP",
            f"2 F8_128_HMAC_SHA1_80 inline:{one}|2^20|1:4;inline:{two}|2^20|2:4 FEC_ORDER=FEC_SRTP",
        ]
        [crypto] = cryptos(media(*(("crypto", line) for line in lines)))
        assert (crypto.tag, crypto.key) == (1, base64.b64decode(one))

    @pytest.mark.parametrize("suite", list(SUITES))
    def test_every_suite_has_its_length_of_key(self, suite: str) -> None:
        key = bytes(SUITES[suite])
        crypto = Crypto(3, suite, key, b"\1")
        assert parse_crypto(crypto.attribute[1] or "") == crypto
        short = base64.b64encode(key[1:]).decode()
        assert parse_crypto(f"3 {suite} inline:{short}") is None

    def test_padding_that_is_left_out_is_filled_in(self) -> None:
        text = base64.b64encode(bytes(44)).decode().rstrip("=")
        assert parse_crypto(f"1 AEAD_AES_256_GCM inline:{text}")

    @pytest.mark.parametrize(
        "value",
        [
            "",
            "1",
            f"1 {CM}",
            f"x {CM} {INLINE}",
            f"1234567890 {CM} {INLINE}",
            f"\u0661 {CM} {INLINE}",
            f"1 F8_128_HMAC_SHA1_80 {INLINE}",
            f"1 {CM} outline:{INLINE[7:]}",
            f"1 {CM} inline:****",
            f"1 {CM} inline:{INLINE[7:-1]}",
            f"1 {CM} {INLINE}|2^49",
            f"1 {CM} {INLINE}|0",
            f"1 {CM} {INLINE}|2^x",
            f"1 {CM} {INLINE}|1:0",
            f"1 {CM} {INLINE}|256:1",
            f"1 {CM} {INLINE}|1:129",
            f"1 {CM} {INLINE}|{'9' * 310}:128",
            f"1 {CM} {INLINE};{INLINE}",
            f"1 {CM} {INLINE}|1:4;{INLINE}",
            f"1 {CM} {INLINE}|1:4;{INLINE}|1:4",
            f"1 {CM} {INLINE}|1:4;{INLINE}|2:5",
            f"1 {CM} {INLINE}|1:4;inline:short|2:4",
            f"1 {CM} {INLINE}|1:4;",
            f"1 {CM} " + ";".join(f"{INLINE}|{number}:1" for number in range(9)),
            f"1 {CM} {INLINE} KDR=1",
            f"1 {CM} {INLINE} UNENCRYPTED_SRTP",
            f"1 {CM} {INLINE} UNENCRYPTED_SRTCP",
            f"1 {CM} {INLINE} UNAUTHENTICATED_SRTP",
            f"1 {CM} {INLINE} FEC_ORDER=BOTH",
            f"1 {CM} {INLINE} SOMETHING=NEW",
        ],
    )
    def test_what_there_is_no_use_for_is_left_out(self, value: str) -> None:
        assert parse_crypto(value) is None

    def test_the_lines_keep_their_order_and_a_tag_counts_once(self) -> None:
        lines = [f"2 {CM} {INLINE}", "9 UNKNOWN inline:x", f"1 {CM} {INLINE}", f"2 {CM} {INLINE}"]
        found = cryptos(media(*(("crypto", line) for line in lines)))
        assert [crypto.tag for crypto in found] == [2, 1]

    def test_thousands_of_lines_are_not_all_read(self) -> None:
        lines = [("crypto", f"{tag} {CM} {INLINE}") for tag in range(1, 900)]
        assert len(cryptos(media(*lines))) == 32

    def test_the_key_is_in_no_repr(self) -> None:
        crypto = Crypto(1, CM, b"secret" * 5)
        section = media(crypto.attribute)
        for shown in (repr(crypto), str(crypto), repr(section), repr(parse(b"v=0\r\n"))):
            assert "secret" not in shown
            assert base64.b64encode(b"secret").decode() not in shown


class TestFingerprints:
    def test_those_of_good_hashes_are_found(self) -> None:
        found = fingerprints(
            media(
                ("fingerprint", f"sha-256 {SHA256}"),
                ("fingerprint", f"SHA-512 {':'.join(['cd'] * 64)}"),
            )
        )
        assert found == (
            Fingerprint("sha-256", b"\xab" * 32),
            Fingerprint("sha-512", b"\xcd" * 64),
        )

    def test_one_is_written_as_it_is_read(self) -> None:
        ours = Fingerprint("sha-256", b"\xab" * 32)
        assert ours.attribute == ("fingerprint", f"sha-256 {SHA256}")
        assert fingerprints(media(ours.attribute)) == (ours,)

    @pytest.mark.parametrize(
        "value",
        [
            *("", "sha-256", f"sha-256 {SHA256[:-1]}", f"sha-256 {SHA256}:AB", "sha-256 xx:yy"),
            f"sha-1 {':'.join(['AB'] * 20)}",
            f"md5 {':'.join(['AB'] * 16)}",
            f"sha-256 {SHA256.replace(':', '-')}",
        ],
    )
    def test_what_proves_nothing_is_left_out(self, value: str) -> None:
        assert fingerprints(media(("fingerprint", value))) == ()

    @pytest.mark.parametrize("word", ["active", "passive", "actpass", "ACTIVE", "holdconn"])
    def test_who_begins_is_said(self, word: str) -> None:
        assert setup(media(("setup", word))) == word.lower()

    @pytest.mark.parametrize("word", ["", "hold", "maybe"])
    def test_or_it_is_not(self, word: str) -> None:
        assert setup(media(("setup", word))) is None

    def test_what_stands_above_all_streams_holds_for_those_without_their_own(self) -> None:
        own = ":".join(["CD"] * 32)
        description = parse(
            "\r\n".join(
                [
                    *("v=0", f"a=fingerprint:sha-256 {SHA256}", "a=setup:actpass"),
                    *("m=audio 1 UDP/TLS/RTP/SAVP 0", "a=setup:active"),
                    *("m=audio 2 UDP/TLS/RTP/SAVP 0", f"a=fingerprint:sha-256 {own}"),
                ]
            ).encode()
        )
        first, second = with_session_attributes(description).media
        assert fingerprints(first)[0].digest == b"\xab" * 32
        assert setup(first) == "active"
        assert [each.digest for each in fingerprints(second)] == [b"\xcd" * 32]
        assert setup(second) == "actpass"
