"""Processor instructions of one call taken as UAS, as callgrind counts them.

    python -m benchmarks instructions

Time is measured on a machine that others use as well; instructions are nearly the same on every
run, so that this is the figure a test holds on to. Two agents take calls one after the other,
one of them more; what both spend on starting and ending cancels out.
"""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from benchmarks._agent import ROOT, Lines, command, environment

BY_NAME_ONLY = True  # tests/test_instructions.py holds every run of CI to it
# Ten per cent above what was measured with Python 3.11 on x86-64: whoever makes a call dearer
# than that should know, and whoever makes it cheaper lowers it.
TARGETS = {"million_per_call": 2.15}
FEW, MANY = 20, 220
READY_S = 60.0  # callgrind makes everything fifty times slower

CALLER = """{method} sip:service@{to} SIP/2.0
Via: SIP/2.0/UDP {own};branch=z9hG4bK-{number}-{method}
From: sipp <sip:sipp@{own}>;tag=from{number}
To: service <sip:service@{to}>{tag}
Call-ID: {number}-bench@127.0.0.1
CSeq: {cseq} {cseq_method}
Contact: sip:sipp@{own}
Max-Forwards: 70
Subject: Performance Test
{content}Content-Length: {length}

"""

OFFER = """v=0
o=user1 53655765 2353687637 IN IP4 127.0.0.1
s=-
c=IN IP4 127.0.0.1
t=0 0
m=audio 6000 RTP/AVP 0
a=rtpmap:0 PCMU/8000
"""


class Caller:
    """One call after the other, with the messages of sipp's `uac`."""

    def __init__(self, address: str) -> None:
        host, _, port = address.rpartition(":")
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.connect((host, int(port)))
        self.socket.settimeout(READY_S)
        own = self.socket.getsockname()
        self._fields = {"to": address, "own": f"{own[0]}:{own[1]}"}

    def call(self, number: int) -> None:
        self._send("INVITE", number, 1, body=OFFER)
        tag = self._tag_of_200()
        self._send("ACK", number, 1, tag)
        self._send("BYE", number, 2, tag)
        self._tag_of_200()

    def _send(self, method: str, number: int, cseq: int, tag: str = "", body: str = "") -> None:
        text = CALLER.format(
            **self._fields,
            method=method,
            number=number,
            tag=tag,
            cseq=cseq,
            cseq_method=method,
            content="Content-Type: application/sdp\n" if body else "",
            length=len(body.replace("\n", "\r\n")),
        )
        self.socket.send((text + body).replace("\n", "\r\n").encode())

    def _tag_of_200(self) -> str:
        while not (answer := self.socket.recv(4096)).startswith(b"SIP/2.0 200"):
            if not answer.startswith(b"SIP/2.0 1"):
                raise SystemExit(f"benchmarks: {answer.splitlines()[0]!r}")
        found = re.search(rb"\nTo:.*?(;tag=\S+)", answer)
        return found[1].decode() if found else ""


def run() -> Mapping[str, float]:
    """Millions of instructions a call."""
    if shutil.which("valgrind") is None:
        raise SystemExit("benchmarks: instructions needs valgrind")
    with ThreadPoolExecutor() as pool:
        few, many = pool.map(instructions, (FEW, MANY))
    return {"million_per_call": (many - few) / (MANY - FEW) / 1e6, "calls": float(MANY - FEW)}


def instructions(calls: int) -> int:
    """Of a whole agent that takes so many calls."""
    under = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"]
    process = subprocess.Popen(
        [*under, *command(None, "--auto-answer", "0")],
        cwd=ROOT,
        env=environment() | {"PYTHONHASHSEED": "0"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        lines = Lines(process)
        caller = Caller(lines.address)
        for number in range(calls):
            caller.call(number)
        lines.wait(lambda said: said.ended == calls, READY_S)
        assert process.stdin is not None and process.stderr is not None
        process.stdin.write('{"cmd":"quit"}\n')
        process.stdin.flush()
        said = process.stderr.read()
    finally:
        process.kill()
        process.wait()
    found = re.search(r"Collected : (\d+)", said)
    if found is None:
        raise SystemExit(f"benchmarks: callgrind counted nothing: {said[-500:]}")
    return int(found[1])
