"""RTCP of a call between two: when a report is due, what is in it, what came back.

RFC 3550: the interval with its randomisation and reconsideration (6.2, 6.3, A.7), SR or RR
with a report block (6.4), loss and jitter of the far end, and the round-trip time. The first
report goes out at once and the least interval is the reduced one, as 6.2 allows for unicast.
Round trips are believed only in answer to a report that was sent, and clock steps do not
touch them: the wall clock is read once, and the monotonic one counts on from there.

No sockets and no encryption; whose packets come in is the leg's business.
"""

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset

from platypus._media.rtcp cimport (
    RTCP_MAX, rtcp_block_t, rtcp_compound_t, rtcp_parse, rtcp_sender_t, rtcp_write_bye,
    rtcp_write_cname, rtcp_write_report, rtcp_write_voip,
)
from platypus._media.rtp cimport rtp_source_lost, rtp_source_t
from platypus._media.stream cimport Stream
from platypus._media.voip cimport voip_describe

cdef int64_t REPORTS_NEVER = 0x7FFF_FFFF_FFFF_FFFF
cdef int64_t SECOND_NS = 1_000_000_000
cdef int64_t EPOCH_NS = 2_208_988_800 * 1_000_000_000  # from 1900, NTP's, to 1970
# RFC 3550, 6.2: 360 divided by the session's kbit/s. 80 is G.711 with its headers; what other
# codecs save is not worth being told less often.
cdef double SESSION_KBITS = 80.0
cdef double LEAST_SECONDS = 360.0 / 80.0
cdef double SHARE = 0.05          # of the session, for RTCP
cdef double SENDERS_SHARE = 0.25  # of that, while few of the members send
cdef double COMPENSATION = 1.21828  # e - 3/2: reconsideration makes intervals longer
cdef int TIMEOUT_INTERVALS = 5    # 6.3.5
cdef int HEADERS = 28             # IPv4 and UDP
cdef int FIRST_GUESS = 128        # octets of a report, before there was one
cdef int32_t SLACK = 66           # 1 ms, in 65,536ths: rounding and stamps may undercut zero
cdef double LONGEST_RTT_MS = 30000.0


cdef void reports_init(reports_t *reports, uint32_t ssrc, const uint8_t *cname, int length,
                       int64_t offset_ns) noexcept nogil:
    """Set up reports that lie in zeroed memory."""
    cdef int index
    reports.ssrc = ssrc
    reports.cname_length = min(length, <int>RTCP_CNAME_MAX)
    memcpy(reports.cname, cname, reports.cname_length)
    reports.offset_ns = offset_ns
    reports.next_ns = REPORTS_NEVER
    reports.average = FIRST_GUESS + HEADERS
    reports.members = 1
    reports.figures.remote_lost = -1
    reports.figures.remote_jitter_ms = reports.figures.rtt_ms = -1.0
    # FNV-1a of what differs between the two sides, so that they do not send in step.
    reports.random = 14695981039346656037ULL ^ ssrc
    for index in range(reports.cname_length):
        reports.random = (reports.random ^ cname[index]) * 1099511628211ULL


cdef void reports_start(reports_t *reports, int64_t now_ns) noexcept nogil:
    """The far end's address is known. Nothing happens if it was before."""
    if reports.next_ns == REPORTS_NEVER:
        reports.next_ns = now_ns


cdef double draw(reports_t *reports) noexcept nogil:
    """From 0 to 1: xorshift64*, whose state is never 0."""
    reports.random ^= reports.random >> 12
    reports.random ^= reports.random << 25
    reports.random ^= reports.random >> 27
    return <double>((reports.random * 2685821657736338717ULL) >> 11) / 9007199254740992.0


cdef double interval_s(const reports_t *reports, const stream_t *stream) noexcept nogil:
    """A.7, without the random part."""
    cdef int we_send = stream.sender.packets > reports.sent[0]
    cdef int senders = we_send + (stream.receiver.packets > reports.received[0])
    cdef double share = SESSION_KBITS * 125.0 * SHARE
    cdef int sharing = reports.members
    if senders <= reports.members * SENDERS_SHARE:
        share *= SENDERS_SHARE if we_send else 1.0 - SENDERS_SHARE
        sharing = senders if we_send else sharing - senders
    return max(LEAST_SECONDS, reports.average * sharing / share)


