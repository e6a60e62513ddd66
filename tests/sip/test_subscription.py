"""Subscriptions of ours against a scripted notifier (RFC 6665, 4.1), in virtual time."""

from __future__ import annotations

from typing import Any

import pytest

from platypus.sip.events import NotificationReceived, SubscriptionChanged
from platypus.sip.flow import Hop
from platypus.sip.message import Request
from platypus.sip.settings import AccountSettings
from platypus.sip.subscription import LONGEST_RETRY, MAX_LEGS, Subscription
from tests.harness.network import Network, Phone
from tests.harness.peer import Peer

DIALOG_INFO = ("Content-Type", "application/dialog-info+xml")
CHALLENGE = ("WWW-Authenticate", 'Digest realm="example.com", nonce="n1", qop="auth"')


class Setup:
    """A phone that watches, and a notifier that says what the test wants."""

    def __init__(self, package: str = "dialog", **options: Any) -> None:
        self.network = Network()
        self.phone: Phone = self.network.phone("10.0.0.1")
        self.peer = Peer(self.network, "10.0.0.9")
        self.package = package
        self.account = AccountSettings(aor="sip:alice@10.0.0.9", password="secret")
        self.options = options
        self.notified = 0

    def start(self) -> Subscription:
        subscription: Subscription = self.phone.do(
            self.phone.agent.subscribe,
            "sip:bob@10.0.0.9",
            self.package,
            account=self.account,
            **self.options,
        )
        self.network.run(0.1)
        return subscription

    @property
    def newest(self) -> Request:
        return self.peer.request("SUBSCRIBE")

    def count(self) -> int:
        """SUBSCRIBEs so far, retransmissions not counted."""
        return len({(r.call_id, r.cseq.number) for r in self.peer.requests("SUBSCRIBE")})

    def answer(self, status: int = 200, expires: int | None = 600, **options: Any) -> None:
        headers = [*options.pop("headers", ())]
        if status == 200 and expires is not None:
            headers.append(("Expires", str(expires)))
        self.peer.respond(self.newest, status, headers=headers, contact=self.peer.uri, **options)
        self.network.run(0.1)

    def notify(
        self,
        state: str | None = "active;expires=600",
        *,
        tag: str = "peer",
        body: bytes = b"",
        event: str = "",
        request: Request | None = None,
        headers: Any = (),
        **options: Any,
    ) -> int:
        """A NOTIFY for the newest SUBSCRIBE; what it was answered with."""
        request = request or self.newest
        self.notified += 1
        fields = [("Event", event or self.package), ("Contact", f"<{self.peer.uri}>"), *headers]
        if state is not None:
            fields.append(("Subscription-State", state))
        self.peer.send(
            "NOTIFY",
            str(request.contacts[0].uri),
            self.phone.address,
            call_id=request.call_id,
            from_=f"<sip:bob@10.0.0.9>;tag={tag}",
            to=str(request.from_),
            cseq=options.pop("cseq", self.notified),
            headers=fields,
            body=body,
            **options,
        )
        self.network.run(0.1)
        return self.peer.responses("NOTIFY")[-1]

    def active(self, expires: int = 600) -> Subscription:
        """A subscription that was taken."""
        subscription = self.start()
        self.answer(expires=expires)
        assert self.notify(f"active;expires={expires}") == 200
        return subscription

    def states(self) -> list[str]:
        return [e.state for e in self.phone.events if isinstance(e, SubscriptionChanged)]

    def last(self) -> SubscriptionChanged:
        return [e for e in self.phone.events if isinstance(e, SubscriptionChanged)][-1]

    def notes(self) -> list[NotificationReceived]:
        return [e for e in self.phone.events if isinstance(e, NotificationReceived)]


