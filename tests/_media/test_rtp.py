"""RTP headers: golden packets, lengths that lie, and arbitrary bytes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platypus._media import rtp
from platypus._media.rtp import Packet

PLAIN = bytes.fromhex("80 80 0001 000000a0 11223344 ff7f")
CSRCS = bytes.fromhex("82 08 ffff ffffffff 11223344 00000001 00000002 d5")
EXTENDED = bytes.fromhex("90 00 0001 000000a0 11223344 bede 0001 10aa0000 ff")
PADDED = bytes.fromhex("a0 00 0001 000000a0 11223344 ffff 000003")
PADDED_AND_EXTENDED = bytes.fromhex("b0 65 0001 000000a0 11223344 1000 0000 05 0a 00a0 00000004")


class TestGoldenPackets:
    def test_plain_with_marker(self) -> None:
        assert rtp.parse(PLAIN) == Packet(0, True, 1, 160, 0x11223344, b"\xff\x7f")

    def test_contributing_sources_are_no_audio(self) -> None:
        expected = Packet(8, False, 0xFFFF, 0xFFFFFFFF, 0x11223344, b"\xd5", csrcs=(1, 2))
        assert rtp.parse(CSRCS) == expected

    def test_header_extension_is_no_audio(self) -> None:
        parsed = rtp.parse(EXTENDED)
        assert parsed is not None
        assert parsed.payload == b"\xff"
        assert parsed.extension == (0xBEDE, b"\x10\xaa\0\0")

    def test_padding_is_no_audio(self) -> None:
        parsed = rtp.parse(PADDED)
        assert parsed is not None
        assert parsed.payload == b"\xff\xff"

    def test_padding_behind_an_empty_extension(self) -> None:
        parsed = rtp.parse(PADDED_AND_EXTENDED)
        assert parsed is not None
        assert (parsed.payload_type, parsed.payload) == (101, b"\x05\x0a\x00\xa0")
        assert parsed.extension == (0x1000, b"")

    def test_nothing_but_padding_is_an_empty_payload(self) -> None:
        parsed = rtp.parse(PADDED[:12] + b"\x00\x00\x03")
        assert parsed is not None
        assert parsed.payload == b""


class TestLengthsThatLie:
    @pytest.mark.parametrize("packet", [PLAIN, CSRCS[:-1], EXTENDED[:-1]])
    def test_every_header_cut_short_is_refused(self, packet: bytes) -> None:
        header = len(packet) - 2 if packet is PLAIN else len(packet)
        assert rtp.parse(packet[:header]) is not None
        assert all(rtp.parse(packet[:length]) is None for length in range(header))

    def test_extension_longer_than_the_packet(self) -> None:
        assert rtp.parse(EXTENDED[:14] + b"\xff\xff" + EXTENDED[16:]) is None

    @pytest.mark.parametrize("padding", [0, 6, 255])
    def test_padding_of_no_length_or_beyond_the_payload(self, padding: int) -> None:
        assert rtp.parse(PADDED[:-1] + bytes([padding])) is None

    def test_fifteen_sources_that_are_not_there(self) -> None:
        assert rtp.parse(b"\x8f" + PLAIN[1:]) is None


class TestWhatIsNotRtp:
    @pytest.mark.parametrize("first", [0x00, 0x01, 0x14, 0x16, 0x40, 0xC0])
    def test_other_versions_stun_and_dtls(self, first: int) -> None:
        assert rtp.parse(bytes([first]) + PLAIN[1:]) is None

    @pytest.mark.parametrize("packet_type", [192, 200, 201, 207, 223])
    def test_rtcp_is_told_apart(self, packet_type: int) -> None:
        assert rtp.parse(bytes([0x80, packet_type]) + PLAIN[2:] + bytes(20)) is None

    @pytest.mark.parametrize("second", [0x80 | 63, 0x80 | 96, 127])
    def test_payload_types_next_to_rtcp_are_not(self, second: int) -> None:
        assert rtp.parse(bytes([0x80, second]) + PLAIN[2:]) is not None

    def test_empty_datagram(self) -> None:
        assert rtp.parse(b"") is None


WORDS = st.binary(max_size=40).map(lambda data: data + bytes(-len(data) % 4))

packets = st.builds(
    Packet,
    payload_type=st.integers(0, 63) | st.integers(96, 127),
    marker=st.booleans(),
    sequence=st.integers(0, 2**16 - 1),
    timestamp=st.integers(0, 2**32 - 1),
    ssrc=st.integers(0, 2**32 - 1),
    payload=st.binary(max_size=300),
    csrcs=st.lists(st.integers(0, 2**32 - 1), max_size=15).map(tuple),
    extension=st.none() | st.tuples(st.integers(0, 2**16 - 1), WORDS),
)


class TestProperties:
    @given(packets)
    def test_what_is_serialized_is_parsed(self, packet: Packet) -> None:
        assert rtp.parse(rtp.serialize(packet)) == packet

    @given(packets, st.integers(1, 255))
    def test_padding_changes_nothing(self, packet: Packet, padding: int) -> None:
        data = bytearray(rtp.serialize(packet) + bytes(padding - 1) + bytes([padding]))
        data[0] |= 0x20
        assert rtp.parse(data) == packet

    @given(st.binary(max_size=80))
    def test_arbitrary_bytes_parse_or_do_not(self, data: bytes) -> None:
        parsed = rtp.parse(data)
        assert parsed is None or len(parsed.payload) <= len(data) - 12

    @given(st.binary(min_size=12, max_size=80), st.sampled_from([0x80, 0x90, 0xA0, 0xBF]))
    def test_arbitrary_bytes_behind_an_rtp_header(self, data: bytes, first: int) -> None:
        parsed = rtp.parse(bytes([first, 0]) + data[2:])
        assert parsed is None or parsed.payload in data


class TestSerializing:
    def test_payload_type_of_eight_bits_is_refused(self) -> None:
        with pytest.raises(ValueError, match="seven bits"):
            rtp.serialize(Packet(128, False, 0, 0, 0, b""))

    def test_extension_of_odd_length_is_refused(self) -> None:
        with pytest.raises(ValueError, match="32-bit"):
            rtp.serialize(Packet(0, False, 0, 0, 0, b"", extension=(0, b"abc")))
