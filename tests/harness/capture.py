"""What was on the wire, captured and dissected by tshark."""

from __future__ import annotations

import itertools
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.harness.programs import Program, find_program

# tshark says that it captures before it does, and packets wait in buffers when it ends. So
# datagrams to the discard port, told apart by their length, mark both ends.
MARK_PORT = 9
_marks = itertools.count(1)


class Capture(Program):
    """A running capture of the loopback interface; `fields` ends it and reads it."""

    def __init__(self, folder: Path, bpf: str = "udp or tcp") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.file = folder / "capture.pcap"
        command = [find_program("tshark"), "-i", "lo", "-w", str(self.file), "-P", "-l", "-n"]
        command += ["-f", f"({bpf}) or udp port {MARK_PORT}"]
        super().__init__("tshark", command, folder=folder)
        try:
            self._wait_until_capturing()
        except BaseException:
            self.stop()
            raise

    def fields(
        self, display_filter: str, *names: str, options: Sequence[str] = ()
    ) -> list[tuple[str, ...]]:
        """The values of the named fields in every packet that passes the filter."""
        self._mark()
        self.stop()
        command = [find_program("tshark"), "-r", str(self.file), *options, "-Y", display_filter]
        command += ["-T", "fields", "-E", "separator=/t"]
        for name in names:
            command += ["-e", name]
        result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        assert result.returncode == 0, result.stderr
        return [tuple(line.split("\t")) for line in result.stdout.splitlines()]

    def _wait_until_capturing(self) -> None:
        refused = "permission|Operation not permitted"
        started = self.expect(f"Capturing on|{refused}", 20)
        if "apturing" not in started.group():
            pytest.skip("tshark may not capture here")
        self._mark()

    def _mark(self) -> None:
        """Returns once everything sent before has been captured."""
        length = next(_marks)
        deadline = time.monotonic() + 10
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            while not any(f" {MARK_PORT} Len={length}" in line for line in self.lines):
                sender.sendto(bytes(length), ("127.0.0.1", MARK_PORT))
                assert time.monotonic() < deadline, f"tshark misses packets:\n{self.tail()}"
                self.wait_for_line(0.1)
