"""G.722 at 64 kbit/s (ITU-T G.722, mode 1): 7 kHz of sound, eight bits for two samples.

    samples -> quadrature mirror filter -> low band,  ADPCM of 6 bits -+-> octet
                                        -> high band, ADPCM of 2 bits -+

The names of the blocks (RECONS, UPPOL2, ...) are those of the Recommendation's section 6.
Its arithmetic is followed bit for bit. Modes 2 and 3, which steal bits of the octet for
data, and the packet-loss concealment of appendices III and IV are not here: a loss is concealed
as any codec's is, and `g722_resume` makes the best of what the decoder then knows. RTP says 8000 where this
has 16,000 samples (RFC 3551, 4.5.2); that is `codec`'s business.
"""

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.stdint cimport int16_t, int32_t, uint8_t
from libc.string cimport memcpy, memset

from platypus._media.g722_guess cimport (
    G722_CLUES, G722_HINTS, G722_KNOWN, g722_clues_t, g722_fade, g722_guess, g722_halfway,
    g722_hints,
)


cdef enum:
    MAX_BYTES = 1 << 30      # counts below are int
    LOW_STEP_MAX = 18432     # of its logarithm (SCALEL, SCALEH)
    HIGH_STEP_MAX = 22528
    HIGH_DECISION = 564      # table 12: the one decision level of the high band
    Q6_MOST = 2919           # the highest decision level of the low band
    CHUNK = 160              # codes that are filtered together: 20 ms
    A2_MOST = 12288          # of the poles, so that they are stable (UPPOL2, UPPOL1):
    A1_MOST = 15360          # less the second one

# Table 12 (the filter), one of its two mirrored halves, and the other; to a length that the
# compiler makes two instructions of.
cdef int16_t[16] mirror
mirror[:] = [3, -11, 12, 32, -210, 951, 3876, -805, 362, -156, 53, -11, 0, 0, 0, 0]
cdef int16_t[16] mirrored
mirrored[:] = [-11, 53, -156, 362, -805, 3876, 951, -210, 32, 12, -11, 3, 0, 0, 0, 0]
# Table 16: decision levels of the six-bit quantiser.
cdef int32_t[30] q6
q6[:] = [0, 35, 72, 110, 150, 190, 233, 276, 323, 370, 422, 473, 530, 587, 650, 714, 786, 858,
         940, 1023, 1121, 1219, 1339, 1458, 1612, 1765, 1980, 2195, 2557, 2919]
cdef uint8_t[Q6_MOST + 1] interval  # by level: the first of q6 that is not below it


cdef void fill_interval() noexcept:
    cdef int level, first = 1
    for level in range(Q6_MOST + 1):
        while q6[first] < level:
            first += 1
        interval[level] = <uint8_t>first


fill_interval()

# Tables 17 and 19: outputs of the inverse quantisers, of four, two and six bits.
cdef int32_t[16] qm4
qm4[:] = [0, -20456, -12896, -8968, -6288, -4240, -2584, -1200,
          20456, 12896, 8968, 6288, 4240, 2584, 1200, 0]
cdef int32_t[4] qm2
qm2[:] = [-7408, -1616, 7408, 1616]
cdef int32_t[64] qm6
qm6[:] = [-136, -136, -136, -136, -24808, -21904, -19008, -16704,
          -14984, -13512, -12280, -11192, -10232, -9360, -8576, -7856,
          -7192, -6576, -6000, -5456, -4944, -4464, -4008, -3576,
          -3168, -2776, -2400, -2032, -1688, -1360, -1040, -728,
          24808, 21904, 19008, 16704, 14984, 13512, 12280, 11192,
          10232, 9360, 8576, 7856, 7192, 6576, 6000, 5456,
          4944, 4464, 4008, 3576, 3168, 2776, 2400, 2032,
          1688, 1360, 1040, 728, 432, 136, -432, -136]
