"""Tables of contacts as mail programs export them: a heading line, then a contact a line.

Columns are known by their headings, in English or German, as Google, Outlook, Thunderbird and most
PBXs write them. Separators and encodings are found out.
"""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

from platypus.contacts.book import Contact, Number, decoded, folded, read_import
from platypus.errors import ConfigError

_NAME = {"name", "full name", "display name", "anzeigename", "file as", "contact"}
_GIVEN = {"first name", "given name", "vorname"}
_FAMILY = {"last name", "family name", "surname", "nachname"}
_COMPANY = {"company", "organization", "organisation", "organization name", "firma"}
_CALLED = re.compile(
    r"phone|mobil|telefon|number|extension|^tel$|^sip|cell|durchwahl|nummer|address of record"
)
_NOT_CALLED = re.compile(r"fax|type|label|telex|pager|isdn|tty|e-?mail|account number|customer")
_LABELS = (("mobil", "mobile"), ("cell", "mobile"), ("work", "work"), ("business", "work"),
           ("gesch", "work"), ("home", "home"), ("privat", "home"), ("sip", "sip"))  # fmt: skip


def from_csv(path: Path) -> tuple[list[Contact], int]:
    """The contacts in a file, and how many lines had nothing to call. Raises ConfigError."""
    text = decoded(read_import(path)).replace("\0", "")
    separator = max(",;\t", key=text.split("\n", 1)[0].count)
    try:
        rows = [row for row in csv.reader(io.StringIO(text), delimiter=separator) if any(row)]
    except csv.Error as error:
        raise ConfigError(f"is not a table: {error}", file=str(path)) from error
    if not rows:
        raise ConfigError("is empty", file=str(path))
    headings = [folded(each) for each in rows[0]]
    called = [
        index
        for index, heading in enumerate(headings)
        if _CALLED.search(heading) and not _NOT_CALLED.search(heading)
    ]
    if not called:
        raise ConfigError(
            "has no column of telephone numbers",
            file=str(path),
            line=1,
            hint="its first line names the columns, such as: Name,Phone,Company",
        )
    found = [contact for row in rows[1:] if (contact := _contact(headings, called, row))]
    return found, len(rows) - 1 - len(found)


def _contact(headings: list[str], called: list[int], row: list[str]) -> Contact | None:
    def first(names: set[str]) -> str:
        pairs = zip(headings, row, strict=False)
        return next((cell.strip() for name, cell in pairs if name in names and cell.strip()), "")

    numbers: list[Number] = []
    for index in called:
        # Google writes several numbers of a kind into one cell.
        for value in row[index].split(":::") if index < len(row) else ():
            number = Number(" ".join(value.split()), _label(headings, row, index))
            if number.value and number.value not in [each.value for each in numbers]:
                numbers.append(number)
    name = first(_NAME) or f"{first(_GIVEN)} {first(_FAMILY)}".strip() or first(_COMPANY)
    return Contact(name, tuple(numbers), first(_COMPANY)) if name and numbers else None


def _label(headings: list[str], row: list[str], index: int) -> str:
    heading = headings[index]
    if heading.endswith("value"):  # Google: "Phone 1 - Type" stands before "Phone 1 - Value"
        heading = folded(row[index - 1]) if index else ""
    return next((label for part, label in _LABELS if part in heading), "")
