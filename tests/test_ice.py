"""An offer of ICE is answered without it (RFC 8445, 5.4): the default address counts.

The far end's connectivity checks come to our RTP port all the same. Nothing answers them, so
that it falls back to what the c= and m= lines say; and they are no media.
"""

from __future__ import annotations

import asyncio
import os

import pytest

from platypus.net.stun import build_request
from platypus.sdp.description import parse
from tests.harness.by_hand import invite
from tests.harness.far_end import fork
from tests.harness.phones import Stranger, phone, run


def offer_of_ice(port: int) -> str:
    """As a browser's gateway makes it: candidates, credentials, a bundle, RTCP with RTP."""
    return "\r\n".join(
        [
            "v=0",
            "o=- 1 1 IN IP4 127.0.0.1",
            "s=-",
            "c=IN IP4 127.0.0.1",
            "t=0 0",
            "a=group:BUNDLE 0",
            "a=ice-options:trickle ice2",
            "a=ice-lite",
            f"m=audio {port} RTP/AVP 0",
            "a=mid:0",
            "a=ice-ufrag:8hhY",
            "a=ice-pwd:asd88fgpdd777uzjYhagZg",
            f"a=candidate:1 1 UDP 2130706431 127.0.0.1 {port} typ host",
            "a=candidate:2 1 UDP 1694498815 203.0.113.5 45664 typ srflx raddr 10.0.1.1 rport 8998",
            "a=end-of-candidates",
            "a=rtcp-mux",
            "",
        ]
    )


def test_the_answer_has_nothing_of_it_and_media_go_to_the_default_address() -> None:
    async def work() -> None:
        with fork() as web:
            media = web.branches["one"]
            async with phone(auto_answer=0) as alice:
                web.sip.send(invite(offer_of_ice(media.port), web.sip.port, alice.port), alice.port)
                answer = await web.response(1)
                assert answer.status == 200
                for word in (b"ice-", b"candidate", b"BUNDLE"):
                    assert word not in answer.body
                first = await media.receive()
                assert first[0] & 0xC0 == 0x80  # RTP
                [call] = alice.engine.calls
                rtp = parse(answer.body).media[0].port
                with Stranger() as checker:
                    for _ in range(20):
                        checker.send(build_request(os.urandom(12)), rtp)
                    speaking = asyncio.create_task(web.speak("one", rtp))
                    await asyncio.sleep(0.5)
                    speaking.cancel()
                    received = call.statistics()["receive"]
                    assert (received["packets"] > 5, received["lost"]) == (True, 0)
                    with pytest.raises(BlockingIOError):
                        checker.socket.recv(2048)

    run(work())
