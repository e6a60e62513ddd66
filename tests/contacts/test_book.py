from __future__ import annotations

from pathlib import Path

import pytest

from platypus.contacts import Book, Contact, Number

ANA = Contact("Ana Müller", (Number("+49 30 1234567", "work"), Number("sip:ana@pbx.example.com")))
BOB = Contact("Bob Stone", (Number("202"),), "Muse Ltd")
EVE = Contact("Eve", (Number("0170 555 0199", "mobile"),), favourite=True)


def book(*contacts: Contact) -> Book:
    made = Book(None)
    made.add(*contacts)
    return made


def names(found: list[Contact]) -> list[str]:
    return [each.name for each in found]


@pytest.mark.parametrize(
    ("caller", "name"),
    [
        ("sip:+49301234567@gateway.example.net", "Ana Müller"),
        ("sip:0049301234567@pbx", "Ana Müller"),
        ("sip:0301234567@pbx;user=phone", "Ana Müller"),
        ("sip:ana@PBX.example.com:5060", None),
        ("sip:ana@PBX.example.com", "Ana Müller"),
        ("sip:202@pbx", "Bob Stone"),
        ("sip:1202@pbx", None),
        ("sip:anonymous@anonymous.invalid", None),
        ("", None),
    ],
)
def test_a_caller_is_known_by_address_or_by_the_end_of_the_number(
    caller: str, name: str | None
) -> None:
    found = book(ANA, BOB, EVE).match(caller)
    assert (found.name if found else None) == name


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("mul", ["Ana Müller"]),
        ("MÜLLER an", ["Ana Müller"]),
        ("mu", ["Ana Müller", "Bob Stone"]),
        ("20", ["Bob Stone"]),
        ("555 01", ["Eve"]),
        ("ana@", ["Ana Müller"]),
        ("zz", []),
        (" ", []),
    ],
)
def test_search_as_one_types(typed: str, expected: list[str]) -> None:
    assert names(book(ANA, BOB, EVE).search(typed)) == expected


def test_favourites_come_first_among_equals() -> None:
    found = book(Contact("Eva", (Number("1"),)), EVE).search("ev")
    assert names(found) == ["Eve", "Eva"]


def test_the_book_outlives_the_program(tmp_path: Path) -> None:
    path = tmp_path / "contacts.json"
    Book(path).add(ANA, BOB)
    assert Book(path).contacts == (ANA, BOB)
    again = Book(path)
    again.replace(BOB, EVE)
    again.remove(ANA)
    assert Book(path).contacts == (EVE,)


def test_a_contact_that_is_known_gains_the_numbers_it_lacked() -> None:
    made = book(ANA)
    more = Contact("ana muller", (Number("+49301234567"), Number("77")))
    assert made.add(more) == 0
    assert [each.value for each in made.contacts[0].numbers] == [
        "+49 30 1234567",
        "sip:ana@pbx.example.com",
        "77",
    ]


@pytest.mark.parametrize("text", ["", "nonsense", '{"contacts":[{"name":"x"}]}', '{"contacts":3}'])
def test_a_damaged_book_is_set_aside(tmp_path: Path, text: str) -> None:
    path = tmp_path / "contacts.json"
    path.write_text(text)
    assert Book(path).contacts == ()
    assert (tmp_path / "contacts.json.damaged").read_text() == text


def test_ten_thousand_contacts_are_searched_by_index_not_by_parsing() -> None:
    made = Book(None)
    made.add(
        *(Contact(f"Name{n} Family{n % 97}", (Number(str(10**8 + n)),)) for n in range(10_000))
    )
    assert len(made.search("family3")) == 20
    assert made.match("sip:100009999@pbx") == made.search("name9999")[0]
