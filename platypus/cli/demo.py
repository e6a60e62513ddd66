"""`platypus demo`: the first call of a newcomer, with no server, no sound card and no display.

    phone engine -- SIP and RTP over 127.0.0.1 --> built-in PBX, extension 600 (echo)

A made-up voice is said and what comes back is compared with it, sample by sample: the
phone's two rings tell which sample was said while which was heard, so that the delay
is exact to the sample and needs no clock. One way is half of the round trip.
"""

from __future__ import annotations

import argparse
import asyncio
import secrets
import sys
import time
from array import array
from collections import Counter
from dataclasses import dataclass

from platypus._media.endpoint import RingSink, RingSource
from platypus._media.ring import Ring
from platypus.audio.synthetic import speech
from platypus.call import Call
from platypus.cli.exit_codes import DONE, NO_MEDIA, code_for
from platypus.cli.measure import find_lag, snr_db, through_g711
from platypus.engine import Engine
from platypus.errors import PlatypusError
from platypus.pbx import Pbx

RATE = 8000
LEAD_SECONDS = 0.6  # of silence, in which jitter buffers find their depth
TAIL_SECONDS = 0.5  # for the last samples to come back
REGISTER_WITHIN = ANSWER_WITHIN = 10.0
LONGEST_ROUND_TRIP = RATE  # samples; a second would be no conversation
LOOKS = 15  # at the two rings: a look may fall between the play and the send of one frame


@dataclass(frozen=True, slots=True)
class Measured:
    """What the demo prints, in this order."""

    setup_ms: float
    snr_db: float
    snr_g711_db: float
    delay_ms: float
    lost: int
    lateness_p99_ms: float

    def lines(self) -> list[str]:
        return [
            f"setup_ms: {self.setup_ms:.1f} ms",
            f"snr_db: {self.snr_db:.2f} dB",
            f"snr_g711_db: {self.snr_g711_db:.2f} dB",
            f"delay_ms: {self.delay_ms:.1f} ms",
            f"lost: {self.lost} packets",
            f"lateness_p99_ms: {self.lateness_p99_ms:.3f} ms",
        ]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `demo`."""
    parser.add_argument("--seconds", type=float, default=6.0, help="how long to speak (default 6)")


def run(parser: argparse.ArgumentParser, options: argparse.Namespace) -> int:
    """Make the call and print what was measured."""
    if not 1 <= options.seconds <= 60:
        parser.error("--seconds: from 1 to 60")
    try:
        measured = asyncio.run(_demo(options.seconds))
    except (PlatypusError, OSError) as error:
        print(f"platypus demo: {error}", file=sys.stderr)
        return code_for(error)
    if measured is None:
        print("platypus demo: the voice did not come back", file=sys.stderr)
        return NO_MEDIA
    print("\n".join(measured.lines()))
    return DONE


async def _demo(seconds: float) -> Measured | None:
    password = secrets.token_urlsafe(12)
    print(
        "Calling the echo of the built-in PBX (for trying and testing; no product)"
        f" for {seconds:g} s ...",
        file=sys.stderr,
    )
    voice = array("h", bytes(2 * round(LEAD_SECONDS * RATE)) + speech(seconds))
    async with (
        Pbx(users={"alice": password}) as pbx,
        Engine(listen=("127.0.0.1", 0)) as phone,
        phone.account(pbx.uri("alice"), password=password) as account,
    ):
        await account.registered(REGISTER_WITHIN)
        mouth = Ring(len(voice))
        ear = Ring(len(voice) + RATE * 5)
        mouth.write(voice)
        began = time.perf_counter()
        call = account.call("600", source=RingSource(mouth, RATE), sink=RingSink(ear, RATE))
        async with call:
            await call.answered(ANSWER_WITHIN)
            setup_ms = (time.perf_counter() - began) * 1000
            await asyncio.sleep(LEAD_SECONDS / 2)
            offset = await _offset(mouth, ear, len(voice))
            await asyncio.sleep(LEAD_SECONDS / 2 + seconds + TAIL_SECONDS)
            lost = _lost(call, *pbx.engine.calls)
            heard = array("h", ear.read(ear.available))
        lateness = phone.media_lateness() or {}
    return compare(
        voice, heard, offset, setup_ms=setup_ms, lost=lost,
        lateness_p99_ms=float(lateness.get("p99_ms", 0.0)),
    )  # fmt: skip


async def _offset(mouth: Ring, ear: Ring, total: int) -> int:
    """How many samples more were heard than said, at the turn of one and the same frame."""
    seen: Counter[int] = Counter()
    for _ in range(LOOKS):
        seen[ear.available - (total - mouth.available)] += 1
        await asyncio.sleep(0.007)  # not a divisor of the frame
    return seen.most_common(1)[0][0]


def _lost(*calls: Call) -> int:
    """Packets that one of the two ends missed, or got too late to play."""
    received = [call.statistics()["receive"] for call in calls]
    return sum((one["lost"] or 0) + (one["late"] or 0) for one in received)


def compare(
    voice: array[int],
    heard: array[int],
    offset: int,
    *,
    setup_ms: float,
    lost: int,
    lateness_p99_ms: float,
) -> Measured | None:
    """The figures of a call in which `voice` was said; None where it did not come back."""
    lag = find_lag(voice, heard, range(offset, offset + LONGEST_ROUND_TRIP))
    if lag is None:
        return None
    # The beginning may be cut where the far end began to listen later; the lead is silence.
    start = max(0, -lag)
    back = heard[start + lag : lag + len(voice)]
    said = voice[start : start + len(back)]
    return Measured(
        setup_ms=setup_ms,
        snr_db=snr_db(said, back),
        snr_g711_db=snr_db(said, through_g711(said, "pcmu")),
        delay_ms=(lag - offset) / 2 / RATE * 1000,
        lost=lost,
        lateness_p99_ms=lateness_p99_ms,
    )
