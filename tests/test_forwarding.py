"""Do not disturb, forwarding, and calls answered by themselves, between engines on loopback."""

from __future__ import annotations

from typing import Any

import pytest

from platypus.call import Call
from platypus.errors import ConfigError, StateError
from platypus.events import CallEnded, CallState, CallStateChanged, IncomingCall
from platypus.forwarding import CallRules
from tests.harness.phones import Phone, phone, run

AUTO_ANSWER = [("Call-Info", "<sip:door>;answer-after=0")]


def uri(who: Phone, user: str) -> str:
    return f"sip:{user}@127.0.0.1:{who.port}"


async def refused(caller: Phone, target: str, **options: Any) -> int | None:
    return (await caller.engine.call(target, **options).ended()).code


async def rings_at(who: Phone) -> Call:
    return (await who.heard.next(IncomingCall)).call


class TestDoNotDisturb:
    def test_refuses_as_busy_and_tells_nobody_here(self) -> None:
        async def work() -> None:
            async with phone() as alice, phone() as bob:
                bob.engine.rules = CallRules(dnd=True)
                assert await refused(alice, bob.uri) == 486
                assert bob.heard.events == []

        run(work())

    def test_ends_when_it_is_switched_off(self) -> None:
        async def work() -> None:
            async with phone() as alice, phone() as bob:
                bob.engine.rules = CallRules(dnd=True)
                bob.engine.rules = CallRules()
                alice.engine.call(bob.uri)
                await rings_at(bob)

        run(work())

    def test_goes_before_forwarding(self) -> None:
        async def work() -> None:
            async with phone() as alice, phone() as bob, phone() as carol:
                bob.engine.rules = CallRules(dnd=True, forward_always=uri(carol, "carol"))
                assert await refused(alice, bob.uri) == 486

        run(work())


class TestForwarding:
    def test_always_goes_on_before_it_rings(self) -> None:
        async def work() -> None:
            async with phone() as alice, phone() as bob, phone() as carol:
                bob.engine.rules = CallRules(forward_always=uri(carol, "carol"))
                alice.engine.call(bob.uri)
                call = await rings_at(carol)
                assert call.diverted_from == f"sip:bob@127.0.0.1:{bob.port}"
                assert [each.reason for each in call.diversions] == ["unconditional"]
                assert bob.heard.events == []

        run(work())

    def test_when_busy_takes_the_place_of_call_waiting(self) -> None:
        async def work() -> None:
            async with phone() as alice, phone() as bob, phone() as carol:
                bob.engine.rules = CallRules(forward_busy=uri(carol, "carol"))
                first = alice.engine.call(bob.uri)
                (await rings_at(bob)).answer()
                await first.answered()
                alice.engine.call(bob.uri)
                assert (await rings_at(carol)).diversions[0].reason == "user-busy"
                assert len(bob.heard.of(IncomingCall)) == 1

        run(work())

    def test_when_busy_leaves_the_first_call_alone(self) -> None:
        async def work() -> None:
            async with phone() as alice, phone() as bob:
                bob.engine.rules = CallRules(forward_busy="sip:carol@127.0.0.1:1")
                alice.engine.call(bob.uri)
                await rings_at(bob)

        run(work())

    def test_without_an_answer_goes_on_after_ringing(self) -> None:
        async def work() -> None:
            async with phone() as alice, phone() as bob, phone() as carol:
                bob.engine.rules = CallRules(
                    forward_no_answer=uri(carol, "carol"), no_answer_after=0.05
                )
                alice.engine.call(bob.uri)
                await rings_at(bob)
                assert (await rings_at(carol)).diversions[0].reason == "no-answer"
                ended = await bob.heard.next(CallEnded)
                assert (ended.code, ended.by) == (302, "local")

        run(work())

    def test_an_answered_call_is_not_sent_on(self) -> None:
        async def work() -> None:
            async with phone() as alice, phone() as bob, phone() as carol:
                bob.engine.rules = CallRules(
                    forward_no_answer=uri(carol, "carol"), no_answer_after=0.05
                )
                call = alice.engine.call(bob.uri)
                (await rings_at(bob)).answer()
                await call.answered()
                other = alice.engine.call(bob.uri)  # rings past the first one's time
                await rings_at(carol)
                assert call.state is CallState.CONFIRMED
                other.hangup()

        run(work())

    def test_a_rule_taken_back_while_it_rings_is_none(self) -> None:
        async def work() -> None:
            async with phone() as alice, phone() as bob, phone() as carol:
                target = uri(carol, "carol")
                bob.engine.rules = CallRules(forward_no_answer=target, no_answer_after=0.05)
                first = alice.engine.call(bob.uri)
                await rings_at(bob)
                bob.engine.rules = CallRules()
                await bob.heard.next(CallStateChanged)
                bob.engine.loop.call_later(0.1, first.hangup)
                assert (await first.ended()).code == 487
                assert carol.heard.events == []

        run(work())

    def test_two_phones_that_forward_to_each_other_end_the_call(self) -> None:
        async def work() -> None:
            async with phone() as alice, phone() as bob, phone() as carol:
                bob.engine.rules = CallRules(forward_always=uri(carol, "carol"))
                carol.engine.rules = CallRules(forward_always=uri(bob, "bob"))
                assert await refused(alice, bob.uri) == 482

        run(work())

    def test_a_call_is_not_forwarded_to_the_phone_it_is_for(self) -> None:
        async def work() -> None:
            async with phone() as alice, phone() as bob:
                bob.engine.rules = CallRules(forward_always=bob.uri)
                assert await refused(alice, bob.uri) == 482

        run(work())

    def test_a_call_sent_on_too_often_is_not_sent_on_again(self) -> None:
        async def work() -> None:
            async with phone() as alice, phone() as bob:
                bob.engine.rules = CallRules(forward_always="sip:carol@127.0.0.1:1")
                often = [("Diversion", "<sip:x@y>;counter=5")]
                assert await refused(alice, bob.uri, headers=often) == 482

        run(work())

    def test_a_loop_where_nobody_answers_goes_on_ringing(self) -> None:
        async def work() -> None:
            async with phone() as alice, phone() as bob:
                bob.engine.rules = CallRules(forward_no_answer=bob.uri, no_answer_after=0.02)
                call = alice.engine.call(bob.uri)
                ringing = await rings_at(bob)
                bob.engine.loop.call_later(0.1, ringing.answer)
                await call.answered()

        run(work())

    def test_a_target_that_cannot_be_called_is_refused_when_it_is_set(self) -> None:
        async def work() -> None:
            async with phone() as bob:
                with pytest.raises(StateError, match="600"):
                    bob.engine.rules = CallRules(forward_busy="600")
                assert bob.engine.rules == CallRules()

        run(work())

    @pytest.mark.parametrize("seconds", [0, -1, 10_000])
    def test_a_time_nobody_means_is_refused(self, seconds: float) -> None:
        with pytest.raises(ValueError, match="no_answer_after"):
            CallRules(no_answer_after=seconds)

    def test_deflecting_by_hand_says_so(self) -> None:
        async def work() -> None:
            async with phone() as alice, phone() as bob, phone() as carol:
                alice.engine.call(bob.uri)
                (await rings_at(bob)).redirect(uri(carol, "carol"))
                assert (await rings_at(carol)).diversions[0].reason == "deflection"

        run(work())

    def test_somebody_without_a_name_is_not_shown_as_who_sent_it(self) -> None:
        async def work() -> None:
            async with phone() as alice, phone() as bob, phone() as carol:
                aor = f"sip:bob@127.0.0.1:{bob.port}"
                bob.engine.account(aor, register=False, anonymous=True)
                bob.engine.rules = CallRules(forward_always=uri(carol, "carol"))
                alice.engine.call(bob.uri)
                call = await rings_at(carol)
                assert call.diverted_from is None
                assert call.diversions[0].private

        run(work())

    def test_a_call_that_was_for_us_was_diverted_by_nobody(self) -> None:
        async def work() -> None:
            async with phone() as alice, phone() as bob:
                outgoing = alice.engine.call(bob.uri)
                assert (await rings_at(bob)).diverted_from is None
                assert outgoing.diverted_from is None

        run(work())


