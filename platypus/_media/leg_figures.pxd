"""A leg's figures, under the GIL."""

from platypus._media.leg cimport leg_t

cdef dict leg_figures(const leg_t *leg)
