"""Echo cancelling by WebRTC's audio processing, in a library that is called by address.

    what is played, 10 ms -> canceller_hear           the microphone, 10 ms -> canceller_say -> clean

The library is livekit's. Its C entry takes requests in protobuf's encoding: of the four messages
that are needed three have a fixed form, so they are written once for a rate and name the address
of a buffer of ours. It allocates inside; it takes no lock of Python's. Both sides are called by
the media thread alone. A request that fails leaves the samples as they are, and is counted.

Where the library is, and whether it should be used, is for `platypus.audio.echo`.
"""

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from libc.stdint cimport int16_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy, memset

from platypus._media.platform cimport (
    platform_fetch_add, platform_load_acquire, platform_store_release,
)

# livekit's ffi.proto and audio_frame.proto, since version 1.0: fields of FfiRequest, FfiResponse.
cdef int NEW_MODULE = 50, PROCESS = 51, PROCESS_REVERSE = 52
cdef int NEW_MODULE_ANSWER = 49
cdef uint8_t ANSWERED = 0  # the length of an answer that names no error
# Of NewApmRequest.
cdef int CANCEL_ECHO = 1, CONTROL_GAIN = 2, PASS_HIGH = 3, SUPPRESS_NOISE = 4
cdef int VARINT = 0, BYTES = 2  # wire types


cdef int put_varint(uint8_t *out, uint64_t value) noexcept nogil:
    cdef int length = 0
    while value > 127:
        out[length] = <uint8_t>(value & 127 | 128)
        value >>= 7
        length += 1
    out[length] = <uint8_t>value
    return length + 1


cdef int put_field(uint8_t *out, int field, uint64_t value) noexcept nogil:
    cdef int length = put_varint(out, field << 3 | VARINT)
    return length + put_varint(out + length, value)


