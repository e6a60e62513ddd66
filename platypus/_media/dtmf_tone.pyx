"""Keys of a telephone as tones in the sound, both ways (ITU-T Q.23, Q.24).

Heard by Goertzel filters over blocks of 12.75 ms, two for each tone: tones may be 1.5 % off, and
one filter would see three quarters of such a one. A key is heard when two blocks in a
row have one tone of each group and hardly anything else, equally loud in both (a voice glides);
so the shortest key that Q.24 wants to be heard, 40 ms, always is. It is told when it ends,
which is after two blocks without it: a hole of 20 ms splits none.

For calls in which no telephone-events (RFC 4733) were agreed: those are surer and cheaper.
"""

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.math cimport M_PI, cos
from libc.stdint cimport int16_t, int64_t, uint8_t, uint32_t
from libc.string cimport memset

from platypus._media.tone cimport tone_fill, tone_init


cdef enum:
    BLOCK = 102              # samples of 8 kHz: filters 78 Hz wide, closer than any two tones
    BLOCK_US = 12750
    MISSES = 2               # blocks that end a key

KEYS = "0123456789*#ABCD"    # by event: RFC 4733, 3.2

cdef double[DTMF_TONES] hz
hz[:] = [697.0, 770.0, 852.0, 941.0, 1209.0, 1336.0, 1477.0, 1633.0]
# By row and column, the event; and back.
cdef int[16] events
events[:] = [1, 2, 3, 12, 4, 5, 6, 13, 7, 8, 9, 14, 10, 0, 11, 15]
cdef int[16] places
places[:] = [13, 0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 14, 3, 7, 11, 15]

cdef double AMPLITUDE = 8100.0       # -9 dBm0 each: as phones send them
cdef float LEAST_AMPLITUDE = 500.0   # -33 dBm0
cdef double ASIDE = 0.009            # how far a filter lies from its tone: both meet at it
cdef float TWIST = 10.0              # one group over the other, in power: 8 dB, and what noise adds
cdef float ALONE = 6.3               # a tone over the others of its group: 8 dB
cdef float PURE = 0.77               # of all energy: what a tone of 20 ms does not have
cdef float STEADY = 2.0              # from one block to the next: 3 dB


cdef void dtmf_sender_init(dtmf_sender_t *sender) noexcept nogil:
    memset(sender, 0, sizeof(dtmf_sender_t))


cdef int dtmf_queue(dtmf_sender_t *sender, int event, int tone_ms, int gap_ms) noexcept nogil:
    cdef dtmf_key_t *key
    if sender.count == DTMF_QUEUE or not 0 <= event < 16:
        return -1
    key = &sender.keys[(sender.first + sender.count) % DTMF_QUEUE]
    key.event = event
    key.tone_ms = tone_ms
    key.gap_ms = gap_ms
    sender.count += 1
    return 0


cdef bint dtmf_sending(const dtmf_sender_t *sender) noexcept nogil:
    return sender.count > 0 or sender.tone_left > 0 or sender.gap_left > 0


cdef void begin_key(dtmf_sender_t *sender, int rate) noexcept nogil:
    cdef const dtmf_key_t *key = &sender.keys[sender.first]
    cdef double[2] tones
    cdef double[2] amplitudes
    tones[0] = hz[places[key.event] >> 2]
    tones[1] = hz[4 + (places[key.event] & 3)]
    amplitudes[0] = amplitudes[1] = AMPLITUDE
    tone_init(&sender.tone, rate, tones, amplitudes, 2, NULL, 0)
    sender.rate = rate
    sender.tone_left = <int64_t>key.tone_ms * rate // 1000
    sender.gap_left = <int64_t>key.gap_ms * rate // 1000
    sender.first = (sender.first + 1) % DTMF_QUEUE
    sender.count -= 1


cdef void dtmf_fill(dtmf_sender_t *sender, int16_t *frame, int count, int rate) noexcept nogil:
    """Put the tones in the place of what is in the frame, as far as they last."""
    cdef int part
    if rate != sender.rate:  # the codec has changed: a key that is cut off is heard all the same
        sender.tone_left = sender.gap_left = 0
    while count > 0:
        if sender.tone_left == 0 and sender.gap_left == 0:
            if sender.count == 0:
                return
            begin_key(sender, rate)
        if sender.tone_left > 0:
            part = <int>min(<int64_t>count, sender.tone_left)
            tone_fill(&sender.tone, frame, part)
            sender.tone_left -= part
        else:
            part = <int>min(<int64_t>count, sender.gap_left)
            memset(frame, 0, part * sizeof(int16_t))
            sender.gap_left -= part
        frame += part
        count -= part


cdef void dtmf_receiver_init(dtmf_receiver_t *receiver, int rate) noexcept nogil:
    cdef double aside
    cdef int i
    memset(receiver, 0, sizeof(dtmf_receiver_t))
    receiver.rate = rate
    receiver.block = BLOCK * rate // 8000
    receiver.key = receiver.candidate = -1
    for i in range(DTMF_FILTERS):
        aside = 1.0 + ASIDE if i & 1 else 1.0 - ASIDE
        receiver.coefficient[i] = <float>(2.0 * cos(2.0 * M_PI * hz[i >> 1] * aside / rate))


cdef int strongest(const float *powers, const float *least) noexcept nogil:
    """Which of four is the strongest, if it is so by far; else -1.

    Of the others the filter that sees less of them: the nearer one sees this one too.
    """
    cdef int best = 0, i
    for i in range(1, 4):
        if powers[i] > powers[best]:
            best = i
    for i in range(4):
        if i != best and least[i] * ALONE > powers[best]:
            return -1
    return best


