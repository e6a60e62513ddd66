from libc.stdint cimport int16_t, uint32_t
from libc.string cimport memcpy

cdef enum:
    CONCEAL_LONGEST = 1200           # 25 ms at 48 kHz: what is repeated where there is no pitch
    CONCEAL_HISTORY = 2160           # 45 ms at 48 kHz: the longest period, its join, a window
    CONCEAL_UNITY = 1 << 15
    CONCEAL_HISTORY_MS = 45

# Where making up has come to.
cdef struct conceal_place_t:
    int position                     # next sample of the period
    int hold                         # samples until the fade begins
    int gain                         # of the next sample, CONCEAL_UNITY is one
    int grain                        # next sample of the noise's present grain,
    int before                       # where in `sound` the one before it is taken from,
    int after                        # and the present one; negative: upside down
    uint32_t seed                    # of its random numbers

cdef struct conceal_t:
    int rate
    int filled                       # samples of `history` that are set
    int newest                       # where its next one goes: it is a ring
    int active                       # a loss is being concealed
    int hushed                       # it is to be silent soon, without noise
    int length                       # of the period, at the end of `sound`
    int longest                      # samples of `sound`
    conceal_place_t place
    int step                         # by which the gain falls, each sample
    int noise                        # four times its share in the middle of the fade
    int16_t history[CONCEAL_HISTORY] # what was put out last
    int16_t sound[CONCEAL_LONGEST]   # before the loss; its end, joined to itself, is repeated

cdef void conceal_init(conceal_t *conceal, int rate) noexcept nogil
cdef void conceal_remember_any(conceal_t *conceal, const int16_t *samples, int count) noexcept nogil
cdef int conceal_fill(conceal_t *conceal, int16_t *out, int count) noexcept nogil
cdef int conceal_bridge(conceal_t *conceal, int16_t *out, int count, const int16_t *following,
                        int available) noexcept nogil
cdef void conceal_hush(conceal_t *conceal) noexcept nogil
cdef int conceal_silent(const conceal_t *conceal) noexcept nogil
cdef void conceal_overlap(conceal_t *conceal, int16_t *samples, int count) noexcept nogil


cdef inline void conceal_remember(conceal_t *conceal, const int16_t *samples,
                                  int count) noexcept nogil:
    """Keep the newest samples that were put out."""
    cdef int kept = conceal.rate * CONCEAL_HISTORY_MS // 1000
    if conceal.filled < kept or conceal.newest + count >= kept:
        conceal_remember_any(conceal, samples, count)
        return
    memcpy(conceal.history + conceal.newest, samples, count * sizeof(int16_t))
    conceal.newest += count


cdef inline void conceal_merge(conceal_t *conceal, int16_t *samples, int count) noexcept nogil:
    """Real samples are back: fade from what is made up into the first of them."""
    if conceal.active:
        conceal_overlap(conceal, samples, count)


cdef class Concealer:
    cdef conceal_t conceal
