"""baresip 1.0.0 as the other phone: it plays a WAV file and records what it hears.

Steered over its `ctrl_tcp` module (netstrings of JSON), whose events tell what became of it.
Debian's build has quirks: it does not listen on 127.0.0.1, and has no player that writes a file. So
`aubridge` stands in for the loudspeaker and the `sndfile` filter records the decoded audio.
"""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.harness.listening import Pcm, read_wav
from tests.harness.namespace import host_address
from tests.harness.ports import free_port
from tests.harness.programs import Program, find_program

MODULES = Path("/usr/lib/baresip/modules")

CONFIGURATION = """\
sip_listen {host}:{port}
sip_trans_def udp
audio_path /nonexistent
audio_player {player}
audio_source {source}
audio_alert aubridge,{name}-alert
ausrc_srate {rate}
auplay_srate {rate}
ausrc_channels 1
auplay_channels 1
audio_buffer 20-160
rtp_ports {rtp}-{rtp_end}
rtcp_mux {mux}
jitter_buffer_delay {jitter}
rtp_timeout 0
call_local_timeout 120
call_max_calls {most}
ctrl_tcp_listen 127.0.0.1:{control}
snd_path {recordings}
module_path {modules}
{codecs}
module aufile.so
module aubridge.so
module alsa.so
module sndfile.so
module srtp.so
module dtls_srtp.so
module_app account.so
module_app ctrl_tcp.so
module_app menu.so
"""


# The module of each codec, and how an account names it: with the rate it works at.
CODECS = {
    "PCMU": ("g711", "PCMU/8000/1", 8000),
    "PCMA": ("g711", "PCMA/8000/1", 8000),
    "G722": ("g722", "G722/16000/1", 16000),
    "OPUS": ("opus", "opus/48000/2", 48000),
}


class Baresip(Program):
    """A running baresip with one account, `sip:{user}@{host}:{port}` or one at a registrar.

    It says `source`, or with `sound` talks and listens on a sound server's devices; with `echo` it
    says what it hears.
    """

    def __init__(
        self,
        folder: Path,
        *,
        user: str,
        source: Path | None = None,
        sound: tuple[str, str] | None = None,
        registrar: str | None = None,
        password: str = "",
        codecs: Sequence[str] = ("PCMU", "PCMA"),
        answer: str = "manual",
        max_calls: int = 4,
        rtcp_mux: bool = False,
        echo: bool = False,
        jitter: str = "2-10",  # packets that it waits for, at the least and the most
        encryption: str = "",  # a mediaenc of its: srtp, srtp-mand, dtls_srtp
    ) -> None:
        program = find_program("baresip")
        if not (MODULES / "ctrl_tcp.so").exists():
            pytest.skip("baresip has no ctrl_tcp module here")
        self.host = host_address()
        if self.host.startswith("127."):
            pytest.skip("baresip does not listen on 127.0.0.1, and there is no other address")
        self.port = free_port(self.host)
        control = free_port()
        pairs = max(10, max_calls)
        rtp = free_port(self.host, pairs=pairs)
        self.uri = f"sip:{user}@{registrar or f'{self.host}:{self.port}'}"
        self.recordings = folder / "recordings"
        self.recordings.mkdir(parents=True, exist_ok=True)
        self.events: list[dict[str, Any]] = []
        self._arrived = threading.Condition()
        bridged = f"aubridge,{user}"
        said = bridged if echo else f"aufile,{source}"
        modules = {CODECS[codec][0] for codec in codecs}
        if missing := [name for name in modules if not (MODULES / f"{name}.so").exists()]:
            pytest.skip(f"baresip has no {missing[0]} module here")
        (folder / "config").write_text(
            CONFIGURATION.format(
                host=self.host,
                port=self.port,
                name=user,
                source=f"alsa,pulse:{sound[0]}" if sound else said,
                player=f"alsa,pulse:{sound[1]}" if sound else bridged,
                rtp=rtp,
                rtp_end=rtp + 2 * pairs - 1,
                control=control,
                recordings=self.recordings,
                modules=MODULES,
                most=max_calls,
                rate=CODECS[codecs[0]][2],
                codecs="\n".join(f"module {name}.so" for name in sorted(modules)),
                jitter=jitter,
                mux="yes" if rtcp_mux else "no",
            )
        )
        # A user name without a password would make it ask for one, on standard input.
        login = f";auth_user={user};auth_pass={password}" if password else ""
        (folder / "accounts").write_text(
            f"<{self.uri}>;regint={60 if registrar else 0}{login}"
            f";answermode={answer};audio_codecs={','.join(CODECS[codec][1] for codec in codecs)}"
            f";ptime=20;medianat=;mediaenc={encryption}\n"
        )
        # Its output is block-buffered in a pipe; stdbuf makes lines of it.
        command = ["stdbuf", "-oL", program, "-f", str(folder)]
        super().__init__("baresip", command, folder=folder)
        try:
            self.expect("baresip is ready")
            self._control = socket.create_connection(("127.0.0.1", control), timeout=5)
            self._control.settimeout(None)
            threading.Thread(target=self._read_control, daemon=True).start()
        except BaseException:
            self.stop()
            raise

    def wait_registered(self) -> None:
        # Not by its event, which may come before anybody listens.
        self.expect(r"/UDP/v4\} 200 OK")

    def command(self, name: str, params: str = "") -> None:
        """Gives one command of its menu: `dial`, `accept`, `hangup`, `hold`, `resume`..."""
        data = json.dumps({"command": name, "params": params}).encode()
        self._control.sendall(b"%d:%s," % (len(data), data))

    def wait_event(self, kind: str, timeout: float = 10.0, *, count: int = 1) -> dict[str, Any]:
        """The `count`-th event of a type, such as CALL_ESTABLISHED."""
        deadline = time.monotonic() + timeout
        with self._arrived:
            while len(found := [e for e in self.events if e.get("type") == kind]) < count:
                left = deadline - time.monotonic()
                if left <= 0:
                    kinds = [e.get("type") for e in self.events]
                    pytest.fail(f"baresip: no {kind}, only {kinds}; it said:\n{self.tail()}", False)
                self._arrived.wait(left)
        return found[count - 1]

    def heard(self) -> Pcm:
        """What the far end has said so far in the latest call, as decoded."""
        files = sorted(self.recordings.glob("*dec*.wav"), key=lambda file: file.stat().st_mtime)
        return read_wav(files[-1]) if files else np.zeros(0, np.int16)

    def wait_until_heard(self, samples: int, timeout: float = 15.0) -> Pcm:
        """The recording, once so much of it has been written."""
        deadline = time.monotonic() + timeout
        while len(heard := self.heard()) < samples:
            if time.monotonic() > deadline:
                pytest.fail(
                    f"baresip heard {len(heard)} of {samples} samples:\n{self.tail()}", False
                )
            self.wait_for_line(0.05)
        return heard

    def stop(self) -> int | None:
        if hasattr(self, "_control"):
            self._control.close()
        return super().stop()

    def _read_control(self) -> None:
        buffer = b""
        while True:
            try:
                data = self._control.recv(65536)
            except OSError:
                return
            if not data:
                return
            buffer += data
            while b":" in buffer:
                length, _, rest = buffer.partition(b":")
                if len(rest) <= int(length):
                    break
                with self._arrived:
                    self.events.append(json.loads(rest[: int(length)]))
                    self._arrived.notify_all()
                buffer = rest[int(length) + 1 :]
