"""G.711 in the form that the processor gets and in the one for all others: the same codes.

Those of the extension, whichever it chose, are what `test_g711` compares with the tables.
"""

from __future__ import annotations

import ctypes

import numpy as np
import pytest

from platypus._media import g711
from tests._media.forms import FORMS, built, needs_compiler

FUNCTIONS = ["ulaw_encode", "alaw_encode", "ulaw_decode", "alaw_decode"]
SOURCE = '#include "g711.h"\n' + "\n".join(
    f"void {name}(const {taken} *from, int count, {made} *to) {{ {name}_all(from, count, to); }}"
    for name, taken, made in zip(
        FUNCTIONS,
        ["int16_t", "int16_t", "uint8_t", "uint8_t"],
        ["uint8_t", "uint8_t", "int16_t", "int16_t"],
        strict=True,
    )
)

pytestmark = needs_compiler


@pytest.fixture(scope="module", params=FORMS)
def library(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory):
    return built(request.param, SOURCE, tmp_path_factory.mktemp("g711"))


def blocks(decoding: bool) -> list[np.ndarray]:
    """All there is to code, and lengths that fill no vector of eight or sixteen."""
    everything = (
        np.arange(256, dtype=np.uint8) if decoding else np.arange(-32768, 32768).astype(np.int16)
    )
    return [everything, *(everything[-count:] for count in (1, 7, 8, 15, 17, 160, 161))]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_both_forms_are_the_extension_s(library: ctypes.CDLL, name: str) -> None:
    law, verb = name.split("_")
    for block in blocks(verb == "decode"):
        made = np.zeros(len(block) + 1, np.int16 if verb == "decode" else np.uint8)
        made[-1] = 99
        getattr(library, name)(block.ctypes, len(block), made.ctypes)
        expected = getattr(g711, f"{verb}_{law}")(block.tobytes())
        assert made[:-1].tobytes() == expected
        assert made[-1] == 99


@pytest.mark.parametrize("name", FUNCTIONS)
def test_nothing_is_made_of_nothing(library: ctypes.CDLL, name: str) -> None:
    made = np.full(4, 7, np.int16)
    getattr(library, name)(made.ctypes, 0, made.ctypes)
    assert made.tolist() == [7] * 4
