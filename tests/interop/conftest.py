"""The peers of the interoperation tests: started by a test, stopped with it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeVar

import pytest

from tests.harness.agent import Agent
from tests.harness.baresip import Baresip
from tests.harness.capture import Capture
from tests.harness.kamailio import Kamailio
from tests.harness.programs import Program
from tests.harness.sipp import Sipp

P = TypeVar("P", bound=Program)


class Bench:
    """Starts peers, each in a folder of its own, and stops them all at the end of the test."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder = folder
        self._stack = stack
        self._numbers = itertools.count(1)

    def kamailio(self, **options: Any) -> Kamailio:
        return self._start(Kamailio, self._new_folder("kamailio"), **options)

    def baresip(self, user: str, source: Path, **options: Any) -> Baresip:
        folder = self._new_folder("baresip")
        return self._start(Baresip, folder, user=user, source=source, **options)

    def sipp(self, scenario: str | Path, **options: Any) -> Sipp:
        return self._start(Sipp, self._new_folder("sipp"), scenario, **options)

    def capture(self, bpf: str = "udp or tcp") -> Capture:
        return self._start(Capture, self._new_folder("capture"), bpf)

    def agent(self, *options: str, **settings: Any) -> Agent:
        """An agent without a sound card, unless the options choose one."""
        silent = () if "--audio" in options else ("--audio", "null")
        return self._start(Agent, *silent, *options, **settings)

    def phone(self, user: str, kamailio: Kamailio, *options: str, **settings: Any) -> Agent:
        """An agent registered at Kamailio."""
        settings = {
            "password": kamailio.users[user],
            "account": f"sip:{user}@{kamailio.address}",
            **settings,
        }
        agent = self.agent(*options, **settings)
        agent.wait_event("registered")
        return agent

    def _new_folder(self, name: str) -> Path:
        folder = self._folder / f"{name}-{next(self._numbers)}"
        folder.mkdir()
        return folder

    def _start(self, kind: Callable[..., P], *arguments: Any, **options: Any) -> P:
        return self._stack.enter_context(kind(*arguments, **options))


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with ExitStack() as stack:
        yield Bench(tmp_path, stack)
