"""What the window says, in words a person uses."""

from __future__ import annotations

import pytest

from ui_tk import words


class TestWhyEnded:
    @pytest.mark.parametrize(
        ("code", "reason", "said"),
        [
            (486, "Busy Here", "Busy."),
            (404, "Not Found", "Nobody has this number."),
            (488, "Not Acceptable Here", "The other side and this phone have no codec in common."),
            (499, "strange", "Strange (499)."),
            (None, "192.0.2.1 can't be reached.", "192.0.2.1 can't be reached."),
            (None, "", "The other side can't be reached."),
            (None, "sip:bob@pbx: no answer", "sip:bob@pbx: no answer."),
        ],
    )
    def test_is_a_sentence(self, code, reason, said):
        assert words.why_ended(code, reason) == said

    def test_another_phone_that_answered_is_no_failure(self):
        assert words.why_ended(487, "x", elsewhere=True) == "Answered on another phone."


class TestAddresses:
    @pytest.mark.parametrize(
        ("uri", "said"),
        [
            ("sip:alice@example.com", "alice@example.com"),
            ("sips:alice@example.com;transport=tls?subject=x", "alice@example.com"),
            ("tel:+4930901820", "+4930901820"),
            ("alice", "alice"),
            ("host:5060", "host:5060"),
        ],
    )
    def test_lose_what_a_person_does_not_read(self, uri, said):
        assert words.short(uri) == said

    @pytest.mark.parametrize(
        ("uri", "name", "said"),
        [
            ("sip:600@pbx", "", "600"),
            ("sip:600@pbx", "  Echo \n Test ", "Echo Test"),
            ("sip:pbx.example.com", "", "pbx.example.com"),
            ("", "", "unknown"),
        ],
    )
    def test_give_a_party(self, uri, name, said):
        assert words.party(uri, name) == said

    def test_say_what_is_true_of_an_account(self):
        assert words.account_line("sip:a@b", "registered") == "a@b (registered)"
        assert words.account_line("sip:a@b", "failed") == "a@b (not registered)"


@pytest.mark.parametrize(
    ("typed", "dialled"),
    [
        ("+49 (30) 90-18 20", "+4930901820"),
        ("030/90.18.20", "030901820"),
        ("\u00a0030\u2011901820\n", "030901820"),
        ("tel:+49-30-901820;phone-context=x", "+4930901820"),
        ("*97#", "*97#"),
        (" alice@example.com ", "alice@example.com"),
        ("sip:bob@192.0.2.1:5070;transport=udp", "sip:bob@192.0.2.1:5070;transport=udp"),
        ("anna-maria", "anna-maria"),
        ("", ""),
        ("\x00\x07", ""),
    ],
)
def test_what_is_pasted_becomes_what_is_dialled(typed, dialled):
    assert words.tidy_number(typed) == dialled


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0:00"), (7.9, "0:07"), (723, "12:03"), (3723, "1:02:03"), (-1, "0:00")],
)
def test_durations(seconds, said):
    assert words.duration(seconds) == said


@pytest.mark.parametrize(
    ("microphone", "speaker", "reason", "said"),
    [
        ("Headset", "Headset", "", "Headset"),
        ("Mic", "Speaker", "", "Mic / Speaker"),
        (None, "Speaker", "", "no microphone / Speaker"),
        (None, None, "no sound card", "No sound: no sound card"),
        (None, None, "", "No sound"),
    ],
)
def test_devices(microphone, speaker, reason, said):
    assert words.device_line(microphone, speaker, reason) == said


def test_a_reason_becomes_a_sentence():
    assert words.sentence("the name does not resolve") == "The name does not resolve."
    assert words.sentence("pbx.example.com: it expired.") == "pbx.example.com: it expired."
