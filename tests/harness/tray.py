"""A tray: Ayatana's indicator service, a real watcher and host of status items; no screen."""

from __future__ import annotations

from typing import Any

import pytest

from tests.harness.programs import Program

SERVICE = "/usr/libexec/ayatana-indicator-application/ayatana-indicator-application-service"
INDICATORS = "org.ayatana.indicator.application"
MENU = "com.canonical.dbusmenu"


class Tray:
    """On the session's bus, from `start` to `stop`; and a hand that opens its menus."""

    def __init__(self, address: str) -> None:
        from jeepney.io.blocking import open_dbus_connection

        self._address = address
        self._bus = open_dbus_connection(address)
        self._service: Program | None = None

    def start(self) -> None:
        environment = {"DBUS_SESSION_BUS_ADDRESS": self._address}
        try:
            self._service = Program("tray", [SERVICE], environment=environment)
        except FileNotFoundError:
            pytest.skip("ayatana-indicator-application is not installed")

    def stop(self) -> None:
        service, self._service = self._service, None
        if service is not None:
            service.stop()

    def close(self) -> None:
        self.stop()
        self._bus.close()

    def items(self) -> list[tuple[Any, ...]]:
        """What it would draw: icon, place, owner, menu, folder of icons, ..., id, title."""
        path = "/org/ayatana/indicator/application/service"
        reply = self.ask(INDICATORS, path, f"{INDICATORS}.service", "GetApplications")
        return list(reply[0]) if reply is not None else []

    def lines(self) -> dict[str, int]:
        """The menu of the only item: its lines' numbers by what they say."""
        reply = self._of_menu("GetLayout", "iias", (0, -1, []))
        children = (body for _, body in reply[1][2])
        return {at["label"][1]: number for number, at, _ in children if "label" in at}

    def is_ticked(self, text: str) -> bool:
        reply = self._of_menu("GetProperty", "is", (self.lines()[text], "toggle-state"))
        return bool(reply[0][1])

    def choose(self, text: str) -> None:
        self._of_menu("Event", "isvu", (self.lines()[text], "clicked", ("i", 0), 0))

    def open(self) -> None:
        """A click on the icon itself."""
        owner = self.items()[0][2]
        self.ask(
            owner, "/StatusNotifierItem", "org.kde.StatusNotifierItem", "Activate", "ii", (0, 0)
        )

    def _of_menu(self, method: str, signature: str, body: tuple[Any, ...]) -> tuple[Any, ...]:
        _, _, owner, path, *_ = self.items()[0]
        reply = self.ask(owner, path, MENU, method, signature, body)
        assert reply is not None, f"{method} was refused"
        return reply

    def ask(
        self, name: str, path: str, interface: str, method: str, signature: str | None = None,
        body: tuple[Any, ...] = (),
    ) -> tuple[Any, ...] | None:  # fmt: skip
        """The reply's body; None for an error."""
        from jeepney import DBusAddress, MessageType, new_method_call

        address = DBusAddress(path, bus_name=name, interface=interface)
        call = new_method_call(address, method, signature, body)
        reply = self._bus.send_and_get_reply(call, timeout=5)
        return None if reply.header.message_type is MessageType.error else tuple(reply.body)
