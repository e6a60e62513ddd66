"""One file with what somebody who helps needs to see, and nothing that nobody may.

    platypus-report.zip
        about.txt       versions, system, the accounts' states
        messages.txt    the SIP messages, redacted
        log.txt         the last lines of the log, redacted
        config.toml     the settings; passwords never stand in them

It is written where somebody asks for it, and sent by nobody but them.
"""

from __future__ import annotations

import platform
import sys
import zipfile
from collections.abc import Iterable
from pathlib import Path

from platypus._version import __version__
from platypus.diagnose.redaction import redacted


def write_bundle(
    path: Path,
    *,
    messages: Iterable[str],
    log: Iterable[str] = (),
    config: str = "",
    about: Iterable[str] = (),
) -> None:
    """Raises OSError. Everything is redacted here once more, whoever did it before."""
    facts = (
        f"Platypus {__version__}",
        f"Python {sys.version.split()[0]} on {platform.platform()}",
        *about,
    )
    parts = {
        "about.txt": "\n".join(facts),
        "messages.txt": "\n\n".join(messages),
        "log.txt": "\n".join(log),
        "config.toml": config,
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name, text in parts.items():
            bundle.writestr(name, redacted(text))