# Tables 13 and 14: how a code moves the logarithm of the step size, by code.
cdef int32_t[16] low_moves
low_moves[:] = [-60, 3042, 1198, 538, 334, 172, 58, -30, 3042, 1198, 538, 334, 172, 58, -30, -60]
cdef int32_t[4] high_moves
high_moves[:] = [798, -214, 798, -214]
# Table 15: 2048 times the 32nd roots of two.
cdef int32_t[32] roots
roots[:] = [2048, 2093, 2139, 2186, 2233, 2282, 2332, 2383, 2435, 2489, 2543, 2599, 2656, 2714,
            2774, 2834, 2896, 2960, 3025, 3091, 3158, 3228, 3298, 3371, 3444, 3520, 3597, 3676,
            3756, 3838, 3922, 4008]


cdef inline int32_t limited(int32_t value) noexcept nogil:
    return 32767 if value > 32767 else (-32768 if value < -32768 else value)


cdef inline int32_t scaled(int32_t step_log, int32_t octaves) noexcept nogil:
    """SCALEL and SCALEH: the step size of a logarithm."""
    cdef int32_t root = roots[(step_log >> 6) & 31]
    cdef int32_t shift = octaves - (step_log >> 11)
    return (root << -shift if shift < 0 else root >> shift) << 2


cdef inline void adapt(g722_band_t *band, int32_t move, int32_t most, int32_t octaves) noexcept nogil:
    """LOGSCL, LOGSCH: the step size follows what was coded."""
    cdef int32_t step_log = (band.step_log * 127 >> 7) + move
    band.step_log = 0 if step_log < 0 else (most if step_log > most else step_log)
    band.step = scaled(band.step_log, octaves)


cdef inline int32_t predict_poles(g722_band_t *band, int32_t r, int32_t p) noexcept nogil:
    """UPPOL2, UPPOL1 and FILTEP: adapt the poles; the prediction they make."""
    cdef int32_t wide = limited(band.a1 << 2)
    cdef int32_t a1, a2, most
    cdef bint turned = (p ^ band.p1) < 0
    if not turned:
        wide = min(-wide, 32767)
    a2 = (wide >> 7) + (-128 if (p ^ band.p2) < 0 else 128) + (band.a2 * 32512 >> 15)
    a2 = A2_MOST if a2 > A2_MOST else (-A2_MOST if a2 < -A2_MOST else a2)
    a1 = limited((-192 if turned else 192) + (band.a1 * 32640 >> 15))
    most = A1_MOST - a2
    band.a1 = most if a1 > most else (-most if a1 < -most else a1)
    band.a2 = a2
    band.p2 = band.p1
    band.p1 = p
    band.r2 = band.r1
    band.r1 = r
    return limited((band.a1 * limited(2 * band.r1) >> 15) + (band.a2 * limited(2 * band.r2) >> 15))


cdef inline int32_t predict_zeros(g722_band_t *band, int32_t d) noexcept nogil:
    """UPZERO and FILTEZ: adapt the zeros; the prediction they make."""
    cdef int32_t toward = 0 if d == 0 else 128
    cdef int32_t total = 0, b, newest = d, older
    cdef int i
    for i in range(6):
        older = band.d[i]
        b = (band.b[i] * 32640 >> 15) + (-toward if (older ^ d) < 0 else toward)
        b = limited(b)
        band.b[i] = b
        band.d[i] = newest
        total += b * limited(2 * newest) >> 15
        newest = older
    return limited(total)


cdef inline void follow(g722_band_t *band, int32_t d) noexcept nogil:
    """RECONS, PARREC and PREDIC: take in a difference, and predict the next sample."""
    cdef int32_t r = limited(band.s + d)
    cdef int32_t p = limited(band.sz + d)
    cdef int32_t poles = predict_poles(band, r, p)
    band.sz = predict_zeros(band, d)
    band.s = limited(poles + band.sz)


