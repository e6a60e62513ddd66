"""Whole calls over TCP, TLS and IPv6, between engines on the loopback interface."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from platypus.engine import Engine
from platypus.errors import CallError
from platypus.net.tls import TlsSettings
from platypus.pbx import Pbx
from tests.harness.authority import Authority
from tests.harness.phones import run


async def call_and_hang_up(alice: Engine, uri: str, bob: Engine) -> None:
    """A call that alice makes, holds and resumes, and that bob ends."""
    async with alice.call(uri) as call:
        await call.answered(timeout=5)
        call.hold()
        call.resume()
        bob.calls[0].hangup()
        assert (await call.ended()).by == "remote"


def phones(host: str = "127.0.0.1", **bobs: Any) -> tuple[Engine, Engine]:
    return Engine(listen=(host, 0)), Engine(listen=(host, 0), auto_answer=0, **bobs)


class TestCalls:
    @pytest.mark.parametrize("transport", ["udp", "tcp"])
    @pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
    def test_go_over(self, host: str, transport: str) -> None:
        async def work() -> None:
            alice, bob = phones(host)
            async with alice, bob:
                there = f"[{host}]" if ":" in host else host
                uri = f"sip:bob@{there}:{bob.address[1]};transport={transport}"
                await call_and_hang_up(alice, uri, bob)
                assert bob._pump.transport.counters.sent >= 2

        run(work())

    @pytest.mark.parametrize("bound", ["0.0.0.0", "::"])
    @pytest.mark.parametrize("there", ["127.0.0.1", "[::1]"])
    def test_have_media_of_either_family_wherever_we_listen(self, bound: str, there: str) -> None:
        """RTP is bound before it is known which family the far end has."""

        async def work() -> None:
            alice = Engine(listen=(bound, 0))
            bob = Engine(listen=("::", 0), auto_answer=0)
            async with alice, bob, alice.call(f"sip:bob@{there}:{bob.address[1]}") as call:
                await call.answered(timeout=5)
                heard = 0
                async for _ in call.frames():
                    heard = call.statistics()["receive"]["packets"] or 0
                    if heard > 3:
                        break
                assert heard > 3

        run(work())

    def test_go_over_tls(self, tmp_path: Path) -> None:
        authority = Authority(tmp_path)
        issued = authority.issue(addresses=("127.0.0.1",))
        ours = TlsSettings(certificate=issued.certificate_file, key=issued.key_file)

        async def work() -> None:
            bob = Engine(listen=("127.0.0.1", 0), auto_answer=0, transport="tls", tls=ours)
            alice = Engine(listen=("127.0.0.1", 0), tls=TlsSettings(ca_file=authority.file))
            async with alice, bob:
                assert bob.listen[0] == f"tls:127.0.0.1:{bob.address[1]}"
                uri = f"sip:bob@127.0.0.1:{bob.address[1]};transport=tls"
                await call_and_hang_up(alice, uri, bob)

        run(work())

    def test_to_one_we_don_t_believe_end_in_words(self, tmp_path: Path) -> None:
        issued = Authority(tmp_path).issue("example.com")
        theirs = TlsSettings(certificate=issued.certificate_file, key=issued.key_file)

        async def work() -> None:
            alice, bob = phones(transport="tls", tls=theirs)
            async with alice, bob:
                uri = f"sips:bob@127.0.0.1:{bob.address[1]}"
                with pytest.raises(CallError, match=r"issued by Test Authority.*127\.0\.0\.1 was"):
                    await alice.call(uri).answered(timeout=5)
                assert bob.calls == []

        run(work())


def test_an_account_registers_and_is_called_over_tcp() -> None:
    async def work() -> None:
        alice, bob = phones()
        async with Pbx(users={"alice": "one", "bob": "two"}) as pbx, alice, bob:
            over_tcp = ";transport=tcp"
            for engine, user, password in ((alice, "alice", "one"), (bob, "bob", "two")):
                account = engine.account(pbx.uri(user) + over_tcp, password=password)
                await account.registered(timeout=5)
                assert account.contact is not None
                assert account.contact.endswith(over_tcp)
            await call_and_hang_up(alice, pbx.uri("bob") + over_tcp, bob)

    run(work())
