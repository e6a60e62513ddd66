"""Priority for threads that a sound server's library starts."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

import pytest

from platypus.audio import priority

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc is Linux's")


def test_a_thread_is_known_by_its_name_and_no_other_is_touched(monkeypatch, tmp_path):
    for number, name in ((11, "threaded-ml"), (12, "python"), (13, "threaded-ml")):
        (tmp_path / str(number)).mkdir()
        (tmp_path / str(number) / "comm").write_text(f"{name}\n")
    (tmp_path / "14").mkdir()  # one that has ended
    asked = []
    monkeypatch.setattr(priority, "THREADS", tmp_path)
    monkeypatch.setattr(priority, "ask_scheduling", lambda thread: asked.append(thread) or True)
    assert priority.raise_priority() == 2
    assert sorted(asked) == [11, 13]


def test_a_real_thread_gets_what_may_be_had(monkeypatch):
    ended = threading.Event()
    ready = threading.Event()

    def wait() -> None:
        Path("/proc/thread-self/comm").write_text("threaded-ml")
        ready.set()
        ended.wait()

    thread = threading.Thread(target=wait)
    thread.start()
    ready.wait()
    try:
        raised = priority.raise_priority()
        policy = os.sched_getscheduler(thread.native_id)
        assert raised == 0 or policy == os.SCHED_RR or policy == os.SCHED_OTHER
        if os.geteuid() == 0 and raised:
            assert raised == 1
    finally:
        ended.set()
        thread.join()


def test_threads_that_are_gone_get_none():
    assert not priority.ask_scheduling(2**30)
