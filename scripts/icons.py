"""Draws the icons: white shapes with an alpha channel, from distance fields, with numpy.

`python scripts/icons.py` writes every PNG file of `ui_tk/icons`. It is run when a shape
changes; the phone only loads the files. Coordinates go from -1 to 1, y down.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float64]
SIZES = (20, 24, 30, 36, 40, 48, 60, 72)


def box(x: Field, y: Field, at: tuple[float, float], half: tuple[float, float], r: float) -> Field:
    """The distance to a rectangle with rounded corners."""
    dx, dy = np.abs(x - at[0]) - half[0] + r, np.abs(y - at[1]) - half[1] + r
    return np.hypot(np.maximum(dx, 0), np.maximum(dy, 0)) + np.minimum(np.maximum(dx, dy), 0) - r


def line(x: Field, y: Field, a: tuple[float, float], b: tuple[float, float], r: float) -> Field:
    """The distance to a stroke with round ends."""
    bx, by = b[0] - a[0], b[1] - a[1]
    t = np.clip(((x - a[0]) * bx + (y - a[1]) * by) / (bx * bx + by * by), 0, 1)
    return np.hypot(x - a[0] - t * bx, y - a[1] - t * by) - r


def turn(x: Field, y: Field, degrees: float) -> tuple[Field, Field]:
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return c * x + s * y, c * y - s * x


def handset(x: Field, y: Field) -> Field:
    """A handset lying on its back: an arch between two pads."""
    ring = np.abs(np.hypot(x, y - 0.62) - 0.88) - 0.17
    arch = np.maximum(ring, y - 0.12)
    left = box(*turn(x + 0.71, y - 0.2, -14), (0, 0), (0.22, 0.25), 0.09)
    right = box(*turn(x - 0.71, y - 0.2, 14), (0, 0), (0.22, 0.25), 0.09)
    return np.minimum(arch, np.minimum(left, right))


def microphone(x: Field, y: Field) -> Field:
    body = box(x, y, (0, -0.34), (0.27, 0.52), 0.27)
    cup = np.maximum(np.abs(np.hypot(x, y + 0.12) - 0.52) - 0.075, -0.12 - y)
    stem = line(x, y, (0, 0.44), (0, 0.76), 0.075)
    foot = line(x, y, (-0.28, 0.78), (0.28, 0.78), 0.075)
    return np.minimum(np.minimum(body, cup), np.minimum(stem, foot))


def muted(x: Field, y: Field) -> Field:
    gap = line(x, y, (-0.72, -0.78), (0.72, 0.78), 0.19)
    stroke = line(x, y, (-0.72, -0.78), (0.72, 0.78), 0.075)
    return np.minimum(np.maximum(microphone(x, y), -gap), stroke)


def pause(x: Field, y: Field) -> Field:
    return np.minimum(
        box(x, y, (-0.32, 0), (0.17, 0.62), 0.08), box(x, y, (0.32, 0), (0.17, 0.62), 0.08)
    )


def play(x: Field, y: Field) -> Field:
    slope = (np.abs(y) * 0.95 + (x - 0.62) * 0.55) / np.hypot(0.55, 0.95)
    edges: Field = np.maximum(slope, -0.48 - x)
    return edges - 0.06


def backspace(x: Field, y: Field) -> Field:
    nose = (np.abs(y) * 0.75 - (x + 0.95) * 0.8) / np.hypot(0.75, 0.8)
    key = np.maximum(np.maximum(x - 0.85, np.abs(y) - 0.55), nose)
    cross = np.minimum(
        line(x, y, (0.0, -0.22), (0.44, 0.22), 0.07), line(x, y, (0.0, 0.22), (0.44, -0.22), 0.07)
    )
    frame: Field = np.abs(key + 0.075) - 0.075
    return np.minimum(frame, cross)


SHAPES: dict[str, Callable[[Field, Field], Field]] = {
    "call": lambda x, y: handset(*turn(x - 0.06, y + 0.06, -135)),
    "hangup": lambda x, y: handset(x, y + 0.1),
    "microphone": microphone,
    "muted": muted,
    "pause": pause,
    "play": play,
    "backspace": backspace,
}


def render(shape: Callable[[Field, Field], Field], size: int) -> bytes:
    """The shape as a PNG file: grey and alpha, 8 bits each."""
    axis = (np.arange(size) + 0.5) / size * 2.2 - 1.1
    x, y = np.meshgrid(axis, axis)
    alpha = np.clip(0.5 - shape(x, y) * size / 2.2, 0, 1)
    pixels = np.stack([np.full_like(alpha, 255), np.rint(alpha * 255)], axis=-1).astype(np.uint8)
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)
    head = struct.pack(">IIBBBBB", size, size, 8, 4, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


def main() -> None:
    folder = Path(__file__).parent.parent / "ui_tk" / "icons"
    for name, shape in SHAPES.items():
        for size in SIZES:
            (folder / f"{name}-{size}.png").write_bytes(render(shape, size))


if __name__ == "__main__":
    main()