class TestAutoAnswer:
    def test_is_not_the_callers_to_ask_for(self) -> None:
        async def work() -> None:
            async with phone() as alice, phone() as bob:
                alice.engine.call(bob.uri, headers=AUTO_ANSWER)
                assert (await rings_at(bob)).state is CallState.RINGING

        run(work())

    def test_is_granted_to_anyone_where_that_is_wanted(self) -> None:
        async def work() -> None:
            async with phone() as alice, phone(intercom="anyone") as bob:
                await alice.engine.call(bob.uri, headers=AUTO_ANSWER).answered()
                assert CallState.RINGING not in [
                    event.state for event in bob.heard.of(CallStateChanged)
                ]

        run(work())

    def test_is_not_granted_to_a_call_that_does_not_ask(self) -> None:
        async def work() -> None:
            async with phone() as alice, phone(intercom="anyone") as bob:
                alice.engine.call(bob.uri)
                assert (await rings_at(bob)).state is CallState.RINGING

        run(work())

    def test_does_not_break_into_a_conversation(self) -> None:
        async def work() -> None:
            async with phone() as alice, phone(intercom="anyone") as bob:
                await alice.engine.call(bob.uri, headers=AUTO_ANSWER).answered()
                alice.engine.call(bob.uri, headers=AUTO_ANSWER)
                second = (await bob.heard.count(IncomingCall, 2))[1].call
                assert second.state is CallState.RINGING

        run(work())

    def test_of_the_servers_calls_leaves_out_a_strangers(self) -> None:
        async def work() -> None:
            async with (
                phone() as server,
                phone() as stranger,
                phone(intercom="server") as bob,
            ):
                bob.engine.account(f"sip:bob@127.0.0.1:{server.port}", register=False)
                await server.engine.call(bob.uri, headers=AUTO_ANSWER).answered()
                for call in bob.engine.calls:
                    call.hangup()
                stranger.engine.call(bob.uri, headers=AUTO_ANSWER)
                second = (await bob.heard.count(IncomingCall, 2))[1].call
                assert second.state is CallState.RINGING

        run(work())

    def test_a_rule_nobody_knows_is_refused(self) -> None:
        async def work() -> None:
            with pytest.raises(ConfigError, match="intercom"):
                async with phone(intercom="sometimes"):
                    pass

        run(work())
