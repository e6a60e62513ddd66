"""One RTP stream, both directions, sans-I/O: a sender and a receiver in fixed memory.

The media loop calls the C functions below; tests and replay drive `Stream`, the same
thing from Python, bit for bit. Nothing is allocated for a packet or a frame.
"""

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.stdint cimport int16_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t, uintptr_t
from libc.string cimport memcpy, memset

from platypus._media.arena cimport (
    ARENA_PAGE, arena_far_give, arena_far_take, arena_give, arena_take,
)
from platypus._media.codec cimport (
    codec_decoder_free, codec_decoder_new, codec_decoder_t, codec_encoder_free, codec_encoder_new,
    CODEC_OPUS, codec_encoder_t, codec_has_state, codec_of, codec_rate,
)
from platypus._media.conceal cimport CONCEAL_HISTORY_MS, conceal_t
from platypus._media.losses cimport losses_summarize, losses_summary_t
from platypus._media.opus cimport opus_follow_loss, opus_known, opus_settings, opus_settings_t
from platypus._media.receiver cimport (
    receiver_clear, receiver_configure, receiver_init, receiver_pass_over, receiver_statistics,
    receiver_swap,
)
from platypus._media.sender cimport (
    SENDER_HOT, sender_configure, sender_event, sender_init, sender_keep_alive, sender_pace,
    sender_pause, sender_skip, sender_swap,
)


cdef bint fits(int rate, int ptime_ms) noexcept nogil:
    """Whether packets of so many milliseconds can be sent."""
    return 1 <= ptime_ms <= 120 and 1 <= rate * ptime_ms // 1000 <= STREAM_MAX_FRAME


cdef stream_t *stream_new(const stream_config_t *config) noexcept nogil:
    """A stream, or NULL if the configuration makes no sense or there is no memory."""
    cdef stream_t *stream
    if not fits(config.rate, config.ptime_ms):
        return NULL
    stream = <stream_t *>arena_take(sizeof(stream_t), sizeof(sender_t) - SENDER_HOT)
    if stream == NULL:
        return NULL
    memset(&stream.sender, 0, sizeof(sender_t))
    stream.receiver.decoder = codec_decoder_new(config.rate, False)
    stream.far = <stream_far_t *>arena_far_take(sizeof(stream_far_t))
    if stream.far == NULL or stream.receiver.decoder == NULL:
        stream_free(stream)
        return NULL
    stream.sender.gathered = stream.far.gathered
    stream.receiver.jitter.shelf.far = stream.far.payloads
    sender_init(&stream.sender, config.rate, config.ptime_ms, config.ssrc, config.sequence,
                config.timestamp)
    receiver_init(&stream.receiver, stream.receiver.decoder)
    return stream


cdef void stream_free(stream_t *stream) noexcept nogil:
    if stream != NULL:
        codec_decoder_free(stream.receiver.decoder)
        codec_encoder_free(stream.sender.encoder)
        arena_far_give(stream.far, sizeof(stream_far_t))
        arena_give(stream, sizeof(stream_t))


cdef int stream_configure_send(stream_t *stream, int payload_type, int codec,
                               int event_payload_type, int event_clock,
                               int noise_payload_type) noexcept nogil:
    return sender_configure(&stream.sender, payload_type, codec, event_payload_type, event_clock,
                            noise_payload_type)


cdef int stream_configure_receive(stream_t *stream, int payload_type, int codec,
                                  int clock) noexcept nogil:
    return receiver_configure(&stream.receiver, payload_type, codec, clock)


cdef codec_encoder_t *stream_swap_encoder(stream_t *stream,
                                          codec_encoder_t *encoder) noexcept nogil:
    return sender_swap(&stream.sender, encoder)


cdef codec_decoder_t *stream_swap_decoder(stream_t *stream,
                                          codec_decoder_t *decoder) noexcept nogil:
    return receiver_swap(&stream.receiver, decoder)


cdef int stream_pace(stream_t *stream, int rate, int ptime_ms) noexcept nogil:
    if not fits(rate, ptime_ms):
        return -1
    sender_pace(&stream.sender, rate, ptime_ms)
    return 0


