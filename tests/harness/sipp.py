"""sipp as caller and callee, with the scenarios that are built into it and with ours."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from tests.harness.ports import free_port
from tests.harness.programs import Program, find_program


@dataclass(frozen=True, slots=True)
class Outcome:
    """What sipp counted of its own calls."""

    code: int
    created: int
    succeeded: int
    failed: int
    retransmissions: int


class Sipp(Program):
    """A running sipp. `uas`, built in, waits for calls at `uri`; `uac` makes them and ends.

    A path is a scenario of ours: with a `target` it calls, without one it waits.
    """

    def __init__(
        self,
        folder: Path,
        scenario: str | Path,
        *,
        target: str = "",
        user: str = "service",
        host: str = "127.0.0.1",
        calls: int | None = None,
        rate: int = 10,
        duration_ms: int = 0,
        transport: str = "u1",
        literal: bool = False,
        rtp_echo: bool = False,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.port = free_port(host)
        self.uri = f"sip:{user}@{host}:{self.port}"
        which = ["-sf" if isinstance(scenario, Path) else "-sn", str(scenario)]
        command = [find_program("sipp"), *([target] if target else []), *which]
        command += ["-i", host, "-p", str(self.port), "-mi", host, "-mp", str(free_port(host))]
        command += ["-cp", str(free_port()), "-s", user, "-t", transport, "-nostdin"]
        command += ["-r", str(rate), "-d", str(duration_ms)]
        command += ["-trace_stat", "-stf", "statistics.csv", "-fd", "1"]
        command += ["-trace_err", "-error_file", "errors.log"]
        if literal:  # it sends and expects what the scenario says, and knows no retransmission
            command += ["-nr"]
        if rtp_echo:
            command += ["-rtp_echo"]
        if calls is not None:
            command += ["-m", str(calls)]
        # It draws its screen with curses, for which it wants to know the terminal.
        super().__init__("sipp", command, folder=folder, environment={"TERM": "xterm"})

    def outcome(self, timeout: float = 60.0) -> Outcome:
        """Waits for the end of all its calls."""
        code = self.wait(timeout)
        with (self.folder / "statistics.csv").open(newline="") as file:
            last = list(csv.DictReader(file, delimiter=";"))[-1]
        return Outcome(
            code,
            int(last["TotalCallCreated"]),
            int(last["SuccessfulCall(C)"]),
            int(last["FailedCall(C)"]),
            int(last["Retransmissions(C)"]),
        )

    @property
    def errors(self) -> str:
        file = self.folder / "errors.log"
        return file.read_text(errors="replace") if file.exists() else ""
