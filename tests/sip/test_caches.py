"""What parsing remembers, and that it can be forgotten."""

from __future__ import annotations

from platypus.sip import caches, headers, uri
from platypus.sip.headers import NameAddr


def test_forgets_what_it_remembered_and_reads_the_same_anew():
    text = '"Bob" <sip:bob@example.com>;tag=1'
    before = NameAddr.parse(text)
    assert headers._name_addr_cached.cache_info().currsize
    caches.forget()
    assert headers._name_addr_cached.cache_info().currsize == 0
    assert uri._parse_cached.cache_info().currsize == 0
    assert NameAddr.parse(text) == before
