"""`platypus agent` as a program: its protocol, its end, and bad input, with real peers or none.

Every line it says is checked against the control protocol by the driver (`tests.harness.agent`).
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.harness.agent import ROOT, Agent
from tests.harness.listening import speech, write_wav
from tests.interop.conftest import Bench

pytestmark = pytest.mark.interop


def connect(caller: Agent, callee: Agent) -> None:
    caller.call(callee.uri())
    callee.wait_event("incoming")
    callee.command("answer")
    caller.wait_event("call", state="confirmed")
    callee.wait_event("call", state="confirmed")


def test_says_what_it_listens_on(bench: Bench) -> None:
    agent = bench.agent()
    assert [entry.partition(":")[0] for entry in agent.listen] == ["udp"]
    host, _, port = agent.address.rpartition(":")
    assert (host, int(port) > 0) == ("127.0.0.1", True)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_hangs_up_unregisters_and_ends_within_two_seconds(
    bench: Bench, number: signal.Signals
) -> None:
    kamailio = bench.kamailio()
    alice, bob = bench.phone("alice", kamailio), bench.phone("bob", kamailio)
    alice.call("bob")
    bob.wait_event("incoming")
    bob.command("answer")
    alice.wait_event("call", state="confirmed")
    begun = time.monotonic()
    alice.signal(number)
    assert alice.wait(4) == 0
    assert time.monotonic() - begun < 2.0
    assert bob.wait_event("call", state="ended")["by"] == "remote"
    kamailio.wait_for_count("SAVED", "alice", 2)


def test_a_signal_ends_it_though_nobody_answers_its_goodbyes(bench: Bench) -> None:
    kamailio = bench.kamailio()
    alice, bob = bench.phone("alice", kamailio), bench.agent()
    connect(alice, bob)
    bob.signal(signal.SIGSTOP)
    kamailio.freeze()
    begun = time.monotonic()
    alice.signal(signal.SIGTERM)
    assert alice.wait(4) == 0
    assert time.monotonic() - begun < 2.0


def test_a_second_signal_ends_it_at_once(bench: Bench) -> None:
    alice, bob = bench.agent(), bench.agent()
    connect(alice, bob)
    bob.signal(signal.SIGSTOP)
    alice.signal(signal.SIGTERM)
    # Two signals in a row are one to the kernel: the second comes when the first was seen.
    alice.wait_event("call", state="ended")
    begun = time.monotonic()
    alice.signal(signal.SIGTERM)
    alice.wait(4)
    assert time.monotonic() - begun < 1.0


def test_a_ringing_call_is_refused_by_a_signal(bench: Bench) -> None:
    alice, bob = bench.agent(), bench.agent()
    alice.call(bob.uri())
    bob.wait_event("incoming")
    bob.signal(signal.SIGTERM)
    assert bob.wait(4) == 0
    assert alice.wait_event("call", state="ended")["code"] >= 400


def test_the_end_of_its_input_is_not_the_end_of_the_phone(bench: Bench) -> None:
    alice, bob = bench.agent("--auto-answer", "0"), bench.agent()
    alice.close_stdin()
    bob.call(alice.uri())
    bob.wait_event("call", state="confirmed")
    bob.end_call()
    assert alice.wait_event("call", state="ended")["by"] == "remote"


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ('{"cmd":"dance","id":1}', "dance"),
        ('{"cmd":"call","id":1}', "to"),
        ('{"cmd":"hangup","id":1,"why":"so"}', "why"),
        ('{"cmd":"conference","id":1,"calls":[]}', "calls"),
    ],
)
def test_a_wrong_command_is_refused_and_named(bench: Bench, line: str, named: str) -> None:
    agent = bench.agent()
    agent.write_line(line)
    reply = agent.wait_for(lambda: agent._reply(1), 5, "refusal")
    assert reply["ok"] is False and named in reply["error"]
    assert agent.command("calls")["calls"] == []


@pytest.mark.parametrize("line", ["no json", "[1]", '{"cmd":', "\x00\xff", "{}" * 50_000])
def test_a_line_that_is_no_command_is_answered_and_survived(bench: Bench, line: str) -> None:
    agent = bench.agent()
    agent.write_line(line)
    reply = agent.wait_for(lambda: agent._reply(None), 5, "refusal")  # type: ignore[arg-type]
    assert reply["ok"] is False
    agent.command("accounts")


def test_every_reply_carries_its_id_whatever_it_is(bench: Bench) -> None:
    agent = bench.agent()
    for identity in ("a string", 0, -1.5):
        agent.write_line(json.dumps({"cmd": "calls", "id": identity}))
        assert agent.wait_for(lambda i=identity: agent._reply(i), 5, "reply")["ok"] is True


def test_statistics_of_a_call_have_every_field(bench: Bench) -> None:
    alice, bob = bench.agent(), bench.agent()
    connect(alice, bob)
    alice.wait_event("media", state="started")
    statistics = alice.wait_for(
        lambda: s if (s := alice.statistics())["receive"]["packets"] else None, 5, "packets"
    )
    assert statistics["codec"] == "pcmu"
    assert statistics["srtp"] is None
    assert statistics["send"]["packets"] > 0


def test_it_plays_a_file_into_the_call_and_says_when_it_was_heard(
    bench: Bench, tmp_path: Path
) -> None:
    alice, bob = bench.agent(), bench.agent()
    connect(alice, bob)
    file = write_wav(tmp_path / "hello.wav", speech(0.5, seed=1))
    alice.command("play", file=str(file))
    assert alice.wait_event("played")["file"] == str(file)


def test_a_file_that_is_no_wav_is_refused_and_the_call_stays(bench: Bench, tmp_path: Path) -> None:
    alice, bob = bench.agent(), bench.agent()
    connect(alice, bob)
    file = tmp_path / "text.wav"
    file.write_text("this is not audio")
    reply = alice.ask("play", file=str(file))
    assert reply["ok"] is False or alice.wait_event("error")["message"]
    assert [c["state"] for c in alice.command("calls")["calls"]] == ["confirmed"]


def test_garbage_datagrams_leave_it_working(bench: Bench) -> None:
    import socket

    alice, bob = bench.agent(), bench.agent("--auto-answer", "0")
    host, _, port = bob.address.rpartition(":")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        invite = f"INVITE sip:x@{bob.address} SIP/2.0\r\nVia: SIP/2.0/UDP".encode()
        for data in (b"", b"\x00" * 1500, b"\r\n\r\n", b"SIP/2.0 200", invite, b"A" * 65_000):
            sender.sendto(data, (host, int(port)))
    connect_to_auto = alice.call(bob.uri())
    assert alice.wait_event("call", state="confirmed")["call"] == connect_to_auto


def run_agent(*options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "platypus", "agent", *options],
        capture_output=True,
        text=True,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        timeout=10,
        check=False,
    )


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--lissten", "x"], "--lissten"),
        (["--codecs", "mp3"], "mp3"),
        (["--listen", "nonsense"], "--listen"),
        (["--reject", "200"], "--reject"),
        (["--transport", "sctp"], "--transport"),
        (["--audio", "wav:/nonexistent/file.wav"], "/nonexistent/file.wav"),
    ],
)
def test_a_wrong_option_exits_with_2_and_is_named(options: list[str], named: str) -> None:
    result = run_agent(*options)
    assert (result.returncode, result.stdout) == (2, "")
    assert named in result.stderr


def test_a_port_in_use_is_said_and_nothing_printed(bench: Bench) -> None:
    agent = bench.agent()
    result = run_agent("--listen", agent.address, "--audio", "null")
    assert result.returncode not in (0, 2)
    assert result.stdout == ""
    assert agent.address.rpartition(":")[2] in result.stderr
