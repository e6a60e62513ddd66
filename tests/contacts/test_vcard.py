from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platypus.contacts import Contact, Number, from_vcard
from platypus.errors import ConfigError

V4 = (
    "BEGIN:VCARD\r\nVERSION:4.0\r\nFN:Ana\\, Dr. Mül\r\n ler\r\nORG:Muse;Sales\r\n"
    'item1.TEL;VALUE=uri;TYPE="voice,work":tel:+49-30-123;ext=4\r\n'
    "TEL;TYPE=fax:999\r\nIMPP;TYPE=work:sip:ana@example.com\r\nIMPP:xmpp:ana@example.com\r\nEND:VCARD\r\n"
)
V3 = "BEGIN:VCARD\nVERSION:3.0\nN:Stone;Bob;;;\nTEL;TYPE=CELL:0170 1\nEND:VCARD\n"
V21 = (
    "BEGIN:VCARD\nVERSION:2.1\nFN;CHARSET=ISO-8859-1;ENCODING=QUOTED-PRINTABLE:J=F6rg =\n"
    "Klein\nTEL;WORK;VOICE:202\nEND:VCARD\n"
)


def read(tmp_path: Path, text: str, encoding: str = "utf-8") -> tuple[list[Contact], int]:
    path = tmp_path / "contacts.vcf"
    path.write_bytes(text.encode(encoding))
    return from_vcard(path)


def test_a_card_of_today(tmp_path: Path) -> None:
    expected = Contact(
        "Ana, Dr. Müller",
        (Number("+49-30-123", "work"), Number("sip:ana@example.com", "work")),
        "Muse, Sales",
    )
    assert read(tmp_path, V4) == ([expected], 0)


def test_older_cards(tmp_path: Path) -> None:
    found, _ = read(tmp_path, V3 + V21)
    assert found == [
        Contact("Bob Stone", (Number("0170 1", "mobile"),)),
        Contact("Jörg Klein", (Number("202", "work"),)),
    ]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig", "cp1252"])
def test_whatever_the_encoding(tmp_path: Path, encoding: str) -> None:
    found, _ = read(tmp_path, V4, encoding)
    assert found[0].name == "Ana, Dr. Müller"


def test_cards_with_nothing_to_call_are_counted(tmp_path: Path) -> None:
    found, left_out = read(tmp_path, V3 + "BEGIN:VCARD\nFN:Mailbox\nEND:VCARD\n")
    assert (len(found), left_out) == (1, 1)


def test_what_is_no_vcard_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="holds no vCard"):
        read(tmp_path, "Name,Phone\n")
    with pytest.raises(ConfigError, match="no such file"):
        from_vcard(tmp_path / "missing.vcf")


@given(st.text(alphabet='BEGIN:VCARD\n;="\\ =TELFN,1', max_size=200))
def test_no_text_breaks_the_reader(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    folder = tmp_path_factory.mktemp("vcard")
    try:
        found, left_out = read(folder, f"BEGIN:VCARD\n{text}\nEND:VCARD\n")
    except ConfigError:
        return
    assert len(found) + left_out >= 1
