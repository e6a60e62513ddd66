"""One leg's turn: what arrived is taken in, a frame is played, a packet is sent.

    socket -> whose is it? -> stream -> frame -> sink, recording, echo
    source -> frame -> stream -> packet -> socket

Runs in the loop thread, touches no Python object, allocates nothing and never waits. What a
packet means is the stream's business, and when a turn comes is the schedule's.
"""

from libc.math cimport sqrt
from libc.stdint cimport int16_t, int64_t, uint8_t, uint16_t, uint32_t
from libc.stdlib cimport free
from libc.string cimport memcpy, memmove, memset

from platypus._media.address cimport LATCH_MOVED, LATCH_STRANGER, latch_judge, latch_verdict_t
from platypus._media.arena cimport arena_clear, arena_give
from platypus._media.backlog cimport BACKLOG_PACKETS, jitter_packet_t
from platypus._media.canceller cimport canceller_hear, canceller_say
from platypus._media.codec cimport CODEC_NONE
from platypus._media.conference cimport party_hear, party_played, party_send, party_speak
from platypus._media.endpoint cimport SOURCE_ECHO
from platypus._media.event cimport (
    ERROR_SENDING, EVENT_ADDRESS, EVENT_DTMF, EVENT_ERROR, EVENT_RESUMED, EVENT_SOURCE_ENDED, EVENT_SSRC,
    EVENT_STALLED, EVENT_STARTED, EVENT_VOICE, event_t, events_push, events_t, events_tell,
)
from platypus._media.feed cimport feed_pull
from platypus._media.guard cimport guard_open, guard_send
from platypus._media.jitter cimport jitter_t
from platypus._media.keep_alive cimport keep_alive_due
from platypus._media.lateness cimport lateness_skip
from platypus._media.leg_keys cimport leg_hear_keys, leg_with_tones
from platypus._media.leg_post cimport leg_take_outside
from platypus._media.leg_record cimport (
    leg_record, leg_record_both, leg_record_nothing, leg_records_both,
)
from platypus._media.leg_rtcp cimport leg_take_rtcp
from platypus._media.outlet cimport outlet_push
from platypus._media.platform cimport (
    PLATFORM_BATCH_MAX, PLATFORM_NO_SOCKET, platform_address_equal, platform_datagram_t,
    platform_energy, platform_fence, platform_load_acquire, platform_prefetch,
    platform_realtime_offset_ns, platform_receive, platform_store_release,
)
from platypus._media.receiver cimport receiver_packet_ms, receiver_t
from platypus._media.reports cimport reports_init
from platypus._media.sender cimport SENDER_HOT, sender_t
from platypus._media.srtp cimport PACKET_WORDS
from platypus._media.stream cimport (
    STREAM_ACCEPTED, STREAM_EVENT_DTMF, STREAM_EVENT_SSRC, STREAM_EVENT_STARTED,
    STREAM_MAX_PACKET, stream_capture, stream_config_t, stream_event_t, stream_events_pending,
    stream_free, stream_keep, stream_keep_alive, stream_new, stream_next_event, stream_playout,
    stream_receive, stream_send_event, stream_send_pause, stream_skip_capture, stream_statistics,
)
from platypus._media.voice cimport voice_feed, voice_t

cdef int64_t STALL_NS = 5_000_000_000  # the control protocol's "stalled"
cdef int METER_FRAMES = 5              # 100 ms
cdef int DIGIT_VOLUME = 10             # -dBm0: RFC 4733, 2.3.3; what telephones send
cdef int RTP_HEADER = 12
cdef int64_t TURN_MISSED_NS = 30_000_000  # in such a time more than one packet has come


cdef leg_t *leg_new(
    int id, int rate, uint32_t ssrc, int sequence, uint32_t timestamp,
    const uint8_t *cname, int cname_length
) noexcept nogil:
    """NULL when there is no memory. Sockets are set by the caller."""
    cdef stream_config_t config
    cdef leg_t *leg = <leg_t *>arena_clear(sizeof(leg_t))
    if leg == NULL:
        return NULL
    memset(&config, 0, sizeof(config))
    config.ssrc = ssrc
    config.sequence = <uint16_t>sequence
    config.timestamp = timestamp
    config.rate = rate
    config.ptime_ms = 20
    leg.stream = stream_new(&config)
    if leg.stream == NULL:
        arena_give(leg, sizeof(leg_t))
        return NULL
    leg.id = id
    leg.rate = rate
    leg.frame = rate // 50
    leg.rtp = leg.rtcp = PLATFORM_NO_SOCKET
    leg.slot = -1
    leg.may_send = leg.may_receive = True
    leg.last_type = -1
    reports_init(&leg.reports, ssrc, cname, cname_length, platform_realtime_offset_ns())
    return leg


