"""The engine's own life: entering, leaving, options, bad input from the network."""

import gc
import logging
import re
import threading
import time
from typing import Any

import pytest

from platypus.engine import Engine
from platypus.errors import (
    AudioFileError,
    CallError,
    ConfigError,
    MediaError,
    NetworkError,
    PlatypusError,
    StateError,
)
from platypus.events import CallEnded, CallState, IncomingCall
from platypus.net import locate
from platypus.sip import headers
from platypus.sip.headers import NameAddr
from tests.harness.phones import Stranger, phone, registrar, run, unused_port


class TestEntering:
    def test_says_where_it_listens(self) -> None:
        async def work() -> None:
            async with phone() as alice:
                assert alice.engine.listen == [f"udp:127.0.0.1:{alice.port}"]

        run(work())

    def test_a_port_in_use_is_told_with_what_to_do(self) -> None:
        async def work() -> None:
            async with phone() as alice:
                with pytest.raises(NetworkError, match=f"{alice.port}.*choose another port"):
                    await Engine(listen=("127.0.0.1", alice.port)).start()

        run(work())

    @pytest.mark.parametrize(
        ("options", "error", "words"),
        [
            ({"codecs": ["pcmx"]}, ConfigError, "pcmx"),
            ({"rtp_ports": (5000, 5000)}, MediaError, "5000-5000"),
            ({"audio": "wav:/no/such.wav"}, AudioFileError, "/no/such.wav"),
            ({"audio": "tune"}, ConfigError, "tune"),
        ],
    )
    def test_a_wrong_option_is_told_at_once(
        self, options: dict[str, Any], error: type[PlatypusError], words: str
    ) -> None:
        async def work() -> None:
            with pytest.raises(error, match=words):
                await Engine(listen=("127.0.0.1", 0), **options).start()

        run(work())

    def test_what_it_remembers_of_messages_can_be_given_back(self) -> None:
        locate.target("sip:bob@192.0.2.1")
        NameAddr.parse("<sip:bob@example.com>;tag=1")
        Engine().give_back()
        for cache in (locate.target, headers._name_addr_cached):
            assert cache.cache_info().currsize == 0

    def test_an_engine_that_is_not_running_says_so(self) -> None:
        engine = Engine()
        with pytest.raises(StateError, match="async with Engine"):
            engine.call("sip:bob@127.0.0.1")
        with pytest.raises(StateError, match="async with Engine"):
            engine.account("sip:alice@127.0.0.1")

    def test_is_entered_once(self) -> None:
        async def work() -> None:
            async with phone() as alice:
                with pytest.raises(StateError, match="once"):
                    await alice.engine.start()

        run(work())

    def test_starts_no_python_thread(self) -> None:
        async def work() -> None:
            before = threading.active_count()
            async with phone() as alice, phone(auto_answer=0) as bob:
                call = alice.engine.call(bob.uri)
                await call.answered()
                assert threading.active_count() == before

        run(work())


class TestLeaving:
    def test_hangs_up(self) -> None:
        async def work() -> None:
            async with phone(auto_answer=0) as bob:
                async with phone() as alice:
                    await alice.engine.call(bob.uri).answered()
                ended = await bob.heard.next(CallEnded)
                assert (ended.by, ended.code) == ("remote", 200)

        run(work())

    def test_cancels_a_ringing_call(self) -> None:
        async def work() -> None:
            async with phone() as bob:
                async with phone() as alice:
                    alice.engine.call(bob.uri)
                    await bob.heard.next(IncomingCall)
                ended = await bob.heard.next(CallEnded)
                assert (ended.by, ended.code) == ("remote", 487)

        run(work())

    def test_unregisters(self) -> None:
        async def work() -> None:
            async with registrar() as server:
                async with phone() as alice:
                    account = alice.engine.account(server.aor, password="secret")
                    await account.registered()
                last = server.requests[-1].request
                assert last.headers.get("Expires") == "0"

        run(work())

    def test_is_bounded_when_nobody_answers(self) -> None:
        async def work() -> None:
            with Stranger() as silent:
                engine = Engine(listen=("127.0.0.1", 0))
                await engine.start()
                engine.account(f"sip:alice@127.0.0.1:{silent.port}", password="secret")
                engine.call(f"sip:bob@127.0.0.1:{silent.port}")
                await silent.receive()
                begun = time.monotonic()
                await engine.close(timeout=0.2)
                # Not a measurement: without a bound it would be 32 s.
                assert time.monotonic() - begun < 5

        run(work())

    def test_ends_the_iteration_of_events(self) -> None:
        async def work() -> None:
            async with phone() as alice:
                events = alice.engine.events()
            assert [event async for event in events] == []

        run(work())

    def test_may_be_done_twice(self) -> None:
        async def work() -> None:
            async with phone() as alice:
                await alice.engine.close()
            await alice.engine.close()
            assert not alice.engine.running

        run(work())

    def test_leaves_nothing_of_a_call_behind(self) -> None:
        async def work() -> None:
            async with phone() as alice, phone(auto_answer=0) as bob:
                call = alice.engine.call(bob.uri)
                await call.answered()
                call.hangup()
                await bob.heard.next(CallEnded)
                assert alice.engine.calls == bob.engine.calls == []
                assert alice.engine.calling._sessions == {}
                assert alice.engine.calling.media._sessions == {}

        run(work())


