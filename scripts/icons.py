"""Draws the icons from distance fields, with numpy, at every size the window uses.

`python scripts/icons.py` writes every PNG file of `ui_tk/icons`. It is run when a shape
changes; the phone only loads the files. Coordinates go from -1 to 1, y down. A pixel is
the strength of the colour, 0 to 255; the palette, 256 times one colour, is exchanged to
tint an icon (`ui_tk/shapes.py`).
"""

from __future__ import annotations

import struct
import sys
import zlib
from collections.abc import Callable
from functools import reduce
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from ui_tk.shapes import ICON_SIZES  # noqa: E402 - the tree is not installed

Field = NDArray[np.float64]
Point = tuple[float, float]
STROKE = 0.085  # half the width of a line


def box(x: Field, y: Field, at: Point, half: Point, r: float) -> Field:
    """The distance to a rectangle with rounded corners."""
    dx, dy = np.abs(x - at[0]) - half[0] + r, np.abs(y - at[1]) - half[1] + r
    return np.hypot(np.maximum(dx, 0), np.maximum(dy, 0)) + np.minimum(np.maximum(dx, dy), 0) - r


def frame(x: Field, y: Field, at: Point, half: Point, r: float) -> Field:
    """Its outline, as wide as every line."""
    return np.abs(box(x, y, at, half, r) + STROKE) - STROKE


def line(x: Field, y: Field, a: Point, b: Point, r: float = STROKE) -> Field:
    """The distance to a stroke with round ends."""
    bx, by = b[0] - a[0], b[1] - a[1]
    t = np.clip(((x - a[0]) * bx + (y - a[1]) * by) / (bx * bx + by * by), 0, 1)
    return np.hypot(x - a[0] - t * bx, y - a[1] - t * by) - r


def path(x: Field, y: Field, *points: Point, r: float = STROKE) -> Field:
    """Strokes from point to point."""
    return union(*(line(x, y, a, b, r) for a, b in pairwise(points)))


def disc(x: Field, y: Field, at: Point, r: float) -> Field:
    return np.hypot(x - at[0], y - at[1]) - r


def ring(x: Field, y: Field, at: Point, r: float) -> Field:
    return np.abs(disc(x, y, at, r)) - STROKE


def union(*fields: Field) -> Field:
    return reduce(np.minimum, fields)


def turn(x: Field, y: Field, degrees: float) -> tuple[Field, Field]:
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return c * x + s * y, c * y - s * x


def handset(x: Field, y: Field) -> Field:
    """A handset lying on its back: an arch between two pads."""
    arch = np.maximum(np.abs(np.hypot(x, y - 0.62) - 0.88) - 0.17, y - 0.12)
    left = box(*turn(x + 0.71, y - 0.2, -14), (0, 0), (0.22, 0.25), 0.09)
    right = box(*turn(x - 0.71, y - 0.2, 14), (0, 0), (0.22, 0.25), 0.09)
    return union(arch, left, right)


def call(x: Field, y: Field) -> Field:
    return handset(*turn(x - 0.06, y + 0.06, -135))


def microphone(x: Field, y: Field) -> Field:
    body = box(x, y, (0, -0.34), (0.27, 0.52), 0.27)
    cup = np.maximum(np.abs(np.hypot(x, y + 0.12) - 0.52) - 0.075, -0.12 - y)
    stem = line(x, y, (0, 0.44), (0, 0.76), 0.075)
    return union(body, cup, stem, line(x, y, (-0.28, 0.78), (0.28, 0.78), 0.075))


def muted(x: Field, y: Field) -> Field:
    return crossed_out(x, y, microphone(x, y))


def crossed_out(x: Field, y: Field, shape: Field) -> Field:
    gap = line(x, y, (-0.72, -0.78), (0.72, 0.78), 0.19)
    return union(np.maximum(shape, -gap), line(x, y, (-0.72, -0.78), (0.72, 0.78), 0.075))


def pause(x: Field, y: Field) -> Field:
    return union(
        box(x, y, (-0.32, 0), (0.17, 0.62), 0.08), box(x, y, (0.32, 0), (0.17, 0.62), 0.08)
    )


def play(x: Field, y: Field) -> Field:
    slope = (np.abs(y) * 0.95 + (x - 0.62) * 0.55) / np.hypot(0.55, 0.95)
    edges: Field = np.maximum(slope, -0.48 - x)
    return edges - 0.06


