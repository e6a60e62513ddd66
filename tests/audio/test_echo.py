"""Where echo is cancelled, and how much of it in a simulated room."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks import echo as bench
from platypus.audio import echo
from platypus.audio.device import SoundDevice
from platypus.errors import DeviceError

CARD = SoundDevice("card", "Built-in Audio")
HEADSET = replace(CARD, headset=True)
VIRTUAL = replace(CARD, virtual=True)


@pytest.mark.parametrize(
    ("microphone", "speaker", "is_needed"),
    [
        (CARD, CARD, True),
        (CARD, HEADSET, False),
        (HEADSET, CARD, False),
        (VIRTUAL, CARD, False),
        (CARD, VIRTUAL, False),
        (CARD, None, False),
        (None, CARD, False),
    ],
)
def test_only_a_loudspeaker_and_a_microphone_in_the_air_have_an_echo(
    microphone: SoundDevice | None, speaker: SoundDevice | None, is_needed: bool
) -> None:
    assert echo.needed(microphone, speaker) is is_needed


def test_without_the_extra_it_says_what_to_do(monkeypatch) -> None:
    monkeypatch.setattr(echo, "functions", lambda: None)
    with pytest.raises(DeviceError, match=r"use a headset, or pip install .*aec"):
        echo.make_canceller()


def test_what_a_library_of_another_kind_answers_is_told(monkeypatch) -> None:
    from tests._media.test_canceller import FakeLibrary

    library = FakeLibrary(module=b"")
    monkeypatch.setattr(echo, "functions", lambda: library.functions)
    with pytest.raises(DeviceError, match="can't be used"):
        echo.make_canceller()


def test_in_a_simulated_room_more_than_30_db_are_removed() -> None:
    """Converged, after the echo path changed, with drift and after double talk."""
    if not echo.available():
        pytest.skip("the extra aec is not installed")
    found = bench.run()
    assert found["converged_erle_db"] > 30
    assert found["drift_erle_db"] > 30
    assert found["changed_erle_db"] > 25
    assert found["after_double_talk_erle_db"] > 25