class TestSeveral:
    def test_two_engines_in_one_process_do_not_meet(self) -> None:
        async def work() -> None:
            async with phone() as alice, phone() as carol, phone(auto_answer=0) as bob:
                await alice.engine.call(bob.uri).answered()
                assert (len(alice.engine.calls), len(carol.engine.calls)) == (1, 0)
                assert carol.heard.events == []

        run(work())

    def test_an_engine_on_another_loop_works_after_the_first_has_ended(self) -> None:
        async def work() -> None:
            async with phone() as alice, phone(auto_answer=0) as bob:
                await alice.engine.call(bob.uri).answered()

        run(work())
        run(work())


class TestPolicies:
    def test_a_call_to_another_user_is_not_found(self) -> None:
        async def work() -> None:
            async with phone() as alice, phone(user="robert") as bob:
                with pytest.raises(CallError) as refused:
                    await alice.engine.call(bob.uri).answered()
                assert refused.value.code == 404
                assert bob.heard.events == []

        run(work())

    def test_more_than_max_calls_are_told_it_is_busy(self) -> None:
        async def work() -> None:
            async with phone() as alice, phone(max_calls=1, auto_answer=0) as bob:
                await alice.engine.call(bob.uri).answered()
                with pytest.raises(CallError) as refused:
                    await alice.engine.call(bob.uri).answered()
                assert refused.value.code == 486

        run(work())

    def test_all_calls_can_be_refused(self) -> None:
        async def work() -> None:
            async with phone() as alice, phone(reject=603) as bob:
                with pytest.raises(CallError) as refused:
                    await alice.engine.call(bob.uri).answered()
                assert refused.value.code == 603

        run(work())

    def test_a_call_rings_and_is_answered_after_a_time(self) -> None:
        async def work() -> None:
            async with phone() as alice, phone(auto_answer=0.05) as bob:
                call = alice.engine.call(bob.uri)
                await call.answered()
                states = [each.state for each in alice.heard.events if hasattr(each, "hold")]
                assert states == [CallState.TRYING, CallState.RINGING, CallState.CONFIRMED]

        run(work())

    def test_a_callback_can_decide(self) -> None:
        async def work() -> None:
            async with phone() as alice, phone(incoming=lambda call: call.reject(480)) as bob:
                with pytest.raises(CallError) as refused:
                    await alice.engine.call(bob.uri).answered()
                assert refused.value.code == 480

        run(work())

    def test_a_callback_that_raises_is_logged_and_the_phone_goes_on(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        def broken(call: object) -> None:
            raise ZeroDivisionError("theirs")

        async def work() -> None:
            async with phone() as alice, phone(incoming=broken) as bob:
                call = alice.engine.call(bob.uri)
                await bob.heard.next(IncomingCall)
                bob.engine.calls[0].answer()
                await call.answered()

        with caplog.at_level(logging.ERROR):
            run(work())
        assert "theirs" in caplog.text

    def test_a_handler_takes_sessions_over(self) -> None:
        events: list[object] = []

        async def work() -> None:
            def take(event: Any) -> bool:
                event.session.reject(486, bob.engine.now())
                return True

            options = {"handlers": {"INVITE": take}, "session_events": events.append}
            async with phone() as alice, phone(**options) as bob:
                with pytest.raises(CallError):
                    await alice.engine.call(bob.uri).answered()
                assert bob.heard.events == []
                assert [type(event).__name__ for event in events] == ["SessionEnded"]

        run(work())


class TestOptions:
    def test_a_phone_says_what_it_can(self) -> None:
        async def work() -> None:
            async with phone() as alice, phone() as bob:
                response = await alice.engine.options(bob.uri)
                assert response.status == 200
                assert "INVITE" in (response.headers.get("Allow") or "")

        run(work())

    def test_a_server_that_is_not_there_is_a_network_error(self) -> None:
        async def work() -> None:
            async with phone() as alice:
                with pytest.raises(NetworkError, match="nothing listens there"):
                    await alice.engine.options(f"sip:127.0.0.1:{unused_port()}")

        run(work())


@pytest.mark.parametrize(
    "options",
    [
        *({"transport": "sctp"}, {"prack": "maybe"}, {"echo_cancelling": "maybe"}, {"reject": 200}),
        *({"max_calls": 0}, {"auto_answer": -0.5}, {"auto_answer": float("nan")}),
        *({"user_agent": "a\r\nVia: b"}, {"instance_id": "a\nb"}, {"stun": "stun.example.org"}),
    ],
)
def test_an_option_that_can_be_none_is_refused(options: Any) -> None:
    (name, value), *_ = options.items()
    with pytest.raises(ConfigError, match=f"^{name} is .*{re.escape(repr(value))}$"):
        Engine(**options)


def test_an_account_that_would_never_stay_registered_is_refused() -> None:
    async def work() -> None:
        async with phone() as alice:
            with pytest.raises(ConfigError, match=r"^expires is .*, not -5$"):
                alice.engine.account("sip:alice@127.0.0.1", expires=-5)

    run(work())


GARBAGE = [
    b"\0" * 200,
    b"\xff\xfe" * 700,
    b"INVITE sip:bob@127.0.0.1 SIP/2.0\r\n",
    b"INVITE sip:bob@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK1\r\n\r\n",
    b"SIP/2.0 200 OK\r\nCSeq: nonsense\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n",
    b"INVITE sip:bob@127.0.0.1 SIP/2.0\r\nContent-Length: 99999\r\n\r\nv=0\r\n",  # truncated
    b"OPTIONS sip:bob@127.0.0.1 SIP/2.0\r\nX: " + b"y" * 65_000 + b"\r\n\r\n",  # oversized
]


class TestGarbage:
    @pytest.mark.parametrize("data", GARBAGE, ids=range(len(GARBAGE)))
    def test_leaves_the_phone_working(self, data: bytes, caplog: pytest.LogCaptureFixture) -> None:
        async def work() -> None:
            async with phone() as alice, phone(auto_answer=0) as bob:
                with Stranger() as stranger:
                    for _ in range(3):
                        stranger.send(data, bob.port)
                    await alice.engine.call(bob.uri).answered()
                assert len(bob.heard.of(IncomingCall)) == 1

        with caplog.at_level(logging.ERROR):
            run(work())
        assert caplog.text == ""


class TestSecrets:
    def test_no_password_and_no_credentials_are_ever_logged(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        async def work() -> None:
            async with registrar() as server, phone() as alice:
                account = alice.engine.account(server.aor, password="secret")
                await account.registered()
                assert "secret" not in repr(account) + repr(account.settings)

        with caplog.at_level(logging.DEBUG):
            run(work())
        assert "> REGISTER sip:127.0.0.1" in caplog.text
        assert "< SIP/2.0 401" in caplog.text
        assert "secret" not in caplog.text
        assert "response=" not in caplog.text

    def test_a_password_in_a_uri_is_masked(self) -> None:
        from platypus.pump import first_line

        line = first_line(b"INVITE sip:bob:hunter2@example.com SIP/2.0\r\nVia: x\r\n\r\n")
        assert line == "INVITE sip:bob:***@example.com SIP/2.0"

    def test_what_is_logged_stays_on_one_line(self) -> None:
        from platypus.pump import first_line

        assert first_line(b"INVITE a\x1b[31m\nb SIP/2.0\r\n\r\n") == "INVITE a?[31m?b SIP/2.0"


def test_an_engine_that_was_closed_can_be_collected() -> None:
    import weakref

    async def work() -> None:
        async with phone() as alice, phone(auto_answer=0) as bob:
            await alice.engine.call(bob.uri).answered()
        references.append(weakref.ref(alice.engine))

    references: list[weakref.ref[Engine]] = []
    run(work())
    gc.collect()
    assert references[0]() is None
