"""The codecs by the names users give them, and how each is written in an offer.

What a description offers besides them follows from them: telephone-events (RFC 4733, 2.1 wants
their clock to be the codec's), and comfort noise where silence is not to be sent. Encoding and
decoding are `_media`'s.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from functools import lru_cache

from platypus.errors import ConfigError
from platypus.media import opus
from platypus.sdp.offer_answer import DTMF_EVENTS, OPUS, TELEPHONE_EVENT, Capabilities, Format

# With the payload type we offer them at.
CODECS: Mapping[str, Format] = {
    "pcmu": Format(0, "PCMU", 8000),
    "pcma": Format(8, "PCMA", 8000),
    "g722": Format(9, "G722", 8000),  # RFC 3551, 4.5.2: its clock is a slip of long ago
    # RFC 7587, 7: always two channels, whatever is sent. What comes may hold the packet before.
    "opus": Format(107, "opus", 48000, 2, "useinbandfec=1"),
}
# What every phone has comes first: who wants wideband says so, or is called by somebody who does.
DEFAULT_CODECS = ("pcmu", "pcma", "g722", "opus")
CN = Format(13, "CN", 8000)  # RFC 3389, 4: static at this clock, which is G.722's too
EVENT_PAYLOAD_TYPE = 101  # what nearly every phone uses, which helps the few that assume it
# RFC 4733, 2.1: the clock is a codec's. Some phones offer those of codecs they alone have; only
# that of our favourite is offered beside 8000.
OTHER_EVENTS = {48000: 102, 16000: 103, 32000: 104, 24000: 105}
PTIMES_MS = (10, 20, 30, 40, 50, 60)
OPUS_PTIMES_MS = (10, 20, 40, 60)  # RFC 6716, 2.1.4: what one of its frames may have


@lru_cache(maxsize=16)
def capabilities(
    codecs: Sequence[str], ptime_ms: int, *, in_order: bool = True, comfort_noise: bool = False
) -> Capabilities:
    """The same for every call of an engine. Raises ConfigError for what is no codec."""
    chosen = _chosen(codecs)
    events = [Format(EVENT_PAYLOAD_TYPE, TELEPHONE_EVENT, 8000, fmtp=DTMF_EVENTS)]
    # Without parameters, which are the same by default (RFC 4733, 2.4.1): an INVITE is full.
    events += [Format(kind, TELEPHONE_EVENT, clock) for clock, kind in OTHER_EVENTS.items()]
    noise = (CN,) if comfort_noise and any(each.clock_rate == 8000 for each in chosen) else ()
    return Capabilities((*chosen, *noise, *events), ptime_ms, in_order)


def choose(codecs: Sequence[str] | None) -> tuple[str, ...]:
    """These, or all that this machine has. Raises ConfigError for what it has not."""
    if codecs is None:
        return DEFAULT_CODECS if opus.available() else DEFAULT_CODECS[:-1]
    capabilities(tuple(codecs), 20)
    if OPUS in codecs and not opus.available():
        raise ConfigError("there is no libopus, which Opus needs", hint=opus.how_to_get_it())
    return tuple(codecs)


@lru_cache(maxsize=64)
def ptime(codec: str, wish: int, most: int | None) -> int:
    """The packet time to send with: what was asked for (RFC 8866, 6.4), or the next below."""
    possible = OPUS_PTIMES_MS if codec == OPUS else PTIMES_MS
    wanted = min(wish, most or wish)
    return max((each for each in possible if each <= wanted), default=possible[0])


def names(listed: Iterable[Format]) -> Mapping[int, str]:
    """What each payload type is, for the media loop."""
    return {each.payload_type: each.name for each in listed}


def _chosen(codecs: Sequence[str]) -> list[Format]:
    if not codecs:
        raise ConfigError("no codec is chosen", hint=f"there are {', '.join(CODECS)}")
    for name in codecs:
        if name not in CODECS:
            close = get_close_matches(name, CODECS, 1)
            hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(CODECS)}"
            raise ConfigError(f"unknown codec {name!r}", hint=hint)
    return [CODECS[name] for name in dict.fromkeys(codecs)]
