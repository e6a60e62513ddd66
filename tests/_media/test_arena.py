"""Memory of legs: what is taken comes back, and chunks with nothing taken go."""

from __future__ import annotations

import gc
import subprocess
import sys

import pytest

from platypus._media.arena import chunks, spare
from platypus._media.loop import Loop
from platypus._media.stream import Stream
from platypus.media import srtp
from tests.harness.sanitizer import SANITIZED

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="elsewhere it is malloc"
)
MANY = 100  # more than fit into the first chunk


def test_what_streams_took_is_given_back():
    Stream()  # the first chunk stays
    before = chunks()
    streams = [Stream(ssrc=number) for number in range(MANY)]
    during = chunks()
    if during == (0, 0):
        pytest.skip("a sanitizer sees each block of its own")
    assert during[0] > before[0]
    assert during[1] == before[1] + 2 * MANY  # a stream and its decoder
    streams.clear()
    assert chunks() == before


FIRST_CHUNK = """
from platypus._media.arena import chunks
from platypus._media.loop import Loop
from platypus._media.stream import Stream

Stream()
kept = chunks()
assert kept in ((1, 0), (0, 0)), kept
Stream()
assert chunks() == kept
Loop().give_back()
assert chunks() == (0, 0)
assert Stream().statistics()["receive"]["packets"] == 0
"""


def test_the_first_chunk_is_kept_from_call_to_call_until_there_are_none():
    # In a process of its own: other tests' contexts and streams may still be alive in this one.
    command = [sys.executable, "-c", FIRST_CHUNK]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


@pytest.mark.skipif(SANITIZED, reason="a sanitizer sees each block of its own")
def test_what_a_turn_looks_at_of_a_stream_lies_within_a_page():
    kept = [Stream() for _ in range(MANY)]
    assert {stream.turn_pages() for stream in kept} == {1}
    kept = kept[::2]  # what is given back is taken again
    again = [Stream() for _ in range(MANY)]
    assert {stream.turn_pages() for stream in kept + again} == {1}


@pytest.mark.skipif(SANITIZED, reason="a sanitizer sees each block of its own")
def test_of_what_few_turns_look_at_a_few_blocks_are_kept_until_there_are_no_calls():
    kept = [Stream() for _ in range(MANY)]
    kept.clear()
    assert 0 < spare() <= 32
    before = spare()
    first = Stream()
    assert spare() == before - 1
    del first
    assert spare() == before
    Loop().give_back()
    assert spare() == 0


def test_memory_is_used_again():
    kept = [Stream() for _ in range(MANY)]
    before = chunks()
    for _ in range(10 * MANY):
        Stream()
    assert chunks()[0] <= before[0] + 1
    assert len(kept) == MANY


def test_a_stream_in_used_memory_begins_anew():
    first = Stream(ssrc=1, sequence=7)
    first.configure_send(0, "pcmu")
    first.configure_receive({0: "pcmu"})
    first.receive(b"\x80\x00\x00\x01" + bytes(8) + bytes(160), 0)
    first.playout(20_000_000)
    used = first.statistics()
    del first
    anew = Stream(ssrc=1, sequence=7)
    assert anew.statistics() != used
    assert anew.statistics()["receive"]["packets"] == 0
    assert anew.playout(20_000_000) == bytes(320)


def test_contexts_lie_beside_the_legs_and_give_back_what_they_took():
    gc.collect()  # what earlier tests left in circles
    Stream()
    before = chunks()
    key = bytes(28)
    contexts = [srtp.context("AEAD_AES_128_GCM", key, outbound=True) for _ in range(MANY)]
    during = chunks()
    if during == (0, 0):
        pytest.skip("a sanitizer sees each block of its own")
    assert during[1] == before[1] + MANY
    contexts.clear()
    assert chunks() == before
