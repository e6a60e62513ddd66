"""Opus (RFC 6716) by libopus, whose functions are called by address."""

from libc.stdint cimport int16_t, int32_t, uint8_t

cdef enum:
    OPUS_LEAST_BITRATE = 6000      # RFC 7587, 3.1.1: what speech can do with
    OPUS_MOST_BITRATE = 510000

# How the far end wants to be sent to, and what we want ourselves.
cdef struct opus_settings_t:
    int bitrate              # at the most; 0: OPUS_BITRATE
    int max_rate             # samples a second that it plays; 0: all 48,000
    bint fec
    bint dtx
    bint cbr

cdef struct opus_encoder_t:
    void *state              # libopus's; owned
    opus_settings_t settings
    int bitrate              # in use
    double loss              # of what we send, smoothed, 0 to 1
    double lost              # the same, as last reported

cdef bint opus_known() noexcept nogil
# By name, as in the struct; ValueError for others. Under the GIL.
cdef opus_settings_t opus_settings(settings) except *
cdef int opus_samples(const uint8_t *payload, int length) noexcept nogil
# Super-wideband or fullband: 12 kHz of sound or more. The payload is not empty.
cdef bint opus_is_wide(const uint8_t *payload) noexcept nogil
cdef bint opus_has_fec(const uint8_t *payload, int length) noexcept nogil

# NULL: no libopus, no memory, or a rate that Opus has not.
cdef void *opus_decoder_new(int rate) noexcept nogil
cdef void opus_decoder_reset(void *decoder, int rate) noexcept nogil
# payload NULL: conceal. Fewer than `samples` come back where the payload is broken.
cdef int opus_decode(void *decoder, const uint8_t *payload, int length, int16_t *out,
                     int samples, bint fec) noexcept nogil

cdef opus_encoder_t *opus_encoder_new(const opus_settings_t *settings) noexcept nogil
cdef void opus_encoder_free(opus_encoder_t *encoder) noexcept nogil
# The length of the payload; 0: nothing needs to be sent.
cdef int opus_encode(opus_encoder_t *encoder, const int16_t *frame, int samples, uint8_t *out,
                     int capacity) noexcept nogil
# The far end reports that so much of what we send is lost, 0 to 1.
cdef void opus_follow_loss(opus_encoder_t *encoder, double lost) noexcept nogil
