"""What is heard over paths of other figures than those of `receiver`, and in calls of 15 s.

    stalls_150, _300        how long a stall is, in ms, every 5 s; _3_s, _8_s: of 200 ms, how often
    wandering, rare         stalls a second sooner or later, and at random
    spaced                  what a stall held back comes a millisecond apart
    wifi_3_s, wifi_long     gaps that are rarer, and of up to 160 ms
    queue_30, overtake_30   between sigma 20 and 40; more overtaking
    queue_stalls, _loss     a queue (sigma 10) and stalls; one (20), Wi-Fi and losses in bursts
    call_*                  rows of `receiver`, in a call for each speaker, 0.4 s of silence first

Beside a row stand the published figures of the one that it is like; the oracle's tell what the
path itself takes. The choices are those of `receiver`.
"""

from __future__ import annotations

from benchmarks._receiver.odd_paths import ODD_PATHS
from benchmarks._receiver.paths import PATHS, Path
from benchmarks._receiver.rows import Published, chosen, half, rows, seeds, tell
from benchmarks._receiver.speech import RATE, speech
from benchmarks.receiver import THREE

BY_NAME_ONLY = True

# Of a call for each speaker, and the row of `receiver` whose path it has.
CALLS = {
    "call_clean": "clean",
    "call_loss_5": "loss_5",
    "call_10": "queue_10",
    "call_20": "queue_20",
    "call_40": "queue_40",
    "call_stalls": "stalls",
    "call_wifi": "wifi",
    "call_all": "everything",
}


def run() -> dict[str, float]:
    paths: dict[str, Path] = {"clean": PATHS["clean"]}
    paths |= {name: path for name, (path, _) in ODD_PATHS.items()}
    paths |= {name: PATHS[like] for name, like in CALLS.items()}
    published: Published = (
        {"clean": THREE["clean"]}
        | {name: THREE[like] for name, (_, like) in ODD_PATHS.items() if like}
        | {name: THREE[like] for name, like in CALLS.items()}
    )
    tell(f"{half()}: {len(speech(half())) / RATE:.0f} s of speech, {len(seeds())} seeds")
    return rows(chosen(paths), half(), seeds(), published)
