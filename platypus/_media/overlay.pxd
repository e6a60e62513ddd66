"""What a card's callback does to its samples: a gain, a tune on top, and how loud it was."""

from libc.stdint cimport int16_t, int32_t, int64_t, uint32_t

cdef enum:
    TUNES = 4              # that wait to be taken up, and the one that plays
    UNITY = 65536          # a gain of one
    GAIN_MAX = 8 * UNITY   # 18 dB


# Samples over everything else. Its place is written under the GIL before `wanted` names it.
cdef struct tune_t:
    const int16_t *samples   # kept by the Python object until a later tune was taken up
    int64_t count            # 0: silence
    bint loops


cdef struct overlay_t:
    tune_t tunes[TUNES]      # by serial number, modulo TUNES
    uint32_t wanted          # atomic: the serial of what is to be played
    uint32_t taken           # atomic; stored by the card: what it plays
    uint32_t ended           # atomic; stored by the card: the last that came to its end
    uint32_t gain            # atomic: UNITY is as it is
    uint32_t level           # atomic; stored by the card: peak of the last 100 ms, 0 to 32768
    # The rest is the card's own.
    tune_t playing
    int64_t position
    int32_t last_gain
    int window, peak, frames


cdef void overlay_reset(overlay_t *overlay, int rate) noexcept nogil
cdef void overlay_shape(overlay_t *overlay, int16_t *samples, int count) noexcept nogil


cdef class Overlay:
    cdef overlay_t overlay
    cdef dict kept           # samples by serial, until the card has taken up a later tune

    cdef int let_go(self) except -1
