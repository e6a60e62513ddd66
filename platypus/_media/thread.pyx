"""The media thread: sleeps until a slot's deadline, serves its legs, carries out commands.

It has no Python state and never takes the GIL; nothing here may touch a Python object. With no
leg it waits at a semaphore and uses no time at all. It closes the sockets that were handed to
it, and nobody else does.
"""

from libc.stdint cimport int64_t, uint32_t
from libc.stdlib cimport calloc, free, malloc

from platypus._media.conference cimport conference_sum
from platypus._media.guard cimport guard_fetch_contexts, guard_fetch_sessions
from platypus._media.lateness cimport lateness_add
from platypus._media.leg cimport (
    command_t, leg_fetch, leg_fetch_rest, leg_fetch_stream, leg_play, leg_play_all, leg_put_down,
    leg_receive, leg_send, leg_skip, leg_speak, leg_t, leg_take_up, leg_watch,
)
from platypus._media.leg_rtcp cimport leg_receive_rtcp, leg_report
from platypus._media.platform cimport (
    PLATFORM_SCHEDULING_RR, PLATFORM_TOLD_MAX, platform_ask_scheduling, platform_exchange,
    platform_load_acquire, platform_monotonic_ns, platform_realtime_offset_ns,
    platform_semaphore_destroy, platform_semaphore_init, platform_semaphore_post,
    platform_semaphore_wait, platform_sleep_until, platform_socket_close, platform_store_release,
    platform_thread_join, platform_thread_start, platform_timer_destroy, platform_timer_init,
    platform_watch_destroy, platform_watch_init, platform_watch_told,
)
from platypus._media.queue cimport queue_length, queue_pop
from platypus._media.recorder cimport writer_rouse, writer_start, writer_stop
from platypus._media.schedule cimport (
    slot_advance, slot_is_near, slot_skip, slot_t, slot_worked, slots_init, slots_next,
)
from platypus._media.thread_commands cimport thread_close_leg, thread_collect, thread_obey

cdef enum:
    MARK = 64

# RTCP is measured with the kernel's time of arrival, so nothing is lost by reading it late.
cdef int64_t RTCP_NS = 20_000_000
# Packets whose lateness is taken to be the last one's: asking for the time costs as much as to
# encode a frame, and so many take some 20 us.
cdef uint32_t TIMED_TOGETHER = 8
# How long finished recordings are looked for while nothing else happens.
cdef int64_t LOOK_NS = 20_000_000
# A thread that was started says so within microseconds, on the busiest machine in less.
cdef int64_t START_NS = 1_000_000_000


cdef void carry_out_all(loop_t *loop) noexcept nogil:
    cdef int64_t now_ns = platform_monotonic_ns()
    cdef command_t *command = <command_t *>queue_pop(&loop.commands)
    while command != NULL:
        thread_obey(loop, command, now_ns)
        command = <command_t *>queue_pop(&loop.commands)


cdef void read_rtcp(loop_t *loop, int64_t now_ns) noexcept nogil:
    cdef void *told[PLATFORM_TOLD_MAX]
    cdef leg_t *leg
    cdef int index
    if now_ns < loop.next_rtcp_ns:
        return
    loop.next_rtcp_ns = now_ns + RTCP_NS
    for index in range(platform_watch_told(&loop.watch, told)):
        leg = <leg_t *>told[index]
        leg_take_up(leg)
        leg_receive_rtcp(leg, &loop.inbox, loop.offset_ns, now_ns)
        leg_put_down(leg)


