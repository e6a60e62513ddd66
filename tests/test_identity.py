"""Names, digits by INFO, and one conversation at a time, between engines on loopback."""

from __future__ import annotations

import pytest

from platypus.errors import StateError
from platypus.events import (
    CallStateChanged,
    DtmfReceived,
    ErrorOccurred,
    IdentityChanged,
    IncomingCall,
)
from tests.harness.far_end import Fork
from tests.harness.phones import phone, run
from tests.test_call import connected, hold_of

CAROL = ("P-Asserted-Identity", '"Carol" <sip:carol@pbx>')


class TestIdentity:
    def test_of_a_caller_is_shown_where_our_server_gives_it(self) -> None:
        async def work() -> None:
            async with phone() as server, phone() as bob:
                bob.engine.account(f"sip:bob@127.0.0.1:{server.port}", register=False)
                server.engine.call(bob.uri, headers=[CAROL])
                call = (await bob.heard.next(IncomingCall)).call
                assert (call.display_name, call.identity) == ("Carol", "sip:carol@pbx")

        run(work())

    def test_of_a_caller_to_another_user_is_the_servers_word_as_well(self) -> None:
        async def work() -> None:
            async with phone() as server, phone() as bob:
                account = bob.engine.account(f"sip:me@127.0.0.1:{server.port}", register=False)
                server.engine.call(bob.uri, headers=[CAROL])
                call = (await bob.heard.next(IncomingCall)).call
                assert (call.display_name, call.account) == ("Carol", account)

        run(work())

    def test_of_a_caller_is_not_a_strangers_word(self) -> None:
        async def work() -> None:
            async with phone() as alice, phone() as bob:
                alice.engine.call(bob.uri, headers=[CAROL])
                call = (await bob.heard.next(IncomingCall)).call
                assert (call.display_name, call.identity) == ("", None)

        run(work())

    def test_of_whom_we_called_comes_with_the_answer_and_changes_with_an_update(self) -> None:
        async def work() -> None:
            async with phone() as alice:
                far = Fork()
                call = alice.engine.call(far.uri)
                await far.invited()
                far.answer("one", "200 OK", alice.port)
                await call.answered()
                far.request("UPDATE", "one", alice.port, 2, headers=[CAROL])
                event = await alice.heard.next(IdentityChanged)
                assert (event.display_name, event.uri) == ("Carol", "sip:carol@pbx")
                assert call.display_name == "Carol"

        run(work())


class TestDigitsByInfo:
    def test_are_heard_in_their_order(self) -> None:
        async def work() -> None:
            async with phone() as alice, phone() as bob:
                outgoing, _ = await connected(alice, bob)
                outgoing.send_dtmf("1a#", method="info", duration_ms=120)
                events = await bob.heard.count(DtmfReceived, 3)
                assert [(e.digit, e.method, e.duration_ms) for e in events] == [
                    ("1", "info", 120),
                    ("A", "info", 120),
                    ("#", "info", 120),
                ]

        run(work())

    def test_need_a_call_that_is_answered(self) -> None:
        async def work() -> None:
            async with phone() as alice, phone() as bob:
                outgoing = alice.engine.call(bob.uri)
                await bob.heard.next(IncomingCall)
                with pytest.raises(StateError, match="INFO"):
                    outgoing.send_dtmf("1", method="info")

        run(work())

    def test_are_checked_before_the_first_is_sent(self) -> None:
        async def work() -> None:
            async with phone() as alice, phone() as bob:
                outgoing, _ = await connected(alice, bob)
                with pytest.raises(ValueError, match="'x'"):
                    outgoing.send_dtmf("1x", method="info")
                outgoing.send_dtmf("2", method="info")
                assert (await bob.heard.next(DtmfReceived)).digit == "2"

        run(work())

    def test_that_the_far_end_does_not_take_are_told(self) -> None:
        async def work() -> None:
            async with phone() as alice, phone() as bob:
                outgoing, _ = await connected(alice, bob)
                outgoing.session.infos.send("text/plain", b"hello", alice.engine.now())
                alice.engine.pump()
                error = await alice.heard.next(ErrorOccurred)
                assert "415" in error.message and error.call is outgoing

        run(work())


class TestOneConversationAtATime:
    def test_the_first_is_held_when_a_second_is_answered(self) -> None:
        async def work() -> None:
            async with phone() as alice, phone(hold_others=True) as bob:
                _, first = await connected(alice, bob)
                second = alice.engine.call(bob.uri)
                waiting = (await bob.heard.count(IncomingCall, 2))[1].call
                assert first.hold_state == "none"  # it only waits
                waiting.answer()
                await second.answered()
                await bob.heard.next(CallStateChanged, hold_of(first, "local"))
                assert waiting.hold_state == "none"

        run(work())

    def test_and_when_it_is_taken_up_again_they_change_places(self) -> None:
        async def work() -> None:
            async with phone(hold_others=True) as alice, phone(auto_answer=0) as bob:
                first = alice.engine.call(bob.uri)
                await first.answered()
                second = alice.engine.call(bob.uri)
                await second.answered()
                await alice.heard.next(CallStateChanged, hold_of(first, "local"))
                first.resume()
                await alice.heard.next(CallStateChanged, hold_of(second, "local"))
                await alice.heard.until(lambda: first.hold_state == "none")

        run(work())

    def test_nothing_is_held_for_a_call_that_cannot_be_taken_up(self) -> None:
        async def work() -> None:
            async with phone() as alice, phone(hold_others=True) as bob:
                await connected(alice, bob)
                alice.engine.call(bob.uri)
                waiting = (await bob.heard.count(IncomingCall, 2))[1].call
                with pytest.raises(StateError, match="only an answered call"):
                    waiting.resume()
                alice.engine.calls[-1].hangup()
                await waiting.ended()
                assert {event.hold for event in bob.heard.of(CallStateChanged)} == {"none"}

        run(work())

    def test_nothing_is_held_by_itself_unless_asked_for(self) -> None:
        async def work() -> None:
            async with phone() as alice, phone(auto_answer=0) as bob:
                first, second = alice.engine.call(bob.uri), alice.engine.call(bob.uri)
                await first.answered()
                await second.answered()
                assert (first.hold_state, second.hold_state) == ("none", "none")
                holds = [event.hold for event in alice.heard.of(CallStateChanged)]
                assert set(holds) == {"none"}

        run(work())
