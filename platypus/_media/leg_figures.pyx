"""What others are told of a leg: its figures as a dict, from the snapshot that its thread publishes."""

from platypus._media.codec cimport codec_name
from platypus._media.leg cimport counters_t, leg_t, snapshot_read
from platypus._media.losses cimport losses_summarize, losses_summary_t
from platypus._media.platform cimport platform_monotonic_ns
from platypus._media.reports cimport figures_dict
from platypus._media.stream cimport statistics_dict


cdef dict leg_figures(const leg_t *leg):
    cdef counters_t counters
    cdef losses_summary_t losses
    snapshot_read(&leg.snapshot, &counters)
    losses_summarize(&counters.losses, &losses)
    result = statistics_dict(&counters.stream, leg.rate)
    told = figures_dict(&counters.reports)
    result["send"] |= {
        "lost": told["lost"], "jitter_ms": told["jitter_ms"],
        "level_peak": counters.sent_peak, "level_rms": counters.sent_rms,
    }
    result["receive"] |= {
        "level_peak": counters.played_peak,
        "level_rms": counters.played_rms,
        "silent_ms": None,
        "codec": codec_name(counters.heard_codec),
        "bitrate": counters.heard_bitrate,
        "loss": losses.loss if losses.any else None,
        "burst_ratio": losses.burst_ratio if losses.any else None,
    }
    if counters.last_packet_ns:
        silent_ns = platform_monotonic_ns() - counters.last_packet_ns
        result["receive"]["silent_ms"] = silent_ns / 1e6
    return result | {
        "rtt_ms": told["rtt_ms"],
        "voip": told["voip"],
        "invalid": counters.invalid,
        "strangers": counters.strangers,
        "ignored": counters.ignored,
        "rtcp_packets": counters.rtcp_packets,
        "forged": counters.forged,
        "replayed": counters.replayed,
        "unheard": counters.unheard,
        "send_errors": counters.send_errors,
        "source_underruns": counters.source_underruns,
        "sink_overruns": counters.sink_overruns,
    }
