"""A sink as one leg plays to it. Made and freed under the GIL, run by the media thread."""

from libc.stdint cimport int16_t, int64_t

from platypus._media.endpoint cimport Sink, outlet_t, sink_t


cdef outlet_t *outlet_new(sink_t *sink, int leg_rate) noexcept nogil
cdef void outlet_free(outlet_t *outlet) noexcept nogil
cdef void outlet_attach(outlet_t *outlet) noexcept nogil
cdef void outlet_detach(outlet_t *outlet) noexcept nogil
cdef void outlet_push(
    outlet_t *outlet, const int16_t *frame, int count, int64_t now_ns
) noexcept nogil


cdef class Outlet:
    cdef outlet_t *outlet    # owned
    cdef Sink sink
