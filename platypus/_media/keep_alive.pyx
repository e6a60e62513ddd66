"""Keeping a NAT's binding open (RFC 6263), for tests in virtual time: a leg's is all inline."""

from libc.stdint cimport int64_t

from platypus._media.keep_alive cimport keep_alive_due, keep_alive_t


cdef class KeepAlive:
    """What a leg asks in each turn in which it may send nothing."""

    cdef keep_alive_t keep_alive

    def sent(self, int64_t now_ns):
        self.keep_alive.sent_ns = now_ns

    def due(self, int64_t now_ns):
        return bool(keep_alive_due(&self.keep_alive, now_ns))
