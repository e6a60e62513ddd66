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
    "codec": "pcmu",
    "loss": 0.02,
    "burst_ratio": 1.0,
    "bitrate": 0.0,
    "packet_ms": 20,
}
SEND = {"packets": 51, "bytes": 8160, "lost": None, "jitter_ms": None, "level_peak": 0.1}
LEG = {"send": SEND, "receive": RECEIVE, "rtt_ms": None}


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


def test_what_the_far_end_reported_is_passed_on() -> None:
    told = LEG | {"send": SEND | {"lost": 3, "jitter_ms": 1.5}, "rtt_ms": 24.0}
    stats = statistics(told, codec="pcmu", duration=1.0)
    assert (stats["send"]["lost"], stats["send"]["jitter_ms"], stats["rtt_ms"]) == (3, 1.5, 24.0)
    assert 4.0 < stats["mos"] < 4.5


def test_what_was_not_measured_is_none() -> None:
    stats = statistics(LEG, codec="pcmu", duration=1.0)
    assert (stats["rtt_ms"], stats["mos"], stats["send"]["lost"]) == (None, None, None)


def test_a_call_without_a_stream_has_the_same_shape() -> None:
    stats = statistics(None, codec=None, duration=None)
    assert (stats["send"]["packets"], stats["receive"]["packets"]) == (0, 0)
    assert (stats["receive"]["buffer_ms"], stats["duration_s"]) == (None, None)
