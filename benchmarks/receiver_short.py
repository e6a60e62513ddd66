"""The rows of `receiver` that tell most, one seed: short enough for every run of CI."""

from __future__ import annotations

from benchmarks._receiver.paths import PATHS
from benchmarks._receiver.rows import rows
from benchmarks.receiver import THREE

CHOSEN = ("clean", "loss_5", "bursts_5", "queue_20", "stalls", "wifi", "everything")


def run() -> dict[str, float]:
    return rows({name: PATHS[name] for name in CHOSEN}, "tune", range(1), THREE)
