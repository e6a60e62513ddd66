"""The media thread: sleeps until a slot's deadline, serves its legs, carries out commands.

It has no Python state and never takes the GIL; nothing here may touch a Python object. With no
leg it waits at a semaphore and uses no time at all. It closes the sockets that were handed to
it, and nobody else does.
"""

from libc.errno cimport EBUSY
from libc.stdint cimport int64_t, uint32_t
from libc.stdlib cimport calloc, free

from platypus._media.conference cimport conference_join, conference_leave, conference_sum
from platypus._media.event cimport EVENT_ERROR, EVENT_RECORDED, events_tell
from platypus._media.feed cimport feed_attach, feed_detach
from platypus._media.guard cimport (
    GIVEN_UP_MAX, guard_change, guard_fetch_contexts, guard_fetch_leases, guard_fetch_sessions,
    guard_release,
)
from platypus._media.leg cimport (
    VERB_CLOSE, VERB_DELIVER, VERB_DIRECTION, VERB_DTMF, VERB_EARS, VERB_JOIN, VERB_KEYS,
    VERB_LEAVE, VERB_MOVE, VERB_MUTE,
    VERB_OPEN, VERB_OUTSIDE, VERB_PROTECT, VERB_RECEIVE, VERB_RECORD, VERB_RTCP, VERB_SEND,
    VERB_SINK, VERB_SOURCE, VERB_STOP_RECORD, VERB_TRANSMIT, VERB_UNPROTECT, VERB_VOICE,
    command_t, leg_deliver, leg_fetch, leg_fetch_figures, leg_fetch_rest, leg_fetch_stream,
    leg_play, leg_play_all, leg_publish, leg_receive, leg_send, leg_skip, leg_speak, leg_t,
    leg_watch,
)
from platypus._media.leg_change cimport (
    leg_close_sockets, leg_configure_receive, leg_configure_send, leg_move, leg_queue_digits,
    leg_set_direction,
)
from platypus._media.leg_keys cimport leg_listen_for_keys, leg_press_keys
from platypus._media.leg_post cimport leg_transmit
from platypus._media.leg_record cimport leg_recording_at
from platypus._media.leg_rtcp cimport (
    leg_configure_rtcp, leg_receive_rtcp, leg_report, leg_say_bye,
)
from platypus._media.outlet cimport outlet_attach, outlet_detach
from platypus._media.platform cimport (
    PLATFORM_NO_SOCKET, PLATFORM_SCHEDULING_SLICE, PLATFORM_TOLD_MAX, platform_ask_scheduling,
    platform_exchange, platform_load_acquire, platform_monotonic_ns,
    platform_realtime_offset_ns, platform_semaphore_destroy, platform_semaphore_init,
    platform_semaphore_post, platform_semaphore_wait, platform_sleep_until,
    platform_socket_close, platform_store_release, platform_thread_join, platform_thread_start,
    platform_timer_destroy, platform_timer_init, platform_watch_add, platform_watch_destroy,
    platform_watch_init, platform_watch_remove, platform_watch_told,
)
from platypus._media.queue cimport queue_length, queue_pop, queue_push
from platypus._media.recorder cimport (
    RECORDERS_MAX, recorder_done, recorder_finish, recorder_t, writer_start, writer_stop, writer_take,
    writer_rouse, writer_wake,
)
from platypus._media.schedule cimport (
    WORK_MAX_NS, WORK_MAX_SLICE_NS, slot_add, slot_advance, slot_remove, slot_skip, slot_t,
    slot_worked, slots_choose, slots_init, slots_next,
)

# RTCP is measured with the kernel's time of arrival, so nothing is lost by reading it late.
cdef int64_t RTCP_NS = 20_000_000
# What others see of a leg is at most 100 ms old: copying it costs as much as sending a packet.
cdef int PUBLISH_TURNS = 5
# How long finished recordings are looked for while nothing else happens.
cdef int64_t LOOK_NS = 20_000_000
# A thread that was started says so within microseconds, on the busiest machine in less.
cdef int64_t START_NS = 1_000_000_000


cdef void give_back(loop_t *loop, command_t *lease) noexcept nogil:
    # Never full: Python lets no more commands out than it holds.
    if lease != NULL:
        queue_push(&loop.returns, lease)


