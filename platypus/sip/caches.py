"""What parsing remembers of messages, and how to forget it.

Each value is worth keeping while calls come, but the last hundreds of a rush lie here and
there among a million objects that are gone, and each keeps a whole page of Python's memory from
going back.
"""

from __future__ import annotations

from platypus.sip import build, header_access, headers, uri


def forget() -> None:
    """Let go of all of it; the next messages are remembered anew."""
    for cache in (
        uri._parse_cached,
        headers._name_addr_cached,
        headers._cseq_cached,
        header_access._split_tokens,
        build._contact_uri,
    ):
        cache.cache_clear()
