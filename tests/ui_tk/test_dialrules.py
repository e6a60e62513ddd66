"""From what people write to what the exchange dials."""

from __future__ import annotations

import pytest

from ui_tk.dialrules import DialRules, dialled

GERMANY = DialRules(country="+49", international="00", national="0")
BEHIND_A_ZERO = DialRules(country="+49", international="00", national="0", outside="0")


@pytest.mark.parametrize(
    ("typed", "rules", "number"),
    [
        ("030 901 820", DialRules(), "030901820"),
        ("+49 30 901820", DialRules(), "+4930901820"),
        ("+49 (0)30 901820", GERMANY, "030901820"),
        ("+33 1 23 45 67 89", GERMANY, "0033123456789"),
        ("+33 1 23 45 67 89", DialRules(country="+49", national="0"), "+33123456789"),
        ("030 901820", BEHIND_A_ZERO, "0030901820"),
        ("+49 30 901820", BEHIND_A_ZERO, "0030901820"),
        ("+33 123456789", BEHIND_A_ZERO, "00033123456789"),
        ("600", BEHIND_A_ZERO, "600"),
        ("12345", BEHIND_A_ZERO, "12345"),
        ("123456", BEHIND_A_ZERO, "0123456"),
        ("*97", BEHIND_A_ZERO, "*97"),
        ("#31#030901820", BEHIND_A_ZERO, "#31#030901820"),
        ("alice", BEHIND_A_ZERO, "alice"),
        ("sip:alice@example.com", BEHIND_A_ZERO, "sip:alice@example.com"),
        ("callto:+4930901820", GERMANY, "030901820"),
        ("", BEHIND_A_ZERO, ""),
    ],
)
def test_numbers_become_what_is_dialled(typed, rules, number):
    assert dialled(typed, rules) == number


@pytest.mark.parametrize(
    ("rules", "problem"),
    [
        ({"country": "49"}, "as in \\+49"),
        ({"country": "+0"}, "as in \\+49"),
        ({"outside": "x"}, "outside is"),
        ({"international": "0000000"}, "international is"),
        ({"extension_digits": 99}, "from 0 to 15"),
    ],
)
def test_rules_that_can_not_be_are_refused(rules, problem):
    with pytest.raises(ValueError, match=problem):
        DialRules(**rules)
