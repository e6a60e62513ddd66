"""One account, made or changed: the assistant. It is tried while it is typed."""

from __future__ import annotations

import tkinter as tk
from dataclasses import replace
from typing import TYPE_CHECKING, Literal, cast

from ui_tk import startup
from ui_tk.settings.host import Host
from ui_tk.settings.trial import Trial
from ui_tk.texts import tr
from ui_tk.theme import Theme
from ui_tk.widgets.dialog import Dialog
from ui_tk.widgets.fields import Choice, Field, Switch
from ui_tk.widgets.label import label, wrapping
from ui_tk.widgets.scroll import Scroll

if TYPE_CHECKING:
    from platypus.config import AccountConfig
    from platypus.diagnose import AccountTry, Step

STEPS = (
    ("address", "The address"),
    ("resolve", "The name is found"),
    ("connect", "The server answers"),
    ("register", "It registers"),
)
ICONS = {
    "busy": ("clock", "busy"),
    "good": ("check", "good"),
    "unsure": ("warning", "busy"),
    "bad": ("close", "bad"),
}
FORM_HEIGHT = 400
TRANSPORTS = (("udp", "UDP"), ("tcp", "TCP"), ("tls", "TLS"))


class AccountDialog(Dialog):
    """`old` None makes a new one."""

    def __init__(self, root: tk.Misc, theme: Theme, host: Host, old: AccountConfig | None) -> None:
        super().__init__(root, theme, tr("Account") if old else tr("New account"), width=640)
        self._host, self._old = host, old
        self._trial: Trial | None = None
        scroll = Scroll(self.body, theme)
        scroll.set_height(theme.px(FORM_HEIGHT))
        scroll.pack(side="left", fill="both", expand=True, padx=(0, theme.px(24)))
        left = scroll.inside
        self.bind("<FocusIn>", lambda event: scroll.reveal_inside(event.widget))
        right = tk.Frame(self.body, background=theme.palette.panel, width=theme.px(250))
        right.pack(side="left", fill="y")
        right.pack_propagate(False)
        self._build_form(left)
        self._build_steps(right)
        self._trial = Trial(self, host, self._tell)
        self.add_button(tr("Save"), self._save, kind="accent")
        self.add_button(tr("Test"), self._test)
        self.add_button(tr("Cancel"), self.destroy)
        if old is not None:
            self.add_button(tr("Delete"), self._delete, kind="bad", icon="trash")
            self._typed()
        self.appear(self._address.entry)

    def destroy(self) -> None:
        if self._trial is not None:
            self._trial.stop()
        super().destroy()

    def _build_form(self, parent: tk.Frame) -> None:
        theme, old = self.theme, self._old

        def field(name: str, value: str | None, hint: str = "", *, secret: bool = False) -> Field:
            made = Field(parent, theme, name, value or "", hint=hint, secret=secret,
                         changed=lambda _: self._typed())  # fmt: skip
            made.pack(fill="x", pady=(0, theme.px(2)))
            return made

        shown = old.address.removeprefix("sip:") if old else ""
        self._address = field(tr("Address"), shown, tr("as in alice@pbx.example.com"))
        kept = tr("empty: as it is kept") if old else ""
        self._password = field(tr("Password"), "", kept, secret=True)
        self._password.entry.bind("<FocusOut>", lambda _: self._left_password())
        self._name = field(tr("Your name"), old.display_name if old else "")
        self._transport = Choice(
            parent, theme, tr("Transport (of all accounts)"), TRANSPORTS,
            self._host.config.transport, lambda _: self._typed(),
        )  # fmt: skip
        self._transport.pack(fill="x", pady=(0, theme.px(4)))
        self._user = field(tr("User name for the password"), old.auth_user if old else None,
                           tr("empty: as in the address"))  # fmt: skip
        self._registrar = field(tr("Registrar"), old.registrar if old else None,
                                tr("empty: as in the address"))  # fmt: skip
        self._proxy = field(tr("Outbound proxy"), old.outbound_proxy if old else None)
        self._voicemail = field(tr("Voicemail number"), old.voicemail if old else None,
                                tr("empty: as the server says"))  # fmt: skip
        self._mwi = Switch(parent, theme, tr("Ask for waiting messages"), bool(old and old.mwi))
        self._mwi.pack(fill="x")

    def _build_steps(self, parent: tk.Frame) -> None:
        theme, p = self.theme, self.theme.palette
        self._marks: dict[str, tuple[tk.Label, tk.Label]] = {}
        for name, text in STEPS:
            row = tk.Frame(parent, background=p.panel)
            row.pack(fill="x", pady=(0, theme.px(10)))
            mark = tk.Label(row, background=p.panel, width=theme.px(20), borderwidth=0,
                            image=theme.icon("clock", 16, p.border))  # fmt: skip
            mark.pack(side="left", anchor="n")
            words = tk.Frame(row, background=p.panel)
            words.pack(side="left", fill="x", expand=True, padx=(theme.px(8), 0))
            label(words, theme, 13, text=tr(text)).pack(fill="x")
            told = wrapping(label(words, theme, 11, colour=p.dim))
            told.pack(fill="x")
            self._marks[name] = (mark, told)

    def _wanted(self) -> AccountTry:
        from platypus.diagnose import AccountTry

        phone = startup.phone_settings(self._host.config, startup.Overrides(), {})
        password = self._password.secret or (
            self._host.password_of(self._old.address) if self._old else None
        )
        return AccountTry(
            address_of(self._address.value),
            password or None,
            auth_user=self._user.value or None,
            registrar=uri_of(self._registrar.value),
            outbound_proxy=uri_of(self._proxy.value),
            transport=cast('Literal["udp", "tcp", "tls"]', self._transport.value),
            tls=phone.tls,
            register=bool(password),
        )

    def _typed(self) -> None:
        if self._trial is not None and self._address.value:
            self._clear()
            self._trial.typed(self._wanted())

    def _left_password(self) -> None:
        if self._trial is not None and self._password.secret:
            self._trial.now(self._wanted())

    def _test(self) -> None:
        if self._trial is not None:
            self._clear()
            self._trial.now(self._wanted())

    def _clear(self) -> None:
        p = self.theme.palette
        for mark, told in self._marks.values():
            mark.configure(image=self.theme.icon("clock", 16, p.border))
            told.configure(text="")

    def _tell(self, step: Step) -> None:
        mark, told = self._marks[step.name]
        icon, tone = ICONS[step.state]
        mark.configure(image=self.theme.icon(icon, 16, self.theme.tone(tone)))
        told.configure(text=step.text, foreground=self.theme.tone(tone if step.text else "plain"))

    def _save(self) -> None:
        from platypus.config import AccountConfig

        config, old = self._host.config, self._old
        address = address_of(self._address.value)
        if "@" not in address:
            self._address.say(tr("An address has a user and a host, as in alice@pbx.example.com."))
            return
        others = [each for each in config.accounts if each is not old]
        if any(each.address == address for each in others):
            self._address.say(tr("There is this account already."))
            return
        names = {each.name for each in others}
        name = old.name if old else free_name(address, names)
        new = replace(
            old or AccountConfig(name, address),
            address=address,
            display_name=self._name.value,
            auth_user=self._user.value or None,
            registrar=uri_of(self._registrar.value),
            outbound_proxy=uri_of(self._proxy.value),
            voicemail=self._voicemail.value or None,
            mwi=self._mwi.on,
        )
        accounts = tuple(new if each is old else each for each in config.accounts)
        if old is None:
            accounts = (*accounts, new)
        password = self._password.secret
        transport = self._transport.value
        self.destroy()
        if password:
            self._host.know_password(address, password)
        self._host.apply(replace(config, accounts=accounts, transport=transport))

    def _delete(self) -> None:
        config, old = self._host.config, self._old
        self.destroy()
        if old is not None:
            self._host.forget_password(old.address)
            kept = tuple(each for each in config.accounts if each is not old)
            self._host.apply(replace(config, accounts=kept))


def address_of(text: str) -> str:
    """What was typed, as the address of record that it is."""
    return text if text.lower().startswith(("sip:", "sips:")) else f"sip:{text}" if text else ""


def uri_of(text: str) -> str | None:
    return address_of(text) or None


def free_name(address: str, taken: set[str]) -> str:
    """A name for the account's table in the file."""
    stem = address.partition(":")[2].partition("@")[0] or "account"
    names = [stem, *(f"{stem}-{number}" for number in range(2, 100))]
    return next(name for name in names if name not in taken)
