"""Writing to disk off the window's thread: an fsync must not hold up a click.

One worker takes one task after another, so that what is written last is what was said last.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable

logger = logging.getLogger("ui_tk.keeper")

CLOSE_S = 3.0


class Keeper:
    """`trouble(sentence)` is called on the worker's thread when something can't be written."""

    def __init__(self, trouble: Callable[[str], object]) -> None:
        self._trouble = trouble
        self._tasks: queue.SimpleQueue[Callable[[], object] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def do(self, task: Callable[[], object]) -> None:
        """Do `task` soon. An OSError is told, anything else is logged as a fault."""
        if self._thread is None:  # most starts write nothing
            self._thread = threading.Thread(target=self._run, name="platypus keeper", daemon=True)
            self._thread.start()
        self._tasks.put(task)

    def close(self) -> None:
        """Finish what is waiting, within some seconds."""
        if self._thread is not None:
            self._tasks.put(None)
            self._thread.join(CLOSE_S)

    def _run(self) -> None:
        while (task := self._tasks.get()) is not None:
            try:
                task()
            except OSError as error:
                self._trouble(f"Not saved: {error.strerror or error} ({error.filename}).")
            except Exception as error:
                logger.exception("a task of the keeper failed")
                self._trouble(f"Not saved: {error}.")
