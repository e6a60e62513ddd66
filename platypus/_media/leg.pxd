"""One leg: sockets, stream, source, sink and recording, served by the loop thread.

Who owns what: a leg_t is made and freed under the GIL. From the OPEN command until its lease
is given back every field belongs to the loop thread, but for those marked atomic.
"""

from libc.stdint cimport int16_t, int64_t, uint8_t, uint32_t

from platypus._media.address cimport latch_t
from platypus._media.codec cimport codec_decoder_t, codec_encoder_t
from platypus._media.conference cimport party_t
from platypus._media.dtmf_tone cimport dtmf_receiver_t, dtmf_sender_t
from platypus._media.endpoint cimport FRAME_MAX, feed_t, outlet_t
from platypus._media.event cimport events_t
from platypus._media.gear cimport gear_t
from platypus._media.keep_alive cimport keep_alive_t
from platypus._media.lateness cimport lateness_t
from platypus._media.losses cimport losses_t
from platypus._media.platform cimport (
    platform_address_t, platform_datagram_t, platform_fence, platform_socket_t,
    platform_store_release,
)
from platypus._media.post cimport posts_t
from platypus._media.recorder cimport recorder_t, writer_t
from platypus._media.reports cimport reports_figures_t, reports_t
from platypus._media.srtp cimport context_t
from platypus._media.stream cimport stream_statistics_t, stream_t
from platypus._media.voice cimport voice_t

cdef enum:
    DIGITS_MAX = 64
    TYPES_MAX = 32     # payload types configured at a time


cdef enum verb_t:
    VERB_OPEN = 1
    VERB_CLOSE = 2
    VERB_RECEIVE = 3
    VERB_SEND = 4
    VERB_DIRECTION = 5
    VERB_SOURCE = 6
    VERB_SINK = 7
    VERB_MUTE = 8
    VERB_DTMF = 9
    VERB_RECORD = 10
    VERB_STOP_RECORD = 11
    VERB_PROTECT = 12    # first: a guard_t; with the context to send by
    VERB_UNPROTECT = 13  # and with the one to receive by; second: its key is not new
    VERB_OUTSIDE = 50    # first: whether packets that are no RTP go to Python
    VERB_TRANSMIT = 51   # send `packet` to `address` as it is; first: from the RTCP socket
    VERB_DELIVER = 52    # take `packet` as one that was opened
    VERB_RTCP = 14
    VERB_MOVE = 15       # to `rtp` and `rtcp`, sockets of the family `first`
    VERB_JOIN = 30
    VERB_LEAVE = 31
    VERB_VOICE = 32
    VERB_KEYS = 40       # press keys as tones
    VERB_EARS = 41       # with ears, or to listen no more


# What is asked of packets in one direction.
cdef enum guard_t:
    GUARD_PLAIN = 0
    GUARD_SHUT = 1       # nothing passes: what is agreed is not known yet
    GUARD_SRTP = 2
    GUARD_RELAYED = 3    # by way of Python, packet for packet


# A command and the lease on what it carries: the node travels back when the loop no longer
# uses its feed, outlet, recorder or object, and only then are they freed, under the GIL.
cdef struct command_t:
    verb_t verb
    leg_t *leg
    void *kept                   # a reference to a Python object; never looked into here
    feed_t *feed
    outlet_t *outlet
    recorder_t *recorder
    command_t *beside            # the leg's next recording
    context_t *context
    uint8_t *packet              # owned; of `count` bytes
    int64_t arrival_ns
    codec_decoder_t *decoder
    codec_encoder_t *encoder
    gear_t *gear
    dtmf_sender_t *tones
    dtmf_receiver_t *ears
    party_t *party
    platform_address_t address
    platform_socket_t rtp, rtcp
    int first, second, third     # by verb: payload types and codecs, flags, times in ms
    int fourth, fifth, sixth
    int count
    int types[TYPES_MAX]
    int codecs[TYPES_MAX]
    int clocks[TYPES_MAX]
    uint8_t digits[DIGITS_MAX]


cdef struct meter_t:
    int frames          # in the window so far
    int peak
    int64_t energy


cdef struct counters_t:
    uint32_t invalid
    uint32_t strangers
    uint32_t ignored
    uint32_t rtcp_packets    # valid, and the far end's
    uint32_t forged          # SRTP that does not authenticate: a wrong key, or tampered with
    uint32_t replayed
    uint32_t unheard         # came before it was known how to open it
    uint32_t send_errors
    uint32_t source_underruns
    uint32_t sink_overruns
    float sent_peak, sent_rms, played_peak, played_rms


# All that others see of a leg.
cdef struct figures_t:
    counters_t counters
    int64_t last_packet_ns   # 0: never
    stream_statistics_t stream
    losses_t losses
    int heard_codec
    float heard_bitrate
    int heard_packet_ms
    reports_figures_t reports


