"""CPU of a whole call taken as UAS, from INVITE to BYE, with sipp as the caller; and baresip's.

    python -m benchmarks calls            one run
    RUNS=5 python -m benchmarks calls     the median of five

All threads count, and the media: the stream is opened and closed for each call. Nothing is taken
off for idling. baresip is started afresh for each run, since it slows down as it serves, and gets
the same calls in the same minute: the ratio is what can be compared between machines.
A call that failed, or of which something was sent twice, would cost less: such a run is made
again, twice at the most, and `repeated` says how often that was. It happens where others use the
machine as well and keep a process waiting for half a second, after which sipp sends again: so,
where we may (root), all three programs run before whatever else there is.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import statistics
import tempfile
import wave
from collections.abc import Callable, Mapping
from pathlib import Path

from benchmarks._agent import Lines, agent, cpu_seconds
from tests.harness.baresip import Baresip
from tests.harness.sipp import Sipp

TARGETS = {"cpu_per_call_ms": 1.0, "ratio_to_baresip": 0.75}
RUNS = int(os.environ.get("RUNS", "1"))
WARM_UP = 50
CALLS = 2000
RATE = 200
REPEATS = 2


class _Disturbed(Exception):
    """Calls failed, or something was sent twice."""


def run() -> Mapping[str, float]:
    """Milliseconds of CPU a call, the median of the runs, and how that compares."""
    if shutil.which("sipp") is None:
        raise SystemExit("benchmarks: calls needs sipp (Debian: sip-tester)")
    with contextlib.suppress(PermissionError):  # what is started from here inherits it
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    with_baresip = shutil.which("baresip") is not None
    ours, theirs, repeated = [], [], 0
    for _ in range(RUNS):
        figure, again = undisturbed(measure_platypus)
        ours.append(figure)
        repeated += again
        if with_baresip:
            figure, again = undisturbed(measure_baresip)
            theirs.append(figure)
            repeated += again
    result = {"cpu_per_call_ms": statistics.median(ours)}
    if theirs:
        result["baresip_per_call_ms"] = statistics.median(theirs)
        result["ratio_to_baresip"] = statistics.median(ours) / statistics.median(theirs)
    return result | {
        "calls": float(CALLS),
        "calls_a_second": float(RATE),
        "runs": float(RUNS),
        "repeated": float(repeated),
    }


def undisturbed(measure: Callable[[], float]) -> tuple[float, int]:
    """The figure, and how many runs before it did not count."""
    for repeated in range(REPEATS):
        with contextlib.suppress(_Disturbed):
            return measure(), repeated
    try:
        return measure(), REPEATS
    except _Disturbed as problem:
        raise SystemExit(f"benchmarks: {problem}") from problem


def measure_platypus() -> float:
    with agent(None, "--auto-answer", "0") as process:
        return per_call_ms(process.pid, Lines(process).address)


def measure_baresip() -> float:
    with tempfile.TemporaryDirectory() as folder:
        silence = Path(folder, "silence.wav")
        with wave.open(str(silence), "wb") as file:
            file.setparams((1, 2, 8000, 8000, "NONE", ""))
            file.writeframes(bytes(16_000))
        with Baresip(
            Path(folder), user="service", source=silence, answer="auto", max_calls=100
        ) as baresip:
            return per_call_ms(baresip.pid, f"{baresip.host}:{baresip.port}")


def per_call_ms(pid: int, address: str) -> float:
    make_calls(address, WARM_UP)
    before = cpu_seconds(pid)
    make_calls(address, CALLS)
    return (cpu_seconds(pid) - before) / CALLS * 1e3


def make_calls(address: str, count: int) -> None:
    """With sipp's own scenario: INVITE, ACK, and BYE at once."""
    host = address.rpartition(":")[0]
    with (
        tempfile.TemporaryDirectory() as folder,
        Sipp(Path(folder), "uac", target=address, host=host, calls=count, rate=RATE) as sipp,
    ):
        outcome = sipp.outcome(count / RATE + 60)
    if outcome.succeeded < count or outcome.failed or outcome.retransmissions:
        raise _Disturbed(outcome)
