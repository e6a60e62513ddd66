"""The accounts of one engine, and their registrations while they last.

What the machine says of a registration goes to its account; the flow it is
reached by is kept alive. It decides nothing that `sip.registration` decides.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from platypus.net.keepalive import KeepAlive

if TYPE_CHECKING:
    import asyncio

    from platypus.account import Account
    from platypus.net.transport import Transport
    from platypus.notices import Notices
    from platypus.recovery import Recovery
    from platypus.sip.events import RegistrationChanged
    from platypus.sip.registration import Registration


class Registering:
    """Accounts in the order they were added."""

    def __init__(self, notices: Notices) -> None:
        self.accounts: list[Account] = []
        self._notices = notices
        self._registrations: dict[Registration, Account] = {}
        self._keepalive: KeepAlive | None = None

    def start(
        self, loop: asyncio.AbstractEventLoop, transport: Transport, recovery: Recovery
    ) -> None:
        """There are sockets."""
        self._keepalive = KeepAlive(
            loop.call_later,
            transport.send,
            os.urandom,
            ask=transport.ask_stun,
            failed=recovery.flow_lost,
        )

    def add(self, account: Account, *, register: bool) -> None:
        """One more; with `register` it begins to."""
        self.accounts.append(account)
        if register:
            account.register()
        else:
            self._notices.reachable(account)  # as good as it gets

    def adopt(self, registration: Registration, account: Account) -> None:
        """What the machine says of `registration` is for `account`."""
        self._registrations[registration] = account

    def receive(self, event: RegistrationChanged) -> None:
        """What the machine says."""
        registration = event.registration
        account = self._registrations.get(registration)
        if account is None or self._keepalive is None:
            return
        flow = registration.flow
        if event.state == "registered" and flow is not None:
            self._keepalive.add(account, flow, registration.flow_timer)
        elif event.state in ("unregistered", "failed"):
            self._keepalive.remove(account)
        account.receive_change(event)
        self._notices.registration_changed(account)

    def close(self) -> None:
        """Keep nothing alive any more."""
        if self._keepalive is not None:
            self._keepalive.close()
