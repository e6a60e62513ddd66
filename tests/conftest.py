"""What holds for every test: a network of their own, and an end that leaves nothing running."""

from __future__ import annotations

import ctypes
import gc
import os
import signal
from collections.abc import Generator

import pytest

from tests.harness import namespace, programs


def pytest_configure(config: pytest.Config) -> None:
    # Before anything opens a socket; what the tests start inherits it.
    namespace.enter()
    # A runner that is told to end (`timeout`, CI) takes its programs with it: fixtures are unwound.
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def pytest_report_header() -> str:
    where = "of their own" if namespace.entered() else "of this machine"
    return f"network: {where}, {namespace.host_address()}"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # Tests of real time come last, when nothing else is starting or stopping.
    items.sort(key=lambda item: item.get_closest_marker("realtime") is not None)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """What the programs of a failed test said, while they still run."""
    report = yield
    if report.when == "call" and report.failed:
        report.sections += [(f"{p.name} said", p.tail()) for p in programs.running()]
    return report


def pytest_sessionfinish(session: pytest.Session) -> None:
    """On the sanitised build (`scripts/asan`): what was allocated in this process and lost."""
    if "PLATYPUS_SANITIZE" in os.environ:
        gc.collect()
        # Here and not at the exit, for programs that a test starts exit as well, and what their
        # libraries keep is not ours.
        if ctypes.CDLL(None).__lsan_do_recoverable_leak_check():
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
