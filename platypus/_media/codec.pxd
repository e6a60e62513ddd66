"""The codecs by number, and how samples, timestamps and bytes relate in each.

A codec's own module encodes and decodes; this is only the list that streams, buffers
and negotiation agree on. The names are those of the control protocol.
"""

cdef enum codec_t:
    CODEC_NONE = 0
    CODEC_PCMU = 1             # RFC 3551, 4.5.14
    CODEC_PCMA = 2
    CODEC_TELEPHONE_EVENT = 3  # RFC 4733
    CODEC_COMFORT_NOISE = 4    # RFC 3389; taken as silence