class TestSubscribing:
    def test_asks_for_a_package_with_what_it_can_read_and_where_it_is(self) -> None:
        setup = Setup()
        setup.start()
        headers = setup.newest.headers
        assert headers.get("Event") == "dialog"
        assert headers.get("Accept") == "application/dialog-info+xml"
        assert headers.get("Expires") == "3600"
        assert str(setup.newest.contacts[0].uri) == "sip:alice@10.0.0.1:5060"
        assert "NOTIFY" in setup.newest.allow

    def test_is_active_with_the_first_notify_not_with_the_200(self) -> None:
        setup = Setup()
        subscription = setup.start()
        setup.answer()
        assert subscription.state == "subscribing"
        setup.notify()
        assert subscription.state == "active"

    def test_takes_a_notify_that_is_faster_than_the_200(self) -> None:
        setup = Setup()
        subscription = setup.start()
        assert setup.notify() == 200
        assert subscription.state == "active"
        setup.answer()
        assert (subscription.state, setup.count()) == ("active", 1)

    def test_a_pending_subscription_may_become_active(self) -> None:
        setup = Setup()
        setup.start()
        setup.answer()
        setup.notify("pending;expires=600")
        setup.notify("active;expires=600")
        assert setup.states() == ["pending", "active"]

    def test_a_notify_without_a_state_says_active(self) -> None:
        setup = Setup()
        subscription = setup.start()
        setup.answer()
        setup.notify(None)
        assert subscription.state == "active"

    def test_answers_a_challenge(self) -> None:
        setup = Setup()
        setup.start()
        setup.answer(401, headers=[CHALLENGE])
        assert "Authorization" in setup.newest.headers
        assert setup.newest.cseq.number == 2

    def test_hands_on_what_a_notify_carries(self) -> None:
        setup = Setup()
        subscription = setup.active()
        assert setup.notify(body=b"<dialog-info/>", headers=[DIALOG_INFO]) == 200
        note = setup.notes()[-1]
        assert (note.subscription, note.package, note.leg) == (subscription, "dialog", "peer")
        assert note.request.body == b"<dialog-info/>"

    def test_asks_for_longer_where_that_is_wanted(self) -> None:
        setup = Setup(expires=10)
        setup.start()
        setup.answer(423, headers=[("Min-Expires", "120")])
        assert setup.newest.expires == 120

    def test_does_not_follow_intervals_that_grow_for_ever(self) -> None:
        setup = Setup(expires=10)
        subscription = setup.start()
        for minimum in (20, 30, 40, 50, 60):
            setup.answer(423, headers=[("Min-Expires", str(minimum))])
        assert setup.newest.expires == 40
        assert subscription.state == "failed"

    def test_an_unknown_package_is_a_value_error(self) -> None:
        setup = Setup("weather")
        with pytest.raises(ValueError, match="weather"):
            setup.start()

    def test_without_an_account_it_speaks_for_its_own_address(self) -> None:
        setup = Setup()
        setup.phone.do(setup.phone.agent.subscribe, "sip:bob@10.0.0.9", "dialog")
        setup.network.run(0.1)
        assert str(setup.newest.from_.uri) == "sip:platypus@10.0.0.1:5060"
        assert setup.newest.from_.tag

    def test_goes_through_the_outbound_proxy(self) -> None:
        setup = Setup()
        setup.account = AccountSettings(aor="sip:a@pbx.test", outbound_proxy="sip:10.0.0.9")
        setup.start()
        assert [str(route.uri) for route in setup.newest.routes] == ["sip:10.0.0.9;lr"]
        assert str(setup.newest.from_.uri) == "sip:a@pbx.test"

    def test_follows_a_redirection_but_not_for_ever(self) -> None:
        setup = Setup()
        subscription = setup.start()
        for number in range(10):
            target = f"sip:bob@10.0.0.9:5060;x={number}"
            setup.peer.respond(setup.newest, 302, contact=target)
            setup.network.run(0.1)
            if subscription.state == "failed":
                break
            assert str(setup.newest.uri) == target
        assert number == 5