cdef void leg_free(leg_t *leg) noexcept nogil:
    if leg != NULL:
        free(leg.tones)
        free(leg.ears)
        stream_free(leg.stream)
        arena_give(leg, sizeof(leg_t))


cdef void feed_digits(leg_t *leg) noexcept nogil:
    """One at a time: the next when the stream has nothing more to send of the last."""
    cdef int at
    if leg.digit_count == 0 or stream_events_pending(leg.stream):
        return
    at = leg.digit_first
    if stream_send_event(leg.stream, leg.digits[at], leg.durations_ms[at], DIGIT_VOLUME) == 0:
        stream_send_pause(leg.stream, leg.gaps_ms[at])
    leg.digit_first = (at + 1) % DIGITS_MAX
    leg.digit_count -= 1
    platform_store_release(&leg.digits_done, leg.digits_done + 1)


cdef void tell_address(leg_t *leg, events_t *events) noexcept nogil:
    cdef event_t event
    memset(&event, 0, sizeof(event))
    event.leg = leg.id
    event.kind = EVENT_ADDRESS
    event.address = leg.latch.target
    events_push(events, &event)


cdef void pass_by(leg_t *leg, platform_datagram_t *datagram) noexcept nogil:
    """A payload type that was not agreed on, as keep-alives have (RFC 6263, 4.6).

    Where the far end sends it, its place in the sequence is no loss.
    """
    cdef int length
    if leg.may_receive and platform_address_equal(&datagram.source, &leg.latch.heard):
        length = guard_open(leg, datagram, False)
        if length >= 0:
            stream_receive(leg.stream, datagram.data, length, datagram.arrival_ns)


cdef bint receive_one(
    leg_t *leg, platform_datagram_t *datagram, events_t *events
) noexcept nogil:
    """Whether it was the stream's next packet, in its time."""
    cdef uint8_t *data = &datagram.data[0]
    cdef latch_verdict_t verdict
    cdef int payload_type, length
    if datagram.length < RTP_HEADER or data[0] >> 6 != 2:
        leg_take_outside(leg, datagram)
        return False
    if 192 <= data[1] <= 223:  # RFC 5761, 4: RTCP on the RTP port
        leg_take_rtcp(leg, datagram, True)
        return False
    payload_type = data[1] & 0x7F
    if leg.stream.receiver.types[payload_type].codec == CODEC_NONE:
        leg.counters.invalid += 1
        pass_by(leg, datagram)
        return False
    length = guard_open(leg, datagram, False)
    if length < 0:
        return False  # and the latch hears of nothing that does not authenticate
    verdict = latch_judge(
        &leg.latch, &datagram.source,
        <uint32_t>data[8] << 24 | <uint32_t>data[9] << 16 | <uint32_t>data[10] << 8 | data[11],
        <uint16_t>(data[2] << 8 | data[3]), datagram.arrival_ns,
    )
    if verdict == LATCH_STRANGER:
        leg.counters.strangers += 1
        return False
    if verdict == LATCH_MOVED:
        tell_address(leg, events)
    leg.heard_ns = datagram.arrival_ns
    if leg.stalled:
        leg.stalled = False
        events_tell(events, leg.id, EVENT_RESUMED, 0, 0)
    if not leg.may_receive:
        leg.counters.ignored += 1
        return False
    leg.last_type = payload_type
    return stream_receive(leg.stream, data, length, datagram.arrival_ns) == STREAM_ACCEPTED


cdef void pass_events(leg_t *leg, events_t *events) noexcept nogil:
    cdef stream_event_t event
    while stream_next_event(leg.stream, &event):
        if event.kind == STREAM_EVENT_DTMF:
            events_tell(events, leg.id, EVENT_DTMF, event.code, event.duration_ms)
        elif event.kind == STREAM_EVENT_SSRC:
            events_tell(events, leg.id, EVENT_SSRC, event.ssrc, 0)
        elif event.kind == STREAM_EVENT_STARTED:
            events_tell(events, leg.id, EVENT_STARTED, leg.last_type, 0)


cdef void leg_fetch(const leg_t *leg) noexcept nogil:
    platform_prefetch(leg, <int>(<char *>&leg.reports - <char *>leg) + sizeof(int64_t))


