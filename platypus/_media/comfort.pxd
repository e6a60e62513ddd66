from libc.stdint cimport int16_t, uint8_t, uint32_t

cdef enum:
    COMFORT_ORDER = 10       # reflection coefficients that are followed

# The noise that a far end described (RFC 3389, 3), and where its making is.
cdef struct comfort_t:
    int known
    int order
    float gain               # of the excitation: what comes out has the level described
    float k[COMFORT_ORDER]
    float b[COMFORT_ORDER + 1]
    uint32_t seed

cdef void comfort_describe(comfort_t *comfort, const uint8_t *payload, int length,
                           int rate) noexcept nogil
cdef int comfort_make(comfort_t *comfort, int16_t *out, int samples) noexcept nogil


cdef class Comfort:
    cdef comfort_t comfort
    cdef int rate
