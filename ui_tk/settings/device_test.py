"""The sound devices tried without the phone: listed, and a call to an echo of our own.

Both on a thread of their own, with an engine and a built-in PBX that live as long as it takes:
what is heard went all the way through microphone, network, jitter buffer and speaker.
"""

from __future__ import annotations

import asyncio
import secrets
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from platypus import PlatypusError

if TYPE_CHECKING:
    from platypus import DeviceLists

MEASURE_S = 0.1
LOOPBACK = ("127.0.0.1", 0)
Levels = tuple[float | None, float | None]


def list_devices(done: Callable[[DeviceLists | str], None]) -> None:
    """`done`, on the other thread, gets the lists, or a sentence that says why there are none."""

    async def look() -> DeviceLists:
        from platypus import Engine

        async with Engine(listen=LOOPBACK, audio="system") as engine:
            return await engine.sound.devices()

    def work() -> None:
        try:
            done(asyncio.run(look()))
        except PlatypusError as error:
            done(f"{str(error).rstrip('.')}.")

    threading.Thread(target=work, name="platypus devices", daemon=True).start()


class DeviceTest:
    """Hear yourself. `tell(levels)` ten times a second, `failed(sentence)` at most once."""

    def __init__(
        self,
        devices: tuple[str | None, str | None],
        tell: Callable[[Levels], None],
        failed: Callable[[str], None],
    ) -> None:
        self._devices, self._tell, self._failed = devices, tell, failed
        self._stop = threading.Event()
        threading.Thread(target=self._work, name="platypus sound test", daemon=True).start()

    def stop(self) -> None:
        self._stop.set()

    def _work(self) -> None:
        try:
            asyncio.run(self._run())
        except (PlatypusError, OSError) as error:
            self._failed(f"{str(error).rstrip('.')}.")

    async def _run(self) -> None:
        from platypus import DeviceChanged, Engine
        from platypus.pbx import Pbx

        password = secrets.token_urlsafe(12)
        talking, listening = self._devices
        async with (
            Pbx(listen=LOOPBACK, users={"you": password}) as pbx,
            Engine(listen=LOOPBACK, audio="system", input=talking, output=listening) as phone,
        ):
            phone.subscribe(
                lambda event: (
                    self._failed(f"{event.reason}.")
                    if isinstance(event, DeviceChanged) and event.input is None
                    else None
                )
            )
            account = phone.account(pbx.uri("you"), password=password)
            await account.registered(timeout=5)
            async with account.call("600") as call:
                await call.answered(timeout=5)
                while not self._stop.is_set():
                    self._tell(call.levels())
                    await asyncio.sleep(MEASURE_S)
