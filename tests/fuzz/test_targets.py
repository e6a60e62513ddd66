"""The targets of the fuzzer, each with its example and a few hundred changes to it."""

from __future__ import annotations

import random

import pytest

from tests.fuzz.targets import TARGETS

CHANGES = 300


@pytest.mark.parametrize("name", TARGETS)
def test_takes_its_example(name: str) -> None:
    TARGETS[name].run(TARGETS[name].seed)


@pytest.mark.parametrize("name", TARGETS)
def test_survives_changed_cut_and_repeated_octets(name: str) -> None:
    target, chance = TARGETS[name], random.Random(name)
    for _ in range(CHANGES):
        target.run(changed(target.seed, chance))


def changed(data: bytes, chance: random.Random) -> bytes:
    """One to four places of `data` made different."""
    result = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(result) + 1)
        end = at + chance.randrange(12)
        match chance.randrange(4):
            case 0:
                result[at:end] = b""
            case 1:
                result[at:at] = result[at:end] * chance.randint(1, 20)
            case 2:
                result[at:end] = chance.randbytes(end - at)
            case _:
                result[at:end] = chance.choice((b"\r\n", b"\0", b'"', b"<", b";", b"=", b"9" * 12))
    return bytes(result)
