"""A source as one leg hears it: read, brought to its rate, and a card's ring held at its level.

Made with all its memory under the GIL, then run by the media thread. Nothing here allocates,
waits or touches a Python object.
"""

from libc.math cimport M_PI, cos, fmod, sin
from libc.stdint cimport int16_t, int64_t, uint32_t
from libc.string cimport memcpy, memmove, memset

from platypus._media.arena cimport arena_clear, arena_far_give, arena_far_take, arena_give
from platypus._media.drift cimport drift_measure, drift_resample, drift_reset, drift_skip
from platypus._media.edge cimport EXCESS_MS, MARGIN_MS, converts, since_callback
from platypus._media.endpoint cimport (
    BLOCK_MAX, SOURCE_BUFFER, SOURCE_ECHO, SOURCE_RING, SOURCE_SILENCE, SOURCE_TONE, STAGE_MAX,
    Source, feed_t, source_t, tone_t,
)
from platypus._media.resample cimport (
    resampler_free, resampler_max_input, resampler_max_output, resampler_needed,
    resampler_process,
)
from platypus._media.ring cimport ring_available, ring_discard, ring_read


cdef bint in_cadence(const source_t *source, int64_t at, int rate) noexcept nogil:
    """Whether a tone with a cadence is on, `at` samples into it."""
    cdef int part
    for part in range(source.cadence_count):
        at -= source.cadence_ms[part] * rate // 1000
        if at < 0:
            return part % 2 == 0
    return True


cdef void add_sine(tone_t *tone, double *sums, int count, int rate) noexcept nogil:
    """By turning a point round a circle, set right from the phase at each call."""
    cdef double step = 2 * M_PI * tone.hz / rate
    cdef double step_x = cos(step), step_y = sin(step)
    cdef double x = tone.amplitude * cos(tone.phase), y = tone.amplitude * sin(tone.phase)
    cdef double turned
    cdef int index
    for index in range(count):
        sums[index] += y
        turned = x * step_x - y * step_y
        y = x * step_y + y * step_x
        x = turned
    tone.phase = fmod(tone.phase + count * step, 2 * M_PI)


cdef void read_tone(source_t *source, int16_t *frame, int count, int rate) noexcept nogil:
    cdef double sums[BLOCK_MAX]
    cdef int64_t cycle = 0
    cdef double value
    cdef int index, part
    memset(sums, 0, count * sizeof(double))
    for part in range(source.tone_count):
        add_sine(&source.tones[part], sums, count, rate)
    for part in range(source.cadence_count):
        cycle += source.cadence_ms[part] * rate // 1000
    for index in range(count):
        value = sums[index] + (0.5 if sums[index] >= 0 else -0.5)
        frame[index] = <int16_t>max(-32768.0, min(32767.0, value))
        if cycle and not in_cadence(source, (source.tone_at + index) % cycle, rate):
            frame[index] = 0
    source.tone_at += count


cdef int read_buffer(source_t *source, int16_t *frame, int count) noexcept nogil:
    cdef int given = 0
    cdef int64_t part
    while given < count:
        if source.position == source.count:
            if not source.loops or source.count == 0:
                break
            source.position = 0
        part = min(<int64_t>(count - given), source.count - source.position)
        memcpy(frame + given, source.samples + source.position, <size_t>part * sizeof(int16_t))
        source.position += part
        given += <int>part
    return given


cdef int read_source(feed_t *feed, int16_t *frame, int count, int rate) noexcept nogil:
    """All `count` samples, silence where the source has none; returns how many were real."""
    cdef source_t *source = feed.source
    cdef int given = 0
    if source.kind == SOURCE_TONE:
        read_tone(source, frame, count, rate)
        return count
    if source.kind == SOURCE_BUFFER:
        given = read_buffer(source, frame, count)
    elif source.kind == SOURCE_RING:
        given = ring_read(source.ring, frame, count)
        feed.underruns += <uint32_t>(count - given)
    if given < count:
        memset(frame + given, 0, (count - given) * sizeof(int16_t))
    return given


cdef bint card_runs(feed_t *feed, int needed, int64_t now_ns) noexcept nogil:
    """Whether a microphone's ring holds enough to go on, or must fill first."""
    cdef source_t *source = feed.source
    cdef double level = ring_available(source.ring) + since_callback(&source.card, source.rate,
                                                                     now_ns)
    cdef int excess = <int>(level - feed.drift.target)
    if excess > EXCESS_MS * source.rate // 1000 or (excess >= 0 and not feed.running):
        ring_discard(source.ring, excess)
        feed.drift.error = 0
        feed.running = True
    elif feed.running and ring_available(source.ring) < needed:
        feed.running = False
        feed.underruns += 1
    return feed.running


cdef double card_ratio(feed_t *feed, int count, int leg_rate, int64_t now_ns) noexcept nogil:
    cdef source_t *source = feed.source
    cdef double level = ring_available(source.ring) + since_callback(&source.card, source.rate,
                                                                     now_ns)
    return drift_measure(&feed.drift, level, <double>count / leg_rate)


