"""The E-model (ITU-T G.107; wideband: G.107.1; fullband: G.107.2): a rating R, and MOS from it.

Every parameter that a phone can't measure has the recommendation's default, so that R is
93.2 for G.711 without delay and loss. What is measured goes in: delay, loss and the burst
ratio. Wideband has a rating of 129 to begin with (G.107.1, 7.7), is brought to the scale of
MOS by 1.29 (Annex A), and is reckoned here without the terms for talker and listener echo; so is
fullband, which begins at 148 (G.107.2, 7.2), has 132 for what is lost (7.5) and 1.48 times the
impairment of narrow band for delay (7.4). ITU-T gives that text to nobody without a fee: these
three are as others compute them who had it.

For Opus the ITU-T has published nothing. Its figures are those of AlAhmadi, Pocta and Melvin, "An
Adaptive Bitrate Switching Algorithm for Speech Applications in Context of WebRTC" (ACM TOMM 17, 4,
2021), measured for super-wideband speech at 14 to 40 kbit/s and without redundancy (FEC), so that the
score of a lossy call with it errs downwards. Opus at fewer bits, or of less than 12 kHz of sound, has no
score.
"""

from libc.math cimport exp, log10, log2, pow, sqrt

from platypus._media.codec cimport CODEC_G722, CODEC_OPUS, CODEC_PCMA, CODEC_PCMU

from platypus._media.codec import codec_number

# G.107, table 2.
cdef double SLR = 8.0        # send and receive loudness ratings, dB
cdef double RLR = 2.0
cdef double STMR = 15.0      # sidetone masking rating, dB
cdef double LSTR = 18.0      # listener sidetone rating, dB
cdef double TELR = 65.0      # talker echo loudness rating, dB
cdef double WEPL = 110.0     # weighted echo path loss, dB
cdef double DS = 3.0         # D-value of the telephone, send side
cdef double QDU = 1.0        # quantising distortion units
cdef double NC = -70.0       # circuit noise, dBm0p
cdef double NFOR = -64.0     # noise floor at the receive side, dBmp
cdef double PS = 35.0        # room noise at the send side, dB(A)
cdef double PR = 35.0        # and at the receive side
cdef double WIDEBAND = 129.0
cdef double WIDEBAND_SCALE = 1.29
cdef double FULLBAND = 148.0
cdef double FULLBAND_SCALE = 1.48
cdef double FULLBAND_TOTAL = 132.0  # of Ie,eff
cdef double TOTAL = 95.0

# Opus with a variable bitrate: kbit/s, Ie and Bpl under random loss, which burst ratios apply to.
cdef double[11] opus_kbits, opus_impairments, opus_robustness
opus_kbits[:] = [14, 15, 16, 19, 22, 25, 28, 31, 34, 37, 40]
opus_impairments[:] = [38.06, 34.12, 30.16, 23.81, 20.22, 20.21, 18.48, 16.83, 14.76, 12.08, 10.67]
opus_robustness[:] = [16.51, 15.0, 11.83, 10.67, 10.47, 11.28, 10.63, 10.44, 10.12, 10.38, 9.79]


cdef int opus_figures(double kbits, emodel_codec_t *figures) noexcept nogil:
    """Between what was measured, a straight line; beyond 40 kbit/s what is there."""
    cdef double share
    cdef int at = 1
    if not kbits >= opus_kbits[0]:
        return -1
    while at < 10 and opus_kbits[at] < kbits:
        at += 1
    share = min(1.0, (kbits - opus_kbits[at - 1]) / (opus_kbits[at] - opus_kbits[at - 1]))
    figures.best = FULLBAND
    figures.scale = FULLBAND_SCALE
    figures.delay_scale = FULLBAND_SCALE
    figures.total = FULLBAND_TOTAL
    figures.impairment = (opus_impairments[at - 1]
                          + share * (opus_impairments[at] - opus_impairments[at - 1]))
    figures.robustness = (opus_robustness[at - 1]
                          + share * (opus_robustness[at] - opus_robustness[at - 1]))
    return 0


cdef int emodel_codec(int codec, double bitrate, emodel_codec_t *figures) noexcept nogil:
    figures.best = 0.0
    figures.scale = 1.0
    figures.delay_scale = 1.0
    figures.total = TOTAL
    if codec == CODEC_OPUS:
        return opus_figures(bitrate / 1000.0, figures)
    if codec == CODEC_PCMU or codec == CODEC_PCMA:
        # G.113, table I.4, with packet loss concealment, which the jitter buffer does.
        figures.impairment = 0.0
        figures.robustness = 25.1
        return 0
    if codec == CODEC_G722:
        # G.113, Appendix IV, at 64 kbit/s. Of its robustness nothing is published: this is what
        # G.711 has without concealment (table I.4), so that the score errs downwards.
        figures.best = WIDEBAND
        figures.scale = WIDEBAND_SCALE
        figures.impairment = 13.0
        figures.robustness = 4.3
        return 0
    return -1


cdef double delay_impairment(double delay_ms) noexcept nogil:
    """Idd: what delay itself does to a conversation (G.107, 7.4)."""
    cdef double x
    if delay_ms <= 100.0:
        return 0.0
    x = log2(delay_ms / 100.0)
    return 25.0 * (pow(1.0 + pow(x, 6.0), 1.0 / 6.0)
                   - 3.0 * pow(1.0 + pow(x / 3.0, 6.0), 1.0 / 6.0) + 2.0)


