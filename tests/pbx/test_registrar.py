"""The registrar's table, by what it answers to REGISTERs (RFC 3261, section 10.3)."""

from __future__ import annotations

import pytest

from platypus.pbx.registrar import MAX_CONTACTS, MAX_EXPIRES, Answer, Registrar
from platypus.sip.message import Request, parse_message

PHONE = "<sip:alice@10.0.0.1:5060>"
MOBILE = "<sip:alice@10.0.0.2:5060>"


def register(
    *contacts: str,
    expires: int | None = None,
    cseq: int = 1,
    call_id: str = "one",
    more: str = "",
) -> Request:
    lines = [
        "REGISTER sip:pbx SIP/2.0",
        "Via: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK1",
        "From: <sip:alice@pbx>;tag=1",
        "To: <sip:alice@pbx>",
        f"Call-ID: {call_id}",
        f"CSeq: {cseq} REGISTER",
        *(f"Contact: {contact}" for contact in contacts),
    ]
    if expires is not None:
        lines.append(f"Expires: {expires}")
    text = "\r\n".join(lines) + "\r\n" + more + "Content-Length: 0\r\n\r\n"
    request = parse_message(text.encode())
    assert isinstance(request, Request)
    return request


class Desk:
    """A registrar with one user, and the time."""

    def __init__(self) -> None:
        self.registrar = Registrar({"alice"}, min_expires=10)
        self.now = 1000.0

    def send(self, request: Request, user: str = "alice") -> Answer:
        return self.registrar.register(user, request, self.now)

    @property
    def contacts(self) -> list[str]:
        return [str(one.uri) for one in self.registrar.bindings("alice", self.now)]


@pytest.fixture
def desk() -> Desk:
    return Desk()


def values(answer: Answer, name: str) -> list[str]:
    return [value for header, value in answer.headers if header == name]


def test_a_contact_is_bound_and_listed_with_its_time(desk: Desk) -> None:
    answer = desk.send(register(PHONE, expires=300))
    assert answer.status == 200
    assert values(answer, "Contact") == [f"{PHONE};expires=300"]
    assert desk.contacts == ["sip:alice@10.0.0.1:5060"]


def test_the_time_of_the_contact_goes_before_that_of_the_request(desk: Desk) -> None:
    answer = desk.send(register(f"{PHONE};expires=60", expires=300))
    assert values(answer, "Contact") == [f"{PHONE};expires=60"]


@pytest.mark.parametrize("expires", ["soon", "", "-1", "9" * 40, "³"])
def test_a_time_that_is_none_is_as_if_not_given(desk: Desk, expires: str) -> None:
    answer = desk.send(register(f"{PHONE};expires={expires}", expires=300))
    assert values(answer, "Contact") == [f"{PHONE};expires=300"]


def test_without_any_time_it_is_an_hour(desk: Desk) -> None:
    assert values(desk.send(register(PHONE)), "Contact") == [f"{PHONE};expires=3600"]


def test_no_more_is_granted_than_the_most(desk: Desk) -> None:
    answer = desk.send(register(PHONE, expires=10**9))
    assert values(answer, "Contact") == [f"{PHONE};expires={MAX_EXPIRES}"]


def test_a_binding_ends_with_its_time(desk: Desk) -> None:
    desk.send(register(PHONE, expires=60))
    desk.now += 59.9
    assert desk.contacts
    desk.now += 0.1
    assert not desk.contacts


def test_the_list_shows_what_is_left(desk: Desk) -> None:
    desk.send(register(PHONE, expires=60))
    desk.now += 20
    assert values(desk.send(register()), "Contact") == [f"{PHONE};expires=40"]


def test_asking_without_a_contact_changes_nothing(desk: Desk) -> None:
    desk.send(register(PHONE, expires=60))
    desk.send(register(cseq=2))
    assert desk.contacts == ["sip:alice@10.0.0.1:5060"]


def test_a_time_that_is_too_short_is_refused_with_the_shortest(desk: Desk) -> None:
    answer = desk.send(register(PHONE, expires=9))
    assert (answer.status, values(answer, "Min-Expires")) == (423, ["10"])
    assert not desk.contacts
    assert desk.send(register(PHONE, expires=10)).status == 200


