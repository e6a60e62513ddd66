"""Calls between two engines, over real UDP on the loopback interface."""

import asyncio
import contextlib
import gc
import socket
import weakref
from typing import Any

import pytest

from platypus.call import Call
from platypus.errors import CallError, MediaError, StateError
from platypus.events import (
    CallEnded,
    CallState,
    CallStateChanged,
    DtmfReceived,
    IncomingCall,
    MediaChanged,
    MediaState,
)
from platypus.net.datagram import _LINUX
from tests.harness.phones import Phone, connected, phone, run, unused_port
from tests.harness.sounds import loud, silent


async def port_is_free(port: int) -> None:
    for _ in range(200):
        with contextlib.suppress(OSError), socket.socket(type=socket.SOCK_DGRAM) as probe:
            probe.bind(("127.0.0.1", port))
            return
        await asyncio.sleep(0.01)


def hold_of(call: Call, hold: str) -> Any:
    return lambda event: event.call is call and event.hold == hold


class TestAnOutgoingCall:
    def test_that_can_not_be_made_keeps_no_ports(self) -> None:
        async def work() -> None:
            port = unused_port() & ~1
            async with phone(rtp_ports=(port, port + 1)) as alice, phone() as bob:
                for _ in range(2):
                    with pytest.raises(ValueError, match="Via is not"):
                        alice.engine.call(bob.uri, headers=[("Via", "x")])
                    await asyncio.sleep(0.05)  # the media thread lets go of them
                await connected(alice, bob)

        run(work())

    def test_goes_through_its_states_to_the_end(self) -> None:
        async def work() -> None:
            async with phone() as alice, phone() as bob:
                call, _ = await connected(alice, bob)
                call.hangup()
                ended = await call.ended()
                assert (ended.code, ended.by, ended.elsewhere) == (200, "local", False)
                states = [event.state for event in alice.heard.of(CallStateChanged)]
                assert states == [CallState.TRYING, CallState.RINGING, CallState.CONFIRMED]
                assert alice.heard.events[-1] == ended

        run(work())

    def test_is_hung_up_on_leaving(self) -> None:
        async def work() -> None:
            async with phone() as alice, phone(auto_answer=0) as bob:
                async with alice.engine.call(bob.uri) as call:
                    await call.answered()
                assert call.state is CallState.ENDED
                ended = await bob.heard.next(CallEnded)
                assert (ended.code, ended.by) == (200, "remote")

        run(work())

    def test_that_rings_is_cancelled_on_leaving(self) -> None:
        async def work() -> None:
            async with phone() as alice, phone() as bob:
                async with alice.engine.call(bob.uri) as call:
                    await bob.heard.next(IncomingCall)
                assert (await call.ended()).code == 487
                ended = await bob.heard.next(CallEnded)
                assert (ended.code, ended.by) == (487, "remote")

        run(work())

    def test_whose_task_is_cancelled_sends_cancel(self) -> None:
        async def work() -> None:
            async with phone() as alice, phone() as bob:

                async def calling() -> None:
                    async with alice.engine.call(bob.uri) as call:
                        await call.answered()

                task = asyncio.create_task(calling())
                await bob.heard.next(IncomingCall)
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
                assert (await bob.heard.next(CallEnded)).code == 487

        run(work())

    def test_that_is_refused_tells_code_and_reason(self) -> None:
        async def work() -> None:
            async with phone() as alice, phone(reject=486) as bob:
                call = alice.engine.call(bob.uri)
                with pytest.raises(CallError, match="Busy") as refused:
                    await call.answered()
                assert refused.value.code == 486
                assert (await call.ended()).by == "remote"

        run(work())

    def test_hung_up_before_anything_happened_still_tells_all(self) -> None:
        async def work() -> None:
            async with phone() as alice, phone() as bob:
                call = alice.engine.call(bob.uri)
                call.hangup()
                await call.ended()
                kinds = [type(event) for event in alice.heard.events]
                assert kinds[0] is CallStateChanged
                assert kinds[-1] is CallEnded

        run(work())

    @pytest.mark.skipif(not _LINUX, reason="only Linux tells of an unreachable port")
    def test_to_a_port_nobody_listens_on_fails_at_once(self) -> None:
        async def work() -> None:
            async with phone() as alice:
                call = alice.engine.call(f"sip:bob@127.0.0.1:{unused_port()}")
                with pytest.raises(CallError, match="nothing listens there"):
                    await call.answered()

        run(work())

    def test_to_a_name_that_does_not_resolve_names_it(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def getaddrinfo(*_: object, **__: object) -> object:
            raise OSError(-2, "Name or service not known")

        monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", getaddrinfo)

        async def work() -> None:
            async with phone() as alice:
                with pytest.raises(CallError, match=r"pbx\.invalid does not resolve; check"):
                    await alice.engine.call("sip:bob@pbx.invalid").answered()

        run(work())

    def test_that_nobody_answers_can_be_given_up(self) -> None:
        async def work() -> None:
            async with phone() as alice, phone() as bob:
                async with alice.engine.call(bob.uri) as call:
                    with pytest.raises(CallError, match="no answer within"):
                        await call.answered(timeout=0.05)
                assert (await call.ended()).code == 487

        run(work())

    def test_without_an_offer_gets_one_in_the_answer(self) -> None:
        async def work() -> None:
            async with phone() as alice, phone() as bob:
                call, incoming = await connected(alice, bob, offer=False)
                await bob.heard.next(MediaChanged)
                assert call.codec == incoming.codec == "pcmu"

        run(work())

    def test_carries_the_headers_it_was_given(self) -> None:
        async def work() -> None:
            async with phone() as alice, phone() as bob:
                headers = [("X-One", "1"), ("X-Two", "a"), ("X-Two", "b")]
                _, incoming = await connected(alice, bob, headers=headers)
                assert incoming.headers["X-One"] == "1"
                assert incoming.headers["X-Two"] == ["a", "b"]

        run(work())

    def test_with_no_free_port_is_refused_before_it_begins(self) -> None:
        async def work() -> None:
            async with phone(rtp_ports=(21000, 21001)) as alice, phone(auto_answer=0) as bob:
                await alice.engine.call(bob.uri).answered()
                with pytest.raises(MediaError, match=r"21000-21001.*end a call"):
                    alice.engine.call(bob.uri)
                assert len(alice.engine.calls) == 1

        run(work())


def has_ipv6() -> bool:
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
        probe.bind(("::1", 0))
        return True
    return False


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
def test_a_call_goes_over_ipv6_as_well() -> None:
    async def work() -> None:
        async with phone(listen=("::1", 0), audio="tone") as alice, phone(listen=("::1", 0)) as bob:
            call = alice.engine.call(f"sip:bob@[::1]:{bob.port}")
            incoming = (await bob.heard.next(IncomingCall)).call
            incoming.answer()
            await call.answered()
            assert await loud(incoming.frames())
            assert (
                await alice.heard.next(MediaChanged)
            ).remote == f"[::1]:{incoming.media.stream.port}"

    run(work())


class TestAnIncomingCall:
    def test_rings_and_waits(self) -> None:
        async def work() -> None:
            async with phone() as alice, phone() as bob:
                alice.engine.call(bob.uri)
                incoming = (await bob.heard.next(IncomingCall)).call
                await alice.heard.next(
                    CallStateChanged, lambda event: event.state is CallState.RINGING
                )
                assert incoming.state is CallState.RINGING
                assert incoming.direction == "incoming"
                assert incoming.request_user == "bob"

        run(work())

    def test_says_who_calls(self) -> None:
        async def work() -> None:
            async with phone() as alice, phone() as bob:
                account = alice.engine.account(
                    f"sip:alice@127.0.0.1:{alice.port}", display_name="Alice", register=False
                )
                account.call(bob.uri)
                incoming = (await bob.heard.next(IncomingCall)).call
                assert incoming.display_name == "Alice"
                assert incoming.remote == f"sip:alice@127.0.0.1:{alice.port}"
                assert incoming.local == bob.uri

        run(work())

    def test_belongs_to_the_account_that_was_dialled(self) -> None:
        async def work() -> None:
            async with phone() as alice, phone() as bob:
                bob.engine.account(f"sip:carl@127.0.0.1:{bob.port}", register=False)
                mine = bob.engine.account(bob.uri, register=False)
                alice.engine.call(bob.uri)
                assert (await bob.heard.next(IncomingCall)).call.account is mine

        run(work())

    def test_can_be_refused(self) -> None:
        async def work() -> None:
            async with phone() as alice, phone() as bob:
                call = alice.engine.call(bob.uri)
                (await bob.heard.next(IncomingCall)).call.reject(603)
                with pytest.raises(CallError) as refused:
                    await call.answered()
                assert refused.value.code == 603
                assert (await bob.heard.next(CallEnded)).by == "local"

        run(work())

    def test_can_be_redirected(self) -> None:
        async def work() -> None:
            async with phone() as alice, phone() as bob, phone(auto_answer=0) as carol:
                call = alice.engine.call(bob.uri)
                (await bob.heard.next(IncomingCall)).call.redirect(carol.uri)
                await call.answered()
                assert (await carol.heard.next(IncomingCall)).call.state is CallState.CONFIRMED

        run(work())

    def test_a_number_to_be_redirected_to_is_completed_with_the_first_account(self) -> None:
        async def work() -> None:
            async with phone() as alice, phone() as bob, phone() as carol:
                bob.engine.account(f"sip:robert@127.0.0.1:{carol.port}", register=False)
                outgoing = alice.engine.call(bob.uri)
                (await bob.heard.next(IncomingCall)).call.redirect("carol")
                invite = (await carol.heard.next(IncomingCall)).call.invite
                assert str(invite.uri) == f"sip:carol@127.0.0.1:{carol.port}"
                outgoing.hangup()

        run(work())

    def test_its_addresses_are_bare(self) -> None:
        async def work() -> None:
            async with phone() as alice, phone() as bob:
                alice.engine.call(f"{bob.uri};user=phone")
                incoming = (await bob.heard.next(IncomingCall)).call
                assert incoming.local == bob.uri

        run(work())

    def test_can_have_early_media(self) -> None:
        async def work() -> None:
            async with phone() as alice, phone() as bob:
                call = alice.engine.call(bob.uri)
                incoming = (await bob.heard.next(IncomingCall)).call
                incoming.progress()
                await alice.heard.next(
                    CallStateChanged, lambda event: event.state is CallState.EARLY
                )
                assert call.codec == "pcmu"
                incoming.answer()
                await call.answered()
                started = alice.heard.of(MediaChanged)
                assert [event.state for event in started] == [MediaState.STARTED]

        run(work())

    def test_with_no_codec_of_ours_is_not_acceptable(self) -> None:
        async def work() -> None:
            async with phone(codecs=["pcma"]) as alice, phone(codecs=["pcmu"]) as bob:
                with pytest.raises(CallError) as refused:
                    await alice.engine.call(bob.uri).answered()
                assert refused.value.code == 488
                assert bob.heard.events == []
                assert bob.engine.calls == []

        run(work())

    def test_that_can_not_have_a_port_can_be_answered_later(self) -> None:
        async def work() -> None:
            async with phone() as alice, phone(rtp_ports=(21010, 21011)) as bob:
                first, _ = await connected(alice, bob)
                second = alice.engine.call(bob.uri)
                waiting = (
                    await bob.heard.next(IncomingCall, lambda event: event.call.id != "1")
                ).call
                with pytest.raises(MediaError, match="end a call"):
                    waiting.answer()
                first.hangup()
                await bob.heard.next(CallEnded)
                await port_is_free(21010)  # the media loop closes its sockets with its next frame
                waiting.answer()
                await second.answered()

        run(work())


class TestWrongCommands:
    def test_an_outgoing_call_can_not_be_answered(self) -> None:
        async def work() -> None:
            async with phone() as alice, phone() as bob:
                call = alice.engine.call(bob.uri)
                with pytest.raises(StateError, match="outgoing call can't be answered"):
                    call.answer()

        run(work())

    def test_a_call_that_is_not_answered_can_not_be_held(self) -> None:
        async def work() -> None:
            async with phone() as alice, phone() as bob:
                call = alice.engine.call(bob.uri)
                with pytest.raises(StateError, match="only an answered call"):
                    call.hold()

        run(work())

    def test_a_call_that_has_ended_takes_no_commands_but_hangup(self) -> None:
        async def work() -> None:
            async with phone() as alice, phone() as bob:
                call, _ = await connected(alice, bob)
                call.hangup()
                call.hangup()
                for command in (call.mute, call.stop_record, lambda: call.send_dtmf("1")):
                    with pytest.raises(StateError, match="it has ended"):
                        command()
                with pytest.raises(StateError):
                    await call.write(bytes(320))

        run(work())

    @pytest.mark.parametrize("code", [100, 200, 299, 700])
    def test_a_call_is_rejected_with_a_final_refusal(self, code: int) -> None:
        async def work() -> None:
            async with phone() as alice, phone() as bob:
                alice.engine.call(bob.uri)
                incoming = (await bob.heard.next(IncomingCall)).call
                with pytest.raises(StateError, match="300 to 699"):
                    incoming.reject(code)

        run(work())

    def test_digits_by_no_method_say_which_there_are(self) -> None:
        async def work() -> None:
            async with phone() as alice, phone() as bob:
                call, _ = await connected(alice, bob)
                with pytest.raises(ValueError, match=r'"rtp", "info" or "inband"'):
                    call.send_dtmf("1", method="smoke")

        run(work())

    @pytest.mark.parametrize("method", ["rtp", "inband"])
    def test_digits_before_the_answer_say_that_it_is_too_early(self, method: Any) -> None:
        async def work() -> None:
            async with phone() as alice, phone() as bob:
                call = alice.engine.call(bob.uri)
                with pytest.raises(MediaError, match="before there is a stream"):
                    call.send_dtmf("1", method=method)

        run(work())

    def test_an_unknown_digit_is_named(self) -> None:
        async def work() -> None:
            async with phone() as alice, phone() as bob:
                call, _ = await connected(alice, bob)
                with pytest.raises(ValueError, match="x"):
                    call.send_dtmf("12x")

        run(work())


class TestHold:
    def test_is_told_to_both_ends_and_undone(self) -> None:
        async def work() -> None:
            async with phone() as alice, phone() as bob:
                call, other = await connected(alice, bob)
                call.hold()
                await alice.heard.next(CallStateChanged, hold_of(call, "local"))
                await bob.heard.next(CallStateChanged, hold_of(other, "remote"))
                assert (call.hold_state, other.hold_state) == ("local", "remote")
                call.resume()
                await alice.heard.until(lambda: call.hold_state == "none")
                await bob.heard.until(lambda: other.hold_state == "none")
                directions = [event.direction for event in alice.heard.of(MediaChanged)]
                assert directions == ["sendrecv", "sendonly", "sendrecv"]

        run(work())

    def test_from_both_ends_is_both(self) -> None:
        async def work() -> None:
            async with phone() as alice, phone() as bob:
                call, other = await connected(alice, bob)
                call.hold()
                await bob.heard.next(CallStateChanged, hold_of(other, "remote"))
                other.hold()
                await alice.heard.next(CallStateChanged, hold_of(call, "both"))
                await bob.heard.next(CallStateChanged, hold_of(other, "both"))

        run(work())

    def test_and_resume_at_once_ends_resumed(self) -> None:
        async def work() -> None:
            async with phone() as alice, phone() as bob:
                call, other = await connected(alice, bob)
                call.hold()
                call.resume()
                await bob.heard.next(CallStateChanged, hold_of(other, "remote"))
                await alice.heard.until(lambda: call.hold_state == "none")
                await bob.heard.until(lambda: other.hold_state == "none")

        run(work())

    def test_leaves_digits_to_whoever_holds(self) -> None:
        async def work() -> None:
            async with phone() as alice, phone() as bob:
                call, other = await connected(alice, bob)
                call.hold()
                await bob.heard.next(CallStateChanged, hold_of(other, "remote"))
                with pytest.raises(MediaError, match="while it holds the call"):
                    other.send_dtmf("1")
                await alice.heard.next(CallStateChanged, hold_of(call, "local"))
                call.send_dtmf("2")
                assert (await bob.heard.next(DtmfReceived)).digit == "2"

        run(work())

    def test_sends_no_voice(self) -> None:
        async def work() -> None:
            async with phone(audio="tone") as alice, phone() as bob:
                call, other = await connected(alice, bob)
                frames = other.frames()
                assert await loud(frames)
                call.hold()
                await bob.heard.next(CallStateChanged, hold_of(other, "remote"))
                assert await silent(frames)

        run(work())


class TestACallThatIsOver:
    def test_is_freed_without_the_collector(self) -> None:
        async def work() -> None:
            async with phone() as alice, phone() as bob:
                handles: list[weakref.ref[Any]] = []
                for _ in range(3):
                    handles += await brief_call(alice, bob)
                await asyncio.sleep(0)
                assert [handle() for handle in handles] == [None] * len(handles)

        gc.collect()
        gc.disable()
        try:
            run(work())
        finally:
            gc.enable()


async def brief_call(alice: Phone, bob: Phone) -> list[weakref.ref[Any]]:
    """Both ends of a call, answered and ended, that only the engines may still know."""
    outgoing, incoming = await connected(alice, bob)
    outgoing.hangup()
    await incoming.ended()
    await outgoing.ended()
    for each in (alice, bob):
        each.heard.events.clear()
    return [weakref.ref(outgoing), weakref.ref(incoming), weakref.ref(incoming.session)]
