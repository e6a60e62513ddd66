"""Events of the legs, from the media thread to whoever holds the GIL."""

from libc.stdint cimport int64_t, uint32_t

from platypus._media.platform cimport platform_address_t, platform_socket_t

cdef enum:
    EVENTS_MAX = 1024  # a power of two; what does not fit is counted


cdef enum event_kind_t:
    EVENT_STARTED = 1
    EVENT_DTMF = 2
    EVENT_ADDRESS = 3
    EVENT_SSRC = 4
    EVENT_SOURCE_ENDED = 5
    EVENT_STALLED = 6
    EVENT_RESUMED = 7
    EVENT_RECORDED = 8
    EVENT_ERROR = 9
    EVENT_VOICE = 20
    EVENT_KEY = 21


# The second number of an EVENT_ERROR, whose first is an errno.
cdef enum event_error_t:
    ERROR_SENDING = 0
    ERROR_RECORDING = 1  # the file takes no more
    ERROR_CROWDED = 2    # there is no place for another recording
    ERROR_GAPS = 3       # the file takes it too slowly


cdef struct event_t:
    int leg
    event_kind_t kind
    int64_t first
    int64_t second
    platform_address_t address


cdef struct events_t:
    uint32_t pushed     # atomic; stored by the loop thread
    uint32_t popped     # atomic; stored under the GIL
    uint32_t lost       # atomic; stored by the loop thread
    uint32_t pending    # atomic: the wake socket was written and not drained yet
    platform_socket_t wake
    event_t items[EVENTS_MAX]


cdef void events_push(events_t *events, const event_t *event) noexcept nogil
# Whoever drains is to look, whatever there is to see.
cdef void events_wake(events_t *events) noexcept nogil
cdef void events_tell(events_t *events, int leg, event_kind_t kind, int64_t first,
                      int64_t second) noexcept nogil

# Under the GIL.
cdef list events_drain(events_t *events)


cdef str DIGITS  # by event code: RFC 4733, 3.2
