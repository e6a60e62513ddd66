"""What a leg needs to run at another rate: made under the GIL, swapped in by the loop thread."""

from platypus._media.codec cimport codec_decoder_t
from platypus._media.resample cimport resampler_t

cdef enum:
    RECORDINGS_MAX = 2       # of one leg at a time, each in a place of its own

# Between a leg's rate and its conference's; all NULL at equal rates.
cdef struct bridge_t:
    resampler_t *up          # what the leg plays, to the conference's rate
    resampler_t *up_local    # its own source, likewise
    resampler_t *down_sent   # what it sends, back to the leg's
    resampler_t *down_played # what is heard here, back to the leg's

# After the swap it holds what the leg used before, and is freed with its command.
cdef struct gear_t:
    int rate
    codec_decoder_t *decoder
    resampler_t *source      # from the source's rate; NULL at equal rates or without a source
    resampler_t *sink
    resampler_t *recording[RECORDINGS_MAX]
    resampler_t *second[RECORDINGS_MAX]  # of the other side of a recording of both
    bridge_t bridge          # to the leg's conference

# The rates of what the leg is joined to; 0: nothing, or whatever the leg has. NULL: no
# memory, or no resampler for these rates.
cdef gear_t *gear_new(int rate, bint opus, int source_rate, int sink_rate,
                      const int *record_rates, const bint *both,
                      int conference_rate) noexcept nogil
# False when memory or a resampler can't be had; `bridge_free` is for both cases.
cdef bint bridge_make(bridge_t *bridge, int leg_rate, int conference_rate) noexcept nogil
cdef void bridge_free(bridge_t *bridge) noexcept nogil
cdef void gear_free(gear_t *gear) noexcept nogil
cdef void gear_swap(resampler_t **used, resampler_t **other) noexcept nogil
