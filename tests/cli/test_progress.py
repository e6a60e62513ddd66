"""What a person sees of a call."""

from __future__ import annotations

import io
from typing import Any

import pytest

from platypus import events
from platypus.cli import progress
from platypus.cli.progress import Progress, clock, live_line, meter, share, summary, told

RECEIVE = {"packets": 99, "lost": 1, "late": 0, "jitter_ms": 1.25, "concealed_ms": 20.0}


class FakeCall:
    """A call in the middle."""

    def __init__(self, receive: dict[str, Any] = RECEIVE, duration: float | None = 61.5) -> None:
        self.state = events.CallState.CONFIRMED
        self.ended_event: Any = None
        self._statistics = {
            "send": {"packets": 100},
            "receive": receive,
            "codec": "pcmu",
            "duration_s": duration,
        }

    def statistics(self) -> dict[str, Any]:
        return self._statistics

    def levels(self) -> tuple[float | None, float | None]:
        return 0.1, None


class Terminal(io.StringIO):
    """Somebody looks at it."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def plain_meter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_speaks_unicode", lambda: False)


def call(**options: Any) -> Any:
    return FakeCall(**options)


def test_the_live_line_has_state_time_levels_loss_and_jitter() -> None:
    assert live_line(call()) == (
        "confirmed  01:01  out #######...  in ..........  lost 1 (1.0 %)  jitter 1.2 ms"
    )


def test_what_is_not_measured_is_a_dash() -> None:
    receive = dict.fromkeys(RECEIVE, None) | {"packets": 0}
    line = live_line(call(receive=receive, duration=None))
    assert "lost -" in line and "jitter - ms" in line and "00:00" in line


def test_the_live_line_fits_a_terminal() -> None:
    assert len(live_line(call())) < 80


@pytest.mark.parametrize(
    ("peak", "cells"), [(None, 0), (0.0, 0), (0.0001, 0), (0.0316, 5), (1.0, 10), (2.0, 10)]
)
def test_the_meter_goes_from_60_db_below_full_scale_to_full_scale(
    peak: float | None, cells: int
) -> None:
    assert meter(peak).count("#") == cells
    assert len(meter(peak)) == 10 or peak == 2.0


@pytest.mark.parametrize(("seconds", "text"), [(None, "00:00"), (59.9, "00:59"), (6000, "100:00")])
def test_the_clock_counts_minutes(seconds: float | None, text: str) -> None:
    assert clock(seconds) == text


def test_loss_is_a_share_of_what_there_should_be() -> None:
    assert share({"lost": 1, "packets": 3}) == "1 (25.0 %)"
    assert share({"lost": 0, "packets": 0}) == "0 (0.0 %)"


def test_the_summary_has_a_figure_a_line() -> None:
    one = call()
    one.ended_event = events.CallEnded(one, 200, "hung up", "local", False, {})
    assert summary(one, one.statistics()) == [
        "duration: 61.5 s",
        "codec: pcmu",
        "sent: 100 packets",
        "received: 99 packets",
        "lost: 1 packets",
        "late: 0 packets",
        "jitter: 1.25 ms",
        "concealed: 20 ms",
        "ended: by local, hung up",
    ]


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (events.CallStateChanged(None, events.CallState.RINGING, "none"), "ringing"),
        (
            events.CallStateChanged(None, events.CallState.CONFIRMED, "remote"),
            "confirmed (hold: remote)",
        ),
        (
            events.CallEnded(None, 486, "Busy Here", "remote", False, {}),
            "ended by remote: Busy Here (486)",
        ),
        (
            events.CallEnded(None, None, "no answer", "local", False, {}),
            "ended by local: no answer",
        ),
        (events.DtmfReceived(None, "5", "rtp", 100), "digit 5"),
        (events.DeviceChanged(None, None, "no card"), "sound: none / none: no card"),
        (events.ErrorOccurred("oh"), "error: oh"),
        (events.EventsDropped(1), None),
    ],
)
def test_events_are_told_in_a_line(event: Any, line: str | None) -> None:
    assert told(event) == line


def test_elsewhere_than_on_a_terminal_there_are_plain_lines() -> None:
    out = io.StringIO()
    shown = Progress(out)
    shown.receive(events.ErrorOccurred("one"))
    shown.receive(events.ErrorOccurred("two"))
    shown.close()
    assert out.getvalue() == "error: one\nerror: two\n"


def test_on_a_terminal_the_live_line_is_written_over_and_then_left() -> None:
    out = Terminal()
    shown = Progress(out)
    shown.rewrite("first")
    shown.rewrite("second")
    shown.receive(events.ErrorOccurred("oh"))
    text = out.getvalue()
    assert text.count("\r") == 2
    assert text.index("second") < text.index("\nerror: oh\n")


def test_a_line_longer_than_the_terminal_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    out = Terminal()
    Progress(out).rewrite("x" * 100)
    assert out.getvalue() == "\r" + "x" * 19


def test_a_strangers_words_do_not_steer_the_terminal() -> None:
    out = Terminal()
    shows = Progress(out)
    ended = events.CallEnded(call(), 486, "Busy\x1b]0;owned\x07\r\x1b[2K", "remote", False, {})
    shows.receive(ended)
    assert out.getvalue() == "ended by remote: Busy]0;owned [2K (486)\n"
    caller = call()
    caller.ended_event = ended
    assert "\x1b" not in "".join(summary(caller, caller.statistics()))