cdef inline int quantised_low(int32_t error, int32_t step) noexcept nogil:
    """QUANTL: six bits, never 0 to 3: those would be runs of zeros on a line."""
    cdef int32_t size = ~error if error < 0 else error
    # The first level with size < level * step >> 12, found without trying them in turn.
    cdef int32_t level = (((size + 1) << 12) + step - 1) // step
    cdef int first = interval[level] if level <= Q6_MOST else 30
    if error >= 0:
        return 62 - first
    return 64 - first if first < 3 else 34 - first


cdef inline int quantised_high(int32_t error, int32_t step) noexcept nogil:
    """QUANTH: two bits."""
    cdef int32_t size = ~error if error < 0 else error
    cdef bint far = size >= HIGH_DECISION * step >> 12
    if error < 0:
        return 0 if far else 1
    return 2 if far else 3


cdef inline int32_t filtered(const int16_t *history, const int16_t *taps) noexcept nogil:
    cdef int32_t total = 0
    cdef int i
    for i in range(16):
        total += history[i] * taps[i]
    return total


cdef void g722_init(g722_t *state) noexcept nogil:
    memset(state, 0, sizeof(g722_t))
    state.low.step = 32
    state.high.step = 8


cdef inline void recall(const g722_t *state, int16_t *even, int16_t *odd) noexcept nogil:
    """What went before the chunk."""
    memcpy(even, state.even, sizeof(state.even))
    memcpy(odd, state.odd, sizeof(state.odd))


cdef inline void remember(g722_t *state, const int16_t *even, const int16_t *odd) noexcept nogil:
    memcpy(state.even, even, sizeof(state.even))
    memcpy(state.odd, odd, sizeof(state.odd))


cdef void encode_chunk(g722_t *state, const int16_t *samples, int codes,
                       uint8_t *out) noexcept nogil:
    cdef int16_t[CHUNK + 16] even, odd
    cdef int32_t ahead, behind
    cdef int i, low, high
    recall(state, even, odd)
    for i in range(codes):
        even[G722_HISTORY + i] = samples[2 * i]
        odd[G722_HISTORY + i] = samples[2 * i + 1]
    memset(even + G722_HISTORY + codes, 0, 5 * sizeof(int16_t))
    memset(odd + G722_HISTORY + codes, 0, 5 * sizeof(int16_t))
    remember(state, even + codes, odd + codes)
    for i in range(codes):
        ahead = filtered(even + i, mirror)
        behind = filtered(odd + i, mirrored)
        low = quantised_low(limited(((behind + ahead) >> 14) - state.low.s), state.low.step)
        follow(&state.low, qm4[low >> 2] * state.low.step >> 15)
        high = quantised_high(limited(((behind - ahead) >> 14) - state.high.s), state.high.step)
        follow(&state.high, qm2[high] * state.high.step >> 15)
        adapt(&state.low, low_moves[low >> 2], LOW_STEP_MAX, 8)
        adapt(&state.high, high_moves[high], HIGH_STEP_MAX, 10)
        out[i] = <uint8_t>(high << 6 | low)


cdef void g722_encode(g722_t *state, const int16_t *samples, int codes,
                      uint8_t *out) noexcept nogil:
    cdef int at = 0
    while at < codes:
        encode_chunk(state, samples + 2 * at, min(codes - at, <int>CHUNK), out + at)
        at += CHUNK


cdef inline int32_t within_15_bits(int32_t value) noexcept nogil:
    return 16383 if value > 16383 else (-16384 if value < -16384 else value)


