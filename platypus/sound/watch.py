"""Tells when sound devices come and go: PortAudio has no way to.

    a sound server     `pactl subscribe`, one line an event, started again when the server is gone
    Linux without one  the kernel's uevents, what udev itself listens to
    elsewhere          nothing here: whoever owns the watch looks by itself now and then

It only says that something may have changed; what there is now is for the lists.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from typing import IO

from platypus.audio import pulse

AGAIN_S = 0.25  # between two attempts to listen to a server that is gone; more and more
AGAIN_MOST_S = 2.0
SETTLED_S = 0.2  # a subscription stands by then; what changed before is to be looked up
UEVENT_BYTES = 8192
KERNEL_GROUP = 1  # of the netlink family: the kernel's own messages, before udev's
NETLINK_KOBJECT_UEVENT = 15


class Watch:
    """Calls `changed` from the loop until it is closed."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._loop = asyncio.get_running_loop()
        self._program: subprocess.Popen[bytes] | None = None
        self._rest = b""
        self._stands = False  # the subscription
        self._again = AGAIN_S
        self._timers: set[asyncio.TimerHandle] = set()
        self._kernel: socket.socket | None = None
        self._closed = False
        if pulse.available():
            self._subscribe()
        elif sys.platform.startswith("linux"):
            self._listen_to_kernel()

    @property
    def wakes(self) -> bool:
        """Whether it tells of changes; else somebody has to look now and then."""
        return self._program is not None or self._kernel is not None

    def close(self) -> None:
        """Idempotent."""
        self._closed = True
        for timer in self._timers:
            timer.cancel()
        self._end_program()
        if self._kernel is not None:
            self._loop.remove_reader(self._kernel)
            self._kernel.close()
            self._kernel = None

    def _later(self, seconds: float, what: Callable[[], None]) -> None:
        def happen() -> None:
            self._timers.discard(timer)
            what()

        timer = self._loop.call_later(seconds, happen)
        self._timers.add(timer)

    def _subscribe(self) -> None:
        try:
            self._program = subprocess.Popen(
                pulse.SUBSCRIBE,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                bufsize=0,
            )
        except OSError:
            return
        self._rest = b""
        if self._program.stdout is not None:
            self._loop.add_reader(self._program.stdout, self._read, self._program.stdout)
        self._later(SETTLED_S, partial(self._settle, self._program))

    def _settle(self, program: subprocess.Popen[bytes]) -> None:
        if program is self._program:
            self._stands, self._again = True, AGAIN_S
            self._changed()

    def _read(self, output: IO[bytes]) -> None:
        data = output.read(65536)
        if not data:
            self._end_program()
            if self._stands:
                self._stands = False
                self._changed()
            self._later(self._again, self._subscribe)
            self._again = min(1.5 * self._again, AGAIN_MOST_S)
            return
        lines = (self._rest + data).split(b"\n")
        self._rest = lines.pop()[-1000:]
        if any(pulse.concerns_devices(line.decode("utf-8", "replace")) for line in lines):
            self._changed()

    def _end_program(self) -> None:
        program, self._program = self._program, None
        if program is None:
            return
        if program.stdout is not None:
            self._loop.remove_reader(program.stdout)
            program.stdout.close()
        program.kill()
        program.wait()  # it was killed, or had closed its output to end

    def _listen_to_kernel(self) -> None:
        kernel = socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, NETLINK_KOBJECT_UEVENT)
        try:
            kernel.setblocking(False)
            kernel.bind((0, KERNEL_GROUP))
        except OSError:  # some containers forbid it
            kernel.close()
            return
        self._kernel = kernel
        self._loop.add_reader(kernel, self._read_kernel, kernel)

    def _read_kernel(self, kernel: socket.socket) -> None:
        with contextlib.suppress(OSError):  # there were more than fit: something changed
            if not concerns_sound(kernel.recv(UEVENT_BYTES)):
                return
        self._changed()


def concerns_sound(message: bytes) -> bool:
    """Whether a uevent (`add@/devices/...`, then KEY=VALUE, zeros between) is about sound."""
    return b"SUBSYSTEM=sound" in message.split(b"\0")
