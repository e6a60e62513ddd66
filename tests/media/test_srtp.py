"""SRTP through the very code that the loop runs: vectors, replays, rollover, MKI, bounds."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from platypus._media.srtp import Context
from platypus.errors import MediaError
from platypus.media import srtp
from tests.media import srtp_reference as reference

VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).parent.parent / "data" / "srtp_vectors.json").read_text()
)
PACKETS = [each for each in VECTORS["packets"] if each["profile"] in srtp.PROFILES]
MKI = bytes.fromhex("e1f97a0d")


def master(profile: str, seed: int = 1) -> bytes:
    length = srtp.PROFILES[profile].master_length
    return bytes((seed + 7 * place) % 256 for place in range(length))


def pair(profile: str, **options: Any) -> tuple[Context, Context]:
    """Who sends and who receives, with the same key."""
    key = master(profile)
    return (
        srtp.context(profile, key, outbound=True),
        srtp.context(profile, key, outbound=False, **options),
    )


def rtp(sequence: int, *, ssrc: int = 0xCAFEBABE, payload: bytes = b"\xd5" * 160) -> bytes:
    return struct.pack(">BBHII", 0x80, 0, sequence % 2**16, 160 * sequence, ssrc) + payload


def report(ssrc: int = 0xCAFEBABE) -> bytes:
    return struct.pack(">BBHI", 0x80, 201, 1, ssrc)


def with_mki(profile: str, packet: bytes, mki: bytes, *, rtcp: bool = False) -> bytes:
    known = srtp.PROFILES[profile]
    at = len(packet) - (known.rtcp_tag if rtcp else known.rtp_tag)
    return packet[:at] + mki + packet[at:]


class Stepping:
    """One key of a sender that counts for all of its keys: what it skips, others have said."""

    def __init__(self, context: Context) -> None:
        self.context, self.at = context, 0

    def say(self, index: int) -> bytes:
        while self.at + 0x7000 < index:
            self.at += 0x7000
            self.context.protect(rtp(self.at))
        self.at = index
        return self.context.protect(rtp(index))


def by_turns(profile: str, mkis: Sequence[bytes], wraps: int) -> Iterator[list[tuple[int, bytes]]]:
    """What is said by the first of two keys, by the second, and by the first again.

    So many wraps of the sequence numbers each: packets with the numbers that they began with.
    """
    keys = master(profile, 1), master(profile, 2)
    senders = [Stepping(srtp.context(profile, key, outbound=True)) for key in keys]
    index = 0
    for used in (0, 1, 0):
        until, said = index + wraps * 2**16, []
        while index < until:
            index += 0x3001
            said.append((index, with_mki(profile, senders[used].say(index), mkis[used])))
        yield said


@pytest.fixture(params=list(srtp.PROFILES))
def profile(request: pytest.FixtureRequest) -> str:
    return str(request.param)


class TestVectors:
    """RFC 3711, RFC 7714 and those of libsrtp's own tests."""

    @pytest.mark.parametrize("vector", PACKETS, ids=lambda each: each["name"])
    def test_a_packet_is_opened(self, vector: dict[str, Any]) -> None:
        key = bytes.fromhex(vector["master_key_salt"])
        mki = bytes.fromhex(vector.get("mki", ""))
        context = srtp.context(vector["profile"], key, outbound=False, mki=mki)
        protected = bytes.fromhex(vector["protected"])
        plain = context.unprotect(protected, rtcp=vector["kind"] == "rtcp")
        assert plain == bytes.fromhex(vector["plain"])

    @pytest.mark.parametrize(
        "vector", [each for each in PACKETS if "mki" not in each], ids=lambda each: each["name"]
    )
    def test_a_packet_is_protected(self, vector: dict[str, Any]) -> None:
        key = bytes.fromhex(vector["master_key_salt"])
        context = srtp.context(vector["profile"], key, outbound=True)
        rtcp = vector["kind"] == "rtcp"
        first = context.protect(bytes.fromhex(vector["plain"]), rtcp=rtcp)
        assert first == bytes.fromhex(vector["protected"])

    def test_there_are_vectors_for_rtp_and_rtcp_and_mki(self) -> None:
        kinds = {(each["kind"], "mki" in each) for each in PACKETS}
        assert kinds == {("rtp", False), ("rtcp", False), ("rtp", True), ("rtcp", True)}


