"""The keep-alive, in the time of a loop that never waits."""

from collections.abc import Callable

from platypus.net.keepalive import LONGEST, PING, SHORTEST, KeepAlive
from platypus.sip.flow import Flow

FLOW = Flow("udp", ("192.0.2.1", 5060), ("192.0.2.9", 5060))
OTHER = Flow("udp", ("192.0.2.1", 5060), ("192.0.2.8", 5060))


class Timer:
    def __init__(self, when: float, callback: Callable[[], None]) -> None:
        self.when, self.callback, self.cancelled = when, callback, False

    def cancel(self) -> None:
        self.cancelled = True


class Loop:
    """A clock that jumps from timer to timer."""

    def __init__(self) -> None:
        self.now = 0.0
        self.timers: list[Timer] = []

    def call_later(self, delay: float, callback: Callable[[], None]) -> Timer:
        self.timers.append(Timer(self.now + delay, callback))
        return self.timers[-1]

    def run_until(self, end: float) -> None:
        while due := [each for each in self.waiting() if each.when <= end]:
            first = min(due, key=lambda each: each.when)
            self.now = first.when
            self.timers.remove(first)
            first.callback()
        self.now = end

    def waiting(self) -> list[Timer]:
        return [each for each in self.timers if not each.cancelled]


class Pings:
    def __init__(self, random: int = 128) -> None:
        self.loop = Loop()
        self.sent: list[tuple[float, Flow, bytes]] = []
        self.keepalive = KeepAlive(
            self.loop.call_later, self._send, lambda count: bytes([random] * count)
        )

    def _send(self, flow: Flow, data: bytes) -> None:
        self.sent.append((self.loop.now, flow, data))


def test_a_flow_gets_a_double_crlf_before_a_router_forgets_it() -> None:
    pings = Pings()
    pings.keepalive.add("alice", FLOW)
    pings.loop.run_until(60)
    assert [(flow, data) for _, flow, data in pings.sent] == [(FLOW, PING)] * 2
    assert pings.sent[0][0] < 30


def test_the_interval_is_spread_as_rfc_5626_wants() -> None:
    def first(random: int) -> float:
        pings = Pings(random)
        pings.keepalive.add("alice", FLOW)
        pings.loop.run_until(60)
        return pings.sent[0][0]

    assert (first(0), first(255)) == (SHORTEST, LONGEST)


def test_two_accounts_on_one_flow_need_one_ping() -> None:
    pings = Pings()
    pings.keepalive.add("alice", FLOW)
    pings.keepalive.add("bob", FLOW)
    pings.loop.run_until(30)
    assert len(pings.sent) == 1


def test_a_new_flow_of_an_account_replaces_the_old() -> None:
    pings = Pings()
    pings.keepalive.add("alice", FLOW)
    pings.keepalive.add("alice", OTHER)
    pings.loop.run_until(30)
    assert [flow for _, flow, _ in pings.sent] == [OTHER]


def test_nothing_runs_once_the_last_flow_is_gone() -> None:
    pings = Pings()
    pings.keepalive.add("alice", FLOW)
    pings.keepalive.remove("alice")
    assert pings.loop.waiting() == []


def test_nothing_runs_after_closing() -> None:
    pings = Pings()
    pings.keepalive.add("alice", FLOW)
    pings.keepalive.close()
    pings.loop.run_until(100)
    assert pings.sent == []
