"""What is heard in wide band over bad paths: G.722, and Opus with its redundancy (FEC).

The rows, seeds and choices are those of `receiver`; RECEIVER_CODECS=opus runs its rows only. PESQ
is P.862.2's. Opus is sent by the phone's own sender, which hears of the losses as RTCP would tell
it. Published figures of other engines are known for Opus (`THREE`), again with other speakers and
traces. Its delay has the codec's own 6.5 ms in it.
"""

from __future__ import annotations

import os

from benchmarks._receiver.codings import G722, OPUS, there_is
from benchmarks._receiver.paths import PATHS
from benchmarks._receiver.rows import Published, chosen, half, rows, seeds, tell
from benchmarks._receiver.speech import WIDE_RATE, speech

BY_NAME_ONLY = True

# PESQ and added delay in ms of NetEQ (Chromium 156), pjsua and baresip.
THREE: Published = {
    "clean": ((3.88, 35), (3.88, 47), (3.87, 131)),
    "loss_5": ((3.53, 46), (3.57, 47), (2.55, 170)),
    "bursts_5": ((2.93, 45), (3.10, 48), (2.48, 152)),
    "queue_20": ((3.86, 154), (3.76, 160), (3.84, 255)),
    "wifi": ((3.85, 127), (3.13, 123), (3.85, 227)),
}
TARGETS = {
    "opus_clean_delay_ms": 60.0,
    "opus_loss_5_delay_ms": 60.0,
    "opus_loss_5_below_3_6": 0.0,
}


def run() -> dict[str, float]:
    seconds = len(speech(half(), WIDE_RATE)) / WIDE_RATE
    tell(f"{half()}: {seconds:.0f} s of wide-band speech, {len(seeds())} seeds")
    wanted = os.environ.get("RECEIVER_CODECS", "g722,opus").split(",")
    values = rows(chosen(PATHS), half(), seeds(), {}, G722) if "g722" in wanted else {}
    if "opus" not in wanted:
        return values
    if not there_is(OPUS):
        tell("no libopus here: no rows of it")
        return values
    values |= rows(chosen({name: PATHS[name] for name in THREE}), half(), seeds(), THREE, OPUS)
    if "opus_loss_5_pesq" in values:
        values["opus_loss_5_below_3_6"] = round(max(0.0, 3.6 - values["opus_loss_5_pesq"]), 3)
    return values
