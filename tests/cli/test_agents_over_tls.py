"""Two `platypus agent` and a `platypus pbx` over TLS, as programs on the loopback interface."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest

from tests.harness.agent import Agent
from tests.harness.authority import Authority, Issued
from tests.harness.pbx import PASSWORD, PbxProgram


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def issued(authority: Authority) -> Issued:
    return authority.issue(addresses=("127.0.0.1",))


def identity(issued: Issued) -> tuple[str, ...]:
    return ("--tls-cert", issued.certificate_file, "--tls-key", issued.key_file)


def test_a_listener_with_a_certificate_is_told_in_the_ready_line(issued: Issued) -> None:
    with Agent("--audio", "null", "--transport", "tls", *identity(issued)) as agent:
        assert agent.listen[0].startswith("tls:127.0.0.1:")


def test_without_a_certificate_nobody_listens_for_tls() -> None:
    with Agent("--audio", "null", "--transport", "tls") as agent:
        assert not [each for each in agent.listen if each.startswith("tls:")]


def test_phones_call_each_other_through_a_pbx_that_has_a_certificate(
    authority: Authority, issued: Issued
) -> None:
    with contextlib.ExitStack() as stack:
        pbx = stack.enter_context(PbxProgram("alice", "bob", options=identity(issued)))
        options = ("--audio", "null", "--transport", "tls", "--tls-ca", authority.file)
        alice, bob = (
            stack.enter_context(Agent(*options, *more, account=pbx.uri(user), password=PASSWORD))
            for user, more in (("alice", ()), ("bob", ("--auto-answer", "0")))
        )
        for phone in (alice, bob):
            assert "transport=tls" in phone.wait_event("registered")["contact"]
        call = alice.command("call", to="bob")["call"]
        alice.wait_event("call", call=call, state="confirmed")
        bob.wait_event("call", state="confirmed")
        bob.command("hangup")
        ended = alice.wait_event("call", call=call, state="ended")
        assert (ended["code"], ended["by"]) == (200, "remote")
