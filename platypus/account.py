"""An address of record on a registrar, as people hold it (RFC 3261, section 10).

The state is the registration's own at every moment; nothing is remembered here
that could differ from it but the last reason for a failure.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Self

from platypus.errors import RegistrationError
from platypus.events import Registered, RegistrationFailed, Unregistered
from platypus.waiting import Change

if TYPE_CHECKING:
    from platypus.call import Call
    from platypus.engine import Engine
    from platypus.media.endpoints import Sink, Source
    from platypus.sip.events import RegistrationChanged
    from platypus.sip.registration import Registration
    from platypus.sip.settings import AccountSettings
    from platypus.sip.uri import Uri

State = Literal["registered", "registering", "failed", "unregistered"]
LEAVE_TIMEOUT = 2.0  # how long leaving an account waits for the registrar's word


class Account:
    """Made by `Engine.account`. Leaving it as a context manager unregisters."""

    def __init__(
        self, engine: Engine, settings: AccountSettings, uri: Uri, *, mwi: bool = False
    ) -> None:
        self.settings = settings
        self.mwi = mwi  # whether its mailbox is subscribed to
        self.uri = uri
        self.reason: str | None = None
        self._engine = engine
        self._registration: Registration | None = None
        self._changed = Change()
        self._failure: RegistrationError | None = None

    def __repr__(self) -> str:
        return f"<Account {self.aor} {self.state}>"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.unregister()
        await self.unregistered(timeout=LEAVE_TIMEOUT)

    @property
    def aor(self) -> str:
        """The address of record: `sip:alice@example.com`."""
        return self.settings.aor

    @property
    def state(self) -> State:
        """The truth about the registration, at this moment."""
        return self._registration.state if self._registration is not None else "unregistered"

    @property
    def expires_in(self) -> float | None:
        """Seconds until the granted binding ends; None when not registered."""
        registration = self._registration
        if registration is None or registration.expires_at is None or self.state != "registered":
            return None
        return max(0.0, registration.expires_at - self._engine.now())

    @property
    def contact(self) -> str | None:
        """What the registrar has as our address; None when not registered."""
        if self._registration is None or self.state != "registered":
            return None
        contact = self._registration.contact
        return None if contact is None else str(contact)

    @property
    def server(self) -> str | None:
        """The numeric host its registration went to; None before there was one."""
        flow = self._registration.flow if self._registration is not None else None
        return flow.remote[0] if flow is not None else None

    async def registered(self, timeout: float | None = None) -> None:  # noqa: ASYNC109
        """Wait until registered. Raises RegistrationError when refused, or after `timeout` s."""
        if self.state == "failed" and self._failure is not None:
            raise self._failure
        try:
            async with asyncio.timeout(timeout):
                while self.state != "registered":
                    await self._changed.next()
                    if self._failure is not None:
                        raise self._failure
        except TimeoutError:
            reason = self.reason or (
                f"the registrar did not answer within {timeout} s; "
                "check its address and the network"
            )
            raise RegistrationError(self.aor, None, reason) from None

    async def unregistered(self, timeout: float | None = None) -> bool:  # noqa: ASYNC109
        """Wait until the binding is gone, at most `timeout` s; whether it is."""
        try:
            async with asyncio.timeout(timeout):
                while self.state in ("registered", "registering"):
                    await self._changed.next()
        except TimeoutError:
            return False
        return True

    def register(self) -> None:
        """Register, or refresh now. What comes of it is told by events."""
        now = self._engine.now()
        self._failure = self.reason = None
        if self._registration is None:
            self._registration = self._engine.user_agent.register(self.settings, now)
            self._engine.adopt(self._registration, self)
        else:
            self._registration.refresh(now)
        self._engine.pump()

    def unregister(self) -> None:
        """Remove our binding; nothing when there is none."""
        if self._registration is None or not self._engine.running:
            return
        if self.state != "unregistered":
            self._registration.unregister(self._engine.now())
            self._engine.pump()

    def call(
        self,
        to: str,
        *,
        headers: Iterable[tuple[str, str]] = (),
        source: Source | str | None = None,
        sink: Sink | None = None,
        offer: bool = True,
    ) -> Call:
        """As `Engine.call`, from this account."""
        return self._engine.call(
            to, account=self, headers=headers, source=source, sink=sink, offer=offer
        )

    def watch(self, to: str, package: str = "dialog") -> None:
        """As `Engine.watch`, from this account."""
        self._engine.watch(to, package, account=self)

    def message(self, to: str, text: str) -> None:
        """As `Engine.message`, from this account."""
        self._engine.message(to, text, account=self)

    def pick_up(self, to: str) -> Call:
        """As `Engine.pick_up`, from this account."""
        return self._engine.pick_up(to, account=self)

    def receive_change(self, event: RegistrationChanged) -> None:
        """The engine hands in what the machine said."""
        match event.state:
            case "registered":
                self.reason = self._failure = None
                contact = "" if event.contact is None else str(event.contact)
                self._engine.publish(Registered(self, event.expires or 0, contact))
            case "failed":
                self.reason = event.reason
                self._failure = RegistrationError(self.aor, event.code, event.reason)
                failed = RegistrationFailed(self, event.code, event.reason, event.retry_in)
                self._engine.publish(failed)
            case "unregistered":
                self._engine.publish(Unregistered(self))
            case _:
                pass  # on its way: there is nothing to tell yet
        self._changed.notify()
