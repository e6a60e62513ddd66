"""The window as it is, with two things added that `_window` reads.

For every press of a mouse button it writes how long it took, from the X server's time of the
press until everything that followed from it was drawn (Xvfb's clock is CLOCK_MONOTONIC in
milliseconds); and once, what CPU the process had used when its window was first drawn. It
imports nothing that the window does not.
"""

from __future__ import annotations

import os
import sys
import time
import tkinter as tk
from pathlib import Path
from typing import Any


def _watch(root: tk.Tk) -> None:
    log = Path(os.environ["PRESSES"]).open("w")  # noqa: SIM115 - until the process is killed

    def pressed(event: tk.Event[Any]) -> None:
        root.after_idle(drawn, event.time)

    def drawn(server_ms: int) -> None:
        now_ms = time.monotonic() * 1e3
        late = (now_ms - server_ms) % 2**32
        log.write(f"{late:.2f}\n")
        log.flush()

    def seen(event: tk.Event[Any]) -> None:
        root.unbind("<Expose>")
        root.after_idle(lambda: Path(os.environ["SEEN"]).write_text(f"{time.process_time():.4f}"))

    root.bind_all("<ButtonPress-1>", pressed, add=True)
    root.bind("<Expose>", seen)


def main() -> int:
    plain = tk.Tk.__init__

    def watched(self: tk.Tk, *arguments: Any, **more: Any) -> None:
        plain(self, *arguments, **more)
        _watch(self)

    tk.Tk.__init__ = watched  # type: ignore[method-assign]
    from ui_tk.__main__ import main as window

    return window(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
