"""Lines in and lines out, on file descriptors that somebody else chose.

Standard input may be a pipe, a terminal, a file, /dev/null or nothing at all; asyncio's
own pipes take only some of these (`connect_read_pipe` raises on a regular file, and
sets O_NONBLOCK on what other programs may share with us). So the descriptors stay
blocking, and are only touched when the selector says they are ready. What it can't
watch is a file, and never blocks.

Standard output is written in the order of `write`, each line whole. A reader that is
slow never stops the phone: lines wait in memory, up to a limit.

Windows' loop has no `add_reader`: there a thread reads, and writing blocks.
"""

from __future__ import annotations

import asyncio
import os
import select
import sys
import threading
from collections.abc import Callable

# POSIX: a pipe that is writable takes this much without blocking.
CHUNK = getattr(select, "PIPE_BUF", 512)
READ_SIZE = 65536
MAX_LINE = 1 << 20  # nothing a person or a program has to say is longer than a megabyte
MAX_WAITING = 16 << 20  # of output nobody reads: about an hour of a busy phone's events


class LineReader:
    """Calls `receive(line)` for each line of `fd`, and `ended()` once when there is no more.

    A last line without its newline counts. A line longer than MAX_LINE is given cut
    to that length, once, and its rest is skipped: no command is that long.
    """

    def __init__(
        self, fd: int, receive: Callable[[bytes], None], *, ended: Callable[[], None]
    ) -> None:
        self._fd, self._receive, self._ended = fd, receive, ended
        self._loop = asyncio.get_running_loop()
        self._partial = bytearray()
        self._skipping = False
        self._open = True
        self._watching = False

    def start(self) -> None:
        if sys.platform == "win32":
            threading.Thread(target=self._read_in_thread, daemon=True, name="stdin").start()
            return
        try:
            self._loop.add_reader(self._fd, self._ready)
            self._watching = True
        except PermissionError:  # epoll: EPERM for a file or /dev/null
            self._loop.call_soon(self._read_file)
        except (OSError, ValueError):  # closed, or never there
            self._loop.call_soon(self._end)

    def stop(self) -> None:
        """No more lines come."""
        self._open = False
        if self._watching:
            self._loop.remove_reader(self._fd)
            self._watching = False

    def _ready(self) -> None:
        try:
            data = os.read(self._fd, READ_SIZE)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:  # a terminal that hung up
            data = b""
        self._received(data)

    def _read_file(self) -> None:
        if not self._open:
            return
        self._ready()
        if self._open:
            self._loop.call_soon(self._read_file)  # one piece a turn: the phone goes on meanwhile

    def _read_in_thread(self) -> None:
        while True:
            try:
                data = os.read(self._fd, READ_SIZE)
            except OSError:
                data = b""
            try:
                self._loop.call_soon_threadsafe(self._received, data)
            except RuntimeError:  # the loop is closed
                return
            if not data:
                return

    def _received(self, data: bytes) -> None:
        if not self._open:
            return
        if not data:
            self._end()
            return
        self._partial += data
        *lines, rest = self._partial.split(b"\n")
        self._partial = rest
        for line in lines:
            self._give(line)
        if len(self._partial) > MAX_LINE:
            self._give(self._partial)
            self._partial = bytearray()
            self._skipping = True

    def _give(self, line: bytearray) -> None:
        if self._skipping:
            self._skipping = False  # this is the rest of what was given cut
        elif self._open:
            self._receive(bytes(line[:MAX_LINE]))

    def _end(self) -> None:
        if not self._open:
            return
        self.stop()
        if self._partial and not self._skipping:
            self._receive(bytes(self._partial[:MAX_LINE]))
        self._ended()


class LineWriter:
    """Writes whole lines to `fd` in order; `broken()` is called once if its reader is gone.

    Lines are lost only where nobody read for so long that MAX_WAITING is used up; the
    first one after that is `lost(count)`. `soon(callback)` is when what was written by then goes
    in one write: the loop's next turn, unless somebody knows better.
    """

    def __init__(
        self,
        fd: int,
        *,
        broken: Callable[[], None],
        lost: Callable[[int], bytes],
        soon: Callable[[Callable[[], None]], object] | None = None,
    ) -> None:
        self._fd, self._broken, self._tell_lost = fd, broken, lost
        self._is_writable = _asks_whether_writable(fd)
        self._loop = asyncio.get_running_loop()
        self._soon = soon or self._loop.call_soon
        self._waiting = bytearray()
        self._watching = self._scheduled = False
        self._is_broken = False
        self._lost = 0
        self._drained = asyncio.Event()

    def write(self, line: bytes) -> None:
        """Queue `line` (without its newline)."""
        if self._is_broken:
            return
        if len(self._waiting) > MAX_WAITING:
            self._lost += 1
            return
        if self._lost:
            self._waiting += self._tell_lost(self._lost) + b"\n"
            self._lost = 0
        self._waiting += line + b"\n"
        if not self._watching and not self._scheduled:
            self._scheduled = True
            self._soon(self._flush)

    async def drain(self) -> None:
        """Wait until everything is written, or its reader is gone."""
        while self._waiting and not self._is_broken:
            self._drained.clear()
            await self._drained.wait()

    def _flush(self) -> None:
        self._scheduled = False
        while self._waiting and not self._is_broken:
            if not self._is_writable():
                self._watch()
                return
            try:
                written = os.write(self._fd, self._waiting[:CHUNK])
            except (BlockingIOError, InterruptedError):
                self._watch()
                return
            except OSError:  # EPIPE: whoever read us is gone; EIO: the terminal is
                self._fail()
                return
            del self._waiting[:written]
        self._unwatch()

    def _watch(self) -> None:
        if not self._watching:
            self._loop.add_writer(self._fd, self._flush)
            self._watching = True

    def _unwatch(self) -> None:
        self._drained.set()
        if self._watching:
            self._loop.remove_writer(self._fd)
            self._watching = False

    def _fail(self) -> None:
        self._unwatch()
        self._is_broken = True
        self._waiting.clear()
        self._broken()


def _asks_whether_writable(fd: int) -> Callable[[], bool]:
    if sys.platform == "win32":
        return lambda: True
    poll = select.poll()
    poll.register(fd, select.POLLOUT)
    return lambda: bool(poll.poll(0))  # errors count as ready: the write then says which