class TestReference:
    """What a second implementation says, which passes the vectors libsrtp can't be given."""

    def test_it_passes_the_keystream_of_rfc_3711(self) -> None:
        vector = VECTORS["rfc3711_B2_aes_cm"]
        for each in vector["keystream"]:
            counter = bytes.fromhex(each["counter"])
            stream = reference.keystream(bytes.fromhex(vector["session_key"]), counter, 16)
            assert stream.hex() == each["block"]

    def test_it_passes_the_key_derivation_of_rfc_3711(self) -> None:
        vector = VECTORS["rfc3711_B3_key_derivation"]
        master, salt = (bytes.fromhex(vector[f"master_{each}"]) for each in ("key", "salt"))
        for label, name in enumerate(("cipher_key", "auth_key", "cipher_salt")):
            wanted = bytes.fromhex(vector[name])
            assert reference.derive(master, salt, label, len(wanted)) == wanted

    @pytest.mark.parametrize("number", [0, 4])
    def test_it_passes_rfc_7714_for_rtp(self, number: int) -> None:
        vector = VECTORS["rfc7714_rtp"][number]
        packet = bytes.fromhex(vector["input_packet"])
        head, text = packet[:12], packet[12:]
        place = reference.rtp_place(packet, 0)
        key, salt = bytes.fromhex(vector["key"]), bytes.fromhex(vector["salt"])
        assert reference.xor(salt, place).hex() == vector["iv"]
        assert (head + reference.gcm(key, salt, place, head, text)).hex() == vector["output_packet"]

    def test_it_passes_rfc_7714_for_rtcp(self) -> None:
        vector = VECTORS["rfc7714_rtcp"][0]
        packet = bytes.fromhex(vector["input_packet"])
        index = int(vector["output_packet"][-8:], 16)
        place = reference.rtcp_place(packet, index & 0x7FFFFFFF)
        key, salt = bytes.fromhex(vector["key"]), bytes.fromhex(vector["salt"])
        aad = packet[:8] + index.to_bytes(4, "big")
        text = reference.gcm(key, salt, place, aad, packet[8:])
        protected = packet[:8] + text + index.to_bytes(4, "big")
        assert reference.xor(salt, place).hex() == vector["iv"]
        assert protected.hex() == vector["output_packet"]

    @pytest.mark.parametrize("name", ["AEAD_AES_128_GCM", "AEAD_AES_256_GCM"])
    def test_the_loop_makes_the_same_of_a_master_key_with_gcm(self, name: str) -> None:
        context = srtp.context(name, master(name), outbound=True)
        length = srtp.PROFILES[name].key_length
        assert context.protect(rtp(7)) == reference.protect_rtp_gcm(master(name), length, rtp(7))
        wanted = reference.protect_rtcp_gcm(master(name), length, report(), 1)
        assert context.protect(report(), rtcp=True) == wanted

    @pytest.mark.parametrize(
        ("name", "tag"), [("AES_CM_128_HMAC_SHA1_80", 10), ("AES_CM_128_HMAC_SHA1_32", 4)]
    )
    def test_the_loop_makes_the_same_of_a_master_key_with_sha1(self, name: str, tag: int) -> None:
        context = srtp.context(name, master(name), outbound=True)
        for sequence in (65534, 65535):
            wanted = reference.protect_rtp_cm(master(name), tag, rtp(sequence))
            assert context.protect(rtp(sequence)) == wanted
        wanted = reference.protect_rtp_cm(master(name), tag, rtp(0), roc=1)
        assert context.protect(rtp(0)) == wanted


