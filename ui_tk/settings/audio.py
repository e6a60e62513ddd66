"""Settings, Audio: which devices, how loud, with meters, and a test that plays and listens."""

from __future__ import annotations

import tkinter as tk
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from ui_tk.messages import SetVolume
from ui_tk.settings.device_test import DeviceTest, Levels, list_devices
from ui_tk.settings.host import Host
from ui_tk.startup import VOLUMES
from ui_tk.texts import tr
from ui_tk.theme import Theme
from ui_tk.widgets import button
from ui_tk.widgets.button import Button, Look
from ui_tk.widgets.fields import Choice
from ui_tk.widgets.label import label, wrapping
from ui_tk.widgets.meter import Meter
from ui_tk.widgets.slider import Slider

if TYPE_CHECKING:
    from platypus import DeviceLists

KINDS = (("input", "Microphone"), ("output", "Speaker"), ("ring", "Bell"))
MOST_PER_CENT = 200


class _Section:
    def __init__(self, frame: tk.Frame, theme: Theme, host: Host) -> None:
        self._frame, self._theme, self._host = frame, theme, host
        self._lists: DeviceLists | None = None
        self._choices: dict[str, Choice] = {}
        for kind, name in KINDS:
            chosen = getattr(host.config.audio, kind) or ""
            made = Choice(frame, theme, tr(name), self._offers(kind), chosen,
                          lambda value, kind=kind: self._choose(kind, value))  # type: ignore[misc] # fmt: skip
            made.pack(fill="x", pady=(0, theme.px(8)))
            self._choices[kind] = made
            self._volume(kind)
        canvas = self._canvas = tk.Canvas(
            frame, height=theme.px(56), background=theme.palette.panel, highlightthickness=0,
            width=1,
        )  # fmt: skip
        canvas.pack(fill="x", pady=(theme.px(10), 0))
        for at, icon in enumerate(("microphone", "speaker")):
            image = theme.icon(icon, 16, theme.palette.dim)
            canvas.create_image(theme.px(8), theme.px(14 + at * 26), image=image)
        self._meters = [Meter(canvas, theme), Meter(canvas, theme)]
        canvas.bind("<Configure>", self._place)
        row = tk.Frame(frame, background=theme.palette.panel)
        row.pack(fill="x", pady=(theme.px(8), 0))
        look = Look(0, 38, button.accent(theme), theme.palette.panel, text_size=13, icon_size=16)
        self._test = Button(row, theme, self._turn_test, look, icon="play", text=tr("Test"))
        self._test.pack(side="left")
        text = tr("The test lets you hear yourself: speak, and the meters move. Use a headset.")
        self._note = wrapping(label(frame, theme, 12, text=text, colour=theme.palette.dim))
        self._note.pack(fill="x", pady=(theme.px(8), 0))
        self._running: DeviceTest | None = None
        list_devices(lambda found: host.later(lambda: self._found(found)))

    def leave(self) -> None:
        if self._running is not None:
            self._running.stop()

    def _offers(self, kind: str) -> list[tuple[str, str]]:
        lists = self._lists
        found = (lists.inputs if kind == "input" else lists.outputs) if lists else ()
        names = [each.name for each in found]
        chosen = getattr(self._host.config.audio, kind)
        if chosen and chosen not in names:
            names.append(chosen)  # not there now; it is used again when it is
        usual = tr("As the speaker") if kind == "ring" else tr("As the system")
        return [("", usual), *((name, name) for name in names)]

    def _choose(self, kind: str, value: str) -> None:
        audio = replace(self._host.config.audio, **{kind: value or None})  # type: ignore[arg-type]
        self._host.apply(replace(self._host.config, audio=audio))

    def _volume(self, kind: str) -> None:
        now = getattr(self._host.config.audio, VOLUMES[kind])
        slider = Slider(
            self._frame, self._theme, round(100 * now), MOST_PER_CENT,
            lambda value: self._host.send(SetVolume(kind, value / 100)),
            lambda: self._keep_volume(kind, slider.value / 100),
        )  # fmt: skip
        slider.pack(fill="x", pady=(0, self._theme.px(10)))

    def _keep_volume(self, kind: str, value: float) -> None:
        """Once it is let go of: it holds already."""
        audio = replace(self._host.config.audio, **{VOLUMES[kind]: value})  # type: ignore[arg-type]
        if audio != self._host.config.audio:
            self._host.apply(replace(self._host.config, audio=audio))

    def _turn_test(self) -> None:
        if self._running is not None:
            self._running.stop()
            self._running = None
            self._measured((None, None))
        else:
            later, audio = self._host.later, self._host.config.audio
            self._running = DeviceTest(
                (audio.input, audio.output),
                lambda levels: later(lambda: self._measured(levels)),
                lambda text: later(lambda: self._say(text)),
            )
        on = self._running is not None
        self._test.show(icon="stop" if on else "play", text=tr("Stop") if on else tr("Test"))

    def _measured(self, levels: Levels) -> None:
        if self._frame.winfo_exists():
            for meter, level in zip(self._meters, levels, strict=True):
                meter.show(level)

    def _say(self, text: str) -> None:
        if self._frame.winfo_exists():
            self._note.configure(text=text, foreground=self._theme.palette.bad_text)

    def _found(self, found: DeviceLists | str) -> None:
        if not self._frame.winfo_exists():
            return
        if isinstance(found, str):
            self._say(found)
            return
        self._lists = found
        for kind, choice in self._choices.items():
            choice.offer(self._offers(kind), getattr(self._host.config.audio, kind) or "")

    def _place(self, event: tk.Event[tk.Misc]) -> None:
        for at, meter in enumerate(self._meters):
            meter.move(self._theme.px(28), self._theme.px(12 + at * 26),
                       event.width - self._theme.px(32))  # fmt: skip


def build(frame: tk.Frame, theme: Theme, host: Host) -> Callable[[], None]:
    return _Section(frame, theme, host).leave