def backspace(x: Field, y: Field) -> Field:
    nose = (np.abs(y) * 0.75 - (x + 0.95) * 0.8) / np.hypot(0.75, 0.8)
    key = np.maximum(np.maximum(x - 0.85, np.abs(y) - 0.55), nose)
    cross = union(
        line(x, y, (0.0, -0.22), (0.44, 0.22), 0.07), line(x, y, (0.0, 0.22), (0.44, -0.22), 0.07)
    )
    return union(np.abs(key + 0.075) - 0.075, cross)


def keypad(x: Field, y: Field) -> Field:
    at = (-0.55, 0.0, 0.55)
    return union(*(disc(x, y, (column, row), 0.17) for column in at for row in at))


def arrow(x: Field, y: Field) -> Field:
    """To the right."""
    return union(path(x, y, (-0.7, 0), (0.66, 0)), path(x, y, (0.2, -0.46), (0.68, 0), (0.2, 0.46)))


def transfer(x: Field, y: Field) -> Field:
    small = handset(x * 1.35 + 0.42, (y - 0.52) * 1.35) / 1.35
    return union(small, arrow((x - 0.3) * 1.5, (y + 0.52) * 1.5) / 1.5)


def attended(x: Field, y: Field) -> Field:
    left = arrow((x - 0.05) * 1.25, (y + 0.38) * 1.25) / 1.25
    right = arrow(-(x + 0.05) * 1.25, (y - 0.38) * 1.25) / 1.25
    return union(left, right)


def conference(x: Field, y: Field) -> Field:
    def person(at: float, scale: float, lift: float) -> Field:
        px, py = (x - at) / scale, (y - lift) / scale
        return solid_person(px, py) * scale

    gap = person(0, 0.8, 0.12) - 0.12
    sides = union(person(-0.55, 0.6, 0.02), person(0.55, 0.6, 0.02))
    return union(person(0, 0.8, 0.12), np.maximum(sides, -gap))


def solid_person(x: Field, y: Field) -> Field:
    shoulders = np.maximum(box(x, y, (0, 0.72), (0.66, 0.6), 0.5), y - 0.72)
    return union(disc(x, y, (0, -0.42), 0.38), shoulders)


def person(x: Field, y: Field) -> Field:
    head = ring(x, y, (0, -0.38), 0.34)
    outline = np.abs(box(x, y, (0, 0.86), (0.68, 0.64), 0.55) + STROKE) - STROKE
    foot = line(x, y, (-0.6, 0.8), (0.6, 0.8))
    return union(head, np.maximum(outline, y - 0.8), foot)


def record(x: Field, y: Field) -> Field:
    return union(disc(x, y, (0, 0), 0.38), ring(x, y, (0, 0), 0.74))


def clock(x: Field, y: Field) -> Field:
    return union(ring(x, y, (0, 0), 0.78), path(x, y, (0, -0.46), (0, 0.04), (0.34, 0.24)))


def team(x: Field, y: Field) -> Field:
    """Lamps in a grid."""
    at = (-0.44, 0.44)
    frames = [frame(x, y, (a, b), (0.34, 0.34), 0.14) for a in at for b in at]
    return union(*frames[:-1], box(x, y, (0.44, 0.44), (0.34, 0.34), 0.14))


def gear(x: Field, y: Field) -> Field:
    angle = np.arctan2(y, x)
    radius = np.hypot(x, y)
    spoke = np.abs((angle * 8 / (2 * np.pi)) % 1 - 0.5)
    teeth = 0.66 + 0.17 * np.clip((spoke - 0.2) * 9, 0, 1)
    outer = (radius - teeth) * 0.8
    return np.maximum(outer, 0.3 - radius)


def moon(x: Field, y: Field) -> Field:
    return np.maximum(disc(x, y, (-0.05, 0.05), 0.74), 0.62 - np.hypot(x - 0.34, y + 0.3))


def voicemail(x: Field, y: Field) -> Field:
    left, right = ring(x, y, (-0.5, 0), 0.36), ring(x, y, (0.5, 0), 0.36)
    return union(left, right, line(x, y, (-0.5, 0.36), (0.5, 0.36)))


