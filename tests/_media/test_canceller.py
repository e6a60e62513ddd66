"""Calling livekit's library from C: its messages, and what becomes of one that is no good."""

from __future__ import annotations

import ctypes
from typing import ClassVar

import numpy as np
import pytest

from platypus._media.canceller import Canceller, module_in
from platypus._media.endpoint import RingSource
from platypus._media.ring import Ring
from platypus.audio import echo
from tests._media.peer import Peer, address_of, open_leg, running_loop

REQUEST = ctypes.CFUNCTYPE(
    ctypes.c_uint64,
    ctypes.c_void_p,
    ctypes.c_size_t,
    ctypes.POINTER(ctypes.c_void_p),
    ctypes.POINTER(ctypes.c_size_t),
)
DROP = ctypes.CFUNCTYPE(ctypes.c_bool, ctypes.c_uint64)
MODULE = bytes.fromhex("8a0307 0a05 0a03 08ac02")  # handle 300


def numbers(message: bytes) -> list[int]:
    """The varints of a message whose fields are all numbers, without their tags."""
    found, value, shift = [], 0, 0
    for byte in message:
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            found.append(value)
            value = shift = 0
    return found[1::2]


class FakeLibrary:
    """Keeps what it was asked, halves what it is given, and answers as it is told."""

    loaded: ClassVar[list[FakeLibrary]] = []  # like the real one it is never unloaded

    def __init__(self, module: bytes = MODULE, error: bytes = b"") -> None:
        self.asked: list[bytes] = []
        self.dropped: list[int] = []
        self.module, self.error = module, error
        self._request, self._drop = REQUEST(self._answer), DROP(self._dropped)
        FakeLibrary.loaded.append(self)
        self._kept = ctypes.create_string_buffer(64)

    @property
    def functions(self) -> dict[str, int]:
        return {
            "livekit_ffi_request": ctypes.cast(self._request, ctypes.c_void_p).value or 0,
            "livekit_ffi_drop_handle": ctypes.cast(self._drop, ctypes.c_void_p).value or 0,
        }

    def _dropped(self, handle: int) -> bool:
        self.dropped.append(handle)
        return True

    def _answer(self, data: int, length: int, answer: object, size: object) -> int:
        message = ctypes.string_at(data, length)
        self.asked.append(message)
        number = (message[0] & 127 | message[1] << 7) >> 3
        said = self.module
        if number != 50:
            _, address, count, rate, channels = numbers(message[3:])
            assert (count, channels) == (rate // 50, 1)
            samples = (ctypes.c_int16 * (count // 2)).from_address(address)
            for index in range(count // 2):
                samples[index] //= 2
            tag = (number - 1) << 3 | 2
            said = bytes([tag & 127 | 128, tag >> 7, len(self.error)]) + self.error
        ctypes.memmove(self._kept, said, len(said))
        answer[0] = ctypes.addressof(self._kept)  # type: ignore[index]
        size[0] = len(said)  # type: ignore[index]
        return len(self.asked)


def block(value: int, rate: int) -> bytearray:
    return bytearray(np.full(rate // 100, value, dtype=np.int16).tobytes())


def test_what_is_said_comes_back_as_the_library_left_it() -> None:
    library = FakeLibrary()
    canceller = Canceller(library.functions)
    said = block(1000, 16_000) + block(500, 16_000)
    canceller.say(said, 16_000)
    assert bytes(said) == bytes(block(500, 16_000) + block(250, 16_000))
    assert canceller.failures == 0


def test_what_is_heard_is_given_and_not_changed() -> None:
    library = FakeLibrary()
    canceller = Canceller(library.functions)
    asked = len(library.asked)
    heard = block(1000, 8_000)
    canceller.hear(bytes(heard), 8_000)
    assert heard == block(1000, 8_000)
    assert numbers(library.asked[asked][3:])[0] == 300
    assert len(library.asked) == asked + 1


def test_every_answer_and_at_the_end_the_module_is_given_back() -> None:
    library = FakeLibrary()
    canceller = Canceller(library.functions)
    canceller.hear(bytes(block(1, 8000)), 8000)
    del canceller
    assert library.dropped == [*range(1, len(library.asked) + 1), 300]


def test_a_block_that_the_library_refuses_is_left_as_it_is_and_counted() -> None:
    library = FakeLibrary()
    canceller = Canceller(library.functions)
    library.error = b"\x0a\x02no"
    said = block(1000, 8000)
    canceller.say(said, 8000)
    assert said == block(1000, 8000)
    assert canceller.failures == 1


def test_switched_off_it_asks_for_nothing() -> None:
    library = FakeLibrary()
    canceller = Canceller(library.functions)
    asked = len(library.asked)
    canceller.enabled = False
    said = block(1000, 8000)
    canceller.say(said, 8000)
    canceller.hear(bytes(said), 8000)
    assert said == block(1000, 8000)
    assert len(library.asked) == asked


@pytest.mark.parametrize(
    "answer", [b"", b"\x8a", b"\x92\x03\x00", b"\x8a\x03\x02\x0a\x00", b"\xff" * 12, MODULE[:6]]
)
def test_an_answer_that_names_no_module_is_an_error(answer: bytes) -> None:
    with pytest.raises(ValueError, match="answer"):
        module_in(answer)


def test_a_library_of_another_version_is_refused() -> None:
    with pytest.raises(ValueError, match="answer"):
        Canceller(FakeLibrary(module=b"\x92\x03\x00").functions)
    with pytest.raises(ValueError, match="version 1"):
        Canceller(FakeLibrary(error=b"\x0a\x02no").functions)


def test_a_source_gets_one_once() -> None:
    canceller = Canceller(FakeLibrary().functions)
    source = RingSource(Ring(100), 8000, card_period=80)
    source.cancel_echo(canceller)
    with pytest.raises(ValueError, match="once"):
        source.cancel_echo(canceller)


def test_a_leg_gives_it_what_it_plays_and_sends_what_it_left() -> None:
    """The fake's callbacks take the GIL; the real library's do not."""
    library = FakeLibrary()
    ring = Ring(8000)
    source = RingSource(ring, 8000, card_period=80)
    source.cancel_echo(Canceller(library.functions))
    peer = Peer()
    with running_loop() as loop:
        leg = open_leg(loop, peer.address)
        leg.set_source(source)

        def both_were_asked() -> bool:
            ring.write(bytes(block(1000, 8000)))
            kinds = {(message[0] & 127 | message[1] << 7) >> 3 for message in library.asked[3:]}
            return kinds == {51, 52} and len(library.asked) > 40

        peer.talk(address_of(leg), both_were_asked)
        leg.close()


def test_the_real_library_cleans_what_it_heard() -> None:
    functions = echo.functions()
    if functions is None:
        pytest.skip("the extra aec is not installed")
    canceller = Canceller(functions, noise=False, gain=False)
    rng = np.random.default_rng(1)
    left = []
    for _ in range(500):
        far = (rng.standard_normal(160) * 2000).astype(np.int16)
        said = bytearray((far // 2).astype(np.int16).tobytes())
        canceller.hear(far.tobytes(), 16_000)
        canceller.say(said, 16_000)
        left.append(float(np.abs(np.frombuffer(said, dtype=np.int16).astype(float)).mean()))
    assert np.mean(left[-100:]) < 0.25 * 800
    assert canceller.failures == 0
