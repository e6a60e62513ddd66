"""Media wanted at a host that is named in the description (RFC 8866, 5.7), on real sockets."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from platypus.errors import NetworkError
from platypus.events import ErrorOccurred, IncomingCall, MediaChanged
from platypus.sip.message import Response, parse_message
from tests.harness.by_hand import HOST, invite, request_after
from tests.harness.far_end import describe
from tests.harness.phones import Phone, Stranger, phone, run


@contextmanager
def rtp_socket() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((HOST, 0))
        sock.setblocking(False)
        yield sock


async def final(far: Stranger) -> Response:
    while True:
        message = parse_message(await far.receive())
        if isinstance(message, Response) and message.status >= 200:
            return message


async def called(far: Stranger, near: Phone, where: str, port: int) -> Response:
    """What the answer to such an offer is; it is acknowledged."""
    far.send(invite(describe(port, host=where), far.port, near.port), near.port)
    answer = await final(far)
    far.send(request_after(answer, "ACK", far.port), near.port)
    return answer


async def end(far: Stranger, near: Phone, answer: Response) -> None:
    far.send(request_after(answer, "BYE", far.port), near.port)
    await final(far)


def test_a_named_host_is_looked_up_and_hears_us() -> None:
    async def work() -> None:
        with Stranger() as far, rtp_socket() as rtp:
            async with phone(auto_answer=0) as alice:
                answer = await called(far, alice, "localhost", rtp.getsockname()[1])
                assert answer.status == 200
                loop = asyncio.get_running_loop()
                assert len(await loop.sock_recv(rtp, 2048)) == 172
                told = alice.heard.of(MediaChanged)[-1]
                assert told.remote == f"{HOST}:{rtp.getsockname()[1]}"
                await end(far, alice, answer)

    run(work())


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (NetworkError("the name pbx.example does not resolve"), "and the name pbx.example does"),
        (["2001:db8::1"], "has no IPv4 address"),
        (["224.0.0.1"], "has no IPv4 address"),
    ],
)
def test_one_that_is_not_found_is_told_and_the_call_stays(
    found: list[str] | NetworkError, words: str
) -> None:
    async def addresses(host: str) -> list[str]:
        if isinstance(found, NetworkError):
            raise found
        return found

    async def work() -> None:
        with Stranger() as far:
            async with phone() as alice:
                alice.engine.addresses = addresses  # type: ignore[method-assign]
                offer = describe(9, host="pbx.example")
                far.send(invite(offer, far.port, alice.port), alice.port)
                call = (await alice.heard.next(IncomingCall)).call
                call.answer()
                answer = await final(far)
                told = await alice.heard.next(ErrorOccurred)
                assert told.call is call
                assert "wants its sound at pbx.example" in told.message and words in told.message
                assert alice.engine.calls == [call]
                await end(far, alice, answer)

    run(work())


def test_a_call_that_ends_first_waits_for_no_name() -> None:
    asked = []

    async def addresses(host: str) -> list[str]:
        asked.append(asyncio.current_task())
        await asyncio.Event().wait()
        return []

    async def work() -> None:
        with Stranger() as far:
            async with phone(auto_answer=0) as alice:
                alice.engine.addresses = addresses  # type: ignore[method-assign]
                answer = await called(far, alice, "pbx.example", 9)
                await end(far, alice, answer)
                (task,) = asked
                assert task is not None
                await asyncio.wait([task])
                assert task.cancelled() and not alice.heard.of(ErrorOccurred)

    run(work())


@pytest.mark.parametrize("where", ["1.2.3.456", "-.example", "a..b", "10.0.0", "x" * 300, "&"])
def test_what_is_neither_address_nor_name_is_refused(where: str) -> None:
    async def work() -> None:
        with Stranger() as far:
            async with phone(auto_answer=0) as alice:
                answer = await called(far, alice, where, 9)
                assert answer.status == 488
                assert "neither an IP address nor" in (answer.headers.get("Warning") or "")

    run(work())
