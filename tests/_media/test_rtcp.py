"""RTCP on the wire: what is taken for a compound packet, and what it says (RFC 3550, A.2)."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from platypus._media import rtcp

OURS, THEIRS = 0x01020304, 0xA0B0C0D0
BLOCK = struct.pack("!IIIIII", OURS, 64 << 24 | 0xFFFFFD, 70_000, 80, 0x11112222, 65_536)
SENDER = struct.pack("!IIIII", 0xE0000000, 0x80000000, 160, 50, 8000)


def packet(kind: int, count: int, body: bytes, *, ssrc: int = THEIRS, padding: int = 0) -> bytes:
    size = 8 + len(body) + padding
    body += bytes(padding - 1) + bytes([padding]) if padding else b""
    first = 0x80 | count | (0x20 if padding else 0)
    return struct.pack("!BBHI", first, kind, size // 4 - 1, ssrc) + body


SR = packet(200, 1, SENDER + BLOCK)
RR = packet(201, 1, BLOCK)
SDES = packet(202, 1, b"\x01\x04name" + bytes(2))
BYE = packet(203, 1, b"")
VOIP = struct.pack(
    "!BBHIBBBBHHHHbbBBBBBBBBHHH",
    *(7, 0, 8, OURS, 1, 2, 3, 4, 500, 600, 70, 80, -20, -60, 55, 16, 93, 127, 44, 43, 0xB0, 0),
    *(40, 80, 1280),
)
XR = packet(207, 0, VOIP)


def parsed(data: bytes, ours: int = OURS) -> dict[str, object]:
    said = rtcp.parse(data, ours)
    assert said is not None
    return said


class TestReading:
    def test_a_sender_report_with_a_block_about_us(self) -> None:
        said = parsed(SR + SDES)
        assert said["ssrc"] == THEIRS
        assert said["sender"] == {
            "ntp": 0xE0000000_80000000,
            "rtp": 160,
            "packets": 50,
            "octets": 8000,
        }
        assert said["block"] == {
            "ssrc": OURS,
            "fraction_lost": 64,
            "lost": -3,
            "highest": 70_000,
            "jitter": 80,
            "lsr": 0x11112222,
            "dlsr": 65_536,
        }

    def test_a_receiver_report_has_no_sender(self) -> None:
        said = parsed(RR + SDES)
        assert said["sender"] is None
        assert said["block"] is not None

    def test_blocks_about_others_are_passed_over(self) -> None:
        other = struct.pack("!I", 5) + BLOCK[4:]
        assert parsed(packet(201, 2, other + BLOCK) + SDES)["block"] is not None
        assert parsed(packet(201, 1, other) + SDES)["block"] is None
        assert parsed(RR + XR, ours=9)["voip"] is None

    def test_voip_metrics(self) -> None:
        voip = parsed(SR + SDES + XR)["voip"]
        assert isinstance(voip, dict)
        assert (voip["loss_rate"], voip["discard_rate"], voip["burst_ms"]) == (1, 2, 500)
        assert (voip["round_trip_ms"], voip["end_system_ms"]) == (70, 80)
        assert (voip["signal_dbm0"], voip["noise_dbm0"], voip["echo_loss_db"]) == (-20, -60, 55)
        assert (voip["r_factor"], voip["mos_lq"], voip["mos_cq"]) == (93, 44, 43)
        assert voip["buffer_absolute_ms"] == 1280

    def test_other_blocks_and_packets_are_passed_over(self) -> None:
        unknown = b"\x63\x00\x00\x01" + bytes(4)
        application = packet(204, 0, b"name" + bytes(8))
        said = parsed(SR + SDES + application + packet(207, 0, unknown + VOIP))
        assert said["voip"] is not None

    def test_only_the_senders_own_bye_counts(self) -> None:
        assert parsed(RR + SDES + BYE)["bye"]
        assert not parsed(RR + SDES + packet(203, 1, b"", ssrc=5))["bye"]
        reason = packet(203, 1, b"\x07goodbye")
        assert parsed(RR + SDES + reason)["bye"]

    def test_a_mixers_further_sources_are_passed_over(self) -> None:
        said = parsed(packet(201, 0, b"") + packet(200, 1, SENDER + BLOCK, ssrc=5))
        assert (said["sender"], said["block"]) == (None, None)

    def test_padding_of_the_last_packet_is_left_out(self) -> None:
        assert parsed(SR + packet(202, 1, b"\x01\x04name" + bytes(2), padding=8))["sender"]

    def test_an_empty_report_is_one(self) -> None:
        assert parsed(packet(201, 0, b""))["block"] is None


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "nothing"),
        (SR[:7], "less than a header"),
        (SDES + SR, "no report first"),
        (BYE, "no report first"),
        (SR[:-4], "cut off"),
        (SR + b"\x80", "bytes over"),
        (SR + SDES[:-4], "cut off in a later packet"),
        (SR + b"\x40" + SDES[1:], "a later packet of version 1"),
        (b"\x00" + SR[1:], "version 0"),
        (packet(201, 1, BLOCK, padding=4) + SDES, "padding in the first"),
        (SR + packet(202, 1, b"\x01\x04name" + bytes(2), padding=8)[:-1] + b"\x21", "odd padding"),
        (SR + packet(202, 1, b"", padding=4)[:-1] + b"\xfc", "more padding than there is"),
        (packet(201, 31, BLOCK), "fewer blocks than counted"),
        (packet(200, 0, b""), "a sender report without a sender"),
    ],
)
def test_what_is_no_compound_packet_is_refused(data: bytes, why: str) -> None:
    assert rtcp.parse(data, OURS) is None, why


@settings(max_examples=300)
@given(
    st.lists(st.sampled_from([SR, RR, SDES, BYE, XR]), min_size=1, max_size=4),
    st.lists(st.tuples(st.integers(0, 200), st.integers(0, 255)), max_size=6),
)
def test_nothing_mutated_does_harm(packets: list[bytes], changes: list[tuple[int, int]]) -> None:
    data = bytearray(b"".join(packets))
    for at, value in changes:
        data[at % len(data)] = value
    said = rtcp.parse(bytes(data), OURS)
    assert said is None or set(said) == {"ssrc", "sender", "block", "voip", "bye"}
