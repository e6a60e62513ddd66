"""Settings, Security: encrypted calls, and which servers are trusted."""

from __future__ import annotations

import tkinter as tk
from collections.abc import Callable
from pathlib import Path

from ui_tk.settings.certificate import server_of, show_certificate
from ui_tk.settings.form import Form
from ui_tk.settings.host import Host
from ui_tk.texts import tr
from ui_tk.theme import Theme
from ui_tk.widgets import button
from ui_tk.widgets.button import Button, Look


class _Security(Form):
    def build(self) -> None:
        config = self.host.config
        self.heading(tr("Calls"))
        rules = [
            ("prefer", tr("Encrypt where the way to the server is encrypted")),
            ("require", tr("Only encrypted calls")),
            ("off", tr("Never encrypt")),
        ]
        self.choice(tr("Encryption (SRTP)"), rules, config.srtp,
                    lambda value: self.change(srtp=value))  # fmt: skip
        self.switch(tr("Keys by DTLS"), config.dtls, lambda on: self.change(dtls=on),
                    hint=tr("Instead of keys in the signalling (SDES)."))  # fmt: skip
        self.heading(tr("Servers"))
        self._file(tr("Authority to trust"), "tls_ca", tr("a PEM file; empty: the system's"))
        self._file(tr("Certificate of this phone"), "tls_certificate", tr("a PEM file"))
        self._file(tr("Its key"), "tls_key", tr("a PEM file"))
        self.field(tr("Pinned certificates"), " ".join(config.tls_pins), self._pins,
                   hint=tr("SHA-256 fingerprints; then no other certificate is taken"))  # fmt: skip
        self._look_button()
        self.switch(tr("Trust everybody"), config.tls_insecure,
                    lambda on: self.change(tls_insecure=on),
                    hint=tr("For trying only: whoever is on the way can listen."))  # fmt: skip

    def _file(self, name: str, key: str, hint: str) -> None:
        def keep(text: str) -> str:
            if text and not Path(text).expanduser().is_file():
                return tr("There is no such file.")
            self.change(**{key: text or None})
            return ""

        self.field(name, getattr(self.host.config, key) or "", keep, hint=hint)

    def _pins(self, text: str) -> str:
        pins = tuple(text.replace(",", " ").split())
        for pin in pins:
            digits = pin.upper().removeprefix("SHA256").strip("=:").replace(":", "")
            if len(digits) != 64 or any(each not in "0123456789ABCDEF" for each in digits):
                return tr("A fingerprint has 64 hexadecimal digits.")
        self.change(tls_pins=pins)
        return ""

    def _look_button(self) -> None:
        theme = self.theme
        look = Look(0, 38, button.plain(theme), theme.palette.panel, text_size=13, icon_size=16)
        made = Button(self.frame, theme, self._look, look, icon="padlock",
                      text=tr("Show the server's certificate…"))  # fmt: skip
        made.pack(anchor="w", pady=(0, theme.px(12)))

    def _look(self) -> None:
        accounts = self.host.config.accounts
        if accounts:
            where = server_of(accounts[0])
            show_certificate(self.frame.winfo_toplevel(), self.theme, self.host, where)


def build(frame: tk.Frame, theme: Theme, host: Host) -> Callable[[], None]:
    form = _Security(frame, theme, host)
    form.build()
    return form.leave
