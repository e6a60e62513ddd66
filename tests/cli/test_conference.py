"""Three phones in a conference that one of them mixes, by the control protocol, told by ear."""

from __future__ import annotations

import contextlib
import math
import struct
import wave
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.harness.agent import Agent
from tests.harness.programs import wait_until

TONES = {"host": 500, "bob": 900, "carol": 1500}  # Hz


def tone_file(folder: Path, name: str) -> Path:
    path = folder / f"{name}-tone.wav"
    samples = [round(6000 * math.sin(2 * math.pi * TONES[name] * n / 8000)) for n in range(8000)]
    with wave.open(str(path), "wb") as writer:
        writer.setparams((1, 2, 8000, 0, "NONE", ""))
        writer.writeframes(struct.pack("<8000h", *samples))
    return path


class Table:
    """A host who has called bob and carol."""

    def __init__(self, folder: Path, stack: contextlib.ExitStack) -> None:
        self.folder = folder
        self.host = self._phone(stack, "host")
        self.guests = {
            name: self._phone(stack, name, "--auto-answer", "0") for name in ("bob", "carol")
        }
        self.calls = {name: self._call(guest) for name, guest in self.guests.items()}

    def _phone(self, stack: contextlib.ExitStack, name: str, *options: str) -> Agent:
        audio = f"wav-loop:{tone_file(self.folder, name)}"
        record = str(self.recording(name))
        return stack.enter_context(Agent("--audio", audio, "--record", record, *options))

    def _call(self, guest: Agent) -> str | int:
        call = self.host.call(guest.uri("guest"))
        self.host.wait_event("call", call=call, state="confirmed")
        return call

    def recording(self, name: str) -> Path:
        return self.folder / f"{name}.wav"

    def hears(self, path: Path) -> set[str]:
        """Whose tones are in the last half second of a file that grows."""
        data = np.frombuffer(path.read_bytes()[44:], "<i2")[-4000:].astype(float)
        if len(data) < 4000:
            return set()
        spectrum = np.abs(np.fft.rfft(data * np.hanning(4000)))
        level = {name: spectrum[hz // 2 - 2 : hz // 2 + 3].max() for name, hz in TONES.items()}
        return {name for name, each in level.items() if each > 300_000}

    def wait_until_heard(self, where: str, names: set[str]) -> None:
        path = self.recording(where)
        wait_until(lambda: self.hears(path) == names, f"{where} hears {names}")


@pytest.fixture
def table(tmp_path: Path) -> Iterator[Table]:
    with contextlib.ExitStack() as stack:
        yield Table(tmp_path, stack)


def test_everybody_hears_everybody_else_until_one_is_split_off(table: Table) -> None:
    table.wait_until_heard("bob", {"host"})
    table.host.command("conference", calls=list(table.calls.values()))
    table.wait_until_heard("bob", {"host", "carol"})
    table.wait_until_heard("carol", {"host", "bob"})
    table.wait_until_heard("host", {"bob", "carol"})  # the host's speaker has them both
    table.host.command("split", call=table.calls["carol"])
    table.wait_until_heard("bob", {"host"})
    table.wait_until_heard("carol", {"host"})


def test_a_call_on_hold_is_taken_back_into_the_conference(table: Table) -> None:
    table.host.command("hold", call=table.calls["bob"])
    table.host.wait_event("call", call=table.calls["bob"], hold="local")
    table.host.command("conference", calls=list(table.calls.values()))
    table.host.wait_event("call", call=table.calls["bob"], hold="none")
    table.wait_until_heard("carol", {"host", "bob"})


def test_a_party_on_hold_neither_hears_nor_is_heard(table: Table) -> None:
    table.host.command("conference", calls=list(table.calls.values()))
    table.wait_until_heard("carol", {"host", "bob"})
    table.host.command("hold", call=table.calls["bob"])
    table.wait_until_heard("carol", {"host"})
    table.wait_until_heard("bob", set())


def test_muted_the_host_is_not_heard_by_that_party_alone(table: Table) -> None:
    table.host.command("conference", calls=list(table.calls.values()))
    table.host.command("mute", call=table.calls["bob"], on=True)
    table.wait_until_heard("bob", {"carol"})
    table.wait_until_heard("carol", {"host", "bob"})


def test_a_party_that_hangs_up_leaves_the_others_talking(table: Table) -> None:
    table.host.command("conference", calls=list(table.calls.values()))
    table.wait_until_heard("bob", {"host", "carol"})
    table.guests["carol"].command("hangup")
    table.host.wait_event("call", call=table.calls["carol"], state="ended")
    table.wait_until_heard("bob", {"host"})
    refused = table.host.ask("split", call=table.calls["bob"])
    assert "in no conference" in refused["error"]


def test_what_can_not_be_joined_is_said(table: Table) -> None:
    call = table.calls["bob"]
    assert "no call 99" in table.host.ask("conference", calls=[call, "99"])["error"]
    assert "two calls" in table.host.ask("conference", calls=[call, call])["error"]


def test_the_record_command_has_both_sides(table: Table) -> None:
    path = table.folder / "both.wav"
    table.host.command("stop_record", call=table.calls["bob"])
    table.host.command("record", call=table.calls["bob"], file=str(path))
    wait_until(lambda: path.stat().st_size > 44 + 4 * 12_000, "one and a half seconds")
    table.host.command("stop_record", call=table.calls["bob"])

    def complete() -> bool:
        with wave.open(str(path)) as reader:
            return reader.getnframes() * 4 + 44 == path.stat().st_size

    wait_until(complete, "the header has its sizes")
    with wave.open(str(path)) as reader:
        assert reader.getparams()[:3] == (2, 2, 8000)
        both = np.frombuffer(reader.readframes(reader.getnframes()), "<i2").reshape(-1, 2)
    for side, hz in ((0, TONES["host"]), (1, TONES["bob"])):
        samples = both[-4000:, side].astype(float)
        spectrum = np.abs(np.fft.rfft(samples * np.hanning(4000)))
        assert abs(int(spectrum.argmax()) * 2 - hz) <= 4
