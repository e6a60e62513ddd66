"""Settings, Network: where the phone listens, by which ports and transport, and STUN."""

from __future__ import annotations

import tkinter as tk
from collections.abc import Callable

from ui_tk.settings.form import Form, listen_address, port_range
from ui_tk.settings.host import Host
from ui_tk.texts import tr
from ui_tk.theme import Theme


class _Network(Form):
    def build(self) -> None:
        config = self.host.config
        transports = [
            ("udp", tr("UDP, and TCP for what is too large")),
            ("tcp", tr("TCP")),
            ("tls", tr("TLS, encrypted")),
        ]
        self.choice(tr("Transport"), transports, config.transport,
                    lambda value: self.change(transport=value))  # fmt: skip
        host, port = config.listen
        shown = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        self.field(tr("Listen on"), shown, self._listen,
                   hint=tr("0.0.0.0 is every network card; port 0 picks a free one"))  # fmt: skip
        ports = "{}-{}".format(*config.rtp_ports) if config.rtp_ports else ""
        self.field(tr("Ports for media"), ports, self._rtp,
                   hint=tr("as in 10000-10999; empty: any"))  # fmt: skip
        self.field(tr("STUN server"), config.stun_server or "", self._stun,
                   hint=tr("only where the exchange does not help across a router"))  # fmt: skip
        self.note(tr("The phone listens at: {where}", where=", ".join(self.host.model.listen)))

    def _listen(self, text: str) -> str:
        try:
            self.change(listen=listen_address(text))
        except ValueError as error:
            return str(error)
        return ""

    def _rtp(self, text: str) -> str:
        try:
            self.change(rtp_ports=port_range(text))
        except ValueError as error:
            return str(error)
        return ""

    def _stun(self, text: str) -> str:
        if any(each.isspace() for each in text):
            return tr("A host, as in stun.example.com or stun.example.com:3478.")
        self.change(stun_server=text or None)
        return ""


def build(frame: tk.Frame, theme: Theme, host: Host) -> Callable[[], None]:
    form = _Network(frame, theme, host)
    form.build()
    return form.leave
