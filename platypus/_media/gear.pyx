"""Changing a leg's rate: a decoder and resamplers for the codec that is sent from now on.

A leg runs at the rate of the codec it sends (8 kHz for G.711, 16 for G.722, 48 for Opus), and
hears everything at that rate. Who swaps is the loop thread, which allocates nothing.
"""

from libc.stdlib cimport calloc, free

from platypus._media.codec cimport codec_decoder_free, codec_decoder_new
from platypus._media.edge cimport converts
from platypus._media.resample cimport resampler_free, resampler_t


cdef bint bridge_make(bridge_t *bridge, int leg_rate, int conference_rate) noexcept nogil:
    return (
        converts(&bridge.up, leg_rate, conference_rate)
        and converts(&bridge.up_local, leg_rate, conference_rate)
        and converts(&bridge.down_sent, conference_rate, leg_rate)
        and converts(&bridge.down_played, conference_rate, leg_rate)
    )


cdef void bridge_free(bridge_t *bridge) noexcept nogil:
    resampler_free(bridge.up)
    resampler_free(bridge.up_local)
    resampler_free(bridge.down_sent)
    resampler_free(bridge.down_played)


cdef gear_t *gear_new(
    int rate, bint opus, int source_rate, int sink_rate, const int *record_rates,
    const bint *both, int conference_rate
) noexcept nogil:
    cdef gear_t *gear = <gear_t *>calloc(1, sizeof(gear_t))
    cdef int place
    if gear == NULL:
        return NULL
    gear.rate = rate
    gear.decoder = codec_decoder_new(rate, opus)
    if (
        gear.decoder == NULL
        or not converts(&gear.source, source_rate, rate)
        or not converts(&gear.sink, rate, sink_rate)
        or not bridge_make(&gear.bridge, rate, conference_rate)
    ):
        gear_free(gear)
        return NULL
    for place in range(RECORDINGS_MAX):
        if not converts(&gear.recording[place], rate, record_rates[place]) or (
            both[place] and not converts(&gear.second[place], rate, record_rates[place])
        ):
            gear_free(gear)
            return NULL
    return gear


cdef void gear_free(gear_t *gear) noexcept nogil:
    cdef int place
    if gear != NULL:
        codec_decoder_free(gear.decoder)
        resampler_free(gear.source)
        resampler_free(gear.sink)
        for place in range(RECORDINGS_MAX):
            resampler_free(gear.recording[place])
            resampler_free(gear.second[place])
        bridge_free(&gear.bridge)
        free(gear)


cdef void gear_swap(resampler_t **used, resampler_t **other) noexcept nogil:
    cdef resampler_t *before = used[0]
    used[0] = other[0]
    other[0] = before
