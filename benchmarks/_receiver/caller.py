"""A caller who does nothing but send: a call by SIP in a few lines, and packets when they are due.

What is wrong with the path is in the times at which packets leave; nothing has to stand between.
"""

from __future__ import annotations

import re
import secrets
import socket
from dataclasses import dataclass, field

TIMEOUT_S = 5.0
PORT = re.compile(rb"^m=audio ([0-9]+)", re.MULTILINE)
HOST = re.compile(rb"^c=IN IP4 ([0-9.]+)", re.MULTILINE)


@dataclass(slots=True)
class Caller:
    """One call over UDP to `target`, which answers by itself, in PCMU."""

    target: tuple[str, int]
    user: str
    sip: socket.socket = field(init=False)
    rtp: socket.socket = field(init=False)
    remote: tuple[str, int] = field(init=False)
    _to: str = ""
    _call_id: str = field(default_factory=lambda: secrets.token_hex(8))

    def __post_init__(self) -> None:
        self.sip, self.rtp = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
        for one in (self.sip, self.rtp):
            one.bind((self.target[0] if self.target[0] == "127.0.0.1" else "", 0))
        self.sip.connect(self.target)
        self.sip.settimeout(TIMEOUT_S)

    def call(self) -> None:
        """Wait for the 200. Raises SystemExit for another answer."""
        host = self.sip.getsockname()[0]
        body = (
            f"v=0\r\no=- 1 1 IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\n"
            f"m=audio {self.rtp.getsockname()[1]} RTP/AVP 0\r\na=ptime:20\r\n"
        )
        self._send("INVITE", body)
        while True:
            answer = self.sip.recv(65535)
            status = int(answer.split(b" ", 2)[1])
            if status >= 300:
                raise SystemExit(f"{self.user} refused the call: {status}")
            if status >= 200:
                break
        found = re.search(rb"^(?:To|t)\s*:\s*(.+)\r$", answer, re.MULTILINE | re.IGNORECASE)
        port, address = PORT.search(answer), HOST.search(answer)
        if found is None or port is None or address is None:
            raise SystemExit(f"{self.user} answered without a stream")
        self._to = found[1].decode()
        self.remote = (address[1].decode(), int(port[1]))
        self._send("ACK")
        self.rtp.setblocking(False)

    def send(self, packet: bytes) -> None:
        self.rtp.sendto(packet, self.remote)

    def received(self) -> list[bytes]:
        """What has come since."""
        found = []
        while True:
            try:
                found.append(self.rtp.recv(2048))
            except (BlockingIOError, ConnectionRefusedError):
                return found

    def close(self) -> None:
        self._send("BYE")
        self.sip.close()
        self.rtp.close()

    def _send(self, method: str, body: str = "") -> None:
        host, port = self.sip.getsockname()
        uri = f"sip:{self.user}@{self.target[0]}:{self.target[1]}"
        number = 2 if method == "BYE" else 1
        lines = [
            f"{method} {uri} SIP/2.0",
            f"Via: SIP/2.0/UDP {host}:{port};branch=z9hG4bK{secrets.token_hex(6)};rport",
            "Max-Forwards: 70",
            f"From: <sip:caller@{host}:{port}>;tag=1{self._call_id}",
            f"To: {self._to or f'<{uri}>'}",
            f"Call-ID: {self._call_id}",
            f"CSeq: {number} {method}",
            f"Contact: <sip:caller@{host}:{port}>",
            *(["Content-Type: application/sdp"] if body else []),
            f"Content-Length: {len(body)}",
        ]
        self.sip.send(("\r\n".join(lines) + "\r\n\r\n" + body).encode())