cdef bint confers(const leg_t *leg, const leg_t *other) noexcept nogil:
    """Whether two legs are in one conference."""
    return (leg.party != NULL and other.party != NULL
            and leg.party.party.conference == other.party.party.conference)


cdef int company(loop_t *loop, const leg_t *leg) noexcept nogil:
    """The slot of another party of the leg's conference, or -1."""
    cdef int index
    cdef const leg_t *other
    if leg.party == NULL:
        return -1
    for index in range(loop.leg_count):
        other = loop.legs[index]
        if other != leg and other.slot >= 0 and other.card == leg.card and confers(leg, other):
            return other.slot
    return -1


cdef void join_slot(loop_t *loop, leg_t *leg, int64_t now_ns) noexcept nogil:
    cdef int64_t work_max_ns = WORK_MAX_NS
    if loop.scheduling == PLATFORM_SCHEDULING_SLICE:
        work_max_ns = WORK_MAX_SLICE_NS
    leg.slot = company(loop, leg)
    if leg.slot < 0:
        leg.slot = slots_choose(loop.slots, leg.card, work_max_ns)
    slot_add(&loop.slots[leg.slot], leg.card, now_ns)
    leg.next = loop.first[leg.slot]
    loop.first[leg.slot] = leg


cdef void leave_slot(loop_t *loop, leg_t *leg) noexcept nogil:
    cdef leg_t **link = &loop.first[leg.slot]
    while link[0] != leg:
        link = &link[0].next
    link[0] = leg.next
    slot_remove(&loop.slots[leg.slot], leg.card)
    leg.slot = -1


cdef bint has_card(const leg_t *leg) noexcept nogil:
    """Whether the leg is on a sound card, or has packets for it."""
    cdef bint card = leg.tenths
    if leg.source != NULL and leg.source.feed.source != NULL:
        card = card or leg.source.feed.source.card.period > 0
    if leg.sink != NULL and leg.sink.outlet.sink != NULL:
        card = card or leg.sink.outlet.sink.card.period > 0
    return card


cdef void settle(loop_t *loop, leg_t *leg, int64_t now_ns) noexcept nogil:
    """In the slot of the cards if the leg, or its conference, has one; and with its conference."""
    cdef bint card = has_card(leg)
    cdef int index, slot
    if leg.party != NULL:
        for index in range(loop.leg_count):
            if confers(leg, loop.legs[index]):
                card = card or has_card(loop.legs[index])
    slot = company(loop, leg) if card == leg.card else -1
    if card == leg.card and (slot < 0 or slot == leg.slot):
        return
    leave_slot(loop, leg)
    leg.card = card
    join_slot(loop, leg, now_ns)


cdef void settle_all(loop_t *loop, int64_t now_ns) noexcept nogil:
    """After a source, a sink or a party moved: it may have been taken from another leg."""
    cdef int index
    for index in range(loop.leg_count):
        settle(loop, loop.legs[index], now_ns)


cdef void watch(loop_t *loop, leg_t *leg) noexcept nogil:
    if leg.rtcp != PLATFORM_NO_SOCKET:
        platform_watch_add(&loop.watch, leg.rtcp, leg)


cdef void watch_not(loop_t *loop, leg_t *leg) noexcept nogil:
    if leg.rtcp != PLATFORM_NO_SOCKET:
        platform_watch_remove(&loop.watch, leg.rtcp)


cdef void open_leg(loop_t *loop, command_t *command, int64_t now_ns) noexcept nogil:
    cdef leg_t *leg = command.leg
    leg.lease = command
    leg.events = &loop.events
    leg.posts = &loop.posts
    loop.legs[loop.leg_count] = leg  # Python opens no more than LEGS_MAX
    loop.leg_count += 1
    join_slot(loop, leg, now_ns)
    watch(loop, leg)


cdef void set_source(loop_t *loop, leg_t *leg, command_t *command) noexcept nogil:
    cdef command_t *before = leg.source
    if before != NULL:
        feed_detach(before.feed)
    leg.source = NULL
    leg.feed = NULL
    leg.source_told = False
    if command.feed != NULL:
        feed_attach(command.feed)
        leg.source = command
        leg.feed = command.feed
    else:
        give_back(loop, command)
    give_back(loop, before)


