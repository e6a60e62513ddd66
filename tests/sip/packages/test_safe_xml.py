"""XML from strangers: hostile documents are refused before they cost anything."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platypus.errors import ProtocolError
from platypus.sip.packages.dialog_info import parse_dialog_info
from platypus.sip.packages.message_summary import parse_message_summary
from platypus.sip.packages.presence import parse_presence
from platypus.sip.packages.safe_xml import (
    MAX_DEPTH,
    MAX_ELEMENTS,
    MAX_OCTETS,
    child,
    children,
    parse_xml,
    text_of,
)

LAUGHS = b"""<?xml version="1.0"?>
<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;">]>
<a>&c;</a>"""
EXTERNAL = b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>'


@pytest.mark.parametrize("body", [LAUGHS, EXTERNAL, b'<!DOCTYPE a SYSTEM "http://x/"><a/>'])
def test_a_document_with_a_doctype_is_refused(body: bytes) -> None:
    with pytest.raises(ProtocolError, match="DOCTYPE"):
        parse_xml(body, "a")


def test_an_entity_nobody_declared_is_refused() -> None:
    with pytest.raises(ProtocolError):
        parse_xml(b"<a>&b;</a>", "a")


def test_depth_is_bounded() -> None:
    deep = b"<a>" * MAX_DEPTH + b"</a>" * MAX_DEPTH
    assert parse_xml(deep, "a").tag == "a"
    with pytest.raises(ProtocolError, match="deep"):
        parse_xml(b"<a>" + deep + b"</a>", "a")


def test_the_number_of_elements_is_bounded() -> None:
    with pytest.raises(ProtocolError, match="too much"):
        parse_xml(b"<a>" + b"<b/>" * MAX_ELEMENTS + b"</a>", "a")


def test_size_is_bounded() -> None:
    with pytest.raises(ProtocolError, match="too large"):
        parse_xml(b"<a>" + b" " * MAX_OCTETS + b"</a>", "a")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"hello",
        b"<a>",
        b"<a></b>",
        b"<a/><a/>",
        b'<?xml version="1.0" encoding="klingon"?><a/>',
        b"<a>\xff\xfe</a>",
        b"<b/>",
    ],
)
def test_what_is_no_such_document_is_a_protocol_error(body: bytes) -> None:
    with pytest.raises(ProtocolError):
        parse_xml(body, "a")


def test_namespaces_are_left_out_of_names() -> None:
    root = parse_xml(b'<p:a xmlns:p="urn:x" p:k="1"><p:b> two  words\n</p:b></p:a>', "a")
    assert root.get("k") == "1"
    assert text_of(child(root, "b")) == "two words"
    assert list(children(root, "c")) == []
    assert child(None, "b") is None


@given(st.binary(max_size=300))
def test_parsers_raise_nothing_but_their_own_error(body: bytes) -> None:
    for parse in (parse_dialog_info, parse_presence, parse_message_summary):
        with contextlib.suppress(ProtocolError):
            parse(body)


PIECES = (
    *(b"<dialog-info", b"<dialog", b"<presence", b"<tuple", b"<note", b'version="1"'),
    *(b'state="full"', b">", b"/>", b"</dialog>", b"</dialog-info>", b"</presence>", b"&amp;"),
    *(b"&x;", b"<!DOCTYPE x>", b"<![CDATA[x]]>", b"<?pi?>", b" ", b"early", b"\x00"),
)


@given(st.lists(st.sampled_from(PIECES), max_size=20).map(b"".join))
def test_broken_documents_raise_nothing_but_their_own_error(body: bytes) -> None:
    for parse in (parse_dialog_info, parse_presence):
        with contextlib.suppress(ProtocolError):
            parse(body)
