from __future__ import annotations

import select
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from platypus import local
from ui_tk.system.single_instance import Instance, hand_over


@pytest.fixture(params=["unix", "loopback"])
def kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(local, "UNIX", request.param == "unix")
    return str(request.param)


@pytest.fixture
def first(kind: str, tmp_path: Path) -> Iterator[Instance]:
    instance = Instance.claim(tmp_path)
    assert instance is not None
    yield instance
    instance.close()


def give(folder: Path, instance: Instance, *arguments: str) -> tuple[bool, list[list[str]]]:
    """What a second start was told, and what the first got."""
    with ThreadPoolExecutor(1) as pool:
        handed = pool.submit(hand_over, arguments, folder)
        found: list[list[str]] = []
        while not handed.done():  # it gives up by itself
            select.select([instance.socket], [], [], 0.02)
            found += instance.receive()
        return handed.result(), found


def test_a_second_start_hands_its_arguments_to_the_first(first: Instance, tmp_path: Path) -> None:
    assert Instance.claim(tmp_path) is None
    first.receive()
    taken, found = give(tmp_path, first, "tel:+4930123", "zwölf")
    assert taken
    assert found == [["tel:+4930123", "zwölf"]]


def test_alone_it_has_nobody_to_hand_over_to(kind: str, tmp_path: Path) -> None:
    assert not hand_over(["x"], tmp_path)


def test_a_killed_phone_leaves_the_place_free(kind: str, tmp_path: Path) -> None:
    before = Instance.claim(tmp_path)
    assert before is not None
    before.socket.close()  # killed: its files stay
    after = Instance.claim(tmp_path)
    assert after is not None
    after.close()


def test_the_files_are_for_their_owner_and_gone_at_the_end(first: Instance, tmp_path: Path) -> None:
    assert [each.stat().st_mode & 0o077 for each in tmp_path.iterdir()] == [0]
    first.close()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "said",
    [b"\n", b"nonsense\n", b'{"token":"","arguments":[1]}\n', b"[" * 9000 + b"\n", b"", b"x"],
)
def test_nonsense_is_neither_taken_nor_waited_for(
    first: Instance, tmp_path: Path, said: bytes
) -> None:
    connection, _ = local.connect(tmp_path / "window")
    with connection:
        connection.sendall(said)
        if said != b"x":
            connection.shutdown(socket.SHUT_WR)
        assert first.receive() == []


def test_without_the_token_nobody_is_heard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "UNIX", False)
    instance = Instance.claim(tmp_path)
    assert instance is not None
    port, _, _ = (tmp_path / "window.port").read_text().partition(" ")
    (tmp_path / "window.port").write_text(f"{port} guessed")
    taken, found = give(tmp_path, instance, "x")
    instance.close()
    assert (taken, found) == (False, [])