class TestRefusals:
    def test_489_is_final_and_names_the_package(self) -> None:
        setup = Setup()
        setup.start()
        setup.answer(489)
        last = setup.last()
        assert (last.state, last.code, last.retry_in) == ("failed", 489, None)
        assert "dialog" in last.reason
        setup.network.run(4000)
        assert setup.count() == 1

    def test_comes_back_when_it_was_told_to(self) -> None:
        setup = Setup()
        setup.start()
        setup.answer(480, headers=[("Retry-After", "90 (lunch)")])
        assert setup.last().retry_in == 90
        setup.network.run(89)
        assert setup.count() == 1
        setup.network.run(2)
        assert setup.count() == 2

    def test_a_final_refusal_with_a_retry_after_is_not_final(self) -> None:
        setup = Setup()
        setup.start()
        setup.answer(603, headers=[("Retry-After", "5")])
        assert setup.last().retry_in == 5

    def test_silence_is_tried_again_at_growing_intervals(self) -> None:
        setup = Setup()
        setup.start()
        setup.network.run(3000)
        waits = [e.retry_in for e in setup.phone.events if isinstance(e, SubscriptionChanged)]
        known = [wait for wait in waits if wait is not None]
        assert len(known) > 4
        assert known[0] <= 4 < max(known) <= LONGEST_RETRY

    def test_a_200_that_no_notify_follows_is_no_subscription(self) -> None:
        setup = Setup()
        subscription = setup.start()
        setup.answer()
        setup.network.run(31)
        assert subscription.state == "subscribing"
        setup.network.run(1)
        assert subscription.state == "failed"
        assert setup.last().retry_in is not None

    def test_refused_credentials_are_not_sent_for_ever(self) -> None:
        setup = Setup()
        setup.start()
        for _ in range(6):
            setup.answer(401, headers=[CHALLENGE])
        setup.network.run(1000)
        assert setup.last().state == "failed"
        assert setup.count() == 2


