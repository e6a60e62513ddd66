"""Slots: when each leg's turn comes, in virtual time."""

from __future__ import annotations

import itertools

from platypus._media.schedule import Schedule

MS = 1_000_000
START = 1_000_003 * MS + 123


def turns(schedule: Schedule, count: int, *, late: int = 0) -> list[tuple[int, int, bool, int]]:
    """`count` turns, each taken `late` ns after its deadline."""
    taken = []
    now = START
    for _ in range(count):
        turn = schedule.next_turn(now)
        assert turn is not None
        taken.append(turn)
        now = max(now, turn[1] + late)
    return taken


def test_without_a_leg_there_is_no_turn():
    assert Schedule().next_turn(START) is None


def test_the_first_turn_comes_within_a_frame():
    schedule = Schedule()
    schedule.add(START)
    [(_, deadline, _, _)] = turns(schedule, 1)
    assert 0 < deadline - START <= 20 * MS


def test_turns_are_exactly_20_ms_apart_however_late_they_are_taken():
    schedule = Schedule()
    schedule.add(START)
    deadlines = [deadline for _, deadline, _, _ in turns(schedule, 50, late=7 * MS)]
    assert {b - a for a, b in itertools.pairwise(deadlines)} == {20 * MS}


def test_a_few_legs_share_one_slot():
    schedule = Schedule()
    assert {schedule.add(START) for _ in range(10)} == {0}


def test_many_legs_open_more_slots():
    schedule = Schedule()
    assert {schedule.add(START) for _ in range(300)} == {0, 1, 2}


def test_a_slot_with_half_a_millisecond_of_work_takes_no_more():
    schedule = Schedule()
    index = schedule.add(START)
    for _ in range(100):
        schedule.worked(index, MS)
    assert schedule.add(START) != index


def test_a_thread_with_a_short_slice_has_more_and_smaller_slots():
    schedule = Schedule()
    assert len({schedule.add(START, work_max_ns=90_000) for _ in range(90)}) == 5


def test_slots_follow_one_another_so_that_the_thread_need_not_be_woken_for_each():
    schedule = Schedule()
    for _ in range(400):
        schedule.add(START)
    deadlines = sorted(deadline for _, deadline, _, _ in turns(schedule, 4))
    gaps = [b - a for a, b in itertools.pairwise(deadlines)]
    assert gaps == [MS // 2] * 3


def test_a_thread_without_real_time_priority_has_its_slots_far_apart():
    schedule = Schedule()
    schedule.spread()
    for _ in range(90):
        schedule.add(START, work_max_ns=90_000)
    deadlines = [deadline for _, deadline, _, _ in turns(schedule, 5)]
    assert min(b - a for a, b in itertools.pairwise(deadlines)) >= 2 * MS


def test_a_thread_that_is_awake_takes_the_next_turn_no_more_than_a_little_early():
    schedule = Schedule()
    assert not schedule.is_near(START)
    for _ in range(200):
        schedule.add(START)
    [(_, first, _, _)] = turns(schedule, 1)
    assert schedule.is_near(first)
    assert not schedule.is_near(first + MS // 2 - 7 * MS // 10 - 1)


def test_every_slot_has_a_place_of_its_own():
    schedule = Schedule()
    schedule.spread()
    for _ in range(40 * 20):
        schedule.add(START, work_max_ns=90_000)
    deadlines = [deadline for _, deadline, _, _ in turns(schedule, 40)]
    assert {b - a for a, b in itertools.pairwise(deadlines)} == {MS // 2}


def test_when_all_slots_are_full_the_least_busy_takes_the_next_leg():
    schedule = Schedule()
    for _ in range(40 * 111):
        schedule.add(START)
    schedule.remove(5)
    assert schedule.add(START) == 5


def test_with_a_sound_card_turns_come_every_10_ms_and_every_other_is_a_half_one():
    schedule = Schedule()
    schedule.add(START, card=True)
    taken = turns(schedule, 6)
    deadlines = [deadline for _, deadline, _, _ in taken]
    assert {b - a for a, b in itertools.pairwise(deadlines)} == {10 * MS}
    assert [half for _, _, half, _ in taken] == [False, True] * 3


def test_legs_on_sound_cards_share_the_first_slot_even_when_it_is_busy():
    schedule = Schedule()
    for _ in range(40):
        schedule.add(START)
    assert schedule.add(START, card=True) == 0


def test_frames_keep_their_20_ms_when_the_card_leaves_between_two():
    schedule = Schedule()
    schedule.add(START)
    schedule.add(START, card=True)
    first = schedule.next_turn(START)
    assert first is not None
    schedule.remove(0, card=True)
    following = turns(schedule, 3)
    frames = [first[1]] + [deadline for _, deadline, half, _ in following if not half]
    assert [b - a for a, b in itertools.pairwise(frames)] == [20 * MS] * 2


def test_a_short_stall_skips_nothing_and_is_caught_up_at_once():
    schedule = Schedule()
    schedule.add(START)
    [(_, first, _, _)] = turns(schedule, 1)
    now = first + 200 * MS
    caught_up = [schedule.next_turn(now) for _ in range(10)]
    assert [turn[1] for turn in caught_up if turn] == [first + k * 20 * MS for k in range(1, 11)]
    assert {turn[3] for turn in caught_up if turn} == {0}


def test_a_long_stall_skips_whole_frames_and_keeps_the_phase():
    schedule = Schedule()
    schedule.add(START)
    [(_, first, _, _)] = turns(schedule, 1)
    turn = schedule.next_turn(first + 2_000 * MS)
    assert turn is not None
    _, deadline, _, skipped = turn
    assert (deadline - first) % (20 * MS) == 0
    assert deadline == first + 20 * MS + skipped * 20 * MS
    assert skipped == 89  # 1980 ms late, of which the last 200 are caught up


def test_an_empty_slot_ends_and_begins_anew():
    schedule = Schedule()
    schedule.add(START)
    schedule.remove(0)
    assert schedule.next_turn(START) is None
    schedule.add(START + 1_000 * MS)
    turn = schedule.next_turn(START + 1_000 * MS)
    assert turn is not None
    assert 0 < turn[1] - START - 1_000 * MS <= 20 * MS
