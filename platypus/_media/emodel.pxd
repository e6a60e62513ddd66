cdef struct emodel_codec_t:
    int wideband
    double impairment        # Ie (G.113, Appendix I), or Ie,wb (Appendix IV)
    double robustness        # Bpl: per cent of loss

# 0, or -1 where there are no published figures for the codec.
cdef int emodel_codec(int codec, emodel_codec_t *figures) noexcept nogil
# R on the scale of G.107, also for wideband. `loss` is a fraction.
cdef double emodel_rating(const emodel_codec_t *codec, double delay_ms, double loss,
                          double burst_ratio) noexcept nogil
cdef double emodel_mos(double rating) noexcept nogil
