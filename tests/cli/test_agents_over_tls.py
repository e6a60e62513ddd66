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
        for phone in (alice, bob):
            assert phone.wait_event("media", state="started")["srtp"] == "AEAD_AES_128_GCM"
        bob.command("hangup")
        ended = alice.wait_event("call", call=call, state="ended")
        assert (ended["code"], ended["by"]) == (200, "remote")


@pytest.mark.parametrize(
    ("transport", "rule", "srtp"),
    [
        ("tls", "prefer", "AEAD_AES_128_GCM"),
        ("tls", "off", None),
        ("udp", "prefer", None),
        ("udp", "require", "AEAD_AES_128_GCM"),
    ],
)
def test_the_pbx_encrypts_its_extensions_as_the_phone_asks(
    authority: Authority, issued: Issued, transport: str, rule: str, srtp: str | None
) -> None:
    with contextlib.ExitStack() as stack:
        secure = identity(issued) if transport == "tls" else ()
        pbx = stack.enter_context(PbxProgram("alice", options=secure))
        options = ("--audio", "tone", "--transport", transport, "--tls-ca", authority.file)
        alice = stack.enter_context(
            Agent(*options, "--srtp", rule, account=pbx.uri("alice"), password=PASSWORD)
        )
        alice.wait_event("registered")
        alice.call("600")
        assert alice.wait_event("media", state="started")["srtp"] == srtp
        while not alice.command("stats")["stats"]["receive"]["packets"]:
            alice.wait_for_line(0.05)
        assert alice.command("stats")["stats"]["srtp"] == srtp


def test_a_pbx_that_requires_encryption_refuses_a_phone_without(
    authority: Authority, issued: Issued
) -> None:
    with (
        PbxProgram("alice", options=("--srtp", "require")) as pbx,
        Agent("--audio", "null", account=pbx.uri("alice"), password=PASSWORD) as alice,
    ):
        alice.wait_event("registered")
        alice.call("600")
        ended = alice.wait_event("call", state="ended")
        assert ended["code"] == 488
        assert "SRTP is required here" in ended["reason"]
