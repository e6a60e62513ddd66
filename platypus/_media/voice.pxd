from libc.stdint cimport int64_t

cdef enum:
    VOICE_SECONDS = 10

# Whether somebody speaks on one side of a leg.
cdef struct voice_t:
    float least[VOICE_SECONDS]  # mean square of the quietest frame of each second, the present first
    int seconds              # of them that there are
    int frames               # of the present second
    double energy            # of the frame so far
    int samples
    int above                # frames in a row that were louder than the quiet
    int below
    bint active

# The sum of squares of `count` samples: 1 where speech began with them, -1 where it ended, else
# 0. Halves of a frame, of `frame` samples, are put together.
cdef int voice_feed(voice_t *voice, double energy, int count, int frame) noexcept nogil
