"""Where many SRTP contexts live, what libsrtp keeps for them is on large pages.

libsrtp takes its memory from malloc: 5 kB for a session where a context is made, and 300 bytes for
each stream in the media thread, when its first packet has come. All of it is needed once in
20 ms, by when the processor has forgotten where its small pages lie: finding that out is a tenth
of an encrypted leg. So the 2 MB around each session, and those where the thread's streams go, are
put onto one page each, once, by whoever makes contexts.

A phone with a call or two pays nothing for it. Where malloc or the system is another than is
expected nothing changes. Everything is done under the GIL.
"""

from libc.stdint cimport uintptr_t
from libc.stdlib cimport free, malloc

from platypus._media.platform cimport PLATFORM_CHUNK, platform_chunk_gather

cdef enum:
    CROWD = 16           # contexts, of eight calls: who has more has 2 MB for them
    RANGES_MAX = 64      # for as many legs as a loop has, and what lies between their sessions
    PIECE = 32 << 10     # below what malloc maps by itself
    PIECES_MAX = 96      # more than 2 MB, for some will be found elsewhere


cdef struct range_t:
    uintptr_t base
    void *pin                # a block across its end, so that malloc's memory does not shrink

cdef range_t ranges[RANGES_MAX]
cdef int range_count = 0
cdef int alive = 0


cdef void *stretch(uintptr_t end) noexcept nogil:
    """Has malloc's memory reach beyond `end`; what lies before it is for the next that is wanted.

    A block that keeps it so, or NULL: malloc went elsewhere.
    """
    cdef void *pieces[PIECES_MAX]
    cdef void *pin = NULL
    cdef int count = 0
    while count < PIECES_MAX and pin == NULL:
        pieces[count] = malloc(PIECE)
        if end - PIECE <= <uintptr_t>pieces[count] < end + PIECE:
            pin = pieces[count]
        else:
            count += 1
    while count:
        count -= 1
        free(pieces[count])
    return pin


cdef void gather(uintptr_t inside, bint own) noexcept nogil:
    """Once for a range. `own`: malloc gives such memory to the thread that runs."""
    cdef uintptr_t base = inside & ~<uintptr_t>(PLATFORM_CHUNK - 1)
    cdef void *pin = NULL
    cdef int index
    global range_count
    for index in range(range_count):
        if ranges[index].base == base:
            return
    if range_count == RANGES_MAX:
        return
    if not platform_chunk_gather(base) and own:
        pin = stretch(base + PLATFORM_CHUNK)
        if pin != NULL and not platform_chunk_gather(base):
            free(pin)
            pin = NULL
    ranges[range_count].base = base
    ranges[range_count].pin = pin
    range_count += 1


cdef void crowd_join(const void *session) noexcept nogil:
    global alive
    alive += 1
    if PLATFORM_CHUNK and alive >= CROWD:
        gather(<uintptr_t>session, True)


cdef void crowd_leave() noexcept nogil:
    global alive, range_count
    alive -= 1
    if alive:
        return
    while range_count:
        range_count -= 1
        free(ranges[range_count].pin)


cdef void crowd_serve(const void *mark) noexcept nogil:
    if PLATFORM_CHUNK and mark != NULL and alive >= CROWD:
        gather(<uintptr_t>mark, False)


def gathered():
    cdef int index
    return alive, [ranges[index].base for index in range(range_count)]
