"""Leaving in good order: what SIGTERM and SIGINT do to every verb that runs for long."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import os
import signal

EXIT_WITHIN = 1.7  # seconds; the promise is two, and a process takes its time to end


def stop_on_signals(stop: asyncio.Event) -> None:
    """The first SIGTERM or SIGINT sets `stop`, the second ends the process at once."""
    atexit.register(_wind_down)  # early, so that it runs last
    loop = asyncio.get_running_loop()

    def received() -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            with contextlib.suppress(NotImplementedError):
                loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_DFL)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        try:
            loop.add_signal_handler(number, received)
        except NotImplementedError:  # Windows
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(received))


def exit_at_the_latest() -> None:
    """From now on the process has EXIT_WITHIN seconds, whatever hangs: then it ends with 0."""
    if hasattr(signal, "setitimer"):
        signal.signal(signal.SIGALRM, lambda *_: os._exit(0))
        signal.setitimer(signal.ITIMER_REAL, EXIT_WITHIN)


def _wind_down() -> None:
    """The rest is Python's, which first takes its handlers away: an alarm would end it with 142."""
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, 0)