def padlock(x: Field, y: Field) -> Field:
    bow = np.abs(box(x, y, (0, -0.25), (0.42, 0.62), 0.42) + STROKE) - STROKE
    body = box(x, y, (0, 0.34), (0.62, 0.48), 0.14)
    hole = union(disc(x, y, (0, 0.26), 0.12), line(x, y, (0, 0.3), (0, 0.5), 0.055))
    return union(np.maximum(bow, y - 0.1), np.maximum(body, -hole))


def unlocked(x: Field, y: Field) -> Field:
    bow = np.abs(box(x, y, (0, -0.36), (0.42, 0.54), 0.42) + STROKE) - STROKE
    right = np.minimum(x - 0.1, y + 0.34)  # this side of it is open
    bow = np.maximum(np.maximum(bow, y - 0.1), right)
    return union(bow, frame(x, y, (0, 0.34), (0.62, 0.48), 0.14))


def search(x: Field, y: Field) -> Field:
    return union(ring(x, y, (-0.16, -0.16), 0.5), line(x, y, (0.24, 0.24), (0.74, 0.74), 0.1))


def plus(x: Field, y: Field) -> Field:
    return union(line(x, y, (-0.6, 0), (0.6, 0)), line(x, y, (0, -0.6), (0, 0.6)))


def close(x: Field, y: Field) -> Field:
    return plus(*turn(x, y, 45))


def check(x: Field, y: Field) -> Field:
    return path(x, y, (-0.62, 0.04), (-0.16, 0.5), (0.66, -0.42), r=0.1)


def warning(x: Field, y: Field) -> Field:
    sides = [
        line(x, y, a, b) for a, b in (((0, -0.7), (0.76, 0.62)), ((-0.76, 0.62), (0, -0.7)),
                                      ((-0.76, 0.62), (0.76, 0.62)))
    ]  # fmt: skip
    return union(*sides, line(x, y, (0, -0.22), (0, 0.14)), disc(x, y, (0, 0.38), 0.1))


def outgoing(x: Field, y: Field) -> Field:
    head = path(x, y, (-0.2, -0.55), (0.55, -0.55), (0.55, 0.2))
    return union(line(x, y, (-0.55, 0.55), (0.5, -0.5)), head)


def missed(x: Field, y: Field) -> Field:
    hook = path(x, y, (-0.72, -0.5), (-0.02, 0.2), (0.72, -0.5))
    return union(hook, path(x, y, (-0.72, -0.02), (-0.72, -0.5), (-0.24, -0.5)))


def divert(x: Field, y: Field) -> Field:
    head = path(x, y, (0.24, -0.68), (0.7, -0.24), (0.24, 0.2))
    return union(path(x, y, (-0.66, 0.66), (-0.66, -0.24), (0.64, -0.24)), head)


def chevron(x: Field, y: Field) -> Field:
    return path(x, y, (-0.5, -0.26), (0, 0.26), (0.5, -0.26))


def speaker(x: Field, y: Field) -> Field:
    cone = np.maximum(np.abs(y) - 0.26 - np.maximum(x + 0.36, 0) * 0.8, np.abs(x + 0.36) - 0.44)
    waves = [
        np.maximum(np.abs(np.hypot(x + 0.05, y) - r) - STROKE, np.abs(y) - (x + 0.05) * 0.9)
        for r in (0.46, 0.8)
    ]
    return union(cone, *waves)


def pickup(x: Field, y: Field) -> Field:
    hand = handset((x) * 1.15, (y - 0.3) * 1.15) / 1.15
    point = path(x, y, (-0.3, -0.34), (0, -0.04), (0.3, -0.34), r=0.075)
    return union(hand, line(x, y, (0, -0.8), (0, -0.08), 0.075), point)


def trash(x: Field, y: Field) -> Field:
    bin_ = np.maximum(frame(x, y, (0, 0.16), (0.5, 0.66), 0.14), -0.44 - y)
    lid = line(x, y, (-0.7, -0.44), (0.7, -0.44))
    handle = path(x, y, (-0.24, -0.48), (-0.24, -0.74), (0.24, -0.74), (0.24, -0.48))
    bars = [line(x, y, (at, -0.14), (at, 0.48), 0.06) for at in (-0.17, 0.17)]
    return union(bin_, lid, handle, *bars)


def edit(x: Field, y: Field) -> Field:
    px, py = turn(x, y, -45)
    shaft = frame(px, py, (0.1, 0), (0.62, 0.2), 0.05)
    tip = path(px, py, (-0.5, -0.14), (-0.88, 0), (-0.5, 0.14), r=0.07)
    return union(shaft, tip)