cdef bint finish_turn(
    loop_t *loop, leg_t *leg, bint half, int64_t deadline_ns, int64_t now_ns
) noexcept nogil:
    """After the leg was heard: what it sends, reports and tells. Whether a packet went out."""
    cdef bint sent = False
    leg_take_up(leg)
    if leg.tenths:
        sent = leg_send(leg, leg.frame // 2, &loop.events, &loop.writer, deadline_ns)
    elif not half:
        sent = leg_send(leg, leg.frame, &loop.events, &loop.writer, deadline_ns)
    if not half:
        if leg.reports.next_ns <= now_ns:
            leg_report(leg, deadline_ns, platform_monotonic_ns())
        leg_watch(leg, &loop.events, now_ns)
    leg_put_down(leg)
    return sent


cdef inline bint has_turn(const leg_t *leg, bint half) noexcept nogil:
    return leg.card or not half


cdef inline int turn_samples(const leg_t *leg) noexcept nogil:
    return leg.frame // 2 if leg.card else leg.frame


cdef inline void fetch_ahead(const leg_t *leg) noexcept nogil:
    """Of this leg and of those behind it, while it keeps the kernel busy.

    Where memory leads to memory each turn brings the next step near, so that none is waited for.
    """
    cdef const leg_t *second = leg.next
    cdef const leg_t *third = NULL
    if second == NULL:
        return
    leg_fetch_rest(second)
    guard_fetch_sessions(second)
    third = second.next
    if third == NULL:
        return
    leg_fetch_stream(third)
    guard_fetch_contexts(third)
    if third.next != NULL:
        leg_fetch(third.next)


cdef void hear(
    loop_t *loop, leg_t *leg, bint half, int64_t deadline_ns, int64_t now_ns
) noexcept nogil:
    if not has_turn(leg, half):
        return
    leg_take_up(leg)
    leg_receive(leg, &loop.inbox, &loop.events, loop.offset_ns, now_ns)
    fetch_ahead(leg)
    leg_play(leg, turn_samples(leg), &loop.events, &loop.writer, deadline_ns)
    leg_put_down(leg)


cdef void confer(loop_t *loop, leg_t *leg, bint half, int64_t deadline_ns) noexcept nogil:
    """For the legs of a slot that are in conferences, when all of their parties were heard."""
    cdef int count
    while leg != NULL:
        if leg.party != NULL and has_turn(leg, half):
            count = turn_samples(leg)
            conference_sum(leg.party.party.conference, deadline_ns)
            leg_take_up(leg)
            leg_play_all(leg, count, &loop.writer, deadline_ns)
            leg_speak(leg, count, &loop.events, deadline_ns)
            leg_put_down(leg)
        leg = leg.next


cdef void serve(
    loop_t *loop, leg_t *first, bint half, int64_t deadline_ns, int64_t now_ns
) noexcept nogil:
    """All legs of a slot: heard one after the other, then sent from, so that what the kernel
    and we do for one of the two is still in the cache for the next leg."""
    cdef leg_t *leg = first
    cdef bint parties = False
    cdef uint32_t sent = 0
    while leg != NULL:
        hear(loop, leg, half, deadline_ns, now_ns)
        parties = parties or leg.party != NULL
        leg = leg.next
    if parties:
        confer(loop, first, half, deadline_ns)
    leg = first
    while leg != NULL:
        if has_turn(leg, half):
            sent += finish_turn(loop, leg, half, deadline_ns, now_ns)
        leg = leg.next
        if sent == TIMED_TOGETHER or (leg == NULL and sent > 0):
            lateness_add(&loop.lateness, platform_monotonic_ns() - deadline_ns, sent)
            sent = 0


cdef void take_turn(loop_t *loop, int index) noexcept nogil:
    cdef slot_t *slot = &loop.slots[index]
    cdef int64_t began_ns = platform_monotonic_ns()
    cdef int64_t ended_ns
    cdef int skipped = slot_skip(slot, began_ns)
    cdef leg_t *leg = loop.first[index] if skipped else NULL
    loop.offset_ns = platform_realtime_offset_ns()
    while leg != NULL:
        leg_take_up(leg)
        leg_skip(leg, skipped, &loop.lateness, &loop.writer)
        leg_put_down(leg)
        leg = leg.next
    serve(loop, loop.first[index], slot.half, slot.deadline_ns, began_ns)
    writer_rouse(&loop.writer)
    ended_ns = platform_monotonic_ns()
    slot_worked(slot, ended_ns - began_ns)
    slot_advance(slot)
    platform_store_release(&loop.turns, loop.turns + 1)
    if ended_ns > slot.deadline_ns:
        platform_store_release(&loop.overrun, loop.overrun + 1)


cdef void wait_for_work(loop_t *loop) noexcept nogil:
    """No leg is open: until a command comes, or a recording may have been finished."""
    # Whoever pushes exchanges `idle` after the push, so one of the two sees the other.
    platform_exchange(&loop.idle, 1)
    if queue_length(&loop.commands) == 0 and not platform_load_acquire(&loop.stop):
        platform_semaphore_wait(&loop.work, LOOK_NS if loop.finishing_count else -1)
    platform_exchange(&loop.idle, 0)


cdef void shut_down(loop_t *loop) noexcept nogil:
    while loop.leg_count:
        thread_close_leg(loop, loop.legs[loop.leg_count - 1])


cdef void run(void *argument) noexcept nogil:
    cdef loop_t *loop = <loop_t *>argument
    cdef int index
    cdef bint served = False
    platform_store_release(&loop.scheduling, <uint32_t>platform_ask_scheduling())
    slots_init(loop.slots, loop.scheduling != PLATFORM_SCHEDULING_RR)
    loop.mark = malloc(MARK)
    platform_semaphore_post(&loop.started)
    while not platform_load_acquire(&loop.stop):
        carry_out_all(loop)
        if loop.finishing_count:
            thread_collect(loop)
        index = slots_next(loop.slots, loop.slots_used)
        if index < 0:
            wait_for_work(loop)
            served = False
            continue
        if not served or not slot_is_near(&loop.slots[index], platform_monotonic_ns()):
            served = False
            platform_sleep_until(&loop.timer, loop.slots[index].deadline_ns)
            carry_out_all(loop)
            # A command may have closed the slot, or opened one whose turn comes first.
            index = slots_next(loop.slots, loop.slots_used)
        if served or (
            index >= 0 and loop.slots[index].deadline_ns <= platform_monotonic_ns()
        ):
            take_turn(loop, index)
            read_rtcp(loop, platform_monotonic_ns())
            served = loop.scheduling == PLATFORM_SCHEDULING_RR
    carry_out_all(loop)
    shut_down(loop)
    free(loop.mark)
    platform_semaphore_post(&loop.ended)


cdef loop_t *loop_new(platform_socket_t wake) noexcept nogil:
    """NULL when memory or a timer can't be had. `wake` is the loop's from here on."""
    cdef loop_t *loop = <loop_t *>calloc(1, sizeof(loop_t))
    if loop == NULL:
        return NULL
    loop.events.wake = wake
    if (
        platform_watch_init(&loop.watch) != 0
        or platform_timer_init(&loop.timer) != 0
        or platform_semaphore_init(&loop.work) != 0
        or platform_semaphore_init(&loop.started) != 0
        or platform_semaphore_init(&loop.ended) != 0
    ):
        free(loop)
        return NULL
    return loop


cdef void loop_free(loop_t *loop) noexcept nogil:
    """Only when its threads were joined, or never started."""
    platform_socket_close(loop.events.wake)
    platform_watch_destroy(&loop.watch)
    platform_timer_destroy(&loop.timer)
    platform_semaphore_destroy(&loop.work)
    platform_semaphore_destroy(&loop.started)
    platform_semaphore_destroy(&loop.ended)
    free(loop)


cdef int loop_start(loop_t *loop) noexcept nogil:
    """Returns 0 once the thread runs, or an error number."""
    cdef int problem = writer_start(&loop.writer)
    if problem:
        return problem
    problem = platform_thread_start(&loop.thread, run, loop)
    if problem:
        writer_stop(&loop.writer, START_NS)
        return problem
    platform_semaphore_wait(&loop.started, START_NS)
    return 0


cdef bint loop_stop(loop_t *loop, int64_t timeout_ns) noexcept nogil:
    """Both threads. False: one of them hangs, and all they use must stay."""
    cdef int64_t end_ns = platform_monotonic_ns() + timeout_ns
    platform_store_release(&loop.stop, 1)
    platform_semaphore_post(&loop.work)
    if not platform_semaphore_wait(&loop.ended, timeout_ns):
        return False
    platform_thread_join(&loop.thread)
    if not writer_stop(&loop.writer, max(<int64_t>0, end_ns - platform_monotonic_ns())):
        return False
    thread_collect(loop)  # the thread is gone: its last recordings are told here
    return True


cdef void loop_poke(loop_t *loop) noexcept nogil:
    """After a push: wakes the thread only if it waits for work."""
    if platform_exchange(&loop.idle, 0):
        platform_semaphore_post(&loop.work)
