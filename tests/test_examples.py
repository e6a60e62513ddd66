"""Every example is run, as its first lines say, against a phone or the built-in PBX."""

import asyncio
import os
import sys
from array import array
from pathlib import Path

import pytest

from platypus.audio.files import read_wav, wav_header
from platypus.events import CallEnded, IncomingCall
from platypus.pbx import Pbx
from tests.harness.phones import phone, run

EXAMPLES = Path(__file__).parent.parent / "examples"


class Program:
    """An example in a process of its own."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        assert process.stdout is not None
        self.output = process.stdout

    async def line(self) -> str:
        return (await self.output.readline()).decode().strip()

    async def port(self) -> int:
        """Where it says that it listens."""
        said = await self.line()
        assert said.startswith("listening at udp:"), said
        return int(said.rpartition(":")[2])

    async def rest(self) -> str:
        """What else it says, after which it must have ended well."""
        said = (await self.output.read()).decode()
        assert await self.process.wait() == 0, said
        return said


async def start(name: str, *arguments: str) -> Program:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(EXAMPLES / name),
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, "PYTHONPATH": str(EXAMPLES.parent), "PASSWORD": "secret"},
    )
    return Program(process)


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.stem)
def test_without_arguments_each_says_how_it_is_called(path: Path) -> None:
    async def work() -> None:
        program = await start(path.name)
        said = (await program.output.read()).decode()
        assert await program.process.wait() == 1
        assert f"python examples/{path.name} " in said
        assert "Traceback" not in said

    run(work())


def test_dial_hears_the_echo() -> None:
    async def work() -> None:
        async with Pbx(users={"alice": "secret"}) as pbx:
            program = await start("dial.py", pbx.uri("alice"), "600")
            said = await program.rest()
        assert "second 3: peak 8" in said
        assert "lost 0" in said

    run(work())


def test_dial_says_why_it_is_not_registered() -> None:
    async def work() -> None:
        async with Pbx(users={"alice": "other"}) as pbx:
            program = await start("dial.py", pbx.uri("alice"), "600")
            said = (await program.output.read()).decode()
            assert await program.process.wait() == 3
        assert "password" in said

    run(work())


def test_echo_bot_sends_back_what_it_hears() -> None:
    async def work() -> None:
        async with phone(audio="tone") as alice:
            program = await start("echo_bot.py", "0", "1")
            async with alice.engine.call(f"sip:bot@127.0.0.1:{await program.port()}") as call:
                await call.answered()
                async for frame in call.frames():
                    if max(map(abs, array("h", frame))) > 4000:
                        break
            assert "has gone" in await program.rest()

    run(work())


def test_answering_machine_records_a_message(tmp_path: Path) -> None:
    greeting, message = tmp_path / "greeting.wav", tmp_path / "message.wav"
    greeting.write_bytes(wav_header(8000, 1600) + bytes(3200))

    async def work() -> None:
        async with phone(audio="tone") as alice:
            program = await start("answering_machine.py", str(greeting), str(message))
            async with alice.engine.call(f"sip:m@127.0.0.1:{await program.port()}") as call:
                await call.answered()
                async for _ in call.frames():
                    if message.exists() and message.stat().st_size > 8000:
                        break
            assert "spoke for" in await program.rest()

    run(work())
    assert max(map(abs, array("h", read_wav(message).pcm))) > 4000


def test_keypad_menu_reads_digits() -> None:
    async def work() -> None:
        async with phone() as alice:
            program = await start("keypad_menu.py", "0")
            call = alice.engine.call(f"sip:menu@127.0.0.1:{await program.port()}")
            await call.answered()
            call.send_dtmf("42#", duration_ms=60)
            said = await program.rest()
            assert (await call.ended()).by == "remote"
        assert "pressed 4" in said
        assert "pressed 2" in said

    run(work())


def test_switchboard_transfers_the_caller_to_the_desk_of_a_digit() -> None:
    async def work() -> None:
        async with phone() as alice, phone(reject=486) as busy, phone(auto_answer=0) as desk:
            program = await start("switchboard.py", "0", f"1={busy.uri}", f"2={desk.uri}")
            call = alice.engine.call(f"sip:board@127.0.0.1:{await program.port()}")
            await call.answered()
            call.send_dtmf("1", duration_ms=60)
            assert "wants" in await program.line()
            assert "stays: Busy Here (486)" in await program.line()
            call.send_dtmf("2", duration_ms=60)
            assert "is through" in await program.rest()
            await call.ended()
            assert [one.remote for one in alice.engine.calls] == [desk.uri]

    run(work())


def test_first_to_answer_keeps_one_and_cancels_the_others() -> None:
    async def work() -> None:
        async with phone() as bob, phone(auto_answer=0.2) as carol, phone(reject=486) as dave:
            program = await start("first_to_answer.py", bob.uri, carol.uri, dave.uri)
            said = await program.rest()
            assert f"{carol.uri} has answered" in said
            assert "never retrieved" not in said
            assert (await carol.heard.next(IncomingCall)).call.ended_event is not None
            assert (await bob.heard.next(CallEnded)).code == 487

    run(work())


@pytest.mark.parametrize("file", sorted(EXAMPLES.glob("*.py")), ids=lambda file: file.name)
def test_every_example_is_run_here(file: Path) -> None:
    assert f'"{file.name}"' in Path(__file__).read_text()
