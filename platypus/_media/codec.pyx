"""The codecs by number, and how samples and bytes relate in each.

A codec's own module encodes and decodes; here is the list that streams, buffers and
negotiation agree on. The names are those of the control protocol.
"""

from libc.stdint cimport int16_t, uint8_t

from platypus._media.g711 cimport alaw_decode, alaw_encode, ulaw_decode, ulaw_encode


cdef int codec_samples(int codec, int length) noexcept nogil:
    """How many samples a payload decodes to; 0 for what is no audio."""
    if codec == CODEC_PCMU or codec == CODEC_PCMA:
        return length
    return 0


cdef int codec_encode(int codec, const int16_t *frame, int samples, uint8_t *out) noexcept nogil:
    """Encode a frame; the length of the payload, 0 for what is no audio."""
    if codec == CODEC_PCMU:
        ulaw_encode(frame, samples, out)
    elif codec == CODEC_PCMA:
        alaw_encode(frame, samples, out)
    else:
        return 0
    return samples


cdef int codec_decode(void *decoder, int codec, const uint8_t *payload, int length,
                      int16_t *out, int capacity) noexcept nogil:
    """Decode a payload to at most `capacity` samples; how many there are."""
    cdef int count = min(length, capacity)
    if codec == CODEC_PCMU:
        ulaw_decode(payload, count, out)
    elif codec == CODEC_PCMA:
        alaw_decode(payload, count, out)
    else:
        return 0
    return count


CODECS = {
    "pcmu": CODEC_PCMU,
    "pcma": CODEC_PCMA,
    "telephone-event": CODEC_TELEPHONE_EVENT,
    "cn": CODEC_COMFORT_NOISE,
}


def codec_number(name) -> int:
    """The number of a codec by its name in the control protocol; ValueError for others."""
    try:
        return CODECS[name.lower()]
    except KeyError:
        raise ValueError(f"{name!r} is not one of the codecs {', '.join(CODECS)}") from None
