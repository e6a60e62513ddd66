"""Whole calls by DTLS-SRTP, between engines on the loopback interface."""

from __future__ import annotations

import re
from typing import Any

import pytest

from platypus.call import Call
from platypus.events import CallEnded, CallState, ErrorOccurred, MediaChanged, MediaState
from tests.harness.phones import run
from tests.test_encryption import GCM
from tests.test_srtp_calls import both, hears


def refused(call: Call) -> int:
    figures = call.media.stream.raw_statistics()
    assert figures is not None
    return int(figures["forged"] + figures["replayed"])


@pytest.mark.parametrize("rule", ["prefer", "require"])
def test_the_media_are_encrypted_over_udp_with_a_padlock(rule: str) -> None:
    async def work() -> None:
        async with both({"srtp": rule, "dtls": True}) as (alice, bob):
            call = alice.engine.call(bob.uri)
            await call.answered()
            theirs = bob.engine.calls[0]
            await hears(call)
            await hears(theirs)
            for end in (call, theirs):
                assert end.srtp == end.statistics()["srtp"] == GCM
                assert end.secure
                assert refused(end) == 0
            for phone in (alice, bob):
                # Media start when they can be heard, and that is told once.
                told = phone.heard.of(MediaChanged)
                assert [(each.state, each.srtp) for each in told] == [(MediaState.STARTED, GCM)]

    run(work())


@pytest.mark.parametrize("who", ["the caller", "the called"])
def test_hold_and_resume_need_no_other_handshake(who: str) -> None:
    async def work() -> None:
        async with both({"srtp": "require", "dtls": True}) as (alice, bob):
            call = alice.engine.call(bob.uri)
            await call.answered()
            await hears(call)
            theirs = bob.engine.calls[0]
            await hears(theirs)
            ends = (call, theirs)
            shaking = [end.media.stream._security._shaking for end in ends]
            holder, phone = (call, alice) if who == "the caller" else (theirs, bob)
            holder.hold()
            await phone.heard.next(MediaChanged, lambda event: event.direction == "sendonly")
            holder.resume()
            await phone.heard.count(MediaChanged, 3)
            await hears(call)
            assert [end.media.stream._security._shaking for end in ends] == shaking
            assert refused(call) == refused(theirs) == 0

    run(work())


def test_a_far_end_that_wants_no_connection_for_now_is_heard_when_it_is_asked_again() -> None:
    """RFC 4145, 4.1: the call stands, and is shown as held by it."""

    async def work() -> None:
        async with both({"srtp": "require", "dtls": True}) as (alice, bob):
            call = alice.engine.call(bob.uri)
            negotiator = call.media._negotiator
            offer = negotiator.offer

            def hold_the_connection(*where: Any, **how: Any) -> bytes:
                del negotiator.offer  # type: ignore[method-assign]  # the next is as it always is
                return offer(*where, **how).replace(b"setup:actpass", b"setup:holdconn")

            negotiator.offer = hold_the_connection  # type: ignore[method-assign]
            await call.answered()
            theirs = bob.engine.calls[0]
            assert call.hold_state == theirs.hold_state == "remote"
            for phone in (alice, bob):
                assert phone.heard.of(MediaChanged) == []
            call.resume()
            await hears(call)
            await hears(theirs)
            for end, phone in ((call, alice), (theirs, bob)):
                assert end.srtp == GCM
                assert end.secure
                assert end.hold_state == "none"
                [told] = phone.heard.of(MediaChanged)
                assert told.direction == "sendrecv"

    run(work())


def test_a_phone_that_refuses_it_is_called_again_without() -> None:
    async def work() -> None:
        async with both({"dtls": True}, srtp="off") as (alice, bob):
            call = alice.engine.call(bob.uri)
            await call.answered()
            await hears(call)
            assert call.srtp is None
            assert not call.secure

    run(work())


def another_fingerprint(body: bytes) -> bytes:
    return re.sub(rb"sha-256 [0-9A-F:]+", b"sha-256 " + b":".join([b"00"] * 32), body)


@pytest.mark.parametrize("liar", ["alice", "bob"])
def test_a_certificate_that_was_not_signalled_ends_the_call_with_a_sentence(
    liar: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work() -> None:
        async with both({"srtp": "require", "dtls": True}) as (alice, bob):
            call = alice.engine.call(bob.uri)
            method = "receive_answer" if liar == "bob" else "receive_offer"
            victim = call if liar == "bob" else None

            def tamper(media: Any) -> None:
                negotiator = media._negotiator
                take = getattr(negotiator, method)
                monkeypatch.setattr(
                    negotiator, method, lambda body, *more: take(another_fingerprint(body), *more)
                )

            if victim is not None:
                tamper(victim.media)
            else:
                make = bob.engine.calling.new_call

                def new_call(*arguments: Any) -> Call:
                    made = make(*arguments)
                    tamper(made.media)
                    return made

                monkeypatch.setattr(bob.engine.calling, "new_call", new_call)
            await call.answered()
            deceived = alice if liar == "bob" else bob
            problem = await deceived.heard.next(ErrorOccurred)
            assert "not the one whose fingerprint was signalled" in problem.message
            await deceived.heard.next(CallEnded)
            assert deceived.heard.of(MediaChanged) == []
            assert call.statistics()["receive"]["packets"] == 0

    run(work())


def test_a_handshake_that_nobody_answers_ends_the_call(monkeypatch: pytest.MonkeyPatch) -> None:
    async def work() -> None:
        monkeypatch.setattr("platypus.media.shaking.LIMIT", 0.3)
        async with both({"srtp": "require", "dtls": True}) as (alice, bob):
            call = alice.engine.call(bob.uri)
            monkeypatch.setattr(call.media.stream, "receive_packet", lambda *_: None)
            await call.answered()
            await alice.heard.next(CallEnded)
            await bob.heard.next(CallEnded)
            told = [*alice.heard.of(ErrorOccurred), *bob.heard.of(ErrorOccurred)]
            assert "did not finish the DTLS handshake" in told[0].message
            assert call.state is CallState.ENDED

    run(work())
