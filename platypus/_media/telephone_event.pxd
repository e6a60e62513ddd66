from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t

cdef enum:
    EVENT_QUEUE = 64         # events and pauses that wait: more than anybody dials
    EVENT_REPORTS = 8        # received digits that nobody has asked for yet
    EVENT_PAYLOAD = 4
    EVENT_PAUSE = -1         # an item of the queue that is no event

cdef struct event_item_t:
    int event                # RFC 4733, 3.2, or EVENT_PAUSE
    int volume               # dBm0 without its sign, 0 to 63
    int64_t units            # of the events' own clock

cdef struct event_sender_t:
    int first
    int count
    int busy                 # the first item is being sent
    int marked               # its first packet has gone out
    int64_t done             # units of it that have passed, in earlier segments too
    int64_t segment_start    # `done` where the present segment began
    uint32_t timestamp       # of the present segment
    int ends                 # closing packets of the present segment sent so far
    int64_t quiet            # units since the last event ended
    event_item_t items[EVENT_QUEUE]

cdef struct event_report_t:
    int event
    int duration_ms

cdef struct event_receiver_t:
    int known                # something was received: the fields below are set
    int active               # an event is going on, not yet reported
    int event
    int clock                # units a second
    uint32_t timestamp       # of its present segment
    int64_t before           # units in its earlier segments
    int64_t duration         # in the present one, the longest heard
    int64_t updated_ns       # arrival of its newest packet
    int first
    int count
    event_report_t reports[EVENT_REPORTS]

cdef int event_queue(event_sender_t *sender, int event, int64_t units, int volume) noexcept nogil
cdef int event_sending(event_sender_t *sender, int units, int clock, int stream_clock,
                       uint32_t timestamp, uint8_t *payload, int *marker,
                       uint32_t *event_timestamp) noexcept nogil
cdef int event_receive(event_receiver_t *receiver, const uint8_t *payload, int length, int marker,
                       uint32_t timestamp, int64_t arrival_ns, int clock,
                       int stream_clock) noexcept nogil
cdef void event_new_source(event_receiver_t *receiver) noexcept nogil
cdef void event_expire(event_receiver_t *receiver, int64_t now_ns) noexcept nogil
cdef int event_report(event_receiver_t *receiver, event_report_t *report) noexcept nogil
