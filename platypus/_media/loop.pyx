"""The handles Python has on the media thread: one Loop an engine, one Leg an RTP stream.

    Python  -> commands -> thread        bounded: a full queue raises
    Python  <- returns  <- thread        what it no longer uses is freed here, under the GIL
    asyncio <- events, wake socket <- thread

A command carries everything it needs, already allocated, and is a lease on it: the thread
gives the command back when it uses none of it any more. Sockets are detached into the thread,
which alone closes them. After a fork the child's copy is dead: nothing is joined or closed.
"""

import atexit
import os
import socket
import weakref
from base64 import b64encode

from cpython.ref cimport Py_INCREF, PyObject
from libc.stdint cimport int64_t, uint32_t
from libc.stdlib cimport calloc

from platypus._media.address cimport address_of
from platypus._media.arena cimport arena_rest
from platypus._media.codec cimport (
    CODEC_OPUS, codec_decoder_new, codec_encoder_new, codec_has_state, codec_of, codec_rate,
)
from platypus._media.command cimport (
    checked_type, command_carry, command_digits, command_free, command_new,
)
from platypus._media.conference cimport Conference, party_new
from platypus._media.crowd cimport crowd_serve
from platypus._media.endpoint cimport Sink, Source
from platypus._media.dtmf_tone cimport dtmf_receiver_t, dtmf_sender_t
from platypus._media.event cimport events_drain
from platypus._media.feed cimport feed_new
from platypus._media.gear cimport gear_new
from platypus._media.handover cimport socket_prepared, sockets_detach
from platypus._media.lateness cimport lateness_reset, lateness_summary
from platypus._media.leg cimport (
    DIGITS_MAX, GUARD_PLAIN, GUARD_RELAYED, GUARD_SHUT, GUARD_SRTP, TYPES_MAX, VERB_CLOSE,
    VERB_DELIVER, VERB_DIRECTION, VERB_DTMF, VERB_EARS, VERB_JOIN, VERB_KEYS, VERB_LEAVE,
    VERB_MOVE, VERB_MUTE, VERB_OPEN, VERB_OUTSIDE, VERB_PROTECT, VERB_RECEIVE, VERB_RECORD, VERB_RTCP,
    VERB_SEND, VERB_SINK, VERB_SOURCE, VERB_STOP_RECORD, VERB_TRANSMIT, VERB_UNPROTECT,
    VERB_VOICE, command_t, leg_free, leg_new,
)
from platypus._media.leg_figures cimport leg_figures
from platypus._media.opus cimport opus_settings, opus_settings_t
from platypus._media.outlet cimport outlet_new
from platypus._media.platform cimport (
    PLATFORM_NO_SOCKET, PLATFORM_SCHEDULING_RR, platform_load_acquire,
    platform_memory_give_back, platform_process_id, platform_scheduling_name,
    platform_socket_close,
)
from platypus._media.post cimport posts_drain
from platypus._media.queue cimport QUEUE_MAX, queue_pop, queue_push
from platypus._media.recorder cimport recorder_new
from platypus._media.rtcp cimport RTCP_CNAME_MAX
from platypus._media.srtp cimport Context
from platypus._media.thread cimport (
    LEGS_MAX, loop_free, loop_new, loop_poke, loop_start, loop_stop,
)

# The whole of close() is bounded to a second.
cdef int64_t CLOSE_NS = 900_000_000
PTIMES_MS = (10, 20, 30, 40, 50, 60)
GUARDS = {"plain": GUARD_PLAIN, "shut": GUARD_SHUT, "relayed": GUARD_RELAYED}
RATES = (8000, 16000, 24000, 32000, 48000)

_loops = weakref.WeakSet()


@atexit.register
def _close_all():
    for loop in list(_loops):
        loop.close()