cdef void stream_clear_receive(stream_t *stream) noexcept nogil:
    receiver_clear(&stream.receiver)


cdef void stream_follow_loss(stream_t *stream, double lost) noexcept nogil:
    if stream.sender.encoder != NULL and stream.sender.encoder.opus != NULL:
        opus_follow_loss(stream.sender.encoder.opus, lost)


cdef void stream_pass_over(stream_t *stream) noexcept nogil:
    receiver_pass_over(&stream.receiver)


cdef int stream_keep_alive(stream_t *stream, int payload_type, uint8_t *packet) noexcept nogil:
    return sender_keep_alive(&stream.sender, payload_type, packet)


cdef void stream_skip_capture(stream_t *stream, int samples) noexcept nogil:
    sender_skip(&stream.sender, samples)


cdef int stream_send_event(stream_t *stream, int event, int duration_ms,
                           int volume) noexcept nogil:
    return sender_event(&stream.sender, event, duration_ms, volume)


cdef int stream_send_pause(stream_t *stream, int duration_ms) noexcept nogil:
    return sender_pause(&stream.sender, duration_ms)


cdef void stream_statistics(const stream_t *stream,
                            stream_statistics_t *statistics) noexcept nogil:
    receiver_statistics(&stream.receiver, statistics)
    statistics.sent_packets = stream.sender.packets
    statistics.sent_bytes = stream.sender.bytes


cdef object measured(double value):
    return None if value < 0 else value


cdef dict statistics_dict(const stream_statistics_t *statistics, int rate):
    cdef double ms = 1000.0 / rate
    cdef uint64_t stretched = statistics.inserted_samples + statistics.removed_samples
    known = statistics.packets > 0
    return {
        "send": {
            "packets": statistics.sent_packets,
            "bytes": statistics.sent_bytes,
            # The far end's view: told by its receiver reports alone.
            "lost": None, "late": None, "duplicated": None, "reordered": None, "jitter_ms": None,
        },
        "receive": {
            "packets": statistics.packets,
            "bytes": statistics.bytes,
            "lost": statistics.lost if known else None,
            "late": statistics.late if known else None,
            "duplicated": statistics.duplicated if known else None,
            "reordered": statistics.reordered if known else None,
            "jitter_ms": measured(statistics.jitter_ms),
            "buffer_ms": measured(statistics.buffer_ms),
            "concealed_ms": statistics.concealed_samples * ms if known else None,
            "stretched_ms": stretched * ms if known else None,
        },
    }


VERDICTS = {
    STREAM_ACCEPTED: "accepted", STREAM_HELD: "held", STREAM_DUPLICATE: "duplicate",
    STREAM_LATE: "late", STREAM_RTCP: "rtcp", STREAM_NOT_RTP: "not rtp",
    STREAM_MALFORMED: "malformed", STREAM_UNKNOWN_TYPE: "unknown type",
    STREAM_OVERFLOW: "overflow",
}


