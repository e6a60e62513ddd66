"""What is fuzzed: each parser of network input, with an example to start from.

A target takes bytes and returns; whatever it raises is a defect, since the errors that a
parser may raise are caught here. What was understood must also be written and understood again.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from platypus._media.reports import Reports
from platypus._media.stream import Stream
from platypus.codecs import DEFAULT_CODECS, PTIMES_MS
from platypus.dtmf_info import parse_info
from platypus.encryption import Encryption
from platypus.errors import ProtocolError, SdpError
from platypus.media import dtls, opus, srtp
from platypus.negotiation import Negotiator
from platypus.net import stun
from platypus.sdp import description
from platypus.sdp.fmtp import parameters, whole
from platypus.sdp.offer_answer import MAX_RECEIVED, NO_PAYLOAD_TYPES, direction, formats
from platypus.sdp.security import cryptos, fingerprints
from platypus.sip.challenge import Challenge
from platypus.sip.framing import StreamFramer
from platypus.sip.headers import NameAddr, Via
from platypus.sip.message import Request, parse_message
from platypus.sip.multipart import part_of
from platypus.sip.packages.dialog_info import parse_dialog_info
from platypus.sip.packages.message_summary import parse_message_summary
from platypus.sip.packages.presence import parse_presence
from platypus.sip.session_timer import session_expires
from platypus.sip.sipfrag import parse_sipfrag
from platypus.sip.uri import Uri

INVITE = b"""INVITE sip:bob@192.0.2.9;ob SIP/2.0\r
Via: SIP/2.0/UDP 192.0.2.5:5060;branch=z9hG4bK8c1f;rport\r
Record-Route: <sip:192.0.2.5;lr>\r
Max-Forwards: 69\r
f: "Alice \\"A\\" Example" <sip:alice@example.com>;tag=4f\r
To: <sip:bob@example.com>\r
Call-ID: 7c9e6679\r
CSeq: 1 INVITE\r
Contact: <sip:alice@192.0.2.17:5070;transport=tcp>, <sips:a@[2001:db8::1]>\r
Supported: replaces, timer\r
Session-Expires: 1800;refresher=uac\r
Content-Type: application/sdp\r
Content-Length: 4\r
\r
v=0\r
"""

SDP = b"""v=0\r
o=- 1 2 IN IP4 192.0.2.17\r
s=-\r
c=IN IP4 192.0.2.17\r
t=0 0\r
m=audio 10000 RTP/AVP 0 8 101\r
a=rtpmap:101 telephone-event/8000\r
a=fmtp:101 0-16\r
a=rtcp:10001 IN IP4 192.0.2.17\r
a=ptime:20\r
a=sendonly\r
"""

DIALOG_INFO = b"""<?xml version="1.0"?>
<dialog-info xmlns="urn:ietf:params:xml:ns:dialog-info" version="0" state="full"
 entity="sip:alice@example.com"><dialog id="a" call-id="c" local-tag="l" remote-tag="r"
 direction="recipient"><state>early</state><remote><identity display="Bob">sip:bob@example.com
</identity></remote></dialog></dialog-info>"""

PRESENCE = b"""<?xml version="1.0"?><presence xmlns="urn:ietf:params:xml:ns:pidf"
 entity="sip:alice@example.com"><tuple id="t"><status><basic>open</basic></status>
