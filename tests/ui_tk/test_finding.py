"""Search as one types."""

from __future__ import annotations

import pytest

from platypus.contacts import Book, Contact, Number
from platypus.history import CallRecord
from ui_tk.finding import find, on_keys


@pytest.fixture
def book() -> Book:
    book = Book(None)
    book.add(
        Contact("Bob Miller", (Number("+49 30 901820", "work"), Number("sip:bob@example.com"))),
        Contact("Anna Österreich", (Number("204"),)),
    )
    return book


CALLS = (
    CallRecord("incoming", "sip:777@pbx", name="Delivery"),
    CallRecord("missed", "sip:204@pbx"),
)


def numbers(text: str, book: Book | None, calls: tuple[CallRecord, ...] = CALLS) -> list[str]:
    return [hit.number for hit in find(text, book, calls)]


@pytest.mark.parametrize("typed", ["bo", "mill", "BOB M", "901", "+4930"])
def test_contacts_are_found_by_words_and_digits(book, typed):
    assert numbers(typed, book)[0] == "+49 30 901820"


def test_accents_need_not_be_typed(book):
    assert numbers("oster", book) == ["204"]


def test_digits_spell_names_on_the_keys(book):
    assert on_keys("Bob") == "262"
    assert "sip:bob@example.com" in numbers("262", book)


def test_calls_are_found_and_a_number_comes_once(book):
    assert numbers("deliv", book) == ["777@pbx"]
    assert numbers("204", book) == ["204"]


def test_without_contacts_there_is_the_history():
    assert numbers("77", None) == ["777@pbx"]
    assert numbers("nobody", None) == []
