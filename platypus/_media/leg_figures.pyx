"""What others are told of a leg: its figures as a dict, as they are at this moment."""

from time import sleep

from platypus._media.codec cimport codec_name
from platypus._media.leg cimport figures_t, leg_read, leg_t
from platypus._media.losses cimport losses_summarize, losses_summary_t
from platypus._media.platform cimport platform_monotonic_ns
from platypus._media.reports cimport figures_dict
from platypus._media.stream cimport statistics_dict

# In all some 50 ms: a thread that hangs for longer has figures of its last turn's middle.
cdef int LOOKS_MAX = 200
cdef int LOOKS_AT_ONCE = 100
PAUSE_S = 0.0005


cdef dict leg_figures(const leg_t *leg):
    cdef figures_t figures
    cdef losses_summary_t losses
    cdef int looks = 0
    while not leg_read(leg, &figures) and looks < LOOKS_MAX:
        looks += 1
        if looks > LOOKS_AT_ONCE:
            sleep(PAUSE_S)  # the thread was stopped in the middle of a turn, if only by us
    losses_summarize(&figures.losses, &losses)
    result = statistics_dict(&figures.stream, leg.rate)
    told = figures_dict(&figures.reports)
    result["send"] |= {
        "lost": told["lost"], "jitter_ms": told["jitter_ms"],
        "level_peak": figures.counters.sent_peak, "level_rms": figures.counters.sent_rms,
    }
    result["receive"] |= {
        "level_peak": figures.counters.played_peak,
        "level_rms": figures.counters.played_rms,
        "silent_ms": None,
        "codec": codec_name(figures.heard_codec),
        "bitrate": figures.heard_bitrate,
        "packet_ms": figures.heard_packet_ms or None,
        "loss": losses.loss if losses.any else None,
        "burst_ratio": losses.burst_ratio if losses.any else None,
    }
    if figures.last_packet_ns:
        silent_ns = platform_monotonic_ns() - figures.last_packet_ns
        result["receive"]["silent_ms"] = silent_ns / 1e6
    return result | {
        "rtt_ms": told["rtt_ms"],
        "voip": told["voip"],
        "invalid": figures.counters.invalid,
        "strangers": figures.counters.strangers,
        "ignored": figures.counters.ignored,
        "rtcp_packets": figures.counters.rtcp_packets,
        "forged": figures.counters.forged,
        "replayed": figures.counters.replayed,
        "unheard": figures.counters.unheard,
        "send_errors": figures.counters.send_errors,
        "source_underruns": figures.counters.source_underruns,
        "sink_overruns": figures.counters.sink_overruns,
    }
