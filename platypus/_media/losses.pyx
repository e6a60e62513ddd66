"""The pattern of loss: how much was not played, and in what runs (RFC 3611, 4.7.1 and A.2).

Positions count packets in the order of sending. A packet's fate is open while it is among
the last 64; then it has been played, was discarded (it came too late), or is lost. The
E-model's burst ratio is taken from the runs of what was not played (G.107, 3.5).
"""

from libc.stdint cimport int64_t, uint64_t

from platypus._media.rtcp cimport rtcp_voip_t

cdef enum:
    LONGEST_STEP = 4096      # positions at a time; the stream makes a new beginning of more
    MILLISECONDS_MAX = 65535


cdef void close_burst(losses_t *losses) noexcept nogil:
    """The appendix's code also counts one before the first loss, and never the last."""
    if losses.in_burst == 1:
        losses.c14 += 1
    elif losses.in_burst > 1:
        losses.c13 += 1


cdef void settle(losses_t *losses, bint came, bint late) noexcept nogil:
    """RFC 3611, A.2: the next packet in order, and how it ended."""
    losses.packets += 1
    if came and not late:
        losses.played += 1
        losses.in_run = 0
        return
    if came:
        losses.discarded += 1
    else:
        losses.lost += 1
    losses.runs += not losses.in_run
    losses.in_run = 1
    if losses.played >= LOSSES_GMIN or losses.in_burst == 0:
        close_burst(losses)
        losses.in_burst = 1
        losses.c11 += losses.played
    else:
        losses.in_burst += 1
        if losses.played == 0:
            losses.c33 += 1
        else:
            losses.c23 += 1
            losses.c22 += losses.played - 1
    losses.played = 0


cdef void settle_oldest(losses_t *losses) noexcept nogil:
    settle(losses, losses.came >> (LOSSES_WINDOW - 1) & 1, losses.late >> (LOSSES_WINDOW - 1) & 1)


cdef void begin(losses_t *losses, int64_t position) noexcept nogil:
    """Packets before the first are none: as if all had come, and not to be counted."""
    losses.newest = position
    losses.came = 1
    losses.late = 0
    losses.known = 1


cdef void advance(losses_t *losses, int64_t steps) noexcept nogil:
    """A bit that leaves the window is settled, once the window reaches back so far."""
    while steps > 0:
        if losses.known >= LOSSES_WINDOW:
            settle_oldest(losses)
        else:
            losses.known += 1
        losses.came <<= 1
        losses.late <<= 1
        losses.newest += 1
        steps -= 1


cdef void losses_note_any(losses_t *losses, int64_t position, int late) noexcept nogil:
    cdef int64_t steps = position - losses.newest
    if losses.known == 0 or steps > LONGEST_STEP:
        begin(losses, position)
        steps = 0
    if steps > 0:
        advance(losses, steps)
        steps = 0
    if -steps >= losses.known:
        return  # before the first packet, or settled as lost
    losses.came |= <uint64_t>1 << -steps
    if late:
        losses.late |= <uint64_t>1 << -steps


cdef losses_t settled(const losses_t *losses) noexcept nogil:
    """As if the call had ended now."""
    cdef losses_t copy = losses[0]
    cdef int bit = copy.known - 1
    while bit >= 0:
        settle(&copy, copy.came >> bit & 1, copy.late >> bit & 1)
        bit -= 1
    close_burst(&copy)
    return copy


cdef void losses_summarize(const losses_t *losses, losses_summary_t *summary) noexcept nogil:
    cdef losses_t all = settled(losses)
    cdef uint64_t missing = all.lost + all.discarded
    summary.any = all.packets > 0
    summary.loss = <double>missing / <double>all.packets if all.packets else 0.0
    summary.burst_ratio = 1.0
    if all.runs:
        # Under random loss a run has 1/(1 - p) packets. Better spread than that is not bursty.
        summary.burst_ratio = max(1.0, <double>missing / <double>all.runs * (1.0 - summary.loss))


cdef int in_256ths(double part, double whole) noexcept nogil:
    if whole <= 0.0:
        return 0
    return <int>min(255.0, 256.0 * part / whole)


cdef void losses_describe(const losses_t *losses, int packet_ms, rtcp_voip_t *voip) noexcept nogil:
    """The first figures of the VoIP metrics block."""
    cdef losses_t all = settled(losses)
    cdef double c11 = <double>(all.c11 + all.played)
    cdef double c13 = <double>all.c13
    cdef double c14 = <double>all.c14
    cdef double c22 = <double>all.c22
    cdef double c23 = <double>all.c23
    cdef double bursts = c13 + c23 + <double>all.c33  # every one that begins or goes on
    cdef double p23 = 1.0
    cdef double p32 = c23 / bursts if bursts > 0.0 else 0.0
    cdef double gap = c11 + c14 + c13
    if c22 + c23 >= 1.0:
        p23 = 1.0 - c22 / (c22 + c23)
    voip.gmin = LOSSES_GMIN
    voip.loss_rate = in_256ths(<double>all.lost, <double>all.packets)
    voip.discard_rate = in_256ths(<double>all.discarded, <double>all.packets)
    voip.burst_density = in_256ths(p23, p23 + p32) if bursts > 0.0 else 0
    voip.gap_density = in_256ths(c14, c11 + c14)
    voip.gap_ms = <int>min(<double>MILLISECONDS_MAX, gap / max(1.0, c13) * packet_ms)
    voip.burst_ms = 0
    if c13 > 0.0:
        voip.burst_ms = <int>min(<double>MILLISECONDS_MAX, packet_ms * (
            c22 + 2.0 * c23 + c13 + <double>all.c33) / c13)


cdef class Losses:
    """The pattern, noted from Python."""

    cdef losses_t losses

    def note(self, int64_t position, *, late=False) -> None:
        losses_note(&self.losses, position, bool(late))

    def summary(self) -> dict:
        cdef losses_summary_t summary
        losses_summarize(&self.losses, &summary)
        return summary

    def describe(self, int packet_ms=20) -> dict:
        cdef rtcp_voip_t voip
        losses_describe(&self.losses, packet_ms, &voip)
        return {
            "loss_rate": voip.loss_rate, "discard_rate": voip.discard_rate,
            "burst_density": voip.burst_density, "gap_density": voip.gap_density,
            "burst_ms": voip.burst_ms, "gap_ms": voip.gap_ms,
        }