def test_zero_removes_a_contact_and_leaves_the_others(desk: Desk) -> None:
    desk.send(register(PHONE, expires=60))
    desk.send(register(MOBILE, expires=60, call_id="two"))
    desk.send(register(PHONE, expires=0, cseq=2))
    assert desk.contacts == ["sip:alice@10.0.0.2:5060"]


def test_a_star_removes_them_all(desk: Desk) -> None:
    desk.send(register(PHONE, expires=60))
    desk.send(register(MOBILE, expires=60, call_id="two"))
    answer = desk.send(register("*", expires=0, cseq=2))
    assert (answer.status, values(answer, "Contact")) == (200, [])
    assert not desk.contacts


@pytest.mark.parametrize("expires", [None, 60])
def test_a_star_with_a_time_is_a_mistake(desk: Desk, expires: int | None) -> None:
    desk.send(register(PHONE, expires=60))
    assert desk.send(register("*", expires=expires, cseq=2)).status == 400
    assert desk.contacts


def test_a_refresh_extends_the_binding_and_adds_none(desk: Desk) -> None:
    desk.send(register(PHONE, expires=60))
    desk.now += 50
    desk.send(register(PHONE, expires=60, cseq=2))
    desk.now += 50
    assert desk.contacts == ["sip:alice@10.0.0.1:5060"]


@pytest.mark.parametrize("cseq", [4, 5])
def test_a_late_or_repeated_request_changes_nothing(desk: Desk, cseq: int) -> None:
    desk.send(register(PHONE, expires=60, cseq=5))
    assert desk.send(register(PHONE, expires=0, cseq=cseq)).status == 500
    assert desk.contacts


def test_a_phone_that_was_restarted_may_begin_anew(desk: Desk) -> None:
    desk.send(register(PHONE, expires=60, cseq=5))
    assert desk.send(register(PHONE, expires=90, cseq=1, call_id="new")).status == 200


def test_the_same_instance_at_a_new_address_replaces_the_old_one(desk: Desk) -> None:
    instance = ';+sip.instance="<urn:uuid:1>"'
    desk.send(register(PHONE + instance, expires=60))
    desk.send(register(MOBILE + instance, expires=60, call_id="new"))
    assert desk.contacts == ["sip:alice@10.0.0.2:5060"]


def test_a_request_with_one_bad_contact_changes_nothing(desk: Desk) -> None:
    assert desk.send(register(PHONE, f"{MOBILE};expires=3", expires=60)).status == 423
    assert not desk.contacts


@pytest.mark.parametrize("contact", ["<tel:+491234>", "<mailto:alice@pbx>"])
def test_only_sip_can_be_called(desk: Desk, contact: str) -> None:
    assert desk.send(register(contact, expires=60)).status == 400


def test_the_table_does_not_grow_with_what_is_sent(desk: Desk) -> None:
    for number in range(3 * MAX_CONTACTS):
        desk.send(register(f"<sip:alice@10.0.1.{number}>", expires=60, call_id=str(number)))
    assert len(desk.contacts) == MAX_CONTACTS
    assert f"sip:alice@10.0.1.{3 * MAX_CONTACTS - 1}" in desk.contacts


def test_a_stranger_has_no_bindings(desk: Desk) -> None:
    assert desk.send(register(PHONE, expires=60), user="mallory").status == 404
    assert desk.registrar.bindings("mallory", desk.now) == []


def test_the_path_is_kept_and_given_back_to_who_supports_it(desk: Desk) -> None:
    path = "Path: <sip:edge.example.com;lr>\r\n"
    answer = desk.send(register(PHONE, expires=60, more=path + "Supported: path\r\n"))
    assert values(answer, "Path") == ["<sip:edge.example.com;lr>"]
    (binding,) = desk.registrar.bindings("alice", desk.now)
    assert binding.path == ("<sip:edge.example.com;lr>",)


def test_the_path_is_left_out_for_who_does_not(desk: Desk) -> None:
    path = "Path: <sip:edge.example.com;lr>\r\n"
    assert values(desk.send(register(PHONE, expires=60, more=path)), "Path") == []
