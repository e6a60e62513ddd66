cdef struct emodel_codec_t:
    double best              # R to begin with, where it is not reckoned: wideband, fullband
    double scale             # from that scale to G.107's
    double delay_scale       # of Idd
    double total             # what Ie grows to where all is lost
    double impairment        # Ie (G.113, Appendix I), Ie,wb (Appendix IV) or Ie,fb
    double robustness        # Bpl: per cent of loss

# 0, or -1 where there are no published figures for the codec. `bitrate` is of Opus that carries
# 12 kHz of sound or more; 0 where it carries less, or is not known.
cdef int emodel_codec(int codec, double bitrate, emodel_codec_t *figures) noexcept nogil
# R on the scale of G.107, also for wideband. `loss` is a fraction.
cdef double emodel_rating(const emodel_codec_t *codec, double delay_ms, double loss,
                          double burst_ratio) noexcept nogil
cdef double emodel_mos(double rating) noexcept nogil