<note>away</note></tuple></presence>"""

CHALLENGE = (
    b'Digest realm="a, b", nonce="x\\"y", qop="auth,auth-int", algorithm=SHA-256, stale=true'
)
RTP = bytes.fromhex("8080000100000001deadbeef") + bytes(160)
# Opus: a hybrid packet of two frames of different lengths, the first with its LBRR flag.
WIDE_RTP = bytes.fromhex("806b000100000001deadbeef") + bytes([0x7A, 9, 0xC0]) + bytes(40)


@dataclass(frozen=True, slots=True)
class Target:
    """`run` must return, and raise nothing, for any bytes."""

    name: str
    seed: bytes
    run: Callable[[bytes], None]


def read_message(data: bytes) -> None:
    try:
        message = parse_message(data)
        message.validate()
    except ProtocolError:
        return
    for name in ("contacts", "routes", "record_routes", "require", "allow", "expires",
                 "content_type", "max_forwards", "user_agent", "call_id", "cseq"):  # fmt: skip
        getattr(message, name)  # after `validate` no property raises
    session_expires(message)
    part_of(message, ("application/sdp",))
    again = parse_message(message.serialize())
    assert isinstance(again, Request) == isinstance(message, Request)
    assert again.call_id == message.call_id and again.body == message.body


def read_stream(data: bytes) -> None:
    """However a stream is cut into pieces, the same messages come out of it.

    Keep-alives may differ: line ends in front of a message are passed over, or answered.
    """
    step = data[0] % 64 + 1 if data else 1
    pieces = [data[start : start + step] for start in range(0, len(data), step)]
    assert framed([data]) == framed(pieces)


def framed(pieces: list[bytes]) -> list[bytes]:
    framer = StreamFramer(accepted=True)
    found: list[bytes] = []
    with contextlib.suppress(ProtocolError):
        for piece in pieces:
            framer.feed(piece)
            for frame in framer:
                if frame.strip():
                    found += [frame]
    return found


def read_description(data: bytes) -> None:
    try:
        said = description.parse(data)
    except SdpError:
        return
    for media in said.media:
        formats(media)
        direction(said, media)
    written = said.serialize()  # with its lines in order, where it stays the same
    assert description.parse(written).serialize() == written


def read_parameters(data: bytes) -> None:
    found = parameters(data.decode("utf-8", "surrogateescape"))
    for name in found:
        value = whole(found, name, 0, 510_000)
        assert value is None or 0 <= value <= 510_000


def answer_offer(data: bytes) -> None:
    negotiator = Negotiator(DEFAULT_CODECS, random=bytes)
    try:
        negotiator.receive_offer(data)
        body, plan = negotiator.answer("192.0.2.1", 4000)
    except SdpError:
        return
    assert len(description.parse(body).media) == len(description.parse(data).media)
    assert plan.codec in DEFAULT_CODECS
    assert plan.ptime_ms in PTIMES_MS
    assert len(plan.receive_payload_types) <= MAX_RECEIVED
    assert not any(number in NO_PAYLOAD_TYPES for number in plan.receive_payload_types)


def agree_on_keys(data: bytes) -> None:
    """An offer with keys and a fingerprint, as an answer to ours too."""
    encryption = Encryption("prefer", random=bytes, fingerprint=lambda: ("sha-256", bytes(32)))
    negotiator = Negotiator(("pcmu",), random=bytes, encryption=encryption)
    with contextlib.suppress(SdpError):
        negotiator.receive_offer(data)
        body, plan = negotiator.answer("192.0.2.1", 4000)
        said = description.parse(body).media
        assert plan.security is None or any(cryptos(each) + fingerprints(each) for each in said)
    negotiator.offer("192.0.2.1", 4000, encrypted_hop=True)
    with contextlib.suppress(SdpError):
        negotiator.receive_answer(data)


def open_srtp(data: bytes) -> None:
    """What was not made with the key is refused, whatever it is."""
    for context in (SRTP_KEY, SRTP_KEY_WITH_MKI):
        for rtcp in (False, True):
            with contextlib.suppress(ValueError):
                opened = context().unprotect(data[:2048], rtcp=rtcp)
                assert data == SRTP and opened == RTP


def shake_hands(data: bytes) -> None:
    """Datagrams of a stranger, each with its length in two bytes, at either end of a handshake."""
    for client in (False, True):
        handshake = dtls.Handshake(CERTIFICATE, client=client, fingerprints=())
        handshake.start()
        at = 0
        while at < len(data):
            length = int.from_bytes(data[at : at + 2], "big")
            handshake.receive(data[at + 2 : at + 2 + length])
            assert all(len(each) <= dtls.MTU for each in handshake.to_send())
            at += 2 + length
        assert handshake.keys is None


def first_flight() -> bytes:
    client = dtls.Handshake(CERTIFICATE, client=True, fingerprints=())
    client.start()
    return b"".join(len(each).to_bytes(2, "big") + each for each in client.to_send())


CERTIFICATE = dtls.Certificate()


def read_uri(data: bytes) -> None:
    for parse in (Uri.parse, NameAddr.parse, Via.parse):
        try:
            value = parse(data.decode("utf-8", "surrogateescape"))
        except ProtocolError:
            continue
        str(value)


def read_challenge(data: bytes) -> None:
    with contextlib.suppress(ProtocolError):
        Challenge.parse_all(data.decode("utf-8", "surrogateescape"))


def read_stun(data: bytes) -> None:
    stun.answer(data, ("192.0.2.1", 5060))
    with contextlib.suppress(ProtocolError):
        stun.parse(data)


def read_documents(data: bytes) -> None:
    for parse in (parse_dialog_info, parse_presence, parse_message_summary):
        try:
            parse(data)
        except ProtocolError:
            continue
    parse_sipfrag(data)
    parse_info(data)


def receive_media(data: bytes) -> None:
    """Packets of a stream, each with its length in front, and what they sound like."""
    stream = Stream(ssrc=1)
    stream.configure_receive({0: "pcmu", 8: "pcma", 9: "g722", 101: "telephone-event"})
    play(stream, data)


def receive_wideband(data: bytes) -> None:
    """The same at 48 kHz, with Opus where libopus is."""
    stream = Stream(ssrc=1, rate=48_000)
    types = {0: "pcmu", 9: "g722", 101: "telephone-event/48000"}
    stream.configure_receive(types | ({107: "opus"} if opus.available() else {}))
    play(stream, data)


def play(stream: Stream, data: bytes) -> None:
    now, at = 0, 0
    while at < len(data):
        length = data[at]
        stream.receive(data[at + 1 : at + 1 + length], now)
        assert len(stream.playout(now)) == 2 * stream.frame_samples
        at, now = at + 1 + length, now + 20_000_000


def receive_reports(data: bytes) -> None:
    """Reports of the far end, each with its length in front, between reports of ours."""
    stream = Stream(ssrc=1)
    reports = Reports(stream, b"us")
    now, at = 0, 0
    while at < len(data):
        length = data[at]
        reports.receive(data[at + 1 : at + 1 + length], now)
        reports.write(now)
        at, now = at + 1 + length, now + 1_000_000_000


def report_of_the_far_end() -> bytes:
    """All there is: SR with a block about SSRC 1, SDES, VoIP metrics, BYE."""
    stream = Stream(ssrc=2)
    stream.configure_send(0, "pcmu")
    stream.configure_receive({0: "pcmu"})
    stream.capture(None)
    stream.receive(b"\x80\x00" + bytes(9) + b"\x01" + bytes(160), 0)
    return Reports(stream, b"them").write(0, voip=True, bye=True)


REPORT = report_of_the_far_end()

SECURE_SDP = (
    SDP.replace(b"RTP/AVP", b"RTP/SAVP")
    + b"""a=crypto:1 AEAD_AES_128_GCM inline:QUFB\r
