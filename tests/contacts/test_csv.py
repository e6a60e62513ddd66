from __future__ import annotations

from pathlib import Path

import pytest

from platypus.contacts import Contact, Number, from_csv
from platypus.errors import ConfigError


def read(tmp_path: Path, text: str, encoding: str = "utf-8") -> tuple[list[Contact], int]:
    path = tmp_path / "contacts.csv"
    path.write_bytes(text.encode(encoding))
    return from_csv(path)


def test_a_plain_table(tmp_path: Path) -> None:
    found = read(tmp_path, "Name,Phone,Company\nAna,202,Muse\nNobody,,\n")
    assert found == ([Contact("Ana", (Number("202"),), "Muse")], 1)


def test_googles_export(tmp_path: Path) -> None:
    text = (
        "First Name,Last Name,Phone 1 - Label,Phone 1 - Value,E-mail 1 - Value\n"
        "Ana,Müller,Mobile,0170 1 ::: 0170 2,ana@example.com\n"
    )
    numbers = (Number("0170 1", "mobile"), Number("0170 2", "mobile"))
    assert read(tmp_path, text)[0] == [Contact("Ana Müller", numbers)]


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16", "utf-8-sig"])
def test_outlooks_export_in_german(tmp_path: Path, encoding: str) -> None:
    text = "Vorname;Nachname;Firma;Telefon geschäftlich;Mobiltelefon;Fax\nJörg;Klein;Muse;1;2;3\n"
    numbers = (Number("1", "work"), Number("2", "mobile"))
    assert read(tmp_path, text, encoding)[0] == [Contact("Jörg Klein", numbers, "Muse")]


@pytest.mark.parametrize(
    ("text", "problem"), [("", "is empty"), ("Name,E-mail\nAna,a@b\n", "no column of telephone")]
)
def test_what_can_not_be_used_is_said(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(ConfigError, match=problem):
        read(tmp_path, text)
