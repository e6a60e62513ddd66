"""Whom a certificate is for (RFC 5922, 7) and what is wrong with one, in words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from platypus.errors import NetworkError
from platypus.net.certificate import Certificate, faults, fingerprint, read
from tests.harness.authority import DAY, Authority


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


class TestNames:
    def test_a_sip_uri_is_the_domain_and_host_names_do_not_count_then(
        self, authority: Authority
    ) -> None:
        found = read(authority.issue("pbx.example.com", uris=("sip:example.com",)).der)
        assert found.is_for("example.com")
        assert not found.is_for("pbx.example.com")

    def test_without_a_sip_uri_the_host_names_do(self, authority: Authority) -> None:
        found = read(authority.issue("pbx.example.com", "example.com").der)
        assert found.is_for("pbx.example.com")
        assert found.is_for("example.com")

    @pytest.mark.parametrize(
        "uri", ["sips:other.com", "sip:alice@other.com", "https://other.com", "not a uri"]
    )
    def test_a_uri_that_is_no_sip_domain_counts_for_nothing(
        self, authority: Authority, uri: str
    ) -> None:
        found = read(authority.issue("example.com", uris=(uri,)).der)
        assert found.domains == ("example.com",)

    def test_the_common_name_counts_where_there_are_no_others(self, authority: Authority) -> None:
        assert read(authority.issue(common_name="example.com").der).is_for("example.com")

    def test_and_not_where_there_are(self, authority: Authority) -> None:
        found = read(authority.issue("pbx.example.com", common_name="example.com").der)
        assert not found.is_for("example.com")

    @pytest.mark.parametrize("name", ["EXAMPLE.com", "example.com."])
    def test_are_compared_without_case_and_the_last_dot(
        self, authority: Authority, name: str
    ) -> None:
        assert read(authority.issue("example.COM").der).is_for(name)

    @pytest.mark.parametrize("name", ["sub.example.com", "com", "xexample.com", "", "example.co"])
    def test_must_agree_in_full(self, authority: Authority, name: str) -> None:
        assert not read(authority.issue("example.com").der).is_for(name)

    def test_an_address_is_proved_by_an_address(self, authority: Authority) -> None:
        found = read(authority.issue(addresses=("192.0.2.1", "2001:db8::1")).der)
        assert found.is_for("192.0.2.1")
        assert found.is_for("2001:DB8:0::1")
        assert not found.is_for("192.0.2.2")


class TestWildcards:
    def test_are_none_in_sip(self, authority: Authority) -> None:
        assert not read(authority.issue("*.example.com").der).is_for("pbx.example.com")

    def test_stand_for_one_label_where_they_are_allowed(self, authority: Authority) -> None:
        found = read(authority.issue("*.example.com").der)
        assert found.is_for("pbx.example.com", wildcards=True)
        assert not found.is_for("a.b.example.com", wildcards=True)
        assert not found.is_for("example.com", wildcards=True)

    def test_never_stand_for_whole_top_level_domains(self, authority: Authority) -> None:
        assert not read(authority.issue("*.com").der).is_for("example.com", wildcards=True)

    def test_never_stand_in_a_sip_uri(self, authority: Authority) -> None:
        found = read(authority.issue(uris=("sip:*.example.com",)).der)
        assert not found.is_for("pbx.example.com", wildcards=True)


class TestFaults:
    def found(self, certificate: Certificate, name: str = "example.com", code: int = 0) -> str:
        return "; ".join(faults(certificate, name, code=code))

    def test_a_good_one_has_none(self, authority: Authority) -> None:
        assert self.found(read(authority.issue("example.com").der)) == ""

    def test_since_when_it_is_over_is_said(self, authority: Authority) -> None:
        old = read(authority.issue("example.com", begins=-9 * DAY, ends=-2 * DAY).der)
        day = (datetime.now(UTC) - 2 * DAY).strftime("%Y-%m-%d")
        assert self.found(old, code=10) == f"it expired on {day}"

    def test_one_of_tomorrow_points_at_the_clock(self, authority: Authority) -> None:
        early = read(authority.issue("example.com", begins=2 * DAY).der)
        assert "is not valid before" in self.found(early, code=9)
        assert "clock" in self.found(early, code=9)

    def test_a_good_one_of_an_expired_authority_is_told_apart(self, authority: Authority) -> None:
        good = read(authority.issue("example.com").der)
        assert "the authority that issued it has expired" in self.found(good, code=10)

    def test_who_issued_it_is_said(self, authority: Authority) -> None:
        found = self.found(read(authority.issue("example.com").der), code=20)
        assert "issued by Test Authority, which is not trusted here" in found

    def test_a_self_signed_one_may_be_pinned(self, authority: Authority) -> None:
        own = read(authority.issue("example.com", self_signed=True).der)
        assert "it is self-signed; if it is yours" in self.found(own, code=18)
        assert own.fingerprint in self.found(own, code=18)

    def test_the_name_found_and_the_name_wanted_are_said(self, authority: Authority) -> None:
        other = read(authority.issue("other.com", "another.com").der)
        assert self.found(other) == "it is for other.com, another.com, and example.com was wanted"

    def test_a_wildcard_is_named_as_the_reason(self, authority: Authority) -> None:
        starred = read(authority.issue("*.example.com").der)
        assert "no wildcards" in self.found(starred, "pbx.example.com")

    def test_all_are_said_at_once(self, authority: Authority) -> None:
        bad = read(authority.issue("other.com", begins=-9 * DAY, ends=-2 * DAY).der)
        found = self.found(bad, code=20)
        assert "expired" in found
        assert "issued by" in found
        assert "was wanted" in found

    def test_what_openssl_alone_knows_is_passed_on(self, authority: Authority) -> None:
        good = read(authority.issue("example.com").der)
        assert faults(good, "example.com", code=26, message="unsuitable purpose") == [
            "unsuitable purpose"
        ]

    def test_hundreds_of_names_are_cut(self, authority: Authority) -> None:
        many = read(authority.issue(*(f"h{number}.example.com" for number in range(200))).der)
        assert many.names.endswith("and 195 more")

    def test_a_name_cannot_write_into_the_log(self, tmp_path: Path) -> None:
        authority = Authority(tmp_path, "Evil\n2026 registered")
        found = self.found(read(authority.issue("example.com").der), code=20)
        assert "\n" not in found


def test_a_fingerprint_is_written_as_openssl_does(authority: Authority) -> None:
    der = authority.issue("example.com").der
    assert read(der).fingerprint == fingerprint(der)
    assert len(fingerprint(der).split(":")) == 32


@pytest.mark.parametrize("cut", [0, 1, 40, 200])
def test_garbage_is_not_a_certificate(authority: Authority, cut: int) -> None:
    with pytest.raises(NetworkError, match="can't be read"):
        read(authority.issue("example.com").der[:cut])


def test_times_are_aware_of_their_zone(authority: Authority) -> None:
    found = read(authority.issue("example.com", ends=timedelta(hours=1)).der)
    assert faults(found, "example.com", now=found.not_after) == []
    assert faults(found, "example.com", now=found.not_after + timedelta(seconds=1)) != []
