"""The media thread's memory.

A loop_t is made under the GIL and freed under it after the thread was joined; a thread that
does not end in time keeps it for ever. Between start and join its fields belong to the thread,
but for the queues and those marked atomic.
"""

from libc.stdint cimport int64_t, uint32_t

from platypus._media.event cimport events_t
from platypus._media.lateness cimport lateness_t
from platypus._media.leg cimport command_t, leg_t
from platypus._media.platform cimport (
    platform_datagram_t, platform_semaphore_t, platform_socket_t, platform_thread_t,
    platform_timer_t, platform_watch_t,
)
from platypus._media.post cimport posts_t
from platypus._media.queue cimport queue_t
from platypus._media.recorder cimport RECORDERS_MAX, writer_t
from platypus._media.schedule cimport SLOTS, slot_t

cdef enum:
    LEGS_MAX = 4096  # a loop, more than one core has time for; a farm runs several engines


cdef struct loop_t:
    # Each turn looks at these, down to the heads of the queue. They lie on two pages: where a page
    # lies has been forgotten by the time that the thread wakes, as all else.
    uint32_t stop                # atomic
    uint32_t scheduling          # atomic
    uint32_t idle                # atomic: it waits at `work`
    uint32_t turns               # atomic; stored by the thread
    uint32_t overrun             # of these, those that ended after the slot's next deadline
    int slots_used               # so many of the first
    int leg_count
    int finishing_count
    int64_t next_rtcp_ns
    int64_t offset_ns            # CLOCK_REALTIME - CLOCK_MONOTONIC
    leg_t *first[SLOTS]          # the legs of each slot
    slot_t slots[SLOTS]
    lateness_t lateness          # atomic
    platform_timer_t timer
    platform_datagram_t inbox
    platform_watch_t watch       # the RTCP sockets, each with its leg
    queue_t commands             # Python -> thread

    queue_t returns              # thread -> Python: leases given up
    posts_t posts                # thread -> Python
    events_t events              # thread -> Python
    writer_t writer
    leg_t *legs[LEGS_MAX]
    command_t *finishing[2 * RECORDERS_MAX]  # recordings whose files are being finished
    void *mark                   # the thread's: where malloc's memory for it lies
    platform_thread_t thread
    platform_semaphore_t work    # posted under the GIL
    platform_semaphore_t started # posted by the thread, once
    platform_semaphore_t ended   # posted by the thread, last


cdef loop_t *loop_new(platform_socket_t wake) noexcept nogil
cdef void loop_free(loop_t *loop) noexcept nogil
cdef int loop_start(loop_t *loop) noexcept nogil
cdef bint loop_stop(loop_t *loop, int64_t timeout_ns) noexcept nogil
cdef void loop_poke(loop_t *loop) noexcept nogil
