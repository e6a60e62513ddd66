"""What is found out about an account, a certificate and what was said."""

from __future__ import annotations

import asyncio
import socket
import zipfile

import pytest

from platypus import Engine
from platypus.diagnose import AccountTry, Step, redacted, try_account, write_bundle
from platypus.pbx import Pbx

PASSWORD = "a secret of tests"


def tried(wanted: AccountTry) -> tuple[bool, list[Step]]:
    steps: list[Step] = []
    worked = asyncio.run(try_account(wanted, steps.append))
    return worked, [step for step in steps if step.state != "busy"]


def with_pbx(**more: object) -> tuple[bool, list[Step]]:
    async def run() -> tuple[bool, list[Step]]:
        steps: list[Step] = []
        async with Pbx(listen=("127.0.0.1", 0), users={"alice": PASSWORD}) as pbx:
            wanted = AccountTry(pbx.uri("alice"), **more)
            worked = await try_account(wanted, steps.append)
            assert pbx.contacts("alice") == []  # given back
        return worked, [step for step in steps if step.state != "busy"]

    return asyncio.run(run())


class TestAccount:
    def test_that_works_goes_through_every_step(self):
        worked, steps = with_pbx(password=PASSWORD)
        assert worked
        assert [(step.name, step.state) for step in steps] == [
            ("address", "good"), ("resolve", "good"), ("connect", "good"), ("register", "good"),
        ]  # fmt: skip

    def test_a_wrong_password_is_said(self):
        worked, steps = with_pbx(password="hunter2")
        assert not worked
        assert (steps[-1].name, steps[-1].state) == ("register", "bad")
        assert "password" in steps[-1].text and "hunter2" not in steps[-1].text

    def test_without_registering_it_ends_with_the_answer(self):
        worked, steps = with_pbx(register=False)
        assert worked and steps[-1].name == "connect"

    @pytest.mark.parametrize("address", ["", "sip:@host", "sip:host", "nonsense nonsense"])
    def test_an_address_that_is_none_is_said(self, address):
        worked, steps = tried(AccountTry(address))
        assert not worked
        assert [(step.name, step.state) for step in steps] == [("address", "bad")]

    def test_a_name_that_does_not_exist_is_said(self):
        worked, steps = tried(AccountTry("sip:alice@no-such-host.invalid"))
        assert not worked and (steps[-1].name, steps[-1].state) == ("resolve", "bad")
        assert "no-such-host.invalid" in steps[-1].text

    def test_nobody_at_the_port_is_said(self):
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            address = f"sip:alice@127.0.0.1:{closed.getsockname()[1]}"
            worked, steps = tried(AccountTry(address, transport="tcp"))
        assert not worked and (steps[-1].name, steps[-1].state) == ("connect", "bad")

    def test_the_password_is_in_no_text(self):
        assert PASSWORD not in repr(AccountTry("sip:a@b", PASSWORD))


MESSAGE = (
    b"REGISTER sip:alice:hunter2@pbx SIP/2.0\r\n"
    b'Authorization: Digest username="alice", realm="pbx", nonce="abc", response="6629fae4",\r\n'
    b'  cnonce="0a4f", uri="sip:pbx"\r\n'
    b"Proxy-Authorization: Bearer eyJhbGciOi\r\n"
    b"Content-Type: application/sdp\r\n\r\n"
    b"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7|2^20\r\n"
    b"k=clear:secretkey\r\n"
)
SECRETS = ("hunter2", "6629fae4", "0a4f", "eyJhbGciOi", "WVNfX19z", "secretkey", '"abc"')


def test_secrets_are_taken_out_and_the_rest_stays():
    text = redacted(MESSAGE)
    assert [secret for secret in SECRETS if secret in text] == []
    for kept in ("REGISTER sip:alice:***@pbx", 'username="alice"', "AES_CM_128", "|2^20", "***"):
        assert kept in text


def test_what_is_no_text_can_still_be_shown():
    assert redacted(b"\xff\x00\x1b[31mRED") == "\N{REPLACEMENT CHARACTER}??[31mRED"


def test_the_bundle_holds_what_helps_and_no_secret(tmp_path):
    path = tmp_path / "report.zip"
    write_bundle(path, messages=[MESSAGE.decode()], log=["> REGISTER"], config="codecs = []")
    with zipfile.ZipFile(path) as bundle:
        texts = {name: bundle.read(name).decode() for name in bundle.namelist()}
    assert set(texts) == {"about.txt", "messages.txt", "log.txt", "config.toml"}
    assert "Platypus" in texts["about.txt"]
    assert [secret for secret in SECRETS if any(secret in each for each in texts.values())] == []


def test_every_message_is_traced_until_it_is_ended():
    async def run() -> list[tuple[str, str]]:
        seen: list[tuple[str, str]] = []
        async with (
            Pbx(listen=("127.0.0.1", 0), users={"alice": PASSWORD}) as pbx,
            Engine(listen=("127.0.0.1", 0)) as phone,
        ):
            phone.trace(lambda way, peer, data: seen.append((way, data[:12].decode())))
            account = phone.account(pbx.uri("alice"), password=PASSWORD)
            await account.registered(timeout=5)
            phone.trace(None)
        return seen

    seen = asyncio.run(run())
    assert seen[0] == (">", "REGISTER sip")
    assert ("<", "SIP/2.0 401 ") in seen and seen[-1] == ("<", "SIP/2.0 200 ")
    assert sum(first.startswith("REGISTER") for _, first in seen) == 2  # not the goodbye
