"""Commands for the media thread, and what Python may say in them.

A command carries all that it needs, already allocated, and is a lease on it: whoever gets it
back from the thread frees it here, under the GIL.
"""

import os

from cpython.ref cimport Py_DECREF
from libc.stdint cimport uint8_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy

from platypus._media.arena cimport arena_clear, arena_give
from platypus._media.codec cimport codec_decoder_free, codec_encoder_free
from platypus._media.conference cimport party_free
from platypus._media.event cimport DIGITS
from platypus._media.feed cimport feed_free
from platypus._media.gear cimport gear_free
from platypus._media.leg cimport command_t, verb_t
from platypus._media.outlet cimport outlet_free
from platypus._media.recorder cimport RECORDER_RUNNING, recorder_free
from platypus._media.srtp cimport PACKET_MAX

DURATIONS_MS = (40, 6000)
GAPS_MS = (0, 6000)


cdef int checked_type(payload_type) except -1:
    # RFC 5761, 4: 64 to 95 would look like RTCP where it shares the port.
    if not 0 <= payload_type <= 127 or 64 <= payload_type <= 95:
        raise ValueError(f"not a payload type for RTP: {payload_type}")
    return payload_type


cdef command_t *command_new(int verb) except NULL:
    cdef command_t *command = <command_t *>arena_clear(sizeof(command_t))
    if command == NULL:
        raise MemoryError("no memory for a command")
    command.verb = <verb_t>verb
    return command


cdef int command_carry(command_t *command, packet) except -1:
    """A copy of a packet of at most PACKET_MAX bytes."""
    if not isinstance(packet, bytes) or not 0 < len(packet) <= PACKET_MAX:
        raise ValueError(f"a packet is of 1 to {PACKET_MAX} bytes")
    command.packet = <uint8_t *>malloc(len(packet))
    if command.packet == NULL:
        raise MemoryError("no memory for a packet")
    command.count = <int>len(packet)
    memcpy(command.packet, <const char *><bytes>packet, len(packet))
    return 0


cdef int command_digits(
    command_t *command, digits, int duration_ms, int gap_ms
) except -1:
    """Keys to be pressed, by their names, of which the caller has counted DIGITS_MAX at most."""
    cdef int index
    codes = [DIGITS.find(digit.upper()) for digit in digits]
    if any(code < 0 for code in codes) or any(len(digit) != 1 for digit in digits):
        raise ValueError(f"not all of these are DTMF digits: {''.join(digits)!r}")
    if not (DURATIONS_MS[0] <= duration_ms <= DURATIONS_MS[1]
            and GAPS_MS[0] <= gap_ms <= GAPS_MS[1]):
        raise ValueError(f"a digit lasts {DURATIONS_MS} ms, a gap {GAPS_MS} ms")
    for index in range(len(codes)):
        command.digits[index] = codes[index]
    command.count = <int>len(codes)
    command.first = duration_ms
    command.second = gap_ms
    return 0


cdef int command_free(command_t *command) except -1:
    """All that it leased is this side's again."""
    feed_free(command.feed)
    outlet_free(command.outlet)
    codec_decoder_free(command.decoder)
    codec_encoder_free(command.encoder)
    gear_free(command.gear)
    free(command.tones)
    free(command.ears)
    party_free(command.party)
    if command.recorder != NULL:
        if command.recorder.state == RECORDER_RUNNING:  # it was refused: nobody else closes it
            os.close(command.recorder.fd)
        recorder_free(command.recorder)
    free(command.packet)
    if command.kept != NULL:
        Py_DECREF(<object>command.kept)
    arena_give(command, sizeof(command_t))
    return 0
