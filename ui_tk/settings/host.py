"""What the settings need of the application."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from platypus.config import Config
    from ui_tk.keeper import Keeper
    from ui_tk.messages import Command, Message
    from ui_tk.model import Model
    from ui_tk.window import Window


class Host(Protocol):
    keeper: Keeper
    model: Model
    window: Window
    config: Config

    @property
    def records(self) -> Path: ...
    def password_of(self, address: str) -> str | None: ...
    def know_password(self, address: str, password: str) -> None: ...
    def forget_password(self, address: str) -> None: ...
    def apply(self, config: Config) -> None: ...
    def send(self, command: Command) -> None: ...
    def post(self, message: Message) -> None: ...
    def later(self, work: Callable[[], None]) -> None: ...
