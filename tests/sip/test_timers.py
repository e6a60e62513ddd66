"""The heap of timers: order, stopping, and what stopping leaves behind."""

from __future__ import annotations

from platypus.sip.timers import TimerQueue


def test_timers_fire_in_order_of_their_time() -> None:
    queue, fired = TimerQueue(), []
    for when in (3.0, 1.0, 2.0):
        queue.start(when, lambda now, when=when: fired.append(when))
    queue.handle_timeout(3.0)
    assert fired == [1.0, 2.0, 3.0]


def test_timers_of_one_instant_fire_in_the_order_they_were_started() -> None:
    queue, fired = TimerQueue(), []
    for name in "abc":
        queue.start(1.0, lambda now, name=name: fired.append(name))
    queue.handle_timeout(1.0)
    assert fired == ["a", "b", "c"]


def test_nothing_fires_before_its_time() -> None:
    queue, fired = TimerQueue(), []
    queue.start(1.0, fired.append)
    queue.handle_timeout(0.999)
    assert fired == []
    assert queue.next_timeout() == 1.0


def test_a_callback_is_given_the_time_it_is_called_at() -> None:
    queue, fired = TimerQueue(), []
    queue.start(1.0, fired.append)
    queue.handle_timeout(1.5)
    assert fired == [1.5]


def test_a_stopped_timer_neither_fires_nor_asks_for_a_timeout() -> None:
    queue, fired = TimerQueue(), []
    queue.start(1.0, fired.append).stop()
    assert queue.next_timeout() is None
    queue.handle_timeout(2.0)
    assert fired == []


def test_stopping_twice_or_after_firing_does_nothing() -> None:
    queue = TimerQueue()
    fired = queue.start(1.0, lambda now: None)
    queue.handle_timeout(1.0)
    fired.stop()
    stopped = queue.start(2.0, lambda now: None)
    stopped.stop()
    stopped.stop()
    queue.start(3.0, lambda now: None)
    assert len(queue) == 1


def test_a_timer_started_by_another_for_no_later_than_now_fires_at_once() -> None:
    queue, fired = TimerQueue(), []
    queue.start(1.0, lambda now: queue.start(now, fired.append))
    queue.handle_timeout(1.0)
    assert fired == [1.0]


def test_a_timer_may_stop_another_that_is_due_with_it() -> None:
    queue, fired = TimerQueue(), []
    second = None

    def stop_second(now: float) -> None:
        second.stop()

    queue.start(1.0, stop_second)
    second = queue.start(1.0, fired.append)
    queue.handle_timeout(1.0)
    assert fired == []
    assert len(queue) == 0


def test_stopped_timers_do_not_pile_up() -> None:
    queue = TimerQueue()
    queue.start(100.0, lambda now: None)
    for _ in range(10_000):
        queue.start(50.0, lambda now: None).stop()
    assert len(queue._heap) < 200
    assert len(queue) == 1
    assert queue.next_timeout() == 100.0
