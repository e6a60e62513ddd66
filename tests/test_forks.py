"""One INVITE, several far ends: a forking proxy played by a bare socket (RFC 3261, 13.2.2.4)."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator

from platypus.call import Call
from platypus.events import CallState, CallStateChanged, MediaChanged
from platypus.sip.message import Request, parse_message
from tests.harness.phones import Phone, Stranger, phone, run


class Fork:
    """Answers one INVITE as many phones would, each with a tag and RTP of its own."""

    def __init__(self) -> None:
        self.sip = Stranger()
        self.branches = {"one": Stranger(), "two": Stranger()}
        self.invite: Request | None = None

    @property
    def uri(self) -> str:
        return f"sip:bob@127.0.0.1:{self.sip.port}"

    async def invited(self) -> None:
        message = parse_message(await self.sip.receive())
        assert isinstance(message, Request)
        self.invite = message

    def answer(self, tag: str, status: str, port: int, *, sdp: bool = True) -> None:
        assert self.invite is not None
        headers = self.invite.headers
        body = (
            f"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
            f"m=audio {self.branches[tag].port} RTP/AVP 0\r\n"
            if sdp
            else ""
        )
        lines = [
            f"SIP/2.0 {status}",
            *(f"{name}: {headers.get(name)}" for name in ("Via", "From", "Call-ID", "CSeq")),
            f"To: {headers.get('To')};tag={tag}",
            f"Contact: <sip:{tag}@127.0.0.1:{self.sip.port}>",
            *(["Content-Type: application/sdp"] if sdp else []),
            f"Content-Length: {len(body)}",
        ]
        self.sip.send("\r\n".join([*lines, "", body]).encode(), port)

    async def speak(self, tag: str, port: int) -> None:
        """RTP from that branch until cancelled, as a phone sends it."""
        for number in range(1_000):
            header = bytes([0x80, 0]) + number.to_bytes(2, "big")
            header += (160 * number).to_bytes(4, "big") + tag.encode().ljust(4, b".")
            self.branches[tag].send(header + bytes([0xD0]) * 160, port)
            await asyncio.sleep(0.02)

    def remote(self, tag: str) -> str:
        return f"127.0.0.1:{self.branches[tag].port}"


@contextlib.contextmanager
def fork() -> Iterator[Fork]:
    made = Fork()
    with contextlib.ExitStack() as sockets:
        for each in (made.sip, *made.branches.values()):
            sockets.enter_context(each)
        yield made


async def early(alice: Phone, made: Fork) -> Call:
    """A call with early media from both branches, the second of them last."""
    call = alice.engine.call(made.uri)
    await made.invited()
    made.answer("one", "183 Session Progress", alice.port)
    await started(alice, made.remote("one"))
    made.answer("two", "183 Session Progress", alice.port)
    await started(alice, made.remote("two"))
    return call


async def started(alice: Phone, remote: str, times: int = 1) -> None:
    def seen() -> bool:
        return [event.remote for event in alice.heard.of(MediaChanged)].count(remote) >= times

    await alice.heard.until(seen)


def test_the_last_early_answer_is_taken() -> None:
    async def work() -> None:
        with fork() as made:
            async with phone() as alice:
                call = await early(alice, made)
                assert call.state is CallState.EARLY
                view = call.media.stream.view
                assert view is not None
                assert view.remote == ("127.0.0.1", made.branches["two"].port)
                await alice.engine.close(timeout=0)

    run(work())


def test_the_branch_whose_rtp_arrives_is_heard() -> None:
    async def work() -> None:
        with fork() as made:
            async with phone() as alice:
                call = await early(alice, made)
                speaking = asyncio.create_task(made.speak("one", call.media.stream.port or 0))
                await started(alice, made.remote("one"), times=2)
                async for frame in call.frames():
                    if any(frame):
                        break
                speaking.cancel()
                await alice.engine.close(timeout=0)

    run(work())


def test_the_answer_of_the_winner_stands() -> None:
    async def work() -> None:
        with fork() as made:
            async with phone() as alice:
                call = await early(alice, made)
                made.answer("one", "200 OK", alice.port)
                await call.answered()
                await started(alice, made.remote("one"), times=2)
                await alice.engine.close(timeout=0)

    run(work())


def test_an_answer_that_came_early_need_not_come_again() -> None:
    async def work() -> None:
        with fork() as made:
            async with phone() as alice:
                call = alice.engine.call(made.uri)
                await made.invited()
                made.answer("one", "183 Session Progress", alice.port)
                await started(alice, made.remote("one"))
                made.answer("one", "200 OK", alice.port, sdp=False)
                await call.answered()
                assert call.codec == "pcmu"
                await alice.engine.close(timeout=0)

    run(work())


def test_an_answer_without_any_description_ends_the_call() -> None:
    async def work() -> None:
        with fork() as made:
            async with phone() as alice:
                call = alice.engine.call(made.uri)
                await made.invited()
                made.answer("one", "200 OK", alice.port, sdp=False)
                assert (await call.ended()).by == "local"
                await alice.engine.close(timeout=0)

    run(work())


def test_ringing_after_early_media_does_not_go_back() -> None:
    async def work() -> None:
        with fork() as made:
            async with phone() as alice:
                call = await early(alice, made)
                made.answer("one", "180 Ringing", alice.port, sdp=False)
                made.answer("one", "200 OK", alice.port)
                await call.answered()
                states = [event.state for event in alice.heard.of(CallStateChanged)]
                assert states == [CallState.TRYING, CallState.EARLY, CallState.CONFIRMED]
                await alice.engine.close(timeout=0)

    run(work())