class TestRefusals:
    def test_a_packet_comes_through_as_it_was(self, profile: str) -> None:
        there, here = pair(profile)
        assert here.unprotect(there.protect(rtp(1))) == rtp(1)
        assert here.unprotect(there.protect(report(), rtcp=True), rtcp=True) == report()

    def test_nothing_of_the_payload_is_on_the_wire(self, profile: str) -> None:
        there, _ = pair(profile)
        assert b"secret" not in there.protect(rtp(1, payload=b"secret" * 20))

    def test_a_wrong_key_is_refused(self, profile: str) -> None:
        there, _ = pair(profile)
        here = srtp.context(profile, master(profile, 2), outbound=False)
        with pytest.raises(ValueError, match="forged"):
            here.unprotect(there.protect(rtp(1)))
        with pytest.raises(ValueError, match="forged"):
            here.unprotect(there.protect(report(), rtcp=True), rtcp=True)

    @pytest.mark.parametrize("place", [3, 5, 9, 40, -1])
    def test_a_changed_bit_is_refused(self, profile: str, place: int) -> None:
        there, here = pair(profile)
        packet = bytearray(there.protect(rtp(1)))
        packet[place] ^= 1
        with pytest.raises(ValueError, match="forged"):
            here.unprotect(packet)

    def test_a_replay_is_refused_and_so_is_a_very_late_packet(self, profile: str) -> None:
        there, here = pair(profile)
        packets = [there.protect(rtp(number)) for number in range(300)]
        for packet in packets[1:]:
            here.unprotect(packet)
        for packet in (packets[0], packets[100], packets[299]):
            with pytest.raises(ValueError, match="replayed"):
                here.unprotect(packet)

    def test_a_replayed_report_is_refused(self, profile: str) -> None:
        there, here = pair(profile)
        packet = there.protect(report(), rtcp=True)
        here.unprotect(packet, rtcp=True)
        with pytest.raises(ValueError, match="replayed"):
            here.unprotect(packet, rtcp=True)

    @pytest.mark.parametrize("rtcp", [False, True])
    def test_every_shorter_packet_is_refused(self, profile: str, rtcp: bool) -> None:
        there, here = pair(profile)
        plain = report() if rtcp else rtp(1, payload=b"12345678")
        packet = there.protect(plain, rtcp=rtcp)
        for length in range(len(packet)):
            with pytest.raises(ValueError, match=r"malformed|forged|refused"):
                here.unprotect(packet[:length], rtcp=rtcp)
        assert here.unprotect(packet, rtcp=rtcp) == plain

    def test_a_key_of_another_length_is_refused_without_being_shown(self, profile: str) -> None:
        key = b"\xabsecret" * 3
        with pytest.raises(MediaError) as problem:
            srtp.context(profile, key, outbound=True)
        assert "secret" not in str(problem.value)
        assert repr(key) not in repr(problem.value)

    def test_an_unknown_profile_is_named_with_those_there_are(self) -> None:
        with pytest.raises(MediaError, match=r"F8_128_HMAC_SHA1_80.*there are.*AEAD_AES_128_GCM"):
            srtp.context("F8_128_HMAC_SHA1_80", bytes(30), outbound=True)


class TestRollover:
    """RFC 3711, 3.3.1: every SSRC has a counter of its own."""

    def test_the_sequence_wraps(self, profile: str) -> None:
        there, here = pair(profile)
        for number in range(65530, 65545):
            assert here.unprotect(there.protect(rtp(number))) == rtp(number)

    def test_packets_around_the_wrap_may_be_lost_and_come_in_another_order(
        self, profile: str
    ) -> None:
        there, here = pair(profile)
        packets = [(number, there.protect(rtp(number))) for number in range(65500, 65600)]
        for number, packet in [*packets[:30], *packets[45:50], packets[40], *packets[60:]]:
            assert here.unprotect(packet) == rtp(number)

    def test_another_ssrc_starts_from_zero_beside_the_first(self, profile: str) -> None:
        there, here = pair(profile)
        for number in range(65530, 65545):
            here.unprotect(there.protect(rtp(number)))
        for number in (20, 21):
            packet = there.protect(rtp(number, ssrc=2))
            assert here.unprotect(packet) == rtp(number, ssrc=2)
        assert here.unprotect(there.protect(rtp(65545))) == rtp(65545)

    def test_a_sequence_that_starts_anew_counts_as_a_wrap_at_both_ends(self, profile: str) -> None:
        there, here = pair(profile)
        here.unprotect(there.protect(rtp(60_000)))
        assert here.unprotect(there.protect(rtp(100))) == rtp(100)

    def test_a_context_has_room_for_a_bounded_number_of_sources(self, profile: str) -> None:
        there, here = pair(profile)
        for ssrc in range(64):
            here.unprotect(there.protect(rtp(1, ssrc=ssrc)))
        with pytest.raises(ValueError, match="crowded"):
            here.unprotect(there.protect(rtp(1, ssrc=64)))
        assert here.unprotect(there.protect(rtp(2, ssrc=63)))

    def test_what_does_not_authenticate_takes_none_of_that_room(self, profile: str) -> None:
        there, here = pair(profile)
        for ssrc in range(1000):
            packet = bytearray(there.protect(rtp(1, ssrc=ssrc)))
            packet[-1] ^= 1
            with pytest.raises(ValueError, match="forged"):
                here.unprotect(packet)
        assert here.unprotect(there.protect(rtp(2, ssrc=5)))