cdef void leg_fetch_stream(const leg_t *leg) noexcept nogil:
    """What receiving, playing and sending a packet of 20 ms at 8 kHz touches; others need more.

    Nothing is looked at but the leg: to wait for a line here is what this is to spare.
    """
    cdef const receiver_t *receiver = &leg.stream.receiver
    cdef const jitter_t *jitter = &receiver.jitter
    cdef const sender_t *sender = &leg.stream.sender
    if leg.feed != NULL:
        platform_prefetch(leg.feed, 64)
    platform_prefetch(&sender.rate, SENDER_HOT)
    platform_prefetch(receiver.types, 1)
    platform_prefetch(&receiver.losses.played,
                      <int>(<char *>&jitter.delay.bins[2] - <char *>&receiver.losses.played))
    platform_prefetch(&jitter.conceal, 32)


cdef void leg_fetch_rest(const leg_t *leg) noexcept nogil:
    """What it takes a look at the stream to know."""
    cdef const receiver_t *receiver = &leg.stream.receiver
    cdef const jitter_t *jitter = &receiver.jitter
    platform_prefetch(jitter.conceal.history + jitter.conceal.newest, 320)
    if leg.feed != NULL:
        platform_prefetch(leg.feed.source, 64)
    if jitter.backlog.count > 0:
        platform_prefetch(jitter.shelf.order, 1)
        platform_prefetch(jitter.shelf.free + BACKLOG_PACKETS - 2, 1)
        platform_prefetch(jitter.shelf.packets, 2 * sizeof(jitter_packet_t))
        platform_prefetch(jitter.shelf.near, 160)


cdef bint may_wait(const leg_t *leg, const platform_datagram_t *datagram) noexcept nogil:
    """Whether what is behind this packet, if anything, has time until the next turn.

    Usually one packet comes in a turn, and a second call would find nothing: half of the cost
    of receiving. What was left behind shows by its age in the next turn.
    """
    return (datagram.stamped and datagram.arrival_ns >= leg.read_ns
            and leg.stream.receiver.placed_samples >= leg.frame)


cdef void leg_deliver(
    leg_t *leg, const command_t *command, platform_datagram_t *inbox, events_t *events
) noexcept nogil:
    inbox.source = command.address
    inbox.arrival_ns = command.arrival_ns
    inbox.length = command.count
    memcpy(&inbox.data[0], command.packet, command.count)
    leg.delivering = True
    receive_one(leg, inbox, events)
    stream_keep(leg.stream)
    pass_events(leg, events)
    leg.delivering = False


cdef void leg_receive(
    leg_t *leg, platform_datagram_t *inbox, events_t *events, int64_t offset_ns, int64_t now_ns
) noexcept nogil:
    cdef int left = PLATFORM_BATCH_MAX
    if now_ns - leg.read_ns > TURN_MISSED_NS:
        leg.read_all = True
    while left > 0 and platform_receive(leg.rtp, inbox, offset_ns, now_ns):
        left -= 1
        if receive_one(leg, inbox, events) and not leg.read_all and may_wait(leg, inbox):
            break
        stream_keep(leg.stream)
    # After a turn without a packet several may come at once, and the last may be due.
    leg.read_all = left == PLATFORM_BATCH_MAX
    leg.read_ns = now_ns
    if not leg.read_all:
        pass_events(leg, events)


cdef void take_level(
    meter_t *meter, int64_t energy, int count, int window, float *peak, float *rms
) noexcept nogil:
    """So many samples more; their peak is in the meter. Levels appear once a window is full."""
    meter.frames += count
    meter.energy += energy
    if meter.frames >= window:
        peak[0] = <float>(meter.peak / 32768.0)
        rms[0] = <float>(sqrt(<double>meter.energy / meter.frames) / 32768.0)
        memset(meter, 0, sizeof(meter_t))


cdef void tell_voice(
    leg_t *leg, voice_t *voice, int side, double energy, int count, events_t *events
) noexcept nogil:
    cdef int changed = voice_feed(voice, energy, count, leg.frame)
    if changed:
        events_tell(events, leg.id, EVENT_VOICE, side, changed > 0)


cdef bint keeps_played(const leg_t *leg) noexcept nogil:
    """Whether the last frame is looked at again: by an echo, or a recording of both sides."""
    if leg.recording != NULL and leg_records_both(leg):
        return True
    return (leg.feed != NULL and leg.feed.source != NULL
            and leg.feed.source.kind == SOURCE_ECHO)


cdef bint cancels(const leg_t *leg) noexcept nogil:
    """Whether its microphone hears what it plays, and has something against it."""
    if leg.feed == NULL or leg.feed.source == NULL:
        return False
    return leg.feed.source.canceller != NULL


