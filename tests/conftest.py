"""What holds for every test: a network of their own, and an end that leaves nothing running."""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Generator

import hypothesis
import pytest

from tests.harness import namespace, programs, sanitizer

LEAKED = 9  # an exit status of our own: running what failed once more would forget it


def pytest_configure(config: pytest.Config) -> None:
    # How long an example takes says how busy the machine is.
    hypothesis.settings.register_profile("patient", deadline=None)
    hypothesis.settings.load_profile("patient")
    # Before anything opens a socket; what the tests start inherits it.
    namespace.enter()
    # A runner that is told to end (`timeout`, CI) takes its programs with it: fixtures are unwound.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    # Phones that tests start must not take the names of whoever's phone runs beside them.
    folder = tempfile.TemporaryDirectory(prefix="platypus-tests-")
    config.add_cleanup(folder.cleanup)
    os.environ["XDG_STATE_HOME"] = folder.name


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
    # Here and not at the exit: programs that a test starts exit as well, and what their libraries
    # keep is not ours.
    lost = _lost_elsewhere or (sanitizer.SANITIZED and sanitizer.leaks())
    if lost:
        session.exitstatus = LEAKED
        # Where the tests are shared out, only this tells the process that counts.
        getattr(session.config, "workeroutput", {})["lost"] = True


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: object) -> None:
    """A process that ran a share of the tests has ended."""
    if getattr(node, "workeroutput", {}).get("lost"):
        _lost_elsewhere.append(node)


_lost_elsewhere: list[object] = []
