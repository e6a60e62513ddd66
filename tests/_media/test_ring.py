"""The PCM ring against a queue of its capacity."""

from __future__ import annotations

import sys
import threading
from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platypus._media.ring import Ring


def pcm(*samples: int) -> bytes:
    return b"".join(sample.to_bytes(2, "little", signed=True) for sample in samples)


class TestOneThread:
    def test_gives_back_what_it_took(self) -> None:
        ring = Ring(8)
        assert ring.write(pcm(1, -2, 3)) == 3
        assert ring.read(2) == pcm(1, -2)
        assert ring.available == 1

    def test_a_full_ring_refuses_the_newest_and_counts(self) -> None:
        ring = Ring(5)
        assert ring.write(pcm(1, 2, 3, 4, 5, 6, 7)) == 5
        assert ring.overruns == 2
        assert ring.read(5) == pcm(1, 2, 3, 4, 5)

    def test_an_empty_ring_gives_what_there_is_and_counts(self) -> None:
        ring = Ring(5)
        ring.write(pcm(1))
        assert ring.read(3) == pcm(1)
        assert ring.underruns == 2

    def test_holds_its_capacity_though_that_is_no_power_of_two(self) -> None:
        ring = Ring(5)
        for _ in range(20):
            assert ring.write(pcm(1, 2, 3, 4, 5, 6)) == 5
            assert ring.read(5) == pcm(1, 2, 3, 4, 5)

    def test_discards_the_oldest(self) -> None:
        ring = Ring(8)
        ring.write(pcm(1, 2, 3))
        assert ring.discard(2) == 2
        assert ring.read(1) == pcm(3)
        assert ring.discard(2) == 0
        assert ring.underruns == 0

    def test_nothing_written_and_nothing_read(self) -> None:
        ring = Ring(1)
        assert ring.write(b"") == 0
        assert ring.read(0) == b""
        assert ring.discard(-1) == 0

    @given(st.integers(1, 40), st.lists(st.tuples(st.booleans(), st.integers(0, 50)), max_size=60))
    def test_behaves_as_a_bounded_queue(self, capacity: int, steps: list[tuple[bool, int]]) -> None:
        ring, queue, number, over, under = Ring(capacity), deque[int](), 0, 0, 0
        for writes, count in steps:
            if writes:
                room = min(count, capacity - len(queue))
                new = range(number, number + count)
                assert ring.write(pcm(*new)) == room
                queue.extend(list(new)[:room])
                over += count - room
                number += count
            else:
                there = [queue.popleft() for _ in range(min(count, len(queue)))]
                assert ring.read(count) == pcm(*there)
                under += count - len(there)
            assert (ring.available, ring.overruns, ring.underruns) == (len(queue), over, under)


class TestTwoThreads:
    def test_a_writer_and_a_reader_lose_nothing(self) -> None:
        ring, total = Ring(64), 20_000
        numbers = [number % 30_000 for number in range(total)]

        def write() -> None:
            at = 0
            while at < total:
                at += ring.write(pcm(*numbers[at : at + 48]))

        writer = threading.Thread(target=write)
        got, patience = b"", sys.getswitchinterval()
        sys.setswitchinterval(1e-5)  # they take turns in the midst of everything
        try:
            writer.start()
            while len(got) < 2 * total:
                got += ring.read(min(ring.available, 37))
            writer.join()
        finally:
            sys.setswitchinterval(patience)
        assert got == pcm(*numbers)


class TestArguments:
    @pytest.mark.parametrize("capacity", [0, -1, 2**30])
    def test_capacity_that_makes_no_sense(self, capacity: int) -> None:
        with pytest.raises(ValueError, match="ring holds"):
            Ring(capacity)

    def test_half_a_sample_is_refused(self) -> None:
        with pytest.raises(ValueError, match="odd"):
            Ring(4).write(b"\0")

    def test_a_negative_number_of_samples_is_refused(self) -> None:
        with pytest.raises(ValueError, match="negative"):
            Ring(4).read(-1)
