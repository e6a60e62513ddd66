"""STUN binding requests and responses (RFC 8489; RFC 5389), as bytes and values.

What a phone needs of it: to learn the address its packets come from, for where the PBX does
not help, and to prove that a UDP flow lives (RFC 5626, 4.4.2). No sockets and no clock here;
no credentials, no ICE, no TURN.
"""

from __future__ import annotations

import ipaddress
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from platypus.errors import ProtocolError
from platypus.sip.flow import Address

MAGIC_COOKIE = 0x2112A442
_HEADER = struct.Struct("!HHI12s")
_ATTRIBUTE = struct.Struct("!HH")
MAX_SIZE = 548  # RFC 8489, 6.1: what fits into any datagram where the path is not known
MAX_ATTRIBUTES = 32

REQUEST, INDICATION, SUCCESS, ERROR = 0x0001, 0x0011, 0x0101, 0x0111  # of the method Binding
MAPPED_ADDRESS, ERROR_CODE, UNKNOWN_ATTRIBUTES = 0x0001, 0x0009, 0x000A
XOR_MAPPED_ADDRESS, FINGERPRINT = 0x0020, 0x8028
_FINGERPRINT_XOR = 0x5354554E
# Known, and of no use without credentials or to who asks one question: USERNAME,
# MESSAGE-INTEGRITY, REALM, NONCE, MESSAGE-INTEGRITY-SHA256; and of RFC 3489, whose servers are
# still there, CHANGE-REQUEST, SOURCE-ADDRESS and CHANGED-ADDRESS.
_PASSED_OVER = (0x0006, 0x0008, 0x0014, 0x0015, 0x001C, 0x0003, 0x0004, 0x0005)
_COMPREHENDED = (MAPPED_ADDRESS, ERROR_CODE, UNKNOWN_ATTRIBUTES, XOR_MAPPED_ADDRESS, *_PASSED_OVER)
_FAMILIES = {1: 4, 2: 16}

# RFC 8489, 6.2.1: Rc, Rm, and RTO as for a path that is not known.
REQUESTS, LAST_WAIT = 7, 16
FIRST_WAIT = 0.5


@dataclass(frozen=True, slots=True)
class StunMessage:
    """A binding message. `unknown` are attributes that one must know and we do not."""

    kind: int
    transaction: bytes  # 12 octets
    mapped: Address | None = None
    error: int = 0
    reason: str = ""
    unknown: tuple[int, ...] = ()


def is_stun(data: bytes) -> bool:
    """Whether a datagram on a SIP socket is STUN (RFC 8489, 5; RFC 5626, 8)."""
    return len(data) >= 20 and data[0] < 4 and data[4:8] == MAGIC_COOKIE.to_bytes(4, "big")


def build_request(transaction: bytes) -> bytes:
    """A binding request; `transaction` are 12 random octets."""
    return _build(REQUEST, transaction, [])


def build_success(request: StunMessage, source: Address) -> bytes:
    """The answer to a request that came from `source`."""
    value = _xor_address(source, request.transaction)
    return _build(SUCCESS, request.transaction, [(XOR_MAPPED_ADDRESS, value)])


