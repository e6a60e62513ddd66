from libc.stdint cimport int16_t, int64_t, uint8_t, uint64_t

from platypus._media.codec cimport CODEC_MOST_SAMPLES
from platypus._media.delay cimport delay_t
from platypus._media.timescale cimport conceal_t

cdef enum:
    JITTER_PACKETS = 64
    JITTER_PAYLOAD = 1440    # 120 ms of any codec, and all that an MTU has room for
    JITTER_SAMPLES = CODEC_MOST_SAMPLES
    JITTER_PCM = 8192        # decoded samples: the longest frame, packet and stretch at 48 kHz

cdef enum jitter_inserted_t:
    JITTER_TAKEN = 0
    JITTER_LATE = 1
    JITTER_TOO_LONG = 2

# Decodes one payload to at most `capacity` samples and returns how many there are.
ctypedef int (*jitter_decode_t)(void *decoder, int codec, const uint8_t *payload, int length,
                                int16_t *out, int capacity) noexcept nogil

cdef struct jitter_packet_t:
    int64_t position         # in order of sending, across resets of sequence numbers
    int64_t timestamp        # in samples, unwrapped and across jumps
    int64_t arrival          # in samples of our own clock
    int codec
    int samples              # 0: no audio, but its place in the order
    int length
    uint8_t payload[JITTER_PAYLOAD]

cdef struct jitter_counters_t:
    uint64_t late            # packets whose place was played before they could be
    uint64_t discarded       # packets given up, for delay or for want of room
    uint64_t requested       # samples
    uint64_t decoded         # = played + removed + dropped + what waits in `pcm`
    uint64_t concealed
    uint64_t silent
    uint64_t inserted
    uint64_t removed
    uint64_t dropped

cdef struct jitter_t:
    int rate
    jitter_decode_t decode
    void *decoder
    delay_t delay
    conceal_t conceal
    jitter_counters_t counters
    # Packets: an index sorted by position, and a stack of what is free.
    int count
    uint8_t order[JITTER_PACKETS]
    int spare
    uint8_t free[JITTER_PACKETS]
    # Playout.
    int slot                 # samples asked for each time
    int clock_known
    int64_t clock            # our time, in samples, of the next playout
    int playing
    int quiet                # the sender said, or showed, that nothing is missing
    int64_t dry              # samples made up since the last decoded one
    int64_t end              # timestamp behind the last sample of `pcm`
    int64_t heard            # timestamp behind the last decoded sample
    int64_t newest           # timestamp behind the newest packet that came
    int order_known
    int64_t passed           # position of the last packet that was taken out or given up
    int64_t grid             # timestamp of some packet, and
    int grid_samples         # how many samples each has: where packets begin
    int64_t surplus_for      # samples for which the delay has been longer than needed
    int64_t shortage_for
    double wait              # arrival to playout in samples, smoothed; negative: not known
    int pcm_count
    # Last: nothing here is touched before it is needed, so that a quiet call has no memory for it.
    int16_t pcm[JITTER_PCM]
    jitter_packet_t packets[JITTER_PACKETS]

cdef void jitter_init(jitter_t *jitter, int rate, jitter_decode_t decode,
                      void *decoder) noexcept nogil
cdef int jitter_insert(jitter_t *jitter, int64_t position, int64_t timestamp, int64_t arrival,
                       int codec, int samples, const uint8_t *payload,
                       int length) noexcept nogil
cdef int64_t jitter_glue(const jitter_t *jitter, int64_t arrival, int samples) noexcept nogil
cdef int jitter_dry(const jitter_t *jitter, int count) noexcept nogil
# The flags are those of stream_playout_t.
cdef int jitter_playout(jitter_t *jitter, int16_t *out, int count, int64_t now) noexcept nogil
