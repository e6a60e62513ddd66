"""Making and freeing commands, under the GIL."""

from platypus._media.leg cimport command_t


cdef int checked_type(payload_type) except -1
cdef command_t *command_new(int verb) except NULL
cdef int command_carry(command_t *command, packet) except -1
cdef int command_digits(command_t *command, digits, int duration_ms, int gap_ms) except -1
cdef int command_free(command_t *command) except -1
