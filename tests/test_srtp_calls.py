"""Whole calls with and without encryption, between engines on the loopback interface."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from platypus.call import Call
from platypus.errors import CallError, ConfigError
from platypus.events import MediaChanged
from platypus.net.tls import TlsSettings
from platypus.options import DEFAULT_SUITES
from tests.harness.authority import Authority
from tests.harness.phones import Phone, phone, run
from tests.test_encryption import GCM

LOUD = 0.2  # of full scale: the tone


async def hears(call: Call) -> None:
    """Wait until the far end's tone is heard."""
    async for _ in call.frames():
        level = call.levels()[1]
        if level is not None and level > LOUD:
            return


@contextlib.asynccontextmanager
async def both(alices: Any = None, **bobs: Any) -> AsyncIterator[tuple[Phone, Phone]]:
    """Alice calls, Bob answers at once; both say a tone."""
    options = {"audio": "tone", "listen": ("127.0.0.1", 0)}
    async with (
        phone(**options, **(alices or {})) as alice,
        phone(**options, **bobs, auto_answer=0) as bob,
    ):
        yield alice, bob


@contextlib.asynccontextmanager
async def over_tls(
    folder: Path, alices: Any = None, **bobs: Any
) -> AsyncIterator[tuple[Phone, str, Phone]]:
    authority = Authority(folder)
    issued = authority.issue(addresses=("127.0.0.1",))
    ours = TlsSettings(certificate=issued.certificate_file, key=issued.key_file)
    believing = {"tls": TlsSettings(ca_file=authority.file)} | (alices or {})
    async with both(believing, transport="tls", tls=ours, **bobs) as (alice, bob):
        yield alice, f"sip:bob@127.0.0.1:{bob.port};transport=tls", bob


class TestOverTls:
    @pytest.mark.parametrize("suite", DEFAULT_SUITES)
    def test_keys_are_offered_and_used_by_themselves(self, tmp_path: Path, suite: str) -> None:
        async def work() -> None:
            alices = {"srtp_suites": (suite,)}
            async with over_tls(tmp_path, alices) as (alice, uri, bob):
                call = alice.engine.call(uri)
                await call.answered()
                await hears(call)
                await hears(bob.engine.calls[0])
                for end in (call, bob.engine.calls[0]):
                    assert end.srtp == end.statistics()["srtp"] == suite
                    assert end.secure
                assert alice.heard.of(MediaChanged)[0].srtp == suite

        run(work())

    def test_a_server_that_proved_nothing_gets_keys_but_no_padlock(self, tmp_path: Path) -> None:
        async def work() -> None:
            alices = {"tls": TlsSettings(verify=False)}
            async with over_tls(tmp_path, alices) as (alice, uri, _):
                call = alice.engine.call(uri)
                await call.answered()
                assert call.srtp == GCM
                assert not call.secure

        run(work())

    def test_off_is_plain(self, tmp_path: Path) -> None:
        async def work() -> None:
            async with over_tls(tmp_path, {"srtp": "off"}) as (alice, uri, _):
                call = alice.engine.call(uri)
                await call.answered()
                await hears(call)
                assert call.srtp is None
                assert not call.secure

        run(work())


@pytest.mark.parametrize("options", [{"srtp": "maybe"}, {"srtp_suites": ("ROT13",)}])
def test_what_there_is_not_is_said_before_the_first_call(options: Any) -> None:
    async def work() -> None:
        with pytest.raises(ConfigError, match=r"maybe|ROT13"):
            async with phone(**options):
                pass

    run(work())


class TestOverUdp:
    def test_prefer_is_plain(self) -> None:
        async def work() -> None:
            async with both() as (alice, bob):
                call = alice.engine.call(bob.uri)
                await call.answered()
                await hears(call)
                assert call.srtp is None

        run(work())

    def test_require_is_encrypted_without_a_padlock_and_warns(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        async def work() -> None:
            async with both({"srtp": "require"}) as (alice, bob):
                call = alice.engine.call(bob.uri)
                await call.answered()
                await hears(call)
                await hears(bob.engine.calls[0])
                assert call.srtp == bob.engine.calls[0].srtp == GCM
                assert not call.secure

        with caplog.at_level(logging.DEBUG, logger="platypus"):
            run(work())
        assert "use TLS" in caplog.text
        assert "inline:" not in caplog.text

    @pytest.mark.parametrize(("alices", "bobs"), [("require", "off"), ("off", "require")])
    def test_required_on_one_side_and_missing_on_the_other_fails_with_488_and_a_sentence(
        self, alices: str, bobs: str
    ) -> None:
        async def work() -> None:
            async with both({"srtp": alices}, srtp=bobs) as (alice, bob):
                call = alice.engine.call(bob.uri)
                with pytest.raises(CallError) as failure:
                    await call.answered()
                assert failure.value.code == 488
                assert "SRTP is" in str(failure.value)

        run(work())

    def test_an_offer_that_comes_with_the_answer_is_encrypted_too(self) -> None:
        async def work() -> None:
            async with both(srtp="require") as (alice, bob):
                call = alice.engine.call(bob.uri, offer=False)
                await call.answered()
                await hears(call)
                await hears(bob.engine.calls[0])
                assert call.srtp == GCM

        run(work())


class TestChanges:
    @staticmethod
    async def heard_more(call: Call, packets: int = 10) -> None:
        until = call.statistics()["receive"]["packets"] + packets
        async for _ in call.frames():
            if call.statistics()["receive"]["packets"] >= until:
                return

    @staticmethod
    def refused(call: Call) -> int:
        figures = call.media.stream.raw_statistics()
        assert figures is not None
        return int(figures["forged"] + figures["replayed"])

    def test_hold_and_resume_keep_the_keys(self) -> None:
        async def work() -> None:
            async with both({"srtp": "require"}) as (alice, bob):
                call = alice.engine.call(bob.uri)
                await call.answered()
                await hears(call)
                call.hold()
                await alice.heard.next(MediaChanged, lambda event: event.direction == "sendonly")
                call.resume()
                await alice.heard.count(MediaChanged, 3)
                await self.heard_more(call)
                await self.heard_more(bob.engine.calls[0])
                assert self.refused(call) == self.refused(bob.engine.calls[0]) == 0

        run(work())

    def test_new_keys_take_over_without_a_word_lost(self) -> None:
        async def work() -> None:
            async with both({"srtp": "require"}) as (alice, bob):
                call = alice.engine.call(bob.uri)
                await call.answered()
                await hears(call)
                theirs = bob.engine.calls[0]
                before = theirs.media._negotiator.plan
                call.renew_keys()
                await self.heard_more(call, 20)
                await self.heard_more(theirs, 20)
                assert theirs.media._negotiator.plan != before
                assert call.srtp == GCM
                assert len(alice.heard.of(MediaChanged)) == 1
                # What leaves with the new key before the far end has it can't be read there.
                assert self.refused(call) <= 2
                assert self.refused(theirs) <= 2

        run(work())