cdef void decode_chunk(g722_t *state, const uint8_t *codes, int count,
                       int16_t *samples) noexcept nogil:
    cdef int16_t[CHUNK + 16] even, odd
    cdef int32_t low, high, difference
    cdef int i, code
    recall(state, even, odd)
    for i in range(count):
        code = codes[i] & 63
        low = within_15_bits(state.low.s + (qm6[code] * state.low.step >> 15))
        code >>= 2
        follow(&state.low, qm4[code] * state.low.step >> 15)
        adapt(&state.low, low_moves[code], LOW_STEP_MAX, 8)
        code = codes[i] >> 6
        difference = qm2[code] * state.high.step >> 15
        high = within_15_bits(state.high.s + difference)
        follow(&state.high, difference)
        adapt(&state.high, high_moves[code], HIGH_STEP_MAX, 10)
        even[G722_HISTORY + i] = <int16_t>(low + high)
        odd[G722_HISTORY + i] = <int16_t>(low - high)
    memset(even + G722_HISTORY + count, 0, 5 * sizeof(int16_t))
    memset(odd + G722_HISTORY + count, 0, 5 * sizeof(int16_t))
    remember(state, even + count, odd + count)
    for i in range(count):
        samples[2 * i] = <int16_t>limited(filtered(odd + i, mirrored) >> 11)
        samples[2 * i + 1] = <int16_t>limited(filtered(even + i, mirror) >> 11)


cdef void g722_decode(g722_t *state, const uint8_t *codes, int count,
                      int16_t *samples) noexcept nogil:
    cdef int at = 0
    while at < count:
        decode_chunk(state, codes + at, min(count - at, <int>CHUNK), samples + 2 * at)
        at += CHUNK


cdef int32_t led_to(int32_t step_log, const uint8_t *codes, int count, int low) noexcept nogil:
    """The logarithm of the step size behind codes of one of the bands."""
    cdef int i
    for i in range(count):
        step_log = (step_log * 127 >> 7) + (low_moves[codes[i] >> 2 & 15] if low
                                            else high_moves[codes[i] >> 6])
        step_log = max(0, min(step_log, <int32_t>(LOW_STEP_MAX if low else HIGH_STEP_MAX)))
    return step_log


cdef void read_low(const g722_band_t *low, int32_t *known) noexcept nogil:
    known[0] = low.a1
    known[1] = low.a2
    memcpy(known + 2, low.b, sizeof(low.b))
    known[8] = low.step_log


cdef void begin_low(g722_band_t *low, const int32_t *known) noexcept nogil:
    """With these coefficients and this step size, and nothing heard."""
    cdef int i
    memset(low, 0, sizeof(g722_band_t))
    low.a2 = max(-A2_MOST, min(<int32_t>A2_MOST, known[1]))
    low.a1 = max(low.a2 - A1_MOST, min(A1_MOST - low.a2, known[0]))
    for i in range(6):
        low.b[i] = limited(known[2 + i])
    low.step_log = max(0, min(<int32_t>LOW_STEP_MAX, known[8]))
    low.step = scaled(low.step_log, 8)


cdef void lead_low(g722_band_t *low, const uint8_t *codes, int count,
                   g722_clues_t *clues) noexcept nogil:
    """Decode codes of the low band, and note what they tell."""
    cdef int32_t difference
    cdef int i, code
    for i in range(count):
        code = codes[i] & 63
        difference = qm6[code] * low.step >> 15
        clues.sizes[i] = <int16_t>(qm6[code] if qm6[code] > 0 else -qm6[code])
        clues.differences[i] = <int16_t>limited(difference)
        clues.heard[i] = <int16_t>within_15_bits(low.s + difference)
        code >>= 2
        clues.signs[i] = <int16_t>((qm4[code] > 0) - (qm4[code] < 0))
        follow(low, qm4[code] * low.step >> 15)
        adapt(low, low_moves[code], LOW_STEP_MAX, 8)


cdef void gather(const g722_t *state, int missing, const uint8_t *following, int count,
                 g722_clues_t *clues) noexcept nogil:
    """Where the first codes behind a gap lead the low band from what it was before."""
    cdef g722_band_t low
    clues.missing = missing
    read_low(&state.low, clues.before)
    g722_fade(clues.before, missing, led_to(state.low.step_log, following, count, 1))
    begin_low(&low, clues.before)
    lead_low(&low, following, count, clues)
    read_low(&low, clues.behind)


