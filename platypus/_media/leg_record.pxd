"""A leg's recordings: a list of leases, each for one place; few legs have any."""

from libc.stdint cimport int16_t

from platypus._media.event cimport events_t
from platypus._media.gear cimport gear_t
from platypus._media.leg cimport command_t, leg_t
from platypus._media.recorder cimport writer_t

# What leads to the recording at a place, or to NULL.
cdef command_t **leg_recording_at(leg_t *leg, int place) noexcept nogil
cdef bint leg_records_both(const leg_t *leg) noexcept nogil

# A turn's samples: what was played; what is sent, NULL for nothing, beside what was played.
# A leg without recordings need not call them.
cdef void leg_record(leg_t *leg, const int16_t *frame, int count, writer_t *writer) noexcept nogil
cdef void leg_record_both(leg_t *leg, const int16_t *sent, int count,
                          writer_t *writer) noexcept nogil
# Tells once that its file takes no more.
cdef void leg_tell_failure(events_t *events, int leg, command_t *recording) noexcept nogil
# Silence of both sides for turns that were missed.
cdef void leg_record_nothing(leg_t *leg, int frames, writer_t *writer) noexcept nogil
# To another rate of the leg; the files keep theirs.
cdef void leg_shift_recordings(leg_t *leg, gear_t *gear) noexcept nogil
