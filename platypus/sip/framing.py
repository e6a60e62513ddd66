"""Messages out of a byte stream (RFC 3261, section 18.3; keep-alives of RFC 5626, 3.5.1).

Finds where each message ends, by its Content-Length, and hands it over whole. It
does not parse: that is `message`. A stream that broke its framing is lost, and
its connection has to be closed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from platypus.errors import ProtocolError
from platypus.sip.grammar import MAX_MESSAGE_SIZE

# RFC 5626, 4.4.1: a client sends CRLF CRLF between messages, the server answers CRLF.
PING = b"\r\n\r\n"
PONG = b"\r\n"

_END_OF_HEAD = re.compile(rb"\r?\n\r?\n")
_LENGTH = re.compile(rb"^(?:content-length|l)[ \t]*:\s*([^\r\n]*)", re.IGNORECASE | re.MULTILINE)
_DIGITS = re.compile(rb"[0-9]{1,9}[ \t]*")


class StreamFramer:
    """Feed it what was received, then iterate: whole messages, PING or PONG, as bytes.

    On a connection that was `accepted` a lone CRLF may be the first half of a ping,
    and waits for the second; on one that we opened it is a pong.
    """

    def __init__(self, *, accepted: bool = False) -> None:
        self._accepted = accepted
        self._buffer = bytearray()
        self._searched = 0  # octets known to hold no end of a head
        self._needed = 0  # octets of the message at the front, once known
        self._broken: ProtocolError | None = None

    def feed(self, data: bytes) -> None:
        """Take received octets; raises nothing, whatever they are."""
        if self._broken is None:
            self._buffer += data

    def __iter__(self) -> Iterator[bytes]:
        """What is complete; raises ProtocolError where the stream can't be followed any more."""
        while (frame := self._next()) is not None:
            yield frame

    def _next(self) -> bytes | None:
        if self._broken is not None:
            raise self._broken
        if not self._needed:
            if self._buffer.startswith(PONG):
                return self._keepalive()
            if self._buffer == b"\r":
                return None
            self._skip_line_ends()
            self._find_length()
        if not self._needed or len(self._buffer) < self._needed:
            return None
        return self._take(self._needed)

    def _keepalive(self) -> bytes | None:
        if self._buffer.startswith(PING):
            return self._take(len(PING))
        if self._accepted and self._buffer in (PONG, PONG + b"\r"):
            return None
        return self._take(len(PONG))

    def _skip_line_ends(self) -> None:
        """RFC 3261, 7.5: line ends before a start line are ignored, odd ones too."""
        stray = len(self._buffer) - len(self._buffer.lstrip(b"\r\n"))
        if stray:
            del self._buffer[:stray]
            self._searched = 0

    def _find_length(self) -> None:
        match = _END_OF_HEAD.search(self._buffer, max(0, self._searched - 3))
        self._searched = len(self._buffer)
        if match is None:
            if self._searched > MAX_MESSAGE_SIZE:
                self._fail("a message without an end of its headers", 513)
            return
        # RFC 3261, 18.3 demands the header on a stream; without it there is no body.
        lengths = set(_LENGTH.findall(self._buffer, 0, match.end())) or {b"0"}
        text = lengths.pop()
        if lengths or not _DIGITS.fullmatch(text):
            self._fail("a Content-Length that is no number, or two", 400)
        self._needed = match.end() + int(text)
        if self._needed > MAX_MESSAGE_SIZE:
            self._fail("a message larger than the limit", 513)

    def _fail(self, problem: str, status: int) -> None:
        self._buffer.clear()
        self._broken = ProtocolError(problem, status=status)
        raise self._broken

    def _take(self, count: int) -> bytes:
        taken = bytes(self._buffer[:count])
        del self._buffer[:count]
        self._searched = self._needed = 0
        return taken