class TestRefresh:
    def test_refreshes_inside_the_dialog_before_it_ends(self) -> None:
        setup = Setup()
        setup.active(expires=600)
        first = setup.newest
        setup.network.run(555)
        assert setup.count() == 1
        setup.network.run(5)
        request = setup.newest
        assert setup.count() == 2
        assert (request.call_id, request.cseq.number) == (first.call_id, first.cseq.number + 1)
        assert request.to.tag == "peer"
        assert str(request.uri) == setup.peer.uri
        assert request.headers.get("Event") == "dialog"

    def test_a_notify_may_shorten_it(self) -> None:
        setup = Setup()
        setup.active(expires=600)
        setup.notify("active;expires=20")
        setup.network.run(10)
        assert setup.count() == 2

    def test_follows_the_route_of_the_notify(self) -> None:
        setup = Setup()
        setup.start()
        setup.answer()
        setup.notify(headers=[("Record-Route", "<sip:10.0.0.9:5060;lr>")])
        setup.network.run(561)
        assert [str(route.uri) for route in setup.newest.routes] == ["sip:10.0.0.9:5060;lr"]

    def test_starts_over_where_it_is_not_known_any_more(self) -> None:
        setup = Setup()
        subscription = setup.active()
        old = setup.newest.call_id
        setup.network.run(561)
        setup.answer(481)
        assert setup.newest.call_id != old
        assert not setup.newest.to.tag
        setup.answer()
        setup.notify()
        assert subscription.state == "active"

    def test_lives_on_until_its_end_where_a_refresh_fails(self) -> None:
        setup = Setup()
        subscription = setup.active()
        setup.network.run(561)
        setup.answer(500)
        assert subscription.state == "active"
        setup.network.run(6)
        assert setup.count() == 3

    def test_an_unanswered_refresh_ends_with_the_granted_time(self) -> None:
        setup = Setup()
        setup.active(expires=600)
        call_id = setup.newest.call_id
        setup.network.run(599)
        assert setup.newest.call_id == call_id
        setup.network.run(3)
        assert setup.newest.call_id != call_id
        assert setup.states()[-1] == "subscribing"

    def test_a_refresh_refused_for_good_is_the_end(self) -> None:
        setup = Setup()
        setup.active()
        setup.network.run(561)
        setup.answer(489)
        assert (setup.last().state, setup.last().retry_in) == ("failed", None)
        assert setup.phone.agent.usages == 0
        count = setup.count()
        setup.network.run(4000)
        assert (setup.count(), setup.phone.agent.timers) == (count, 0)

    def test_one_notifier_that_refuses_a_refresh_leaves_the_other(self) -> None:
        setup = Setup()
        subscription = setup.active()
        setup.notify("active;expires=100", tag="two")
        setup.network.run(61)
        assert setup.newest.to.tag == "two"
        setup.answer(403)
        assert (subscription.state, list(subscription.legs)) == ("active", ["peer"])

    @pytest.mark.parametrize("by", ["notify", "answer"])
    def test_goes_where_the_notifier_has_moved(self, by: str) -> None:
        setup = Setup()
        subscription = setup.active(expires=100)
        moved = "sip:moved@10.0.0.9:5060"
        if by == "notify":
            request = setup.newest
            setup.peer.send(
                "NOTIFY",
                str(request.contacts[0].uri),
                setup.phone.address,
                call_id=request.call_id,
                from_="<sip:bob@10.0.0.9>;tag=peer",
                to=str(request.from_),
                cseq=9,
                headers=[("Event", "dialog"), ("Contact", f"<{moved}>")],
            )
        else:
            setup.network.run(61)
            contact = ("Expires", "100")
            setup.peer.respond(setup.newest, 200, contact=moved, headers=[contact])
        setup.network.run(61)
        assert str(setup.newest.uri) == moved
        assert subscription.state == "active"

    def test_fetching_the_whole_state_again_is_no_nuisance(self) -> None:
        setup = Setup()
        subscription = setup.active()
        setup.network.run(5)
        for _ in range(10):
            setup.phone.do(subscription.refetch, "peer")
            setup.network.run(0.05)
            if setup.count() > 1:
                setup.answer()
        assert setup.count() == 2
        setup.network.run(2)
        assert setup.count() == 3

    def test_the_granted_time_counts_from_when_it_was_asked_for(self) -> None:
        setup = Setup()
        setup.start()
        setup.network.run(10)
        setup.answer(expires=60)
        setup.notify("active")
        setup.network.run(27)
        assert setup.count() == 2

    def test_the_granted_time_holds_for_a_notify_that_was_faster_too(self) -> None:
        setup = Setup()
        setup.start()
        setup.notify("active")
        setup.answer(expires=60)
        setup.network.run(31)
        assert setup.count() == 2

    def test_a_notify_that_says_no_time_changes_none(self) -> None:
        setup = Setup()
        setup.active(expires=100)
        setup.network.run(50)
        setup.notify("active")
        setup.network.run(10)
        assert setup.count() == 2

    def test_a_longer_time_takes_the_place_of_the_shorter(self) -> None:
        setup = Setup()
        subscription = setup.active(expires=100)
        setup.notify("active;expires=1000")
        setup.network.run(200)
        assert (subscription.state, setup.count()) == ("active", 1)

    def test_asks_for_the_whole_state_once_more_when_asked_while_asking(self) -> None:
        setup = Setup()
        subscription = setup.active()
        setup.network.run(10)
        leg = subscription.legs["peer"]
        setup.phone.do(leg.refresh)
        setup.phone.do(leg.refresh)
        setup.network.run(0.1)
        assert setup.count() == 2
        setup.answer()
        assert setup.count() == 3

    def test_a_refresh_may_be_asked_for_longer(self) -> None:
        setup = Setup(expires=100)
        setup.active(expires=100)
        setup.network.run(61)
        setup.answer(423, headers=[("Min-Expires", "500")])
        assert (setup.newest.expires, setup.newest.to.tag) == (500, "peer")


