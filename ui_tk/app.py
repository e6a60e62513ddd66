"""Joins the window and the engine: starts both, carries messages, ends both."""

from __future__ import annotations

import logging
import signal
import sys
import threading
import tkinter as tk
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from ui_tk import startup, texts
from ui_tk.bridge import Bridge, PhoneSettings
from ui_tk.custody import Custody
from ui_tk.door import Door
from ui_tk.keeper import Keeper
from ui_tk.messages import (
    AccountChanged,
    AppearanceTold,
    Command,
    Message,
    QuitAsked,
    Ready,
    SetRules,
    Stopped,
    TrayChanged,
    Trouble,
)
from ui_tk.model import Model
from ui_tk.palette import DARK, LIGHT, Palette, choose
from ui_tk.preferences import Preferences
from ui_tk.prompts import CertificatePrompts
from ui_tk.texts import tr
from ui_tk.theme import Theme
from ui_tk.window import Window

if TYPE_CHECKING:
    from platypus.config import Config
    from platypus.contacts import Book, Contact
    from platypus.history import CallRecord, History
    from ui_tk.system.single_instance import Instance

logger = logging.getLogger("ui_tk.app")

BATCH = 100  # messages drawn at once, so that a storm of them leaves time for the keyboard
POLL_MS = 20  # where Tk can't watch a socket: Windows
RESTART_MS = 50  # how often it is looked whether the old engine has left


