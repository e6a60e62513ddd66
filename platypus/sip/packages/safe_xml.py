"""XML from strangers: small, flat, and without entities of its own.

Expat expands entities that a document declares, to any size ("billion laughs"), and a
declaration needs a DOCTYPE. None of our formats has one, so a document with one is
refused at its first character, before anything is expanded. What is left is bounded
in octets, depth and elements. Namespaces are not checked: servers get them wrong,
and the names of the elements say enough.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NoReturn
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from platypus.errors import ProtocolError

MAX_OCTETS = 65_535  # no body is larger: it came in one message
MAX_DEPTH = 16  # dialog-info, the deepest of them, needs six
MAX_ELEMENTS = 4_096  # some four hundred dialogs of ten elements


def parse_xml(body: bytes, root: str) -> Element:
    """The document, whose outermost element is called `root`; raises ProtocolError."""
    if len(body) > MAX_OCTETS:
        raise ProtocolError("an XML document that is too large")
    element = _Parser().parse(body.strip())
    if element.tag != root:
        raise ProtocolError(f"an XML document that is no {root}")
    return element


def children(element: Element, name: str) -> Iterator[Element]:
    """The elements of this name right inside another."""
    return (child for child in element if child.tag == name)


def child(element: Element | None, name: str) -> Element | None:
    """The first of `children`; None without one, or inside nothing."""
    return next(children(element, name), None) if element is not None else None


def text_of(element: Element | None) -> str:
    """What stands in an element, on one line; empty without one."""
    return " ".join((element.text or "").split()) if element is not None else ""


class _Parser:
    """One document."""

    def __init__(self) -> None:
        self._builder = TreeBuilder()
        self._depth = self._count = 0
        self._expat = expat.ParserCreate(namespace_separator="}")
        self._expat.buffer_text = True
        self._expat.StartDoctypeDeclHandler = _refuse_doctype
        self._expat.StartElementHandler = self._start
        self._expat.EndElementHandler = self._end
        self._expat.CharacterDataHandler = self._data

    def parse(self, body: bytes) -> Element:
        try:
            self._expat.Parse(body, True)
        except (expat.ExpatError, ValueError, LookupError) as error:
            # ValueError and LookupError: an encoding it declares and nobody has.
            raise ProtocolError(f"XML that is none: {error}") from None
        element: Element = self._builder.close()
        return element

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        self._count += 1
        if self._depth > MAX_DEPTH or self._count > MAX_ELEMENTS:
            raise ProtocolError("an XML document that is nested too deeply, or has too much in it")
        self._builder.start(_local(name), {_local(key): attributes[key] for key in attributes})

    def _end(self, name: str) -> None:
        self._depth -= 1
        self._builder.end(_local(name))

    def _data(self, text: str) -> None:
        self._builder.data(text)


def _local(name: str) -> str:
    return name.rpartition("}")[2]


def _refuse_doctype(*_: object) -> NoReturn:
    raise ProtocolError("an XML document with a DOCTYPE, which ours don't have")
