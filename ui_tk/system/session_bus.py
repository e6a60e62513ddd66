"""A part of the phone that speaks on the session's message bus (D-Bus), by jeepney.

    async with SomePart(...) as part:
        ...

Entering connects, within two seconds, and opens what the part is for; where there is no bus,
nobody to speak with or no jeepney, `missing` says so and the phone goes on without.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from types import TracebackType
from typing import Any, Self

logger = logging.getLogger("ui_tk.bus")

TIMEOUT_S = 2.0


class BusPart:
    """`_open` is the part's own; what it sets up in `_stack`, and `_listener`, end with it."""

    what = ""  # it is, as a sentence begins

    def __init__(self) -> None:
        self._router: Any = None
        self._stack = contextlib.AsyncExitStack()
        self._listener: asyncio.Task[None] | None = None
        self.missing = ""  # why it does nothing, in a sentence

    async def __aenter__(self) -> Self:
        try:
            await asyncio.wait_for(self._open(), TIMEOUT_S)
        except ImportError:
            self.missing = f"{self.what} need the jeepney package."
        except (OSError, KeyError, ValueError, EOFError, TimeoutError) as error:
            self.missing = f"There are no {self.what.lower()} here ({type(error).__name__})."
        if self.missing:
            self._router = None
            logger.info("%s", self.missing)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._listener is not None:
            self._listener.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._listener
        self._router = None
        with contextlib.suppress(OSError, EOFError):  # the bus may have gone before us
            await self._stack.aclose()

    async def _open(self) -> None:
        raise NotImplementedError

    async def _connect(self) -> Any:
        """The bus itself, to call its methods; `_router` is there from now on."""
        from jeepney import message_bus
        from jeepney.io.asyncio import DBusRouter, Proxy, open_dbus_connection

        connection = await open_dbus_connection("SESSION")
        self._stack.push_async_callback(connection.close)
        self._router = await self._stack.enter_async_context(DBusRouter(connection))
        return Proxy(message_bus, self._router)