cdef float power_of(const dtmf_receiver_t *receiver, int i) noexcept nogil:
    return (receiver.last[i] * receiver.last[i] + receiver.before[i] * receiver.before[i]
            - receiver.coefficient[i] * receiver.last[i] * receiver.before[i])


cdef int key_of_block(dtmf_receiver_t *receiver) noexcept nogil:
    """The event whose two tones the block is made of, or -1."""
    cdef float[DTMF_TONES] powers
    cdef float[DTMF_TONES] lesser
    cdef float below, above
    cdef float half = receiver.block / <float>2.0
    cdef float least = LEAST_AMPLITUDE * LEAST_AMPLITUDE * half * half
    cdef int i, row, column
    for i in range(DTMF_TONES):
        below, above = power_of(receiver, 2 * i), power_of(receiver, 2 * i + 1)
        powers[i], lesser[i] = max(below, above), min(below, above)
    row = strongest(powers, lesser)
    column = strongest(powers + 4, lesser + 4)
    if row < 0 or column < 0 or powers[row] < least or powers[4 + column] < least:
        return -1
    if powers[row] > TWIST * powers[4 + column] or powers[4 + column] > TWIST * powers[row]:
        return -1
    # A lone sine has the energy A^2 N / 2, and in its filter A^2 N^2 / 4.
    if powers[row] + powers[4 + column] < PURE * receiver.energy * half:
        return -1
    return events[4 * row + column]


cdef int take_block(dtmf_receiver_t *receiver, int *duration_ms) noexcept nogil:
    """Whether a key has begun, goes on or has ended; the one that has, or -1."""
    cdef int heard = key_of_block(receiver)
    cdef float energy = receiver.energy
    cdef bint steady = (heard >= 0 and heard == receiver.candidate
                        and energy < STEADY * receiver.candidate_energy
                        and receiver.candidate_energy < STEADY * energy)
    cdef int ended = -1
    receiver.candidate = heard
    receiver.candidate_energy = energy
    if heard >= 0 and heard == receiver.key:
        receiver.blocks += 1 + receiver.misses
        receiver.misses = 0
        return -1
    receiver.misses += 1
    if receiver.key >= 0 and (receiver.misses >= MISSES or steady):
        ended = receiver.key
        # Its edges lie in the blocks around, half of one on the average.
        duration_ms[0] = (receiver.blocks * 2 + 1) * BLOCK_US // 2000
        receiver.key = -1
    if steady:
        receiver.key = heard
        receiver.blocks = 2
        receiver.misses = 0
    return ended


cdef int dtmf_hear(dtmf_receiver_t *receiver, const int16_t *frame, int count,
                   int *duration_ms) noexcept nogil:
    """At most a key ends in a frame of 20 ms."""
    cdef int ended = -1, found, i, j
    cdef float sample, value
    for i in range(count):
        sample = frame[i]
        receiver.energy += sample * sample
        for j in range(DTMF_FILTERS):
            value = receiver.coefficient[j] * receiver.last[j] - receiver.before[j] + sample
            receiver.before[j] = receiver.last[j]
            receiver.last[j] = value
        receiver.filled += 1
        if receiver.filled == receiver.block:
            found = take_block(receiver, duration_ms)
            if found >= 0:
                ended = found
            receiver.filled = 0
            receiver.energy = 0
            memset(receiver.last, 0, sizeof(receiver.last))
            memset(receiver.before, 0, sizeof(receiver.before))
    return ended


cdef class KeySender:
    """Presses keys for Python, for tests."""

    def __cinit__(self, int rate=8000):
        dtmf_sender_init(&self.sender)
        self.rate = rate

    def press(self, keys, int tone_ms=100, int gap_ms=100) -> None:
        for key in keys:
            event = KEYS.find(key)
            if event < 0 or dtmf_queue(&self.sender, event, tone_ms, gap_ms) < 0:
                raise ValueError(f"{key!r} is no key, or too many of them wait")

    def fill(self, pcm) -> bytes:
        """The frame with the tones in it that are due."""
        cdef bytes frame = bytes(pcm)
        cdef bytes result = PyBytes_FromStringAndSize(PyBytes_AS_STRING(frame), len(frame))
        dtmf_fill(&self.sender, <int16_t *>PyBytes_AS_STRING(result), <int>(len(result) // 2),
                  self.rate)
        return result

    @property
    def sending(self) -> bool:
        return dtmf_sending(&self.sender)


cdef class KeyReceiver:
    """Hears keys for Python, for tests."""

    def __cinit__(self, int rate=8000):
        if not 8000 <= rate <= 48000:
            raise ValueError(f"no keys are heard at {rate} samples a second")
        dtmf_receiver_init(&self.receiver, rate)

    def hear(self, pcm) -> list:
        """The keys that ended, each with the ms it was pressed."""
        cdef Py_buffer view
        cdef int at = 0, count, event, duration_ms = 0
        found = []
        PyObject_GetBuffer(pcm, &view, PyBUF_SIMPLE)
        while at < view.len // 2:
            count = min(self.receiver.rate // 100, <int>(view.len // 2) - at)
            event = dtmf_hear(&self.receiver, <const int16_t *>view.buf + at, count, &duration_ms)
            if event >= 0:
                found.append((KEYS[event], duration_ms))
            at += count
        PyBuffer_Release(&view)
        return found