cdef int64_t random_interval_ns(reports_t *reports, double seconds) noexcept nogil:
    return <int64_t>(seconds * (draw(reports) + 0.5) / COMPENSATION * SECOND_NS)


cdef void count_members(reports_t *reports, const stream_t *stream, double seconds,
                        int64_t now_ns) noexcept nogil:
    """6.3.5: who was not heard for long is no member any more."""
    cdef int heard = (reports.heard_ns != 0 and now_ns - reports.heard_ns
                      < <int64_t>(TIMEOUT_INTERVALS * seconds * SECOND_NS))
    reports.members = 2 if heard or stream.receiver.packets > reports.received[0] else 1


cdef int reports_due(reports_t *reports, const stream_t *stream, int64_t now_ns) noexcept nogil:
    cdef double seconds
    cdef int64_t due_ns
    if now_ns < reports.next_ns:
        return 0
    if not reports.said:
        return 1
    # 6.3.6: timer reconsideration.
    seconds = interval_s(reports, stream)
    count_members(reports, stream, seconds, now_ns)
    due_ns = reports.previous_ns + random_interval_ns(reports, interval_s(reports, stream))
    if due_ns <= now_ns:
        return 1
    reports.next_ns = due_ns
    return 0


cdef uint64_t ntp_of(const reports_t *reports, int64_t time_ns) noexcept nogil:
    cdef int64_t wall_ns = time_ns + reports.offset_ns + EPOCH_NS
    cdef uint64_t seconds = <uint64_t>(wall_ns // SECOND_NS)
    # Wraps in 2036, as NTP does.
    return (seconds << 32) | ((<uint64_t>(wall_ns % SECOND_NS) << 32) // <uint64_t>SECOND_NS)


cdef uint32_t middle_of(uint64_t ntp) noexcept nogil:
    return <uint32_t>(ntp >> 16)


cdef void describe_sender(reports_t *reports, const stream_t *stream, int64_t captured_ns,
                          int64_t now_ns, rtcp_sender_t *sender) noexcept nogil:
    """6.4.1: the wall clock and the clock of our timestamps at one instant, and what was sent."""
    cdef int64_t since_ns = now_ns - captured_ns
    sender.ntp = ntp_of(reports, now_ns)
    since_ns += stream.sender.gathered_count * SECOND_NS // stream.sender.rate
    sender.rtp = <uint32_t>(stream.sender.timestamp + since_ns * stream.sender.clock // SECOND_NS)
    sender.packets = <uint32_t>stream.sender.packets
    sender.octets = <uint32_t>stream.sender.bytes
    reports.remembered[reports.remember_next] = middle_of(sender.ntp)
    reports.remember_next = (reports.remember_next + 1) % REPORTS_REMEMBERED


cdef uint32_t fraction_lost(reports_t *reports, const rtp_source_t *source) noexcept nogil:
    """A.3: of what was expected since the last report."""
    cdef int64_t expected = source.highest - source.base + 1
    cdef int64_t since, lost
    if reports.counted_ssrc != source.ssrc or expected < reports.expected_before:
        reports.expected_before = 0
        reports.received_before = 0
    since = expected - reports.expected_before
    lost = since - <int64_t>(source.received - reports.received_before)
    reports.counted_ssrc = source.ssrc
    reports.expected_before = expected
    reports.received_before = source.received
    if since <= 0 or lost <= 0:
        return 0
    return <uint32_t>min(<int64_t>255, lost * 256 // since)


cdef void describe_source(reports_t *reports, const stream_t *stream, int64_t now_ns,
                          rtcp_block_t *block) noexcept nogil:
    cdef const rtp_source_t *source = &stream.receiver.source
    cdef int64_t lost = rtp_source_lost(source)
    memset(block, 0, sizeof(rtcp_block_t))
    block.ssrc = source.ssrc
    block.fraction_lost = fraction_lost(reports, source)
    block.lost = <int32_t>max(<int64_t>-0x800000, min(<int64_t>0x7FFFFF, lost))
    block.highest = <uint32_t>source.highest
    if source.jitter_known:
        block.jitter = <uint32_t>(source.jitter_ns * stream.receiver.heard_clock / 1e9)
    if reports.sender_known and reports.sender_ssrc == source.ssrc:
        block.lsr = reports.sender_lsr
        block.dlsr = <uint32_t>(max(<int64_t>0, now_ns - reports.sender_arrival_ns)
                                * 65536 // SECOND_NS)


cdef void sent_one(reports_t *reports, const stream_t *stream, int length,
                   int64_t now_ns) noexcept nogil:
    """6.3.6: the clock starts anew, and the average takes the new length in."""
    reports.average += (length + HEADERS - reports.average) / 16.0
    reports.said = 1
    reports.previous_ns = now_ns
    reports.next_ns = now_ns + random_interval_ns(reports, interval_s(reports, stream))
    reports.sent[0] = reports.sent[1]
    reports.sent[1] = stream.sender.packets
    reports.received[0] = reports.received[1]
    reports.received[1] = stream.receiver.packets


cdef int reports_write(reports_t *reports, const stream_t *stream, const rtcp_voip_t *voip,
                       int64_t captured_ns, int64_t now_ns, int bye, uint8_t *out) noexcept nogil:
    cdef rtcp_sender_t sender
    cdef rtcp_block_t block
    # 6.4: a sender is who has sent since the last but one report.
    cdef bint sends = stream.sender.packets > reports.sent[0]
    cdef bint hears = (stream.receiver.source.active
                       and stream.receiver.packets > reports.received[1])
    cdef int length
    if sends:
        describe_sender(reports, stream, captured_ns, now_ns, &sender)
    if hears:
        describe_source(reports, stream, now_ns, &block)
    length = rtcp_write_report(out, reports.ssrc, &sender if sends else NULL,
                               &block if hears else NULL)
    length += rtcp_write_cname(out + length, reports.ssrc, reports.cname, reports.cname_length)
    if voip != NULL and stream.receiver.source.active:
        length += rtcp_write_voip(out + length, reports.ssrc, voip)
    if bye:
        length += rtcp_write_bye(out + length, reports.ssrc)
    sent_one(reports, stream, length, now_ns)
    return length


cdef void measure_round_trip(reports_t *reports, const rtcp_block_t *block,
                             int64_t arrival_ns) noexcept nogil:
    """6.4.1: arrival, less the time of our report, less how long the far end kept it."""
    cdef uint32_t arrived = middle_of(ntp_of(reports, arrival_ns))
    # Who says to have kept it for longer than it was out is not believed, however much longer.
    cdef int64_t taken = <int64_t><int32_t>(arrived - block.lsr) - <int64_t>block.dlsr
    cdef bint known = False
    cdef double rtt_ms
    cdef int index
    for index in range(REPORTS_REMEMBERED):
        known = known or (block.lsr != 0 and reports.remembered[index] == block.lsr)
    if not known or taken < -SLACK:
        return
    rtt_ms = max(<int64_t>0, taken) * 1000.0 / 65536.0
    if rtt_ms <= LONGEST_RTT_MS:
        reports.figures.rtt_ms = rtt_ms


cdef void take_leave(reports_t *reports, int64_t now_ns) noexcept nogil:
    """6.3.4: reverse reconsideration, from two members to one."""
    reports.heard_ns = 0
    if reports.members == 2 and reports.said:
        reports.members = 1
        reports.next_ns = now_ns + (reports.next_ns - now_ns) // 2
        reports.previous_ns = now_ns - (now_ns - reports.previous_ns) // 2


cdef int reports_receive(reports_t *reports, int clock, const uint8_t *data, int length,
                         int64_t arrival_ns) noexcept nogil:
    cdef rtcp_compound_t compound
    if rtcp_parse(data, length, reports.ssrc, &compound) < 0:
        return REPORTS_MALFORMED
    if compound.ssrc == reports.ssrc:
        return REPORTS_LOOPED
    reports.average += (length + HEADERS - reports.average) / 16.0
    reports.heard_ns = arrival_ns
    reports.members = 2
    if compound.has_sender:
        reports.sender_known = 1
        reports.sender_ssrc = compound.ssrc
        reports.sender_lsr = middle_of(compound.sender.ntp)
        reports.sender_arrival_ns = arrival_ns
    if compound.has_block:
        reports.figures.remote_lost = max(0, compound.block.lost)
        reports.figures.remote_fraction = compound.block.fraction_lost / 256.0
        reports.figures.remote_blocks += 1
        reports.figures.remote_jitter_ms = compound.block.jitter * 1000.0 / clock
        measure_round_trip(reports, &compound.block, arrival_ns)
    if compound.has_voip:
        reports.figures.voip = compound.voip
        reports.figures.voip_known = 1
    if compound.bye:
        take_leave(reports, arrival_ns)
    return REPORTS_TAKEN


VERDICTS = {REPORTS_TAKEN: "taken", REPORTS_MALFORMED: "malformed", REPORTS_LOOPED: "looped"}


cdef class Reports:
    """The reports of a `Stream`, driven from Python. Times in ns of one clock."""

    cdef reports_t reports
    cdef Stream stream

    def __init__(self, Stream stream not None, cname, *, int64_t offset_ns=0):
        if not 0 < len(cname) <= RTCP_CNAME_MAX:
            raise ValueError(f"a CNAME has 1 to {RTCP_CNAME_MAX} bytes")
        memset(&self.reports, 0, sizeof(reports_t))
        self.stream = stream
        reports_init(&self.reports, stream.stream.sender.ssrc, cname, <int>len(cname), offset_ns)

    def start(self, int64_t now_ns) -> None:
        """The far end can be reached from now on."""
        reports_start(&self.reports, now_ns)

    @property
    def next_ns(self) -> int | None:
        """When to ask `due` again; None before `start`."""
        return None if self.reports.next_ns == REPORTS_NEVER else self.reports.next_ns

    def due(self, int64_t now_ns) -> bool:
        return bool(reports_due(&self.reports, self.stream.stream, now_ns))

    def write(self, int64_t now_ns, *, captured_ns=None, voip=False, bye=False) -> bytes:
        """The report that is due, whatever the time; the last one with BYE."""
        cdef uint8_t[RTCP_MAX] out
        cdef rtcp_voip_t metrics
        cdef int length
        if voip:
            voip_describe(&metrics, self.stream.stream, &self.reports.figures)
        length = reports_write(&self.reports, self.stream.stream, &metrics if voip else NULL,
                               now_ns if captured_ns is None else captured_ns, now_ns,
                               bool(bye), out)
        return out[:length]

    def receive(self, data, int64_t arrival_ns) -> str:
        """Take in a datagram; what became of it, in a word."""
        cdef Py_buffer view
        cdef int verdict
        PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
        try:
            verdict = reports_receive(&self.reports, self.stream.stream.sender.clock,
                                      <const uint8_t *>view.buf,
                                      <int>min(view.len, <Py_ssize_t>65536), arrival_ns)
        finally:
            PyBuffer_Release(&view)
        return VERDICTS[verdict]

    def figures(self) -> dict:
        return figures_dict(&self.reports.figures)


cdef dict figures_dict(const reports_figures_t *figures):
    """What is known; None for what is not."""
    return {
        "lost": figures.remote_lost if figures.remote_lost >= 0 else None,
        "jitter_ms": figures.remote_jitter_ms if figures.remote_jitter_ms >= 0 else None,
        "rtt_ms": figures.rtt_ms if figures.rtt_ms >= 0 else None,
        "voip": dict(figures.voip) if figures.voip_known else None,
    }