cdef void g722_resume(g722_t *state, int missing, const uint8_t *following,
                      int count) noexcept nogil:
    """What the missing codes taught the other side is not known; what is likeliest instead.

    A predictor that is wrong distorts for 60 ms, and the gap is filled towards what it makes. What
    follows tells where predictor and step size lead to, wherever they were: from that and
    from what they were they are guessed. What they had heard is left out: it is of another time.
    The high band's predictor was never of much use.
    """
    cdef g722_band_t *high = &state.high
    cdef g722_clues_t clues
    cdef int32_t[G722_KNOWN] likely
    cdef int i
    count = min(count, <int>G722_CLUES)
    gather(state, missing, following, count, &clues)
    if count == G722_CLUES:
        g722_guess(&clues, likely)
    else:
        g722_halfway(&clues, likely)
    begin_low(&state.low, likely)
    for i in range(6):
        high.b[i] = 0
    high.a1 = high.a2 = 0
    high.step_log = (high.step_log + led_to(high.step_log, following, count, 0)) // 2
    high.step = scaled(high.step_log, 10)


cdef class Encoder:
    """From int16 samples at 16 kHz, an even number, to one octet for two of them."""

    def __cinit__(self):
        g722_init(&self.state)

    def encode(self, pcm) -> bytes:
        cdef Py_buffer view
        cdef bytes result
        PyObject_GetBuffer(pcm, &view, PyBUF_SIMPLE)
        try:
            if view.len & 3 or view.len > MAX_BYTES:
                raise ValueError("G.722 codes two samples at a time: an odd number was given")
            result = PyBytes_FromStringAndSize(NULL, view.len >> 2)
            g722_encode(&self.state, <const int16_t *>view.buf, <int>(view.len >> 2),
                        <uint8_t *>PyBytes_AS_STRING(result))
            return result
        finally:
            PyBuffer_Release(&view)


cdef class Decoder:
    """From octets to two int16 samples at 16 kHz for each."""

    def __cinit__(self):
        g722_init(&self.state)

    def decode(self, codes) -> bytes:
        cdef Py_buffer view
        cdef bytes result
        PyObject_GetBuffer(codes, &view, PyBUF_SIMPLE)
        try:
            if view.len > MAX_BYTES:
                raise ValueError("too many codes at once")
            result = PyBytes_FromStringAndSize(NULL, 4 * view.len)
            g722_decode(&self.state, <const uint8_t *>view.buf, <int>view.len,
                        <int16_t *>PyBytes_AS_STRING(result))
            return result
        finally:
            PyBuffer_Release(&view)

    def resume(self, int missing, following) -> None:
        """So many codes are missing; `following` is decoded next."""
        cdef Py_buffer view
        PyObject_GetBuffer(following, &view, PyBUF_SIMPLE)
        g722_resume(&self.state, missing, <const uint8_t *>view.buf,
                    <int>min(view.len, MAX_BYTES))
        PyBuffer_Release(&view)

    def copy(self) -> Decoder:
        cdef Decoder other = Decoder()
        other.state = self.state
        return other

    def low(self) -> list:
        """The low band's predictor and step size, as they are guessed behind a loss."""
        cdef int32_t[G722_KNOWN] known
        read_low(&self.state.low, known)
        return [known[i] for i in range(G722_KNOWN)]

    def hints(self, int missing, bytes following) -> tuple:
        """What a guess is made from, and where it begins: halfway."""
        cdef g722_clues_t clues
        cdef int32_t[G722_KNOWN] halfway
        cdef float[G722_HINTS + 1] hints
        if len(following) != G722_CLUES:
            raise ValueError("a guess is made from 160 codes")
        gather(&self.state, missing, <const uint8_t *>PyBytes_AS_STRING(following), G722_CLUES,
               &clues)
        g722_halfway(&clues, halfway)
        g722_hints(&clues, hints)
        return [hints[i] for i in range(G722_HINTS)], [halfway[i] for i in range(G722_KNOWN)]
