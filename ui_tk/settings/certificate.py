"""The certificate prompt: whom a server claims to be, why it is not believed, and what to do.

Trusting one pins its fingerprint: from then on it and no other is taken for this phone's
servers, whoever issued it.
"""

from __future__ import annotations

import asyncio
import threading
import tkinter as tk
from dataclasses import replace
from typing import TYPE_CHECKING

from platypus import PlatypusError
from ui_tk import startup
from ui_tk.settings.host import Host
from ui_tk.texts import tr
from ui_tk.theme import Theme
from ui_tk.widgets.dialog import Dialog
from ui_tk.widgets.label import label

if TYPE_CHECKING:
    from platypus.config import AccountConfig
    from platypus.diagnose import CertificateReport


def server_of(account: AccountConfig) -> str:
    """Where its requests go."""
    return account.outbound_proxy or account.registrar or account.address


def show_certificate(root: tk.Misc, theme: Theme, host: Host, uri: str) -> None:
    """Fetch it on a thread of its own, then show it."""
    tls = startup.phone_settings(host.config, startup.Overrides(), {}).tls
    secure = uri if uri.startswith("sips:") else f"sips:{uri.partition(':')[2]}"

    def work() -> None:
        from platypus.diagnose import look_at_certificate

        try:
            report = asyncio.run(look_at_certificate(secure.partition(";")[0], tls))
        except PlatypusError as error:
            text = f"{str(error).rstrip('.')}."
            host.later(lambda: _say(host, text))
        else:
            host.later(lambda: _open(root, theme, host, report))

    threading.Thread(target=work, name="platypus certificate", daemon=True).start()


def _say(host: Host, text: str) -> None:
    host.model.say(text, "bad")
    host.window.refresh()


def _open(root: tk.Misc, theme: Theme, host: Host, report: CertificateReport) -> None:
    if root.winfo_exists():
        CertificateDialog(root, theme, host, report)


class CertificateDialog(Dialog):
    """Who and why, and only then a button to trust it."""

    def __init__(self, root: tk.Misc, theme: Theme, host: Host, report: CertificateReport) -> None:
        super().__init__(root, theme, tr("Certificate of {name}", name=report.name), width=520)
        self._host, self._report = host, report
        p = theme.palette
        problems = list(report.problems)
        pins = [_plain(pin) for pin in host.config.tls_pins]
        if pins and _plain(report.fingerprint) not in pins:
            problems.append(tr("it is not the one that is pinned"))
        facts = (
            (tr("It is for"), report.names),
            (tr("Issued by"), report.issuer),
            (tr("Valid"), f"{report.valid_from} - {report.valid_until}"),
            (tr("Fingerprint"), report.fingerprint),
        )
        for name, text in facts:
            label(self.body, theme, 11, text=name, colour=p.dim).pack(fill="x")
            self.note(text, size=13, colour=p.text)
        if problems:
            why = tr("It is not believed: {why}.", why="; ".join(problems))
            note = tr("Compare the fingerprint with what the server's owner tells you.")
        else:
            why, note = tr("It is believed."), ""
        colour = p.bad_text if problems else p.good_text
        self.note(why, size=13, colour=colour)
        if note:
            self.note(note)
        self.add_button(tr("Refuse") if problems else tr("Close"), self.destroy)
        if problems:
            self.add_button(tr("Trust this one only"), self._trust, kind="bad")
        self.appear()

    def _trust(self) -> None:
        host, pin = self._host, self._report.fingerprint
        self.destroy()
        if pin not in host.config.tls_pins:
            host.apply(replace(host.config, tls_pins=(*host.config.tls_pins, pin)))


def _plain(pin: str) -> str:
    return pin.upper().removeprefix("SHA256").strip("=:").replace(":", "")
