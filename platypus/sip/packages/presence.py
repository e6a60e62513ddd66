"""Presence: application/pidf+xml (RFC 3863), as far as a lamp shows it.

A person may have several tuples, one a device: one that is open makes them open.
Of notes the document's own is taken, then a tuple's. Extensions (RFC 4480) are
passed over.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from xml.etree.ElementTree import Element

from platypus.sip.grammar import shown
from platypus.sip.packages.safe_xml import child, children, parse_xml, text_of

CONTENT_TYPE = "application/pidf+xml"
MAX_NOTE = 512  # characters of a note, for a line in a window

Basic = Literal["open", "closed"]


@dataclass(frozen=True, slots=True)
class Presence:
    """Whether somebody can be reached, and what they say of it."""

    entity: str
    basic: Basic
    note: str = ""


def parse_presence(body: bytes) -> Presence:
    """Read a document; raises ProtocolError for what is none."""
    root = parse_xml(body, "presence")
    tuples = [(_is_open(one), _notes(one)) for one in children(root, "tuple")]
    is_open = any(state for state, _ in tuples)
    # The first that says anything: the document, then the tuples whose state is shown, then others.
    notes = _notes(root)
    for which in (is_open, not is_open):
        notes += [note for state, found in tuples if state is which for note in found]
    note = notes[0][:MAX_NOTE] if notes else ""
    return Presence(root.get("entity", ""), "open" if is_open else "closed", note)


def _is_open(one: Element) -> bool:
    return text_of(child(child(one, "status"), "basic")).lower() == "open"


def _notes(element: Element) -> list[str]:
    return [text for note in children(element, "note") if (text := shown(text_of(note)))]