cdef void set_sink(loop_t *loop, leg_t *leg, command_t *command) noexcept nogil:
    cdef command_t *before = leg.sink
    if before != NULL:
        outlet_detach(before.outlet)
    leg.sink = NULL
    if command.outlet != NULL:
        outlet_attach(command.outlet)
        leg.sink = command
    else:
        give_back(loop, command)
    give_back(loop, before)


cdef void change_guard(loop_t *loop, leg_t *leg, command_t *command) noexcept nogil:
    """New keys for one direction; without a command all keys are given back."""
    cdef command_t *given_up[GIVEN_UP_MAX]
    cdef int count, index
    if command != NULL:
        count = guard_change(leg, command, given_up)
    else:
        count = guard_release(leg, given_up)
    for index in range(count):
        give_back(loop, given_up[index])


cdef void leave_conference(loop_t *loop, leg_t *leg) noexcept nogil:
    cdef command_t *before = leg.party
    leg.party = NULL
    if before != NULL:
        conference_leave(before.party)
        give_back(loop, before)


cdef void join_conference(loop_t *loop, leg_t *leg, command_t *command) noexcept nogil:
    leave_conference(loop, leg)
    conference_join(command.party)
    leg.party = command


cdef void end_recording(loop_t *loop, leg_t *leg, int place) noexcept nogil:
    """From here on it is the writer's, and the leg may record anew or close."""
    cdef command_t **link = leg_recording_at(leg, place)
    cdef command_t *recording = link[0]
    if recording == NULL:
        return
    link[0] = recording.beside
    recorder_finish(recording.recorder)
    writer_wake(&loop.writer)
    recording.second = leg.id
    loop.finishing[loop.finishing_count] = recording
    loop.finishing_count += 1


cdef void start_recording(loop_t *loop, leg_t *leg, command_t *command) noexcept nogil:
    """Refused while that place is taken, or with too many files: Python closes the descriptor."""
    cdef command_t **link = leg_recording_at(leg, command.third)
    if (
        link[0] != NULL
        or loop.finishing_count >= RECORDERS_MAX
        or not writer_take(&loop.writer, command.recorder)
    ):
        events_tell(&loop.events, leg.id, EVENT_ERROR, EBUSY, 0)
        give_back(loop, command)
        return
    link[0] = command


cdef void collect(loop_t *loop) noexcept nogil:
    """Give back the recordings whose files are complete."""
    cdef int index = loop.finishing_count - 1
    cdef command_t *command
    cdef recorder_t *recorder
    cdef uint32_t problem
    while index >= 0:
        command = loop.finishing[index]
        recorder = command.recorder
        if recorder_done(recorder):
            problem = platform_load_acquire(&recorder.failed)
            if problem:
                events_tell(&loop.events, command.second, EVENT_ERROR, problem, 0)
            events_tell(&loop.events, command.second, EVENT_RECORDED, recorder.written,
                        platform_load_acquire(&recorder.ring.overruns))
            loop.finishing_count -= 1
            loop.finishing[index] = loop.finishing[loop.finishing_count]
            give_back(loop, command)
        index -= 1


cdef void close_leg(loop_t *loop, leg_t *leg) noexcept nogil:
    cdef int index = 0
    leg_say_bye(leg, platform_monotonic_ns())
    leg_publish(leg)
    watch_not(loop, leg)
    leg_close_sockets(leg)
    leave_slot(loop, leg)
    while leg.recording != NULL:
        end_recording(loop, leg, leg.recording.third)
    leave_conference(loop, leg)
    if leg.source != NULL:
        feed_detach(leg.source.feed)
        give_back(loop, leg.source)
        leg.source = NULL
        leg.feed = NULL
    if leg.sink != NULL:
        outlet_detach(leg.sink.outlet)
        give_back(loop, leg.sink)
        leg.sink = NULL
    change_guard(loop, leg, NULL)
    while loop.legs[index] != leg:
        index += 1
    loop.leg_count -= 1
    loop.legs[index] = loop.legs[loop.leg_count]
    give_back(loop, leg.lease)


