"""Memory of legs, side by side on large pages.

A leg's turn comes every 20 ms. By then the processor has forgotten not only what its memory
held but where it lies, and finding that out for a score of small pages takes a tenth of the turn.
So what a turn looks at is taken from chunks of 2 MB, which the system backs by one page each. The
first is smaller and plain: a phone with a call or two does not pay for large pages.

Not every host of a virtual machine has such pages itself. So what a turn looks at of a block lies
together besides, and begins where a small page does.

What few turns look at has small pages of its own, far from all that. Of these a few are kept for
the next call: to have them mapped anew costs it several hundredths of all it costs.

Blocks of a size that was given back are used again; a large chunk of which none is left goes back
to the system, and the first one when there are no calls: between two calls it would be taken
anew page by page, a tenth of all that a short call costs. Everything is done under the GIL, by whoever makes and frees legs; the media thread
takes nothing. Where a system has no such pages, or a sanitizer watches, it is malloc.
"""

from libc.stdint cimport uint32_t, uintptr_t
from libc.stdlib cimport free, malloc
from libc.string cimport memset

from platypus._media.platform cimport (
    PLATFORM_CHUNK, platform_chunk_give, platform_chunk_take, platform_pages_give,
    platform_pages_take,
)


cdef enum:
    SIZES_MAX = 16           # different ones in a chunk
    GRAIN = 64               # a line of the cache
    PLAIN_ROOM = 1 << 19     # of the first chunk
    SPARE_SIZES = 4          # different ones of what lies far
    SPARES_MAX = 16          # of a size, that few calls at a time take again and again


cdef struct block_t:
    block_t *next

cdef struct blocks_t:
    size_t size              # 0: of none yet
    int count
    block_t *given           # back, to be used again

cdef struct chunk_t:         # at the beginning of its chunk
    chunk_t *next
    size_t used              # bytes from the beginning
    size_t room
    uint32_t taken           # blocks
    blocks_t lists[SIZES_MAX]


cdef chunk_t *first = NULL
cdef blocks_t spares[SPARE_SIZES]


cdef blocks_t *list_of(blocks_t *lists, int most, size_t size) noexcept nogil:
    """Of the blocks of this size; NULL where there are too many sizes."""
    cdef int index
    for index in range(most):
        if lists[index].size == 0:
            lists[index].size = size
        if lists[index].size == size:
            return &lists[index]
    return NULL


cdef block_t *pop(blocks_t *blocks) noexcept nogil:
    cdef block_t *block = blocks.given
    if block != NULL:
        blocks.given = block.next
        blocks.count -= 1
    return block


cdef void push(blocks_t *blocks, void *block) noexcept nogil:
    (<block_t *>block).next = blocks.given
    blocks.given = <block_t *>block
    blocks.count += 1


cdef inline size_t in_grains(size_t size) noexcept nogil:
    return (size + GRAIN - 1) // GRAIN * GRAIN


cdef chunk_t *chunk_new() noexcept nogil:
    global first
    cdef chunk_t *chunk = <chunk_t *>platform_chunk_take(first != NULL)
    if chunk == NULL:
        return NULL
    memset(chunk, 0, sizeof(chunk_t))
    chunk.used = (sizeof(chunk_t) + GRAIN - 1) // GRAIN * GRAIN
    chunk.room = <size_t>PLATFORM_CHUNK if first != NULL else <size_t>PLAIN_ROOM
    chunk.next = first
    first = chunk
    return chunk


cdef void *take_of(chunk_t *chunk, size_t size, size_t lead) noexcept nogil:
    cdef blocks_t *blocks = list_of(chunk.lists, SIZES_MAX, size)
    cdef block_t *block
    cdef size_t gap = (ARENA_PAGE - (chunk.used + lead) % ARENA_PAGE) % ARENA_PAGE if lead else 0
    if blocks == NULL:
        return NULL
    block = pop(blocks)
    if block == NULL and chunk.used + gap + size <= chunk.room:
        block = <block_t *>(<char *>chunk + chunk.used + gap)
        chunk.used = in_grains(chunk.used + gap + size)
    if block != NULL:
        chunk.taken += 1
    return block


cdef void *arena_take(size_t size, size_t lead = 0) noexcept nogil:
    cdef chunk_t *chunk = first
    cdef void *block = NULL
    if not PLATFORM_CHUNK:
        return malloc(size)
    while chunk != NULL and block == NULL:
        block = take_of(chunk, in_grains(size), lead)
        chunk = chunk.next
    if block == NULL:
        chunk = chunk_new()
        block = take_of(chunk, in_grains(size), lead) if chunk != NULL else NULL
    return block


cdef void *arena_clear(size_t size) noexcept nogil:
    cdef void *block = arena_take(size)
    if block != NULL:
        memset(block, 0, size)
    return block


cdef void drop(chunk_t *chunk) noexcept nogil:
    global first
    cdef chunk_t **link = &first
    while link[0] != chunk:
        link = &link[0].next
    link[0] = chunk.next
    platform_chunk_give(chunk)


cdef void arena_give(void *block, size_t size) noexcept nogil:
    cdef chunk_t *chunk
    if not PLATFORM_CHUNK or block == NULL:
        free(block)
        return
    # Chunks begin at multiples of their size.
    chunk = <chunk_t *>(<uintptr_t>block & ~<uintptr_t>(PLATFORM_CHUNK - 1))
    push(list_of(chunk.lists, SIZES_MAX, in_grains(size)), block)
    chunk.taken -= 1
    if chunk.taken == 0 and chunk.room != PLAIN_ROOM:
        drop(chunk)


cdef void *arena_far_take(size_t size) noexcept nogil:
    cdef blocks_t *kept = list_of(spares, SPARE_SIZES, size)
    cdef block_t *block = pop(kept) if kept != NULL else NULL
    return block if block != NULL else platform_pages_take(size)


cdef void arena_far_give(void *block, size_t size) noexcept nogil:
    cdef blocks_t *kept = list_of(spares, SPARE_SIZES, size)
    if not PLATFORM_CHUNK or block == NULL or kept == NULL or kept.count == SPARES_MAX:
        platform_pages_give(block, size)
    else:
        push(kept, block)


cdef void drop_spares() noexcept nogil:
    cdef int index
    for index in range(SPARE_SIZES):
        while spares[index].given != NULL:
            platform_pages_give(pop(&spares[index]), spares[index].size)


cdef void arena_rest() noexcept nogil:
    cdef chunk_t *chunk = first
    drop_spares()
    while chunk != NULL and chunk.taken:
        chunk = chunk.next
    if chunk != NULL:
        drop(chunk)


def chunks():
    cdef chunk_t *chunk = first
    cdef int count = 0
    cdef uint32_t taken = 0
    while chunk != NULL:
        count += 1
        taken += chunk.taken
        chunk = chunk.next
    return count, taken


def spare():
    cdef int index, count = 0
    for index in range(SPARE_SIZES):
        count += spares[index].count
    return count