cdef struct leg_t:
    # A turn looks at these, down to the beginnings of the reports and the counters. They lie
    # together: 20 ms after its last turn a leg's memory has left the cache, and each line of it
    # costs as much as decoding a packet.
    leg_t *next              # in its slot
    stream_t *stream         # owned
    feed_t *feed             # of `source`
    command_t *source        # the leases of what is in use, or NULL
    command_t *sink
    command_t *recording     # its recordings, a list
    command_t *party         # its part in a conference
    context_t *sealing       # of `protecting` and `unprotecting`, or NULL
    context_t *opening
    dtmf_sender_t *tones     # owned; NULL until a key is pressed as tones
    dtmf_receiver_t *ears    # owned; NULL: nobody listens for such keys
    int trial                # packets; below 0 as many as come
    guard_t sending, receiving
    platform_socket_t rtp
    int family               # of the RTP socket: 4 or 6
    int rate
    int frame                # samples of 20 ms
    uint32_t touched         # atomic; odd while the thread works at the leg: see leg_take_up
    int last_type
    int digit_count
    int64_t heard_ns         # when the last packet of the far end came; 0: never
    int64_t read_ns          # when the RTP socket was read last
    int64_t receiving_since_ns
    keep_alive_t keep_alive  # what was last sent to keep a NAT's binding open
    # Yes or no, each in a byte:
    uint8_t read_all         # it may hold more than one packet: read it until it is empty
    uint8_t card             # its turns come every 10 ms: see `settle_card`
    uint8_t tenths           # so do its packets, or they are of 30 or 50
    uint8_t may_send, may_receive
    uint8_t muted            # the far end does not hear us
    uint8_t held             # nor anybody else of a conference
    uint8_t sends            # configure_send was called
    uint8_t source_told      # its end
    uint8_t stalled
    uint8_t error_told
    uint8_t tells_voice
    meter_t sent_meter, played_meter
    latch_t latch
    reports_t reports        # begins with the only field that each turn looks at
    counters_t counters

    int id
    int slot                 # -1: in none
    platform_socket_t rtcp
    platform_address_t rtcp_signalled  # family 0: no reports are sent
    platform_address_t rtcp_heard      # where valid ones come from; family 0: none did
    bint rtcp_mux            # RFC 5761: reports share the RTP port
    bint rtcp_voip           # RFC 3611: the far end takes VoIP metrics
    command_t *lease         # the OPEN command; keeps the Python object
    command_t *protecting    # the leases of the contexts, or NULL
    command_t *unprotecting
    command_t *candidate     # tried where `unprotecting` fails, while `trial` lasts
    voice_t sent_voice, played_voice
    int16_t played[FRAME_MAX]  # the last 20 ms, for an echo or a recording of both sides

    uint8_t digits[DIGITS_MAX]   # queue of `digit_count` digits to be sent
    int durations_ms[DIGITS_MAX]
    int gaps_ms[DIGITS_MAX]
    int digit_first
    uint32_t digits_done     # atomic; stored by the loop thread
    uint32_t tones_done      # atomic; stored by the loop thread

    events_t *events         # the loop's, and its ring of packets for Python
    posts_t *posts
    bint outside             # what is no RTP goes to Python
    bint delivering          # the packet in hand was opened there


cdef leg_t *leg_new(int id, int rate, uint32_t ssrc, int sequence, uint32_t timestamp,
                    const uint8_t *cname, int cname_length) noexcept nogil
cdef void leg_free(leg_t *leg) noexcept nogil

# For a turn that comes soon: its memory has been idle for 20 ms, and others have used the cache.
cdef void leg_fetch(const leg_t *leg) noexcept nogil         # what the next one looks at first
cdef void leg_fetch_stream(const leg_t *leg) noexcept nogil
cdef void leg_fetch_rest(const leg_t *leg) noexcept nogil    # when its stream has been fetched

# The parts of a turn, in order. `deadline_ns` is the turn's, and the time of its playout.
cdef void leg_receive(leg_t *leg, platform_datagram_t *inbox, events_t *events, int64_t offset_ns,
                      int64_t now_ns) noexcept nogil
cdef void leg_play(leg_t *leg, int count, events_t *events, writer_t *writer,
                   int64_t deadline_ns) noexcept nogil
# Whether a packet went out.
cdef bint leg_send(leg_t *leg, int count, events_t *events, writer_t *writer,
                   int64_t deadline_ns) noexcept nogil
cdef void leg_skip(leg_t *leg, int frames, lateness_t *lateness, writer_t *writer) noexcept nogil
# A packet that Python has opened is taken as if it had come.
cdef void leg_deliver(leg_t *leg, const command_t *command, platform_datagram_t *inbox,
                      events_t *events) noexcept nogil
cdef void leg_watch(leg_t *leg, events_t *events, int64_t now_ns) noexcept nogil
# In a conference: `leg_play` only listens; then, for all parties before the next,
cdef void leg_play_all(leg_t *leg, int count, writer_t *writer, int64_t deadline_ns) noexcept nogil
cdef void leg_speak(leg_t *leg, int count, events_t *events, int64_t deadline_ns) noexcept nogil

# Others read a leg's figures from its own memory, so that to tell them costs its turns nothing.
# What changes a leg stands between these two, and who has read meanwhile reads again.
cdef inline void leg_take_up(leg_t *leg) noexcept nogil:
    platform_store_release(&leg.touched, leg.touched + 1)
    platform_fence()


cdef inline void leg_put_down(leg_t *leg) noexcept nogil:
    platform_store_release(&leg.touched, leg.touched + 1)


# From any thread. False: some of it may be of one turn and some of the next.
cdef bint leg_read(const leg_t *leg, figures_t *figures) noexcept nogil