cdef void present(
    leg_t *leg, const int16_t *frame, int count, writer_t *writer, int64_t deadline_ns
) noexcept nogil:
    """What is heard here: to the loudspeaker, the recording and the echo."""
    if keeps_played(leg):
        memmove(leg.played, leg.played + count, (leg.frame - count) * sizeof(int16_t))
        memcpy(leg.played + leg.frame - count, frame, count * sizeof(int16_t))
    if cancels(leg):
        canceller_hear(leg.feed.source.canceller, frame, count, leg.rate)
    if leg.sink != NULL:
        outlet_push(leg.sink.outlet, frame, count, deadline_ns)
        if leg.sink.outlet.overruns:
            leg.counters.sink_overruns += leg.sink.outlet.overruns
            leg.sink.outlet.overruns = 0
    if leg.recording != NULL:
        leg_record(leg, frame, count, writer)


cdef inline int64_t played_energy(leg_t *leg, const int16_t *frame, int count) noexcept nogil:
    """Mostly the jitter buffer has just measured the same samples."""
    cdef const jitter_t *jitter = &leg.stream.receiver.jitter
    if not jitter.measured or not leg.may_receive:
        return platform_energy(frame, count, &leg.played_meter.peak)
    leg.played_meter.peak = max(leg.played_meter.peak, jitter.peak)
    return jitter.energy


cdef void leg_play(
    leg_t *leg, int count, events_t *events, writer_t *writer, int64_t deadline_ns
) noexcept nogil:
    cdef int16_t frame[FRAME_MAX]
    cdef int64_t energy
    stream_playout(leg.stream, frame, count, deadline_ns)
    stream_keep(leg.stream)  # the next leg's packets come to where this one's are
    pass_events(leg, events)
    if not leg.may_receive:
        memset(frame, 0, count * sizeof(int16_t))
    energy = played_energy(leg, frame, count)
    take_level(&leg.played_meter, energy, count, METER_FRAMES * leg.frame,
               &leg.counters.played_peak, &leg.counters.played_rms)
    if leg.tells_voice:
        tell_voice(leg, &leg.played_voice, 1, energy, count, events)
    if leg.ears != NULL:
        leg_hear_keys(leg, frame, count, events)
    if leg.party != NULL:
        party_hear(leg.party.party, frame, count)
    else:
        present(leg, frame, count, writer, deadline_ns)


cdef void leg_play_all(
    leg_t *leg, int count, writer_t *writer, int64_t deadline_ns
) noexcept nogil:
    """All parties of the leg's conference, in the place of its own far end."""
    cdef int16_t frame[FRAME_MAX]
    party_played(leg.party.party, frame, count)
    present(leg, frame, count, writer, deadline_ns)


cdef bint sends_now(const leg_t *leg) noexcept nogil:
    return (leg.sends and leg.may_send and leg.latch.target.family != 0
            and leg.sending != GUARD_SHUT)  # a file waits until it can be heard


cdef const int16_t *capture_source(
    leg_t *leg, int16_t *frame, int count, events_t *events, int64_t deadline_ns
) noexcept nogil:
    """The source's next samples, or NULL without one. It runs on while the leg is muted."""
    cdef feed_t *feed
    if leg.feed == NULL:
        return NULL
    feed = leg.feed
    feed_pull(feed, frame, count, leg.rate, leg.played + leg.frame - count, deadline_ns)
    if cancels(leg):
        canceller_say(feed.source.canceller, frame, count, leg.rate)
    if feed.underruns:
        leg.counters.source_underruns += feed.underruns
        feed.underruns = 0
    if feed.ended and not leg.source_told:
        leg.source_told = True
        events_tell(events, leg.id, EVENT_SOURCE_ENDED, 0, 0)
    return frame


cdef void leg_speak(
    leg_t *leg, int count, events_t *events, int64_t deadline_ns
) noexcept nogil:
    """Let the leg's conference have its source, before any of its parties sends."""
    cdef int16_t frame[FRAME_MAX]
    if capture_source(leg, frame, count, events, deadline_ns) != NULL:
        party_speak(leg.party.party, frame, count)


cdef const int16_t *to_be_sent(
    leg_t *leg, int16_t *frame, int count, events_t *events, int64_t deadline_ns
) noexcept nogil:
    """What the far end is to hear, or NULL for silence."""
    if leg.party == NULL:
        if capture_source(leg, frame, count, events, deadline_ns) == NULL or leg.muted or leg.held:
            return NULL
        return frame
    if leg.held:  # whoever waits must not listen in
        return NULL
    party_send(leg.party.party, leg.muted, frame, count)
    return frame


