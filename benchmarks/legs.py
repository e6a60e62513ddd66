"""What a leg costs: processor time for a packet received and one sent, with their media.

    python -m benchmarks legs

Calls of G.711 at 50 packets a second each way, over loopback, the other end on another
processor. This loop runs them with all that a real call has: RTCP, jitter buffer, concealment,
figures. Beside it, in turn, runs the least work there is in C (`_legs/legs.c`), with the same
libsrtp: sockets drained once a tick. A ratio is that of the medians; the spread of the runs is
printed beside them, since what else the machine does moves them by as much as half. In turn with
both runs a program that reads each socket once a tick and never looks for a second packet
(`least_one_read`): cheaper, but it stays behind for ever by what a late tick left behind. Then
what Python programs spend on it, once. LEGS_SECONDS and LEGS_ROUNDS make it shorter.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from statistics import median

from benchmarks._legs.build import build
from benchmarks._legs.ends import install_peers, measure

BY_NAME_ONLY = True
SECONDS = int(os.environ.get("LEGS_SECONDS", "3"))
ROUNDS = int(os.environ.get("LEGS_ROUNDS", "5"))
LEGS = (30, 300)
SUITES = {"plain": 1.25, "cm": 1.3, "gcm": 1.25}
TARGETS = {f"{suite}_{legs}_ratio": most for suite, most in SUITES.items() for legs in LEGS}
IN_TURN = {"least": "least", "ours": "ours", "one": "least_one_read"}  # as `ends` calls them
PEERS = {"uvloop": 30, "asyncio": 30, "pyvoip": 4, "aiortc": 4}  # as many as they can bear


def run() -> Mapping[str, float | str]:
    values: dict[str, float | str] = {}
    library = build()
    for suite in SUITES:
        for legs in LEGS:
            costs: dict[str, list[float]] = {kind: [] for kind in IN_TURN}
            for _ in range(ROUNDS):
                for kind, found in costs.items():
                    found.append(measure(kind, library, legs, suite, SECONDS).pair_us)
            name = f"{suite}_{legs}"
            for kind, label in IN_TURN.items():
                found = costs[kind]
                values[f"{name}_{label}_us"] = median(found)
                values[f"{name}_{label}_spread_us"] = f"{min(found):.2f}..{max(found):.2f}"
            values[f"{name}_ratio"] = median(costs["ours"]) / median(costs["least"])
            values[f"{name}_one_read_ratio"] = median(costs["ours"]) / median(costs["one"])
    install_peers()
    for kind, legs in PEERS.items():
        try:
            values[f"{kind}_{legs}_us"] = measure(kind, library, legs, "plain", SECONDS).pair_us
        except SystemExit as problem:
            values[f"{kind}_{legs}_us"] = str(problem).splitlines()[-1]
    return values
