"""How late RTP packets leave, with and without Python busy beside them.

One media loop with 1, 30 and 1,000 legs on loopback, each sending and receiving. First idle, then
with two threads of pure Python spinning and a garbage collection over a million objects every
second. Beside each a native thread of the same scheduling that does nothing but sleep until the
same deadlines: that is the machine's own lateness. A packet's lateness is the time at which its
sending, and that of up to seven behind it, was done less the deadline of its frame.

What must hold: no packet skipped, and a p99 of at most twice the do-nothing thread's in the same
run, or 1 ms, whichever is larger.

    python -m benchmarks.lateness [--seconds N] [--json FILE]
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import json
import socket
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from platypus._media.endpoint import ToneSource
from platypus._media.lateness import DoNothingThread
from platypus._media.loop import Loop

SECONDS = 10.0
LEGS = (1, 30, 1000)
OBJECTS = 1_000_000
SPINNERS = 2
SETTLE = 0.3
LIMIT_MS = 1.0
TARGETS = {
    f"{load}_{legs}_{name}": limit
    for load in ("idle", "busy")
    for legs in LEGS
    for name, limit in (("of_limit_percent", 100.0), ("skipped", 0.0))
}


@dataclass(frozen=True, slots=True)
class Result:
    """Times in ms; `reference` is the do-nothing thread's."""

    load: str
    legs: int
    packets: int
    skipped: int
    p50: float
    p99: float
    worst: float
    reference_p50: float
    reference_p99: float
    reference_worst: float
    scheduling: str

    @property
    def limit(self) -> float:
        return max(LIMIT_MS, 2 * self.reference_p99)

    @property
    def holds(self) -> bool:
        return self.p99 <= self.limit and self.skipped == 0


def open_legs(loop: Loop, count: int) -> None:
    """Pairs that talk to one another; a single leg talks to itself."""
    sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(count)]
    for sock in sockets:
        sock.bind(("127.0.0.1", 0))
    addresses = [sock.getsockname() for sock in sockets]
    for index, sock in enumerate(sockets):
        leg = loop.open_leg(sock, ssrc=index + 1, sequence=1, timestamp=1)
        leg.configure_receive({0: "pcmu"})
        leg.configure_send(0, "pcmu", addresses[(index ^ 1) % count])
        leg.set_source(ToneSource([(440, 8000)]))


@contextlib.contextmanager
def python_busy() -> Iterator[None]:
    """Two threads that never let go of the GIL by themselves, and a collector."""
    ended = threading.Event()

    def spin() -> None:
        number = 0
        while not ended.is_set():
            number += 1

    def collect() -> None:
        objects: list[list[int]] = [[] for _ in range(OBJECTS)]
        while not ended.wait(1.0):
            gc.collect()
        objects.clear()

    threads = [threading.Thread(target=spin) for _ in range(SPINNERS)]
    threads.append(threading.Thread(target=collect))
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        ended.set()
        for thread in threads:
            thread.join()


def measure(load: str, legs: int, seconds: float) -> Result:
    loop, idle = Loop(), DoNothingThread(20)
    with python_busy() if load == "busy" else contextlib.nullcontext():
        loop.start()
        idle.start()
        try:
            open_legs(loop, legs)
            time.sleep(SETTLE)
            loop.reset_lateness()
            idle.reset_lateness()
            time.sleep(seconds)
            sent, machine = loop.lateness(), idle.lateness()
            scheduling = loop.scheduling
        finally:
            idle.close()
            loop.close()
    return Result(
        load=load,
        legs=legs,
        packets=int(sent["count"]),
        skipped=int(sent["skipped"]),
        p50=sent["p50_ms"],
        p99=sent["p99_ms"],
        worst=sent["max_ms"],
        reference_p50=machine["p50_ms"],
        reference_p99=machine["p99_ms"],
        reference_worst=machine["max_ms"],
        scheduling=scheduling,
    )


def run(seconds: float = 4.0) -> dict[str, float | str]:
    """For `python -m benchmarks`."""
    values: dict[str, float | str] = {}
    for load in ("idle", "busy"):
        for legs in LEGS:
            result = measure(load, legs, seconds)
            name = f"{load}_{legs}"
            values |= {
                f"{name}_p50_ms": result.p50,
                f"{name}_p99_ms": result.p99,
                f"{name}_max_ms": result.worst,
                f"{name}_reference_p99_ms": result.reference_p99,
                f"{name}_of_limit_percent": 100 * result.p99 / result.limit,
                f"{name}_skipped": result.skipped,
            }
            values["scheduling"] = result.scheduling
    return values


def print_result(result: Result) -> None:
    print(
        f"{result.load:<5} {result.legs:>4} {result.packets:>8} {result.skipped:>8}"
        f" {result.p50:>8.3f} {result.p99:>8.3f} {result.worst:>8.3f}"
        f" {result.reference_p50:>8.3f} {result.reference_p99:>8.3f}"
        f" {result.reference_worst:>8.3f}  {'holds' if result.holds else 'MISSED'}",
        flush=True,
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.lateness")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="for each of the six runs")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write what was measured there")
    options = parser.parse_args()
    results: list[Result] = []
    print(f"{'':<28}{'packets, late by ms':^27}{'a thread that does nothing':^27}")
    print("load  legs  packets  skipped      p50      p99      max      p50      p99      max")
    for load in ("idle", "busy"):
        for legs in LEGS:
            results.append(measure(load, legs, options.seconds))
            print_result(results[-1])
    print(f"scheduling: {results[0].scheduling}")
    verdict = all(result.holds for result in results)
    print(
        f"p99 at most twice the do-nothing thread's or {LIMIT_MS:g} ms, and no packet skipped: "
        + ("holds" if verdict else "MISSED")
    )
    if options.json:
        document = {"seconds": options.seconds, "holds": verdict}
        options.json.write_text(
            json.dumps(document | {"results": [asdict(result) for result in results]}, indent=2)
            + "\n"
        )
    return 0 if verdict else 1


if __name__ == "__main__":
    sys.exit(main())
