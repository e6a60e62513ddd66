"""What a line of the control protocol may hold: the commands, their fields, their types.

Pure: text in, a checked `Command` or a `CommandError` out, which names the unknown
command, the unknown field, the missing field or the one of the wrong type. Whether
the call it speaks of exists is not decided here.
"""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from platypus.errors import PlatypusError

DTMF_DIGITS = "0123456789*#ABCD"
MAX_DIGITS = 128  # of one command: at 230 ms each that is half a minute of tones
PACKAGES = ("dialog", "message-summary", "presence")
MAX_PARTIES = 64  # of one conference
MAX_DEPTH = 32  # far more than any command nests; json itself would give up at 1,000


class CommandError(PlatypusError):
    """A command that can't be taken; `code` is a word for programs, the text is for people."""

    def __init__(self, problem: str, *, code: str, reply_to: object = None) -> None:
        super().__init__(problem)
        self.problem, self.code, self.reply_to = problem, code, reply_to


class Command(NamedTuple):
    """One command whose fields are all known, present where needed, and of the right type."""

    name: str
    reply_to: object
    fields: Mapping[str, Any]


# A check returns what is wrong with a value ("must be ..."), or None.
Check = Callable[[object], "str | None"]


def _text(value: object) -> str | None:
    if not isinstance(value, str):
        return "must be a string"
    return None if value.strip() else "must not be empty"


def _fits_header(value: object) -> bool:
    # What ends up in a header must not carry a line end with a header of its own behind it.
    return isinstance(value, str) and not any(ord(c) < 32 or ord(c) == 127 for c in value)


def _line(value: object) -> str | None:
    if isinstance(value, str) and not _fits_header(value):
        return "must not hold control characters"
    return _text(value)


def _call(value: object) -> str | None:
    if isinstance(value, bool) or not isinstance(value, str | int):
        return "must be a string or a number"
    return None


def _calls(value: object) -> str | None:
    if not isinstance(value, list) or len(value) < 2:
        return "must be a list of two calls or more"
    if len(value) > MAX_PARTIES:
        return f"must have at most {MAX_PARTIES} calls"
    return next((f"{problem} in it" for each in value if (problem := _call(each))), None)


def _flag(value: object) -> str | None:
    return None if isinstance(value, bool) else "must be true or false"


def _target(value: object) -> str | None:
    return None if value is None else _line(value)


def _refusal(value: object) -> str | None:
    if isinstance(value, bool) or not isinstance(value, int) or not 400 <= value <= 699:
        return "must be a number from 400 to 699"
    return None


def _digits(value: object) -> str | None:
    if not isinstance(value, str) or not value:
        return "must be a string of digits"
    if len(value) > MAX_DIGITS:
        return f"must have at most {MAX_DIGITS} digits"
    wrong = sorted({digit for digit in value if digit.upper() not in DTMF_DIGITS})
    return f"may hold 0-9, *, # and A-D, not {''.join(wrong)!r}" if wrong else None


def _method(value: object) -> str | None:
    return None if value in ("rtp", "info", "inband") else "must be rtp, info or inband"


def _package(value: object) -> str | None:
    return None if value in PACKAGES else f"must be one of {', '.join(PACKAGES)}"


def _headers(value: object) -> str | None:
    if not isinstance(value, dict):
        return "must be an object"
    for name, content in value.items():
        if not name or not all(33 <= ord(c) <= 126 and c not in ':,;"' for c in name):
            return f"has a header name that can't be: {name!r}"
        if not all(map(_fits_header, content if isinstance(content, list) else [content])):
            return f"must give {name} a string, or a list of strings, without control characters"
    return None


@dataclass(frozen=True, slots=True)
class _Shape:
    required: Mapping[str, Check] = field(default_factory=dict)
    optional: Mapping[str, Check] = field(default_factory=dict)


_NEWEST: Mapping[str, Check] = {"call": _call}  # without it: the newest call
_ONE_CALL = _Shape(optional=_NEWEST)
_ONE_ACCOUNT = _Shape(optional={"account": _text})

