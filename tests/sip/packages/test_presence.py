"""Presence documents (RFC 3863)."""

from __future__ import annotations

from platypus.sip.packages.presence import MAX_NOTE, Presence, parse_presence

HEAD = b'<presence xmlns="urn:ietf:params:xml:ns:pidf" entity="pres:someone@example.com">'


def document(*inside: bytes) -> bytes:
    return HEAD + b"".join(inside) + b"</presence>"


def one(basic: bytes, note: bytes = b"") -> bytes:
    text = b"<note>" + note + b"</note>" if note else b""
    status = b"<status><basic>" + basic + b"</basic></status>"
    return b'<tuple id="x">' + status + text + b"</tuple>"


def test_the_example_of_the_rfc() -> None:
    body = b"""<?xml version="1.0" encoding="UTF-8"?>
<presence xmlns="urn:ietf:params:xml:ns:pidf" xmlns:im="urn:ietf:params:xml:ns:pidf:im"
     xmlns:myex="http://id.example.com/presence/" entity="pres:someone@example.com">
  <tuple id="bs35r9">
    <status><basic>open</basic><im:im>busy</im:im><myex:location>home</myex:location></status>
    <contact priority="0.8">im:someone@mobilecarrier.net</contact>
    <note xml:lang="en">Don't Disturb Please!</note>
    <note xml:lang="fr">Ne d\xc3\xa9rangez pas, s'il vous plait</note>
    <timestamp>2001-10-27T16:49:29Z</timestamp>
  </tuple>
  <tuple id="eg92n8">
    <status><basic>open</basic></status>
    <contact priority="1.0">mailto:someone@example.com</contact>
  </tuple>
  <note>I'll be in Tokyo next week</note>
</presence>"""
    expected = Presence("pres:someone@example.com", "open", "I'll be in Tokyo next week")
    assert parse_presence(body) == expected


def test_one_open_device_makes_somebody_open() -> None:
    assert parse_presence(document(one(b"closed"), one(b"open"))).basic == "open"
    assert parse_presence(document(one(b"closed"))).basic == "closed"


def test_without_a_device_somebody_is_closed() -> None:
    assert parse_presence(document()) == Presence("pres:someone@example.com", "closed", "")


def test_the_note_is_of_the_state_that_is_shown() -> None:
    found = parse_presence(document(one(b"closed", b"asleep"), one(b"open", b"at my desk")))
    assert found.note == "at my desk"


def test_a_note_is_one_line_of_a_bounded_length() -> None:
    found = parse_presence(document(one(b"open", b"one\n  two " + b"x" * 5000)))
    assert found.note.startswith("one two x")
    assert len(found.note) == MAX_NOTE