class TestEndedByTheNotifier:
    def ended(self, reason: str) -> Setup:
        setup = Setup()
        setup.active()
        setup.network.run(100)
        assert setup.notify(f"terminated;reason={reason}") == 200
        return setup

    @pytest.mark.parametrize("reason", ["deactivated", "timeout"])
    def test_starts_over_at_once(self, reason: str) -> None:
        setup = self.ended(reason)
        assert setup.count() == 2
        assert not setup.newest.to.tag

    @pytest.mark.parametrize("reason", ["rejected", "noresource", "invariant"])
    def test_does_not_come_back(self, reason: str) -> None:
        setup = self.ended(reason)
        assert (setup.last().state, setup.last().retry_in) == ("failed", None)
        assert reason in setup.last().reason
        setup.network.run(4000)
        assert setup.count() == 1

    @pytest.mark.parametrize("reason", ["probation", "giveup"])
    def test_comes_back_after_the_time_it_was_told(self, reason: str) -> None:
        setup = self.ended(f"{reason};retry-after=120")
        assert setup.last().retry_in == 120
        setup.network.run(119)
        assert setup.count() == 1
        setup.network.run(1)
        assert setup.count() == 2

    def test_probation_without_a_time_waits_a_little(self) -> None:
        setup = self.ended("probation")
        assert setup.count() == 1
        setup.network.run(5)
        assert setup.count() == 2

    def test_a_notifier_that_ends_everything_at_once_is_not_hurried(self) -> None:
        setup = Setup()
        setup.start()
        for _ in range(200):
            if setup.states()[-1:] != ["failed"]:
                setup.notify("terminated;reason=deactivated", cseq=1)
            setup.network.run(0.4)
        assert setup.count() < 12

    def test_one_that_lasted_starts_over_at_once_every_time(self) -> None:
        setup = Setup()
        setup.active()
        for rounds in range(2, 6):
            setup.network.run(100)
            setup.notify("terminated;reason=deactivated", cseq=900)
            assert setup.count() == rounds
            setup.answer()
            setup.notify(cseq=1)

    def test_a_reason_nobody_knows_is_no_refusal(self) -> None:
        assert self.ended("bored").count() == 2

    def test_a_late_notify_of_an_ended_one_is_unknown(self) -> None:
        setup = self.ended("rejected")
        assert setup.notify() == 481