a=crypto:2 AES_CM_128_HMAC_SHA1_80 inline:QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFB|2^20|1:4 WSH=64\r
a=setup:actpass\r
a=fingerprint:sha-256 """
    + b":".join([b"0A"] * 32)
    + b"""\r
"""
)
SRTP_KEY = partial(srtp.context, "AES_CM_128_HMAC_SHA1_80", bytes(30), outbound=False)
SRTP_KEY_WITH_MKI = partial(SRTP_KEY, mki=b"\1")
SRTP = srtp.context("AES_CM_128_HMAC_SHA1_80", bytes(30), outbound=True).protect(RTP)

TARGETS = {
    target.name: target
    for target in (
        Target("message", INVITE, read_message),
        Target("stream", INVITE + b"\r\n\r\n" + INVITE, read_stream),
        Target("description", SDP, read_description),
        Target("offer", SDP, answer_offer),
        Target("keys", SECURE_SDP, agree_on_keys),
        Target("srtp", SRTP, open_srtp),
        Target("fmtp", b"useinbandfec=1; maxaveragebitrate=20000;usedtx=0", read_parameters),
        Target("dtls", first_flight(), shake_hands),
        Target("uri", b"\"A\" <sip:a%20b:c@[2001:db8::1]:5061;lr?Subject=x>;tag=1", read_uri),
        Target("challenge", CHALLENGE, read_challenge),
        Target("stun", stun.build_request(bytes(12)), read_stun),
        Target("dialog-info", DIALOG_INFO, read_documents),
        Target("presence", PRESENCE, read_documents),
        Target(
            "message-summary", b"Messages-Waiting: yes\r\nVoice-Message: 2/8 (0/2)\r\n",
            read_documents,
        ),
        Target("media", bytes([len(RTP)]) + RTP, receive_media),
        Target("wideband", bytes([len(WIDE_RTP)]) + WIDE_RTP, receive_wideband),
        Target("reports", bytes([len(REPORT)]) + REPORT, receive_reports),
    )
}  # fmt: skip
