from libc.stdint cimport int16_t, uint8_t, uint16_t, uint32_t, uint64_t

from platypus._media.codec cimport codec_encoder_t
from platypus._media.silence cimport silence_t
from platypus._media.telephone_event cimport event_sender_t

cdef enum:
    SENDER_HOT = 64          # bytes at the end of sender_t: all but what DTMF and silence need

# What few packets look at comes first.
cdef struct sender_t:
    silence_t silence
    event_sender_t events
    int16_t *gathered        # STREAM_MAX_FRAME samples: whoever made the sender keeps them
    int rate                 # samples a second, of the codec
    int clock                # of the timestamps
    int frame_samples        # of one packet
    int gathered_count
    uint32_t ssrc
    uint32_t timestamp       # of the next packet
    uint16_t sequence        # of the next packet
    int16_t event_type       # -1: none was agreed
    int16_t noise_type       # of comfort noise; -1: silence is sent like everything else
    uint8_t marker           # of the next audio packet
    uint8_t payload_type
    int event_clock
    int codec
    codec_encoder_t *encoder # owned; NULL for a codec without state
    uint64_t packets
    uint64_t bytes

cdef void sender_init(sender_t *sender, int rate, int ptime_ms, uint32_t ssrc,
                      uint16_t sequence, uint32_t timestamp) noexcept nogil
cdef int sender_configure(sender_t *sender, int payload_type, int codec, int event_type,
                          int event_clock, int noise_type) noexcept nogil
# Another encoder, of the codec that is configured next; the one before comes back.
cdef codec_encoder_t *sender_swap(sender_t *sender, codec_encoder_t *encoder) noexcept nogil
cdef void sender_pace(sender_t *sender, int rate, int ptime_ms) noexcept nogil
cdef int sender_capture(sender_t *sender, const int16_t *frame, int samples, uint8_t *packet,
                        int capacity) noexcept nogil
cdef int sender_keep_alive(sender_t *sender, int payload_type, uint8_t *packet) noexcept nogil
cdef void sender_skip(sender_t *sender, int samples) noexcept nogil
cdef int sender_event(sender_t *sender, int event, int duration_ms, int volume) noexcept nogil
cdef int sender_pause(sender_t *sender, int duration_ms) noexcept nogil
