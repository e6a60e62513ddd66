"""Telephone events in RTP, both ways (RFC 4733, sections 2.3 to 2.5).

Sending: one packet at each packet time while an event lasts, all with the timestamp
of its beginning, the duration growing, the marker on the first, three closing packets.
An event longer than 0xFFFF goes on in a new segment (2.5.1.3). Receiving: an event is
known by its timestamp and reported once, when it ended or when its packets stopped
coming; any one of its packets is enough.

Only whole events are reported, no beginnings; tones and redundancy (RFC 2198) are not
here. Durations are in units of the events' clock, which should be the stream's (2.1). Phones
that know events at 8000 only send them beside Opus all the same: then timestamps are in the
stream's clock, and durations in their own.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t


cdef enum:
    END_PACKETS = 3          # RFC 4733, 2.5.1.4
    LONGEST_SEGMENT = 0xFFFF
    LAST_KEY = 15            # RFC 4733, 3.2: 0-9 * # A-D; flash and tones are nobody's digits
    MIN_PAUSE_MS = 40        # ITU-T Q.24: less is not told apart as two digits
    # An end whose packets were all lost: RFC 4733, 2.5.2.2 lets three intervals pass,
    # which is 150 ms for a sender that updates every 50 ms.
    EXPIRY_NS = 150000000
    # A timestamp further back than this is not an old event but a new clock.
    MEMORY_MS = 10000


cdef int event_queue(event_sender_t *sender, int event, int64_t units,
                     int volume) noexcept nogil:
    """Add an event, or a pause, to what is to be sent; -1 if there is no room."""
    cdef event_item_t *item
    if sender.count == EVENT_QUEUE or event > 255 or units < 1:
        return -1
    item = &sender.items[(sender.first + sender.count) % EVENT_QUEUE]
    item.event = event
    item.units = units
    item.volume = 63 if volume > 63 else (0 if volume < 0 else volume)
    sender.count += 1
    return 0


cdef void finish_item(event_sender_t *sender) noexcept nogil:
    sender.first = (sender.first + 1) % EVENT_QUEUE
    sender.count -= 1
    sender.busy = 0


cdef int begin_item(event_sender_t *sender, int units, int clock,
                    uint32_t timestamp) noexcept nogil:
    """Start the next event; 0 while there is none or a pause is to be kept."""
    cdef event_item_t *item = &sender.items[sender.first]
    if sender.count == 0:
        sender.quiet += units
        return 0
    if item.event == EVENT_PAUSE:
        item.units -= units
        sender.quiet += units
        if item.units <= 0:
            finish_item(sender)
        return 0
    if sender.marked and sender.quiet < <int64_t>clock * MIN_PAUSE_MS // 1000:
        sender.quiet += units
        return 0
    sender.busy = 1
    sender.marked = 0
    sender.done = sender.segment_start = 0
    sender.timestamp = timestamp
    sender.ends = 0
    return 1


cdef int event_sending(event_sender_t *sender, int units, int clock, int stream_clock,
                       uint32_t timestamp, uint8_t *payload, int *marker,
                       uint32_t *event_timestamp) noexcept nogil:
    """The event payload for the time of `units` from `timestamp` on; 0: send audio."""
    cdef event_item_t *item
    cdef int64_t duration, length
    cdef int last, closing
    if not sender.busy and not begin_item(sender, units, clock, timestamp):
        return 0
    item = &sender.items[sender.first]
    sender.done += units
    length = item.units - sender.segment_start
    last = length <= LONGEST_SEGMENT
    if not last:
        length = LONGEST_SEGMENT
    duration = sender.done - sender.segment_start
    closing = duration >= length
    if closing:
        duration = length
        sender.ends += 1
    marker[0] = not sender.marked
    sender.marked = 1
    event_timestamp[0] = sender.timestamp
    payload[0] = <uint8_t>item.event
    payload[1] = <uint8_t>((0x80 if closing and last else 0) | item.volume)
    payload[2] = <uint8_t>(duration >> 8)
    payload[3] = <uint8_t>duration
    if sender.ends == END_PACKETS:
        if last:
            finish_item(sender)
            sender.quiet = 0
        else:
            sender.segment_start += LONGEST_SEGMENT
            sender.timestamp += <uint32_t>(<int64_t>LONGEST_SEGMENT * stream_clock // clock)
            sender.ends = 0
    return EVENT_PAYLOAD


cdef void conclude(event_receiver_t *receiver) noexcept nogil:
    """Report the event that is going on. With no room the oldest report is lost."""
    cdef event_report_t *report
    if not receiver.active:
        return
    receiver.active = 0
    if receiver.event > LAST_KEY:
        return
    if receiver.count == EVENT_REPORTS:
        receiver.first = (receiver.first + 1) % EVENT_REPORTS
        receiver.count -= 1
    report = &receiver.reports[(receiver.first + receiver.count) % EVENT_REPORTS]
    report.event = receiver.event
    report.duration_ms = <int>((receiver.before + receiver.duration) * 1000 // receiver.clock)
    receiver.count += 1


cdef int is_old(const event_receiver_t *receiver, uint32_t timestamp, int clock) noexcept nogil:
    cdef int32_t distance = <int32_t>(timestamp - receiver.timestamp)
    return distance < 0 and -<int64_t>distance < <int64_t>clock * MEMORY_MS // 1000


cdef int continues(const event_receiver_t *receiver, int event, uint32_t timestamp,
                   int marker, int clock, int stream_clock) noexcept nogil:
    """A further segment of the same event: it begins where the last one had to end."""
    cdef uint32_t length = <uint32_t>(<int64_t>LONGEST_SEGMENT * stream_clock // clock)
    # One more where it was rounded up.
    return (receiver.active and not marker and event == receiver.event
            and timestamp - receiver.timestamp - length <= 1)


cdef int event_receive(event_receiver_t *receiver, const uint8_t *payload, int length, int marker,
                       uint32_t timestamp, int64_t arrival_ns, int clock,
                       int stream_clock) noexcept nogil:
    """Take in an event packet; -1 if it is too short to be one."""
    cdef int event, ended
    cdef int64_t duration
    if length < EVENT_PAYLOAD:
        return -1
    event = payload[0]
    ended = payload[1] >> 7
    duration = payload[2] << 8 | payload[3]
    if not receiver.known or timestamp != receiver.timestamp:
        if receiver.known and is_old(receiver, timestamp, clock):
            return 0
        if continues(receiver, event, timestamp, marker, clock, stream_clock):
            receiver.before += LONGEST_SEGMENT
        else:
            conclude(receiver)
            receiver.before = 0
        receiver.known = receiver.active = 1
        receiver.event = event
        receiver.clock = clock
        receiver.timestamp = timestamp
        receiver.duration = 0
    if not receiver.active:
        return 0  # a repetition of what was reported
    receiver.updated_ns = arrival_ns
    if duration > receiver.duration:
        receiver.duration = duration
    if ended:
        conclude(receiver)
    return 0


cdef void event_new_source(event_receiver_t *receiver) noexcept nogil:
    """Timestamps heard so far mean nothing any more; an event that was going on has ended."""
    conclude(receiver)
    receiver.known = 0


cdef void event_expire(event_receiver_t *receiver, int64_t now_ns) noexcept nogil:
    """End an event of which no packet has come for too long."""
    if receiver.active and now_ns - receiver.updated_ns > EXPIRY_NS:
        conclude(receiver)


cdef int event_report(event_receiver_t *receiver, event_report_t *report) noexcept nogil:
    """The next event that ended; 0 if there is none."""
    if receiver.count == 0:
        return 0
    report[0] = receiver.reports[receiver.first]
    receiver.first = (receiver.first + 1) % EVENT_REPORTS
    receiver.count -= 1
    return 1
