"""No suspend during a call: a laptop that falls asleep hangs up.

Linux asks logind (org.freedesktop.login1, Inhibit) for a lock, which ends with its file
descriptor, also when the phone is killed. Windows and macOS have a call and a program for it.
Where nothing can be had the phone calls all the same.
"""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import sys

logger = logging.getLogger("ui_tk.inhibit")

TIMEOUT_S = 2.0


class SuspendLock:
    """`hold` and `release` block for at most two seconds: off the event loop. Idempotent."""

    def __init__(self) -> None:
        self._descriptor: int | None = None
        self._program: subprocess.Popen[bytes] | None = None
        self._windows = False

    @property
    def held(self) -> bool:
        return self._descriptor is not None or self._program is not None or self._windows

    def hold(self, why: str = "in a call") -> bool:
        """Whether the machine stays awake from now on."""
        if self.held:
            return True
        if sys.platform == "win32":
            self._windows = _execution_state(True)
        elif sys.platform == "darwin":
            self._program = _caffeinate()
        else:
            self._descriptor = _logind_lock(why)
        return self.held

    def release(self) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)
        program, self._program = self._program, None
        if program is not None:
            program.terminate()
            program.wait(TIMEOUT_S)
        if self._windows:
            _execution_state(False)
            self._windows = False


def _logind_lock(why: str) -> int | None:
    try:
        from jeepney import DBusAddress, DBusErrorResponse, MessageType, new_method_call
        from jeepney.fds import NoFDError
        from jeepney.io.blocking import open_dbus_connection
    except ImportError:
        logger.info("keeping the machine awake needs the jeepney package")
        return None
    login1 = DBusAddress(
        "/org/freedesktop/login1",
        bus_name="org.freedesktop.login1",
        interface="org.freedesktop.login1.Manager",
    )
    body = ("sleep:idle", "Platypus", why, "block")
    try:
        with open_dbus_connection("SYSTEM", enable_fds=True) as connection:
            reply = connection.send_and_get_reply(
                new_method_call(login1, "Inhibit", "ssss", body), timeout=TIMEOUT_S
            )
            if reply.header.message_type is MessageType.error:
                logger.info("logind gives no lock: %s", reply.body[:1])
                return None
            return int(reply.body[0].to_raw_fd())
    except (OSError, EOFError, KeyError, ValueError, DBusErrorResponse, NoFDError) as error:
        # No bus, no logind, a time out: the call goes on.
        logger.info("the machine can't be kept awake: %s: %s", type(error).__name__, error)
    return None


def _caffeinate() -> subprocess.Popen[bytes] | None:
    path = shutil.which("caffeinate")
    if path is None:
        return None
    return subprocess.Popen([path, "-i", "-w", str(os.getpid())], stdin=subprocess.DEVNULL)


def _execution_state(on: bool) -> bool:
    if sys.platform != "win32":
        return False
    import ctypes

    continuous, system_required = 0x8000_0000, 0x0000_0001
    state = continuous | (system_required if on else 0)
    return bool(ctypes.windll.kernel32.SetThreadExecutionState(state))
