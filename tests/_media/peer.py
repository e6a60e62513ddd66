"""The far end of a leg: a plain socket that speaks RTP by hand, and a loop to test."""

from __future__ import annotations

import select
import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from platypus._media.loop import Leg, Loop
from platypus.errors import MediaError

PATIENCE = 20.0  # seconds until a test gives up; no test waits for its end
TYPES = {0: "pcmu", 8: "pcma", 101: "telephone-event"}


@dataclass(frozen=True, slots=True)
class Packet:
    marker: bool
    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes
    source: tuple[str, int]


class Peer:
    """An RTP socket of the test's own."""

    def __init__(self, ssrc: int = 77, host: str = "127.0.0.1") -> None:
        self.socket = udp_socket(host)
        self.socket.settimeout(PATIENCE)
        self.address: tuple[str, int] = self.socket.getsockname()[:2]
        self.ssrc, self.sequence, self.timestamp = ssrc, 1000, 0

    def receive(self) -> Packet:
        data, source = self.socket.recvfrom(2048)
        first, second, sequence, timestamp, ssrc = struct.unpack("!BBHII", data[:12])
        assert first == 0x80
        return Packet(second >= 128, second & 127, sequence, timestamp, ssrc, data[12:], source[:2])

    def receive_many(self, count: int) -> list[Packet]:
        return [self.receive() for _ in range(count)]

    def send(self, to: tuple[str, int], payload: bytes = b"\xff" * 160, pt: int = 0) -> None:
        header = struct.pack("!BBHII", 0x80, pt, self.sequence, self.timestamp, self.ssrc)
        self.sequence = (self.sequence + 1) & 0xFFFF
        self.timestamp = (self.timestamp + 160) & 0xFFFFFFFF
        self.socket.sendto(header + payload, to)

    def talk(
        self, to: tuple[str, int], until: Callable[[], Any], payload: bytes = b"\x80" * 160
    ) -> Any:
        """Send a packet every 20 ms until `until` gives something true, which is returned."""

        def send_until() -> Any:
            result = until()
            if not result:
                self.send(to, payload)
            return result

        return self.talk_with(send_until)

    def talk_with(self, turn: Callable[[], Any]) -> Any:
        """Call `turn` every 20 ms, at absolute deadlines, until it gives something true."""
        due = time.monotonic()
        end = due + PATIENCE
        while not (result := turn()):
            assert due < end, "it never came to pass"
            due += 0.02
            time.sleep(max(0.0, due - time.monotonic()))
        return result


def udp_socket(host: str = "127.0.0.1") -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_DGRAM)
    sock.bind((host, 0))
    return sock


def open_leg(loop: Loop, remote: tuple[str, int] | None = None, **options: Any) -> Leg:
    """A leg that sends and takes PCMU; its address is `address_of(leg)`."""
    host = options.pop("host", "127.0.0.1")
    sock = udp_socket(host)
    address = sock.getsockname()[:2]
    values = {"ssrc": 1, "sequence": 65_534, "timestamp": 4_294_967_000} | options
    leg = loop.open_leg(sock, **values)
    _addresses[leg] = address
    leg.configure_receive(TYPES)
    leg.configure_send(0, "pcmu", remote, 101)
    return leg


def address_of(leg: Leg) -> tuple[str, int]:
    return _addresses[leg]


_addresses: dict[Leg, tuple[str, int]] = {}


@contextmanager
def running_loop() -> Iterator[Loop]:
    loop = Loop(error=MediaError)
    loop.start()
    try:
        yield loop
    finally:
        loop.close()
        _addresses.clear()


def wait_for(find: Callable[[], Any]) -> Any:
    """What `find` gives once it is true; the loop has no condition to wait on, so this polls."""
    end = time.monotonic() + PATIENCE
    while not (result := find()):
        assert time.monotonic() < end, "it never came to pass"
        time.sleep(0.005)
    return result


def next_event(loop: Loop, kind: str) -> tuple[Any, ...]:
    """The next event of this kind; the others before it are dropped."""
    end = time.monotonic() + PATIENCE
    while True:
        for event in loop.drain_events():
            if event[1] == kind:
                return event
        ready, _, _ = select.select([loop.wake_socket], [], [], end - time.monotonic())
        assert ready, f"no {kind} event came"
        loop.wake_socket.recv(4096)
