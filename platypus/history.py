"""The calls that were: who, when, how long, and which of them nobody took.

A JSON file of the newest calls, written whole after each one. A call that another phone
answered is no missed call. What can't be read is set aside, never overwritten.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal, get_args

from platypus.files import read_bounded, set_aside, write_whole

logger = logging.getLogger("platypus.history")

MOST = 1000  # calls kept; a busy desk has some fifty a day
MAX_BYTES = 4_194_304

Kind = Literal["outgoing", "failed", "incoming", "missed", "refused", "elsewhere"]
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True, slots=True)
class CallRecord:
    """One call. `uri` is the other side, bare; `began` is in seconds since 1970."""

    kind: Kind
    uri: str
    name: str = ""
    account: str = ""  # the address of record it went through
    began: float = 0.0
    duration_s: float | None = None  # None: never answered
    code: int | None = None
    reason: str = ""
    seen: bool = True  # False: a missed call the user has not been shown


def kind_of(
    direction: str, *, answered: bool, by: str, elsewhere: bool, code: int | None = None
) -> Kind:
    """What became of a call, in the words of CONTROL.md's `ended`."""
    if direction == "outgoing":
        return "outgoing" if answered or by == "local" else "failed"
    if elsewhere:
        return "elsewhere"
    if answered:
        return "incoming"
    return "missed" if by == "remote" or code in (None, 480, 408) else "refused"


class History:
    """Newest first. `path` None keeps it in memory only."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._calls: list[CallRecord] = self._read(path) if path is not None else []

    @property
    def calls(self) -> tuple[CallRecord, ...]:
        return tuple(self._calls)

    @property
    def unseen(self) -> int:
        """Missed calls the user has not looked at."""
        return sum(1 for call in self._calls if not call.seen)

    def add(self, call: CallRecord) -> None:
        """Raises OSError where the file can't be written; the call is in `calls` all the same."""
        self._calls.insert(0, replace(call, seen=call.kind != "missed"))
        del self._calls[MOST:]
        self._write()

    def mark_seen(self) -> None:
        if self.unseen:
            self._calls = [replace(call, seen=True) for call in self._calls]
            self._write()

    def remove(self, call: CallRecord) -> None:
        if call in self._calls:
            self._calls.remove(call)
            self._write()

    def clear(self) -> None:
        self._calls = []
        self._write()

    def last_dialled(self) -> str | None:
        """What redial calls."""
        return next((call.uri for call in self._calls if call.kind in ("outgoing", "failed")), None)

    def _write(self) -> None:
        if self._path is not None:
            rows = [asdict(call) for call in self._calls]
            text = json.dumps({"version": 1, "calls": rows}, ensure_ascii=False, indent=0)
            write_whole(self._path, text.encode())

    def _read(self, path: Path) -> list[CallRecord]:
        try:
            data = read_bounded(path, MAX_BYTES)
        except OSError as error:
            set_aside(path, str(error))
            return []
        if data is None:
            return []
        try:
            return list(_records(json.loads(data)["calls"]))[:MOST]
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            set_aside(path, f"{type(error).__name__}: {error}")
            return []


def default_path() -> Path:
    from platformdirs import user_data_path

    return user_data_path("platypus", appauthor=False) / "history.json"


_FIELDS = {each.name for each in fields(CallRecord)}


def _records(rows: Iterable[dict[str, Any]]) -> Iterable[CallRecord]:
    for row in rows:
        if not isinstance(row, dict):
            raise TypeError(f"not a call: {row!r:.40}")
        call = CallRecord(**{key: value for key, value in row.items() if key in _FIELDS})
        if call.kind not in KINDS or not isinstance(call.uri, str):
            raise ValueError(f"not a call: {call.kind!r}")
        yield call
