"""How a conversation sounds, as people would score it (ITU-T G.107, the E-model).

Reckoned from what was measured of the call: the codec that is heard, the loss and its runs,
and the delay from mouth to ear. A part that was not measured makes the score None; nothing
is assumed in its place. The model itself is `_media.emodel`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from platypus._media.emodel import mos, rating


def mouth_to_ear_ms(
    rtt_ms: float | None, buffer_ms: float | None, packet_ms: float | None
) -> float | None:
    """Half the round trip, our jitter buffer, and a packet, which the far end gathers before it
    can send (RFC 3611, 4.7.6)."""
    if rtt_ms is None or buffer_ms is None or packet_ms is None:
        return None
    return rtt_ms / 2 + buffer_ms + packet_ms


def score(leg: Mapping[str, Any]) -> float | None:
    """The MOS of a conversation over a leg, from what `_media.loop.Leg.statistics` gave."""
    heard: Mapping[str, Any] = leg["receive"]
    delay_ms = mouth_to_ear_ms(leg["rtt_ms"], heard["buffer_ms"], heard["packet_ms"])
    if delay_ms is None or heard["codec"] is None or heard["loss"] is None:
        return None
    rated = rating(heard["codec"], delay_ms, heard["loss"], heard["burst_ratio"], heard["bitrate"])
    return None if rated is None else round(mos(rated), 2)
