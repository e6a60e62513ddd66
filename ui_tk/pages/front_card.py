"""The card of the call in front: who, since when, how good, and what can be done about it.

    Bob Miller                            3:12
    bob@example.com  ·  On hold     (lock) PCMU
    (mic) ======----      (speaker) ====------
    MOS 4.3     loss 0 %    jitter 4   delay 82
    _/~~\\_      ______      _/\\/~      ________
    (mute) (hold) (transfer) (all) (rec) (end)

A part is drawn anew only where it changed.
"""

from __future__ import annotations

import tkinter as tk
from typing import Literal

from ui_tk import words
from ui_tk.lines import Line
from ui_tk.model import Model
from ui_tk.pages.hands import Hands
from ui_tk.quality import POINTS, figure, last, mos_tone
from ui_tk.texts import tr
from ui_tk.theme import Theme
from ui_tk.widgets import button
from ui_tk.widgets.button import Button, Look
from ui_tk.widgets.graph import Graph, Scale
from ui_tk.widgets.label import label
from ui_tk.widgets.meter import Meter
from ui_tk.widgets.surface import Surface

HEIGHT, ASKED = 226, 46
MARGIN = 16
SCALES = (Scale(1.0, 4.5), Scale(0.0, 5.0), Scale(0.0, 30.0), Scale(0.0, 200.0))


