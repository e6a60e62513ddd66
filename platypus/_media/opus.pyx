"""Opus (RFC 6716) by libopus, where the machine has it; `media.opus` finds and installs it.

    TOC octet -> how long, and whether the packet before is in it too (section 3.1, 4.2.4)
    frame <-> libopus, mono, at any rate it has

An encoder follows what the far end reports of loss: redundancy (FEC) as the loss asks for, and
fewer bits while it stays heavy, since that is mostly a narrow path; a single burst is not. libopus
allocates nothing here: its states lie in memory that was taken under the GIL.
"""

from libc.stdint cimport int16_t, int32_t, uint8_t, uintptr_t
from libc.stdlib cimport calloc, free


cdef extern from *:
    """
    typedef int (*platypus_opus_size_t)(int channels);
    typedef int (*platypus_opus_decoder_init_t)(void *state, int rate, int channels);
    typedef int (*platypus_opus_decode_t)(void *state, const unsigned char *data, int length,
                                          short *out, int samples, int fec);
    typedef int (*platypus_opus_encoder_init_t)(void *state, int rate, int channels,
                                                int application);
    typedef int (*platypus_opus_encode_t)(void *state, const short *frame, int samples,
                                          unsigned char *out, int capacity);
    typedef int (*platypus_opus_ctl_t)(void *state, int request, ...);
    """
    ctypedef int (*size_function_t "platypus_opus_size_t")(int) noexcept nogil
    ctypedef int (*decoder_init_t "platypus_opus_decoder_init_t")(void *, int, int) noexcept nogil
    ctypedef int (*decode_t "platypus_opus_decode_t")(
        void *, const uint8_t *, int, int16_t *, int, int) noexcept nogil
    ctypedef int (*encoder_init_t "platypus_opus_encoder_init_t")(
        void *, int, int, int) noexcept nogil
    ctypedef int (*encode_t "platypus_opus_encode_t")(
        void *, const int16_t *, int, uint8_t *, int) noexcept nogil
    ctypedef int (*ctl_t "platypus_opus_ctl_t")(void *, int, ...) noexcept nogil


cdef enum:
    APPLICATION_VOIP = 2048
    SET_BITRATE = 4002
    SET_MAX_BANDWIDTH = 4004
    SET_VBR = 4006
    SET_INBAND_FEC = 4012
    SET_PACKET_LOSS_PERC = 4014
    SET_DTX = 4016
    SET_SIGNAL = 4024
    SIGNAL_AUTO = -1000
    SIGNAL_VOICE = 3001      # coded in the mode that has redundancy, whatever it sounds like
    SILENT = 2               # octets: what need not be sent (libopus, opus_encode)
    OPUS_BITRATE = 32000     # fullband speech sounds like itself from here on
    LEAST_UNDER_LOSS = 24000 # below, libopus 1.3 leaves out the redundancy or what is above 4 kHz
    RATE = 48000
    MOST_FRAMES = 48
    MOST_SAMPLES = 5760      # 120 ms

cdef double HEAVY_LOSS = 0.1
cdef double LIGHT_LOSS = 0.02
cdef double NO_LOSS = 0.005
# What libopus 1.3 is told of loss, in percent, once there is any. Told of more it makes the
# redundancy finer, of bits that all packets lack that come: with 5 % lost in bursts at 32 kbit/s
# PESQ (P.862.2) is 3.04 told 3, 2.96 told 10, 2.81 told 20, and with 20 % lost 2.57 told 10, 2.54
# told 20. Told of less it leaves the redundancy out where bits are few: with 5 % lost at 24 kbit/s
# it is 3.3 told 5, 3.6 told 10.
cdef int LEAST_TOLD = 3       # at AMPLE bits,
cdef int MOST_TOLD = 10       # and at SCARCE and less
cdef int AMPLE = 28000
cdef int SCARCE = 24000

# The one copy of libopus that is used; set once, under the GIL, before any of it is needed.
cdef size_function_t decoder_size = NULL
cdef size_function_t encoder_size = NULL
cdef decoder_init_t decoder_init = NULL
cdef decode_t decode = NULL
cdef encoder_init_t encoder_init = NULL
cdef encode_t encode = NULL
cdef ctl_t encoder_ctl = NULL


cdef bint opus_known() noexcept nogil:
    return encode != NULL


cdef int frame_samples(int toc) noexcept nogil:
    """RFC 6716, table 2: of one frame, at 48 kHz."""
    cdef int config = toc >> 3
    if config >= 16:
        return 120 << (config & 3)
    if config >= 12:
        return 960 if config & 1 else 480
    return 480 if config & 3 == 0 else 960 * (config & 3)


