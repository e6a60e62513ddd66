from platypus._media.reports cimport reports_figures_t
from platypus._media.rtcp cimport rtcp_voip_t
from platypus._media.stream cimport stream_t

# What this side hears, for the far end's eyes.
cdef void voip_describe(rtcp_voip_t *voip, const stream_t *stream,
                        const reports_figures_t *figures) noexcept nogil