class FrontCard(Surface):
    """`show` draws only what changed; the clock and the meters cost next to nothing."""

    def __init__(self, parent: tk.Misc, theme: Theme, hands: Hands) -> None:
        p = theme.palette
        super().__init__(
            parent, theme, height=theme.px(HEIGHT), ground=p.panel, colour=p.card_front
        )
        self._shown: dict[int, tuple[str, str]] = {}
        self._width = 0
        self._who = self._write(20, p.text, "bold")
        self._time = self._write(18, p.text, anchor="e")
        self._state = self._write(12, p.dim)
        self._codec = self._write(12, p.dim, anchor="e")
        self._lock = self.create_image(0, 0)
        self._icons = [
            self.create_image(0, 0, image=theme.icon(name, 16, p.dim))
            for name in ("microphone", "speaker")
        ]
        self._meters = [Meter(self, theme), Meter(self, theme)]
        self._captions = [self._write(11, p.dim) for _ in SCALES]
        self._figures = [self._write(12, p.text, "bold", anchor="e") for _ in SCALES]
        self._graphs = [Graph(self, theme, scale, POINTS) for scale in SCALES]
        self._buttons = self._make_buttons(hands)
        self._asked = self._make_asked(hands)
        self._asked_item = self.create_window(0, 0, anchor="nw", window=self._asked, state="hidden")
        self._version = -1
        self._line: Line | None = None
        self._faces: dict[str, tuple[object, ...]] = {}

    def show(self, model: Model, line: Line, now: float) -> None:
        p, call, theme = self._theme.palette, line.call, self._theme
        if line is not self._line:
            self._line, self._version = line, -1
        px = theme.px
        seconds = line.seconds(now)
        time = words.duration(seconds) if seconds is not None else ""
        room = self._width - 3 * px(MARGIN) - theme.measure(time, 18)
        self._set(self._who, theme.fit(line.party, 20, room, "bold"))
        self._set(self._time, time)
        quiet = call.hold != "none" or call.muted or line.silent or not line.answered
        codec = (call.codec or "").upper()
        self._set(self._codec, codec)
        parts = [words.number_of(call.remote, model.host)]
        state = line.transfer or line.state(now).partition("  ·  ")[2 if line.answered else 0]
        if state:
            parts.append(state)
        if line.digits:
            parts.append(tr("Keys sent: {keys}", keys=line.digits))
        room = self._width - px(2 * MARGIN + 34) - theme.measure(codec, 12)
        colour = p.busy if quiet or line.transfer else p.dim
        self._set(self._state, theme.fit("  ·  ".join(parts), 12, room), colour)
        lock = ("padlock", p.good_text) if call.secure else ("unlocked", p.dim)
        self._face("lock", (*lock, bool(codec)), self._show_lock)
        self.show_levels(line)
        self._show_quality(line)
        self._show_buttons(model, line)
        self._show_asked(line)

    def show_levels(self, line: Line) -> None:
        self._meters[0].show(None if line.call.muted else line.sent)
        self._meters[1].show(line.heard)

    def take_focus(self) -> None:
        self._buttons["mute"].focus_set()

    def resized(self, width: int, height: int) -> None:
        px, self._width = self._theme.px, width
        left, right = px(MARGIN), width - px(MARGIN)
        self.coords(self._who, left, px(26))
        self.coords(self._time, right, px(26))
        self.coords(self._state, left, px(52))
        self.coords(self._codec, right, px(52))
        half = (width - 3 * px(MARGIN)) // 2
        for at, (icon, meter) in enumerate(zip(self._icons, self._meters, strict=True)):
            start = left + at * (half + px(MARGIN))
            self.coords(icon, start + px(8), px(76))
            meter.move(start + px(24), px(74), half - px(24))
        quarter = (width - 5 * px(MARGIN)) // 4
        for at, graph in enumerate(self._graphs):
            start = left + at * (quarter + px(MARGIN))
            self.coords(self._captions[at], start, px(98))
            self.coords(self._figures[at], start + quarter, px(98))
            graph.move(start, px(110), quarter, px(32))
        step = (width - 2 * px(MARGIN)) / len(self._buttons)
        for at, item in enumerate(self._items):
            self.coords(item, left + round((at + 0.5) * step), px(154))
        self.coords(self._asked_item, left, px(HEIGHT - 4))
        self.itemconfigure(self._asked_item, width=width - 2 * px(MARGIN))
        self._shown.clear()
        self._faces.clear()
        self._version = -1

    def _write(
        self, size: float, colour: str, weight: str = "normal", *, anchor: Literal["w", "e"] = "w"
    ) -> int:
        font = self._theme.font(size, weight)
        return self.create_text(0, 0, fill=colour, font=font, anchor=anchor)

    def _set(self, item: int, text: str, colour: str = "") -> None:
        if self._shown.get(item) != (text, colour):
            self._shown[item] = (text, colour)
            self.itemconfigure(item, text=text)
            if colour:
                self.itemconfigure(item, fill=colour)

    def _face(self, name: str, face: tuple[object, ...], show: object) -> None:
        if self._faces.get(name) != face:
            self._faces[name] = face
            show(*face)  # type: ignore[operator]

    def _show_lock(self, icon: str, colour: str, there: bool) -> None:
        theme, px = self._theme, self._theme.px
        self.itemconfigure(self._lock, image=theme.icon(icon, 16, colour) if there else "")
        codec = self._shown.get(self._codec, ("", ""))[0]
        wide = theme.measure(codec, 12)
        self.coords(self._lock, self._width - px(MARGIN + 14) - wide, px(52))

    def _show_quality(self, line: Line) -> None:
        quality = line.quality
        if quality.version == self._version:
            return
        self._version = quality.version
        theme = self._theme
        rows = (
            (tr("MOS"), quality.mos, (), figure(last(quality.mos), digits=1)),
            (tr("Loss"), quality.loss_heard, quality.loss_sent,
             figure(last(quality.loss_heard), "%", 1)),
            (tr("Jitter"), quality.jitter_heard_ms, quality.jitter_sent_ms,
             figure(last(quality.jitter_heard_ms), "ms")),
            (tr("Delay"), quality.delay_ms, (), figure(last(quality.delay_ms), "ms")),
        )  # fmt: skip
        for at, (caption, heard, sent, text) in enumerate(rows):
            self._set(self._captions[at], caption)
            tone = theme.tone(mos_tone(last(quality.mos))) if at == 0 else theme.palette.text
            self._set(self._figures[at], text, tone)
            self._graphs[at].show(tuple(heard), tuple(sent))

    def _make_buttons(self, hands: Hands) -> dict[str, Button]:
        theme = self._theme
        look = Look(44, 44, button.plain(theme), self.colour)
        red = Look(44, 44, button.bad(theme), self.colour)
        wanted = (
            ("mute", "microphone", tr("Mute"), hands.mute, look),
            ("hold", "pause", tr("Hold"), hands.hold, look),
            ("transfer", "transfer", tr("Transfer"), hands.transfer, look),
            ("conference", "conference", tr("Conference"), hands.conference, look),
            ("record", "record", tr("Record"), hands.record, look),
            ("end", "hangup", tr("Hang up"), hands.hang_up, red),
        )
        buttons, self._items, self._labels = {}, [], {}
        for name, icon, text, command, each in wanted:
            box = tk.Frame(self, background=self.colour)
            buttons[name] = Button(box, theme, command, each, icon=icon)
            buttons[name].pack()
            caption = label(box, theme, 10, text=text, ground=self.colour, colour=theme.palette.dim)
            caption.pack()
            self._labels[name] = caption
            self._items.append(self.create_window(0, 0, anchor="n", window=box))
        return buttons

    def _show_buttons(self, model: Model, line: Line) -> None:
        call, answered = line.call, line.answered
        picking = model.picking is not None and model.picking.call == line.key
        several = sum(each.answered for each in model.lines.shown) > 1
        faces = {
            "mute": (("muted", tr("Unmute")) if call.muted else ("microphone", tr("Mute")),
                     call.muted, True),
            "hold": (("play", tr("Resume")) if line.held_here else ("pause", tr("Hold")),
                     line.held_here, answered),
            "transfer": (("transfer", tr("Transfer")), picking, answered),
            "conference": (("conference", tr("Split") if call.conference else tr("Conference")),
                           call.conference, several),
            "record": (("stop", tr("Stop")) if call.recording else ("record", tr("Record")),
                       call.recording, answered),
        }  # fmt: skip
        for name, ((icon, text), on, enabled) in faces.items():
            self._face(name, (icon, text, on, enabled), self._shower(name))

    def _shower(self, name: str) -> object:
        def show(icon: str, text: str, on: bool, enabled: bool) -> None:
            colours = button.lit(self._theme) if on else button.plain(self._theme)
            if name == "record" and on:
                colours = button.bad(self._theme)
            self._buttons[name].show(icon=icon, colours=colours)
            self._buttons[name].set_enabled(enabled)
            self._labels[name].configure(text=text)

        return show

    def _make_asked(self, hands: Hands) -> tk.Frame:
        theme, ground = self._theme, self.colour
        row = tk.Frame(self, background=ground)
        small = Look(0, 32, button.plain(theme), ground, text_size=12)
        Button(row, theme, hands.refuse_transfer, small, text=tr("Refuse")).pack(side="right")
        green = Look(0, 32, button.good(theme), ground, text_size=12)
        Button(row, theme, hands.accept_transfer, green, text=tr("Accept")).pack(
            side="right", padx=theme.px(8)
        )
        self._asked_text = label(row, theme, 12, ground=ground, colour=theme.palette.busy)
        self._asked_text.pack(side="left", fill="x", expand=True)
        return row

    def _show_asked(self, line: Line) -> None:
        def show(asked: str) -> None:
            height = HEIGHT + ASKED if asked else HEIGHT
            self.configure(height=self._theme.px(height))
            self.itemconfigure(self._asked_item, state="normal" if asked else "hidden")
            text = tr("Call {who} instead?", who=words.short(asked)) if asked else ""
            self._asked_text.configure(text=text)

        self._face("asked", (line.asked,), show)