SHAPES: Mapping[str, _Shape] = {
    "call": _Shape({"to": _line}, {"account": _line, "headers": _headers}),
    "answer": _ONE_CALL,
    "ring": _ONE_CALL,
    "reject": _Shape(optional={**_NEWEST, "code": _refusal}),
    "hangup": _ONE_CALL,
    "hold": _ONE_CALL,
    "resume": _ONE_CALL,
    "mute": _Shape({"on": _flag}, _NEWEST),
    "dtmf": _Shape({"digits": _digits}, {**_NEWEST, "method": _method}),
    "redirect": _Shape({"to": _line}, _NEWEST),
    "transfer": _Shape(optional={**_NEWEST, "to": _line, "other": _call}),
    "accept_transfer": _ONE_CALL,
    "refuse_transfer": _ONE_CALL,
    "conference": _Shape({"calls": _calls}),
    "split": _ONE_CALL,
    "play": _Shape({"file": _text}, _NEWEST),
    "record": _Shape({"file": _text}, _NEWEST),
    "stop_record": _Shape(optional={**_NEWEST, "file": _text}),
    "stats": _ONE_CALL,
    "calls": _Shape(),
    "accounts": _Shape(),
    "devices": _Shape(),
    "register": _ONE_ACCOUNT,
    "unregister": _ONE_ACCOUNT,
    "subscribe": _Shape({"to": _line, "package": _package}),
    "unsubscribe": _Shape({"to": _line, "package": _package}),
    "pickup": _Shape({"to": _line}),
    "message": _Shape({"to": _line, "text": _text}),
    "set": _Shape(
        optional={
            "dnd": _flag,
            "forward_always": _target,
            "forward_busy": _target,
            "forward_no_answer": _target,
        }
    ),
    "show": _Shape({"page": _text}),
    "quit": _Shape(),
}


def parse_command(line: bytes) -> Command:
    """The command on one line. Raises CommandError, with the line's `id` where it has one."""
    value = _parse_json(line)
    if not isinstance(value, dict):
        raise CommandError("not a JSON object", code="not-json")
    reply_to = value.pop("id", None)
    name = value.pop("cmd", None)
    try:
        _check(name, value)
    except CommandError as error:
        error.reply_to = reply_to
        raise
    return Command(name, reply_to, value)


def checked(name: str, texts: Mapping[str, str]) -> dict[str, Any]:
    """Fields that were given as texts, each as what the command takes. Raises CommandError.

    A text where it takes one, else the JSON that the text is: `true`, `486`, `["1","2"]`;
    a list may be written `1,2`.
    """
    fields: dict[str, Any] = {}
    shape = SHAPES.get(name, _Shape())
    checks = {**shape.required, **shape.optional}
    for key, text in texts.items():
        check = checks.get(key, _text)
        fitting = (value for value in _readings(text) if check(value) is None)
        fields[key] = next(fitting, text)
    _check(name, fields)
    return fields


def _readings(text: str) -> Iterator[object]:
    yield text
    with contextlib.suppress(ValueError, RecursionError):
        yield _loads(text)
    yield text.split(",")


def _parse_json(line: bytes) -> object:
    try:
        value = _loads(line.decode())
    except (ValueError, RecursionError) as error:
        raise CommandError(f"not JSON: {error}", code="not-json") from None
    if _depth(value) > MAX_DEPTH:
        raise CommandError("not JSON that is any command: nested too deep", code="not-json")
    return value


def _loads(text: str) -> object:
    return json.loads(text, parse_constant=_no_constant, parse_float=_finite)


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")  # RFC 8259, 6: Python's own parser takes them


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):  # it could not be echoed
        raise ValueError(f"{text[:20]} is too large a number")
    return value


def _depth(value: object) -> int:
    depth, level = 0, [value]
    while level and depth <= MAX_DEPTH:
        depth += 1
        level = [
            child
            for one in level
            if isinstance(one, dict | list)
            for child in (one.values() if isinstance(one, dict) else one)
        ]
    return depth


def _check(name: object, fields: Mapping[str, object]) -> None:
    if name is None:
        raise CommandError("missing field: cmd", code="missing-field")
    if not isinstance(name, str) or name not in SHAPES:
        raise CommandError(f"unknown command: {name}", code="unknown-command")
    shape = SHAPES[name]
    checks = {**shape.required, **shape.optional}
    for key in fields:
        if key not in checks:
            raise CommandError(f"unknown field for {name}: {key}", code="unknown-field")
    for key in shape.required:
        if key not in fields:
            raise CommandError(f"missing field for {name}: {key}", code="missing-field")
    for key, value in fields.items():
        problem = checks[key](value)
        if problem:
            raise CommandError(f"field {key} of {name} {problem}", code="wrong-value")
