"""Where many SRTP contexts live, what libsrtp keeps for them is on large pages. Under the GIL."""

# A context has come, whose session lies there; one has gone.
cdef void crowd_join(const void *session) noexcept nogil
cdef void crowd_leave() noexcept nogil
# A context goes to a thread; `mark` is a block that this thread took from malloc.
cdef void crowd_serve(const void *mark) noexcept nogil
