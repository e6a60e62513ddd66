"""Why a session can't be had, in the words of who refused it: the Warning header (RFC 3261, 20.43).

A 488 should say why (13.3.1.3, 14.2). Only the text of the first one is read. It is shown to a
person and decides nothing.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from platypus.sip.grammar import shown

if TYPE_CHECKING:
    from platypus.sip.message import Response

AGENT = "platypus"
MAX_TEXT = 200  # a sentence
# warning-value = warn-code SP warn-agent SP warn-text; the text is a quoted-string.
_VALUE = re.compile(r'\s*[0-9]{3}\s+\S{1,255}\s+"((?:[^"\\]|\\.){1,1000})"')


def warning(text: str) -> tuple[str, str]:
    """The header that says `text`."""
    text = text.replace("\\", "/").replace('"', "'")
    text = "".join(each if each.isprintable() and each.isascii() else "?" for each in text)
    return "Warning", f'399 {AGENT} "{text[:MAX_TEXT]}"'


def warning_of(response: Response) -> str:
    """ "" where there is none that can be read."""
    found = _VALUE.match(response.headers.get("Warning") or "")
    if found is None:
        return ""
    return shown(re.sub(r"\\(.)", r"\1", found[1]))[:MAX_TEXT]


def with_warning(reason: str, response: Response) -> str:
    """The reason of a refusal, and what a 488 or 606 says more of it."""
    why = warning_of(response) if response.status in (488, 606) else ""
    return f"{reason}: {why}" if why else reason
