"""The peers without the phone: what a failure of theirs would make look like one of ours."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from tests.harness.listening import find_second, levels, speech, write_wav
from tests.harness.namespace import host_address
from tests.harness.ports import free_port
from tests.harness.programs import Program, wait_until
from tests.interop.conftest import Bench

pytestmark = pytest.mark.interop


def test_two_baresips_hear_each_other_bit_exact(bench: Bench, tmp_path: Path) -> None:
    voices = [levels(speech(10, seed=seed), "pcmu") for seed in (1, 2)]
    files = [write_wav(tmp_path / f"{i}.wav", voice) for i, voice in enumerate(voices)]
    caller = bench.baresip("anna", files[0])
    callee = bench.baresip("bert", files[1])
    caller.command("dial", callee.uri)
    callee.wait_event("CALL_INCOMING")
    callee.command("accept")
    caller.wait_event("CALL_ESTABLISHED")
    second = 8000
    for phone, voice in ((caller, voices[1]), (callee, voices[0])):
        heard = phone.wait_until_heard(3 * second)
        assert find_second(voice[: 2 * second], heard).exact
    caller.command("hangup")
    callee.wait_event("CALL_CLOSED")


def test_baresip_registers_at_kamailio_with_digest(bench: Bench, tmp_path: Path) -> None:
    kamailio = bench.kamailio(host=host_address())
    phone = bench.baresip(
        "alice",
        write_wav(tmp_path / "a.wav", speech(1, seed=1)),
        registrar=kamailio.address,
        password=kamailio.users["alice"],
    )
    phone.wait_registered()
    assert kamailio.wait_for_count("SAVED", "alice", 1) == 1


def test_sipp_calls_sipp_and_tshark_sees_every_bye(bench: Bench) -> None:
    callee = bench.sipp("uas")
    capture = bench.capture(f"udp port {callee.port}")
    caller = bench.sipp("uac", target=f"127.0.0.1:{callee.port}", calls=10, rate=20)
    outcome = caller.outcome()
    assert (outcome.code, outcome.succeeded, outcome.failed) == (0, 10, 0), caller.errors
    byes = capture.fields(
        'sip.Method == "BYE"', "sip.Call-ID", options=["-d", f"udp.port=={callee.port},sip"]
    )
    assert len(set(byes)) == 10


def test_a_stopped_program_leaves_no_process_behind() -> None:
    script = "trap '' TERM; sleep 60 & echo $!; wait; wait"
    with Program("sleepers", ["sh", "-c", script]) as program:
        child = Path("/proc", program.expect(r"^(\d+)$").group(1), "stat")
        assert program.running and child.exists()
    assert not program.running
    # The kernel kills whom it has told to when it next runs it, and an orphan is reaped by init.
    wait_until(lambda: _has_ended(child), "the child of the stopped program has ended", 5)


def _has_ended(stat: Path) -> bool:
    try:
        return ") Z " in stat.read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True


def test_a_program_that_ends_early_fails_the_wait_at_once_with_what_it_said() -> None:
    with (
        Program("liar", ["sh", "-c", "echo no such luck; exit 3"]) as program,
        pytest.raises(pytest.fail.Exception, match=r"(?s)ended with 3.*no such luck"),
    ):
        program.expect("ready", 60)


def test_free_ports_are_free_even_and_in_pairs() -> None:
    port = free_port(pairs=3)
    assert port % 2 == 0
    for number in range(port, port + 6):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind(("127.0.0.1", number))
