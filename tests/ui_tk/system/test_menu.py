"""The menu that another program draws (com.canonical.dbusmenu), without a bus."""

from __future__ import annotations

import pytest

from ui_tk.system.menu import Menu
from ui_tk.tray import Entry

ENTRIES = (Entry("answer", "Answer _Bob_"), Entry(), Entry("dnd", "Quiet", True, False))


@pytest.fixture
def chosen() -> list[str]:
    return []


@pytest.fixture
def menu(chosen: list[str]) -> Menu:
    menu = Menu(chosen.append)
    menu.show(ENTRIES)
    return menu


def test_its_layout_has_a_number_for_every_line(menu):
    signature, (revision, (root, _, children)) = menu.call("GetLayout", (0, -1, []))
    assert (signature, revision, root) == ("u(ia{sv}av)", 1, 0)
    assert [body[0] for _, body in children] == [1, 2, 3]
    answer, line, quiet = (body[1] for _, body in children)
    assert answer == {"label": ("s", "Answer __Bob__"), "enabled": ("b", True)}
    assert line == {"type": ("s", "separator")}
    assert (quiet["toggle-state"], quiet["enabled"]) == (("i", 1), ("b", False))


def test_a_click_chooses_the_deed_of_its_line(menu, chosen):
    menu.call("Event", (1, "clicked", ("i", 0), 0))
    menu.call("EventGroup", ([(1, "clicked", ("i", 0), 0), (1, "hovered", ("i", 0), 0)],))
    assert chosen == ["answer", "answer"]


def test_lines_that_can_not_be_chosen_are_not(menu, chosen):
    for number in (0, 2, 3, 4, -1):
        menu.call("Event", (number, "clicked", ("i", 0), 0))
    assert menu.call("EventGroup", ([(9, "clicked", ("i", 0), 0)],)) == ("ai", ([9],))
    assert chosen == []


def test_a_change_is_a_new_revision_and_the_same_is_not(menu):
    assert not menu.show(ENTRIES) and menu.revision == 1
    assert menu.show(ENTRIES[:1]) and menu.revision == 2


def test_what_is_asked_for_wrongly_is_an_error(menu):
    with pytest.raises(LookupError):
        menu.call("GetProperty", (4, "label"))
    with pytest.raises(LookupError):
        menu.call("GetProperty", (1, "colour"))
    assert menu.call("GetGroupProperties", ([1, 77], [])) == (
        "a(ia{sv})", ([(1, {"label": ("s", "Answer __Bob__"), "enabled": ("b", True)})],),
    )  # fmt: skip
    assert menu.call("Destroy", ()) is None
    assert menu.call("GetLayout", ()) is None
