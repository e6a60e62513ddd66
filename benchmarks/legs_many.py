"""Thousands of legs on one processor, the other end of all of them on another.

    python -m benchmarks legs_many

Each leg as in `legs`: RTCP, jitter buffer, concealment, figures. A slot's turn has failed if it
ends only after the slot's next deadline, 20 ms on. What was sent and not heard is counted too: a
processor that does not get its packets has an easy life. LEGS_SECONDS=60 is the promised time;
15 the short form. Each leg has two sockets, so the soft limit of descriptors is raised to the
hard one.
"""

from __future__ import annotations

import json
import os
import resource
from collections.abc import Mapping

from benchmarks._legs.build import build
from benchmarks._legs.ends import measure

BY_NAME_ONLY = True
SECONDS = int(os.environ.get("LEGS_SECONDS", "15"))
MANY = {"plain": 3000, "gcm": 2000}
DESCRIPTORS = 100  # beside the sockets
UNHEARD_MOST = 1.0  # both ends begin and end their seconds by themselves
TARGETS = {f"{suite}_{legs}_overrun_percent": 0.1 for suite, legs in MANY.items()}
TARGETS |= {f"{suite}_{legs}_unheard_percent": UNHEARD_MOST for suite, legs in MANY.items()}


def run() -> Mapping[str, float | str]:
    values: dict[str, float | str] = {}
    library = build()
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    for suite, legs in MANY.items():
        name = f"{suite}_{legs}"
        if most != resource.RLIM_INFINITY and most < 2 * legs + DESCRIPTORS:
            raise SystemExit(
                f"benchmarks: {legs} legs need {2 * legs + DESCRIPTORS} descriptors, and the hard"
                f" limit is {most} (ulimit -Hn)"
            )
        cost = measure("ours", library, legs, suite, SECONDS)
        said = json.loads(cost.said)
        values |= {
            f"{name}_overrun_percent": 100 * said["overrun"] / max(1, said["turns"]),
            f"{name}_turns": said["turns"],
            f"{name}_unheard_percent": 100 - 100 * cost.packets / (legs * SECONDS * 50),
            f"{name}_pair_us": cost.pair_us,
            f"{name}_late_p99_ms": said["lateness"]["p99_ms"],
            f"{name}_skipped": said["lateness"]["skipped"],
        }
    return values
