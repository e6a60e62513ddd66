"""What people type to call."""

import pytest

from platypus.errors import StateError
from platypus.sip.uri import Uri
from platypus.targets import by_transport, complete, parse_account

ACCOUNT = Uri.parse("sip:alice@pbx.example.com:5070")


@pytest.mark.parametrize(
    ("typed", "uri"),
    [
        ("600", "sip:600@pbx.example.com:5070"),
        ("bob", "sip:bob@pbx.example.com:5070"),
        (" +49 (30) 123-456 ", "sip:+4930123456@pbx.example.com:5070"),
        ("*97#", "sip:*97%23@pbx.example.com:5070"),
        ("tel:+49-30-123456;phone-context=x", "sip:+4930123456@pbx.example.com:5070"),
        ("jürgen", "sip:j%C3%BCrgen@pbx.example.com:5070"),
        ("bob smith", "sip:bob%20smith@pbx.example.com:5070"),
        ("bob@192.0.2.1", "sip:bob@192.0.2.1"),
        ("sip:bob@192.0.2.1:5080;transport=tcp", "sip:bob@192.0.2.1:5080;transport=tcp"),
        ("SIP:bob@192.0.2.1", "SIP:bob@192.0.2.1"),
        ("<sip:bob@192.0.2.1;transport=tcp>", "sip:bob@192.0.2.1;transport=tcp"),
        ('"Bob, B." <sip:bob@192.0.2.1>', "sip:bob@192.0.2.1"),
        ("Bob <sip:bob@192.0.2.1>", "sip:bob@192.0.2.1"),
    ],
)
def test_is_completed_to_a_sip_uri(typed: str, uri: str) -> None:
    assert complete(typed, ACCOUNT) == uri


@pytest.mark.parametrize(
    ("uri", "transport", "found"),
    [
        ("sip:bob@pbx", "tls", "sip:bob@pbx;transport=tls"),
        ("sip:bob@pbx", "tcp", "sip:bob@pbx;transport=tcp"),
        ("sip:bob@pbx", "udp", "sip:bob@pbx"),
        ("sip:bob@pbx;transport=udp", "tls", "sip:bob@pbx;transport=udp"),
        ("sips:bob@pbx", "tls", "sips:bob@pbx"),
    ],
)
def test_goes_by_the_chosen_transport_unless_it_names_one(
    uri: str, transport: str, found: str
) -> None:
    assert by_transport(uri, transport) == found


def test_an_ipv6_host_keeps_its_brackets() -> None:
    assert complete("600", Uri.parse("sip:alice@[2001:db8::1]")) == "sip:600@[2001:db8::1]"


def test_a_number_without_an_account_says_what_to_give() -> None:
    with pytest.raises(StateError, match=r"no account.*sip:600@example\.com"):
        complete("600", None)


@pytest.mark.parametrize("typed", ["", "   ", "sip:", "sip:bob@", "@", "<>", '"Bob" <sip:>'])
def test_what_can_not_be_called_is_refused(typed: str) -> None:
    with pytest.raises(StateError):
        complete(typed, ACCOUNT)


@pytest.mark.parametrize(
    "typed", ["mailto:bob@example.com", "https://user@example.com", "XMPP:b@c"]
)
def test_an_address_of_another_kind_is_named(typed: str) -> None:
    with pytest.raises(StateError, match="leads to no telephone"):
        complete(typed, ACCOUNT)


def test_a_password_in_an_address_is_still_one() -> None:
    assert complete("bob:word@example.com", ACCOUNT) == "sip:bob:word@example.com"


def test_an_account_needs_no_scheme() -> None:
    assert str(parse_account("alice@example.com")) == "sip:alice@example.com"


@pytest.mark.parametrize("aor", ["", "sip:example.com", "alice"])
def test_an_account_names_a_user_and_a_host(aor: str) -> None:
    with pytest.raises(StateError):
        parse_account(aor)
