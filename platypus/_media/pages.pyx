"""What a program is made of, on large pages.

A call touches some hundred small pages of its program's objects. By the time that the next one
comes a processor has forgotten where they lie, and finding that out again is a twentieth of
all that a call costs. So a program (it is not a library's affair) that takes calls all day has
Python take its arenas in pairs, from chunks of 2 MB which the system backs by one page each, until
it is ready. From then on arenas come one by one as ever, so that what a rush of calls needs goes
back as ever; of the pairs what is free is used first.

Where a system has no such pages, or a sanitizer watches, nothing changes. All under the GIL.
"""

from platypus._media.platform cimport (
    PLATFORM_CHUNK, platform_chunk_give, platform_chunk_take,
)

cdef extern from "Python.h":
    ctypedef struct PyObjectArenaAllocator:
        void *ctx
        void *(*alloc)(void *context, size_t size) noexcept nogil
        void (*free)(void *context, void *arena, size_t size) noexcept nogil
    void PyObject_GetArenaAllocator(PyObjectArenaAllocator *allocator)
    void PyObject_SetArenaAllocator(PyObjectArenaAllocator *allocator)


cdef pair_t pairs[PAIRS_MAX]
cdef int count = 0
cdef bint growing = False
cdef PyObjectArenaAllocator usual


cdef void *free_half() noexcept nogil:
    cdef int index, half
    for index in range(count):
        for half in range(2):
            if not pairs[index].taken[half]:
                pairs[index].taken[half] = True
                return pairs[index].chunk + half * (PLATFORM_CHUNK // 2)
    return NULL


cdef void *new_half() noexcept nogil:
    global count
    cdef pair_t *pair = &pairs[count]
    if count == PAIRS_MAX:
        return NULL
    pair.chunk = <char *>platform_chunk_take(True)
    if pair.chunk == NULL:
        return NULL
    count += 1
    pair.taken[0] = True
    pair.taken[1] = False
    return pair.chunk


cdef void *take(void *context, size_t size) noexcept nogil:
    cdef void *arena = NULL
    if 2 * size == <size_t>PLATFORM_CHUNK:
        arena = free_half()
        if arena == NULL and growing:
            arena = new_half()
    return arena if arena != NULL else usual.alloc(context, size)


cdef void give(void *context, void *arena, size_t size) noexcept nogil:
    global count
    cdef int index = 0
    cdef ptrdiff_t offset = 0
    while index < count:
        offset = <char *>arena - pairs[index].chunk
        if 0 <= offset < <ptrdiff_t>PLATFORM_CHUNK:
            break
        index += 1
    if index == count:
        usual.free(context, arena, size)
        return
    pairs[index].taken[offset != 0] = False
    if not pairs[index].taken[0] and not pairs[index].taken[1]:
        platform_chunk_give(pairs[index].chunk)
        count -= 1
        pairs[index] = pairs[count]


def begin():
    """From here on what is loaded and made is to be found fast. To be called once, and first."""
    global growing
    cdef PyObjectArenaAllocator ours
    if not PLATFORM_CHUNK or usual.alloc != NULL:
        return
    PyObject_GetArenaAllocator(&usual)
    ours = usual
    ours.alloc = take
    ours.free = give
    growing = True
    PyObject_SetArenaAllocator(&ours)


def end():
    """The program is ready."""
    global growing
    growing = False


def chunks():
    return count
