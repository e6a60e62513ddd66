"""A leg's keys as tones in its sound: pressed by us, and heard from the far end.

Both ends of it are made under the GIL and come by command, since few calls need them.
"""

from libc.stdint cimport int16_t, uint32_t
from libc.string cimport memcpy, memset

from platypus._media.dtmf_tone cimport (
    dtmf_fill, dtmf_hear, dtmf_queue, dtmf_receiver_init, dtmf_receiver_t, dtmf_sending,
)
from platypus._media.event cimport EVENT_KEY, events_t, events_tell
from platypus._media.leg cimport command_t, leg_t
from platypus._media.platform cimport platform_store_release


cdef void leg_press_keys(leg_t *leg, command_t *command) noexcept nogil:
    cdef int index
    if leg.tones == NULL:
        leg.tones = command.tones
        command.tones = NULL
    for index in range(command.count):
        if dtmf_queue(leg.tones, command.digits[index], command.first, command.second) < 0:
            platform_store_release(&leg.tones_done, leg.tones_done + 1)


cdef void leg_listen_for_keys(leg_t *leg, command_t *command) noexcept nogil:
    """Without ears in the command the leg stops listening."""
    cdef dtmf_receiver_t *before = leg.ears
    leg.ears = command.ears
    command.ears = before


cdef const int16_t *leg_with_tones(leg_t *leg, const int16_t *samples, int16_t *frame,
                                   int count) noexcept nogil:
    cdef int waiting
    if not dtmf_sending(leg.tones):
        return samples
    if samples == NULL:
        memset(frame, 0, count * sizeof(int16_t))
    elif samples != frame:
        memcpy(frame, samples, count * sizeof(int16_t))
    waiting = leg.tones.count
    dtmf_fill(leg.tones, frame, count, leg.rate)
    platform_store_release(&leg.tones_done,
                           leg.tones_done + <uint32_t>(waiting - leg.tones.count))
    return frame


cdef void leg_hear_keys(leg_t *leg, const int16_t *frame, int count,
                        events_t *events) noexcept nogil:
    cdef int duration_ms = 0
    cdef int event
    if leg.ears.rate != leg.rate:
        dtmf_receiver_init(leg.ears, leg.rate)
    event = dtmf_hear(leg.ears, frame, count, &duration_ms)
    if event >= 0:
        events_tell(events, leg.id, EVENT_KEY, event, duration_ms)
