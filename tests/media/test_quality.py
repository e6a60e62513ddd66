"""A call's score: from what was measured, and from nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from platypus.media.quality import mouth_to_ear_ms, score


def leg(**changes: Any) -> dict[str, Any]:
    heard = {"buffer_ms": 30.0, "packet_ms": 20, "codec": "pcma", "loss": 0.0}
    heard |= {"burst_ratio": 1.0, "bitrate": 0.0}
    known = {"rtt_ms": 40.0} | {k: v for k, v in changes.items() if k == "rtt_ms"}
    return {"receive": heard | {k: v for k, v in changes.items() if k != "rtt_ms"}, **known}


def test_a_clean_call_has_the_best_score_of_its_codec() -> None:
    assert score(leg()) == pytest.approx(4.4, abs=0.05)


@pytest.mark.parametrize("key", ["rtt_ms", "buffer_ms", "packet_ms", "codec", "loss"])
def test_there_is_none_while_a_part_was_not_measured(key: str) -> None:
    assert score(leg(**{key: None})) is None


def test_there_is_none_for_a_codec_without_published_figures() -> None:
    assert score(leg(codec="cn")) is None


def test_opus_is_scored_by_its_bits_and_without_them_not_at_all() -> None:
    few, many = (
        score(leg(codec="opus", bitrate=16_000.0)),
        score(leg(codec="opus", bitrate=32_000.0)),
    )
    assert few is not None
    assert many is not None
    assert 3.9 < few < many < 4.5
    assert score(leg(codec="opus")) is None


def test_loss_bursts_and_delay_each_make_it_worse() -> None:
    clean, lossy = score(leg()), score(leg(loss=0.05))
    bursty, slow = score(leg(loss=0.05, burst_ratio=3.0)), score(leg(rtt_ms=700.0))
    assert clean is not None
    assert lossy is not None
    assert bursty is not None
    assert slow is not None
    assert bursty < lossy < clean
    assert slow < clean


def test_delay_is_half_the_round_trip_the_buffer_and_a_packet() -> None:
    assert mouth_to_ear_ms(100.0, 35.0, 60) == 145.0