cdef double noise_power() noexcept nogil:
    """No: circuit noise, room noise of both sides and the noise floor, in dBm0p (7.2)."""
    cdef double olr = SLR + RLR
    cdef double nos = PS - SLR - DS - 100.0 + 0.004 * pow(PS - olr - DS - 14.0, 2.0)
    cdef double pre = PR + 10.0 * log10(1.0 + pow(10.0, (10.0 - LSTR) / 10.0))
    cdef double nor = RLR - 121.0 + pre + 0.008 * pow(pre - 35.0, 2.0)
    return 10.0 * log10(pow(10.0, NC / 10.0) + pow(10.0, nos / 10.0) + pow(10.0, nor / 10.0)
                        + pow(10.0, (NFOR + RLR) / 10.0))


cdef double simultaneous_impairment(double ro, double no, double delay_ms) noexcept nogil:
    """Is: loudness, sidetone and quantising distortion (7.3)."""
    cdef double xolr = SLR + RLR + 0.2 * (64.0 + no - RLR)
    cdef double iolr = 20.0 * (pow(1.0 + pow(xolr / 8.0, 8.0), 1.0 / 8.0) - xolr / 8.0)
    cdef double stmro = -10.0 * log10(pow(10.0, -STMR / 10.0)
                                      + exp(-delay_ms / 4.0) * pow(10.0, -TELR / 10.0))
    cdef double ist = (12.0 * pow(1.0 + pow((stmro - 13.0) / 6.0, 8.0), 1.0 / 8.0)
                       - 28.0 * pow(1.0 + pow((stmro + 1.0) / 19.4, 35.0), 1.0 / 35.0)
                       - 13.0 * pow(1.0 + pow((stmro - 3.0) / 33.0, 13.0), 1.0 / 13.0) + 29.0)
    cdef double q = 37.0 - 15.0 * log10(QDU)
    cdef double g = 1.07 + 0.258 * q + 0.0602 * q * q
    cdef double y = (ro - 100.0) / 15.0 + 46.0 / 8.4 - g / 9.0
    cdef double z = 46.0 / 30.0 - g / 40.0
    return iolr + ist + 15.0 * log10(1.0 + pow(10.0, y) + pow(10.0, z))


cdef double echo_impairment(double ro, double no, double delay_ms) noexcept nogil:
    """Idte and Idle: talker and listener echo, at the default losses (7.4)."""
    cdef double terv = (TELR - 40.0 * log10((1.0 + delay_ms / 10.0) / (1.0 + delay_ms / 150.0))
                        + 6.0 * exp(-0.3 * delay_ms * delay_ms))
    cdef double half = (-1.5 * (no - RLR) - (80.0 + 2.5 * (terv - 14.0))) / 2.0
    cdef double talker = (half + sqrt(half * half + 100.0) - 1.0) * (1.0 - exp(-delay_ms))
    half = (ro - 10.5 * (WEPL + 7.0) * pow(2.0 * delay_ms + 1.0, -0.25)) / 2.0
    return talker + half + sqrt(half * half + 169.0)


cdef double emodel_rating(const emodel_codec_t *codec, double delay_ms, double loss,
                          double burst_ratio) noexcept nogil:
    cdef double percent = 100.0 * loss
    cdef double no, ro
    cdef double equipment = codec.impairment
    if percent > 0.0:
        equipment += (codec.total - codec.impairment) * percent / (
            percent / burst_ratio + codec.robustness)
    if codec.best > 0.0:
        return (codec.best - codec.delay_scale * delay_impairment(delay_ms)
                - equipment) / codec.scale
    no = noise_power()
    ro = 15.0 - 1.5 * (SLR + no)
    return (ro - simultaneous_impairment(ro, no, delay_ms) - echo_impairment(ro, no, delay_ms)
            - delay_impairment(delay_ms) - equipment)


cdef double emodel_mos(double rating) noexcept nogil:
    """G.107, Annex B."""
    if rating <= 0.0:
        return 1.0
    if rating >= 100.0:
        return 4.5
    # Below a rating of 6.5 the polynomial falls under its own least score.
    return max(1.0, 1.0 + 0.035 * rating
               + rating * (rating - 60.0) * (100.0 - rating) * 7e-6)


def rating(
    codec, double delay_ms, double loss, double burst_ratio=1.0, double bitrate=0.0
) -> float | None:
    """R of `codec` (by name), on the scale of G.107; None where it has no published figures.

    Opus has some by its bitrate, for 12 kHz of sound or more.
    """
    cdef emodel_codec_t figures
    if not (delay_ms >= 0.0 and 0.0 <= loss <= 1.0 and burst_ratio >= 1.0):
        raise ValueError(f"no path has {delay_ms} ms, a loss of {loss} in bursts of {burst_ratio}")
    if emodel_codec(codec_number(codec), bitrate, &figures) < 0:
        return None
    return emodel_rating(&figures, delay_ms, loss, burst_ratio)


def mos(double rating) -> float:
    """The score that conversations of this rating get on average, 1 to 4.5."""
    return emodel_mos(rating)
