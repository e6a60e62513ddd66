"""From what a person types, pastes or clicks to what the exchange wants dialled.

    typed or stored         rules                          dialled
    ---------------------   ----------------------------   ----------------
    030 901 820             none                           030901820
    +49 (0)30 901820        country +49, national 0        030901820
    +33 1 23 45 67 89       international 00               0033123456789
    030 901 820             outside line 0                 0030901820
    alice, sip:a@b, *97     any                            as it is

Pure: text and rules in, text out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

# What people put between digits; letters and @ make it an address, which is left alone.
_BETWEEN = re.compile(r"[\s()./\u2010-\u2015\u00a0-]+")
_NUMBER = re.compile(r"\+?[0-9*#]+")
_TRUNK_ZERO = re.compile(r"(\+[0-9 ]+)\(0\)")  # +49 (0)30: the 0 is for callers at home


@dataclass(frozen=True, slots=True)
class DialRules:
    """How this exchange wants numbers. Empty: as they are typed."""

    country: str = ""  # "+49": numbers of it are dialled as national ones
    international: str = ""  # "00", put instead of the +; without it the + stays
    national: str = ""  # "0", put before a number of our own country
    outside: str = ""  # "0" or "9", put before every number outside the exchange
    extension_digits: int = 5  # a number as short as that is inside the exchange

    def __post_init__(self) -> None:
        if self.country and not re.fullmatch(r"\+[1-9][0-9]{0,3}", self.country):
            raise ValueError("the country is a plus and one to four digits, as in +49")
        for name in ("international", "national", "outside"):
            if not re.fullmatch(r"[0-9*#]{0,6}", getattr(self, name)):
                raise ValueError(f"{name} is at most six digits, * or #")
        if not 0 <= self.extension_digits <= 15:
            raise ValueError("extension_digits is from 0 to 15")


def tidy(text: str) -> str:
    """Digits without what people put between them; an address as it is."""
    text = "".join(each for each in text if each.isprintable()).strip()
    if text.lower().startswith(("tel:", "callto:")):
        text = text.partition(":")[2].lstrip("/").partition(";")[0]
    digits = _BETWEEN.sub("", _TRUNK_ZERO.sub(r"\1", text))
    return digits if _NUMBER.fullmatch(digits) else text


def dialled(text: str, rules: DialRules = DialRules()) -> str:
    """What to call for `text`."""
    number = tidy(text)
    if not _NUMBER.fullmatch(number) or number.startswith(("*", "#")):
        return number
    outside = number.startswith("+") or len(number) > rules.extension_digits
    if number.startswith("+"):
        number = _abroad(number, rules)
    if outside and not number.startswith("+"):
        number = rules.outside + number
    return number


def _abroad(number: str, rules: DialRules) -> str:
    if rules.country and number.startswith(rules.country):
        return rules.national + number[len(rules.country) :]
    return rules.international + number[1:] if rules.international else number
