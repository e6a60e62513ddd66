"""vCard files (RFC 6350, and its elders RFC 2426 and 2.1) as contacts.

Read are names, organisation, telephone numbers and SIP addresses. Everything else in a card
is passed over; a card with no number to call is left out, and counted.
"""

from __future__ import annotations

import binascii
import quopri
import re
from collections.abc import Iterator
from pathlib import Path

from platypus.contacts.book import Contact, Number, decoded, read_import
from platypus.errors import ConfigError

_NAME = re.compile(r"(?:[\w-]+\.)?(?P<name>[\w-]+)")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_LABELS = ("cell", "mobile", "work", "home", "fax", "pager", "main", "car")


def from_vcard(path: Path) -> tuple[list[Contact], int]:
    """The contacts in a file, and how many cards had nothing to call. Raises ConfigError."""
    cards = list(_cards(decoded(read_import(path))))
    if not cards:
        raise ConfigError("holds no vCard", file=str(path), hint="it begins with BEGIN:VCARD")
    found = [contact for card in cards if (contact := _contact(card)) is not None]
    return found, len(cards) - len(found)


def _cards(text: str) -> Iterator[list[tuple[str, dict[str, list[str]], str]]]:
    card: list[tuple[str, dict[str, list[str]], str]] | None = None
    for line in _unfolded(text):
        match = _NAME.match(line)
        colon = _colon(line)
        if match is None or colon is None:
            continue
        name, value = match["name"].upper(), line[colon + 1 :]
        if name == "BEGIN" and value.strip().upper() == "VCARD":
            card = []
        elif name == "END" and card is not None:
            yield card
            card = None
        elif card is not None:
            parameters = _parameters(line[match.end() : colon].lstrip(";"))
            card.append((name, parameters, _plain(value, parameters)))


def _colon(line: str) -> int | None:
    """Where the value begins: the first colon that is not in a quoted parameter."""
    quoted = False
    for index, character in enumerate(line):
        if character == '"':
            quoted = not quoted
        elif character == ":" and not quoted:
            return index
    return None


def _unfolded(text: str) -> Iterator[str]:
    """Logical lines: RFC 6350, 3.2 continues by white space, 2.1's quoted-printable by `=`."""
    held = ""
    for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        if held.endswith("=") and "QUOTED-PRINTABLE" in held.upper():
            held = held[:-1] + line
        elif line[:1] in (" ", "\t"):
            held += line[1:]
        else:
            if held:
                yield held
            held = line
    if held:
        yield held


def _parameters(text: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for part in text.split(";"):
        key, equals, value = part.partition("=")
        if not equals:  # 2.1 writes TEL;WORK;VOICE:
            key, value = "TYPE", part
        values = [each.strip('" ').lower() for each in value.split(",")]
        found.setdefault(key.upper(), []).extend(each for each in values if each)
    return found


def _plain(value: str, parameters: dict[str, list[str]]) -> str:
    """Undone transfer encoding. Which commas and semicolons are escaped still shows."""
    encoding = [*parameters.get("ENCODING", ()), *parameters.get("TYPE", ())]
    try:
        if "quoted-printable" in encoding:
            charset = (parameters.get("CHARSET") or ["utf-8"])[0]
            data = quopri.decodestring(value.encode("latin-1", "replace"))
            return data.decode(charset, "replace")
    except (LookupError, binascii.Error):
        pass  # an encoding nobody knows: the text as it stands is the best there is
    return value


def _unescape(value: str) -> str:
    def character(match: re.Match[str]) -> str:
        return " " if match[1] in "nN" else match[1]

    return " ".join(_ESCAPE.sub(character, value).split())


def _parts(value: str) -> list[str]:
    return [_unescape(each) for each in re.split(r"(?<!\\);", value)]


def _contact(card: list[tuple[str, dict[str, list[str]], str]]) -> Contact | None:
    formatted = structured = organisation = ""
    numbers: list[Number] = []
    for name, parameters, value in card:
        if name == "FN":
            formatted = formatted or _unescape(value)
        elif name == "N":
            family, given, *_ = [*_parts(value), "", ""]
            structured = f"{given} {family}".strip()
        elif name == "ORG":
            organisation = organisation or ", ".join(each for each in _parts(value) if each)
        elif name in ("TEL", "IMPP", "X-SIP", "X-PHONE-SIP"):
            number = _number(name, parameters, _unescape(value))
            if number is not None and number not in numbers:
                numbers.append(number)
    display = formatted or structured or organisation
    return Contact(display, tuple(numbers), organisation) if display and numbers else None


def _number(name: str, parameters: dict[str, list[str]], value: str) -> Number | None:
    lower = value.lower()
    if name == "IMPP" and not lower.startswith(("sip:", "sips:", "tel:")):
        return None  # another network's address
    if lower.startswith("tel:"):
        value = value[4:].partition(";")[0]
    elif name.startswith("X-") and not lower.startswith(("sip:", "sips:")):
        value = f"sip:{value}" if "@" in value else value
    label = next((each for each in _LABELS if each in parameters.get("TYPE", ())), "")
    if label == "fax" or not value:
        return None
    return Number(value, "mobile" if label == "cell" else label)
