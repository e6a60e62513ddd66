"""The codecs by number: what streams, buffers and commands agree on (see codec.pxd).

A codec's own module encodes and decodes. The names are those of the control protocol;
telephone-event may have its clock behind a slash, 8000 without.
"""

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.stdint cimport int16_t, uint8_t, uint32_t
from libc.stdlib cimport calloc, free
from libc.string cimport memset

from platypus._media.arena cimport arena_clear, arena_give
from platypus._media.comfort cimport comfort_describe, comfort_make
from platypus._media.g711 cimport alaw_decode, ulaw_decode
from platypus._media.g722 cimport G722_HISTORY, g722_decode, g722_encode, g722_init, g722_resume
from platypus._media.opus cimport (
    opus_decode, opus_decoder_new, opus_decoder_reset, opus_encode, opus_encoder_free,
    opus_encoder_new, opus_has_fec, opus_samples, opus_settings_t,
)
from platypus._media.resample cimport (
    resampler_free, resampler_new, resampler_process, resampler_reset, resampler_t,
)


cdef enum:
    NARROW = 8000
    WIDE = 16000
    MOST_NATIVE = 1920         # samples of a packet at the higher of these


cdef int codec_clock(int codec) noexcept nogil:
    """Of the RTP timestamps; a telephone-event's and comfort noise's are their stream's."""
    return 48000 if codec == CODEC_OPUS else 8000


cdef int codec_rate(int codec) noexcept nogil:
    if codec == CODEC_OPUS:
        return 48000
    return WIDE if codec == CODEC_G722 else NARROW


cdef codec_decoder_t *codec_decoder_new(int rate, bint opus) noexcept nogil:
    cdef codec_decoder_t *decoder
    if rate not in (8000, 16000, 24000, 32000, 48000):
        return NULL
    decoder = <codec_decoder_t *>arena_clear(sizeof(codec_decoder_t))
    if decoder == NULL:
        return NULL
    decoder.rate = rate
    g722_init(&decoder.g722)
    if rate != NARROW:
        decoder.narrow = resampler_new(NARROW, rate)
    if rate != WIDE:
        decoder.wide = resampler_new(WIDE, rate)
    if opus:
        decoder.opus = opus_decoder_new(rate)
    if (
        (rate != NARROW and decoder.narrow == NULL)
        or (rate != WIDE and decoder.wide == NULL)
        or (opus and decoder.opus == NULL)
    ):
        codec_decoder_free(decoder)
        return NULL
    return decoder


cdef void codec_decoder_free(codec_decoder_t *decoder) noexcept nogil:
    if decoder != NULL:
        resampler_free(decoder.narrow)
        resampler_free(decoder.wide)
        free(decoder.opus)
        arena_give(decoder, sizeof(codec_decoder_t))