cdef void stage_block(feed_t *feed, int wanted, double ratio) noexcept nogil:
    """Bring at least one more sample to the stage, and `wanted` if a block gives them."""
    cdef int16_t block[BLOCK_MAX]
    cdef int16_t slid[BLOCK_MAX + 16]
    cdef const int16_t *samples = block
    cdef int count = wanted
    cdef bint card = feed.source.card.period > 0
    if feed.resampler != NULL:
        count = min(resampler_needed(feed.resampler, wanted), resampler_max_input(feed.resampler))
        # The stage must hold all that a block becomes.
        while resampler_max_output(feed.resampler, count) > STAGE_MAX - feed.staged:
            count //= 2
    count = max(1, min(count, BLOCK_MAX))
    read_source(feed, block, count, feed.source.rate)
    if card:
        count = drift_skip(&feed.drift, block, count)
        count = drift_resample(&feed.drift, ratio, block, count, slid, BLOCK_MAX + 16)
        samples = slid
    if feed.resampler != NULL:
        feed.staged += resampler_process(
            feed.resampler, samples, count, feed.stage + feed.staged, STAGE_MAX - feed.staged
        )
    else:
        memcpy(feed.stage + feed.staged, samples, count * sizeof(int16_t))
        feed.staged += count


cdef void pull_staged(
    feed_t *feed, int16_t *frame, int count, int leg_rate, int64_t now_ns
) noexcept nogil:
    cdef double ratio = 1.0
    cdef int needed
    cdef int blocks = 0
    if feed.source.card.period:
        needed = <int>(<int64_t>count * feed.source.rate // leg_rate)
        if not card_runs(feed, needed, now_ns):
            memset(frame, 0, count * sizeof(int16_t))
            return
        ratio = card_ratio(feed, count, leg_rate, now_ns)
    # A resampler that only begins takes some blocks before it gives any.
    while feed.staged < count and blocks < 64:
        stage_block(feed, count - feed.staged, ratio)
        blocks += 1
    count = min(count, feed.staged)
    memcpy(frame, feed.stage, count * sizeof(int16_t))
    feed.staged -= count
    memmove(feed.stage, feed.stage + count, feed.staged * sizeof(int16_t))


cdef void feed_pull(
    feed_t *feed, int16_t *frame, int count, int leg_rate, const int16_t *played, int64_t now_ns
) noexcept nogil:
    cdef source_t *source = feed.source
    if source == NULL or source.kind == SOURCE_SILENCE:
        memset(frame, 0, count * sizeof(int16_t))
    elif source.kind == SOURCE_ECHO:
        memcpy(frame, played, count * sizeof(int16_t))
    elif feed.resampler == NULL and not source.card.period:
        read_source(feed, frame, count, leg_rate)
    else:
        pull_staged(feed, frame, count, leg_rate, now_ns)
    if source != NULL and source.kind == SOURCE_BUFFER and not source.loops:
        feed.ended = source.position == source.count


cdef feed_t *feed_new(source_t *source, int leg_rate) noexcept nogil:
    """NULL when memory or a resampler for these rates can't be had."""
    cdef feed_t *feed = <feed_t *>arena_clear(sizeof(feed_t))
    if feed == NULL:
        return NULL
    feed.source = source
    feed.stage = <int16_t *>arena_far_take(STAGE_MAX * sizeof(int16_t))
    if feed.stage == NULL or not converts(&feed.resampler, source.rate, leg_rate):
        feed_free(feed)
        return NULL
    if source.card.period:
        # A frame is taken at once: all of it must be there, and a callback may just be due.
        drift_reset(&feed.drift, source.rate,
                    source.rate // 50 + source.card.period + MARGIN_MS * source.rate // 1000)
    return feed


cdef void feed_free(feed_t *feed) noexcept nogil:
    if feed != NULL:
        resampler_free(feed.resampler)
        arena_far_give(feed.stage, STAGE_MAX * sizeof(int16_t))
        arena_give(feed, sizeof(feed_t))


cdef void feed_attach(feed_t *feed) noexcept nogil:
    """The loop takes it: whoever had the source has silence now, and a buffer begins."""
    cdef int tone
    if feed.source.feed != NULL:
        feed.source.feed.source = NULL
    feed.source.feed = feed
    feed.source.position = 0
    feed.source.tone_at = 0
    for tone in range(feed.source.tone_count):
        feed.source.tones[tone].phase = 0


cdef void feed_detach(feed_t *feed) noexcept nogil:
    if feed.source != NULL:
        feed.source.feed = NULL
        feed.source = NULL


cdef class Feed:
    """A feed from Python, for tests and measurements in virtual time."""

    def __cinit__(self, Source source not None, int rate):
        self.source, self.rate = source, rate
        self.feed = feed_new(&source.source, rate)
        if self.feed == NULL:
            raise ValueError(f"can't resample a source of {source.rate} Hz to {rate}")
        feed_attach(self.feed)

    def __dealloc__(self):
        if self.feed != NULL:
            feed_detach(self.feed)
            feed_free(self.feed)

    def pull(self, int samples, now_ns):
        """The next samples, at this time."""
        cdef int16_t frame[BLOCK_MAX]
        cdef int16_t silence[BLOCK_MAX]
        if not 0 < samples <= BLOCK_MAX:
            raise ValueError(f"a frame is 1 to {BLOCK_MAX} samples, not {samples}")
        memset(silence, 0, sizeof(silence))
        feed_pull(self.feed, frame, samples, self.rate, silence, now_ns)
        return (<char *>frame)[:2 * samples]

    @property
    def underruns(self):
        """How often, or how many samples, there was not enough."""
        return self.feed.underruns
