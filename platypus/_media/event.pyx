"""What happened to the legs, from the media thread to asyncio: a ring and a socket to wake it.

One byte is written to the socket when the ring was drained since the last; a full ring loses
the newest event and counts it.
"""

import os

from libc.stdint cimport int64_t, uint32_t
from libc.string cimport memset

from platypus._media.address cimport pair_of
from platypus._media.platform cimport (
    platform_exchange, platform_load_acquire, platform_socket_wake, platform_store_release,
)

EVENTS = {
    EVENT_STARTED: "started",
    EVENT_DTMF: "dtmf",
    EVENT_ADDRESS: "address",
    EVENT_SSRC: "ssrc",
    EVENT_SOURCE_ENDED: "source-ended",
    EVENT_STALLED: "stalled",
    EVENT_RESUMED: "resumed",
    EVENT_RECORDED: "recorded",
    EVENT_ERROR: "error",
    EVENT_VOICE: "voice",
    EVENT_KEY: "key",
}
ERRORS = {
    ERROR_SENDING: "media can't be sent: {}",
    ERROR_RECORDING: "a recording ends early: {}; make room, or record to another place",
    ERROR_CROWDED: "no recording can begin: {}; end another one first",
    ERROR_GAPS: "a recording has gaps: what it is written to is too slow; record to another place",
}
DIGITS = "0123456789*#ABCD"  # by event code: RFC 4733, 3.2


cdef void events_push(events_t *events, const event_t *event) noexcept nogil:
    cdef uint32_t pushed = events.pushed
    if pushed - platform_load_acquire(&events.popped) >= EVENTS_MAX:
        platform_store_release(&events.lost, events.lost + 1)
        return
    events.items[pushed % EVENTS_MAX] = event[0]
    platform_store_release(&events.pushed, pushed + 1)
    events_wake(events)


cdef void events_wake(events_t *events) noexcept nogil:
    if platform_exchange(&events.pending, 1) == 0:
        platform_socket_wake(events.wake)


cdef void events_tell(
    events_t *events, int leg, event_kind_t kind, int64_t first, int64_t second
) noexcept nogil:
    cdef event_t event
    memset(&event, 0, sizeof(event))
    event.leg = leg
    event.kind = kind
    event.first = first
    event.second = second
    events_push(events, &event)


cdef object event_tuple(const event_t *event):
    kind = EVENTS[event.kind]
    if event.kind == EVENT_ADDRESS:
        return (event.leg, kind, *pair_of(&event.address))
    if event.kind == EVENT_DTMF or event.kind == EVENT_KEY:
        return (event.leg, kind, DIGITS[event.first & 15], event.second)
    if event.kind == EVENT_ERROR:
        return (event.leg, kind, ERRORS[event.second].format(os.strerror(event.first)))
    if event.kind == EVENT_RECORDED:
        return (event.leg, kind, event.first, event.second)
    if event.kind == EVENT_VOICE:
        return (event.leg, kind, "received" if event.first else "sent", bool(event.second))
    if event.kind in (EVENT_STARTED, EVENT_SSRC):
        return (event.leg, kind, event.first)
    return (event.leg, kind)


cdef list events_drain(events_t *events):
    """Oldest first."""
    cdef uint32_t popped = events.popped
    found = []
    # First: what is pushed from here on wakes again.
    platform_exchange(&events.pending, 0)
    while popped != platform_load_acquire(&events.pushed):
        found.append(event_tuple(&events.items[popped % EVENTS_MAX]))
        popped += 1
        platform_store_release(&events.popped, popped)
    return found
