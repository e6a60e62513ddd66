"""Media of another family of addresses than the signalling, asked for by a far end made by hand."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

import pytest

from platypus.call import Call
from platypus.call_family import MediaFamily
from platypus.errors import NetworkError, SdpError
from platypus.events import CallState, ErrorOccurred, MediaChanged
from platypus.sdp.description import parse
from platypus.sip.message import Request
from tests.harness.by_hand import invite, request_after
from tests.harness.far_end import Fork, describe, fork
from tests.harness.phones import Phone, phone, run
from tests.test_call import has_ipv6

pytestmark = pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")


@pytest.fixture
def no_way(monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere(host: str, port: int) -> str:
        raise NetworkError("there is no route to that network")

    monkeypatch.setattr("platypus.call_family.local_address_for", nowhere)


def in_family_6(port: int, host: str = "::1") -> str:
    return describe(port).replace("c=IN IP4 127.0.0.1", f"c=IN IP6 {host}")


def rtp(number: int) -> bytes:
    header = bytes([0x80, 0]) + number.to_bytes(2, "big") + (160 * number).to_bytes(4, "big")
    return header + b"six." + bytes([0xD0]) * 160


@contextlib.asynccontextmanager
async def called(bound: str) -> AsyncIterator[tuple[Phone, Fork, Call, socket.socket, int]]:
    """A call over IPv4 whose media the caller wants at ::1; its socket, and our port there."""
    with fork() as far, socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as media:
        media.bind(("::1", 0))
        media.setblocking(False)
        async with phone(listen=(bound, 0), auto_answer=0, audio="tone") as alice:
            offer = in_family_6(media.getsockname()[1])
            far.sip.send(invite(offer, far.sip.port, alice.port), alice.port)
            answer = await far.response(1)
            assert answer.status == 200
            description = parse(answer.body)
            assert description.connection == "::1"
            assert b"c=IN IP6 ::1" in answer.body
            far.sip.send(request_after(answer, "ACK", far.sip.port), alice.port)
            await alice.heard.next(MediaChanged)
            yield alice, far, alice.engine.calls[0], media, description.media[0].port
            await alice.engine.close(timeout=0)


async def receive(media: socket.socket) -> bytes:
    return await asyncio.get_running_loop().sock_recv(media, 2048)


@pytest.mark.parametrize("bound", ["127.0.0.1", "0.0.0.0", "::"])
def test_are_sent_and_heard_there(bound: str) -> None:
    async def work() -> None:
        async with called(bound) as (alice, _, call, media, port):
            assert (await receive(media))[0] == 0x80
            for number in range(500):
                media.sendto(rtp(number), ("::1", port))
                await asyncio.sleep(0.02)
                if call.statistics()["receive"]["packets"] > 10:
                    break
            assert call.statistics()["receive"]["packets"] > 10
            [event] = alice.heard.of(MediaChanged)
            assert event.local == f"[::1]:{port}"
            assert event.remote == f"[::1]:{media.getsockname()[1]}"
            assert not alice.heard.of(ErrorOccurred)

    run(work())


def test_stay_there_when_we_hold_the_call() -> None:
    async def work() -> None:
        async with called("127.0.0.1") as (_, far, call, _, port):
            call.hold()
            offer = await far.receive()
            assert isinstance(offer, Request)
            assert b"c=IN IP6 ::1" in offer.body
            assert parse(offer.body).media[0].port == port
            assert b"a=sendonly" in offer.body

    run(work())


@pytest.mark.usefixtures("no_way")
def test_are_refused_where_there_is_no_way_to_them() -> None:
    async def work() -> None:
        with fork() as far:
            async with phone(auto_answer=0) as alice:
                offer = in_family_6(4000, "2001:db8::1")
                far.sip.send(invite(offer, far.sip.port, alice.port), alice.port)
                answer = await far.response(1)
                assert answer.status == 488
                said = answer.headers.get("Warning") or ""
                assert "2001:db8::1" in said
                assert "no way to it from here over IPv6" in said
                assert not alice.engine.calls

    run(work())


@pytest.mark.usefixtures("no_way")
def test_of_two_streams_the_one_that_there_is_a_way_to_is_taken() -> None:
    """As RFC 4091 has the same offered to whoever has IPv6 and to whoever has not."""

    async def work() -> None:
        with fork() as far:
            async with phone(auto_answer=0) as alice:
                media = far.branches["one"]
                offer = in_family_6(4000, "2001:db8::1")
                offer = offer.replace("t=0 0", "t=0 0\r\na=group:ANAT 1 2")
                offer += f"a=mid:1\r\nm=audio {media.port} RTP/AVP 0\r\n"
                offer += "c=IN IP4 127.0.0.1\r\na=mid:2\r\n"
                far.sip.send(invite(offer, far.sip.port, alice.port), alice.port)
                answer = await far.response(1)
                assert answer.status == 200
                description = parse(answer.body)
                assert [each.port > 0 for each in description.media] == [False, True]
                assert description.connection == "127.0.0.1"
                assert (await media.receive())[0] == 0x80

    run(work())


async def invited(far: Fork) -> Request:
    """Their next INVITE: ACKs come between."""
    while True:
        message = await far.receive()
        if isinstance(message, Request) and message.method == "INVITE":
            return message


class TestAnAnswer:
    def test_leads_there_by_another_offer(self) -> None:
        async def work() -> None:
            with fork() as far, socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as media:
                media.bind(("::1", 0))
                media.setblocking(False)
                theirs = in_family_6(media.getsockname()[1])
                async with phone(audio="tone") as alice:
                    call = alice.engine.call(far.uri)
                    first = await invited(far)
                    assert b"c=IN IP4" in first.body
                    far.answer_to(first, "one", "200 OK", alice.port, theirs)
                    second = await invited(far)
                    assert second.cseq.number == first.cseq.number + 1
                    offer = parse(second.body)
                    assert offer.connection == "::1"
                    far.answer_to(second, "one", "200 OK", alice.port, theirs)
                    assert (await receive(media))[0] == 0x80
                    for number in range(500):
                        media.sendto(rtp(number), ("::1", offer.media[0].port))
                        await asyncio.sleep(0.02)
                        if call.statistics()["receive"]["packets"] > 10:
                            break
                    assert call.statistics()["receive"]["packets"] > 10
                    assert not alice.heard.of(ErrorOccurred)
                    await alice.engine.close(timeout=0)

        run(work())

    def test_that_never_fits_is_not_run_after(self) -> None:
        async def work() -> None:
            with fork() as far:
                async with phone() as alice:
                    call = alice.engine.call(far.uri)
                    for body in (in_family_6(4000), describe(4000)):
                        far.answer_to(await invited(far), "one", "200 OK", alice.port, body)
                    await call.answered(5)
                    with pytest.raises(TimeoutError):
                        await asyncio.wait_for(invited(far), 0.3)
                    await alice.engine.close(timeout=0)

        run(work())

    @pytest.mark.usefixtures("no_way")
    def test_is_told_where_there_is_no_way_to_it(self) -> None:
        async def work() -> None:
            with fork() as far:
                async with phone() as alice:
                    call = alice.engine.call(far.uri)
                    body = in_family_6(4000, "2001:db8::1")
                    far.answer_to(await invited(far), "one", "200 OK", alice.port, body)
                    told = await alice.heard.next(ErrorOccurred)
                    assert "can't hear us" in told.message
                    assert "no way to it from here over IPv6" in told.message
                    assert call.state is not CallState.ENDED
                    await alice.engine.close(timeout=0)

        run(work())


class TestMediaFamily:
    def test_what_is_of_the_signalling_s_family_changes_nothing(self) -> None:
        family = MediaFamily()
        family.follow("192.0.2.1", "127.0.0.1")
        assert family.local("127.0.0.1") == "127.0.0.1"

    def test_hold_by_a_zero_address_does_not_say(self) -> None:
        family = MediaFamily()
        family.follow("::1", "127.0.0.1")
        family.follow(None, "127.0.0.1")
        assert family.local("127.0.0.1") == "::1"

    def test_an_offer_of_the_signalling_s_family_leads_back(self) -> None:
        family = MediaFamily()
        family.follow("::1", "127.0.0.1")
        family.follow("192.0.2.1", "127.0.0.1")
        assert family.local("127.0.0.1") == "127.0.0.1"

    def test_signalling_that_moves_there_takes_the_media_along(self) -> None:
        family = MediaFamily()
        family.follow("::1", "127.0.0.1")
        assert family.local("2001:db8::7") == "2001:db8::7"

    def test_works_the_other_way_round(self) -> None:
        family = MediaFamily()
        family.follow("127.0.0.1", "::1")
        assert family.local("::1") == "127.0.0.1"

    def test_no_way_is_told_and_nothing_changed(self, request: pytest.FixtureRequest) -> None:
        family = MediaFamily()
        family.follow("::1", "127.0.0.1")
        request.getfixturevalue("no_way")
        with pytest.raises(SdpError, match="wanted at 2001:db8::1"):
            family.follow("2001:db8::1", "127.0.0.1")
        assert family.local("127.0.0.1") == "::1"