def up(x: Field, y: Field) -> Field:
    return arrow(-y, x)


def imported(x: Field, y: Field) -> Field:
    tray = path(x, y, (-0.68, 0.3), (-0.68, 0.7), (0.68, 0.7), (0.68, 0.3))
    return union(tray, arrow((y + 0.2) * 1.35, x * 1.35) / 1.35)


SHAPES: dict[str, Callable[[Field, Field], Field]] = {
    "arrow": arrow,
    "attended": attended,
    "backspace": backspace,
    "call": call,
    "check": check,
    "chevron": chevron,
    "clock": clock,
    "close": close,
    "conference": conference,
    "divert": divert,
    "down": lambda x, y: arrow(y, x),
    "edit": edit,
    "gear": gear,
    "hangup": lambda x, y: handset(x, y + 0.1),
    "import": imported,
    "incoming": lambda x, y: outgoing(-x, -y),
    "keypad": keypad,
    "microphone": microphone,
    "missed": missed,
    "moon": moon,
    "muted": muted,
    "outgoing": outgoing,
    "padlock": padlock,
    "pause": pause,
    "person": person,
    "pickup": pickup,
    "play": play,
    "plus": plus,
    "record": record,
    "search": search,
    "speaker": speaker,
    "stop": lambda x, y: box(x, y, (0, 0), (0.5, 0.5), 0.12),
    "team": team,
    "transfer": transfer,
    "trash": trash,
    "unlocked": unlocked,
    "up": up,
    "voicemail": voicemail,
    "warning": warning,
}


def render(shape: Callable[[Field, Field], Field], size: int) -> bytes:
    """The shape as a PNG file of palette indices, white at 256 strengths."""
    axis = (np.arange(size) + 0.5) / size * 2.2 - 1.1
    x, y = np.meshgrid(axis, axis)
    alpha = np.rint(np.clip(0.5 - shape(x, y) * size / 2.2, 0, 1) * 255).astype(np.uint8)
    rows = b"".join(b"\0" + row.tobytes() for row in alpha)
    chunks = (
        (b"PLTE", b"\xff" * 768),
        (b"tRNS", bytes(range(256))),
        (b"IDAT", zlib.compress(rows, 9)),
    )
    return png(size, 3, *chunks)


def badge(colour: str, shape: Callable[[Field, Field], Field], size: int) -> bytes:
    """The shape in white on a disc of that colour, as a PNG file of RGBA: for the tray."""
    axis = (np.arange(size) + 0.5) / size * 2.1 - 1.05
    x, y = np.meshgrid(axis, axis)
    ground = np.clip(0.5 - disc(x, y, (0, 0), 1.0) * size / 2.1, 0, 1)
    ink = np.clip(0.5 - shape(x * 1.6, y * 1.6) / 1.6 * size / 2.1, 0, 1)[..., None]
    rgb = np.array(list(bytes.fromhex(colour.removeprefix("#"))), float)
    pixels = np.dstack((255 * ink + rgb * (1 - ink), 255 * ground))
    rows = b"".join(b"\0" + row.tobytes() for row in np.rint(pixels).astype(np.uint8))
    return png(size, 6, (b"IDAT", zlib.compress(rows, 9)))


def png(size: int, colours: int, *chunks: tuple[bytes, bytes]) -> bytes:
    """A square PNG file of 8 bits; `colours` is its type of them (3: a palette, 6: RGBA)."""
    head = struct.pack(">IIBBBBB", size, size, 8, colours, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in ((b"IHDR", head), *chunks, (b"IEND", b""))
    )


TRAY_SIZES = (24, 48)
TRAY = {
    "registered": ("#2f6fe0", call),
    "unregistered": ("#7a838f", call),
    "ringing": ("#c77f12", call),
    "talking": ("#1d854b", call),
    "missed": ("#cf3a40", missed),
}


def main() -> None:
    folder = ROOT / "ui_tk" / "icons"
    for old in folder.glob("*.png"):
        old.unlink()
    for name, shape in SHAPES.items():
        for size in ICON_SIZES:
            (folder / f"{name}-{size}.png").write_bytes(render(shape, size))
    for name, (colour, shape) in TRAY.items():
        for size in TRAY_SIZES:
            (folder / f"tray-{name}-{size}.png").write_bytes(badge(colour, shape, size))


if __name__ == "__main__":
    main()