cdef class Stream:
    """A stream driven from Python: one thread at a time, times in ns of one clock.

    Frames are bytes of int16, mono, at `rate`, which is that of the codec sent (`retune`
    changes it). Nothing from the network makes a method raise; only arguments that make no
    sense do (ValueError).
    """

    def __cinit__(self, *, uint32_t ssrc=0, uint16_t sequence=0, uint32_t timestamp=0,
                  int rate=8000, int ptime_ms=20):
        cdef stream_config_t config
        config.ssrc = ssrc
        config.sequence = sequence
        config.timestamp = timestamp
        config.rate = rate
        config.ptime_ms = ptime_ms
        self.stream = stream_new(&config)
        if self.stream == NULL:
            raise ValueError(f"no stream has {ptime_ms} ms packets at {rate} samples a second")
        self.ptime_ms = ptime_ms

    def __dealloc__(self):
        stream_free(self.stream)

    @property
    def rate(self) -> int:
        return self.stream.sender.rate

    @property
    def frame_samples(self) -> int:
        """Of one packet sent."""
        return self.stream.sender.frame_samples

    def retune(self, int rate) -> None:
        """Frames have another rate from now on, both ways: the codec is to change."""
        cdef codec_decoder_t *decoder = codec_decoder_new(rate, opus_known())
        if decoder == NULL or stream_pace(self.stream, rate, self.ptime_ms) < 0:
            codec_decoder_free(decoder)
            raise ValueError(f"no stream has {self.ptime_ms} ms packets at {rate} samples a second")
        codec_decoder_free(stream_swap_decoder(self.stream, decoder))

    def configure_send(
        self, int payload_type, codec, *, event_payload_type=None, int event_clock=8000,
        noise_payload_type=None, settings=None
    ) -> None:
        """Send `codec`, of this stream's rate, from now on; and events, if they have a number.

        With a number for comfort noise, silence is not sent but described (RFC 3389).
        """
        cdef int clock
        cdef int number = codec_of(codec, &clock)
        cdef codec_encoder_t *encoder = NULL
        cdef opus_settings_t chosen = opus_settings(settings or {})
        if codec_rate(number) != self.rate:
            raise ValueError(f"{codec} is sent at {codec_rate(number)} Hz: retune the stream")
        if stream_configure_send(self.stream, payload_type, number,
                                 -1 if event_payload_type is None else event_payload_type,
                                 event_clock,
                                 -1 if noise_payload_type is None else noise_payload_type) < 0:
            raise ValueError("a payload type is 0 to 127")
        if codec_has_state(number):
            encoder = codec_encoder_new(number, &chosen)
            if encoder == NULL:
                raise ValueError("no encoder: no memory, or no libopus where it is needed")
        codec_encoder_free(stream_swap_encoder(self.stream, encoder))

    def configure_receive(self, payload_types) -> None:
        """Take exactly these payload types: a mapping from number to codec name."""
        cdef int clock, number
        chosen = []
        for payload_type, codec in payload_types.items():
            if not 0 <= payload_type < 128:
                raise ValueError("a payload type is 0 to 127")
            number = codec_of(codec, &clock)
            chosen.append((payload_type, number, clock))
        if any(number == CODEC_OPUS for _, number, _ in chosen):
            self.learn_opus()
        stream_clear_receive(self.stream)
        for payload_type, number, clock in chosen:
            stream_configure_receive(self.stream, payload_type, number, clock)

    cdef int learn_opus(self) except -1:
        cdef codec_decoder_t *decoder
        if self.stream.receiver.decoder.opus != NULL:
            return 0
        decoder = codec_decoder_new(self.stream.receiver.rate, True)
        if decoder == NULL:
            raise ValueError("Opus can't be decoded: no memory, no libopus, or not this rate")
        codec_decoder_free(stream_swap_decoder(self.stream, decoder))
        return 0

    def follow_loss(self, double lost) -> None:
        """The far end says how much of what is sent is lost, 0 to 1."""
        stream_follow_loss(self.stream, lost)

    def receive(self, packet, int64_t arrival_ns) -> str:
        """Take in a datagram; what became of it, in a word."""
        cdef Py_buffer view
        cdef int verdict
        PyObject_GetBuffer(packet, &view, PyBUF_SIMPLE)
        try:
            stream_keep(self.stream)
            memcpy(self.inbox, view.buf, min(view.len, <Py_ssize_t>STREAM_MAX_PACKET))
            verdict = stream_receive(self.stream, self.inbox,
                                     <int>min(view.len, <Py_ssize_t>65536), arrival_ns)
        finally:
            PyBuffer_Release(&view)
        return VERDICTS[verdict]

    def pass_over(self) -> None:
        """Packets were kept from the stream for a while, on purpose: none of them is lost."""
        stream_pass_over(self.stream)

    def capture(self, frame) -> bytes:
        """Send samples, at most up to a full packet: the packet, or nothing yet.

        `None` stands for a whole packet of silence.
        """
        cdef uint8_t[STREAM_MAX_PACKET] packet
        cdef Py_buffer view
        cdef int length
        if frame is None:
            length = stream_capture(self.stream, NULL, self.frame_samples, packet,
                                    STREAM_MAX_PACKET)
            return packet[:length]
        PyObject_GetBuffer(frame, &view, PyBUF_SIMPLE)
        try:
            if view.len & 1 or view.len > 2 * (self.frame_samples - self.stream.sender.gathered_count):
                raise ValueError(f"not a frame of up to {self.frame_samples} int16 samples")
            length = stream_capture(self.stream, <const int16_t *>view.buf,
                                    <int>(view.len >> 1), packet, STREAM_MAX_PACKET)
        finally:
            PyBuffer_Release(&view)
        return packet[:length]

    def skip_capture(self, int samples) -> None:
        """Nothing was sent for so long: timestamps go on, a marker follows."""
        stream_skip_capture(self.stream, samples)

    def playout(self, int64_t now_ns, samples=None) -> bytes:
        """The frame that is due in the slot at `now_ns`."""
        return self.playout_flagged(now_ns, samples)[0]

    def playout_flagged(self, int64_t now_ns, samples=None) -> tuple:
        """The frame that is due, and whether the network's audio and concealment are in it."""
        cdef int count = self.frame_samples if samples is None else samples
        cdef int flags
        cdef bytes frame
        if not 1 <= count <= STREAM_MAX_FRAME:
            raise ValueError(f"a frame has 1 to {STREAM_MAX_FRAME} samples")
        frame = PyBytes_FromStringAndSize(NULL, 2 * count)
        flags = stream_playout(self.stream, <int16_t *>PyBytes_AS_STRING(frame), count, now_ns)
        return frame, bool(flags & STREAM_AUDIO), bool(flags & STREAM_CONCEALED)

    def send_event(self, int event, int duration_ms, *, int volume=10) -> None:
        """Send a telephone event (0-9, 10 for *, 11 for #, 12-15 for A-D), `volume` -dBm0."""
        if not 0 <= event <= 255 or not 0 <= volume <= 63:
            raise ValueError("an event is 0 to 255, its volume 0 to 63")
        if stream_send_event(self.stream, event, duration_ms, volume) < 0:
            raise ValueError("no payload type for events, too many of them, or no such duration")

    def send_pause(self, int duration_ms) -> None:
        """Let audio pass for so long before the next event."""
        if stream_send_pause(self.stream, duration_ms) < 0:
            raise ValueError("no payload type for events, too many of them, or no such duration")

    @property
    def events_pending(self) -> int:
        return stream_events_pending(self.stream)

    def next_event(self) -> tuple | None:
        """("ssrc", ssrc), ("started",), ("dtmf", code, duration_ms), or None."""
        cdef stream_event_t event
        if not stream_next_event(self.stream, &event):
            return None
        if event.kind == STREAM_EVENT_SSRC:
            return "ssrc", event.ssrc
        if event.kind == STREAM_EVENT_STARTED:
            return ("started",)
        return "dtmf", event.code, event.duration_ms

    def statistics(self) -> dict:
        """The control protocol's `stats` of this stream: `send` and `receive`."""
        cdef stream_statistics_t statistics
        stream_statistics(self.stream, &statistics)
        return statistics_dict(&statistics, self.stream.receiver.rate)

    def losses(self) -> dict:
        """How much was not played, and in what runs: `Losses.summary`."""
        cdef losses_summary_t summary
        losses_summarize(&self.stream.receiver.losses, &summary)
        return summary

    def counters(self) -> dict:
        """Everything that is counted, in packets and samples."""
        cdef stream_statistics_t statistics
        stream_statistics(self.stream, &statistics)
        return statistics

    def turn_pages(self):
        cdef conceal_t *conceal = &self.stream.receiver.jitter.conceal
        cdef uintptr_t begin = <uintptr_t>&self.stream.sender.rate
        cdef uintptr_t last = <uintptr_t>&conceal.history[CONCEAL_HISTORY_MS * 8 - 1]
        return last // ARENA_PAGE - begin // ARENA_PAGE + 1
