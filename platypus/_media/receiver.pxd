from libc.stdint cimport int16_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t

from platypus._media.codec cimport codec_decoder_t
from platypus._media.jitter cimport jitter_t
from platypus._media.losses cimport losses_t
from platypus._media.report cimport STREAM_MAX_PACKET, stream_event_t, stream_statistics_t
from platypus._media.rtp cimport rtp_source_t
from platypus._media.telephone_event cimport event_receiver_t

# What a payload type stands for.
cdef struct payload_type_t:
    uint8_t codec
    uint8_t clock            # of its timestamps, in kHz

cdef struct held_t:
    uint32_t ssrc
    uint16_t sequence
    int64_t arrival_ns
    uint8_t data[STREAM_MAX_PACKET]

# What few turns look at comes last, for what each does lies together from `types` to the
# beginning of the jitter buffer's `conceal`.
cdef struct receiver_t:
    payload_type_t types[128]
    uint64_t lost_before     # with earlier sources
    uint64_t duplicated
    uint64_t reordered
    uint64_t refused
    uint64_t overflowed
    losses_t losses
    rtp_source_t source
    int rate                 # samples a second, of the jitter buffer and all that is played
    uint16_t held_length     # 0: nothing is held
    uint8_t stirring         # something is to be told, or an event goes on
    uint8_t told_ssrc        # events that wait to be asked for
    uint8_t told_started
    uint8_t started
    uint8_t known            # some source was followed
    uint8_t origin_known
    uint8_t placed           # the five below that are called so are set
    uint8_t heard_codec      # of the last audio that was taken in; CODEC_NONE: none yet
    int heard_clock          # of its timestamps
    float heard_bitrate      # of Opus, where it carries 12 kHz or more of speech; 0: not known
    uint32_t placed_rtp      # RTP timestamp of the newest audio packet
    int placed_samples
    int64_t placed_at        # its timestamp in the jitter buffer
    int64_t placed_arrival
    int64_t placed_extended
    codec_decoder_t *decoder # owned; of `rate`
    int64_t origin_ns        # of our clock in samples
    int64_t position         # added to extended sequence numbers: positions never go back
    int64_t newest_position
    uint64_t packets
    uint64_t bytes
    jitter_t jitter          # it clears what it needs of itself
    held_t held
    event_receiver_t events

# What a packet of the far end holds; 0: none was heard yet.
cdef inline int receiver_packet_ms(const receiver_t *receiver) noexcept nogil:
    return receiver.placed_samples * 1000 // receiver.rate if receiver.placed else 0

cdef void receiver_init(receiver_t *receiver, codec_decoder_t *decoder) noexcept nogil
# Another decoder, perhaps of another rate; the one before comes back.
cdef codec_decoder_t *receiver_swap(receiver_t *receiver, codec_decoder_t *decoder) noexcept nogil
cdef int receiver_configure(receiver_t *receiver, int payload_type, int codec,
                            int clock) noexcept nogil
cdef void receiver_clear(receiver_t *receiver) noexcept nogil
cdef int receiver_receive(receiver_t *receiver, const uint8_t *packet, int length,
                          int64_t arrival_ns) noexcept nogil
cdef void receiver_pass_over(receiver_t *receiver) noexcept nogil
cdef int receiver_playout(receiver_t *receiver, int16_t *frame, int samples,
                          int64_t now_ns) noexcept nogil
cdef int receiver_next_event(receiver_t *receiver, stream_event_t *event) noexcept nogil
cdef void receiver_statistics(const receiver_t *receiver,
                              stream_statistics_t *statistics) noexcept nogil
