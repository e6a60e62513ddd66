"""The energy of samples, in the form that the processor gets and in the one for all others."""

from __future__ import annotations

import ctypes

import numpy as np
import pytest

from tests._media.forms import FORMS, built, needs_compiler

SOURCE = """
#include "platform.h"
int64_t energy(const int16_t *samples, int count, int *peak)
{
    return platform_energy(samples, count, peak);
}
"""

pytestmark = needs_compiler


@pytest.fixture(scope="module", params=FORMS)
def energy(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory):
    function = built(request.param, SOURCE, tmp_path_factory.mktemp("energy")).energy
    function.restype = ctypes.c_int64
    return function


@pytest.mark.parametrize("count", [0, 1, 7, 16, 23, 160, 161, 960])
def test_squares_are_summed_exactly_and_the_loudest_sample_is_found(energy, count: int) -> None:
    chosen = np.random.default_rng(count)
    extremes = np.full(count, -32768, np.int16)
    for samples in (extremes, *chosen.integers(-32768, 32768, (50, count)).astype(np.int16)):
        wide = samples.astype(np.int64)
        peak = ctypes.c_int(5)
        assert energy(samples.ctypes, count, ctypes.byref(peak)) == int(np.sum(wide * wide))
        assert peak.value == max(5, int(np.max(np.abs(wide), initial=0)))


def test_a_louder_sample_of_before_is_kept(energy) -> None:
    peak = ctypes.c_int(900)
    samples = np.full(160, 800, np.int16)
    assert energy(samples.ctypes, 160, ctypes.byref(peak)) == 160 * 800 * 800
    assert peak.value == 900