cdef int frame_count(const uint8_t *payload, int length) noexcept nogil:
    """RFC 6716, 3.2; 0 for what is none."""
    cdef int code = payload[0] & 3
    if code == 3:
        return payload[1] & 0x3F if length > 1 else 0
    return 1 if code == 0 else 2


cdef int opus_samples(const uint8_t *payload, int length) noexcept nogil:
    """How long a packet is, at 48 kHz; 0 for what is none."""
    cdef int samples
    if length < 1:
        return 0
    samples = frame_samples(payload[0]) * frame_count(payload, length)
    return samples if samples <= MOST_SAMPLES else 0


cdef bint opus_is_wide(const uint8_t *payload) noexcept nogil:
    """RFC 6716, table 2: configurations 12 to 15 and 24 to 31."""
    return payload[0] >> 5 == 3 or payload[0] >> 6 == 3


cdef int first_frame(const uint8_t *payload, int length) noexcept nogil:
    """Where the first frame begins; `length` or more where there is none."""
    cdef int code = payload[0] & 3
    cdef int at = 1, lengths
    if code == 2:
        return 3 if length > 1 and payload[1] >= 252 else 2
    if code != 3:
        return at
    at = 2
    if payload[1] & 0x40:  # padding: its length, in octets of which 255 goes on
        while at < length and payload[at] == 255:
            at += 1
        at += 1
    if payload[1] & 0x80:
        lengths = (payload[1] & 0x3F) - 1
        while lengths > 0 and at < length:
            at += 2 if payload[at] >= 252 else 1
            lengths -= 1
    return at


