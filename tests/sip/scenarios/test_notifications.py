"""Call flows of event notification, as the RFCs draw them, between our own user agents.

1 watches, 2 is watched, 3 calls: the numbers of the ladders are their addresses' last.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from platypus.sip.dialog import Dialog
from platypus.sip.events import (
    Answered,
    Event,
    IncomingCall,
    NotificationReceived,
    NotifyWanted,
    Progressed,
    SessionEnded,
    SubscriptionChanged,
    WatcherArrived,
)
from platypus.sip.packages.dialog_info import (
    CONTENT_TYPE,
    DialogEntry,
    DialogInfo,
    parse_dialog_info,
)
from platypus.sip.replaces import Replaces
from platypus.sip.session import Session
from platypus.sip.watcher import Watcher
from tests.harness.network import ANSWER, Impairment, Network, Phone


class Desk:
    """Three phones; the second lets others watch its calls."""

    def __init__(self, impairment: Impairment | None = None, *, seed: int = 1) -> None:
        self.network = Network(impairment, seed=seed)
        self.one = self.network.phone("10.0.0.1")
        self.two = self.network.phone("10.0.0.2", packages=("dialog",))
        self.three = self.network.phone("10.0.0.3")
        self.watchers: list[Watcher] = []
        self.ringing: Session | None = None
        self.version = 0
        self.two.react = self._two

    def _two(self, event: Event) -> None:
        now = self.network.now
        match event:
            case WatcherArrived(watcher):
                self.watchers.append(watcher)
                watcher.accept(now)
            case NotifyWanted(watcher):
                watcher.notify(CONTENT_TYPE, self._state, now)
            case IncomingCall(session):
                self.ringing = session
                session.ring(now)
                self._changed()
            case SessionEnded():
                self.ringing = None
                self._changed()

    def _changed(self) -> None:
        for watcher in self.watchers:
            watcher.notify(CONTENT_TYPE, self._state, self.network.now)

    def _state(self) -> bytes:
        self.version += 1
        dialogs: tuple[DialogEntry, ...] = ()
        if self.ringing is not None and self.ringing.dialog is not None:
            dialogs = (_entry(self.ringing.dialog),)
        return DialogInfo("sip:two@10.0.0.2", self.version, True, dialogs).serialize()

    def watch(self, **options: Any) -> Any:
        found = self.one.do(self.one.agent.subscribe, "sip:two@10.0.0.2", "dialog", **options)
        return found

    def heard(self) -> list[DialogInfo]:
        return [
            parse_dialog_info(event.request.body)
            for event in self.one.events
            if isinstance(event, NotificationReceived) and event.request.body
        ]


def _entry(dialog: Dialog) -> DialogEntry:
    return DialogEntry(
        id="1",
        state="early",
        call_id=dialog.call_id,
        local_tag=dialog.local.tag or "",
        remote_tag=dialog.remote.tag or "",
        direction="recipient",
        remote_target=str(dialog.remote_target),
    )


def test_subscribing_and_leaving_rfc_6665_figure_1() -> None:
    desk = Desk()
    subscription = desk.watch()
    desk.network.run(1)
    desk.one.do(subscription.unsubscribe)
    desk.network.run(1)
    assert desk.network.ladder() == [
        "1 > 2 SUBSCRIBE",
        "2 > 1 200 SUBSCRIBE",
        "2 > 1 NOTIFY",
        "1 > 2 200 NOTIFY",
        "1 > 2 SUBSCRIBE",
        "2 > 1 200 SUBSCRIBE",
        "2 > 1 NOTIFY",
        "1 > 2 200 NOTIFY",
    ]
    assert subscription.state == "terminated"


def test_fetching_once_rfc_6665_4_4_3() -> None:
    desk = Desk()
    desk.watch(expires=0)
    desk.network.run(1)
    assert desk.network.ladder() == [
        "1 > 2 SUBSCRIBE",
        "2 > 1 200 SUBSCRIBE",
        "2 > 1 NOTIFY",
        "1 > 2 200 NOTIFY",
    ]
    assert len(desk.heard()) == 1


def test_a_lamp_lights_while_it_rings_rfc_4235() -> None:
    desk = Desk()
    desk.watch()
    desk.network.run(1)
    call = desk.three.call("sip:two@10.0.0.2")
    desk.network.run(1)
    desk.three.do(call.hangup)
    desk.network.run(1)
    assert [[d.state for d in info.dialogs] for info in desk.heard()] == [[], ["early"], []]


def test_call_pickup_rfc_5359_2_16() -> None:
    """The watcher takes a call that rings: its INVITE goes to the caller, with Replaces."""
    desk = Desk()
    desk.three.react = lambda event: _take_over(desk.three, event)
    desk.watch()
    desk.network.run(1)
    call = desk.three.call("sip:two@10.0.0.2")
    desk.network.run(1)
    (ringing,) = desk.heard()[-1].dialogs
    replaces = Replaces(ringing.call_id, ringing.remote_tag, ringing.local_tag, early_only=True)
    desk.network.log.clear()
    taken = desk.one.call(ringing.remote_target, headers=[("Replaces", str(replaces))])
    desk.network.run(1)
    assert taken.state == "confirmed"
    assert desk.one.has(Answered)
    assert call.ended
    ladder = desk.network.ladder()
    assert ladder[0] == "1 > 3 INVITE"
    assert "3 > 1 200 INVITE" in ladder
    assert "3 > 2 CANCEL" in ladder
    assert ladder.index("1 > 3 INVITE") < ladder.index("3 > 2 CANCEL")
    assert desk.heard()[-1].dialogs == ()


def _take_over(phone: Phone, event: Event) -> None:
    if isinstance(event, IncomingCall) and event.replaces is not None:
        event.session.answer(ANSWER, phone.network.now)
        event.replaces.hangup(phone.network.now)


def test_an_invite_held_back_goes_where_it_is_told_and_not_after_it_was_given_up() -> None:
    desk = Desk()
    session = desk.one.do(
        desk.one.agent.invite, "sip:nowhere@192.0.2.1", body=b"v=0 offer\r\n", start=False
    )
    desk.network.run(1)
    assert desk.network.ladder() == []
    desk.one.do(session.calling.send, "sip:two@10.0.0.2", [("Replaces", "x;to-tag=1;from-tag=2")])
    desk.network.run(1)
    assert desk.network.ladder()[0] == "1 > 2 INVITE"
    assert session.remote_uri == "sip:two@10.0.0.2"

    given_up = desk.one.do(
        desk.one.agent.invite, "sip:nowhere@192.0.2.1", body=b"v=0 offer\r\n", start=False
    )
    held_back = given_up.calling
    assert held_back is not None
    desk.one.do(given_up.hangup)
    desk.network.log.clear()
    desk.one.do(held_back.send, "sip:two@10.0.0.2", [])
    assert desk.network.ladder() == []
    assert not any(isinstance(event, Progressed) for event in desk.one.events)


@pytest.mark.parametrize("seed", range(6))
def test_a_bad_network_delays_the_state_and_never_loses_it(seed: int) -> None:
    desk = Desk(Impairment(loss=0.25, duplication=0.2, jitter=0.3), seed=seed)
    desk.watch()
    desk.network.run(120)
    call = desk.three.call("sip:two@10.0.0.2")
    desk.network.run(60)
    desk.three.do(call.hangup)
    desk.network.run(120)
    versions = [info.version for info in desk.heard()]
    assert desk.heard()[-1].dialogs == ()
    assert versions == sorted(set(versions))  # each once, in order


ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(
            ["watch", "unwatch", "refetch", "call", "hang up", "end", "deaf", "hearing"]
        ),
        st.sampled_from([0.0, 0.02, 0.3, 5.0, 40.0, 1000.0]),
    ),
    max_size=14,
)


@settings(max_examples=60, deadline=None)
@given(ACTIONS, st.integers(0, 3))
def test_whatever_happens_nothing_is_left_at_the_end(
    actions: list[tuple[str, float]], seed: int
) -> None:
    desk = Desk(Impairment(loss=0.1, jitter=0.05), seed=seed)
    subscriptions: list[Any] = []
    calls: list[Session] = []
    deaf = False
    desk.network.filters.append(lambda step: not deaf or step.target[0] != "10.0.0.2")
    for action, pause in actions:
        match action:
            case "watch" if len(subscriptions) < 5:
                subscriptions.append(desk.watch())
            case "unwatch" if subscriptions:
                desk.one.do(subscriptions[-1].unsubscribe)
            case "refetch" if subscriptions:
                for tag in tuple(subscriptions[-1].legs):
                    desk.one.do(subscriptions[-1].refetch, tag)
            case "call":
                calls.append(desk.three.call("sip:two@10.0.0.2"))
            case "hang up" if calls:
                desk.three.do(calls[-1].hangup)
            case "end" if desk.watchers:
                desk.two.do(desk.watchers[-1].end, "deactivated")
            case "deaf" | "hearing":
                deaf = action == "deaf"
        desk.network.run(pause)
    deaf = False
    for subscription in subscriptions:
        desk.one.do(subscription.unsubscribe)
    for call in calls:
        desk.three.do(call.hangup)
    desk.network.run(10_000)  # also what nobody refreshes is over by then
    for phone in (desk.one, desk.two, desk.three):
        agent = phone.agent
        assert (agent.usages, agent.transactions, agent.timers) == (0, 0, 0)
    for subscription in subscriptions:
        assert subscription.state == "terminated"
        last = [
            event.state
            for event in desk.one.events
            if isinstance(event, SubscriptionChanged) and event.subscription is subscription
        ][-1:]
        assert last in ([], ["terminated"])
