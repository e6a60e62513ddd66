"""What a card's callback does to its samples: a gain, a tune on top, and how loud it was.

    samples -> + tune -> gain -> level -> the card (or, of a microphone, its ring)

A tune (ring tone, ringback, a digit in the ear) is rendered once and mixed in here, so that it
needs no turn of the media loop and no timer of Python, and sounds over a call or without one.
Python hands it over by a serial number; the card says which it plays, and only then are the
samples of those before freed. Gains change over one block, and a tune that is cut off fades
over one: nothing clicks.

Rendering tunes, and deciding when one is due, is not here.
"""

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING
from libc.stdint cimport int16_t, int32_t, int64_t, uint32_t
from libc.string cimport memset

from platypus._media.platform cimport platform_load_acquire, platform_store_release


cdef void overlay_reset(overlay_t *overlay, int rate) noexcept nogil:
    memset(overlay, 0, sizeof(overlay_t))
    overlay.gain = UNITY
    overlay.last_gain = UNITY
    overlay.window = max(1, rate // 10)


cdef inline int16_t limited(int64_t value) noexcept nogil:
    return <int16_t>max(<int64_t>-32768, min(<int64_t>32767, value))


cdef void amplify(overlay_t *overlay, int16_t *samples, int count) noexcept nogil:
    """From the gain of the block before to the one that is wanted now."""
    cdef int64_t before = overlay.last_gain
    cdef int64_t step = <int64_t>platform_load_acquire(&overlay.gain) - before
    cdef int index
    overlay.last_gain = <int32_t>(before + step)
    if before == UNITY and step == 0:
        return
    for index in range(count):
        samples[index] = limited(samples[index] * (before + step * (index + 1) // count) >> 16)


cdef void mix_tune(overlay_t *overlay, int16_t *samples, int count, bint fades) noexcept nogil:
    """Add the tune; `fades` for the last block of one that is cut off."""
    cdef tune_t *tune = &overlay.playing
    cdef int64_t value
    cdef int index
    for index in range(count):
        if overlay.position >= tune.count:
            if not tune.loops or tune.count == 0:
                break
            overlay.position = 0
        value = tune.samples[overlay.position]
        if fades:
            value = value * (count - index) // count
        samples[index] = limited(samples[index] + value)
        overlay.position += 1


cdef void take_up(overlay_t *overlay, int16_t *samples, int count) noexcept nogil:
    """Go on to the tune that is wanted now, if that is another one."""
    cdef uint32_t wanted = platform_load_acquire(&overlay.wanted)
    if wanted == overlay.taken:
        return
    mix_tune(overlay, samples, count, True)
    overlay.playing = overlay.tunes[wanted % TUNES]
    overlay.position = 0
    platform_store_release(&overlay.taken, wanted)


cdef void measure(overlay_t *overlay, const int16_t *samples, int count) noexcept nogil:
    cdef int index, value
    for index in range(count):
        value = samples[index]
        if value < 0:
            value = -value
        if value > overlay.peak:
            overlay.peak = value
    overlay.frames += count
    if overlay.frames >= overlay.window:
        platform_store_release(&overlay.level, <uint32_t>overlay.peak)
        overlay.frames = overlay.peak = 0


cdef void overlay_shape(overlay_t *overlay, int16_t *samples, int count) noexcept nogil:
    take_up(overlay, samples, count)
    if overlay.playing.count:
        mix_tune(overlay, samples, count, False)
        if overlay.position >= overlay.playing.count and not overlay.playing.loops:
            overlay.playing.count = 0
            platform_store_release(&overlay.ended, overlay.taken)
    amplify(overlay, samples, count)
    measure(overlay, samples, count)


cdef class Overlay:
    """The handle of Python; `apply` stands in for the card where the callback is Python's."""

    def __cinit__(self, int rate):
        overlay_reset(&self.overlay, rate)
        self.kept = {}

    def play(self, bytes pcm not None, *, bint loop=False):
        """Play this instead of what plays; False when the card has not taken up the ones before."""
        cdef uint32_t serial = self.overlay.wanted + 1
        cdef tune_t *tune = &self.overlay.tunes[serial % TUNES]
        if len(pcm) & 1:
            raise ValueError("PCM has two bytes a sample: an odd length was given")
        self.let_go()
        if serial - platform_load_acquire(&self.overlay.taken) >= TUNES:
            return False
        tune.samples = <const int16_t *>PyBytes_AS_STRING(pcm)
        tune.count = len(pcm) // 2
        tune.loops = loop
        self.kept[serial] = pcm
        platform_store_release(&self.overlay.wanted, serial)
        return True

    def stop(self):
        """Let what plays fade at once."""
        return self.play(b"")

    cdef int let_go(self) except -1:
        """Free what the card no longer reads."""
        taken = platform_load_acquire(&self.overlay.taken)
        for serial in [each for each in self.kept if each < taken]:
            del self.kept[serial]
        return 0

    @property
    def playing(self):
        """Whether a tune is heard, or about to be."""
        cdef uint32_t wanted = self.overlay.wanted
        return (
            self.overlay.tunes[wanted % TUNES].count > 0
            and platform_load_acquire(&self.overlay.ended) != wanted
        )

    @property
    def gain(self):
        return platform_load_acquire(&self.overlay.gain) / <double>UNITY

    @gain.setter
    def gain(self, double value):
        if not 0.0 <= value <= GAIN_MAX / UNITY:
            raise ValueError(f"a gain is 0 to {GAIN_MAX // UNITY}, not {value:g}")
        platform_store_release(&self.overlay.gain, <uint32_t>(value * UNITY))

    @property
    def level(self):
        """The peak of the last 100 ms as a fraction of full scale."""
        return platform_load_acquire(&self.overlay.level) / 32768.0

    def apply(self, bytearray pcm not None):
        """Shape these int16 samples in place."""
        cdef Py_buffer view
        PyObject_GetBuffer(pcm, &view, PyBUF_SIMPLE)
        try:
            overlay_shape(&self.overlay, <int16_t *>view.buf, <int>(view.len // 2))
        finally:
            PyBuffer_Release(&view)
