"""What the fuzzer found, once each."""

from __future__ import annotations

import pytest

from platypus.errors import SdpError
from platypus.sdp.description import parse


def test_an_address_that_is_only_a_ttl_is_none() -> None:
    with pytest.raises(SdpError):
        parse(b"v=0\r\nc=IN IP4 /127\r\n")
