"""What a stream tells of, as events of its call."""

from platypus.call import Call
from platypus.events import DtmfReceived, ErrorOccurred, MediaChanged, MediaState
from platypus.sound import make_source
from tests.harness.phones import Phone, phone, run


async def talking(alice: Phone, bob: Phone) -> Call:
    call = alice.engine.call(bob.uri)
    await call.answered()
    return call


def test_a_stall_and_its_end_are_told_and_the_call_stays() -> None:
    async def work() -> None:
        async with phone() as alice, phone(auto_answer=0) as bob:
            call = await talking(alice, bob)
            call.media._on_event("stalled")
            call.media._on_event("resumed")
            states = [event.state for event in alice.heard.of(MediaChanged)]
            assert states == [MediaState.STARTED, MediaState.STALLED, MediaState.RESUMED]
            assert alice.engine.calls == [call]

    run(work())


def test_symmetric_rtp_to_another_address_is_told_once() -> None:
    async def work() -> None:
        async with phone() as alice, phone(auto_answer=0) as bob:
            call = await talking(alice, bob)
            call.media._on_event("address", "192.0.2.9", 4000)
            call.media._on_event("address", "192.0.2.9", 4000)
            remotes = [event.remote for event in alice.heard.of(MediaChanged)]
            assert remotes[1:] == ["192.0.2.9:4000"]

    run(work())


def test_a_fault_of_the_stream_is_told_with_its_call() -> None:
    async def work() -> None:
        async with phone() as alice, phone(auto_answer=0) as bob:
            call = await talking(alice, bob)
            call.media._on_event("error", "the disk is full")
            assert alice.heard.of(ErrorOccurred) == [ErrorOccurred("the disk is full", call)]

    run(work())


def test_a_digit_carries_its_length() -> None:
    async def work() -> None:
        async with phone() as alice, phone(auto_answer=0) as bob:
            call = await talking(alice, bob)
            call.media._on_event("dtmf", "5", 120)
            assert alice.heard.of(DtmfReceived) == [DtmfReceived(call, "5", "rtp", 120)]

    run(work())


def test_an_event_that_nobody_can_see_changes_nothing() -> None:
    async def work() -> None:
        async with phone() as alice, phone(auto_answer=0) as bob:
            call = await talking(alice, bob)
            before = list(alice.heard.events)
            call.media._on_event("started", 0)
            call.media._on_event("ssrc", 7)
            call.media._on_event("source-ended")
            assert alice.heard.events == before

    run(work())


def test_a_source_given_while_a_file_plays_is_heard_after_it() -> None:
    async def work() -> None:
        async with phone() as alice, phone(auto_answer=0) as bob:
            call = await talking(alice, bob)
            file, own = make_source("tone"), make_source("echo")
            call.media.play("file.wav", file)
            call.set_source(own)
            assert call.media.stream.source is file
            call.media._on_event("source-ended")
            assert call.media.stream.source is own

    run(work())
