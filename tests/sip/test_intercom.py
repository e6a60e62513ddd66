"""A caller's wish to be answered by itself, in the words of the phones that send it."""

from __future__ import annotations

import pytest

from platypus.sip.intercom import answer_after
from tests.sip.test_identity import request


@pytest.mark.parametrize(
    ("field", "seconds"),
    [
        ("Call-Info: <sip:pbx>;answer-after=0", 0),
        ("Call-Info: <sip:pbx>; Answer-After=5", 5),
        ("Call-Info: sip:pbx;answer-after=1", 1),
        ("Call-Info: ;answer-after=2", 2),
        ("Call-Info: <http://pbx/x;y>;purpose=icon, <sip:pbx>;answer-after=3", 3),
        ("Alert-Info: <http://127.0.0.1>;info=alert-autoanswer", 0),
        ("Alert-Info: <http://127.0.0.1>;info=alert-autoanswer;delay=4", 4),
        ('Alert-Info: <http://x>;info="Auto Answer"', 0),
        ("Alert-Info: info=alert-autoanswer", 0),
    ],
)
def test_is_understood(field: str, seconds: float) -> None:
    assert answer_after(request(field)) == seconds


@pytest.mark.parametrize(
    "field",
    [
        "Subject: answer-after=0",
        "Call-Info: <sip:pbx;answer-after=0>",
        "Call-Info: <sip:pbx>;answer-after",
        "Call-Info: <sip:pbx>;answer-after=soon",
        "Call-Info: <sip:pbx>;answer-after=-1",
        "Alert-Info: <http://x/alert-autoanswer>",
        "Alert-Info: <http://x>;info=alert-external",
        'Call-Info: <sip:pbx>;answer"=1',
    ],
)
def test_is_not_read_into_anything_else(field: str) -> None:
    assert answer_after(request(field)) is None


def test_nobody_waits_for_years() -> None:
    after = answer_after(request("Call-Info: <sip:x>;answer-after=999999999"))
    assert after is None or after <= 3600
