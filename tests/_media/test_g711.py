"""G.711 against its own tables: decision values and levels as tables 1 and 2 print them."""

from __future__ import annotations

import hashlib
import itertools
import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from platypus._media import g711

VECTORS = json.loads((Path(__file__).parents[1] / "data" / "g711_vectors.json").read_text())
ALL = np.arange(-32768, 32768).astype(np.int16)

# G.711, table 2a: ends of the segments, 16 steps between two of them (15 in the first,
# whose first step is one wide). Values of 14 bits.
ULAW_ENDS = [31, 95, 223, 479, 991, 2015, 4063, 8159]
# G.711, table 1a: values of 13 bits; the first two segments have equal steps.
ALAW_ENDS = [32, 64, 128, 256, 512, 1024, 2048, 4096]


def ulaw_edges() -> list[int]:
    edges = [0, *range(1, 32, 2)]
    for low, high in itertools.pairwise(ULAW_ENDS):
        step = (high - low) // 16
        edges += range(low + step, high + 1, step)
    return edges


def alaw_edges() -> list[int]:
    edges = [0]
    for low, high in zip([0, *ALAW_ENDS], ALAW_ENDS, strict=False):
        step = (high - low) // 16
        edges += range(low + step, high + 1, step)
    return edges


def reference_codes(
    edges: list[int], scale: int, positive_flip: int, negative_flip: int
) -> NDArray[np.uint8]:
    """The number of the interval, by its edges alone; edges belong to the outer interval
    of positive and to the inner one of negative values."""
    inner = np.array(edges[1:-1]) * scale
    magnitude = np.abs(ALL.astype(int))
    outer = np.searchsorted(inner, magnitude, side="right") ^ positive_flip
    below = np.searchsorted(inner, magnitude, side="left") ^ negative_flip
    return np.asarray(np.where(ALL >= 0, outer, below), dtype=np.uint8)


