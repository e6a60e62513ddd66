"""The handles Python has on the media thread."""

from libc.stdint cimport int64_t, uint32_t

from platypus._media.gear cimport RECORDINGS_MAX
from platypus._media.leg cimport command_t, leg_t
from platypus._media.thread cimport loop_t


cdef class Loop:
    cdef object __weakref__
    cdef loop_t *loop        # owned; leaked when its thread does not end in time
    cdef object log
    cdef object error        # the exception class that is raised
    cdef object wake
    cdef int outstanding     # commands that were not given back yet
    cdef int next_id
    cdef int open_legs
    cdef int process         # the one that made it
    cdef bint running        # its threads are there
    cdef bint shut

    cdef str why_not_real_time(self)
    cdef int check(self) except -1
    cdef int submit(self, command_t *command) except -1
    cdef int reclaim(self) except -1


cdef class Leg:
    cdef leg_t *leg          # owned; the open lease holds a reference to this object
    cdef readonly Loop loop
    cdef readonly int id
    cdef bint shut
    cdef bint has_events     # a payload type for telephone-events was configured
    cdef int codec           # that is sent; 0: none yet
    cdef object settings     # of its encoder
    cdef bint opus           # the decoder knows it
    cdef int rate            # of the leg, once it has done what it was told
    cdef int source_rate     # of what it was joined to; 0: nothing, or any
    cdef int sink_rate
    cdef int[RECORDINGS_MAX] record_rates
    cdef bint[RECORDINGS_MAX] record_both  # both sides
    cdef int conference_rate     # 0: in none
    cdef uint32_t digits_queued
    cdef uint32_t tones_queued
    cdef bint has_tones

    cdef int set_up(self, Loop loop, int number, int rate, first, bytes cname) except -1
    cdef command_t *command(self, int verb) except NULL
    cdef int submit(self, command_t *command, kept) except -1
    cdef int claim(self, end) except -1
    cdef int guard(self, int verb, how, bint same_key) except -1
    cdef int post(self, int verb, packet, pair, bint first, int64_t arrival_ns) except -1
    cdef command_t *keys(self, int verb, digits, int duration_ms, int gap_ms,
                         uint32_t waiting) except NULL
    cdef command_t *record_command(self, int verb, int place) except NULL
    cdef int equip(self, command_t *command, int codec, settings) except -1
