"""The VoIP metrics of a stream as it is heard here (RFC 3611, 4.7).

Loss and its bursts, delays, the jitter buffer, and the E-model's scores. What is not
measured (levels, echo) is said to be unknown.
"""

from libc.string cimport memset

from platypus._media.emodel cimport (
    emodel_codec, emodel_codec_t, emodel_mos, emodel_rating,
)
from platypus._media.backlog cimport BACKLOG_PACKETS
from platypus._media.losses cimport losses_describe, losses_summarize, losses_summary_t
from platypus._media.receiver cimport receiver_packet_ms
from platypus._media.rtcp cimport RTCP_UNKNOWN

cdef enum:
    PACKET_MS = 20                  # of which the jitter buffer has room for so many
    ENHANCED_CONCEALMENT = 2 << 6   # 4.7.6: made from what was heard, not merely repeated
    ADAPTIVE_BUFFER = 3 << 4
    MILLISECONDS_MAX = 65535


cdef int in_milliseconds(double ms) noexcept nogil:
    return <int>max(0.0, min(<double>MILLISECONDS_MAX, ms + 0.5))


cdef int in_tenths(double mos) noexcept nogil:
    return <int>(mos * 10.0 + 0.5)


cdef void score(rtcp_voip_t *voip, const stream_t *stream, double delay_ms) noexcept nogil:
    cdef emodel_codec_t codec
    cdef losses_summary_t losses
    cdef double heard
    voip.r_factor = voip.external_r_factor = voip.mos_lq = voip.mos_cq = RTCP_UNKNOWN
    losses_summarize(&stream.receiver.losses, &losses)
    if not losses.any or emodel_codec(stream.receiver.heard_codec,
                                         stream.receiver.heard_bitrate, &codec) < 0:
        return
    # Listening: without what delay does to a conversation.
    heard = emodel_rating(&codec, 0.0, losses.loss, losses.burst_ratio)
    voip.mos_lq = in_tenths(emodel_mos(heard))
    if delay_ms < 0.0:
        return
    heard = emodel_rating(&codec, delay_ms, losses.loss, losses.burst_ratio)
    voip.r_factor = <int>max(0.0, min(100.0, heard + 0.5))
    voip.mos_cq = in_tenths(emodel_mos(heard))


cdef void voip_describe(rtcp_voip_t *voip, const stream_t *stream,
                        const reports_figures_t *figures) noexcept nogil:
    cdef double buffer_ms = -1.0
    cdef double delay_ms = -1.0
    cdef int packet_ms = receiver_packet_ms(&stream.receiver)
    memset(voip, 0, sizeof(rtcp_voip_t))
    voip.ssrc = stream.receiver.source.ssrc
    voip.signal_dbm0 = voip.noise_dbm0 = voip.echo_loss_db = RTCP_UNKNOWN
    losses_describe(&stream.receiver.losses, packet_ms, voip)
    if stream.receiver.jitter.wait >= 0.0 and packet_ms > 0:
        buffer_ms = stream.receiver.jitter.wait * 1000.0 / stream.receiver.rate
        voip.end_system_ms = in_milliseconds(packet_ms + buffer_ms)
        voip.buffer_nominal_ms = in_milliseconds(buffer_ms)
    if figures.rtt_ms >= 0.0:
        voip.round_trip_ms = in_milliseconds(figures.rtt_ms)
        if buffer_ms >= 0.0:
            delay_ms = figures.rtt_ms / 2.0 + buffer_ms + packet_ms
    voip.receiver_config = ENHANCED_CONCEALMENT | ADAPTIVE_BUFFER
    voip.buffer_maximum_ms = voip.buffer_absolute_ms = BACKLOG_PACKETS * PACKET_MS
    score(voip, stream, delay_ms)