def build_error(request: StunMessage, code: int, reason: str) -> bytes:
    """A refusal; with 420 it lists what was not understood (RFC 8489, 6.3.1)."""
    value = bytes((0, 0, code // 100, code % 100)) + reason.encode()[:128]
    attributes = [(ERROR_CODE, value)]
    if request.unknown:
        attributes.append(
            (UNKNOWN_ATTRIBUTES, struct.pack(f"!{len(request.unknown)}H", *request.unknown))
        )
    return _build(ERROR, request.transaction, attributes)


def answer(data: bytes, source: Address) -> bytes | None:
    """What a server says to a datagram from `source`; None where nothing is to be said."""
    try:
        request = parse(data)
    except ProtocolError:
        return None
    if request.kind != REQUEST:
        return None
    if request.unknown:
        return build_error(request, 420, "Unknown Attribute")
    return build_success(request, source)


def parse(data: bytes) -> StunMessage:
    """Parse a binding message; raises ProtocolError."""
    if not is_stun(data):
        raise ProtocolError("this is no STUN message")
    kind, length, _, transaction = _HEADER.unpack_from(data)
    if length % 4 or length != len(data) - _HEADER.size or len(data) > MAX_SIZE:
        raise ProtocolError("a STUN message of a wrong length")
    if kind not in (REQUEST, INDICATION, SUCCESS, ERROR):
        raise ProtocolError("a STUN message of a method that is not Binding")
    mapped: Address | None = None
    plain: Address | None = None
    error, reason = 0, ""
    unknown = []
    for number, value, start in _attributes(data):
        if number == XOR_MAPPED_ADDRESS:
            mapped = mapped or _address(value, MAGIC_COOKIE.to_bytes(4, "big") + transaction)
        elif number == MAPPED_ADDRESS:
            plain = plain or _address(value, bytes(16))
        elif number == ERROR_CODE:
            error, reason = _error(value)
        elif number == FINGERPRINT:
            _check_fingerprint(data, value, start)
        elif number < 0x8000 and number not in _COMPREHENDED:
            unknown.append(number)
    # Servers of RFC 3489 know only the plain one, which some routers rewrite.
    return StunMessage(kind, transaction, mapped or plain, error, reason, tuple(unknown))


def _attributes(data: bytes) -> Iterator[tuple[int, bytes, int]]:
    """Number, value and start of each."""
    start = _HEADER.size
    for _ in range(MAX_ATTRIBUTES):
        if start == len(data):
            return
        number, length = _ATTRIBUTE.unpack_from(data, start)  # lengths are multiples of 4
        value = data[start + 4 : start + 4 + length]
        if len(value) < length:
            raise ProtocolError("a STUN attribute longer than its message")
        yield number, value, start
        start += 4 + length + -length % 4
        if start > len(data):
            raise ProtocolError("a STUN attribute longer than its message")
    raise ProtocolError("a STUN message of too many attributes")


def _address(value: bytes, mask: bytes) -> Address:
    """RFC 8489, 14.1 and 14.2."""
    size = _FAMILIES.get(value[1]) if len(value) >= 4 else None
    if size is None or len(value) != 4 + size:
        raise ProtocolError("a STUN address of a wrong length")
    port = int.from_bytes(value[2:4], "big") ^ int.from_bytes(mask[:2], "big")
    host = bytes(a ^ b for a, b in zip(value[4:], mask, strict=False))
    return str(ipaddress.ip_address(host)), port


def _xor_address(address: Address, transaction: bytes) -> bytes:
    host = ipaddress.ip_address(address[0]).packed
    mask = MAGIC_COOKIE.to_bytes(4, "big") + transaction
    port = address[1] ^ (MAGIC_COOKIE >> 16)
    family = 1 if len(host) == 4 else 2
    masked = bytes(a ^ b for a, b in zip(host, mask, strict=False))
    return struct.pack("!BBH", 0, family, port) + masked


def _error(value: bytes) -> tuple[int, str]:
    """RFC 8489, 14.8."""
    if len(value) < 4 or not 3 <= value[2] & 7 <= 6 or value[3] > 99:
        raise ProtocolError("a STUN error that is none")
    return (value[2] & 7) * 100 + value[3], value[4:].decode("utf-8", "replace")


def _check_fingerprint(data: bytes, value: bytes, start: int) -> None:
    """RFC 8489, 14.7: over everything before it, which it must end."""
    ends = start + 4 + len(value) == len(data)
    if not ends or int.from_bytes(value, "big") != _fingerprint(data[:start]):
        raise ProtocolError("a STUN message whose fingerprint is wrong")


def _fingerprint(before: bytes) -> int:
    return zlib.crc32(before) ^ _FINGERPRINT_XOR


def _build(kind: int, transaction: bytes, attributes: list[tuple[int, bytes]]) -> bytes:
    body = b"".join(
        _ATTRIBUTE.pack(number, len(value)) + value + bytes(-len(value) % 4)
        for number, value in attributes
    )
    # With a fingerprint, as SIP comes by the same socket (RFC 5626, 8).
    message = _HEADER.pack(kind, len(body) + 8, MAGIC_COOKIE, transaction) + body
    value = _fingerprint(message)
    return message + _ATTRIBUTE.pack(FINGERPRINT, 4) + value.to_bytes(4, "big")


class BindingTransaction:
    """One question, asked until it is answered or 7 times (RFC 8489, 6.2.1).

    `data` goes out when `next_timeout` has passed, see `handle_timeout`; `receive` takes
    what came in. Then `mapped` is our address as the server sees it, or `failed` says why not.

    request    1    2    3    4    5     6     7   given up
    at s       0  0.5  1.5  3.5  7.5  15.5  31.5       39.5
    """

    def __init__(
        self,
        server: Address,
        random: Callable[[int], bytes],
        now: float,
        *,
        first_wait: float = FIRST_WAIT,
        requests: int = REQUESTS,
    ) -> None:
        self.server = server
        self.transaction = random(12)
        self.data = build_request(self.transaction)
        self.mapped: Address | None = None
        self.failed = ""
        self._first_wait = self._wait = first_wait
        self._left = requests
        self._due: float | None = now

    @property
    def done(self) -> bool:
        return self.mapped is not None or bool(self.failed)

    def next_timeout(self) -> float | None:
        """When to call `handle_timeout`; at once for the first request."""
        return None if self.done else self._due

    def handle_timeout(self, now: float) -> bytes | None:
        """The request if it is to be sent (again) now."""
        if self.done or self._due is None or now < self._due:
            return None
        if not self._left:
            self.failed = "the STUN server does not answer"
            return None
        self._left -= 1
        self._due = now + (self._wait if self._left else self._first_wait * LAST_WAIT)
        self._wait *= 2
        return self.data

    def receive(self, data: bytes, source: Address) -> bool:
        """Whether a datagram was the answer; anybody else's is left alone."""
        try:
            message = parse(data)
        except ProtocolError:
            return False
        ours = message.transaction == self.transaction and source == self.server
        if self.done or not ours or message.kind not in (SUCCESS, ERROR):
            return False
        if message.kind == ERROR:
            self.failed = f"the STUN server refused: {message.error} {message.reason}"
        elif message.unknown or message.mapped is None:
            self.failed = "the STUN server's answer can't be understood"
        else:
            self.mapped = message.mapped
        return True