def reference_levels(edges: list[int], scale: int) -> list[int]:
    """The middle of each interval; the first of mu-law is zero."""
    middles = [(low + high) * scale // 2 for low, high in itertools.pairwise(edges)]
    return [0, *middles[1:]] if edges[1] == 1 else middles


def codes(encode: str) -> NDArray[np.uint8]:
    return np.frombuffer(getattr(g711, encode)(ALL.tobytes()), dtype=np.uint8)


def levels(decode: str) -> NDArray[np.int16]:
    return np.frombuffer(getattr(g711, decode)(bytes(range(256))), dtype=np.int16)


class TestDecoding:
    def test_ulaw_is_the_table(self) -> None:
        assert levels("decode_ulaw").tolist() == VECTORS["ulaw_decode"]

    def test_alaw_is_the_table(self) -> None:
        assert levels("decode_alaw").tolist() == VECTORS["alaw_decode"]

    def test_ulaw_levels_are_the_middles_of_the_intervals(self) -> None:
        expected = reference_levels(ulaw_edges(), 4)
        assert [levels("decode_ulaw")[number ^ 0xFF] for number in range(128)] == expected

    def test_alaw_levels_are_the_middles_of_the_intervals(self) -> None:
        expected = reference_levels(alaw_edges(), 8)
        assert [levels("decode_alaw")[number ^ 0xD5] for number in range(128)] == expected


class TestEncoding:
    def test_ulaw_takes_the_interval_of_the_table_for_every_sample(self) -> None:
        expected = reference_codes(ulaw_edges(), 4, 0xFF, 0x7F)
        assert np.array_equal(codes("encode_ulaw"), expected)

    def test_alaw_takes_the_interval_of_the_table_for_every_sample(self) -> None:
        expected = reference_codes(alaw_edges(), 8, 0xD5, 0x55)
        assert np.array_equal(codes("encode_alaw"), expected)

    def test_alaw_is_audioops_bit_for_bit(self) -> None:
        digest = hashlib.sha256(codes("encode_alaw").tobytes()).hexdigest()
        assert digest == VECTORS["audioop_lin2alaw_sha256"]

    def test_ulaw_is_audioops_but_for_its_rounding_of_negative_samples(self) -> None:
        # audioop takes the ceiling of |x| / 4 where G.191 takes the floor of (|x| - 1) / 4:
        # moving negative samples to where both agree gives audioop's own output.
        moved = np.where(ALL < 0, -(4 * -(ALL.astype(int) // 4) + 1), ALL)
        samples = np.clip(moved, -32768, 32767).astype(np.int16)
        digest = hashlib.sha256(g711.encode_ulaw(samples.tobytes())).hexdigest()
        assert digest == VECTORS["audioop_lin2ulaw_sha256"]

    @pytest.mark.parametrize("law", ["ulaw", "alaw"])
    def test_agrees_with_the_samples_of_the_vectors(self, law: str) -> None:
        table = codes(f"encode_{law}")
        off = [
            vector["x"]
            for vector in VECTORS["encode_samples"]
            if table[vector["x"] + 32768] != vector[law]
        ]
        # The vectors are audioop's: -100 lies on an edge, and its -1 comes back as -8.
        assert off == ([-100, -1] if law == "ulaw" else [])

    @pytest.mark.parametrize("law", ["ulaw", "alaw"])
    def test_every_code_survives_decoding(self, law: str) -> None:
        decoded = getattr(g711, f"decode_{law}")(bytes(range(256)))
        again = list(getattr(g711, f"encode_{law}")(decoded))
        expected = list(range(256))
        if law == "ulaw":
            expected[0x7F] = 0xFF  # minus zero
        assert again == expected

    @pytest.mark.parametrize(
        ("law", "edges", "scale"), [("ulaw", ulaw_edges(), 4), ("alaw", alaw_edges(), 8)]
    )
    def test_error_is_at_most_half_a_step(self, law: str, edges: list[int], scale: int) -> None:
        clipping = edges[-1] * scale
        inside = np.abs(ALL.astype(int)) < clipping
        decoded = levels(f"decode_{law}")[codes(f"encode_{law}")].astype(int)
        number = np.searchsorted(np.array(edges[1:-1]) * scale, np.abs(decoded), side="right")
        widths = np.diff(edges) * scale
        if law == "ulaw":
            widths[0] = 8  # table 2: the interval round zero reaches to both sides
        assert np.all(np.abs(decoded - ALL)[inside] <= widths[number][inside] / 2)


class TestSound:
    @pytest.mark.parametrize(("law", "most"), [("ulaw", 0), ("alaw", 8)])
    def test_silence_stays_silence(self, law: str, most: int) -> None:
        encoded = getattr(g711, f"encode_{law}")(bytes(320))
        decoded = np.frombuffer(getattr(g711, f"decode_{law}")(encoded), dtype=np.int16)
        assert np.abs(decoded).max() <= most

    @pytest.mark.parametrize("law", ["ulaw", "alaw"])
    def test_a_sine_of_3000_keeps_37_db(self, law: str) -> None:
        sine = np.rint(3000 * np.sin(2 * np.pi * 440 * np.arange(8000) / 8000)).astype(np.int16)
        encoded = getattr(g711, f"encode_{law}")(sine.tobytes())
        decoded = np.frombuffer(getattr(g711, f"decode_{law}")(encoded), dtype=np.int16)
        noise = decoded.astype(float) - sine
        snr = 10 * np.log10(np.sum(sine.astype(float) ** 2) / np.sum(noise**2))
        assert 37.0 < snr < 38.5


class TestArguments:
    def test_half_a_sample_is_refused(self) -> None:
        with pytest.raises(ValueError, match="odd"):
            g711.encode_ulaw(b"\0\0\0")

    def test_takes_any_buffer_and_nothing(self) -> None:
        assert g711.encode_alaw(memoryview(bytearray(4))) == b"\xd5\xd5"
        assert g711.decode_ulaw(b"") == b""
