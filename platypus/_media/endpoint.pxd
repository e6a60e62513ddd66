"""Sources and sinks, and the structs by which one leg is joined to them (`feed`, `outlet`).

A Source or Sink object owns its struct. Setting one up happens under the GIL; from the
moment a leg takes it until the leg gives it up, every field but the rings' and the card's
atomics belongs to the loop thread.
"""

from libc.stdint cimport int16_t, int64_t, uint32_t

from platypus._media.canceller cimport canceller_t
from platypus._media.drift cimport drift_t
from platypus._media.resample cimport resampler_t
from platypus._media.ring cimport Ring, ring_t

cdef enum:
    FRAME_MAX = 960      # samples of 20 ms at 48 kHz
    TONES_MAX = 4
    CADENCE_MAX = 8
    STAGE_MAX = 4096     # samples that wait between the resampler and the frame
    BLOCK_MAX = 960      # samples read from a source at a time


cdef enum source_kind_t:
    SOURCE_SILENCE = 0
    SOURCE_TONE = 1
    SOURCE_BUFFER = 2
    SOURCE_RING = 3
    SOURCE_ECHO = 4


cdef struct tone_t:
    double hz
    double amplitude
    double phase         # radians


cdef struct card_t:
    int period           # samples a callback; 0: no sound card
    uint32_t *stamp_us   # atomic, stored by the card's thread at each callback; may be NULL


cdef struct source_t:
    source_kind_t kind
    int rate             # 0: the leg's
    const int16_t *samples
    int64_t count
    int64_t position
    canceller_t *canceller   # of a microphone; NULL: none
    card_t card
    bint loops           # up to here one line of the cache
    feed_t *feed         # whom it drives
    ring_t *ring
    tone_t tones[TONES_MAX]
    int tone_count
    int cadence_ms[CADENCE_MAX]
    int cadence_count
    int64_t tone_at      # samples since it was taken


cdef struct sink_t:
    int rate             # 0: nowhere
    outlet_t *outlet     # whom it serves
    ring_t *ring
    card_t card


# A source as one leg hears it. Made under the GIL, then the loop thread's until given back.
cdef struct feed_t:
    source_t *source     # NULL: taken away by another leg
    resampler_t *resampler  # owned; NULL at equal rates
    bint running         # a card's ring has reached its level
    bint ended           # a buffer was played to its end
    uint32_t underruns   # samples that were not there
    int staged
    drift_t drift
    int16_t *stage       # owned; STAGE_MAX samples


# A sink as one leg plays to it.
cdef struct outlet_t:
    sink_t *sink
    resampler_t *resampler
    drift_t drift
    bint running
    uint32_t overruns


cdef class Source:
    cdef source_t source
    cdef uint32_t stamp_us   # of a card that has no callback in C
    cdef object keeps        # what the struct points into
    cdef object loop         # the Loop it was given to; under the GIL
    cdef object canceller    # whose struct the source points to


cdef class Sink:
    cdef sink_t sink
    cdef uint32_t stamp_us
    cdef object keeps
    cdef object loop


cdef class RingSource(Source):
    pass


cdef class RingSink(Sink):
    pass
