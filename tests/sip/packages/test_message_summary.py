"""Message waiting (RFC 3842): the RFC's examples, and what servers make of them."""

from __future__ import annotations

import pytest

from platypus.errors import ProtocolError
from platypus.sip.packages.message_summary import MessageSummary, parse_message_summary


def test_the_example_of_the_rfc() -> None:
    body = b"""Messages-Waiting: yes
Message-Account: sip:alice@vmail.example.com
Voice-Message: 4/8 (1/2)

From: sip:bob@example.com
"""
    expected = MessageSummary(True, 4, 8, "sip:alice@vmail.example.com")
    assert parse_message_summary(body) == expected


def test_nothing_waits() -> None:
    assert parse_message_summary(b"Messages-Waiting: no\r\n") == MessageSummary(False)


@pytest.mark.parametrize(
    ("line", "counts"),
    [
        (b"Voice-Message: 2/8 (0/2)", (2, 8)),
        (b"voice-message:3/4", (3, 4)),
        (b"Voice-Message : 1 / 2", (1, 2)),
        (b"Voice-Message: many", (0, 0)),
        (b"Fax-Message: 5/6", (0, 0)),
        (b"Voice-Message: 99999999999/1", (0, 0)),
    ],
)
def test_counts_are_of_voice_messages(line: bytes, counts: tuple[int, int]) -> None:
    found = parse_message_summary(b"Messages-Waiting: yes\r\n" + line + b"\r\n")
    assert (found.new, found.old) == counts


def test_header_fields_of_single_messages_are_not_the_summary() -> None:
    body = b"Messages-Waiting: yes\r\n\r\nVoice-Message: 9/9\r\n"
    assert parse_message_summary(body).new == 0


@pytest.mark.parametrize("body", [b"", b"Voice-Message: 1/2\r\n", b"Messages-Waiting: perhaps\r\n"])
def test_without_the_mandatory_line_it_is_none(body: bytes) -> None:
    with pytest.raises(ProtocolError):
        parse_message_summary(body)


@pytest.mark.parametrize(
    "summary", [MessageSummary(True, 3, 1, "sip:alice@pbx"), MessageSummary(False)]
)
def test_what_is_written_reads_the_same(summary: MessageSummary) -> None:
    assert parse_message_summary(summary.serialize()) == summary