cdef int codec_samples_any(int codec, const uint8_t *payload, int length, int rate) noexcept nogil:
    """How many samples a payload decodes to; 0 for what is no audio."""
    cdef int native
    if codec == CODEC_PCMU or codec == CODEC_PCMA:
        native = length
    elif codec == CODEC_G722:
        native = 2 * length
    elif codec == CODEC_OPUS:
        native = opus_samples(payload, length)
    else:
        return 0
    # Never more than it has time for: a longer packet is none that a phone sends.
    if native > codec_rate(codec) // 1000 * CODEC_MOST_MS:
        return CODEC_MOST_SAMPLES + 1
    return native * (rate // 1000) // (codec_rate(codec) // 1000)


cdef int decode_native(codec_decoder_t *decoder, int codec, const uint8_t *payload, int count,
                       int16_t *out) noexcept nogil:
    """At the codec's own rate: `count` octets, how many samples."""
    if codec == CODEC_PCMU:
        ulaw_decode(payload, count, out)
        return count
    if codec == CODEC_PCMA:
        alaw_decode(payload, count, out)
        return count
    g722_decode(&decoder.g722, payload, count, out)
    return 2 * count


cdef int decode_opus(codec_decoder_t *decoder, const uint8_t *payload, int length, int16_t *out,
                     int samples) noexcept nogil:
    """All of them: what a broken payload does not give is concealed."""
    cdef int count = opus_decode(decoder.opus, payload, length, out, samples, False)
    if count < samples:
        count = opus_decode(decoder.opus, NULL, 0, out, samples, False)
    if count < samples:
        memset(out + count, 0, (samples - count) * sizeof(int16_t))
    return samples


cdef void begin(codec_decoder_t *decoder, int codec) noexcept nogil:
    """Another codec than before: what it remembers is of another time."""
    cdef bint narrow = codec_rate(codec) == NARROW and codec_rate(decoder.last) == NARROW
    decoder.last = codec
    if codec == CODEC_G722:
        g722_init(&decoder.g722)
    elif codec == CODEC_OPUS:
        opus_decoder_reset(decoder.opus, decoder.rate)
    if not narrow:
        if decoder.narrow != NULL:
            resampler_reset(decoder.narrow)
        if decoder.wide != NULL:
            resampler_reset(decoder.wide)


cdef int codec_decode_any(void *decoder, int codec, const uint8_t *payload, int length,
                          int16_t *out, int capacity) noexcept nogil:
    """Decode a payload to at most `capacity` samples; how many there are."""
    cdef codec_decoder_t *state = <codec_decoder_t *>decoder
    cdef int16_t native[MOST_NATIVE]
    cdef resampler_t *resampler
    cdef int wanted = codec_samples(codec, payload, length, state.rate)
    cdef int count
    if wanted == 0 or wanted > CODEC_MOST_SAMPLES or wanted > capacity:
        return 0
    if codec == CODEC_OPUS and state.opus == NULL:
        return 0
    if codec != state.last:
        begin(state, codec)
    if codec == CODEC_OPUS:
        return decode_opus(state, payload, length, out, wanted)
    resampler = state.narrow if codec_rate(codec) == NARROW else state.wide
    if resampler == NULL:
        return decode_native(state, codec, payload, length, out)
    count = decode_native(state, codec, payload, length, native)
    count = resampler_process(resampler, native, count, out, wanted)
    # An odd sample out of step (a packet of an odd length brought to a lower rate).
    if count < wanted:
        memset(out + count, 0, (wanted - count) * sizeof(int16_t))
    return wanted


cdef inline bint whole(const codec_decoder_t *decoder, int samples) noexcept nogil:
    """What libopus can make at a time: 2.5 ms and multiples."""
    return (0 < samples <= decoder.rate // 1000 * CODEC_MOST_MS
            and samples % (decoder.rate // 400) == 0)


cdef int codec_told(void *decoder, int codec, const uint8_t *next_payload, int length,
                    int samples) noexcept nogil:
    """How many of the last of `samples` lost before `next_payload` are in it as well."""
    cdef codec_decoder_t *state = <codec_decoder_t *>decoder
    cdef int told
    if codec != CODEC_OPUS or state.last != CODEC_OPUS or not opus_has_fec(next_payload, length):
        return 0
    told = codec_samples(codec, next_payload, length, state.rate)
    return told if told <= samples else 0


cdef int codec_decode_fec(void *decoder, int codec, const uint8_t *next_payload, int length,
                          int16_t *out, int samples) noexcept nogil:
    """The lost samples before `next_payload`, from what that tells of them; 0 if nothing."""
    cdef codec_decoder_t *state = <codec_decoder_t *>decoder
    if codec_told(decoder, codec, next_payload, length, samples) == 0 or not whole(state, samples):
        return 0
    return samples if opus_decode(state.opus, next_payload, length, out, samples,
                                  True) == samples else 0


cdef int codec_conceal(void *decoder, int codec, int16_t *out, int samples) noexcept nogil:
    """Lost samples as the codec itself would make them up; 0 where it can't."""
    cdef codec_decoder_t *state = <codec_decoder_t *>decoder
    if codec != CODEC_OPUS or state.last != CODEC_OPUS or not whole(state, samples):
        return 0
    return samples if opus_decode(state.opus, NULL, 0, out, samples, False) == samples else 0


cdef void codec_resume(void *decoder, int codec, int missing, const uint8_t *payload,
                       int length) noexcept nogil:
    """So many packets are missing, and `payload` is decoded next."""
    cdef codec_decoder_t *state = <codec_decoder_t *>decoder
    if codec == CODEC_G722 and state.last == CODEC_G722:
        g722_resume(&state.g722, missing * length, payload, length)


cdef int codec_blurred(void *decoder, int codec) noexcept nogil:
    """So many samples behind a gap are mixed with what went before it, by a filter of the codec's.

    That was not what was sent: at 5 % loss G.722's 1.4 ms cost 0.3 of PESQ (P.862.2), and
    Opus's 2.5 some 0.03.
    """
    cdef codec_decoder_t *state = <codec_decoder_t *>decoder
    if codec == CODEC_OPUS:
        return state.rate // 400
    return 2 * G722_HISTORY if codec == CODEC_G722 and state.rate == WIDE else 0


cdef void codec_comfort(void *decoder, const uint8_t *payload, int length) noexcept nogil:
    """The far end describes the noise of its room."""
    cdef codec_decoder_t *state = <codec_decoder_t *>decoder
    comfort_describe(&state.comfort, payload, length, state.rate)


cdef int codec_make_comfort(void *decoder, int16_t *out, int samples) noexcept nogil:
    return comfort_make(&(<codec_decoder_t *>decoder).comfort, out, samples)


cdef bint codec_has_state(int codec) noexcept nogil:
    return codec == CODEC_G722 or codec == CODEC_OPUS


cdef codec_encoder_t *codec_encoder_new(int codec, const opus_settings_t *settings) noexcept nogil:
    cdef opus_settings_t defaults
    cdef codec_encoder_t *encoder = <codec_encoder_t *>calloc(1, sizeof(codec_encoder_t))
    if encoder == NULL:
        return NULL
    memset(&defaults, 0, sizeof(defaults))
    encoder.codec = codec
    g722_init(&encoder.g722)
    if codec == CODEC_OPUS:
        encoder.opus = opus_encoder_new(settings if settings != NULL else &defaults)
        if encoder.opus == NULL:
            free(encoder)
            return NULL
    return encoder


cdef void codec_encoder_free(codec_encoder_t *encoder) noexcept nogil:
    if encoder != NULL:
        opus_encoder_free(encoder.opus)
        free(encoder)


cdef int codec_encode_any(codec_encoder_t *encoder, int codec, const int16_t *frame, int samples,
                          uint8_t *out, int capacity) noexcept nogil:
    """Any but G.711's, for which there is room."""
    if codec == CODEC_G722:
        if encoder == NULL or capacity < samples // 2:
            return 0
        g722_encode(&encoder.g722, frame, samples // 2, out)
        return samples // 2
    if codec == CODEC_OPUS:
        if encoder == NULL or encoder.opus == NULL:
            return 0
        return opus_encode(encoder.opus, frame, samples, out, capacity)
    return 0


CODECS = {
    "pcmu": CODEC_PCMU,
    "pcma": CODEC_PCMA,
    "g722": CODEC_G722,
    "opus": CODEC_OPUS,
    "telephone-event": CODEC_TELEPHONE_EVENT,
    "comfort-noise": CODEC_COMFORT_NOISE,
    "cn": CODEC_COMFORT_NOISE,
}
CLOCKS = (8000, 16000, 24000, 32000, 48000)


cdef int codec_of(name, int *clock) except -1:
    encoding, slash, rate = name.lower().partition("/")
    number = CODECS.get(encoding)
    if number is None or (slash and not (
        number == CODEC_TELEPHONE_EVENT or number == CODEC_COMFORT_NOISE
    )):
        raise ValueError(f"unknown codec {name!r}; there are: {', '.join(CODECS)}")
    clock[0] = codec_clock(number)
    if slash:
        if rate not in map(str, CLOCKS):
            raise ValueError(f"no clock of {name!r}; there are: {', '.join(map(str, CLOCKS))}")
        clock[0] = int(rate)
    return number


cdef object codec_name(int codec):
    return next((name for name, number in CODECS.items() if number == codec), None)


def codec_number(name) -> int:
    """The number of a codec by its name in the control protocol; ValueError for others."""
    cdef int clock
    return codec_of(name, &clock)


cdef class Decoder:
    """A decoder of one codec for Python: what a jitter buffer calls, by hand."""

    def __cinit__(self, codec, int rate=8000):
        cdef int clock
        self.codec = codec_of(codec, &clock)
        self.decoder = codec_decoder_new(rate, self.codec == CODEC_OPUS)
        if self.decoder == NULL:
            raise ValueError(f"no decoder for {codec} at {rate} samples a second")

    def __dealloc__(self):
        codec_decoder_free(self.decoder)

    cdef bytes decoded(self, payload, bint fec, int samples):
        cdef int16_t out[CODEC_MOST_SAMPLES]
        cdef Py_buffer view
        cdef const uint8_t *octets
        cdef int length, made
        PyObject_GetBuffer(payload, &view, PyBUF_SIMPLE)
        octets = <const uint8_t *>view.buf
        length = <int>min(view.len, 65535)
        if fec:
            made = codec_decode_fec(self.decoder, self.codec, octets, length, out, samples)
        else:
            made = codec_decode(self.decoder, self.codec, self.decoder.last, self.decoder.rate,
                                octets, length, out, CODEC_MOST_SAMPLES)
        PyBuffer_Release(&view)
        return PyBytes_FromStringAndSize(<char *>out, 2 * made)

    def samples(self, payload) -> int:
        """How many a payload will give; 0 for what is no audio."""
        cdef bytes data = bytes(payload)
        return codec_samples(self.codec, data, <int>len(data), self.decoder.rate)

    def decode(self, payload) -> bytes:
        return self.decoded(payload, False, 0)

    def decode_fec(self, next_payload, int samples) -> bytes:
        """What is in `next_payload` of the `samples` lost before it; nothing where it has none."""
        return self.decoded(next_payload, True, min(samples, <int>CODEC_MOST_SAMPLES))

    def conceal(self, int samples) -> bytes:
        """Lost samples as the codec makes them up; nothing where it doesn't."""
        cdef int16_t out[CODEC_MOST_SAMPLES]
        cdef int made = codec_conceal(self.decoder, self.codec, out,
                                      min(samples, <int>CODEC_MOST_SAMPLES))
        return PyBytes_FromStringAndSize(<char *>out, 2 * made)
