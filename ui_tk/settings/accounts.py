"""Settings, Accounts: those there are with their true state; new ones, and other phones'."""

from __future__ import annotations

import tkinter as tk
from dataclasses import replace
from pathlib import Path
from tkinter import filedialog
from typing import TYPE_CHECKING

from platypus import ConfigError
from ui_tk import words
from ui_tk.settings.account import AccountDialog, free_name
from ui_tk.settings.host import Host
from ui_tk.texts import tr
from ui_tk.theme import Theme
from ui_tk.widgets import button
from ui_tk.widgets.button import Button, Look
from ui_tk.widgets.label import label, wrapping
from ui_tk.widgets.rows import Row, RowList

if TYPE_CHECKING:
    from platypus.config import AccountConfig

TONES = {"registered": "good", "registering": "busy", "failed": "bad"}


class _Section:
    def __init__(self, frame: tk.Frame, theme: Theme, host: Host) -> None:
        self._frame, self._theme, self._host = frame, theme, host
        self._list = RowList(
            frame, theme, lambda key: self._edit(str(key)),
            empty=tr("No account yet. Make one, or import those of another phone."),
        )  # fmt: skip
        self._list.configure(height=theme.px(220))
        self._list.pack_propagate(False)
        self._list.pack(fill="x")
        row = tk.Frame(frame, background=theme.palette.panel)
        row.pack(fill="x", pady=(theme.px(12), 0))
        plain = Look(0, 38, button.plain(theme), theme.palette.panel, text_size=13, icon_size=16)
        new = replace(plain, colours=button.accent(theme))
        wanted = (
            (new, "plus", tr("New account"), lambda: self._open(None)),
            (plain, "edit", tr("Change"), self._change),
            (plain, "import", tr("Import…"), self._import),
        )
        for look, icon, text, command in wanted:
            made = Button(row, theme, command, look, icon=icon, text=text)
            made.pack(side="left", padx=(0, theme.px(8)))
        self._told = wrapping(label(frame, theme, 12, colour=theme.palette.dim))
        self._told.pack(fill="x", pady=(theme.px(12), 0))
        self._show()

    def _show(self) -> None:
        if not self._frame.winfo_exists():
            return
        rows = []
        for account in self._host.config.accounts:
            known = self._host.model.accounts.get(account.address)
            state = known.state if known else "unregistered"
            reason = known.reason if known else ""
            rows.append(
                Row(
                    account.address,
                    words.short(account.address),
                    reason or account.display_name,
                    words.account_state(state),
                    "person",
                    TONES.get(state, "plain"),
                )
            )
        self._list.show(rows)
        self._frame.after(500, self._show)

    def _config_of(self, address: str) -> AccountConfig | None:
        accounts = self._host.config.accounts
        return next((each for each in accounts if each.address == address), None)

    def _edit(self, address: str) -> None:
        self._open(self._config_of(address))

    def _change(self) -> None:
        if self._list.selected is not None:
            self._edit(str(self._list.selected))

    def _open(self, account: AccountConfig | None) -> None:
        AccountDialog(self._frame.winfo_toplevel(), self._theme, self._host, account)

    def _import(self) -> None:
        name = filedialog.askopenfilename(
            parent=self._frame, title=tr("Import the accounts of another phone")
        )
        if not name:
            return
        from platypus.importing import read_accounts

        try:
            found = read_accounts(Path(name))
        except ConfigError as error:
            self._told.configure(text=f"{error}.", foreground=self._theme.palette.bad_text)
            return
        config = self._host.config
        known = {each.address for each in config.accounts}
        names = {each.name for each in config.accounts}
        new = []
        for account in found.accounts:
            if account.config.address in known:
                continue
            free = free_name(account.config.address, names)
            names.add(free)
            new.append(replace(account.config, name=free))
            if account.password:
                self._host.know_password(account.config.address, account.password)
        text = tr("{count} accounts taken over from {source}.", count=len(new), source=found.source)
        self._told.configure(
            text=" ".join((text, *found.notes)), foreground=self._theme.palette.dim
        )
        if new:
            self._host.apply(replace(config, accounts=(*config.accounts, *new)))


def build(frame: tk.Frame, theme: Theme, host: Host) -> None:
    _Section(frame, theme, host)