cdef class Loop:
    """One native thread without Python state; one for each Engine."""

    def __cinit__(self, *, log=None, error=RuntimeError):
        reader, writer = socket.socketpair()
        self.process = platform_process_id()
        self.log = log
        self.error = error
        reader.setblocking(False)
        writer.setblocking(False)
        self.wake = reader
        self.next_id = 1
        self.loop = loop_new(writer.fileno())
        if self.loop == NULL:
            reader.close()
            writer.close()
            raise MemoryError("no memory for a media loop")
        writer.detach()
        _loops.add(self)

    def __dealloc__(self):
        if self.loop == NULL or self.process != platform_process_id():
            return
        if not self.running or loop_stop(self.loop, CLOSE_NS):
            loop_free(self.loop)

    def start(self):
        """Start the thread; returns once it has said what scheduling it got. Idempotent."""
        cdef int problem
        if self.shut or self.process != platform_process_id():
            raise self.error("the media loop is closed")
        if self.running:
            return
        with nogil:
            problem = loop_start(self.loop)
        if problem:
            raise self.error(f"no media thread: {os.strerror(problem)}")
        self.running = True
        if self.log is not None:
            self.log(f"media thread: {self.scheduling}{self.why_not_real_time()}")

    cdef str why_not_real_time(self):
        """What an administrator can do about it: RTKit is not asked, it would need D-Bus."""
        if platform_load_acquire(&self.loop.scheduling) == PLATFORM_SCHEDULING_RR:
            return ""
        return " (real time needs RLIMIT_RTPRIO of 1 or more)" if os.name == "posix" else ""

    def close(self):
        """Stop the thread, close its sockets, finish its recordings; at most a second."""
        cdef bint ended
        if self.shut:
            return
        self.shut = True
        if self.process != platform_process_id():
            return
        if self.running:
            with nogil:
                ended = loop_stop(self.loop, CLOSE_NS)
            if not ended:
                # What a hanging thread may still touch is left to it.
                if self.log is not None:
                    self.log("media thread: did not end in time")
                self.loop = NULL
                return
            self.running = False
            self.reclaim()
        platform_socket_close(self.loop.events.wake)
        self.loop.events.wake = PLATFORM_NO_SOCKET
        self.wake.close()

    @property
    def closed(self):
        return self.shut or self.process != platform_process_id()

    @property
    def scheduling(self):
        """What the thread got, such as "SCHED_RR 1"; "" before it was started."""
        if self.loop == NULL or not self.running:
            return ""
        return platform_scheduling_name(platform_load_acquire(&self.loop.scheduling)).decode()

    @property
    def wake_socket(self):
        """Readable when events wait; closed by `close`."""
        return self.wake

    cdef int check(self) except -1:
        if self.shut or self.process != platform_process_id():
            raise self.error("the media loop is closed")
        if not self.running:
            raise self.error("the media loop was not started")
        return 0

    cdef int submit(self, command_t *command) except -1:
        """Hand a command over; it is freed when that can't be done."""
        try:
            self.check()
            self.reclaim()
            # No more go out than the queue they come back by can hold.
            if self.outstanding >= QUEUE_MAX or not queue_push(&self.loop.commands, command):
                raise self.error("the media loop has too many commands waiting")
        except BaseException:
            command_free(command)
            raise
        self.outstanding += 1
        loop_poke(self.loop)
        return 0

    cdef int reclaim(self) except -1:
        cdef command_t *command
        if self.loop == NULL:
            return 0
        while True:
            command = <command_t *>queue_pop(&self.loop.returns)
            if command == NULL:
                return 0
            self.outstanding -= 1
            if command.verb == VERB_OPEN:
                self.open_legs -= 1
            command_free(command)

    def drain_events(self):
        """Everything that happened since the last call, oldest first."""
        if self.loop == NULL or self.process != platform_process_id():
            return []
        events = events_drain(&self.loop.events)
        self.reclaim()
        return events

    def drain_packets(self):
        """The packets for Python since the last call, oldest first."""
        if self.loop == NULL or self.process != platform_process_id():
            return []
        return posts_drain(&self.loop.posts)

    @property
    def events_lost(self):
        """Events that were never told because nobody drained them."""
        return 0 if self.loop == NULL else platform_load_acquire(&self.loop.events.lost)

    def give_back(self):
        """Free what legs that are over still hold, and let go of memory nobody uses."""
        if self.loop != NULL and self.process == platform_process_id():
            self.reclaim()
            arena_rest()
            platform_memory_give_back()

    def lateness(self):
        """How late packets left: count, p50_ms, p99_ms, max_ms, skipped."""
        if self.loop == NULL or self.process != platform_process_id():
            return {"count": 0, "p50_ms": 0.0, "p99_ms": 0.0, "max_ms": 0.0, "skipped": 0}
        return lateness_summary(&self.loop.lateness)

    def turns(self):
        """How many turns the slots had, and how many ended only after their slot's next one."""
        if self.loop == NULL or self.process != platform_process_id():
            return 0, 0
        return platform_load_acquire(&self.loop.turns), platform_load_acquire(&self.loop.overrun)

    def reset_lateness(self):
        """Begin the statistics of `lateness` again."""
        self.check()
        lateness_reset(&self.loop.lateness)

    def open_leg(
        self, rtp_socket, rtcp_socket=None, *, ssrc, sequence, timestamp, rate=8000, ptime_ms=20,
        cname=None,
    ):
        """Take over two bound UDP sockets and begin to serve them."""
        cdef Leg leg
        cdef int rtcp_family
        self.check()
        self.reclaim()
        if ptime_ms != 20 or rate not in RATES:
            raise ValueError(f"no legs of {ptime_ms} ms at {rate} Hz")
        if self.open_legs >= LEGS_MAX:
            raise self.error(f"a media loop has at most {LEGS_MAX} legs")
        leg = Leg.__new__(Leg)
        leg.set_up(self, self.next_id, rate, (ssrc, sequence, timestamp),
                   random_cname() if cname is None else cname)
        leg.leg.rtp = socket_prepared(rtp_socket, &leg.leg.family)
        if rtcp_socket is not None:
            leg.leg.rtcp = socket_prepared(rtcp_socket, &rtcp_family)
        command = leg.command(VERB_OPEN)
        command.kept = <PyObject *>leg
        Py_INCREF(leg)
        self.submit(command)
        self.next_id += 1
        self.open_legs += 1
        sockets_detach(rtp_socket, rtcp_socket)
        return leg


