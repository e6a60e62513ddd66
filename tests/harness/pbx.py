"""`platypus pbx` as a program, for tests that want a server which is always installed."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.harness.programs import Program

ROOT = Path(__file__).parent.parent.parent
PASSWORD = "correct horse"  # of every user


class PbxProgram(Program):
    """A running PBX on a free port of 127.0.0.1, with users that share one password."""

    def __init__(self, *users: str, options: tuple[str, ...] = ()) -> None:
        command = [sys.executable, "-m", "platypus", "pbx", "--listen", "127.0.0.1:0"]
        for user in users or ("alice", "bob"):
            command += ["--user", user, "--password-env", "TEST_PASSWORD"]
        super().__init__(
            "platypus pbx",
            [*command, *options],
            environment={"PYTHONPATH": str(ROOT), "TEST_PASSWORD": PASSWORD},
        )
        try:
            self.address = self.expect(r"^listening: (?:tls:\S+ )?udp:(\S+)")[1]
            self.expect("^ready")
        except BaseException:
            self.stop()
            raise

    def uri(self, user: str) -> str:
        return f"sip:{user}@{self.address}"
