"""Lines through every kind of descriptor that a program may be started with."""

from __future__ import annotations

import asyncio
import os
import pty
import select
import socket
import tempfile
from collections.abc import Callable

import pytest

from platypus.control import lines
from platypus.control.lines import LineReader, LineWriter


def read_all(fd: int, *, before_end=lambda: None) -> list[bytes]:
    """Every line that comes from `fd` until it ends."""

    async def read() -> list[bytes]:
        received: list[bytes] = []
        ended = asyncio.Event()
        LineReader(fd, received.append, ended=ended.set).start()
        before_end()
        async with asyncio.timeout(5):
            await ended.wait()
        return received

    return asyncio.run(read())


class Output:
    """A pipe whose reading end the test holds, and what the writer told of it."""

    def __init__(self) -> None:
        self.reading, self.fd = os.pipe()
        self.broken = 0
        self.writer = LineWriter(self.fd, broken=self._break, lost=lambda n: b"lost %d" % n)

    def _break(self) -> None:
        self.broken += 1

    async def read(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            if select.select([self.reading], [], [], 0)[0]:
                data += os.read(self.reading, 65536)
            await asyncio.sleep(0)
        return data


class TestReading:
    def test_a_pipe_gives_its_lines_whatever_pieces_they_came_in(self):
        reading, writing = os.pipe()
        os.write(writing, b"one\ntw")

        def rest() -> None:
            os.write(writing, b"o\n\nthree\n")
            os.close(writing)

        assert read_all(reading, before_end=rest) == [b"one", b"two", b"", b"three"]

    def test_a_last_line_without_its_end_counts(self):
        reading, writing = os.pipe()
        os.write(writing, b"one\ntwo")
        os.close(writing)
        assert read_all(reading) == [b"one", b"two"]

    def test_a_regular_file_is_read_to_its_end(self):
        with tempfile.TemporaryFile() as file:
            file.write(b"".join(b"line %d\n" % n for n in range(20_000)))
            file.seek(0)
            assert len(read_all(file.fileno())) == 20_000

    def test_dev_null_ends_at_once(self):
        with open(os.devnull, "rb") as null:
            assert read_all(null.fileno()) == []

    def test_a_descriptor_that_is_not_open_ends_at_once(self):
        reading, writing = os.pipe()
        os.close(reading)
        os.close(writing)
        assert read_all(reading) == []

    def test_a_terminal_gives_its_lines_and_ends_when_it_hangs_up(self):
        ours, theirs = pty.openpty()

        def type_and_hang_up() -> None:
            asyncio.get_running_loop().call_later(0.05, os.close, ours)

        os.write(ours, b"answer\n")
        assert read_all(theirs, before_end=type_and_hang_up) == [b"answer"]

    def test_a_socket_gives_its_lines(self):
        ours, theirs = socket.socketpair()
        with ours, theirs:
            ours.sendall(b"one\n")
            assert read_all(theirs.fileno(), before_end=ours.close) == [b"one"]

    def test_the_descriptor_stays_blocking_for_those_who_share_it(self):
        reading, writing = os.pipe()
        os.close(writing)
        read_all(reading)
        assert os.get_blocking(reading)

    def test_an_endless_line_is_given_cut_once_and_the_next_one_is_whole(self, monkeypatch):
        monkeypatch.setattr(lines, "MAX_LINE", 100)
        with tempfile.TemporaryFile() as file:
            file.write(b"x" * 200_000 + b"\nnext\n")
            file.seek(0)
            assert read_all(file.fileno()) == [b"x" * 100, b"next"]

    def test_nothing_comes_after_stop(self):
        async def scenario() -> list[bytes]:
            reading, writing = os.pipe()
            received: list[bytes] = []
            reader = LineReader(reading, received.append, ended=lambda: received.append(b"END"))
            reader.start()
            reader.stop()
            os.write(writing, b"late\n")
            os.close(writing)
            await asyncio.sleep(0.01)
            return received

        assert asyncio.run(scenario()) == []

    def test_a_line_may_stop_the_reader(self):
        async def scenario() -> list[bytes]:
            reading, writing = os.pipe()
            received: list[bytes] = []
            done = asyncio.Event()

            def receive(line: bytes) -> None:
                received.append(line)
                reader.stop()
                done.set()

            reader = LineReader(reading, receive, ended=lambda: received.append(b"END"))
            os.write(writing, b"quit\nmore\n")
            reader.start()
            await done.wait()
            return received

        assert asyncio.run(scenario()) == [b"quit"]


class TestWriting:
    def test_lines_come_out_in_order_and_whole(self):
        async def scenario() -> bytes:
            output = Output()
            output.writer.write(b"one")
            output.writer.write(b"two")
            await output.writer.drain()
            return await output.read(8)

        assert asyncio.run(scenario()) == b"one\ntwo\n"

    def test_who_knows_when_the_work_is_over_has_its_lines_written_then(self):
        async def scenario() -> bytes:
            reading, fd = os.pipe()
            os.set_blocking(reading, False)
            work: list[Callable[[], None]] = []
            writer = LineWriter(fd, broken=lambda: None, lost=lambda n: b"", soon=work.append)
            writer.write(b"one")
            writer.write(b"two")
            await asyncio.sleep(0)
            assert not select.select([reading], [], [], 0)[0]
            [flush] = work
            flush()
            return os.read(reading, 100)

        assert asyncio.run(scenario()) == b"one\ntwo\n"

    def test_a_slow_reader_stops_nobody_and_loses_nothing(self):
        async def scenario() -> tuple[list[bytes], list[bytes]]:
            output = Output()
            sent = [b"%06d " % n + b"x" * 500 for n in range(2000)]  # far more than a pipe holds
            for line in sent:
                output.writer.write(line)
            got = await output.read(sum(len(line) + 1 for line in sent))
            return sent, got.splitlines()

        sent, got = asyncio.run(scenario())
        assert got == sent

    def test_a_reader_that_never_reads_is_told_how_many_lines_are_lost(self, monkeypatch):
        monkeypatch.setattr(lines, "MAX_WAITING", 1000)

        async def scenario() -> list[bytes]:
            output = Output()
            line = b"x" * 99_999
            for _ in range(5):  # one in the pipe or waiting, the others have no room
                output.writer.write(line)
            await output.read(100_000)
            await output.writer.drain()
            output.writer.write(b"again")
            return (await output.read(13)).splitlines()

        assert asyncio.run(scenario()) == [b"lost 4", b"again"]

    def test_a_reader_that_is_gone_is_told_once(self):
        async def scenario() -> int:
            output = Output()
            os.close(output.reading)
            for _ in range(3):
                output.writer.write(b"anybody?")
            await output.writer.drain()
            return output.broken

        assert asyncio.run(scenario()) == 1

    def test_a_reader_that_goes_while_lines_wait_is_noticed(self):
        async def scenario() -> int:
            output = Output()
            output.writer.write(b"x" * 200_000)
            os.close(output.reading)
            async with asyncio.timeout(5):
                await output.writer.drain()
            return output.broken

        assert asyncio.run(scenario()) == 1

    @pytest.mark.parametrize("kind", ["file", "null"])
    def test_writes_to_what_can_not_be_watched(self, kind, tmp_path):
        path = tmp_path / "out" if kind == "file" else os.devnull

        async def scenario(fd: int) -> None:
            writer = LineWriter(fd, broken=lambda: None, lost=lambda n: b"")
            for number in range(1000):
                writer.write(b"%d" % number)
            await writer.drain()

        with open(path, "wb") as file:
            asyncio.run(scenario(file.fileno()))
        if kind == "file":
            assert path.read_bytes().split() == [b"%d" % n for n in range(1000)]

    def test_the_descriptor_stays_blocking_for_those_who_share_it(self):
        async def scenario() -> bool:
            output = Output()
            output.writer.write(b"x" * 200_000)
            return os.get_blocking(output.fd)

        assert asyncio.run(scenario())
