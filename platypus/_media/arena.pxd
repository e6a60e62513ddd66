"""Memory of what a turn of a leg looks at: side by side, on large pages. All under the GIL."""

cdef enum:
    ARENA_PAGE = 4096  # the smallest, even inside a large one where a host has no such

# Not zeroed; NULL: no memory. Behind `lead` bytes of it, always the same for a size, a page begins:
# what lies within a page of there is found by looking up one.
cdef void *arena_take(size_t size, size_t lead = *) noexcept nogil
# Zeroed.
cdef void *arena_clear(size_t size) noexcept nogil
# With the size that was asked for; NULL is nothing.
cdef void arena_give(void *block, size_t size) noexcept nogil
# What few turns look at, elsewhere and as it was left; likewise given back with its size.
cdef void *arena_far_take(size_t size) noexcept nogil
cdef void arena_far_give(void *block, size_t size) noexcept nogil
# Let go of the first chunk and of what is kept as well, if nobody uses it.
cdef void arena_rest() noexcept nogil
