"""What a person sees of a call while it lasts, and the summary at its end."""

from __future__ import annotations

import asyncio
import math
import shutil
import sys
from collections.abc import Mapping
from typing import Any, TextIO

from platypus.call import Call
from platypus.events import (
    CallEnded,
    CallState,
    CallStateChanged,
    DeviceChanged,
    DtmfReceived,
    ErrorOccurred,
    Event,
    MediaChanged,
    Registered,
    RegistrationFailed,
)
from platypus.sip.grammar import shown

LIVE_SECONDS = 0.2
PLAIN_SECONDS = 5.0
METER_FLOOR_DB = -60.0
METER_CELLS = 10


class Progress:
    """Shows a call on `out`: one line that is written again on a terminal, else plain lines."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._live = out.isatty()
        self._dirty = False

    async def show(self, call: Call) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(LIVE_SECONDS if self._live else PLAIN_SECONDS)
            if self._live:
                self.rewrite(live_line(call))
            elif call.state is CallState.CONFIRMED:
                self._print(live_line(call))

    def receive(self, event: Event) -> None:
        """Say what happened."""
        line = told(event)
        if line:
            self._print(line)

    def close(self) -> None:
        """Leave the live line as it is and go on below it."""
        if self._dirty:
            self._out.write("\n")
            self._out.flush()
            self._dirty = False

    def rewrite(self, line: str) -> None:
        """Put `line` in the place of the last one, on a terminal."""
        width = shutil.get_terminal_size().columns - 1
        self._out.write("\r" + shown(line)[:width].ljust(width))
        self._out.flush()
        self._dirty = True

    def _print(self, line: str) -> None:
        self.close()
        self._out.write(shown(line) + "\n")
        self._out.flush()


def told(event: Event) -> str | None:
    """A line for a person, or None for what only programs want to know."""
    match event:
        case CallStateChanged(_, state, hold):
            return f"{state}" + (f" (hold: {hold})" if hold != "none" else "")
        case CallEnded(_, code, reason, by):
            return f"ended by {by}: {reason}" + (f" ({code})" if code else "")
        case MediaChanged(_, state, codec, _, local, remote, direction):
            return f"media {state}: {codec} {local} <-> {remote} {direction}"
        case DtmfReceived(_, digit):
            return f"digit {digit}"
        case DeviceChanged(input_name, output_name, reason):
            return f"sound: {input_name or 'none'} / {output_name or 'none'}: {reason}"
        case Registered(account, expires):
            return f"registered {account.aor} for {expires} s"
        case RegistrationFailed(account, _, reason):
            return f"not registered {account.aor}: {reason}"
        case ErrorOccurred(message):
            return f"error: {message}"
    return None


def live_line(call: Call) -> str:
    """State, time, levels, loss and jitter in less than 80 columns."""
    statistics = call.statistics()
    receive = statistics["receive"]
    sent, heard = call.levels()
    parts = [
        f"{call.state!s:9}",
        clock(statistics["duration_s"]),
        f"out {meter(sent)}",
        f"in {meter(heard)}",
        f"lost {share(receive)}",
        f"jitter {figure(receive['jitter_ms'], '.1f')} ms",
    ]
    return "  ".join(parts)


def summary(call: Call, statistics: Mapping[str, Any]) -> list[str]:
    """The call in figures, `name: value unit` one a line."""
    send, receive = statistics["send"], statistics["receive"]
    ended = call.ended_event
    lines = [
        f"duration: {figure(statistics['duration_s'], '.1f')} s",
        f"codec: {statistics['codec'] or '-'}",
        f"sent: {send['packets']} packets",
        f"received: {receive['packets']} packets",
        f"lost: {figure(receive['lost'], 'd')} packets",
        f"late: {figure(receive['late'], 'd')} packets",
        f"jitter: {figure(receive['jitter_ms'], '.2f')} ms",
        f"concealed: {figure(receive['concealed_ms'], '.0f')} ms",
    ]
    if ended is not None:
        lines.append(f"ended: by {ended.by}, {shown(ended.reason)}")
    return lines


def meter(peak: float | None) -> str:
    """A bar from -60 dBFS to full scale."""
    db = 20 * math.log10(peak) if peak else METER_FLOOR_DB
    filled = round(METER_CELLS * min(1.0, max(0.0, 1 - db / METER_FLOOR_DB)))
    full, empty = ("█", "·") if _speaks_unicode() else ("#", ".")
    return full * filled + empty * (METER_CELLS - filled)


def clock(duration: float | None) -> str:
    """Minutes and seconds since the answer."""
    minutes, seconds = divmod(int(duration or 0), 60)
    return f"{minutes:02}:{seconds:02}"


def share(receive: Mapping[str, Any]) -> str:
    """Lost packets, also in per cent of what there should be."""
    lost, packets = receive["lost"], receive["packets"]
    if lost is None:
        return "-"
    total = lost + packets
    return f"{lost} ({100 * lost / total if total else 0:.1f} %)"


def figure(value: float | None, form: str) -> str:
    """What has not been measured is a dash, never a guess."""
    return "-" if value is None else format(value, form)


def _speaks_unicode() -> bool:
    return (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
