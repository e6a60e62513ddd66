"""Packets that Python has to look at: handshakes, and where libsrtp can't be called by address
those of streams as well. A full ring loses the newest and counts it.
"""

from libc.stdint cimport int64_t, uint8_t, uint32_t
from libc.string cimport memcpy

from platypus._media.address cimport pair_of
from platypus._media.platform cimport platform_load_acquire, platform_store_release

KINDS = {
    POST_OUTSIDE: "outside",
    POST_OPEN_RTP: "open-rtp",
    POST_OPEN_RTCP: "open-rtcp",
    POST_SEAL_RTP: "seal-rtp",
    POST_SEAL_RTCP: "seal-rtcp",
}


cdef bint posts_push(
    posts_t *posts, int leg, post_kind_t kind, const platform_address_t *address,
    const uint8_t *data, int length, int64_t arrival_ns
) noexcept nogil:
    cdef post_t *item = &posts.items[posts.pushed % POSTS_MAX]
    if (
        posts.pushed - platform_load_acquire(&posts.popped) >= POSTS_MAX
        or not 0 < length <= PACKET_MAX
    ):
        posts.lost += 1
        return False
    item.leg = leg
    item.kind = kind
    item.arrival_ns = arrival_ns
    item.address = address[0]
    item.length = length
    memcpy(item.data, data, length)
    platform_store_release(&posts.pushed, posts.pushed + 1)
    return True


cdef list posts_drain(posts_t *posts):
    """Oldest first: leg, kind, host, port, packet, time of arrival."""
    cdef uint32_t popped = posts.popped
    cdef post_t *item
    found = []
    while popped != platform_load_acquire(&posts.pushed):
        item = &posts.items[popped % POSTS_MAX]
        host, port = pair_of(&item.address) or ("", 0)
        packet = (<const char *>item.data)[:item.length]
        found.append((item.leg, KINDS[item.kind], host, port, packet, item.arrival_ns))
        popped += 1
        platform_store_release(&posts.popped, popped)
    return found
