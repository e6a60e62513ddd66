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

from platypus import (
    CallEnded,
    CallState,
    CallStateChanged,
    DeviceChanged,
    Engine,
    ErrorOccurred,
    Event,
    IdentityChanged,
    IncomingCall,
    MediaChanged,
    PlatypusError,
    Registered,
    RegistrationFailed,
    Unregistered,
)
from platypus.instance import claim_instance
from ui_tk.messages import (
    AccountChanged,
    AccountSettings,
    Answer,
    CallChanged,
    CallOver,
    Command,
    DeviceSettled,
    Dial,
    HangUp,
    Hold,
    LevelsMeasured,
    Message,
    Mute,
    Ready,
    SendDigit,
    Stopped,
    Trouble,
)

if TYPE_CHECKING:
    from platypus import Account, Call

logger = logging.getLogger("ui_tk.bridge")

LEVELS_S = 0.1  # as often as the engine measures them
CLOSE_S = 4.0  # the engine takes at most 2 s to leave; more is a hang that must not keep the user
MAX_MESSAGES = 10_000  # waiting for a window that is stuck; then the oldest are worth nothing
DEMO_USER = "you"
DEMO_HINT = "A built-in PBX, for trying. Call 600 and hear yourself."


@dataclass(frozen=True, slots=True)
class PhoneSettings:
    """How to bring the engine up. Without accounts it registers to a PBX of its own."""

    accounts: tuple[AccountSettings, ...] = ()
    listen: tuple[str, int] = ("0.0.0.0", 0)  # noqa: S104 - a phone is to be called
    codecs: tuple[str, ...] = ("pcmu", "pcma")
    rtp_ports: tuple[int, int] | None = None
    audio: str = "system"
    input: str | None = None
    output: str | None = None


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
        self._phone: Engine | None = None
        self._calls: dict[str, Call] = {}
        self._levels: asyncio.Task[None] | None = None

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
            self._post(Trouble("The phone is not running."))

    def drain(self, most: int) -> list[Message]:
        """Up to `most` messages. The socket stays readable while more wait."""
        if len(self._messages) <= most:
            with contextlib.suppress(BlockingIOError):
                self.socket.recv(65_536)
        messages: list[Message] = []
        while self._messages and len(messages) < most:
            messages.append(self._messages.popleft())
        if self._messages:
            self._rouse()  # some came in between, and their bytes are read
        return messages

    def close(self, timeout: float = CLOSE_S) -> bool:
        """Hang up, unregister and end the thread; whether it ended in time. Idempotent."""
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # its loop is closed already
                self._loop.call_soon_threadsafe(self._leave.set)
        if self._thread.ident is not None:
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def _post(self, message: Message) -> None:
        self._messages.append(message)
        self._rouse()

    def _rouse(self) -> None:
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
        self._post(Stopped(error))

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(self._on_loop_error)
        settings = self._settings
        async with AsyncExitStack() as stack:
            accounts, hint = settings.accounts, ""
            if not accounts:
                accounts, hint = (await self._demo_account(stack),), DEMO_HINT
            phone = Engine(
                listen=settings.listen if not hint else ("127.0.0.1", 0),
                codecs=settings.codecs,
                rtp_ports=settings.rtp_ports,
                audio=settings.audio,
                input=settings.input,
                output=settings.output,
                instance_id=claim_instance() if not hint else None,
            )
            self._phone = await stack.enter_async_context(phone)
            phone.subscribe(self._on_event)
            for account in accounts:
                self._add_account(phone, account)
            self._loop = loop
            self._post(Ready(hint))
            await self._leave.wait()
            if self._levels is not None:
                self._levels.cancel()

    async def _demo_account(self, stack: AsyncExitStack) -> AccountSettings:
        """A PBX in this process, so that the first call needs no server."""
        from platypus.pbx import Pbx

        password = secrets.token_urlsafe(12)
        pbx = await stack.enter_async_context(
            Pbx(listen=("127.0.0.1", 0), users={DEMO_USER: password})
        )
        host, port = pbx.address
        return AccountSettings(f"sip:{DEMO_USER}@{host}:{port}", password)

    def _add_account(self, phone: Engine, settings: AccountSettings) -> None:
        try:
            account = phone.account(
                settings.address,
                password=settings.password,
                auth_user=settings.auth_user,
                registrar=settings.registrar,
                outbound_proxy=settings.outbound_proxy,
                display_name=settings.display_name,
                expires=settings.expires,
                register=settings.register,
                mwi=settings.mwi,
            )
        except PlatypusError as error:
            self._post(AccountChanged(settings.address, "failed", str(error)))
            return
        self._post(AccountChanged(account.aor, account.state))

    def _obey(self, command: Command) -> None:
        try:
            self._carry_out(command)
        except (PlatypusError, ValueError) as error:
            self._post(Trouble(f"{error}."))

    def _carry_out(self, command: Command) -> None:
        if isinstance(command, Dial):
            self._dial(command)
            return
        call = self._calls.get(command.call)
        if call is None:
            return  # it ended while the command was on its way
        match command:
            case Answer():
                call.answer()
            case HangUp():
                call.hangup()
            case Mute(_, on):
                call.mute(on)
            case Hold(_, on):
                call.hold() if on else call.resume()
            case SendDigit(_, digit):
                call.send_dtmf(digit)
        if command.call in self._calls:
            self._tell(call)

    def _dial(self, command: Dial) -> None:
        if self._phone is None:
            return
        accounts = {account.aor: account for account in self._phone.accounts}
        call = self._phone.call(command.to, account=accounts.get(command.account or ""))
        self._tell(call)

    def _on_event(self, event: Event) -> None:
        match event:
            case Registered(account) | Unregistered(account):
                self._tell_account(account)
            case RegistrationFailed(account, _, reason, retry_in):
                self._tell_account(account, reason, retry_in)
            case (
                IncomingCall(call)
                | CallStateChanged(call)
                | MediaChanged(call)
                | IdentityChanged(call)
            ):
                self._tell(call)
            case CallEnded(call, code, reason, by, elsewhere):
                self._calls.pop(call.id, None)
                self._post(CallOver(call.id, code, reason, by, elsewhere))
            case DeviceChanged(microphone, speaker, reason):
                self._post(DeviceSettled(microphone, speaker, reason))
            case ErrorOccurred(message):
                self._post(Trouble(message))

    def _tell_account(
        self, account: Account, reason: str = "", retry_in: float | None = None
    ) -> None:
        self._post(AccountChanged(account.aor, account.state, reason, retry_in))

    def _tell(self, call: Call) -> None:
        """Send the window a picture of the call as it is now."""
        if call.state is CallState.ENDED:
            return
        self._calls[call.id] = call
        self._post(
            CallChanged(
                call.id,
                call.direction,
                call.state.value,
                call.remote,
                call.display_name,
                call.hold_state,
                call.muted,
                call.codec,
            )
        )
        if self._levels is None and call.state is CallState.CONFIRMED:
            self._levels = asyncio.get_running_loop().create_task(self._measure())

    async def _measure(self) -> None:
        """Levels, as long as there is a call to measure."""
        while self._calls:
            for call in self._calls.values():
                if call.state is CallState.CONFIRMED:
                    self._post(LevelsMeasured(call.id, *call.levels()))
            await asyncio.sleep(LEVELS_S)
        self._levels = None

    def _on_loop_error(self, _: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
        error = context.get("exception")
        exc_info = error if isinstance(error, BaseException) else None
        logger.error("%s", context.get("message"), exc_info=exc_info)
        self._post(Trouble(f"A fault inside the phone: {error or context.get('message')}"))
