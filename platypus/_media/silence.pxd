from libc.stdint cimport int16_t, uint8_t

cdef enum:
    SILENCE_ORDER = 6        # reflection coefficients that are told
    SILENCE_PAYLOAD = 1 + SILENCE_ORDER
    SILENCE_SPEECH = -1

# What is sent instead of silence, and since when there is any. Zeroed: nothing is known.
cdef struct silence_t:
    float floor              # mean square of the quiet, in units of one sample squared; 0: unknown
    int frames               # seen so far, up to what it takes to know the quiet
    int since_speech         # samples
    int since_told           # samples
    int told                 # level of the description that was sent last, in -dBov
    bint telling             # that was in this silence
    double r[SILENCE_ORDER + 1]  # autocorrelation of the noise, smoothed

# SILENCE_SPEECH: the frame is to be sent. Otherwise the length of a description (RFC 3389) that
# is to be sent in its place, 0 for nothing at all. `payload` has room for SILENCE_PAYLOAD.
cdef int silence_judge(silence_t *silence, const int16_t *frame, int samples, int rate,
                       uint8_t *payload) noexcept nogil
cdef void silence_forget(silence_t *silence) noexcept nogil
