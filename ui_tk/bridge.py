"""The engine on a thread of its own, for a window that must never wait.

    window's thread                          engine's thread
    send(command)  --call_soon_threadsafe-->  Engine, Account, Call
    drain()        <----deque, socket pair--  events, as messages

The engine's objects never leave their thread; values go both ways. Whatever goes wrong
there ends as a message here: nothing is raised in a thread that nobody sees.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import socket
import threading
from collections import deque
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from platypus import PlatypusError
from ui_tk.messages import (
    AccountSettings,
    Command,
    Message,
    PageAsked,
    QuitAsked,
    Ready,
    Rules,
    SetHotkeys,
    SetRules,
    ShowTray,
    Stopped,
    Trouble,
)

if TYPE_CHECKING:
    from platypus import TlsSettings
    from ui_tk.desktop import Desktop
    from ui_tk.phone import Phone

logger = logging.getLogger("ui_tk.bridge")

CLOSE_S = 4.0  # the engine takes at most 2 s to leave; more is a hang that must not keep the user
MAX_MESSAGES = 10_000  # waiting for a window that is stuck; then the oldest are worth nothing
DEMO_USER = "you"
DEMO_HINT = "A built-in PBX, for trying. Call 600 and hear yourself."


@dataclass(frozen=True, slots=True)
class PhoneSettings:
    """How to bring the engine up. Without accounts it registers to a PBX of its own."""

    accounts: tuple[AccountSettings, ...] = ()
    listen: tuple[str, int] = ("0.0.0.0", 0)  # noqa: S104 - a phone is to be called
    codecs: tuple[str, ...] = ()  # none said: all
    suppress_silence: bool = False
    rtp_ports: tuple[int, int] | None = None
    audio: str = "system"
    input: str | None = None
    output: str | None = None
    transport: str = "udp"
    tls_ca: str | None = None
    tls_certificate: str | None = None
    tls_key: str | None = None
    tls_pins: tuple[str, ...] = ()
    tls_insecure: bool = False
    rules: Rules = Rules()  # noqa: RUF009 - a frozen value
    refer: str = "ask"
    srtp: str = "prefer"
    dtls: bool = False
    stun: tuple[str, int] | None = None
    ring: str | None = None

    @property
    def tls(self) -> TlsSettings | None:
        files = (self.tls_ca, self.tls_certificate, self.tls_key)
        if not any((*files, self.tls_pins, self.tls_insecure)):
            return None
        from platypus import TlsSettings

        return TlsSettings(
            ca_file=self.tls_ca,
            certificate=self.tls_certificate,
            key=self.tls_key,
            pins=self.tls_pins,
            verify=not self.tls_insecure,
        )


class Bridge:
    """`start`, `send` and `close` are for the window's thread, as are `drain` and `socket`.

    `socket` is readable whenever messages wait. The deque needs no lock: one thread
    appends, one takes.
    """

    def __init__(self, settings: PhoneSettings) -> None:
        self._settings = settings
        self._messages: deque[Message] = deque(maxlen=MAX_MESSAGES)
        self.socket, self._wake = socket.socketpair()
        self.socket.setblocking(False)
        self._wake.setblocking(False)
        self._thread = threading.Thread(target=self._main, name="platypus", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._leave = asyncio.Event()
        self._phone: Phone | None = None
        self._desktop: Desktop | None = None

    @property
    def wake_fd(self) -> int:
        """Whatever is written here makes `socket` readable."""
        return self._wake.fileno()

    def start(self) -> None:
        self._thread.start()

    def send(self, command: Command) -> None:
        """Returns at once; what comes of it is told by messages."""
        loop = self._loop
        try:
            if loop is None:
                raise RuntimeError("not started")
            loop.call_soon_threadsafe(self._obey, command)
        except RuntimeError:  # the loop is closed, or not there yet
            self.post(Trouble("The phone is not running."))

    def drain(self, most: int) -> list[Message]:
        """Up to `most` messages. The socket stays readable while more wait."""
        if len(self._messages) <= most:
            with contextlib.suppress(BlockingIOError):
                self.socket.recv(65_536)
        messages: list[Message] = []
        while self._messages and len(messages) < most:
            messages.append(self._messages.popleft())
        if self._messages:
            self.rouse()  # some came in between, and their bytes are read
        return messages

    def close(self, timeout: float = CLOSE_S) -> bool:
        """Hang up, unregister and end the thread; whether it ended in time. Idempotent."""
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # its loop is closed already
                self._loop.call_soon_threadsafe(self._leave.set)
        if self._thread.ident is not None:
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def post(self, message: Message) -> None:
        """From any thread: the window will get it."""
        self._messages.append(message)
        self.rouse()

    def rouse(self) -> None:
        """From any thread: make `socket` readable."""
        # A full socket is readable, which is all that is wanted; a closed one has no reader.
        with contextlib.suppress(OSError):
            self._wake.send(b"\0")

    def _main(self) -> None:
        error: str | None = None
        try:
            asyncio.run(self._run())
        except PlatypusError as problem:
            error = str(problem)
        except Exception as problem:  # the end of the thread: here, or nobody hears of it
            logger.exception("the engine's thread failed")
            error = f"{type(problem).__name__}: {problem}"
        self.post(Stopped(error))

    async def _run(self) -> None:
        # Here, on this thread: the window is on the screen before the engine is loaded.
        from platypus import Engine
        from platypus.control.server import ControlServer
        from platypus.instance import claim_instance
        from ui_tk.desktop import Desktop
        from ui_tk.phone import Phone

        loop = asyncio.get_running_loop()
        loop.set_exception_handler(self._on_loop_error)
        settings = self._settings
        async with AsyncExitStack() as stack:
            accounts, hint = settings.accounts, ""
            if not accounts:
                accounts, hint = (await self._demo_account(stack),), DEMO_HINT
            engine = Engine(
                transport=settings.transport,  # type: ignore[arg-type] # the file was checked
                tls=settings.tls,
                listen=settings.listen if not hint else ("127.0.0.1", 0),
                codecs=settings.codecs or None,
                suppress_silence=settings.suppress_silence,
                rtp_ports=settings.rtp_ports,
                audio=settings.audio,
                input=settings.input,
                output=settings.output,
                instance_id=claim_instance() if not hint else None,
                ring=settings.ring,
                srtp=settings.srtp,  # type: ignore[arg-type] # likewise
                dtls=settings.dtls,
                stun=settings.stun,
                refer=settings.refer,  # type: ignore[arg-type] # likewise
            )
            await stack.enter_async_context(engine)
            desktop = self._desktop = Desktop(self._obey, self.post)

            def tell(message: Message) -> None:
                desktop.hear(message)
                self.post(message)

            phone = self._phone = Phone(engine, tell)
            for account in accounts:
                phone.add_account(account)
            phone.obey(SetRules(settings.rules))
            server = ControlServer(
                engine,
                quit=lambda: self.post(QuitAsked()),
                told=phone.tell_all,
                show=lambda page: self.post(PageAsked(page)),
            )
            await server.start()
            stack.callback(server.close)
            self._loop = loop
            self.post(Ready(hint, tuple(engine.listen)))
            await stack.enter_async_context(desktop)  # a bus that hangs keeps nothing else
            await self._leave.wait()
            await engine.close()
            phone.close()

    async def _demo_account(self, stack: AsyncExitStack) -> AccountSettings:
        """A PBX in this process, so that the first call needs no server."""
        from platypus.pbx import Pbx

        password = secrets.token_urlsafe(12)
        pbx = await stack.enter_async_context(
            Pbx(listen=("127.0.0.1", 0), users={DEMO_USER: password})
        )
        host, port = pbx.address
        return AccountSettings(f"sip:{DEMO_USER}@{host}:{port}", password)

    def _obey(self, command: Command) -> None:
        if isinstance(command, ShowTray | SetHotkeys):
            if self._desktop is not None:
                self._desktop.obey(command)
        elif self._phone is not None:
            self._phone.obey(command)

    def _on_loop_error(self, _: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
        error = context.get("exception")
        exc_info = error if isinstance(error, BaseException) else None
        logger.error("%s", context.get("message"), exc_info=exc_info)
        self.post(Trouble(f"A fault inside the phone: {error or context.get('message')}"))
