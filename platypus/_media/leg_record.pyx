"""A leg's recordings: what it plays, or both sides of the call, handed to their recorders.

    played --> one channel -----> recorder -> writer
      sent --> two of them --'

Which leg has which recordings is the thread's business, how a file is written the recorder's.
"""

from libc.stdint cimport int16_t, uint32_t
from libc.string cimport memset

from platypus._media.endpoint cimport FRAME_MAX
from platypus._media.event cimport ERROR_GAPS, ERROR_RECORDING, EVENT_ERROR, events_t, events_tell
from platypus._media.gear cimport gear_swap, gear_t
from platypus._media.leg cimport command_t, leg_t
from platypus._media.platform cimport platform_load_acquire
from platypus._media.recorder cimport recorder_feed, recorder_feed_both, writer_fed, writer_t

cdef int SILENCE_FRAMES_MAX = 150      # of a skipped stall: a recorder's ring holds 4 s


cdef command_t **leg_recording_at(leg_t *leg, int place) noexcept nogil:
    cdef command_t **link = &leg.recording
    while link[0] != NULL and link[0].third != place:
        link = &link[0].beside
    return link


cdef bint writes(const leg_t *leg, const command_t *recording, int channels) noexcept nogil:
    """Whether the leg feeds this recording now, as one of so many channels."""
    # `first`: the recording waits for the first packet of the call.
    return recording.recorder.channels == channels and (
        not recording.first or leg.stream.receiver.packets != 0
    )


cdef void leg_tell_failure(events_t *events, int leg, command_t *recording) noexcept nogil:
    cdef uint32_t problem = platform_load_acquire(&recording.recorder.failed)
    # `fourth`, `fifth`: it was told.
    if problem and not recording.fourth:
        recording.fourth = True
        events_tell(events, leg, EVENT_ERROR, problem, ERROR_RECORDING)
    if platform_load_acquire(&recording.recorder.ring.overruns) and not recording.fifth:
        recording.fifth = True
        events_tell(events, leg, EVENT_ERROR, 0, ERROR_GAPS)


cdef void fed(leg_t *leg, command_t *recording, writer_t *writer) noexcept nogil:
    writer_fed(writer)
    leg_tell_failure(leg.events, leg.id, recording)


cdef bint leg_records_both(const leg_t *leg) noexcept nogil:
    cdef const command_t *recording = leg.recording
    while recording != NULL and recording.recorder.channels != 2:
        recording = recording.beside
    return recording != NULL


cdef void leg_record(
    leg_t *leg, const int16_t *frame, int count, writer_t *writer
) noexcept nogil:
    cdef command_t *recording = leg.recording
    while recording != NULL:
        if writes(leg, recording, 1):
            recorder_feed(recording.recorder, frame, count)
            fed(leg, recording, writer)
        recording = recording.beside


cdef void leg_record_both(
    leg_t *leg, const int16_t *sent, int count, writer_t *writer
) noexcept nogil:
    cdef int16_t silence[FRAME_MAX]
    cdef command_t *recording = leg.recording
    while recording != NULL:
        if writes(leg, recording, 2):
            if sent == NULL:
                memset(silence, 0, count * sizeof(int16_t))
                sent = silence
            recorder_feed_both(
                recording.recorder, sent, leg.played + leg.frame - count, count
            )
            fed(leg, recording, writer)
        recording = recording.beside


cdef void leg_record_nothing(leg_t *leg, int frames, writer_t *writer) noexcept nogil:
    cdef int16_t silence[FRAME_MAX]
    cdef int index
    memset(silence, 0, sizeof(silence))
    if leg_records_both(leg):
        memset(leg.played, 0, sizeof(leg.played))
    for index in range(min(frames, SILENCE_FRAMES_MAX)):
        leg_record(leg, silence, leg.frame, writer)
        leg_record_both(leg, NULL, leg.frame, writer)


cdef void leg_shift_recordings(leg_t *leg, gear_t *gear) noexcept nogil:
    cdef command_t *recording = leg.recording
    while recording != NULL:
        gear_swap(&recording.recorder.resampler, &gear.recording[recording.third])
        gear_swap(&recording.recorder.second, &gear.second[recording.third])
        recording = recording.beside
