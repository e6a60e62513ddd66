from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t

from platypus._media.rtcp cimport RTCP_CNAME_MAX, rtcp_voip_t
from platypus._media.stream cimport stream_t

cdef enum:
    REPORTS_REMEMBERED = 8   # sender reports of ours that an answer may be to

cdef enum reports_verdict_t:
    REPORTS_TAKEN = 0
    REPORTS_MALFORMED = 1
    REPORTS_LOOPED = 2       # our own come back

# What the far end says, and what its answers measure. Negative: not known yet.
cdef struct reports_figures_t:
    int64_t remote_lost          # packets of ours
    double remote_fraction       # of those since the report before, 0 to 1
    uint32_t remote_blocks       # how many reports said so
    double remote_jitter_ms
    double rtt_ms
    int voip_known
    rtcp_voip_t voip             # the last

cdef struct reports_t:
    int64_t next_ns              # the only field that is looked at in every turn; or REPORTS_NEVER
    uint32_t ssrc
    int said                     # a report has gone out
    int64_t previous_ns          # when
    int64_t offset_ns            # wall clock less monotonic, as it was at the start
    uint64_t random
    double average               # octets of a compound packet, with its IP and UDP headers
    int members                  # 1 or 2
    int64_t heard_ns             # a report of the far end; 0: never, or it said BYE
    uint64_t sent[2]             # packets sent, at the last two reports
    uint64_t received[2]         # and received
    uint32_t remembered[REPORTS_REMEMBERED]
    int remember_next
    # Of the source that is reported on:
    uint32_t counted_ssrc
    int64_t expected_before
    uint64_t received_before
    # Its last sender report:
    int sender_known
    uint32_t sender_ssrc
    uint32_t sender_lsr
    int64_t sender_arrival_ns
    reports_figures_t figures
    int cname_length
    uint8_t cname[RTCP_CNAME_MAX]

cdef void reports_init(reports_t *reports, uint32_t ssrc, const uint8_t *cname, int length,
                       int64_t offset_ns) noexcept nogil
cdef void reports_start(reports_t *reports, int64_t now_ns) noexcept nogil
# `clock` is that of our timestamps.
cdef int reports_receive(reports_t *reports, int clock, const uint8_t *data, int length,
                         int64_t arrival_ns) noexcept nogil
# Whether a report is to be sent now; otherwise `next_ns` is later.
cdef int reports_due(reports_t *reports, const stream_t *stream, int64_t now_ns) noexcept nogil
# A compound packet of at most RTCP_MAX bytes. `captured_ns` is the time at which the last
# sample given to the stream was captured. `voip` may be NULL.
cdef int reports_write(reports_t *reports, const stream_t *stream, const rtcp_voip_t *voip,
                       int64_t captured_ns, int64_t now_ns, int bye, uint8_t *out) noexcept nogil

cdef dict figures_dict(const reports_figures_t *figures)
