"""Everything that can be done, over the list of `ui_tk.actions`: by its key, and from a shell.

Keys go to a real window by xdotool, commands by `platypus ctl` to the same one; what came of it
is asked at the other end of the call, or seen in a window's title. An action that either file
knows no way for fails here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from platypus.control.schema import SHAPES
from tests.ui_tk import by_ctl, by_key
from tests.ui_tk.desk import Desk, Desks
from tests.ui_tk.screen import Screen
from ui_tk.actions import ACTIONS, Action, shown
from ui_tk.deeds import Deeds

LEAVES_THE_WINDOW_OTHERWISE = ("quit", "account", "settings", "keys")
each_action = pytest.mark.parametrize("action", ACTIONS, ids=lambda each: each.name)


def test_every_action_has_a_key_a_deed_and_a_command():
    assert len({action.name for action in ACTIONS}) == len(ACTIONS)
    keys = [key for action in ACTIONS for key in action.keys]
    assert len(set(keys)) == len(keys)
    for action in ACTIONS:
        assert callable(getattr(Deeds, action.name)), action.name
        assert action.ctl.partition(" ")[0] in SHAPES, action.ctl


def test_keys_are_read_as_people_write_them():
    assert [shown(key) for key in ("Control-m", "F5", "Control-comma", "Return")] == [
        "Ctrl+M", "F5", "Ctrl+,", "Return",
    ]  # fmt: skip


@pytest.fixture(scope="module")
def desks(screen: Screen, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desks]:
    desks = Desks(screen, lambda: tmp_path_factory.mktemp("alice"))
    yield desks
    desks.clear()


@pytest.fixture
def desk(desks: Desks, request: pytest.FixtureRequest) -> Iterator[Desk]:
    done = request.session.testsfailed
    try:
        yield desks.ready()
    finally:
        action: Action = request.node.callspec.params["action"]
        if action.name in LEAVES_THE_WINDOW_OTHERWISE or request.session.testsfailed != done:
            desks.clear()


@pytest.mark.ui
@each_action
def test_it_is_done_from_the_keyboard(desk: Desk, action: Action) -> None:
    getattr(by_key, f"by_{action.name}")(desk)


@pytest.mark.ui
@each_action
def test_it_is_done_from_a_shell(desk: Desk, action: Action) -> None:
    def do(**values: str) -> dict[str, Any]:
        return desk.ctl(*by_ctl.words(action, **values))

    getattr(by_ctl, f"by_{action.name}")(desk, do)