class TestUnsubscribing:
    def test_asks_for_zero_seconds_and_waits_for_the_last_word(self) -> None:
        setup = Setup()
        subscription = setup.active()
        setup.phone.do(subscription.unsubscribe)
        setup.network.run(0.1)
        assert setup.newest.expires == 0
        setup.answer(expires=0)
        assert subscription.state == "active"
        assert setup.notify("terminated;reason=timeout") == 200
        assert setup.states()[-1] == "terminated"
        assert setup.phone.agent.usages == 0

    def test_is_over_after_a_while_also_without_it(self) -> None:
        setup = Setup()
        subscription = setup.active()
        setup.phone.do(subscription.unsubscribe)
        setup.network.run(0.1)
        setup.answer(expires=0)
        setup.network.run(33)
        assert subscription.state == "terminated"
        assert setup.count() == 2

    def test_before_the_answer_ends_it_with_the_first_notify(self) -> None:
        setup = Setup()
        subscription = setup.start()
        setup.phone.do(subscription.unsubscribe)
        setup.answer()
        setup.notify()
        assert setup.newest.expires == 0
        setup.answer(expires=0)
        setup.notify("terminated;reason=timeout")
        assert subscription.state == "terminated"

    @pytest.mark.parametrize("status", [481, 500])
    def test_a_notifier_that_refuses_to_let_go_is_left_all_the_same(self, status: int) -> None:
        setup = Setup()
        subscription = setup.active()
        setup.phone.do(subscription.unsubscribe)
        setup.network.run(0.1)
        setup.answer(status)
        assert subscription.state == "terminated"

    @pytest.mark.parametrize("answer", [403, None])
    def test_before_an_answer_that_is_a_refusal_it_is_over_with_that(
        self, answer: int | None
    ) -> None:
        setup = Setup()
        subscription = setup.start()
        setup.phone.do(subscription.unsubscribe)
        if answer is not None:
            setup.answer(answer)
        else:
            setup.network.run(33)
        assert setup.states() == ["terminated"]
        assert subscription.state == "terminated"

    def test_closing_one_is_silent_and_at_once(self) -> None:
        setup = Setup()
        subscription = setup.active()
        setup.network.run(561)  # a refresh is on its way
        count, states = setup.count(), setup.states()
        subscription.close()
        setup.network.run(4000)
        assert (setup.count(), setup.states()) == (count, states)
        agent = setup.phone.agent
        assert (agent.usages, agent.timers, agent.transactions) == (0, 0, 0)

    def test_closing_one_that_was_just_asked_for_leaves_nothing(self) -> None:
        setup = Setup()
        subscription = setup.start()
        subscription.close()
        setup.network.run(100)
        agent = setup.phone.agent
        assert (agent.usages, agent.timers, agent.transactions) == (0, 0, 0)
        assert setup.states() == []

    def test_one_that_waits_to_try_again_is_over_at_once(self) -> None:
        setup = Setup()
        subscription = setup.start()
        setup.answer(480)
        setup.phone.do(subscription.unsubscribe)
        assert subscription.state == "terminated"
        setup.network.run(1000)
        assert setup.count() == 1

    def test_nothing_is_left_behind(self) -> None:
        setup = Setup()
        subscription = setup.active()
        setup.phone.do(subscription.unsubscribe)
        setup.network.run(0.1)
        setup.answer(expires=0)
        setup.notify("terminated")
        setup.network.run(70)
        agent = setup.phone.agent
        assert (agent.usages, agent.timers, agent.transactions) == (0, 0, 0)


class TestFetching:
    def test_asks_once_and_is_done(self) -> None:
        setup = Setup(expires=0)
        subscription = setup.start()
        assert setup.newest.expires == 0
        setup.answer(expires=0)
        setup.notify("terminated;reason=timeout")
        assert subscription.state == "terminated"
        setup.network.run(4000)
        assert setup.count() == 1
        assert len(setup.notes()) == 1

    def test_does_not_stay_with_a_notifier_that_forgets_to_end_it(self) -> None:
        setup = Setup(expires=0)
        subscription = setup.start()
        setup.notify("active")
        assert subscription.state == "terminated"

    def test_fails_where_no_notify_comes(self) -> None:
        setup = Setup(expires=0)
        subscription = setup.start()
        setup.answer(expires=0)
        setup.network.run(40)
        assert (subscription.state, setup.last().retry_in) == ("failed", None)


class TestForks:
    def test_each_notifier_has_a_dialog_of_its_own(self) -> None:
        setup = Setup()
        setup.start()
        setup.answer(tag="one", expires=100)
        first = setup.newest
        assert setup.notify("active;expires=100", tag="one") == 200
        assert setup.notify("active;expires=200", tag="two", request=first) == 200
        setup.network.run(61)
        assert setup.newest.to.tag == "one"
        setup.answer(tag="one", expires=1000)
        setup.network.run(100)
        assert setup.newest.to.tag == "two"

    def test_one_that_ends_leaves_the_other(self) -> None:
        setup = Setup()
        subscription = setup.active()
        setup.notify(tag="two")
        setup.notify("terminated;reason=noresource", tag="two")
        assert subscription.state == "active"
        assert list(subscription.legs) == ["peer"]

    def test_presence_has_one_notifier(self) -> None:
        setup = Setup("presence")
        setup.active()
        assert setup.notify(tag="two") == 481

    def test_more_notifiers_than_anybody_has_are_refused(self) -> None:
        setup = Setup()
        setup.start()
        answers = [setup.notify(tag=f"t{number}") for number in range(MAX_LEGS + 2)]
        assert answers == [200] * MAX_LEGS + [481] * 2