cdef void write_message(lane_t *lane, uint64_t module, int rate) noexcept nogil:
    """The request to process 10 ms in the lane's buffer."""
    cdef uint8_t inner[MESSAGE_MAX]
    cdef int length = 0
    length += put_field(inner + length, 1, module)
    length += put_field(inner + length, 2, <uint64_t><size_t>&lane.samples[0])
    length += put_field(inner + length, 3, rate // 100 * sizeof(int16_t))
    length += put_field(inner + length, 4, rate)
    length += put_field(inner + length, 5, 1)  # channel
    lane.length = put_varint(lane.message, lane.request << 3 | BYTES)
    lane.length += put_varint(lane.message + lane.length, length)
    memcpy(lane.message + lane.length, inner, length)
    lane.length += length


cdef bint process(canceller_t *canceller, lane_t *lane) noexcept nogil:
    """Whether the answer is to this request, one number less, and names no error."""
    cdef const uint8_t *answer = NULL
    cdef size_t length = 0
    cdef uint64_t handle = canceller.call(lane.message, lane.length, &answer, &length)
    cdef uint8_t wanted[8]
    cdef int tag = put_varint(wanted, lane.request - 1 << 3 | BYTES)
    cdef bint done = (answer != NULL and length == <size_t>tag + 1
                      and memcmp(answer, wanted, tag) == 0 and answer[tag] == ANSWERED)
    if handle:
        canceller.drop(handle)
    if not done:
        platform_fetch_add(&canceller.failures, 1)
    return done


cdef bint ready(canceller_t *canceller, int rate) noexcept nogil:
    if not platform_load_acquire(&canceller.enabled) or rate // 100 > BLOCK_MAX:
        return False
    if rate != canceller.rate:
        canceller.rate = rate
        write_message(&canceller.said, canceller.module, rate)
        write_message(&canceller.heard, canceller.module, rate)
    return True


cdef void canceller_hear(
    canceller_t *canceller, const int16_t *frame, int count, int rate
) noexcept nogil:
    """What is about to be played, in blocks of 10 ms."""
    cdef int block = rate // 100
    if not ready(canceller, rate):
        return
    while count >= block:
        memcpy(canceller.heard.samples, frame, block * sizeof(int16_t))
        process(canceller, &canceller.heard)
        frame += block
        count -= block


cdef void canceller_say(canceller_t *canceller, int16_t *frame, int count, int rate) noexcept nogil:
    """What the microphone heard, in place."""
    cdef int block = rate // 100
    if not ready(canceller, rate):
        return
    while count >= block:
        memcpy(canceller.said.samples, frame, block * sizeof(int16_t))
        if process(canceller, &canceller.said):
            memcpy(frame, canceller.said.samples, block * sizeof(int16_t))
        frame += block
        count -= block


cdef class Canceller:
    """One microphone's. `functions`: the addresses of the library's two entries."""

    def __cinit__(self, functions, *, bint echo=True, bint noise=True, bint gain=True):
        cdef size_t address = functions["livekit_ffi_request"]
        memset(&self.canceller, 0, sizeof(canceller_t))
        (<size_t *>&self.canceller.call)[0] = address
        address = functions["livekit_ffi_drop_handle"]
        (<size_t *>&self.canceller.drop)[0] = address
        self.canceller.said.request = PROCESS
        self.canceller.heard.request = PROCESS_REVERSE
        self.canceller.module = self.new_module(echo, noise, gain)
        self.canceller.enabled = 1
        self.try_out()

    def __dealloc__(self):
        if self.canceller.module:
            self.canceller.drop(self.canceller.module)

    cdef int try_out(self) except -1:
        """Another version of the library may number its messages otherwise."""
        cdef int16_t silence[BLOCK_MAX]
        memset(silence, 0, sizeof(silence))
        canceller_hear(&self.canceller, silence, BLOCK_MAX, 100 * BLOCK_MAX)
        canceller_say(&self.canceller, silence, BLOCK_MAX, 100 * BLOCK_MAX)
        if self.canceller.failures:
            raise ValueError("the library does not answer as version 1 does")
        return 0

    cdef uint64_t new_module(self, bint echo, bint noise, bint gain) except? 0:
        """Ask for one; its handle."""
        cdef uint8_t message[MESSAGE_MAX]
        cdef uint8_t inner[MESSAGE_MAX]
        cdef const uint8_t *answer = NULL
        cdef size_t length = 0
        cdef int inside = 0, outside
        inside += put_field(inner + inside, CANCEL_ECHO, echo)
        inside += put_field(inner + inside, CONTROL_GAIN, gain)
        inside += put_field(inner + inside, PASS_HIGH, True)
        inside += put_field(inner + inside, SUPPRESS_NOISE, noise)
        outside = put_varint(message, NEW_MODULE << 3 | BYTES)
        outside += put_varint(message + outside, inside)
        memcpy(message + outside, inner, inside)
        cdef uint64_t handle = self.canceller.call(message, outside + inside, &answer, &length)
        said = bytes(answer[:length]) if answer != NULL else b""
        if handle:
            self.canceller.drop(handle)
        return module_in(said)

    @property
    def enabled(self):
        return bool(platform_load_acquire(&self.canceller.enabled))

    @enabled.setter
    def enabled(self, bint on):
        platform_store_release(&self.canceller.enabled, on)

    @property
    def failures(self):
        """Blocks of 10 ms that the library did not take."""
        return platform_load_acquire(&self.canceller.failures)

    def hear(self, pcm, int rate):
        """From Python, for tests: what is played."""
        cdef Py_buffer view
        PyObject_GetBuffer(pcm, &view, PyBUF_SIMPLE)
        try:
            canceller_hear(
                &self.canceller, <const int16_t *>view.buf, <int>(view.len // 2), rate)
        finally:
            PyBuffer_Release(&view)

    def say(self, bytearray pcm not None, int rate):
        """From Python, for tests: what the microphone heard, in place."""
        cdef Py_buffer view
        PyObject_GetBuffer(pcm, &view, PyBUF_SIMPLE)
        try:
            canceller_say(&self.canceller, <int16_t *>view.buf, <int>(view.len // 2), rate)
        finally:
            PyBuffer_Release(&view)


def module_in(answer) -> int:
    """The handle in FfiResponse.new_apm.apm.handle.id; ValueError for another answer."""
    for field in (NEW_MODULE_ANSWER, 1, 1):
        answer = value_of(answer, field, BYTES)
    return value_of(answer, 1, VARINT)


cdef value_of(message, int field, int wire_type):
    """The value of one field; ValueError where it is not the first."""
    tag, rest = varint_in(message)
    number, rest = varint_in(rest)
    if tag != field << 3 | wire_type:
        raise ValueError(f"not the answer that was expected: {bytes(message)!r}")
    return rest[:number] if wire_type == BYTES else number


cdef varint_in(message):
    """A number and what follows it."""
    number = shift = 0
    for index, byte in enumerate(message[:10]):
        number |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return number, message[index + 1:]
    raise ValueError(f"an answer is cut off: {bytes(message)!r}")