cdef void tell_send_error(leg_t *leg, events_t *events, int problem) noexcept nogil:
    leg.counters.send_errors += 1
    if not leg.error_told:
        leg.error_told = True
        events_tell(events, leg.id, EVENT_ERROR, problem, ERROR_SENDING)


cdef bint send_packet(
    leg_t *leg, events_t *events, uint8_t *packet, int length
) noexcept nogil:
    """Whether it went out."""
    cdef int problem
    if length <= 0:
        return False
    problem = guard_send(leg, leg.rtp, &leg.latch.target, packet, length, False)
    if problem:
        tell_send_error(leg, events, problem)
    return problem == 0


cdef void keep_alive(leg_t *leg, events_t *events, int64_t now_ns) noexcept nogil:
    """RFC 6263, 4.6: where no media may go out, an empty packet of a type that nobody knows."""
    cdef uint32_t words[PACKET_WORDS]
    cdef uint8_t *packet = <uint8_t *>words
    cdef int payload_type = 127
    if not leg.sends or leg.latch.target.family == 0:
        return
    if not keep_alive_due(&leg.keep_alive, now_ns):
        return
    while leg.stream.receiver.types[payload_type].codec != CODEC_NONE and payload_type > 96:
        payload_type -= 1
    send_packet(leg, events, packet, stream_keep_alive(leg.stream, payload_type, packet))


cdef bint leg_send(
    leg_t *leg, int count, events_t *events, writer_t *writer, int64_t deadline_ns
) noexcept nogil:
    """Take `count` samples from the source; send a packet if they fill one."""
    cdef int16_t frame[FRAME_MAX]
    cdef uint32_t words[PACKET_WORDS]
    cdef uint8_t *packet = <uint8_t *>words
    cdef const int16_t *samples
    cdef int64_t energy = 0
    cdef int length
    if not sends_now(leg):
        if leg.recording != NULL:
            leg_record_both(leg, NULL, count, writer)
        stream_skip_capture(leg.stream, count)
        keep_alive(leg, events, deadline_ns)
        return False
    feed_digits(leg)
    samples = to_be_sent(leg, frame, count, events, deadline_ns)
    if leg.tones != NULL:
        samples = leg_with_tones(leg, samples, frame, count)
    if samples != NULL:
        energy = platform_energy(samples, count, &leg.sent_meter.peak)
    take_level(&leg.sent_meter, energy, count, METER_FRAMES * leg.frame,
               &leg.counters.sent_peak, &leg.counters.sent_rms)
    if leg.tells_voice:
        tell_voice(leg, &leg.sent_voice, 0, energy, count, events)
    if leg.recording != NULL:
        leg_record_both(leg, samples, count, writer)
    length = stream_capture(leg.stream, samples, count, packet, STREAM_MAX_PACKET)
    if not send_packet(leg, events, packet, length):
        return False
    leg.keep_alive.sent_ns = deadline_ns
    return True


cdef void leg_skip(
    leg_t *leg, int frames, lateness_t *lateness, writer_t *writer
) noexcept nogil:
    """Time that was missed: timestamps and the recording go on by it."""
    stream_skip_capture(leg.stream, frames * leg.frame)
    if sends_now(leg):
        lateness_skip(lateness, <uint32_t>frames)
    if leg.recording != NULL:
        leg_record_nothing(leg, frames, writer)


cdef void leg_watch(leg_t *leg, events_t *events, int64_t now_ns) noexcept nogil:
    """Whether a leg that should hear something has heard nothing for long."""
    cdef int64_t since_ns = max(leg.heard_ns, leg.receiving_since_ns)
    if leg.stalled or not leg.may_receive or leg.latch.signalled.family == 0 or since_ns == 0:
        return
    if now_ns - since_ns >= STALL_NS:
        leg.stalled = True
        events_tell(events, leg.id, EVENT_STALLED, 0, 0)


cdef bint leg_read(const leg_t *leg, figures_t *figures) noexcept nogil:
    """Mostly the first look is as good as any: a turn is a few microseconds of 20 ms."""
    cdef uint32_t touched = platform_load_acquire(&leg.touched)
    figures.counters = leg.counters
    figures.last_packet_ns = leg.heard_ns
    stream_statistics(leg.stream, &figures.stream)
    figures.losses = leg.stream.receiver.losses
    figures.heard_codec = leg.stream.receiver.heard_codec
    figures.heard_bitrate = leg.stream.receiver.heard_bitrate
    figures.heard_packet_ms = receiver_packet_ms(&leg.stream.receiver)
    figures.reports = leg.reports.figures
    platform_fence()
    return touched % 2 == 0 and platform_load_acquire(&leg.touched) == touched
