"""A sound card is a slave behind a ring: its clock's drift is taken up by resampling.

`drift_measure` watches the level of the ring and says by how much faster or slower the audio
must go (a proportional and integral controller); `drift_resample` does it with a cubic
interpolator (Catmull-Rom), whose error is far below 16 bits for speech at a card's rate.
Corrections stay under 2000 ppm, which nobody hears. A level that is too high by more than that
mends soon is brought down at once by `drift_skip`, which leaves samples out under a crossfade.
Filling a ring that ran dry, and dropping what no crossfade hides, is for the endpoint.
"""

from libc.stdint cimport int16_t
from libc.string cimport memset

# Crystals are within 200 ppm; the rest of the room brings the level back after a stall.
cdef double CORRECTION_MAX = 0.002
# The level jumps by a device period at each callback; a second smooths that out.
cdef double SMOOTHING_S = 1.0
# Critically damped at a time constant of about 10 s for the level.
cdef double PROPORTIONAL = 0.2
cdef double INTEGRAL = 0.01


# Two periods of most cards: less than that may only be how their callbacks come in pairs.
cdef double SKIP_MS = 10.0


cdef void drift_reset(drift_t *drift, int rate, double target) noexcept nogil:
    memset(drift, 0, sizeof(drift_t))
    drift.rate = rate
    drift.target = target


cdef double clamp(double value, double limit) noexcept nogil:
    return max(-limit, min(limit, value))


cdef double drift_measure(drift_t *drift, double level, double seconds) noexcept nogil:
    """The ratio of samples taken to samples given for the next block: above 1 drains a
    playout ring less, that is, puts fewer samples into it."""
    cdef double weight = min(1.0, seconds / SMOOTHING_S)
    cdef double error = level - drift.target
    drift.error += weight * (error - drift.error)
    drift.offset = clamp(
        drift.offset + INTEGRAL * seconds * drift.error / drift.rate, CORRECTION_MAX
    )
    return 1.0 + clamp(PROPORTIONAL * drift.error / drift.rate + drift.offset, CORRECTION_MAX)


cdef int drift_skip(drift_t *drift, int16_t *samples, int count) noexcept nogil:
    """Leave up to half of the block out, if the level is far too high; returns what is left."""
    cdef int skipped = min(count // 2, <int>drift.error)
    cdef int left = count - skipped
    cdef int index
    if drift.error < SKIP_MS * drift.rate / 1000:
        return count
    for index in range(left):
        samples[index] = <int16_t>(
            (samples[index] * (left - index) + samples[index + skipped] * index) // left
        )
    drift.error -= skipped
    return left


cdef int16_t rounded(double value) noexcept nogil:
    value += 0.5 if value >= 0 else -0.5
    return <int16_t>max(-32768.0, min(32767.0, value))


cdef double between(double a, double b, double c, double d, double t) noexcept nogil:
    """Catmull-Rom from b (t = 0) to c (t = 1)."""
    return b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)))


cdef int drift_resample(
    drift_t *drift, double ratio, const int16_t *samples, int count, int16_t *out, int capacity
) noexcept nogil:
    """Take all `count` samples in; give about count / ratio, two samples later."""
    cdef int16_t window[DRIFT_BLOCK_MAX + 3]
    cdef int given = 0
    cdef int index, at
    count = min(count, DRIFT_BLOCK_MAX)
    for index in range(3):
        window[index] = drift.history[index]
    for index in range(count):
        window[3 + index] = samples[index]
    while given < capacity:
        at = <int>drift.position
        if at >= count:
            break
        out[given] = rounded(between(
            window[at], window[at + 1], window[at + 2], window[at + 3], drift.position - at
        ))
        given += 1
        drift.position += ratio
    drift.position = max(0.0, drift.position - count)
    for index in range(3):
        drift.history[index] = window[count + index]
    return given


cdef class Drift:
    """The controller and the interpolator from Python, for tests in virtual time."""

    def __cinit__(self, int rate, double target):
        drift_reset(&self.drift, rate, target)

    def measure(self, level, seconds):
        return drift_measure(&self.drift, level, seconds)

    def skip(self, int16_t[::1] samples not None):
        return drift_skip(&self.drift, &samples[0], <int>samples.shape[0])

    def resample(self, ratio, const int16_t[::1] samples not None):
        cdef int16_t out[2 * DRIFT_BLOCK_MAX]
        cdef int count = <int>samples.shape[0]
        if count == 0 or count > DRIFT_BLOCK_MAX:
            raise ValueError(f"a block is 1 to {DRIFT_BLOCK_MAX} samples, not {count}")
        given = drift_resample(&self.drift, ratio, &samples[0], count, out, 2 * DRIFT_BLOCK_MAX)
        return (<char *>out)[:2 * given]