class App:
    """One phone with its window. `run` returns when the user has closed it."""

    def __init__(
        self,
        root: tk.Tk,
        config: Config,
        said: startup.Overrides,
        path: Path,
        *,
        book: Book | None = None,
        history: History | None = None,
        instance: Instance | None = None,
        links: Sequence[str] = (),
        minimized: bool = False,
    ) -> None:
        self._root, self._said, self._path = root, said, path
        self.config = config
        self._closed = self._stale = self._relearned = False
        self._history = history
        self._dark: bool | None = None  # what the desktop said of it since
        self._later: deque[Callable[[], None]] = deque()
        self._custody = Custody(root, lambda: self.theme, self.later, self._say_bad)
        self._prompts = CertificatePrompts(self._show_certificate)
        self.keeper = Keeper(lambda text: self.post(Trouble(text)))
        calls = history.calls if history is not None else ()
        self.model = Model(book=book, calls=calls, keep=self._keep)
        self._bridge = Bridge(PhoneSettings())  # never started: until the passwords are known
        root.report_callback_exception = self._on_fault
        self.window: Window
        self.show()
        root.geometry("{}x{}".format(*self.window.size))
        self._minimized = minimized
        if minimized:
            root.iconify()
        else:
            root.deiconify()
        self._waiting: list[str] = []  # numbers of links that came before the engine runs
        self._door = Door(root, instance, self._called, self._say_bad)
        if links:
            self._door.open(links)

    def run(self) -> None:
        self._root.update()  # seen before anything is started
        self._root.after_idle(self._begin)
        try:
            self._root.mainloop()
        finally:
            self._bridge.close()
            self.keeper.close()

    def show(self) -> None:
        """Build the window as the preferences want it, in place of the one that is there."""
        wanted = startup.preferences_of(self.config, self._said)
        texts.use(wanted.language)
        self.model.dial_rules = startup.dial_rules_of(self.config.dialing)
        self.model.voicemail = {
            each.address: each.voicemail for each in self.config.accounts if each.voicemail
        }
        if hasattr(self, "window"):
            self.window.close()
            for child in self._root.winfo_children():
                child.destroy()
        self.theme = Theme(self._root, scale=wanted.scale, palette=self._palette(wanted))
        self.window = Window(
            self._root,
            self.theme,
            self.model,
            self.send,
            self.close,
            on_dismiss=self.dismiss,
            dialogs=self,
            records=self.records,
            seen=self._mark_seen,
        )

    @property
    def records(self) -> Path:
        return startup.records_folder(self.config)

    def apply(self, config: Config) -> None:
        """Take over new settings: write them, and do what follows, an engine's restart too."""
        old, self.config = self.config, config
        self.keeper.do(lambda: save_config(config, self._path))
        self.model.dial_rules = startup.dial_rules_of(config.dialing)
        if config.calls != old.calls:
            self.send(SetRules(startup.rules_of(config.calls)))
        if replace(config.window, tray=old.window.tray) != old.window:
            self._show_anew()
        if config.hotkeys != old.hotkeys:
            self.send(startup.hotkeys_of(config.hotkeys))
        if self._relearned or startup.engine_parts(config) != startup.engine_parts(old):
            self._relearned = False
            self.restart()

    def _palette(self, wanted: Preferences) -> Palette:
        if wanted.appearance == "system" and self._dark is not None:
            return DARK if self._dark else LIGHT
        return choose(wanted.appearance)

    def _desktop_wants(self, dark: bool | None) -> None:
        self._dark = dark
        wanted = startup.preferences_of(self.config, self._said)
        if self._palette(wanted) != self.theme.palette:
            self._show_anew()

    def _show_anew(self) -> None:
        """Whoever changes how windows look, looks at the settings."""
        from ui_tk.settings.window import open_section

        section = open_section()
        self.show()
        if section:
            self.open_settings(section)

    def password_of(self, address: str) -> str | None:
        """What is known of it now, in memory."""
        return self._custody.known.get(address)

    def know_password(self, address: str, password: str) -> None:
        """From the next `apply` on; and kept, where the user wants it kept."""
        self._relearned = True
        self._custody.know(address, password)

    def forget_password(self, address: str) -> None:
        self._custody.forget(address)

    def restart(self) -> None:
        """Bring the engine up anew; with calls up, when the last one has ended."""
        self._stale = True
        if self.model.lines.all:
            self.model.say(tr("The settings hold when the calls have ended."))
            self.window.refresh()
            return
        self._stale = False
        old = self._bridge
        self._unwatch()
        leaving = threading.Thread(target=old.close, daemon=True)
        leaving.start()
        self.model.reset()
        self.window.refresh()
        self._when_left(leaving)

    def dismiss(self) -> None:
        """The window's own close button: with an icon in the tray the phone goes on."""
        if self.model.tray and self.config.window.tray:
            self._root.withdraw()
        else:
            self.close()

    def close(self) -> None:
        """Hang up, unregister and end. The window is gone at once; the engine says goodbye."""
        if self._closed:
            return
        self._closed = True
        self._door.close()
        self.window.close()
        self._root.withdraw()
        self._root.update_idletasks()
        self._bridge.close()
        self._root.destroy()

    def send(self, command: Command) -> None:
        self._bridge.send(command)

    def post(self, message: Message) -> None:
        """From any thread: the window will get it."""
        self._bridge.post(message)

    def later(self, work: Callable[[], None]) -> None:
        """From any thread: `work` on the window's, soon."""
        self._later.append(work)
        self._bridge.rouse()

    def open_settings(self, section: str) -> None:
        from ui_tk.settings.window import open_settings

        open_settings(self._root, self.theme, self, section)

    def open_keys(self) -> None:
        from ui_tk.settings.keys import open_keys

        open_keys(self._root, self.theme)

    def open_contact(self, contact: Contact | None, number: str) -> None:
        from ui_tk.settings.contact import ContactDialog

        ContactDialog(self._root, self.theme, self, contact, number)

    def open_import(self) -> None:
        from ui_tk.settings.contact import import_contacts

        import_contacts(self._root, self)

    def open_assistant(self) -> None:
        from ui_tk.settings.account import AccountDialog

        AccountDialog(self._root, self.theme, self, None)

    def _show_certificate(self, address: str) -> None:
        from ui_tk.settings.certificate import server_of, show_certificate

        account = next((each for each in self.config.accounts if each.address == address), None)
        where = server_of(account) if account is not None else address
        show_certificate(self._root, self.theme, self, where)

    def _begin(self) -> None:
        """Find the passwords, ask for those that nobody knows, and start the engine."""
        self._watch()
        self._custody.gather(startup.accounts_of(self.config, self._said), self._start)

    def _start(self) -> None:
        settings = startup.phone_settings(self.config, self._said, self._custody.known)
        self._unwatch()
        self._bridge = Bridge(settings)
        self._watch()
        self._watch_signals()
        self._bridge.start()

    def _when_left(self, leaving: threading.Thread) -> None:
        if leaving.is_alive():
            self._root.after(RESTART_MS, lambda: self._when_left(leaving))
        elif not self._closed:
            self._bridge = Bridge(PhoneSettings())
            self._begin()

    def _called(self, numbers: Sequence[str]) -> None:
        """By a link, or by a second start without one."""
        self.window.come_forward()
        if self.config.calls.ask_before_links:
            for number in numbers:
                self.model.set_number(number)
        else:
            self._waiting += numbers
            self._dial_waiting()
        self.window.refresh()

    def _tray_changed(self, present: bool) -> None:
        """A window without an icon must not stay hidden; one that starts out of the way may."""
        if present and self._minimized:
            self._root.withdraw()
        elif not present and self._root.state() == "withdrawn" and not self._closed:
            self._root.deiconify()
        self._minimized = False

    def _dial_waiting(self) -> None:
        while self._waiting and self.model.running:
            for command in self.model.dial(self._waiting.pop(0)):
                self.send(command)

    def _keep(self, record: CallRecord) -> None:
        if self._history is not None:
            history = self._history
            self.keeper.do(lambda: history.add(record))

    def _mark_seen(self) -> None:
        if self._history is not None:
            self.keeper.do(self._history.mark_seen)

    def _say_bad(self, text: str) -> None:
        self.model.say(text, "bad")
        self.window.refresh()

    def _watch(self) -> None:
        if sys.platform == "win32":
            self._poll()
        else:
            self._root.createfilehandler(
                self._bridge.socket, tk.READABLE, lambda *_: self._on_readable()
            )

    def _unwatch(self) -> None:
        if sys.platform != "win32":
            self._root.deletefilehandler(self._bridge.socket)

    def _on_readable(self) -> None:
        try:
            self._receive()
        except Exception as error:  # what leaves a file handler would end Tk's main loop
            self._on_fault(type(error), error, error.__traceback__)

    def _on_fault(
        self, kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        """What Tk calls for whatever a callback raised."""
        logger.error("a fault in the window", exc_info=(kind, error, trace))
        if not self._closed and not isinstance(error, tk.TclError):
            self.window.say_fault(error)

    def _watch_signals(self) -> None:
        """SIGTERM and SIGINT hang up and unregister, like closing the window.

        Tk waits in C, where Python's handlers don't run: the byte that a signal writes
        to the bridge's socket wakes it.
        """
        signal.set_wakeup_fd(self._bridge.wake_fd, warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._root.after_idle(self.close))

    def _poll(self) -> None:
        self._receive()
        if not self._closed:
            self._root.after(POLL_MS, self._poll)

    def _receive(self) -> None:
        messages = self._bridge.drain(BATCH)
        while self._later and not self._closed:
            self._later.popleft()()
        if not messages or self._closed:
            return
        self.window.receive(messages)
        for message in messages:
            match message:
                case Ready():
                    for command in self.model.watch_all():
                        self.send(command)
                    self.send(startup.hotkeys_of(self.config.hotkeys))
                    for volume in startup.volumes_of(self.config.audio):
                        self.send(volume)
                    self._dial_waiting()
                case QuitAsked():
                    self._root.after_idle(self.close)
                case AccountChanged():
                    self._prompts.hear(message)
                case AppearanceTold(dark):
                    self._desktop_wants(dark)
                case TrayChanged(present):
                    self._tray_changed(present)
                case Stopped():
                    self._tray_changed(False)
        if self._stale and not self.model.lines.all:
            self.restart()


def save_config(config: Config, path: Path) -> None:
    """On the keeper's thread. Raises OSError's text as the keeper tells it."""
    from platypus.config import save

    save(config, path)
