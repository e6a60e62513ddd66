"""Anti-aliased shapes as PNG bytes: Canvas shapes are not anti-aliased on X11.

Rounded rectangles are drawn here; icons are files made beforehand (`scripts/icons.py`),
whose every pixel is an index into a palette of one colour at 256 strengths. To tint one,
its palette is exchanged and nothing else.
"""

from __future__ import annotations

import struct
import zlib
from functools import lru_cache
from math import sqrt
from pathlib import Path

ICON_SIZES = (12, 16, 20, 24, 30, 32, 36, 40, 48, 60, 72)
ICONS = Path(__file__).parent / "icons"


def icon_png(name: str, size: int, colour: str) -> bytes:
    """The icon in this colour, of the drawn size that is nearest to `size` pixels."""
    nearest = min(ICON_SIZES, key=lambda each: abs(each - size))
    return tinted((ICONS / f"{name}-{nearest}.png").read_bytes(), colour)


def tinted(png: bytes, colour: str) -> bytes:
    """An icon file with another colour: its PLTE chunk holds 256 times the same one."""
    at = png.index(b"PLTE")
    return png[: at - 4] + _chunk(b"PLTE", _rgb(colour) * 256) + png[at + 4 + 768 + 4 :]


def argb(png: bytes) -> tuple[int, int, bytes]:
    """Width, height and pixels of one of our own RGBA files, as a desktop's tray takes them."""
    width, height = struct.unpack(">II", png[16:24])
    at = png.index(b"IDAT")
    (size,) = struct.unpack(">I", png[at - 4 : at])
    data = zlib.decompress(png[at + 4 : at + 4 + size])
    stride = 4 * width + 1
    pixels = bytearray(b"".join(data[y * stride + 1 : (y + 1) * stride] for y in range(height)))
    red, green, blue, alpha = (pixels[channel::4] for channel in range(4))
    pixels[0::4], pixels[1::4], pixels[2::4], pixels[3::4] = alpha, red, green, blue
    return width, height, bytes(pixels)


@lru_cache(maxsize=64)
def _coverage(width: int, height: int, radius: int) -> tuple[bytes, ...]:
    """How much of every pixel a rounded rectangle covers, 0 to 255, a row at a time."""
    radius = min(radius, width // 2, height // 2)
    rows = []
    for y in range(min(radius, height)):
        down = radius - y - 0.5
        edge = bytes(
            max(
                0,
                min(255, round(255 * (radius - sqrt((radius - x - 0.5) ** 2 + down * down) + 0.5))),
            )
            for x in range(radius)
        )
        rows.append(edge + b"\xff" * (width - 2 * radius) + edge[::-1])
    middle = [b"\xff" * width] * (height - 2 * len(rows))
    return (*rows, *middle, *reversed(rows))


def rounded_png(
    width: int, height: int, radius: int, colour: str, outline: str | None = None, border: int = 2
) -> bytes:
    """A filled rounded rectangle as a PNG file, with an outline of `border` pixels inside."""
    outer = _coverage(width, height, radius)
    fill = _rgb(colour)
    if outline is None:
        return _png(width, [_row(fill, fill, None, alpha) for alpha in outer])
    inner = _coverage(width - 2 * border, height - 2 * border, radius - border)
    side, blank = bytes(border), bytes(width)
    padded = [blank] * border + [side + row + side for row in inner] + [blank] * border
    edge = _rgb(outline)
    return _png(width, [_row(fill, edge, a, b) for a, b in zip(padded, outer, strict=True)])


def _row(fill: bytes, edge: bytes, inside: bytes | None, alpha: bytes) -> bytes:
    """One row of RGBA pixels: `fill` where `inside`, `edge` elsewhere."""
    row = bytearray(4 * len(alpha))
    for channel in range(3):
        if inside is None or fill[channel] == edge[channel]:
            row[channel::4] = bytes([fill[channel]]) * len(alpha)
        else:
            a, b = fill[channel], edge[channel]
            row[channel::4] = inside.translate(
                bytes((b * 255 + (a - b) * i) // 255 for i in range(256))
            )
    row[3::4] = alpha
    return bytes(row)


def _png(width: int, rows: list[bytes]) -> bytes:
    head = struct.pack(">IIBBBBB", width, len(rows), 8, 6, 0, 0, 0)  # 8 bits, RGBA
    data = zlib.compress(b"".join(b"\0" + row for row in rows), 1)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        (_chunk(b"IHDR", head), _chunk(b"IDAT", data), _chunk(b"IEND", b""))
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _rgb(colour: str) -> bytes:
    return bytes.fromhex(colour.removeprefix("#"))