cdef bint opus_has_fec(const uint8_t *payload, int length) noexcept nogil:
    """Whether the packet before is in this one too: RFC 6716, 4.2.3, the LBRR flag.

    The frame begins with an activity flag for each 20 ms and the LBRR flag, then the same for
    the side channel, all of them bits of equal probability and so to be read off.
    """
    cdef int at, frames
    if opus_samples(payload, length) == 0 or payload[0] >> 3 >= 16:
        return False
    at = first_frame(payload, length)
    if at >= length:
        return False
    frames = max(1, frame_samples(payload[0]) // 960)
    if payload[at] >> (7 - frames) & 1:
        return True
    return payload[0] & 4 and payload[at] >> (6 - 2 * frames) & 1


cdef void *opus_decoder_new(int rate) noexcept nogil:
    cdef void *state
    if decode == NULL:
        return NULL
    state = calloc(1, decoder_size(1))
    if state != NULL and decoder_init(state, rate, 1) != 0:
        free(state)
        return NULL
    return state


cdef void opus_decoder_reset(void *decoder, int rate) noexcept nogil:
    decoder_init(decoder, rate, 1)


cdef int opus_decode(void *decoder, const uint8_t *payload, int length, int16_t *out,
                     int samples, bint fec) noexcept nogil:
    return max(0, decode(decoder, payload, length, out, samples, fec))


cdef int bandwidth(int rate) noexcept nogil:
    """OPUS_BANDWIDTH_NARROWBAND to _FULLBAND, for a rate that is played."""
    if rate == 0 or rate > 24000:
        return 1105
    if rate > 16000:
        return 1104
    if rate > 12000:
        return 1103
    return 1102 if rate > 8000 else 1101


cdef opus_encoder_t *opus_encoder_new(const opus_settings_t *settings) noexcept nogil:
    cdef opus_encoder_t *encoder
    if encode == NULL:
        return NULL
    encoder = <opus_encoder_t *>calloc(1, sizeof(opus_encoder_t))
    if encoder == NULL:
        return NULL
    encoder.state = calloc(1, encoder_size(1))
    if encoder.state == NULL or encoder_init(encoder.state, RATE, 1, APPLICATION_VOIP) != 0:
        opus_encoder_free(encoder)
        return NULL
    encoder.settings = settings[0]
    if encoder.settings.bitrate == 0:
        encoder.settings.bitrate = OPUS_BITRATE
    encoder.bitrate = encoder.settings.bitrate
    encoder_ctl(encoder.state, SET_BITRATE, <int>encoder.bitrate)
    encoder_ctl(encoder.state, SET_MAX_BANDWIDTH, bandwidth(settings.max_rate))
    encoder_ctl(encoder.state, SET_VBR, <int>(0 if settings.cbr else 1))
    encoder_ctl(encoder.state, SET_INBAND_FEC, <int>(1 if settings.fec else 0))
    encoder_ctl(encoder.state, SET_DTX, <int>(1 if settings.dtx else 0))
    return encoder


cdef void opus_encoder_free(opus_encoder_t *encoder) noexcept nogil:
    if encoder != NULL:
        free(encoder.state)
        free(encoder)


cdef int opus_encode(opus_encoder_t *encoder, const int16_t *frame, int samples, uint8_t *out,
                     int capacity) noexcept nogil:
    cdef int length = encode(encoder.state, frame, samples, out, capacity)
    if length <= SILENT and encoder.settings.dtx:
        return 0
    return max(0, length)


cdef int told(int bitrate, double loss) noexcept nogil:
    cdef int lacking = max(0, min(AMPLE - bitrate, AMPLE - SCARCE))
    cdef int least = LEAST_TOLD + lacking * (MOST_TOLD - LEAST_TOLD) // (AMPLE - SCARCE)
    cdef int percent = <int>(loss * 100 + 0.5)
    return max(least, min(percent, MOST_TOLD)) if loss > NO_LOSS else percent


cdef void opus_follow_loss(opus_encoder_t *encoder, double lost) noexcept nogil:
    """Ready for what is lost now, and still for a while for what was."""
    cdef int bitrate = encoder.bitrate
    cdef double lasting = min(lost, encoder.lost)
    encoder.lost = lost
    encoder.loss = lost if lost > encoder.loss else encoder.loss + (lost - encoder.loss) / 4
    if lasting > HEAVY_LOSS:
        bitrate = max(min(LEAST_UNDER_LOSS, encoder.settings.bitrate), bitrate * 3 // 4)
    elif lost < LIGHT_LOSS:
        bitrate = min(encoder.settings.bitrate, bitrate + bitrate // 10)
    if bitrate != encoder.bitrate:
        encoder.bitrate = bitrate
        encoder_ctl(encoder.state, SET_BITRATE, bitrate)
    encoder_ctl(encoder.state, SET_PACKET_LOSS_PERC, told(bitrate, encoder.loss))
    encoder_ctl(encoder.state, SET_SIGNAL,
                <int>(SIGNAL_VOICE if encoder.settings.fec and encoder.loss > NO_LOSS
                      else SIGNAL_AUTO))


FUNCTIONS = (
    "opus_decoder_get_size", "opus_decoder_init", "opus_decode",
    "opus_encoder_get_size", "opus_encoder_init", "opus_encode", "opus_encoder_ctl",
)


cdef opus_settings_t opus_settings(settings) except *:
    cdef opus_settings_t chosen
    unknown = set(settings) - {"bitrate", "max_rate", "fec", "dtx", "cbr"}
    chosen.bitrate = settings.get("bitrate", 0)
    chosen.max_rate = settings.get("max_rate", 0)
    chosen.fec = settings.get("fec", False)
    chosen.dtx = settings.get("dtx", False)
    chosen.cbr = settings.get("cbr", False)
    if unknown or (chosen.bitrate and not OPUS_LEAST_BITRATE <= chosen.bitrate <= OPUS_MOST_BITRATE):
        raise ValueError(f"no settings for Opus: {settings}")
    return chosen


def install(addresses) -> None:
    """Call libopus at these addresses from now on; it must stay loaded. Once is enough."""
    global decoder_size, encoder_size, decoder_init, decode, encoder_init, encode, encoder_ctl
    found = [addresses[name] for name in FUNCTIONS]
    if not all(found):
        raise ValueError("libopus has no address for all of " + ", ".join(FUNCTIONS))
    if opus_known():
        return
    decoder_size = <size_function_t><uintptr_t>found[0]
    decoder_init = <decoder_init_t><uintptr_t>found[1]
    decode = <decode_t><uintptr_t>found[2]
    encoder_size = <size_function_t><uintptr_t>found[3]
    encoder_init = <encoder_init_t><uintptr_t>found[4]
    encoder_ctl = <ctl_t><uintptr_t>found[6]
    encode = <encode_t><uintptr_t>found[5]


def installed() -> bool:
    return opus_known()


def describe(payload) -> tuple:
    """Samples of a packet at 48 kHz, 0 for none, and whether the one before is in it too."""
    cdef bytes data = bytes(payload)
    cdef const uint8_t *octets = data
    return opus_samples(octets, <int>len(data)), bool(opus_has_fec(octets, <int>len(data)))
