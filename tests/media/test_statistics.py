"""The shape of a call's figures is public interface."""

from platypus.media.statistics import statistics

RECEIVE = {
    "packets": 50,
    "bytes": 8000,
    "lost": 1,
    "late": 0,
    "duplicated": 0,
    "reordered": 2,
    "jitter_ms": 0.4,
    "buffer_ms": 20.0,
    "concealed_ms": 20,
    "stretched_ms": 0,
    "silent_ms": 12,
}
LEG = {"send": {"packets": 51, "bytes": 8160, "level_peak": 0.1}, "receive": RECEIVE}


def test_has_the_keys_of_the_control_protocol_and_no_others() -> None:
    stats = statistics(LEG, codec="pcmu", duration=1.0)
    assert set(stats) == {"send", "receive", "rtt_ms", "mos", "codec", "srtp", "duration_s"}
    common = {"packets", "bytes", "lost", "late", "duplicated", "reordered", "jitter_ms"}
    assert set(stats["send"]) == common
    assert set(stats["receive"]) == common | {"buffer_ms", "concealed_ms", "stretched_ms"}


def test_what_was_measured_is_passed_on() -> None:
    stats = statistics(LEG, codec="pcmu", duration=1.0)
    assert (stats["receive"]["lost"], stats["receive"]["jitter_ms"]) == (1, 0.4)
    assert (stats["send"]["packets"], stats["codec"]) == (51, "pcmu")


def test_what_was_not_measured_is_none() -> None:
    stats = statistics(LEG, codec="pcmu", duration=1.0)
    assert (stats["rtt_ms"], stats["mos"], stats["send"]["lost"]) == (None, None, None)


def test_a_call_without_a_stream_has_the_same_shape() -> None:
    stats = statistics(None, codec=None, duration=None)
    assert (stats["send"]["packets"], stats["receive"]["packets"]) == (0, 0)
    assert (stats["receive"]["buffer_ms"], stats["duration_s"]) == (None, None)