cdef void carry_out(loop_t *loop, command_t *command, int64_t now_ns) noexcept nogil:
    cdef leg_t *leg = command.leg
    if command.verb == VERB_OPEN:
        open_leg(loop, command, now_ns)
        return
    if command.verb == VERB_SOURCE:
        set_source(loop, leg, command)
        settle_all(loop, now_ns)
        return
    if command.verb == VERB_SINK:
        set_sink(loop, leg, command)
        settle_all(loop, now_ns)
        return
    if command.verb == VERB_JOIN:
        join_conference(loop, leg, command)
        settle_all(loop, now_ns)
        return
    if command.verb == VERB_RECORD:
        start_recording(loop, leg, command)
        return
    if command.verb == VERB_PROTECT or command.verb == VERB_UNPROTECT:
        change_guard(loop, leg, command)
        return
    if command.verb == VERB_TRANSMIT:
        leg_transmit(leg, command)
    elif command.verb == VERB_DELIVER:
        leg_deliver(leg, command, &loop.inbox, &loop.events)
    elif command.verb == VERB_OUTSIDE:
        leg.outside = command.first
    if command.verb == VERB_CLOSE:
        close_leg(loop, leg)
    elif command.verb == VERB_MOVE:
        watch_not(loop, leg)
        leg_move(leg, command)
        watch(loop, leg)
    elif command.verb == VERB_RECEIVE:
        leg_configure_receive(leg, command, now_ns)
    elif command.verb == VERB_SEND:
        leg_configure_send(leg, command)
        if leg.party != NULL:
            settle_all(loop, now_ns)  # its packet time is the others' affair as well
        else:
            settle(loop, leg, now_ns)
        leg.receiving_since_ns = now_ns
    elif command.verb == VERB_RTCP:
        leg_configure_rtcp(leg, command, now_ns)
    elif command.verb == VERB_DIRECTION:
        leg_set_direction(leg, command.first, command.second, now_ns)
    elif command.verb == VERB_MUTE:
        leg.muted = command.first
        leg.held = command.second
    elif command.verb == VERB_DTMF:
        leg_queue_digits(leg, command)
    elif command.verb == VERB_LEAVE:
        leave_conference(loop, leg)
        settle_all(loop, now_ns)
    elif command.verb == VERB_VOICE:
        leg.tells_voice = command.first
    elif command.verb == VERB_KEYS:
        leg_press_keys(leg, command)
    elif command.verb == VERB_EARS:
        leg_listen_for_keys(leg, command)
    elif command.verb == VERB_STOP_RECORD:
        end_recording(loop, leg, command.third)
    give_back(loop, command)


cdef void carry_out_all(loop_t *loop) noexcept nogil:
    cdef int64_t now_ns = platform_monotonic_ns()
    cdef command_t *command = <command_t *>queue_pop(&loop.commands)
    while command != NULL:
        carry_out(loop, command, now_ns)
        command = <command_t *>queue_pop(&loop.commands)


cdef void read_rtcp(loop_t *loop, int64_t now_ns) noexcept nogil:
    cdef void *told[PLATFORM_TOLD_MAX]
    cdef int index
    if now_ns < loop.next_rtcp_ns:
        return
    loop.next_rtcp_ns = now_ns + RTCP_NS
    for index in range(platform_watch_told(&loop.watch, told)):
        leg_receive_rtcp(<leg_t *>told[index], &loop.inbox, loop.offset_ns, now_ns)