cdef bytes random_cname():
    """RFC 7022, 4.2: 96 random bits a call, so that nobody is followed by it."""
    return b64encode(os.urandom(12))


cdef class Leg:
    """One RTP stream in both directions. Made by `Loop.open_leg`."""

    def __init__(self):
        raise TypeError("a Leg is made by Loop.open_leg")

    def __dealloc__(self):
        leg_free(self.leg)

    cdef int set_up(self, Loop loop, int number, int rate, first, bytes cname) except -1:
        ssrc, sequence, timestamp = first
        if not 0 < len(cname) <= RTCP_CNAME_MAX:
            raise ValueError(f"a CNAME has 1 to {RTCP_CNAME_MAX} bytes")
        self.leg = leg_new(
            number, rate, ssrc & 0xFFFFFFFF, sequence & 0xFFFF, timestamp & 0xFFFFFFFF,
            cname, <int>len(cname),
        )
        if self.leg == NULL:
            raise MemoryError("no memory for a leg")
        self.loop = loop
        self.id = number
        self.rate = rate
        return 0

    cdef command_t *command(self, int verb) except NULL:
        cdef command_t *command
        if self.shut:
            raise self.loop.error("the leg is closed")
        command = command_new(verb)
        command.leg = self.leg
        return command

    cdef int submit(self, command_t *command, kept) except -1:
        """With an object that must live as long as the thread uses what it points to."""
        if kept is not None:
            command.kept = <PyObject *>kept
            Py_INCREF(kept)
        return self.loop.submit(command)

    @property
    def closed(self):
        return self.shut or self.loop.closed

    def move(self, rtp_socket, rtcp_socket=None):
        """Go on over other sockets; the old ones are closed, and nobody is sent to for now."""
        cdef command_t *command = self.command(VERB_MOVE)
        cdef int rtcp_family
        command.rtcp = PLATFORM_NO_SOCKET
        try:
            command.rtp = socket_prepared(rtp_socket, &command.first)
            if rtcp_socket is not None:
                command.rtcp = socket_prepared(rtcp_socket, &rtcp_family)
        except BaseException:
            command_free(command)
            raise
        self.submit(command, None)
        sockets_detach(rtp_socket, rtcp_socket)

    def configure_receive(self, payload_types):
        """Payload types to take, to codecs by name; others are counted."""
        cdef command_t *command
        cdef int index = 0, clock, codec
        if len(payload_types) > TYPES_MAX:
            raise ValueError(f"at most {TYPES_MAX} payload types")
        chosen = []
        for key, name in payload_types.items():
            codec = codec_of(name, &clock)
            chosen.append((checked_type(key), codec, clock))
        command = self.command(VERB_RECEIVE)
        for number, codec, clock in chosen:
            command.types[index] = number
            command.codecs[index] = codec
            command.clocks[index] = clock
            index += 1
        command.count = index
        opus = any(codec == CODEC_OPUS for _, codec, _ in chosen)
        if opus and not self.opus:
            command.decoder = codec_decoder_new(self.rate, True)
            if command.decoder == NULL:
                command_free(command)
                raise self.loop.error("Opus can't be decoded: there is no libopus here")
        self.submit(command, None)
        self.opus = self.opus or opus

    def configure_send(
        self, payload_type, codec, remote, event_payload_type=None, *, event_clock=8000,
        ptime_ms=20, noise_payload_type=None, settings=None
    ):
        """What to send and where. Without a remote nothing is sent yet."""
        cdef command_t *command
        cdef int clock
        cdef int number = codec_of(codec, &clock)
        address = address_of(remote)
        checked = checked_type(payload_type)
        events = -1 if event_payload_type is None else checked_type(event_payload_type)
        noise = -1 if noise_payload_type is None else checked_type(noise_payload_type)
        if ptime_ms not in PTIMES_MS:
            raise ValueError(f"packets have {', '.join(map(str, PTIMES_MS))} ms, not {ptime_ms}")
        command = self.command(VERB_SEND)
        command.first = checked
        command.second = number
        command.third = events
        command.fourth = event_clock
        command.fifth = ptime_ms
        command.sixth = noise
        command.address = address
        try:
            self.equip(command, number, settings or {})
        except BaseException:
            command_free(command)
            raise
        self.submit(command, None)
        self.codec = number
        self.settings = settings or {}
        self.rate = codec_rate(number)
        self.has_events = events >= 0

    cdef int equip(self, command_t *command, int codec, settings) except -1:
        """Give a command what a change to `codec` needs."""
        cdef int rate = codec_rate(codec)
        cdef opus_settings_t chosen = opus_settings(settings)
        if codec_has_state(codec) and (codec != self.codec or settings != self.settings):
            command.encoder = codec_encoder_new(codec, &chosen)
            if command.encoder == NULL:
                raise self.loop.error(f"no encoder: no memory, or no libopus where it is needed")
        if rate == self.rate:
            return 0
        command.gear = gear_new(
            rate, self.opus, self.source_rate, self.sink_rate, self.record_rates, self.record_both,
            self.conference_rate,
        )
        if command.gear == NULL:
            raise self.loop.error(
                f"can't change to {rate} Hz between a source of {self.source_rate} Hz and a sink "
                f"of {self.sink_rate}"
            )
        return 0

    def configure_rtcp(self, remote, *, mux=False, voip_metrics=False):
        """Where reports go; with `mux` they share the RTP port. None: send none."""
        cdef command_t *command
        address = address_of(remote)
        command = self.command(VERB_RTCP)
        command.address = address
        command.first = bool(mux)
        command.second = bool(voip_metrics)
        self.submit(command, None)

    def set_direction(self, send, receive):
        cdef command_t *command = self.command(VERB_DIRECTION)
        command.first = bool(send)
        command.second = bool(receive)
        self.submit(command, None)

    def set_mute(self, on, *, held=False):
        """Send silence instead of the source, which goes on running unheard.

        A leg that is held does not hear the others of its conference either.
        """
        cdef command_t *command = self.command(VERB_MUTE)
        command.first = bool(on)
        command.second = bool(held)
        self.submit(command, None)

    def watch_voice(self, on):
        """Tell by "voice" events when speech begins and ends, on either side."""
        cdef command_t *command = self.command(VERB_VOICE)
        command.first = bool(on)
        self.submit(command, None)

    def join(self, Conference conference not None):
        """Hear and be heard by the other legs of a conference; one at a time."""
        cdef command_t *command
        before = conference.loop() if conference.loop is not None else None
        if before is not None and before is not self.loop:
            raise self.loop.error("this conference belongs to another engine")
        conference.loop = weakref.ref(self.loop)
        command = self.command(VERB_JOIN)
        command.party = party_new(self.rate, conference.conference)
        if command.party == NULL:
            command_free(command)
            raise MemoryError("no memory for a party of a conference")
        self.submit(command, conference)
        self.conference_rate = conference.rate

    def leave(self):
        """Out of the conference; the leg goes on by itself."""
        self.submit(self.command(VERB_LEAVE), None)
        self.conference_rate = 0

    def protect(self, how):
        """How to send: a Context, "plain", "shut" for not at all, "relayed" by way of Python."""
        self.guard(VERB_PROTECT, how, False)

    def unprotect(self, how, *, same_key=False):
        """How to receive: a Context, "plain", "shut" where nothing is believed yet, "relayed"."""
        self.guard(VERB_UNPROTECT, how, same_key)

    def take_packets(self, on):
        """Whether STUN and DTLS come out by `Loop.drain_packets`."""
        cdef command_t *command = self.command(VERB_OUTSIDE)
        command.first = bool(on)
        self.submit(command, None)

    def transmit(self, packet, remote, *, rtcp_socket=False):
        """Send a packet as it is, before the next frame."""
        self.post(VERB_TRANSMIT, packet, remote, rtcp_socket, 0)

    def deliver(self, packet, source, int64_t arrival_ns):
        """Take a packet that was opened outside as if it had come, while "relayed"."""
        self.post(VERB_DELIVER, packet, source, False, arrival_ns)

    cdef int post(self, int verb, packet, pair, bint first, int64_t arrival_ns) except -1:
        cdef command_t *command
        address = address_of(pair)
        command = self.command(verb)
        try:
            command_carry(command, packet)
        except BaseException:
            command_free(command)
            raise
        command.address = address
        command.first = first
        command.arrival_ns = arrival_ns
        self.submit(command, None)
        return 0

    cdef int guard(self, int verb, how, bint same_key) except -1:
        cdef command_t *command
        cdef Context context = how if isinstance(how, Context) else None
        if context is None and how not in GUARDS:
            raise ValueError(f"a Context, {' or '.join(GUARDS)} is needed, not {how!r}")
        if context is not None and context.leased and context.place != (self.id, verb):
            raise ValueError("a context serves one direction of one leg")
        command = self.command(verb)
        command.first = GUARD_SRTP if context is not None else GUARDS[how]
        command.second = same_key
        if context is not None:
            command.context = context.context
            context.leased = True
            context.place = (self.id, verb)  # by commands in their order: it may come back here
        self.submit(command, context)
        if context is not None:
            crowd_serve(self.loop.loop.mark)
        return 0

    def set_source(self, Source source):
        """What the far end hears; None is silence."""
        cdef command_t *command = self.command(VERB_SOURCE)
        if source is not None:
            try:
                self.claim(source)
                command.feed = feed_new(&source.source, self.rate)
                if command.feed == NULL:
                    raise self.loop.error(f"can't resample a source of {source.rate} Hz")
            except BaseException:
                command_free(command)
                raise
        self.submit(command, source)
        self.source_rate = 0 if source is None else source.source.rate

    def set_sink(self, Sink sink):
        """Where the far end is heard; None is nowhere."""
        cdef command_t *command = self.command(VERB_SINK)
        if sink is not None:
            try:
                self.claim(sink)
                command.outlet = outlet_new(&sink.sink, self.rate)
                if command.outlet == NULL:
                    raise self.loop.error(f"can't resample to a sink of {sink.rate} Hz")
            except BaseException:
                command_free(command)
                raise
        self.submit(command, sink)
        self.sink_rate = 0 if sink is None else sink.sink.rate

    cdef int claim(self, end) except -1:
        """Its struct belongs to one thread for life, or until that thread's loop is closed."""
        if isinstance(end, Source):
            before = (<Source>end).loop
        else:
            before = (<Sink>end).loop
        before = before() if before is not None else None
        if before is not None and before is not self.loop and not before.closed:
            raise self.loop.error("this source or sink belongs to another engine")
        if isinstance(end, Source):
            (<Source>end).loop = weakref.ref(self.loop)
        else:
            (<Sink>end).loop = weakref.ref(self.loop)
        return 0

    def send_dtmf(self, digits, duration_ms=160, gap_ms=80):
        """Queue digits as RFC 4733 events."""
        cdef uint32_t waiting = self.digits_queued - platform_load_acquire(&self.leg.digits_done)
        cdef command_t *command
        if not self.has_events:
            raise self.loop.error("no payload type for telephone-events was agreed")
        command = self.keys(VERB_DTMF, digits, duration_ms, gap_ms, waiting)
        self.submit(command, None)
        self.digits_queued += <uint32_t>len(digits)

    def press(self, digits, duration_ms=160, gap_ms=80):
        """Queue digits as tones, heard in the place of the source."""
        cdef uint32_t waiting = self.tones_queued - platform_load_acquire(&self.leg.tones_done)
        cdef command_t *command = self.keys(VERB_KEYS, digits, duration_ms, gap_ms, waiting)
        if not self.has_tones:
            command.tones = <dtmf_sender_t *>calloc(1, sizeof(dtmf_sender_t))
            if command.tones == NULL:
                command_free(command)
                raise MemoryError("no memory for tones")
        self.submit(command, None)
        self.has_tones = True
        self.tones_queued += <uint32_t>len(digits)

    def listen_for_keys(self, on):
        """Tell by "key" events which keys the far end presses as tones."""
        cdef command_t *command = self.command(VERB_EARS)
        if on:
            command.ears = <dtmf_receiver_t *>calloc(1, sizeof(dtmf_receiver_t))
            if command.ears == NULL:
                command_free(command)
                raise MemoryError("no memory to listen for keys")
        self.submit(command, None)

    cdef command_t *keys(self, int verb, digits, int duration_ms, int gap_ms,
                         uint32_t waiting) except NULL:
        cdef command_t *command
        if waiting + len(digits) > DIGITS_MAX:
            raise self.loop.error(f"at most {DIGITS_MAX} digits wait at a time")
        command = self.command(verb)
        try:
            command_digits(command, digits, duration_ms, gap_ms)
        except BaseException:
            command_free(command)
            raise
        return command

    def start_record(self, int fd, rate=None, *, when_started=False, stereo=False, int place=0):
        """Write what this leg plays as WAV; the loop owns the descriptor from here.

        Stereo has both sides: what is sent on the left, what is played on the right.
        """
        cdef int wanted = self.rate if rate is None else rate
        cdef command_t *command = self.record_command(VERB_RECORD, place)
        command.first = bool(when_started)
        if wanted in RATES or wanted == 44100:
            command.recorder = recorder_new(fd, self.rate, wanted, 2 if stereo else 1)
        if command.recorder == NULL:
            command_free(command)
            raise ValueError(f"can't record at {wanted} Hz")
        self.submit(command, None)
        self.record_rates[place] = wanted
        self.record_both[place] = bool(stereo)

    def stop_record(self, int place=0):
        self.submit(self.record_command(VERB_STOP_RECORD, place), None)
        self.record_rates[place] = 0

    cdef command_t *record_command(self, int verb, int place) except NULL:
        cdef command_t *command
        if not 0 <= place < RECORDINGS_MAX:
            raise ValueError(f"a leg has {RECORDINGS_MAX} places for recordings, none is {place}")
        command = self.command(verb)
        command.third = place
        return command

    def statistics(self):
        """A consistent snapshot, also after `close` (then the last)."""
        return leg_figures(self.leg)

    def close(self):
        """Stop the leg and close its sockets. Idempotent."""
        cdef command_t *command
        if self.closed:
            self.shut = True
            return
        command = self.command(VERB_CLOSE)
        self.submit(command, None)
        self.shut = True
