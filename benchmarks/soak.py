"""A long call with others coming and going: does anything grow, drift or get lost?

    make soak                       an hour; SOAK_SECONDS=30 for another time

Two agents talk to each other all the time, each hearing a loop of noise, while sipp makes short
calls to one of them. Memory is compared with that at half time: until then every table has been in
use and Python's collector has had its turn, if the time is long enough for a target.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import struct
import subprocess
import tempfile
import threading
import time
import wave
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmarks._agent import agent, cpu_seconds, resident_mb

BY_NAME_ONLY = True
TARGETS = {
    "lost_packets": 0.0,
    "concealed_ms": 0.0,
    "calls_failed": 0.0,
    "buffer_ms": 60.0,
}
SECONDS = float(os.environ.get("SOAK_SECONDS", "3600"))
if SECONDS >= 1800:
    TARGETS["memory_growth_mb"] = 2.0
RATE = 5  # calls a second


class Talker:
    """One agent of the two, spoken to in JSON lines."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.address = self.read("ready")["listen"][0].partition(":")[2]

    def send(self, **command: Any) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()

    def read(self, name: str, **fields: Any) -> dict[str, Any]:
        """The next line with that event, or that reply."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            value: dict[str, Any] = json.loads(line)
            named = value.get("event", value.get("reply")) == name
            if named and all(value.get(k) == v for k, v in fields.items()):
                return value
        raise SystemExit(f"benchmarks: an agent ended before it said {name}")

    def drain(self) -> None:
        """Reads what it says of other calls, as whoever started it would."""
        assert self.process.stdout is not None
        for _ in self.process.stdout:
            pass

    def statistics(self, call: object) -> dict[str, Any]:
        self.send(cmd="stats", id="stats", call=call)
        found: dict[str, Any] = self.read("stats")["stats"]
        return found


def noise(folder: Path) -> Path:
    """Two seconds that no two frames share."""
    file = folder / "noise.wav"
    generator = random.Random(1)
    with wave.open(str(file), "wb") as out:
        out.setparams((1, 2, 8000, 0, "NONE", ""))
        samples = [generator.randint(-4000, 4000) for _ in range(16000)]
        out.writeframes(struct.pack(f"<{len(samples)}h", *samples))
    return file


def short_calls(address: str, folder: Path, seconds: float) -> Iterator[int]:
    """Runs sipp for so long and yields how many of its calls failed; none without sipp."""
    sipp = shutil.which("sipp")
    if sipp is None:
        yield 0
        return
    count = max(1, int(seconds * RATE))
    arguments = [sipp, address, "-sn", "uac", "-i", "127.0.0.1", "-m", str(count), "-r", str(RATE)]
    arguments += ["-d", "500", "-nostdin", "-trace_stat", "-stf", "calls.csv", "-fd", "10"]
    process = subprocess.Popen(
        arguments, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield 0
        process.wait(seconds + 60)
        header, *_, last = (folder / "calls.csv").read_text().splitlines()
        yield int(last.split(";")[header.split(";").index("FailedCall(C)")])
    finally:
        process.kill()
        process.wait()


def run() -> Mapping[str, float]:
    """What was lost, what grew, and what it cost, over SOAK_SECONDS (3600)."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        loop = ("--audio", f"wav-loop:{noise(folder)}")
        with agent(None, *loop) as one, agent(None, *loop, "--auto-answer", "0") as two:
            caller, callee = Talker(one), Talker(two)
            return soak(caller, callee, folder)


def soak(caller: Talker, callee: Talker, folder: Path) -> Mapping[str, float]:
    caller.send(cmd="call", id="call", to=f"sip:soak@{callee.address}")
    call = caller.read("call", ok=True)["call"]
    caller.read("call", state="confirmed")
    threading.Thread(target=callee.drain, daemon=True).start()
    calls = short_calls(callee.address, folder, SECONDS)
    next(calls)
    pids = caller.process.pid, callee.process.pid
    cpu = sum(map(cpu_seconds, pids))
    time.sleep(SECONDS / 2)
    half = sum(map(resident_mb, pids))
    time.sleep(SECONDS / 2)
    statistics = caller.statistics(call)
    spent = sum(map(cpu_seconds, pids)) - cpu
    growth = sum(map(resident_mb, pids)) - half
    received = statistics["receive"]
    return {
        "duration_s": SECONDS,
        "packets": float(received["packets"]),
        "lost_packets": float(received["lost"]),
        "late_packets": float(received["late"]),
        "concealed_ms": float(received["concealed_ms"] or 0),
        "stretched_ms": float(received["stretched_ms"] or 0),
        "buffer_ms": float(received["buffer_ms"]),
        "jitter_ms": float(received["jitter_ms"]),
        "calls_failed": float(next(calls)),
        "memory_growth_mb": growth,
        "both_cpu_percent": spent / SECONDS * 100,
    }