cdef void finish_turn(
    loop_t *loop, leg_t *leg, bint half, int64_t deadline_ns, int64_t now_ns
) noexcept nogil:
    """After the leg was heard: what it sends, reports and tells."""
    if leg.next != NULL and leg.next.unpublished >= PUBLISH_TURNS - 1:
        leg_fetch_figures(leg.next)
    if leg.tenths:
        leg_send(leg, leg.frame // 2, &loop.events, &loop.lateness, &loop.writer, deadline_ns)
    elif not half:
        leg_send(leg, leg.frame, &loop.events, &loop.lateness, &loop.writer, deadline_ns)
    if not half:
        if leg.reports.next_ns <= now_ns:
            leg_report(leg, deadline_ns, platform_monotonic_ns())
        leg_watch(leg, &loop.events, now_ns)
    leg.unpublished += 1
    if leg.unpublished >= PUBLISH_TURNS:
        leg_publish(leg)


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
    guard_fetch_sessions(leg)
    if second == NULL:
        return
    leg_fetch_stream(second)
    guard_fetch_contexts(second)
    third = second.next
    if third == NULL:
        return
    guard_fetch_leases(third)
    if third.next != NULL:
        leg_fetch(third.next)


cdef void hear(
    loop_t *loop, leg_t *leg, bint half, int64_t deadline_ns, int64_t now_ns
) noexcept nogil:
    fetch_ahead(leg)
    if not has_turn(leg, half):
        return
    leg_fetch_rest(leg)
    leg_receive(leg, &loop.inbox, &loop.events, loop.offset_ns, now_ns)
    leg_play(leg, turn_samples(leg), &loop.events, &loop.writer, deadline_ns)


cdef void confer(loop_t *loop, leg_t *leg, bint half, int64_t deadline_ns) noexcept nogil:
    """For the legs of a slot that are in conferences, when all of their parties were heard."""
    cdef int count
    while leg != NULL:
        if leg.party != NULL and has_turn(leg, half):
            count = turn_samples(leg)
            conference_sum(leg.party.party.conference, deadline_ns)
            leg_play_all(leg, count, &loop.writer, deadline_ns)
            leg_speak(leg, count, &loop.events, deadline_ns)
        leg = leg.next


cdef void serve(
    loop_t *loop, leg_t *first, bint half, int64_t deadline_ns, int64_t now_ns
) noexcept nogil:
    """All legs of a slot: heard one after the other, then sent from, so that what the kernel
    and we do for one of the two is still in the cache for the next leg."""
    cdef leg_t *leg = first
    cdef bint parties = False
    while leg != NULL:
        hear(loop, leg, half, deadline_ns, now_ns)
        parties = parties or leg.party != NULL
        leg = leg.next
    if parties:
        confer(loop, first, half, deadline_ns)
    leg = first
    while leg != NULL:
        if has_turn(leg, half):
            finish_turn(loop, leg, half, deadline_ns, now_ns)
        leg = leg.next


cdef void take_turn(loop_t *loop, int index) noexcept nogil:
    cdef slot_t *slot = &loop.slots[index]
    cdef int64_t began_ns = platform_monotonic_ns()
    cdef int64_t ended_ns
    cdef int skipped = slot_skip(slot, began_ns)
    cdef leg_t *leg = loop.first[index] if skipped else NULL
    loop.offset_ns = platform_realtime_offset_ns()
    while leg != NULL:
        leg_skip(leg, skipped, &loop.lateness, &loop.writer)
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
        close_leg(loop, loop.legs[loop.leg_count - 1])


cdef void run(void *argument) noexcept nogil:
    cdef loop_t *loop = <loop_t *>argument
    cdef int index
    platform_store_release(&loop.scheduling, <uint32_t>platform_ask_scheduling())
    platform_semaphore_post(&loop.started)
    while not platform_load_acquire(&loop.stop):
        carry_out_all(loop)
        collect(loop)
        index = slots_next(loop.slots)
        if index < 0:
            wait_for_work(loop)
            continue
        platform_sleep_until(&loop.timer, loop.slots[index].deadline_ns)
        carry_out_all(loop)
        # A command may have closed the slot, or opened one whose turn comes first.
        index = slots_next(loop.slots)
        if index >= 0 and loop.slots[index].deadline_ns <= platform_monotonic_ns():
            take_turn(loop, index)
            read_rtcp(loop, platform_monotonic_ns())
    carry_out_all(loop)
    shut_down(loop)
    platform_semaphore_post(&loop.ended)


cdef loop_t *loop_new(platform_socket_t wake) noexcept nogil:
    """NULL when memory or a timer can't be had. `wake` is the loop's from here on."""
    cdef loop_t *loop = <loop_t *>calloc(1, sizeof(loop_t))
    if loop == NULL:
        return NULL
    loop.events.wake = wake
    slots_init(loop.slots)
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
    collect(loop)  # the thread is gone: its last recordings are told here
    return True


cdef void loop_poke(loop_t *loop) noexcept nogil:
    """After a push: wakes the thread only if it waits for work."""
    if platform_exchange(&loop.idle, 0):
        platform_semaphore_post(&loop.work)
