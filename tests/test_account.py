"""Accounts on a registrar, over real UDP on the loopback interface."""

import asyncio

import pytest

from platypus.errors import RegistrationError, StateError
from platypus.events import Registered, RegistrationFailed, Unregistered
from platypus.net.datagram import _LINUX
from tests.harness.phones import Stranger, phone, registrar, run, unused_port


class TestRegistering:
    def test_with_the_right_password_registers(self) -> None:
        async def work() -> None:
            async with registrar() as server, phone() as alice:
                account = alice.engine.account(server.aor, password="secret", expires=120)
                await account.registered()
                assert account.state == "registered"
                event = await alice.heard.next(Registered)
                assert (event.account, event.expires) == (account, 120)
                assert str(alice.port) in event.contact
                assert account.contact == event.contact

        run(work())

    def test_says_how_long_the_binding_still_holds(self) -> None:
        async def work() -> None:
            async with registrar() as server, phone() as alice:
                server.expires = 90
                account = alice.engine.account(server.aor, password="secret")
                await account.registered()
                assert account.expires_in is not None
                assert 80 < account.expires_in <= 90

        run(work())

    def test_keeps_the_way_back_open_while_registered(self) -> None:
        async def work() -> None:
            async with registrar() as server, phone() as alice:
                account = alice.engine.account(server.aor, password="secret")
                await account.registered()
                keepalive = alice.engine.registering._keepalive
                assert keepalive is not None
                [flow] = keepalive.flows
                assert flow.remote == ("127.0.0.1", server.engine.address[1])
                account.unregister()
                await account.unregistered()
                assert keepalive.flows == set()

        run(work())

    def test_an_account_can_wait(self) -> None:
        async def work() -> None:
            async with registrar() as server, phone() as alice:
                account = alice.engine.account(server.aor, password="secret", register=False)
                assert (account.state, account.expires_in) == ("unregistered", None)
                account.register()
                await account.registered()
                assert account.state == "registered"

        run(work())

    def test_a_refresh_is_told_again(self) -> None:
        async def work() -> None:
            async with registrar() as server, phone() as alice:
                account = alice.engine.account(server.aor, password="secret")
                await account.registered()
                account.register()
                await alice.heard.count(Registered, 2)

        run(work())


class TestLeaving:
    def test_unregisters(self) -> None:
        async def work() -> None:
            async with registrar() as server, phone() as alice:
                async with alice.engine.account(server.aor, password="secret") as account:
                    await account.registered()
                assert account.state == "unregistered"
                assert server.requests[-1].request.headers.get("Expires") == "0"
                await alice.heard.next(Unregistered)

        run(work())

    def test_of_one_that_never_registered_sends_nothing(self) -> None:
        async def work() -> None:
            async with registrar() as server, phone() as alice:
                async with alice.engine.account(server.aor, register=False):
                    pass
                assert server.requests == []

        run(work())


class TestFailing:
    def test_a_wrong_password_is_named_and_not_tried_again_and_again(self) -> None:
        async def work() -> None:
            async with registrar() as server, phone() as alice:
                account = alice.engine.account(server.aor, password="wrong")
                with pytest.raises(RegistrationError, match="password") as refused:
                    await account.registered()
                assert (refused.value.code, refused.value.account) == (401, server.aor)
                event = await alice.heard.next(RegistrationFailed)
                assert (event.code, account.state) == (401, "failed")
                with_credentials = [
                    each for each in server.requests if "Authorization" in each.request.headers
                ]
                assert len(with_credentials) <= 2

        run(work())

    def test_the_phone_works_after_a_wrong_password(self) -> None:
        async def work() -> None:
            async with registrar() as server, phone() as alice:
                with pytest.raises(RegistrationError):
                    await alice.engine.account(server.aor, password="wrong").registered()
                second = alice.engine.account(server.aor, password="secret")
                await second.registered()
                assert second.state == "registered"

        run(work())

    @pytest.mark.skipif(not _LINUX, reason="only Linux tells of an unreachable port")
    def test_an_unreachable_server_fails_at_once(self) -> None:
        async def work() -> None:
            async with phone() as alice:
                account = alice.engine.account(f"sip:alice@127.0.0.1:{unused_port()}")
                with pytest.raises(RegistrationError, match="nothing listens there"):
                    await account.registered()
                event = await alice.heard.next(RegistrationFailed)
                assert event.code is None
                assert event.retry_in is not None

        run(work())

    def test_a_server_that_does_not_answer_is_given_up_after_the_timeout(self) -> None:
        async def work() -> None:
            with Stranger() as silent:
                async with phone() as alice:
                    account = alice.engine.account(f"sip:alice@127.0.0.1:{silent.port}")
                    with pytest.raises(RegistrationError, match=r"did not answer.*check"):
                        await account.registered(timeout=0.05)
                    assert account.state == "registering"
                    await alice.engine.close(timeout=0)

        run(work())

    def test_a_name_that_does_not_resolve_is_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async def getaddrinfo(*_: object, **__: object) -> object:
            raise OSError(-2, "Name or service not known")

        monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", getaddrinfo)

        async def work() -> None:
            async with phone() as alice:
                account = alice.engine.account("sip:alice@pbx.example.invalid")
                with pytest.raises(RegistrationError, match=r"pbx\.example\.invalid does not"):
                    await account.registered()

        run(work())

    @pytest.mark.parametrize("aor", ["", "alice", "sip:example.com", "tel:+4930123"])
    def test_what_is_no_address_of_record_is_refused(self, aor: str) -> None:
        async def work() -> None:
            async with phone() as alice:
                with pytest.raises(StateError):
                    alice.engine.account(aor)
                assert alice.engine.accounts == []

        run(work())

    def test_a_cancelled_wait_leaves_nothing_behind(self) -> None:
        async def work() -> None:
            with Stranger() as silent:
                async with phone() as alice:
                    account = alice.engine.account(f"sip:alice@127.0.0.1:{silent.port}")
                    waiting = asyncio.create_task(account.registered())
                    await silent.receive()
                    waiting.cancel()
                    await asyncio.gather(waiting, return_exceptions=True)
                    assert account._changed._waiting == set()
                    await alice.engine.close(timeout=0)

        run(work())
