"""Lamps, mailboxes, messages and pickup between engines on the loopback interface."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from platypus.account import Account
from platypus.engine import Engine
from platypus.errors import ConfigError, StateError
from platypus.events import (
    CallEnded,
    CallState,
    CallStateChanged,
    ErrorOccurred,
    IncomingCall,
    MessageReceived,
    MessageWaiting,
    Notified,
)
from platypus.messaging import MAX_OCTETS
from platypus.notices import Notices
from platypus.sip.events import NotifyWanted, RequestReceived, WatcherArrived
from tests.harness.phones import Phone, Stranger, phone, run, unused_port


def notify(to: str, event: str, body: str, content_type: str) -> bytes:
    return (
        f"NOTIFY {to} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1;rport;branch=z9hG4bKn{event}\r\n"
        f"Max-Forwards: 70\r\nFrom: <sip:pbx@127.0.0.1>;tag=1\r\nTo: <{to}>\r\n"
        f"Call-ID: n-{event}\r\n"
        f"CSeq: 1 NOTIFY\r\nEvent: {event}\r\nSubscription-State: active\r\n"
        f"Content-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


class TestMessages:
    def test_a_text_arrives_with_its_sender(self) -> None:
        async def work() -> None:
            async with phone() as alice, phone() as bob:
                alice.engine.message(bob.uri, "Grüße, 你好 \n zwei")
                heard = await bob.heard.next(MessageReceived)
                assert heard.text == "Grüße, 你好 \n zwei"
                assert heard.from_ == f"sip:platypus@127.0.0.1:{alice.port}"

        run(work())

    def test_a_refusal_is_told(self) -> None:
        async def work() -> None:
            def refuse(event: RequestReceived) -> None:
                agent, now = bob.engine.user_agent, bob.engine.now()
                agent.respond(event.key, 486, now=now)

            async with phone() as alice, phone(handlers={"MESSAGE": refuse}) as bob:
                alice.engine.message(bob.uri, "hello")
                error = await alice.heard.next(ErrorOccurred)
                assert bob.uri in error.message and "486" in error.message

        run(work())

    @pytest.mark.parametrize("text", ["", "x" * (MAX_OCTETS + 1), "é" * (MAX_OCTETS // 2 + 1)])
    def test_what_is_empty_or_too_long_is_not_sent(self, text: str) -> None:
        async def work() -> None:
            async with phone() as alice:
                with pytest.raises(StateError):
                    alice.engine.message("sip:bob@127.0.0.1", text)

        run(work())

    @pytest.mark.parametrize(
        ("content_type", "status"),
        [
            ("text/plain", "200"),
            ('text/plain; charset="utf-8"', "200"),
            ("text/plain;charset=ISO-8859-1", "200"),
            ("text/plain;charset=utf-7", "415"),
            ("text/html", "415"),
            ("application/im-iscomposing+xml", "415"),
        ],
    )
    def test_only_plain_text_is_taken(self, content_type: str, status: str) -> None:
        async def work() -> None:
            async with phone() as bob:
                with Stranger() as stranger:
                    request = notify(bob.uri, "x", "hello", content_type)
                    stranger.send(request.replace(b"NOTIFY", b"MESSAGE"), bob.port)
                    answer = (await stranger.receive()).decode()
                    assert answer.startswith(f"SIP/2.0 {status}")
                    assert status == "200" or "Accept: text/plain" in answer
                    assert bool(bob.heard.of(MessageReceived)) == (status == "200")

        run(work())

    def test_one_inside_a_call_is_taken_like_any_other(self) -> None:
        async def work() -> None:
            async with phone() as alice, phone(auto_answer=0) as bob:
                call = alice.engine.call(bob.uri)
                await call.answered()
                dialog = call.session.dialog
                assert dialog is not None
                request = (
                    f"MESSAGE {dialog.remote_target} SIP/2.0\r\n"
                    "Via: SIP/2.0/UDP 127.0.0.1;rport;branch=z9hG4bKin\r\nMax-Forwards: 70\r\n"
                    f"From: {dialog.local}\r\nTo: {dialog.remote}\r\n"
                    f"Call-ID: {dialog.call_id}\r\nCSeq: 77 MESSAGE\r\n"
                    "Content-Type: text/plain\r\nContent-Length: 2\r\n\r\nhi"
                )
                with Stranger() as stranger:
                    stranger.send(request.encode(), bob.port)
                    assert (await stranger.receive()).startswith(b"SIP/2.0 200")
                assert (await bob.heard.next(MessageReceived)).text == "hi"
                assert call.state is CallState.CONFIRMED

        run(work())


class TestMailbox:
    @pytest.mark.parametrize("user", ["bob", "carol"])
    def test_an_unasked_word_about_an_account_is_taken(self, user: str) -> None:
        async def work() -> None:
            async with phone() as bob:
                account = bob.engine.account("sip:bob@127.0.0.1", register=False)
                body = "Messages-Waiting: yes\r\nVoice-Message: 2/8 (0/2)\r\n"
                to = f"sip:{user}@127.0.0.1"
                with Stranger() as stranger:
                    stranger.send(
                        notify(to, "message-summary", body, "application/simple-message-summary"),
                        bob.port,
                    )
                    answer = await stranger.receive()
                if user == "bob":
                    assert answer.startswith(b"SIP/2.0 200")
                    expected = MessageWaiting(account, "sip:bob@127.0.0.1", True, 2, 8)
                    assert bob.heard.of(MessageWaiting) == [expected]
                else:
                    assert answer.startswith(b"SIP/2.0 481")
                    assert bob.heard.of(MessageWaiting) == []

        run(work())

    @pytest.mark.parametrize(("event", "status"), [("dialog", b"481"), ("check-sync", b"489")])
    def test_nothing_else_is_taken_unasked(self, event: str, status: bytes) -> None:
        async def work() -> None:
            async with phone() as bob:
                bob.engine.account("sip:bob@127.0.0.1", register=False)
                with Stranger() as stranger:
                    stranger.send(notify("sip:bob@127.0.0.1", event, "x", "text/plain"), bob.port)
                    assert (await stranger.receive()).startswith(b"SIP/2.0 " + status)

        run(work())

    def test_an_account_may_subscribe_to_its_own(self) -> None:
        async def work() -> None:
            def arrived(event: WatcherArrived) -> bool:
                event.watcher.accept(server.engine.now())
                return True

            def wanted(event: Any) -> None:
                if isinstance(event, NotifyWanted):
                    body = b"Messages-Waiting: yes\r\nVoice-Message: 3/1\r\n"
                    content_type = "application/simple-message-summary"
                    event.watcher.notify(content_type, lambda: body, server.engine.now())

            server_options = {"handlers": {"SUBSCRIBE": arrived}, "session_events": wanted}
            async with (
                phone(packages=("message-summary",), **server_options) as server,
                phone() as bob,
            ):
                aor = f"sip:bob@127.0.0.1:{server.port}"
                account = bob.engine.account(aor, register=False, mwi=True)
                heard = await bob.heard.next(MessageWaiting)
                assert heard == MessageWaiting(account, aor, True, 3, 1)

        run(work())


class TestLamp:
    def test_follows_a_call_of_the_other_phone(self) -> None:
        async def work() -> None:
            async with phone() as alice, phone() as bob, phone() as carol:
                alice.engine.watch(bob.uri)
                await alice.heard.next(Notified, lambda e: e.state == "terminated")
                call = carol.engine.call(bob.uri)
                heard = await alice.heard.next(Notified, lambda e: e.state == "early")
                assert (heard.package, heard.from_) == ("dialog", bob.uri)
                bob.engine.calls[0].answer()
                await alice.heard.next(Notified, lambda e: e.state == "confirmed")
                call.hangup()
                await alice.heard.until(lambda: lamp(alice) == "terminated")

        run(work())

    def test_tells_of_presence_with_its_note(self) -> None:
        async def work() -> None:
            body = (
                b'<presence entity="sip:bob@pbx"><tuple id="1"><status><basic>open</basic>'
                b"</status><note>at my desk</note></tuple></presence>"
            )

            def arrived(event: WatcherArrived) -> bool:
                event.watcher.accept(server.engine.now())
                return True

            def wanted(event: Any) -> None:
                if isinstance(event, NotifyWanted):
                    now = server.engine.now()
                    event.watcher.notify("application/pidf+xml", lambda: body, now)

            options = {"handlers": {"SUBSCRIBE": arrived}, "session_events": wanted}
            async with phone(packages=("presence",), **options) as server, phone() as alice:
                alice.engine.watch(server.uri, "presence")
                heard = await alice.heard.next(Notified)
                assert heard == Notified("presence", server.uri, "open", "at my desk")

        run(work())

    def test_that_was_refused_may_be_asked_for_again(self) -> None:
        async def work() -> None:
            async with phone() as alice, phone() as bob:
                for number in (1, 2):
                    alice.engine.watch(bob.uri, "presence")
                    await alice.heard.count(ErrorOccurred, number)

        run(work())

    def test_is_given_up_by_a_phone_that_closes(self) -> None:
        async def work() -> None:
            async with phone() as bob:
                async with phone() as alice:
                    alice.engine.watch(bob.uri)
                    await alice.heard.next(Notified)
                assert bob.engine.user_agent.usages == 0

        run(work())

    def test_is_out_after_unwatch(self) -> None:
        async def work() -> None:
            async with phone() as alice, phone() as bob:
                alice.engine.watch(bob.uri)
                await alice.heard.next(Notified)
                alice.engine.unwatch(bob.uri)
                async with asyncio.timeout(5):
                    while bob.engine.user_agent.usages:  # noqa: ASYNC110 - it tells no event
                        await asyncio.sleep(0.005)
                with pytest.raises(StateError, match="not watched"):
                    alice.engine.unwatch(bob.uri)

        run(work())

    def test_a_package_it_has_not_is_an_error_once(self) -> None:
        async def work() -> None:
            async with phone() as alice, phone() as bob:
                alice.engine.watch(bob.uri, "presence")
                error = await alice.heard.next(ErrorOccurred)
                assert "489" in error.message and bob.uri in error.message

        run(work())

    def test_who_has_a_server_shows_its_calls_to_nobody_else(self) -> None:
        async def work() -> None:
            async with phone() as alice, phone() as bob:
                bob.engine.account("sip:bob@192.0.2.1", register=False)
                alice.engine.watch(bob.uri)
                error = await alice.heard.next(ErrorOccurred)
                assert "403" in error.message

        run(work())

    @pytest.mark.parametrize(("policy", "allowed"), [("anybody", True), ("nobody", False)])
    def test_the_rule_may_be_another(self, policy: str, allowed: bool) -> None:
        async def work() -> None:
            async with phone() as alice, phone(watchers=policy) as bob:
                bob.engine.account("sip:bob@192.0.2.1", register=False)
                alice.engine.watch(bob.uri)
                await alice.heard.next(Notified if allowed else ErrorOccurred)  # type: ignore[arg-type]

        run(work())

    def test_a_rule_there_is_not_is_refused(self) -> None:
        with pytest.raises(ConfigError, match="server, anybody, nobody"):
            Engine(watchers="friends")  # type: ignore[arg-type]

    def test_a_phone_that_closes_says_goodbye_to_who_watches(self) -> None:
        async def work() -> None:
            async with phone() as alice:
                async with phone() as bob:
                    alice.engine.watch(bob.uri)
                    await alice.heard.next(Notified)
                error = await alice.heard.next(ErrorOccurred)
                assert "probation" in error.message

        run(work())

    def test_an_unknown_package_and_a_bad_address_are_refused_at_once(self) -> None:
        async def work() -> None:
            async with phone() as alice:
                for to, package in (("sip:bob@127.0.0.1", "weather"), ("", "dialog")):
                    with pytest.raises(StateError):
                        alice.engine.watch(to, package)

        run(work())


class TestPickup:
    @pytest.mark.parametrize("watched_before", [True, False])
    def test_takes_the_call_that_rings_over_there(self, watched_before: bool) -> None:
        async def work() -> None:
            async with phone() as alice, phone() as bob, phone() as carol:
                if watched_before:
                    carol.engine.watch(bob.uri)
                    await carol.heard.next(Notified)
                call = alice.engine.call(bob.uri)
                await bob.heard.next(IncomingCall)
                await alice.heard.next(CallStateChanged, lambda e: e.state == CallState.RINGING)
                if watched_before:
                    await carol.heard.next(Notified, lambda e: e.state == "early")
                taken = carol.engine.pick_up(bob.uri)
                await taken.answered()
                assert (await bob.heard.next(CallEnded)).call.direction == "incoming"
                assert alice.engine.calls and call.state is CallState.ENDED

        run(work())

    def test_where_nothing_rings_there_is_nothing_to_take(self) -> None:
        async def work() -> None:
            async with phone() as bob, phone() as carol:
                call = carol.engine.pick_up(bob.uri)
                ended = await call.ended()
                assert (ended.code, ended.by) == (None, "local")
                assert "nothing rings" in ended.reason
                carol.engine.watch(bob.uri)
                await carol.heard.next(Notified)
                with pytest.raises(StateError, match="nothing rings"):
                    carol.engine.pick_up(bob.uri)

        run(work())

    def test_a_phone_that_tells_nothing_is_named_with_the_reason(self) -> None:
        async def work() -> None:
            async with phone(watchers="nobody") as bob, phone() as carol:
                ended = await carol.engine.pick_up(bob.uri).ended()
                assert "403" in ended.reason
                assert carol.heard.of(ErrorOccurred) == []

        run(work())

    def test_may_be_given_up_while_the_state_is_asked_for(self) -> None:
        async def work() -> None:
            async with phone() as carol:
                call = carol.engine.pick_up(f"sip:bob@127.0.0.1:{unused_port()}")
                call.hangup()
                ended = await call.ended()
                assert ended.code == 487
                assert carol.engine.calls == []

        run(work())


def lamp(of: Phone) -> str:
    return of.heard.of(Notified)[-1].state


class TestReturn:
    def test_after_a_lost_registration_all_that_is_watched_is_asked_for_again(self) -> None:
        async def work() -> None:
            async with phone() as alice, phone(watchers="anybody") as bob:
                account = alice.engine.account("sip:alice@192.0.2.1", register=False)
                alice.engine.watch(bob.uri, account=account)
                await alice.heard.count(Notified, 1)
                for state in ("registered", "failed", "registered"):
                    tell(alice, account, state)
                await alice.heard.count(Notified, 2)
                account._registration = None

        run(work())


def tell(phone: Phone, account: Account, state: str) -> None:
    """What the engine does when the machine says so of a registration."""
    standing: Any = SimpleNamespace(account=account, state=state, flow=None)
    account._registration = standing
    notices: Notices = phone.engine.notices
    notices.registration_changed(account)
