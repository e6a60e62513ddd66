"""The keep-alive, in the time of a loop that never waits."""

from collections.abc import Callable

from platypus.net.keepalive import LEAST, LONGEST, PING, SHORTEST, Asked, KeepAlive
from platypus.sip.flow import Address, Flow

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


SEEN, ELSEWHERE = ("203.0.113.5", 40000), ("203.0.113.6", 40000)


class Stun(Pings):
    """A far end whose answers to STUN the test gives."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[Flow, Asked, int]] = []
        self.failures: list[tuple[Flow, str, Address | None]] = []
        self.keepalive = KeepAlive(
            self.loop.call_later,
            self._send,
            lambda count: bytes([128] * count),
            ask=lambda *question: self.asked.append(question),
            failed=lambda *failure: self.failures.append(failure),
        )

    def answer(self, seen: Address | None) -> None:
        """The oldest question; None is silence."""
        self.asked.pop(0)[1](seen, "" if seen else "no answer")


def test_a_far_end_that_knows_stun_is_asked_by_it_and_gets_no_crlf_any_more() -> None:
    stun = Stun()
    stun.keepalive.add("alice", FLOW)
    stun.loop.run_until(30)
    assert len(stun.sent) == 1  # nobody knows yet
    stun.answer(SEEN)
    stun.loop.run_until(90)
    assert len(stun.asked) == 2
    assert len(stun.sent) == 1
    assert stun.failures == []


def test_a_far_end_that_knows_none_is_asked_once() -> None:
    stun = Stun()
    stun.keepalive.add("alice", FLOW)
    stun.loop.run_until(30)
    stun.answer(None)
    stun.loop.run_until(300)
    assert stun.asked == []
    assert len(stun.sent) > 9
    assert stun.failures == []


def test_silence_where_there_was_an_answer_is_a_flow_that_failed() -> None:
    stun = Stun()
    stun.keepalive.add("alice", FLOW)
    stun.loop.run_until(30)
    stun.answer(SEEN)
    stun.loop.run_until(60)
    stun.answer(None)
    [(flow, reason, seen)] = stun.failures
    assert (flow, seen) == (FLOW, None)
    assert "192.0.2.9:5060 does not answer any more" in reason


def test_another_address_is_a_router_that_forgot_us() -> None:
    stun = Stun()
    stun.keepalive.add("alice", FLOW)
    stun.loop.run_until(30)
    stun.answer(SEEN)
    stun.loop.run_until(60)
    stun.answer(ELSEWHERE)
    [(flow, reason, seen)] = stun.failures
    assert (flow, seen) == (FLOW, ELSEWHERE)
    assert "203.0.113.5:40000 to 203.0.113.6:40000" in reason


def test_an_answer_for_a_flow_that_was_replaced_says_nothing() -> None:
    stun = Stun()
    stun.keepalive.add("alice", FLOW)
    stun.loop.run_until(30)
    stun.answer(SEEN)
    stun.loop.run_until(60)
    stun.keepalive.add("alice", OTHER)
    stun.answer(None)
    assert stun.failures == []


def test_a_connection_is_never_asked_by_stun() -> None:
    stun = Stun()
    stun.keepalive.add("alice", FLOW._replace(transport="tcp"))
    stun.loop.run_until(60)
    assert stun.asked == []
    assert len(stun.sent) == 2


def test_a_registrar_that_names_a_time_hears_from_us_within_it() -> None:
    pings = Pings(255)
    pings.keepalive.add("alice", FLOW, 10)
    pings.loop.run_until(31)
    assert [when for when, _, _ in pings.sent] == [10.0, 20.0, 30.0]


def test_a_registrar_that_wants_to_hear_all_the_time_does_not() -> None:
    pings = Pings(255)
    pings.keepalive.add("alice", FLOW, 1)
    pings.loop.run_until(30)
    assert len(pings.sent) == 30 / LEAST
