from libc.stdint cimport int16_t, int64_t, uint8_t, uint64_t

from platypus._media.backlog cimport (
    BACKLOG_PAYLOAD, backlog_head, backlog_keep, backlog_t, jitter_packet_t, shelf_t,
)
from platypus._media.codec cimport CODEC_MOST_SAMPLES, codec_decoder_t
from platypus._media.conceal cimport conceal_t
from platypus._media.delay cimport delay_t
from platypus._media.losses cimport losses_t
from platypus._media.slots cimport slots_t

cdef enum:
    JITTER_PAYLOAD = BACKLOG_PAYLOAD
    JITTER_SAMPLES = CODEC_MOST_SAMPLES
    JITTER_PCM = 8192        # decoded samples: the longest frame, packet and stretch at 48 kHz
    JITTER_MEMORY = 256      # packets, of what was missing
    JITTER_IDLE_MS = 230     # concealment has faded out by then

cdef enum jitter_inserted_t:
    JITTER_TAKEN = 0
    JITTER_LATE = 1
    JITTER_TOO_LONG = 2

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

# What a slot looks at comes first, down to the first bins of `delay`.
cdef struct jitter_t:
    int rate
    int codec                # decoded last
    codec_decoder_t *decoder # the receiver's
    losses_t *losses         # its, told of what is given up unplayed
    int16_t *pcm             # decoded samples; only while a slot is played
    int pcm_count
    uint8_t clock_known      # of the slots
    uint8_t playing
    uint8_t quiet            # the sender said, or showed, that nothing is missing
    uint8_t order_known
    uint8_t judged           # `target` was chosen
    uint8_t hasty            # a surplus of our own making is to go soon
    uint8_t measured         # `energy` and `peak` are those of what was played last
    int peak
    int64_t energy
    slots_t slots
    float gain               # how much better `target` is than the present delay, in R
    float missing            # share of packets that never came, smoothed
    float in_runs            # and of those behind which another one is missing
    float power              # of speech: the mean square of loud slots, slowly falling
    jitter_counters_t counters
    int64_t dry              # samples made up since the last decoded one
    int64_t end              # timestamp behind the last sample of `pcm`
    int64_t heard            # timestamp behind the last decoded sample
    int64_t newest           # timestamp behind the newest packet that came
    int64_t passed           # position of the last packet that was taken out or given up
    int64_t target           # the delay that is best
    int64_t paused           # samples for which there has been a pause
    int64_t surplus_for      # samples for which the delay has been longer than needed
    int64_t shortage_for
    double wait              # arrival to playout in samples, smoothed; negative: not known
    backlog_t backlog        # packets that wait, in order
    delay_t delay
    conceal_t conceal
    # Last: nothing here is touched before it is needed, so that a quiet call has no memory for it.
    int16_t kept[JITTER_PCM] # of `pcm` between slots
    shelf_t shelf            # of `backlog`


cdef inline int jitter_samples(const jitter_t *jitter, int ms) noexcept nogil:
    return jitter.rate * ms // 1000


cdef inline jitter_packet_t *jitter_head(jitter_t *jitter) noexcept nogil:
    """The first packet that waits, or NULL."""
    return backlog_head(&jitter.backlog)


cdef inline void jitter_keep(jitter_t *jitter) noexcept nogil:
    """The memory in which the newest packet came is about to be used anew."""
    backlog_keep(&jitter.backlog)


cdef void jitter_init(jitter_t *jitter, codec_decoder_t *decoder,
                      losses_t *losses) noexcept nogil
# The payload is to stay where it is until `jitter_keep`.
cdef int jitter_insert(jitter_t *jitter, int64_t position, int64_t timestamp, int64_t arrival,
                       int codec, int samples, const uint8_t *payload,
                       int length) noexcept nogil
cdef int64_t jitter_glue(jitter_t *jitter, int64_t arrival, int samples) noexcept nogil
cdef int jitter_dry(const jitter_t *jitter, int count) noexcept nogil
# The flags are those of stream_playout_t.
cdef int jitter_playout(jitter_t *jitter, int16_t *out, int count, int64_t now) noexcept nogil
