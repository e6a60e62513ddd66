"""What comes into the samples that the jitter buffer plays: decoded, made up, or both.

    packet there -> decode ---------------------------\
    some missing, the next there -> bridge, then decode -> `pcm`, counted, remembered
    nothing there -> conceal, or fade to silence -----/

When which of them is due is the buffer's decision.
"""

from libc.stdint cimport int16_t, int64_t
from libc.string cimport memmove, memset

from platypus._media.backlog cimport backlog_pop
from platypus._media.codec cimport (
    codec_blurred, codec_conceal, codec_decode, codec_decode_fec, codec_make_comfort, codec_resume,
    codec_told,
)
from platypus._media.conceal cimport (
    conceal_bridge, conceal_fill, conceal_hush, conceal_merge, conceal_remember,
)
from platypus._media.jitter cimport (
    JITTER_IDLE_MS, JITTER_MEMORY, JITTER_PCM, jitter_head, jitter_packet_t, jitter_samples,
    jitter_t,
)


cdef enum:
    COMFORT_BLOCK = 480      # samples made at a time
    MANY = 50                # packets missing: more are no different


cdef void supply_pop(jitter_t *jitter) noexcept nogil:
    """Take the first packet out; its position has been passed."""
    jitter.passed = jitter_head(jitter).position
    jitter.order_known = 1
    backlog_pop(&jitter.backlog)


cdef void put_missing(jitter_t *jitter, int count, int heard, int64_t passed) noexcept nogil:
    """`count` samples that were made up are at the end of `pcm`, for `passed` of the sender's."""
    jitter.counters.concealed += heard
    jitter.counters.silent += count - heard
    conceal_remember(&jitter.conceal, jitter.pcm + jitter.pcm_count, count)
    jitter.pcm_count += count
    jitter.end += passed
    jitter.dry += count


cdef void rounded_off(jitter_t *jitter, int16_t *out, int count) noexcept nogil:
    """The sender stopped on purpose: a short fade, into its comfort noise if it described any."""
    cdef int16_t faded[COMFORT_BLOCK]
    cdef int i, part, at = 0
    conceal_hush(&jitter.conceal)
    while at < count:
        part = min(count - at, <int>COMFORT_BLOCK)
        conceal_fill(&jitter.conceal, faded, part)
        if codec_make_comfort(jitter.decoder, out + at, part) == 0:
            memset(out + at, 0, part * sizeof(int16_t))
        for i in range(part):
            out[at + i] = <int16_t>max(-32768, min(32767, out[at + i] + faded[i]))
        at += part


cdef void supply_missing(jitter_t *jitter, int count, int lost) noexcept nogil:
    """Put in `count` samples for what is not there, not knowing what follows."""
    cdef int16_t *out = jitter.pcm + jitter.pcm_count
    cdef int heard
    if lost:
        heard = 0
        if jitter.dry < jitter_samples(jitter, JITTER_IDLE_MS):
            heard = codec_conceal(jitter.decoder, jitter.codec, out, count)
        if heard == 0:
            heard = conceal_fill(&jitter.conceal, out, count)
    else:
        heard = 0  # the end of what was sent, rounded off, and what was said to follow
        rounded_off(jitter, out, count)
    put_missing(jitter, count, heard, count)


cdef void supply_bridge(jitter_t *jitter, int count) noexcept nogil:
    """Put in the `count` samples that are missing before the first packet."""
    cdef jitter_packet_t *packet = jitter_head(jitter)
    cdef int16_t *out = jitter.pcm + jitter.pcm_count
    cdef int told = codec_told(jitter.decoder, packet.codec, packet.payload, packet.length, count)
    cdef int untold = count - told
    cdef int heard, samples, blurred
    # What the codec makes up itself only takes its state along: it does not know what follows.
    codec_conceal(jitter.decoder, jitter.codec, out, untold)
    if told > 0 and codec_decode_fec(jitter.decoder, packet.codec, packet.payload, packet.length,
                                     out + untold, told) == told:
        heard = conceal_bridge(&jitter.conceal, out, untold, out + untold, told) if untold else 0
        jitter.conceal.active = 0
        put_missing(jitter, count, heard + told, count)
        supply_decoded(jitter, 0)
        return
    # The packet is decoded behind the gap, which is then filled towards it.
    samples = decode_head(jitter, out + count, JITTER_PCM - jitter.pcm_count - count)
    blurred = min(samples, codec_blurred(jitter.decoder, jitter.codec))
    heard = conceal_bridge(&jitter.conceal, out, count + blurred, out + count + blurred,
                           samples - blurred)
    put_missing(jitter, count, min(heard, count), count)
    append_there(jitter, samples, 0)


cdef int decode_head(jitter_t *jitter, int16_t *out, int capacity) noexcept nogil:
    cdef jitter_packet_t *packet = jitter_head(jitter)
    cdef int64_t missing = packet.position - jitter.passed - 1
    cdef int before = jitter.codec
    if missing > 0:
        codec_resume(jitter.decoder, packet.codec, <int>min(missing, <int64_t>MANY),
                     packet.payload, packet.length)
    jitter.codec = packet.codec
    return codec_decode(jitter.decoder, packet.codec, before, jitter.rate, packet.payload,
                        packet.length, out, capacity)


cdef void note_played(jitter_t *jitter, int64_t behind) noexcept nogil:
    """The first packet is played `behind` what waits in `pcm`: count, and take it out."""
    cdef jitter_packet_t *packet = jitter_head(jitter)
    cdef double wait = <double>(jitter.slots.clock + behind - packet.arrival)
    cdef int64_t missing = min(packet.position - jitter.passed - 1, <int64_t>MANY)
    jitter.wait = wait if jitter.wait < 0 else jitter.wait + (wait - jitter.wait) / 16
    while missing > 0:
        jitter.missing += (1 - jitter.missing) / JITTER_MEMORY
        missing -= 1
        jitter.in_runs += ((missing > 0) - jitter.in_runs) / JITTER_MEMORY
    jitter.missing -= jitter.missing / JITTER_MEMORY
    jitter.in_runs -= jitter.in_runs / JITTER_MEMORY
    jitter.heard = jitter.end
    jitter.dry = 0
    jitter.quiet = 0
    supply_pop(jitter)


cdef int supply_decoded(jitter_t *jitter, int late) noexcept nogil:
    """Decode the first packet, without its first `late` samples, and take it out."""
    cdef int16_t *out = jitter.pcm + jitter.pcm_count
    return append_there(jitter, decode_head(jitter, out, JITTER_PCM - jitter.pcm_count), late)


cdef int append_there(jitter_t *jitter, int samples, int late) noexcept nogil:
    """The first packet has been decoded behind `pcm`: take it in."""
    cdef jitter_packet_t *packet = jitter_head(jitter)
    cdef int16_t *out = jitter.pcm + jitter.pcm_count
    jitter.end = packet.timestamp + samples
    jitter.counters.decoded += samples
    late = min(late, samples)
    samples -= late
    jitter.counters.dropped += late
    if late > 0:
        memmove(out, out + late, samples * sizeof(int16_t))
    conceal_merge(&jitter.conceal, out, samples)
    conceal_remember(&jitter.conceal, out, samples)
    note_played(jitter, jitter.pcm_count - late)
    jitter.pcm_count += samples
    return samples
