"""A stream's figures in the shape the control protocol and `Call.statistics` give them.

What has not been measured is None, never a guess: there is no round-trip time
before the far end reported, no MOS without a delay, and the far end's view of what
we send (lost, jitter) is known only from its reports.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from platypus.media.quality import score

SEND = ("packets", "bytes", "lost", "late", "duplicated", "reordered", "jitter_ms")
RECEIVE = (*SEND, "buffer_ms", "concealed_ms", "stretched_ms")
EMPTY: Mapping[str, Any] = {"packets": 0, "bytes": 0}


def statistics(
    leg: Mapping[str, Any] | None,
    *,
    codec: str | None,
    duration: float | None,
    srtp: str | None = None,
) -> dict[str, Any]:
    """`leg` is what `_media.loop.Leg.statistics` gave, None when there was no stream."""
    figures: Mapping[str, Any] = leg or {}
    send: Mapping[str, Any] = figures.get("send", EMPTY)
    receive: Mapping[str, Any] = figures.get("receive", EMPTY)
    return {
        "send": {key: send.get(key) for key in SEND},
        "receive": {key: receive.get(key) for key in RECEIVE},
        "rtt_ms": figures.get("rtt_ms"),
        "mos": score(leg) if leg is not None else None,
        "codec": codec,
        "srtp": srtp,
        "duration_s": None if duration is None else round(duration, 3),
    }
