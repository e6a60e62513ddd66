"""The media thread's commands: who is served in which slot, with what, and with whom.

They are carried out between turns; nothing of this is done in one. What a command brought goes
back to Python when the thread no longer uses it, and so does what it replaced.
"""

from libc.errno cimport EBUSY
from libc.stdint cimport int64_t

from platypus._media.conference cimport conference_join, conference_leave
from platypus._media.event cimport ERROR_CROWDED, EVENT_ERROR, EVENT_RECORDED, events_tell
from platypus._media.feed cimport feed_attach, feed_detach
from platypus._media.guard cimport GIVEN_UP_MAX, guard_change, guard_release
from platypus._media.leg cimport (
    VERB_CLOSE, VERB_DELIVER, VERB_DIRECTION, VERB_DTMF, VERB_EARS, VERB_JOIN, VERB_KEYS,
    VERB_LEAVE, VERB_MOVE, VERB_MUTE, VERB_OPEN, VERB_OUTSIDE, VERB_PROTECT, VERB_RECEIVE,
    VERB_RECORD, VERB_RTCP, VERB_SEND, VERB_SINK, VERB_SOURCE, VERB_STOP_RECORD, VERB_TRANSMIT,
    VERB_UNPROTECT, VERB_VOICE, command_t, leg_deliver, leg_put_down, leg_t, leg_take_up,
)
from platypus._media.leg_change cimport (
    leg_close_sockets, leg_configure_receive, leg_configure_send, leg_move, leg_queue_digits,
    leg_set_direction,
)
from platypus._media.leg_keys cimport leg_listen_for_keys, leg_press_keys
from platypus._media.leg_post cimport leg_transmit
from platypus._media.leg_record cimport leg_recording_at, leg_tell_failure
from platypus._media.leg_rtcp cimport leg_configure_rtcp, leg_say_bye
from platypus._media.outlet cimport outlet_attach, outlet_detach
from platypus._media.platform cimport (
    PLATFORM_NO_SOCKET, platform_load_acquire, platform_monotonic_ns,
    platform_watch_add, platform_watch_remove,
)
from platypus._media.queue cimport queue_push
from platypus._media.recorder cimport (
    RECORDERS_MAX, recorder_done, recorder_finish, recorder_t, writer_take, writer_wake,
)
from platypus._media.seat cimport seat_leave, seat_settle, seat_settle_all, seat_take
from platypus._media.thread cimport loop_t


cdef void give_back(loop_t *loop, command_t *lease) noexcept nogil:
    # Never full: Python lets no more commands out than it holds.
    if lease != NULL:
        queue_push(&loop.returns, lease)


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
    seat_take(loop, leg, now_ns)
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
        events_tell(&loop.events, leg.id, EVENT_ERROR, EBUSY, ERROR_CROWDED)
        give_back(loop, command)
        return
    link[0] = command


cdef void thread_collect(loop_t *loop) noexcept nogil:
    """Give back the recordings whose files are complete."""
    cdef int index = loop.finishing_count - 1
    cdef command_t *command
    cdef recorder_t *recorder
    while index >= 0:
        command = loop.finishing[index]
        recorder = command.recorder
        if recorder_done(recorder):
            leg_tell_failure(&loop.events, command.second, command)
            events_tell(&loop.events, command.second, EVENT_RECORDED, recorder.written,
                        platform_load_acquire(&recorder.ring.overruns))
            loop.finishing_count -= 1
            loop.finishing[index] = loop.finishing[loop.finishing_count]
            give_back(loop, command)
        index -= 1


cdef void thread_close_leg(loop_t *loop, leg_t *leg) noexcept nogil:
    cdef int index = 0
    leg_take_up(leg)
    leg_say_bye(leg, platform_monotonic_ns())
    leg_put_down(leg)
    watch_not(loop, leg)
    leg_close_sockets(leg)
    seat_leave(loop, leg)
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


cdef bint keeps_command(int verb) noexcept nogil:
    """Whether the leg holds on to the command; it goes back when something takes its place."""
    return (
        verb == VERB_OPEN
        or verb == VERB_SOURCE
        or verb == VERB_SINK
        or verb == VERB_JOIN
        or verb == VERB_RECORD
        or verb == VERB_PROTECT
        or verb == VERB_UNPROTECT
    )


cdef void change(loop_t *loop, leg_t *leg, command_t *command, int64_t now_ns) noexcept nogil:
    cdef int verb = command.verb
    if verb == VERB_OPEN:
        open_leg(loop, command, now_ns)
    elif verb == VERB_MOVE:
        watch_not(loop, leg)
        leg_move(leg, command)
        watch(loop, leg)
    elif verb == VERB_RECEIVE:
        leg_configure_receive(leg, command, now_ns)
    elif verb == VERB_SEND:
        leg_configure_send(leg, command)
        if leg.party != NULL:
            seat_settle_all(loop, now_ns)  # its packet time is the others' affair as well
        else:
            seat_settle(loop, leg, now_ns)
        leg.receiving_since_ns = now_ns
    elif verb == VERB_RTCP:
        leg_configure_rtcp(leg, command, now_ns)
    elif verb == VERB_DIRECTION:
        leg_set_direction(leg, command.first, command.second, now_ns)
    elif verb == VERB_SOURCE:
        set_source(loop, leg, command)
        seat_settle_all(loop, now_ns)
    elif verb == VERB_SINK:
        set_sink(loop, leg, command)
        seat_settle_all(loop, now_ns)
    elif verb == VERB_MUTE:
        leg.muted = command.first
        leg.held = command.second
    elif verb == VERB_DTMF:
        leg_queue_digits(leg, command)
    elif verb == VERB_JOIN:
        join_conference(loop, leg, command)
        seat_settle_all(loop, now_ns)
    elif verb == VERB_LEAVE:
        leave_conference(loop, leg)
        seat_settle_all(loop, now_ns)
    elif verb == VERB_VOICE:
        leg.tells_voice = command.first
    elif verb == VERB_KEYS:
        leg_press_keys(leg, command)
    elif verb == VERB_EARS:
        leg_listen_for_keys(leg, command)
    elif verb == VERB_RECORD:
        start_recording(loop, leg, command)
    elif verb == VERB_STOP_RECORD:
        end_recording(loop, leg, command.third)
    elif verb == VERB_PROTECT or verb == VERB_UNPROTECT:
        change_guard(loop, leg, command)
    elif verb == VERB_TRANSMIT:
        leg_transmit(leg, command)
    elif verb == VERB_DELIVER:
        leg_deliver(leg, command, &loop.inbox, &loop.events)
    elif verb == VERB_OUTSIDE:
        leg.outside = command.first


cdef void thread_obey(loop_t *loop, command_t *command, int64_t now_ns) noexcept nogil:
    cdef leg_t *leg = command.leg
    cdef int verb = command.verb
    if verb == VERB_CLOSE:
        thread_close_leg(loop, leg)  # and it may be gone
    else:
        leg_take_up(leg)
        change(loop, leg, command, now_ns)
        leg_put_down(leg)
    if not keeps_command(verb):
        give_back(loop, command)