class TestStrangeNotifies:
    def test_of_another_package_is_not_ours(self) -> None:
        setup = Setup()
        setup.active()
        assert setup.notify(event="presence") == 481

    def test_with_a_body_we_cannot_read_is_415(self) -> None:
        setup = Setup()
        setup.active()
        before = len(setup.notes())
        assert setup.notify(body=b"{}", headers=[("Content-Type", "application/json")]) == 415
        assert setup.peer.response(415).headers.get("Accept") == "application/dialog-info+xml"
        assert len(setup.notes()) == before

    def test_older_than_the_last_is_refused(self) -> None:
        setup = Setup()
        setup.active()
        setup.notify(cseq=50)
        assert setup.notify(cseq=49) == 500

    def test_for_nobody_is_unknown(self) -> None:
        setup = Setup()
        setup.start()
        branch_to = "<sip:alice@10.0.0.1>;tag=unknown"
        setup.peer.send(
            "NOTIFY", "sip:alice@10.0.0.1", setup.phone.address, to=branch_to, call_id="other"
        )
        setup.network.run(0.1)
        assert setup.peer.responses("NOTIFY") == [481]

    def test_another_method_with_our_tag_has_no_business_here(self) -> None:
        setup = Setup()
        setup.active()
        request = setup.newest
        setup.peer.send(
            "BYE",
            "sip:alice@10.0.0.1",
            setup.phone.address,
            call_id=request.call_id,
            to=str(request.from_),
        )
        setup.network.run(0.1)
        assert setup.peer.responses("BYE") == [481]


class Moved(Setup):
    """From a network of IPv4 to one of IPv6 only, with a server that has both and a name."""

    def __init__(self) -> None:
        super().__init__()
        self.account = AccountSettings(aor="sip:alice@pbx.example.com")
        self.network.names["pbx.example.com"] = [Hop("udp", "10.0.0.9", 5060)]
        self.phone.register(self.account)
        self.network.run(0.1)
        self.registered()
        self.subscription = self.active()
        self.peer = Peer(self.network, "2001:db8::9")
        self.network.names["pbx.example.com"] = [Hop("udp", "2001:db8::9", 5060)]
        self.phone.move("2001:db8::1")
        self.network.run(0.1)

    def registered(self) -> None:
        asked = self.peer.request("REGISTER")
        contact = str(asked.contacts[0].uri)
        self.peer.respond(asked, 200, contact=contact, headers=[("Expires", "300")])
        self.network.run(0.1)

    def refetch(self) -> None:
        """What the engine does once it is registered anew."""
        self.phone.do(self.subscription.refetch, "peer")
        self.network.run(0.1)


class TestFamily:
    def test_it_is_made_anew_by_way_of_the_server_we_are_registered_at(self) -> None:
        setup = Moved()
        setup.registered()
        setup.refetch()
        assert str(setup.newest.uri) == "sip:bob@10.0.0.9"
        assert setup.newest.to.tag is None
        assert setup.newest.contacts[0].uri.host == "2001:db8::1"
        setup.answer()
        assert setup.notify(tag="anew") == 200
        assert setup.subscription.state == "active"
        assert "failed" not in setup.states()

    def test_as_long_as_that_one_does_not_know_us_it_is_kept(self) -> None:
        setup = Moved()
        setup.refetch()
        setup.network.run(60)
        assert setup.peer.requests("SUBSCRIBE") == []
        assert setup.subscription.state == "active"  # for as long as was granted

    def test_one_that_is_not_to_be_had_there_either_fails_and_is_tried_again(self) -> None:
        setup = Moved()
        setup.registered()
        setup.refetch()
        setup.answer(503)
        assert setup.states()[-1] == "failed"
        setup.network.run(20)
        assert setup.count() > 1
