"""Why a session can't be had, in the words of who refused it: the Warning header (RFC 3261, 20.43).

Only the text of the first one is read. It is shown to a person and decides nothing.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from platypus.sip.grammar import shown

if TYPE_CHECKING:
    from platypus.sip.message import Response

MAX_TEXT = 200  # a sentence
# warning-value = warn-code SP warn-agent SP warn-text; the text is a quoted-string.
_VALUE = re.compile(r'\s*[0-9]{3}\s+\S{1,255}\s+"((?:[^"\\]|\\.){1,1000})"')


def warning_of(response: Response) -> str:
    """ "" where there is none that can be read."""
    found = _VALUE.match(response.headers.get("Warning") or "")
    if found is None:
        return ""
    return shown(re.sub(r"\\(.)", r"\1", found[1]))[:MAX_TEXT]
