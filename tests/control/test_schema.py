"""What the control protocol takes, and how it says what it does not take."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from platypus.control.schema import (
    MAX_DEPTH,
    MAX_DIGITS,
    SHAPES,
    CommandError,
    parse_command,
)


def parse(**fields: object):
    return parse_command(json.dumps(fields).encode())


def refusal(**fields: object) -> CommandError:
    with pytest.raises(CommandError) as caught:
        parse(**fields)
    return caught.value


def test_takes_a_command_with_its_fields():
    command = parse(cmd="call", to="600", headers={"X-Ticket": "7"})
    assert command.name == "call"
    assert command.fields == {"to": "600", "headers": {"X-Ticket": "7"}}
    assert command.reply_to is None


@pytest.mark.parametrize("identity", [1, "a", 2.5, None, {"deep": [1]}, "\ud800"])
def test_keeps_any_id_for_the_reply(identity):
    assert parse(cmd="calls", id=identity).reply_to == identity


def test_a_refused_command_keeps_its_id_too():
    assert refusal(cmd="dance", id=9).reply_to == 9


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"   ",
        b"hang up",
        b"{",
        b'{"cmd":"quit"} {}',
        b"\xff\xfe",
        b"[" * 100_000,
        b'"\\',
        b"NaN",
    ],
)
def test_a_line_that_is_not_json_is_refused_as_such(line):
    with pytest.raises(CommandError, match="not JSON") as caught:
        parse_command(line)
    assert caught.value.code == "not-json"
    assert caught.value.reply_to is None


@pytest.mark.parametrize("line", [b"7", b"[]", b'"quit"', b"null", b"true"])
def test_json_that_is_no_object_is_refused(line):
    with pytest.raises(CommandError, match="not a JSON object"):
        parse_command(line)


@pytest.mark.parametrize("number", [b"NaN", b"Infinity", b"1e400", b"-1.5e999"])
def test_numbers_that_could_not_be_echoed_are_refused(number):
    with pytest.raises(CommandError, match="not JSON"):
        parse_command(b'{"cmd":"calls","id":' + number + b"}")


def test_an_integer_too_long_to_convert_is_refused_not_raised():
    with pytest.raises(CommandError, match="not JSON"):
        parse_command(b'{"cmd":"calls","id":' + b"9" * 5000 + b"}")


def test_nesting_has_a_limit_below_that_of_the_parser():
    deep = b'{"cmd":"calls","id":' + b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1) + b"}"
    with pytest.raises(CommandError, match="too deep"):
        parse_command(deep)


def test_names_an_unknown_command():
    assert str(refusal(cmd="dance")) == "unknown command: dance"


def test_names_the_missing_cmd():
    assert str(refusal(id=1)) == "missing field: cmd"


def test_a_cmd_that_is_no_string_is_unknown():
    assert refusal(cmd=["quit"]).code == "unknown-command"


def test_names_an_unknown_field():
    assert str(refusal(cmd="hangup", cal=1)) == "unknown field for hangup: cal"


def test_names_a_missing_field():
    assert str(refusal(cmd="call")) == "missing field for call: to"


def test_names_a_field_of_the_wrong_type():
    assert str(refusal(cmd="mute", on=1)) == "field on of mute must be true or false"


@pytest.mark.parametrize("calls", [None, "1", [], ["1"], ["1", True], ["1"] * 65])
def test_a_conference_names_at_least_two_calls(calls):
    assert "field calls of conference must" in str(refusal(cmd="conference", calls=calls))


@pytest.mark.parametrize("name", sorted(set(SHAPES) - {"call", "mute", "dtmf", "redirect"}))
def test_an_unknown_field_is_refused_for_every_command(name):
    assert refusal(cmd=name, bogus=1).code == "unknown-field"


@pytest.mark.parametrize("call", [1, "1", "a-b", 10**15])
def test_a_call_is_a_string_or_a_number(call):
    assert parse(cmd="hangup", call=call).fields == {"call": call}


@pytest.mark.parametrize("call", [None, True, 1.5, [1], {}])
def test_nothing_else_names_a_call(call):
    # null above all: without `call` the newest is meant, and a script's null is a mistake.
    assert str(refusal(cmd="hangup", call=call)).startswith("field call of hangup")


@pytest.mark.parametrize("digits", ["1", "0123456789*#ABCDabcd"])
def test_takes_every_digit_there_is(digits):
    assert parse(cmd="dtmf", digits=digits).fields["digits"] == digits


@pytest.mark.parametrize("digits", ["", 5, "12x", "1 2", "1" * (MAX_DIGITS + 1)])
def test_refuses_what_is_no_digit(digits):
    assert refusal(cmd="dtmf", digits=digits).code == "wrong-value"


@pytest.mark.parametrize("code", [400, 486, 603, 699])
def test_a_call_is_rejected_with_a_final_refusal(code):
    assert parse(cmd="reject", code=code).fields == {"code": code}


@pytest.mark.parametrize("code", [200, 180, 302, 700, "486", True, 486.0])
def test_a_call_is_not_rejected_with_anything_else(code):
    assert refusal(cmd="reject", code=code).code == "wrong-value"


@pytest.mark.parametrize("to", ["sip:a@b\r\nX-Evil: 1", "a\x00b", "", " ", 600])
def test_a_target_can_not_smuggle_in_a_header(to):
    assert refusal(cmd="call", to=to).code == "wrong-value"


@pytest.mark.parametrize(
    "headers",
    [
        {"X": "a\r\nVia: evil"},
        {"X\r\nY": "a"},
        {"X:": "a"},
        {"": "a"},
        {"X": 1},
        {"X": ["a", ["b"]]},
        {"X": ["a", "b\n"]},
        ["X"],
    ],
)
def test_headers_can_not_smuggle_in_others(headers):
    assert refusal(cmd="call", to="1", headers=headers).code == "wrong-value"


def test_a_header_may_have_several_values():
    fields = parse(cmd="call", to="1", headers={"X": ["a", "b"]}).fields
    assert fields["headers"] == {"X": ["a", "b"]}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


# A machine that is busy with other tests is not a reason to fail.
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


@unhurried
@given(
    st.sampled_from(sorted(SHAPES)),
    st.dictionaries(
        st.sampled_from(["to", "call", "code", "on", "digits", "headers", "file"]), json_values
    ),
)
def test_any_fields_give_a_command_or_a_refusal(name, fields):
    try:
        command = parse(cmd=name, **fields)
    except CommandError as error:
        assert error.problem
    else:
        assert command.fields == fields


@unhurried
@given(st.binary(max_size=200))
def test_any_bytes_give_a_command_or_a_refusal(line):
    with pytest.raises(CommandError):
        parse_command(line)


@pytest.mark.parametrize(
    "fields",
    [{"dnd": 1}, {"forward_always": ""}, {"forward_busy": 600}, {"forward_no_answer": "a\r\nb"}],
)
def test_a_rule_has_the_right_type(fields):
    assert refusal(cmd="set", **fields).code == "wrong-value"


def test_a_rule_may_be_taken_back():
    assert parse(cmd="set", forward_always=None, dnd=False).fields == {
        "forward_always": None,
        "dnd": False,
    }


def test_a_rule_nobody_knows_is_named():
    assert "forward_sometimes" in refusal(cmd="set", forward_sometimes="1").problem
