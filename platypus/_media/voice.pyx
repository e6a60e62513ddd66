"""Voice activity: when speech begins and ends on one side of a leg.

By energy alone, against the quietest frame of the last ten seconds: whoever speaks takes breath
meanwhile, so that a fan that was turned on is quiet after them and a sentence never is. Speech
begins with three loud frames in a row (60 ms: a click is shorter) and ends after 400 ms
below (a pause between words is shorter). It tells nothing about who or what is heard: music is
"speech" to it.
"""

cdef enum:
    BEGIN_FRAMES = 3
    END_FRAMES = 20
    SECOND = 50               # frames

cdef double LEAST = 1000.0    # mean square of -60 dBFS: below, nothing is speech
cdef double ABOVE = 8.0       # 9 dB over the floor


cdef double quietest(voice_t *voice, double mean_square) noexcept nogil:
    """The floor, this frame included."""
    cdef int index
    cdef double floor
    if voice.seconds == 0 or voice.frames == SECOND:
        for index in range(VOICE_SECONDS - 1, 0, -1):
            voice.least[index] = voice.least[index - 1]
        voice.least[0] = <float>mean_square
        voice.seconds = min(voice.seconds + 1, VOICE_SECONDS)
        voice.frames = 0
    voice.frames += 1
    voice.least[0] = <float>min(voice.least[0], mean_square)
    floor = voice.least[0]
    for index in range(1, voice.seconds):
        floor = min(floor, voice.least[index])
    return floor


cdef int voice_update(voice_t *voice, double mean_square) noexcept nogil:
    cdef double floor = quietest(voice, mean_square)
    cdef bint loud = mean_square > LEAST and mean_square > ABOVE * floor
    if loud:
        voice.above += 1
        voice.below = 0
        if not voice.active and voice.above >= BEGIN_FRAMES:
            voice.active = True
            return 1
        return 0
    voice.above = 0
    voice.below += 1
    if voice.active and voice.below >= END_FRAMES:
        voice.active = False
        return -1
    return 0


cdef int voice_feed(voice_t *voice, double energy, int count, int frame) noexcept nogil:
    cdef double mean_square
    voice.energy += energy
    voice.samples += count
    if voice.samples < frame:
        return 0
    mean_square = voice.energy / voice.samples
    voice.energy = 0
    voice.samples = 0
    return voice_update(voice, mean_square)


cdef class VoiceDetector:
    """One side of a leg, from Python: for tests and for whoever has frames of its own."""

    cdef voice_t voice

    def update(self, const short[::1] frame not None):
        """A frame of 20 ms, int16 mono: True where speech began, False where it ended, or None."""
        cdef double energy = 0
        cdef Py_ssize_t index
        cdef int changed
        if frame.shape[0] == 0:
            raise ValueError("a frame has samples")
        for index in range(frame.shape[0]):
            energy += <double>frame[index] * frame[index]
        changed = voice_feed(&self.voice, energy, <int>frame.shape[0], <int>frame.shape[0])
        return None if changed == 0 else changed > 0

    @property
    def active(self):
        return bool(self.voice.active)
