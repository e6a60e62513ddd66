"""Programs that a test starts: found, awaited, heard, and always stopped by pid.

Nothing here knows SIP; `kamailio`, `baresip`, `sipp` and `agent` beside it do.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import re
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Self, TypeVar

import pytest

T = TypeVar("T")
STOP_TIMEOUT = 3.0
_running: dict[int, Program] = {}


def find_program(name: str) -> str:
    """The path of a program, or the test is skipped, naming it.

    With PLATYPUS_REQUIRE_PEERS set (CI installs them all) a missing one is a failure.
    """
    path = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/local/sbin:/usr/sbin:/sbin")
    if path is None:
        lacking = pytest.fail if "PLATYPUS_REQUIRE_PEERS" in os.environ else pytest.skip
        lacking(f"{name} is not installed")
    return path


class Program:
    """One running program. Its output, both streams, is kept and awaited line by line.

    A reader thread owns the pipe; whoever waits does so on a condition, so that nothing polls
    and nothing sleeps. `name` stands in every message.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        folder: Path | None = None,
        environment: Mapping[str, str] | None = None,
        separate_stdout: bool = False,
    ) -> None:
        self.name = name
        self.lines: list[str] = []
        self.stdout_lines: list[str] = []
        self._changed = threading.Condition()
        self._process = subprocess.Popen(
            list(command),
            cwd=folder,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            bufsize=1,
            start_new_session=True,
        )
        assert self._process.stdout and self._process.stderr and self._process.stdin
        self._stdin = self._process.stdin
        own = self.stdout_lines if separate_stdout else self.lines
        self._readers = [
            threading.Thread(target=self._read, args=(self._process.stdout, own), daemon=True),
            threading.Thread(
                target=self._read, args=(self._process.stderr, self.lines), daemon=True
            ),
        ]
        for reader in self._readers:
            reader.start()
        _running[self.pid] = self

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def output(self) -> str:
        return "\n".join([*self.stdout_lines, *self.lines])

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def write_line(self, text: str) -> None:
        self._stdin.write(text + "\n")
        self._stdin.flush()

    def close_stdin(self) -> None:
        self._stdin.close()

    def signal(self, number: signal.Signals) -> None:
        os.killpg(self.pid, number)

    def expect(self, pattern: str, timeout: float = 10.0, *, after: int = 0) -> re.Match[str]:
        """The first match of `pattern` in a line of the output, from line `after` on."""
        regex = re.compile(pattern)

        def find() -> re.Match[str] | None:
            return next((m for line in self.lines[after:] if (m := regex.search(line))), None)

        return self.wait_for(find, timeout, f"a line like {pattern!r}")

    def wait_for(self, find: Callable[[], T | None], timeout: float, what: str) -> T:
        """What `find` finds, tried again whenever a line arrives."""
        deadline = time.monotonic() + timeout
        with self._changed:
            while (found := find()) is None:
                left = deadline - time.monotonic()
                ended = not any(reader.is_alive() for reader in self._readers)
                if left <= 0 or ended:
                    why = f"ended with {self._process.poll()}" if ended else f"{timeout} s passed"
                    pytest.fail(f"{self.name}: no {what} ({why}); it said:\n{self.tail()}", False)
                self._changed.wait(min(left, 0.5))
        return found

    def wait_for_line(self, timeout: float) -> None:
        """Waits for a further line of output, at most so long."""
        with self._changed:
            self._changed.wait(timeout)

    def wait(self, timeout: float) -> int:
        """The exit code of a program that ends by itself."""
        try:
            code = self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            pytest.fail(f"{self.name} did not end in {timeout} s; it said:\n{self.tail()}", False)
        for reader in self._readers:
            reader.join(STOP_TIMEOUT)
        return code

    def stop(self) -> int | None:
        """Ends the program and all it started, by the id of its process group."""
        for number in (signal.SIGCONT, signal.SIGTERM):
            self._signal_quietly(number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(STOP_TIMEOUT)
        # The group may outlive its leader; once more, with what can't be ignored.
        self._signal_quietly(signal.SIGKILL)
        self._process.wait()
        for reader in self._readers:
            reader.join(STOP_TIMEOUT)
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            _close_quietly(stream)
        _running.pop(self.pid, None)
        return self._process.returncode

    def tail(self, lines: int = 40) -> str:
        return "\n".join(self.output.splitlines()[-lines:])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def _signal_quietly(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, number)

    def _read(self, stream: IO[str], into: list[str]) -> None:
        for line in stream:
            with self._changed:
                into.append(line.rstrip("\r\n"))
                self._changed.notify_all()
        with self._changed:
            self._changed.notify_all()


def wait_until(holds: Callable[[], bool], what: str, timeout: float = 15.0) -> None:
    """For what nobody tells: a file that grows. Looks a few times a second."""
    end = time.monotonic() + timeout
    while not holds():
        assert time.monotonic() < end, f"it never came to pass: {what}"
        time.sleep(0.1)


def _close_quietly(stream: IO[str] | None) -> None:
    # Closing flushes, and the program that would read it is gone.
    with contextlib.suppress(BrokenPipeError, ValueError):
        if stream is not None:
            stream.close()


def running() -> list[Program]:
    """The programs that tests have started and not stopped yet, in that order."""
    return list(_running.values())


@atexit.register
def stop_all() -> None:
    """What a fixture could not stop any more, for instance after a second interrupt."""
    for program in running():
        program.stop()
