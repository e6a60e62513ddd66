"""Symmetric RTP (RFC 4961) with care: whose packets are heard, and where ours go.

A far end behind a NAT announces an address that it cannot be reached at, so RTP goes back to
where RTP comes from. That must not let a stranger take the call:

* The signalled address always wins as soon as it speaks.
* While the address that is heard is alive, packets from elsewhere are dropped.
* After it has been silent, another one is heard at once, but is sent to only after it has
  kept talking, or has shown the SSRC and the next sequence numbers of the stream so far
  (a NAT that rebinds), which nobody off the path can know.

Pure: judges one packet at a time, and is given the time. What is not RTP never gets here, and
where packets are authenticated (SRTP) only those that passed should.
"""

from libc.stdint cimport int64_t, uint16_t, uint32_t
from libc.string cimport memset

from platypus._media.platform cimport (
    platform_address_equal, platform_address_format, platform_address_parse, platform_address_t,
)

# Packets come every 20 ms, and 250 ms of jitter is ordinary on mobile networks.
cdef int64_t REBIND_SILENCE_NS = 300_000_000
# For a sender with no evidence: well over any jitter, and under what people wait for.
cdef int64_t SWITCH_SILENCE_NS = 1_000_000_000
# A burst of scanners' packets is one or two; 100 ms of speech is five.
cdef int EVIDENCE_PACKETS = 5
# How far sequence numbers may have gone on during the silence: 10 s at 20 ms.
cdef int SEQUENCE_AHEAD_MAX = 500


cdef void latch_signal(latch_t *latch, const platform_address_t *remote) noexcept nogil:
    """The address from SDP. The same one again changes nothing that was learnt."""
    if platform_address_equal(&latch.signalled, remote):
        return
    latch.signalled = remote[0]
    latch.target = remote[0]
    memset(&latch.heard, 0, sizeof(platform_address_t))
    latch.evidence = 0


cdef bint continues(const latch_t *latch, uint32_t ssrc, uint16_t sequence) noexcept nogil:
    cdef int ahead = <uint16_t>(sequence - latch.sequence)
    return ssrc == latch.ssrc and 0 < ahead <= SEQUENCE_AHEAD_MAX


cdef bint may_switch(
    const latch_t *latch, uint32_t ssrc, uint16_t sequence, int64_t now_ns
) noexcept nogil:
    cdef int64_t silent_ns = now_ns - latch.last_heard_ns
    if latch.heard.family == 0 or silent_ns >= SWITCH_SILENCE_NS:
        return True
    return silent_ns >= REBIND_SILENCE_NS and continues(latch, ssrc, sequence)


cdef latch_verdict_t latch_judge_any(
    latch_t *latch, const platform_address_t *source, uint32_t ssrc, uint16_t sequence, int64_t now_ns
) noexcept nogil:
    cdef bint known = latch.heard.family != 0
    if not platform_address_equal(source, &latch.heard):
        if platform_address_equal(source, &latch.signalled):
            latch.evidence = EVIDENCE_PACKETS
        elif may_switch(latch, ssrc, sequence, now_ns):
            latch.evidence = 0
            if known and continues(latch, ssrc, sequence):
                latch.evidence = EVIDENCE_PACKETS
        else:
            return LATCH_STRANGER
        latch.heard = source[0]
    latch.last_heard_ns = now_ns
    latch.ssrc = ssrc
    latch.sequence = sequence
    if latch.signalled.family == 0 or platform_address_equal(source, &latch.target):
        return LATCH_TAKEN
    latch.evidence += 1
    if latch.evidence < EVIDENCE_PACKETS:
        return LATCH_TAKEN
    latch.target = source[0]
    return LATCH_MOVED


cdef platform_address_t address_of(object pair) except *:
    cdef platform_address_t address
    memset(&address, 0, sizeof(address))
    if pair is not None:
        host = pair[0].encode("ascii")
        if not 0 < pair[1] < 65536 or platform_address_parse(&address, host, pair[1]) != 0:
            raise ValueError(f"not a numeric address: {pair!r}")
    return address


cdef object pair_of(const platform_address_t *address):
    cdef char text[64]
    if platform_address_format(address, text, sizeof(text)) != 0:
        return None
    return (<bytes>text).decode("ascii"), address.port


cdef class Latch:
    """The policy from Python, for tests and replay."""

    def __cinit__(self):
        memset(&self.latch, 0, sizeof(latch_t))

    def signal(self, remote):
        cdef platform_address_t address = address_of(remote)
        latch_signal(&self.latch, &address)

    def judge(self, source, ssrc, sequence, now_ns):
        cdef platform_address_t address = address_of(source)
        verdict = latch_judge(&self.latch, &address, ssrc, sequence, now_ns)
        return {LATCH_STRANGER: "stranger", LATCH_TAKEN: "taken", LATCH_MOVED: "moved"}[verdict]

    @property
    def target(self):
        return pair_of(&self.latch.target)
