"""The codecs as streams and jitter buffers use them: by number, with state, at any rate.

Two clocks belong to a codec. `codec_clock` is that of its RTP timestamps (RFC 3551, 4.5.2:
8000 for G.722; RFC 7587, 4.1: 48000 for Opus). `codec_rate` is how many samples a second it
codes. A decoder gives its samples at one rate for all codecs, that of the leg: what it
decodes of another it resamples, so that a far end may change between the agreed codecs from
packet to packet. An encoder takes samples at its codec's rate only.

For a jitter buffer, with `decoder` a codec_decoder_t:

    codec_samples      how long a payload will be, in samples of the decoder's rate; 0 where it
                       is no audio or broken. What codec_decode gives is exactly so long.
    codec_decode       the samples of a payload, and how many
    codec_told         how many of the samples lost before a payload are in it as well (Opus only)
    codec_decode_fec   what the payload *after* a lost one tells of the lost one (Opus only):
                       `samples` made, or 0 where it tells nothing. It is called before
                       codec_decode of that same payload, which is then decoded as ever.
    codec_conceal      the codec's own concealment of `samples` lost ones (Opus only): `samples`,
                       or 0 where the codec has none. The decoder counts them as passed.
    codec_resume       packets before this payload are lost, and it is to be decoded next: G.722's
                       state becomes what is likeliest then
    codec_comfort      RFC 3389: a comfort noise payload sets the noise,
    codec_make_comfort and this makes `samples` of it; 0 where no noise was ever described.

FEC and concealment by Opus need lengths of whole 2.5 ms, and no more than CODEC_MOST_MS.
A gap in which no packet is lost is what an Opus sender with DTX leaves out: its concealment
makes the room's noise of it.

Decoders and encoders are made and freed under the GIL, and travel by command.
"""

from libc.stdint cimport int16_t, uint8_t, uint32_t

from platypus._media.comfort cimport comfort_t
from platypus._media.g711 cimport alaw_decode, alaw_encode, ulaw_decode, ulaw_encode
from platypus._media.g722 cimport g722_t
from platypus._media.opus cimport opus_encoder_t, opus_settings_t
from platypus._media.resample cimport resampler_t

cdef enum codec_t:
    CODEC_NONE = 0
    CODEC_PCMU = 1             # RFC 3551, 4.5.14
    CODEC_PCMA = 2
    CODEC_TELEPHONE_EVENT = 3  # RFC 4733
    CODEC_COMFORT_NOISE = 4    # RFC 3389
    CODEC_G722 = 5             # RFC 3551, 4.5.2
    CODEC_OPUS = 6             # RFC 7587

cdef enum:
    CODEC_MOST_MS = 120        # of a packet: the most that Opus has
    CODEC_MOST_SAMPLES = 5760  # as many at 48 kHz
    CODEC_MOST_NARROW = 960    # and at 8

cdef struct codec_decoder_t:
    int rate                   # of all that comes out
    int last                   # the codec decoded last; one that comes anew begins anew
    resampler_t *narrow        # 8000 -> rate; owned, NULL where they are equal
    resampler_t *wide          # 16000 -> rate
    void *opus                 # libopus's, at `rate`; owned, NULL where Opus was not agreed
    g722_t g722
    comfort_t comfort

cdef struct codec_encoder_t:
    int codec
    g722_t g722
    opus_encoder_t *opus       # owned; NULL for another codec

cdef int codec_clock(int codec) noexcept nogil
cdef int codec_rate(int codec) noexcept nogil

# NULL: no memory, a rate that is not 8, 16, 24, 32 or 48 kHz, or no Opus (at that rate).
cdef codec_decoder_t *codec_decoder_new(int rate, bint opus) noexcept nogil
cdef void codec_decoder_free(codec_decoder_t *decoder) noexcept nogil
cdef int codec_samples_any(int codec, const uint8_t *payload, int length, int rate) noexcept nogil
cdef int codec_decode_any(void *decoder, int codec, const uint8_t *payload, int length,
                          int16_t *out, int capacity) noexcept nogil
cdef int codec_told(void *decoder, int codec, const uint8_t *next_payload, int length,
                    int samples) noexcept nogil
cdef int codec_decode_fec(void *decoder, int codec, const uint8_t *next_payload, int length,
                          int16_t *out, int samples) noexcept nogil
cdef int codec_conceal(void *decoder, int codec, int16_t *out, int samples) noexcept nogil
cdef void codec_resume(void *decoder, int codec, int missing, const uint8_t *payload,
                       int length) noexcept nogil
# Samples at the beginning of what follows a gap that the codec mixes with what went before it.
cdef int codec_blurred(void *decoder, int codec) noexcept nogil
cdef void codec_comfort(void *decoder, const uint8_t *payload, int length) noexcept nogil
cdef int codec_make_comfort(void *decoder, int16_t *out, int samples) noexcept nogil

# NULL is also right for a codec without state (G.711): codec_encode needs no encoder then.
cdef bint codec_has_state(int codec) noexcept nogil
# NULL: no memory, or no Opus here. The settings are Opus's; NULL are all at their defaults.
cdef codec_encoder_t *codec_encoder_new(int codec, const opus_settings_t *settings) noexcept nogil
cdef void codec_encoder_free(codec_encoder_t *encoder) noexcept nogil
cdef int codec_encode_any(codec_encoder_t *encoder, int codec, const int16_t *frame, int samples,
                          uint8_t *out, int capacity) noexcept nogil


# The three that each packet needs: most are of G.711, and for a leg of its rate.
cdef inline bint codec_is_g711(int codec) noexcept nogil:
    return codec == CODEC_PCMU or codec == CODEC_PCMA


cdef inline int codec_samples(int codec, const uint8_t *payload, int length,
                              int rate) noexcept nogil:
    if codec_is_g711(codec) and rate == 8000 and length <= CODEC_MOST_NARROW:
        return length
    return codec_samples_any(codec, payload, length, rate)


cdef inline int codec_decode(void *decoder, int codec, int before, int rate,
                             const uint8_t *payload, int length, int16_t *out,
                             int capacity) noexcept nogil:
    """`before` is the codec that was decoded last, `rate` the decoder's.

    Both are known to who decodes: the decoder is looked into only where it has something to do.
    """
    if (codec_is_g711(codec) and codec == before and rate == 8000
            and length <= min(<int>CODEC_MOST_NARROW, capacity)):
        if codec == CODEC_PCMU:
            ulaw_decode(payload, length, out)
        else:
            alaw_decode(payload, length, out)
        return length
    return codec_decode_any(decoder, codec, payload, length, out, capacity)


cdef inline int codec_encode(codec_encoder_t *encoder, int codec, const int16_t *frame,
                             int samples, uint8_t *out, int capacity) noexcept nogil:
    """The length of the payload; 0: nothing is to be sent."""
    if not codec_is_g711(codec) or samples > capacity:
        return codec_encode_any(encoder, codec, frame, samples, out, capacity)
    if codec == CODEC_PCMU:
        ulaw_encode(frame, samples, out)
    else:
        alaw_encode(frame, samples, out)
    return samples


# A codec and the clock of its RTP timestamps, by name; ValueError for others.
cdef int codec_of(name, int *clock) except -1
cdef object codec_name(int codec)  # None for what is no codec


cdef class Decoder:
    cdef codec_decoder_t *decoder  # owned
    cdef int codec

    cdef bytes decoded(self, payload, bint fec, int samples)
