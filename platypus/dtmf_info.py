"""Digits in the body of an INFO, as phones and PBXs write them (no RFC does).

    application/dtmf-relay     Signal=5 and Duration=160, a line each (Cisco, Asterisk)
    application/dtmf           the digit alone

10 to 15 stand for * # A B C D, as in RFC 4733. A hook flash (16) is no digit.
"""

from __future__ import annotations

import re

DIGITS = "0123456789*#ABCD"
RELAY = "application/dtmf-relay"
DEFAULT_MS = 250  # where nothing is said of how long it was pressed
MAX_MS = 60_000

_SIGNAL = re.compile(rb"(?im)^[ \t]*signal[ \t]*=[ \t]*([0-9A-D*#]{1,2})[ \t]*\r?$")
_DURATION = re.compile(rb"(?im)^[ \t]*duration[ \t]*=[ \t]*([0-9]{1,6})[ \t]*\r?$")
_ALONE = re.compile(rb"(?i)\s*([0-9A-D*#]{1,2})\s*")


def build_info(digit: str, duration_ms: int) -> tuple[str, bytes]:
    """Content type and body for one digit; ValueError for what is none."""
    if digit.upper() not in DIGITS or len(digit) != 1:
        raise ValueError(f"{digit!r} is not one of 0-9, *, # and A-D")
    return RELAY, f"Signal={digit.upper()}\r\nDuration={duration_ms}\r\n".encode()


def parse_info(body: bytes) -> tuple[str, int] | None:
    """The digit and how many ms it was pressed; None for anything else."""
    signal = _SIGNAL.search(body) or _ALONE.fullmatch(body)
    digit = _digit(signal[1].decode().upper()) if signal is not None else None
    if digit is None:
        return None
    duration = _DURATION.search(body)
    return digit, min(int(duration[1]), MAX_MS) if duration is not None else DEFAULT_MS


def _digit(signal: str) -> str | None:
    if len(signal) == 1:
        return signal
    number = int(signal) if signal.isdigit() else len(DIGITS)
    return DIGITS[number] if number < len(DIGITS) else None
