"""Figures of a call from two pictures of its statistics."""

from __future__ import annotations

from ui_tk.measuring import quality_between
from ui_tk.quality import POINTS, Quality, figure, mos_tone


def picture(heard: int, lost: int, sent: int = 100, sent_lost: int | None = None, **more) -> dict:
    return {
        "send": {"packets": sent, "lost": sent_lost, "jitter_ms": None},
        "receive": {"packets": heard, "lost": lost, "jitter_ms": 3.5, "buffer_ms": 40.0},
        "rtt_ms": more.get("rtt"),
        "mos": more.get("mos"),
    }


def test_loss_is_of_the_time_between():
    quality = quality_between("1", picture(100, 50), picture(115, 60))
    assert quality.loss_heard == 40.0
    assert quality.loss_sent is None


def test_the_far_ends_loss_is_of_what_we_sent():
    quality = quality_between("1", picture(0, 0, 100, 0), picture(0, 0, 200, 5))
    assert quality.loss_sent == 5.0
    assert quality.loss_heard is None


def test_delay_is_half_the_way_and_the_buffer():
    assert quality_between("1", picture(1, 0), picture(2, 0, rtt=60.0)).delay_ms == 70.0
    assert quality_between("1", picture(1, 0), picture(2, 0)).delay_ms == 40.0


def test_the_graph_has_an_end_and_the_newest_last():
    quality = Quality()
    for number in range(POINTS + 5):
        quality.add(quality_between("1", picture(1, 0), picture(2, 0, mos=float(number))))
    assert len(quality.mos) == POINTS and quality.mos[-1] == POINTS + 4
    assert quality.version == POINTS + 5


def test_what_was_not_measured_is_a_dash():
    assert figure(None, "ms") == "\N{EN DASH}"
    assert figure(12.4, "ms") == "12\N{NO-BREAK SPACE}ms"


def test_mos_has_a_colour():
    assert [mos_tone(each) for each in (None, 4.3, 3.5, 2.0)] == ["plain", "good", "busy", "bad"]
