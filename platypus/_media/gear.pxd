"""What a leg needs to run at another rate: made under the GIL, swapped in by the loop thread."""

from platypus._media.codec cimport codec_decoder_t
from platypus._media.resample cimport resampler_t

# After the swap it holds what the leg used before, and is freed with its command.
cdef struct gear_t:
    int rate
    codec_decoder_t *decoder
    resampler_t *source      # from the source's rate; NULL at equal rates or without a source
    resampler_t *sink
    resampler_t *recording
    resampler_t *second      # of the other side of a recording of both
    resampler_t *up          # the leg's part in a conference
    resampler_t *up_local
    resampler_t *down_sent
    resampler_t *down_played

# The rates of what the leg is joined to; 0: nothing, or whatever the leg has. NULL: no
# memory, or no resampler for these rates.
cdef gear_t *gear_new(int rate, bint opus, int source_rate, int sink_rate, int record_rate,
                      bint both, int conference_rate) noexcept nogil
cdef void gear_free(gear_t *gear) noexcept nogil
cdef void gear_swap(resampler_t **used, resampler_t **other) noexcept nogil