class TestMki:
    """RFC 3711, 3.1 and RFC 7714, 9.2: where it stands depends on the profile."""

    def test_it_is_cut_out(self, profile: str) -> None:
        there, here = pair(profile, mki=MKI)
        packet = with_mki(profile, there.protect(rtp(1)), MKI)
        assert here.unprotect(packet) == rtp(1)
        packet = with_mki(profile, there.protect(report(), rtcp=True), MKI, rtcp=True)
        assert here.unprotect(packet, rtcp=True) == report()

    def test_an_mki_of_another_key_is_refused(self, profile: str) -> None:
        there, here = pair(profile, mki=MKI)
        with pytest.raises(ValueError, match="forged"):
            here.unprotect(with_mki(profile, there.protect(rtp(1)), b"\1\2\3\4"))

    def test_it_says_which_of_several_keys_is_used(self, profile: str) -> None:
        """RFC 4568, 6.1: and the sender may change to another at any packet."""
        mkis = [bytes([number]) for number in range(4)]
        keys = [master(profile, 1 + number) for number in range(4)]
        senders = [srtp.context(profile, key, outbound=True) for key in keys]
        here = srtp.context(
            profile,
            keys[0],
            outbound=False,
            mki=mkis[0],
            others=list(zip(keys[1:], mkis[1:], strict=True)),
        )
        for sequence, used in enumerate([0, 0, 2, 1, 3, 0, 2]):
            packet = senders[used].protect(rtp(sequence))
            assert here.unprotect(with_mki(profile, packet, mkis[used])) == rtp(sequence)
            with pytest.raises(ValueError, match="replayed"):
                here.unprotect(with_mki(profile, packet, mkis[used]))
        packet = senders[3].protect(report(), rtcp=True)
        packet = with_mki(profile, packet, mkis[3], rtcp=True)
        assert here.unprotect(packet, rtcp=True) == report()
        with pytest.raises(ValueError, match="forged"):
            here.unprotect(with_mki(profile, senders[1].protect(rtp(8)), mkis[2]))

    @pytest.mark.parametrize("wraps", [1, 3, 20])
    def test_a_key_may_come_into_use_after_the_sequence_has_wrapped(
        self, profile: str, wraps: int
    ) -> None:
        """RFC 3711, 8.1: the rollover counter is the stream's and not the key's."""
        keys, mkis = (master(profile, 1), master(profile, 2)), (b"\1", b"\2")
        here = srtp.context(
            *(profile, keys[0]), outbound=False, mki=mkis[0], others=[(keys[1], mkis[1])]
        )
        for said in by_turns(profile, mkis, wraps):
            for index, packet in said:
                assert here.unprotect(packet) == rtp(index)
            with pytest.raises(ValueError, match="replayed"):
                here.unprotect(packet)

    def test_one_of_several_keys_is_nobody_elses(self, profile: str) -> None:
        with pytest.raises(ValueError, match="of one length"):
            pair(profile, mki=MKI, others=[(master(profile, 2), b"")])

    def test_a_sender_that_leaves_out_its_mki_is_understood(self, profile: str) -> None:
        there, here = pair(profile, mki=MKI)
        assert here.unprotect(there.protect(rtp(1))) == rtp(1)


class TestNative:
    def test_libsrtp_is_called_by_address_here(self) -> None:
        assert srtp.NATIVE is not None
        assert srtp.find_native() == srtp.NATIVE

    def test_a_context_that_a_leg_has_is_nobody_elses(self) -> None:
        assert not srtp.context(*("AEAD_AES_128_GCM", bytes(28)), outbound=True).leased
