"""G.722 against the PyPI wheel's, which is the ITU's arithmetic: bit for bit, any block size."""

from __future__ import annotations

import G722
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from platypus._media import g722
from tests._media.path import speech

Pcm = NDArray[np.int16]
SECOND = 16_000
RANDOM = np.random.default_rng(722)
TIME = np.arange(2 * SECOND)
SOUNDS: dict[str, Pcm] = {
    "speech": speech(2.0, rate=SECOND),
    "noise at full scale": RANDOM.integers(-32768, 32768, 2 * SECOND).astype(np.int16),
    "noise of a quiet line": RANDOM.integers(-30, 30, 2 * SECOND).astype(np.int16),
    "a tone near the top of the band": (9000 * np.sin(TIME * 2.7)).astype(np.int16),
    "a square wave that clips": np.where(TIME // 40 % 2, 32767, -32768).astype(np.int16),
    "silence": np.zeros(SECOND, np.int16),
}


def reference() -> G722.G722:
    return G722.G722(SECOND, 64_000)


def encoded(pcm: Pcm, block: int = 320) -> bytes:
    encoder = g722.Encoder()
    blocks = [pcm[at : at + block].tobytes() for at in range(0, len(pcm), block)]
    return b"".join(map(encoder.encode, blocks))


@pytest.mark.parametrize("sound", SOUNDS)
def test_encodes_as_the_reference_does(sound: str) -> None:
    assert encoded(SOUNDS[sound]) == reference().encode(SOUNDS[sound])


@pytest.mark.parametrize("sound", SOUNDS)
def test_decodes_as_the_reference_does(sound: str) -> None:
    codes = reference().encode(SOUNDS[sound])
    assert g722.Decoder().decode(codes) == np.asarray(reference().decode(codes)).tobytes()


@given(codes=st.binary(max_size=4000))
def test_decodes_any_codes_as_the_reference_does(codes: bytes) -> None:
    ours = g722.Decoder().decode(codes)
    assert ours == (np.asarray(reference().decode(codes)).tobytes() if codes else b"")


def test_decodes_a_hundred_thousand_random_codes_as_the_reference_does() -> None:
    codes = RANDOM.bytes(100_000)
    assert g722.Decoder().decode(codes) == np.asarray(reference().decode(codes)).tobytes()


@pytest.mark.parametrize("block", [2, 160, 326, 960])
def test_the_state_goes_on_over_blocks_of_any_length(block: int) -> None:
    speech = SOUNDS["speech"]
    assert encoded(speech, block) == encoded(speech, len(speech))


def test_its_level_is_right_and_its_band_is_wide() -> None:
    """A tone of 5 kHz comes through as loud as it was: G.711 knows nothing above 4."""
    tone = (8000 * np.sin(2 * np.pi * 5000 / SECOND * TIME)).astype(np.int16)
    heard = np.frombuffer(g722.Decoder().decode(encoded(tone)), np.int16)[1000:]
    level = 20 * np.log10(np.std(heard.astype(float)) / np.std(tone.astype(float)))
    assert abs(level) < 0.5


def test_an_odd_number_of_samples_is_refused() -> None:
    with pytest.raises(ValueError, match="two samples at a time"):
        g722.Encoder().encode(bytes(6))


def distance(heard: bytes, whole: bytes) -> float:
    """Of levels, in dB."""
    both = [np.frombuffer(pcm, np.int16).astype(float) for pcm in (heard, whole)]
    powers = [float(np.mean(pcm**2)) for pcm in both]
    return abs(10 * float(np.log10(powers[0] / powers[1])))


@pytest.mark.parametrize("before, behind", [(20.0, 0.05), (0.05, 20.0)])
def test_is_as_loud_behind_a_gap_as_what_follows_tells(before: float, behind: float) -> None:
    voice = speech(2.0, rate=SECOND) / 20
    level = np.where(np.arange(len(voice)) < SECOND, before, behind)
    codes = encoded(np.asarray(voice * level, np.int16))
    gap, end = SECOND // 2 - 320, SECOND // 2 + 320  # in codes: 40 ms on either side
    whole = g722.Decoder().decode(codes)[4 * end : 4 * end + 640]
    aware, unaware = g722.Decoder(), g722.Decoder()
    for decoder in (aware, unaware):
        decoder.decode(codes[:gap])
    aware.resume(end - gap, codes[end : end + 160])
    first = [decoder.decode(codes[end : end + 160])[:640] for decoder in (aware, unaware)]
    assert distance(first[0], whole) < distance(first[1], whole) - 5


def error(heard: bytes, whole: bytes) -> float:
    """The power of what differs."""
    both = [np.frombuffer(pcm, np.int16).astype(float) for pcm in (heard, whole)]
    return float(np.mean((both[0] - both[1]) ** 2))


# Behind loud hiss and a short gap it is hardly better than nothing.
@pytest.mark.parametrize(
    ("lost", "level", "least"),
    [(2, 1.0, 0.5), (2, 0.1, 0.8), (4, 1.0, 0.8), (4, 0.1, 0.8), (6, 1.0, 0.8), (6, 0.1, 0.8)],
)
def test_is_mostly_nearer_to_a_voice_that_came_up_in_the_gap(
    lost: int, level: float, least: float
) -> None:
    hiss = np.random.default_rng(3).normal(0, 1500, SECOND)
    codes = encoded(np.asarray(np.concatenate([hiss, SOUNDS["speech"]]) * level, np.int16))
    nearer = []
    for gap in range(SECOND // 2 - 160 * lost, SECOND // 2, 37):
        end = gap + 160 * lost
        whole = g722.Decoder().decode(codes)[4 * end : 4 * end + 640]
        aware, unaware = g722.Decoder(), g722.Decoder()
        for decoder in (aware, unaware):
            decoder.decode(codes[:gap])
        aware.resume(end - gap, codes[end : end + 160])
        errors = [error(one.decode(codes[end : end + 160]), whole) for one in (aware, unaware)]
        nearer.append(errors[0] < errors[1])
    assert np.mean(nearer) > least


@pytest.mark.parametrize("missing", [-1, 0, 1, 160, 1 << 30])
@pytest.mark.parametrize("following", [b"", bytes(1), bytes(range(256)) * 4])
def test_goes_on_whatever_is_missing_and_whatever_follows(missing: int, following: bytes) -> None:
    decoder = g722.Decoder()
    decoder.decode(encoded(SOUNDS["a square wave that clips"]))
    decoder.resume(missing, following)
    assert len(decoder.decode(bytes(160))) == 640
