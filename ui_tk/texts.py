"""What the window says, in the language of who reads it.

The English text is the key: `tr("Call ended after {time}.", time="0:07")`. A catalogue,
`languages/de.json`, gives each its translation; what it lacks stays English. The
catalogues are read when they are asked for and never before.
"""

from __future__ import annotations

import json
import locale
import os
from pathlib import Path

FOLDER = Path(__file__).parent / "languages"
LANGUAGES = {"en": "English", "de": "Deutsch", "fr": "Français"}

_catalogue: dict[str, str] = {}


def use(language: str | None) -> str:
    """Speak `language` from now on (None: the system's); the one that is spoken."""
    code = language if language in LANGUAGES else system_language()
    _catalogue.clear()
    if code != "en":
        _catalogue.update(read_catalogue(code))
    return code


def read_catalogue(code: str) -> dict[str, str]:
    """The translations by their English texts."""
    with (FOLDER / f"{code}.json").open(encoding="utf-8") as file:
        found: dict[str, str] = json.load(file)
    return found


def tr(text: str, /, **values: object) -> str:
    """`text` in the language in use, with `{name}` filled from `values`."""
    found = _catalogue.get(text) or text
    return found.format(**values) if values else found


def system_language() -> str:
    """The first language that the environment asks for and there is a catalogue of."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if value := os.environ.get(name):
            code = value.partition(".")[0].partition("_")[0].lower()
            return code if code in LANGUAGES else "en"
    code = (locale.getlocale()[0] or "en")[:2].lower()
    return code if code in LANGUAGES else "en"
