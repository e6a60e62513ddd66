"""Offers and answers about keys, between two negotiators and in the words on the wire."""

from __future__ import annotations

import logging
import random
import re
from typing import Any

import pytest

from platypus.encryption import Encryption, Rule
from platypus.errors import ConfigError, SdpError
from platypus.media import srtp
from platypus.media.keys import DtlsPeer, SrtpKeys
from platypus.negotiation import Negotiator, StreamPlan
from platypus.options import DEFAULT_SUITES
from platypus.sdp.security import SUITES

CM, CM32 = "AES_CM_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32"
GCM, GCM256 = "AEAD_AES_128_GCM", "AEAD_AES_256_GCM"


class Side:
    """One end of a call."""

    def __init__(self, rule: Rule = "prefer", *, seed: int = 1, dtls: bool = False, **more: Any):
        digest = ("sha-256", bytes([seed]) * 32)
        self.bytes = random.Random(seed).randbytes
        self.encryption = Encryption(
            rule, random=self.bytes, fingerprint=lambda: digest, dtls_first=dtls, **more
        )
        self.negotiator = Negotiator(["pcmu"], random=self.bytes, encryption=self.encryption)

    def offer(self, *, tls: bool = False) -> bytes:
        return self.negotiator.offer("192.0.2.1", 4000, encrypted_hop=tls)

    def answer(self, offer: bytes) -> tuple[bytes, StreamPlan]:
        self.negotiator.receive_offer(offer)
        return self.negotiator.answer("192.0.2.2", 5000)


def cm_offer() -> bytes:
    return Side("require", suites=[CM]).offer()


def agree(alice: Side, bob: Side, **how: bool) -> tuple[StreamPlan, StreamPlan]:
    """Alice offers and Bob answers; each one's plan."""
    answer, bobs = bob.answer(alice.offer(**how))
    return alice.negotiator.receive_answer(answer), bobs


def keys(plan: StreamPlan) -> SrtpKeys:
    assert isinstance(plan.security, SrtpKeys)
    return plan.security


def suites_in(body: bytes) -> list[str]:
    return re.findall(r"a=crypto:\d+ (\w+) ", body.decode())


def protocol_of(body: bytes) -> str:
    return body.split(b"m=audio ")[1].split()[1].decode()


def changed(body: bytes, old: bytes, new: bytes) -> bytes:
    assert old in body
    return body.replace(old, new)


class TestOffers:
    def test_prefer_offers_every_suite_over_tls_in_rtp_avp(self) -> None:
        offer = Side("prefer").offer(tls=True)
        assert protocol_of(offer) == "RTP/AVP"
        assert suites_in(offer) == [GCM, GCM256, CM, CM32]

    def test_prefer_offers_no_key_to_whoever_reads_udp(self) -> None:
        offer = Side("prefer").offer()
        assert protocol_of(offer) == "RTP/AVP"
        assert suites_in(offer) == []

    def test_off_offers_none_over_tls_either(self) -> None:
        assert suites_in(Side("off").offer(tls=True)) == []

    def test_require_offers_rtp_savp(self) -> None:
        offer = Side("require").offer(tls=True)
        assert protocol_of(offer) == "RTP/SAVP"
        assert suites_in(offer) == [GCM, GCM256, CM, CM32]

    def test_require_over_udp_offers_two_suites_and_warns_once(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        alice = Side("require")
        with caplog.at_level(logging.WARNING):
            offer = alice.offer()
            alice.offer()
        assert suites_in(offer) == [GCM, CM]
        assert len(caplog.records) == 1
        assert "use TLS" in caplog.text
        assert "inline" not in caplog.text

    def test_each_suite_and_each_call_has_a_key_of_its_own(self) -> None:
        offers = [Side("require", seed=seed).offer(tls=True) for seed in (1, 2)]
        found = re.findall(rb"inline:(\S+)", b"".join(offers))
        assert len(set(found)) == 8

    def test_only_the_chosen_suites_are_offered(self) -> None:
        assert suites_in(Side("require", suites=(CM32,)).offer()) == [CM32]

    @pytest.mark.parametrize("options", [{"rule": "maybe"}, {"suites": ("ROT13",)}])
    def test_what_there_is_not_is_refused(self, options: Any) -> None:
        with pytest.raises(ConfigError, match=r"maybe|ROT13"):
            Encryption(random=bytes, **options)

    def test_the_suites_are_those_of_the_media(self) -> None:
        assert tuple(SUITES) == DEFAULT_SUITES
        lengths = {name: profile.master_length for name, profile in srtp.PROFILES.items()}
        assert lengths == SUITES


class TestAgreement:
    @pytest.mark.parametrize("suite", DEFAULT_SUITES)
    @pytest.mark.parametrize("rule", ["prefer", "require"])
    def test_both_have_the_same_keys_the_other_way_round(self, rule: Rule, suite: str) -> None:
        alice, bob = Side(rule, suites=(suite,)), Side(seed=2)
        ours, theirs = map(keys, agree(alice, bob, tls=True))
        assert ours.profile == theirs.profile == suite
        assert (ours.send, ours.receive) == (theirs.receive, theirs.send)
        assert ours.send != ours.receive

    def test_the_first_suite_that_is_known_is_taken(self) -> None:
        alice, bob = Side("require"), Side(seed=2, suites=(CM32, CM))
        assert keys(agree(alice, bob, tls=True)[0]).profile == CM

    def test_the_answer_repeats_tag_and_profile_of_the_offer(self) -> None:
        offer = changed(Side("require").offer(), b"a=crypto:1 ", b"a=crypto:17 ")
        answer, _ = Side(seed=2).answer(offer)
        assert protocol_of(answer) == "RTP/SAVP"
        assert re.findall(rb"a=crypto:(\d+)", answer) == [b"17"]

    def test_keys_are_taken_anywhere_also_in_rtp_avp(self) -> None:
        plan, _ = agree(Side("prefer"), Side(seed=2), tls=True)
        assert keys(plan).profile == GCM

    def test_prefer_and_a_phone_without_encryption_talk_plainly(self) -> None:
        ours, theirs = agree(Side("prefer"), Side("off", seed=2), tls=True)
        assert ours.security is None
        assert theirs.security is None

    def test_an_mki_of_theirs_is_known(self) -> None:
        offer = re.sub(rb"(a=crypto:1 .*)\r", rb"\1|1:4\r", Side("require").offer())
        _, plan = Side(seed=2).answer(offer)
        assert keys(plan).receive_mki == b"\0\0\0\1"

    def test_all_keys_of_a_line_are_known(self) -> None:
        more = rb";inline:" + b"A" * 40 + rb"|2:4"
        offer = re.sub(rb"(a=crypto:1 .*)\r", rb"\1|1:4" + more + rb"\r", cm_offer())
        answer, plan = Side(seed=2).answer(offer)
        assert keys(plan).receive_mki == b"\0\0\0\1"
        assert keys(plan).receive_others == ((bytes(30), b"\0\0\0\2"),)
        assert answer.count(b"inline:") == 1

    def test_of_two_streams_the_encrypted_one_is_taken_where_that_is_required(self) -> None:
        plain = b"m=audio 6000 RTP/AVP 0\r\n"
        head, section = Side("require").offer().split(b"m=audio ")
        offer = head + plain + b"m=audio " + section
        answer, plan = Side("require", seed=2).answer(offer)
        assert b"m=audio 0 RTP/AVP" in answer
        assert keys(plan)

    @pytest.mark.parametrize("first", ["plain", "encrypted"])
    def test_of_two_streams_the_encrypted_one_is_preferred(self, first: str) -> None:
        head, section = Side("require").offer().split(b"m=audio ")
        streams = [b"m=audio 6000 RTP/AVP 0\r\n", b"m=audio " + section]
        ordered = streams if first == "plain" else streams[::-1]
        answer, plan = Side("prefer", seed=2).answer(head + b"".join(ordered))
        assert b"m=audio 0 RTP/AVP" in answer
        assert keys(plan)

    def test_of_two_streams_the_plain_one_is_taken_where_the_other_can_not_be(self) -> None:
        head, section = Side("require").offer().split(b"m=audio ")
        other = re.sub(rb" RTP/SAVP [0-9 ]+", b" RTP/SAVP 18", section)
        offer = head + b"m=audio " + other + b"m=audio 6000 RTP/AVP 0\r\n"
        answer, plan = Side("prefer", seed=2).answer(offer)
        assert b"m=audio 0 RTP/SAVP" in answer
        assert plan.security is None

    @pytest.mark.parametrize("protocol", [b"RTP/SAVPF", b"RTP/AVPF"])
    def test_profiles_with_feedback_are_taken_without_it(self, protocol: bytes) -> None:
        offer = changed(Side("require").offer(), b"RTP/SAVP", protocol)
        answer, plan = Side(seed=2).answer(offer)
        assert protocol_of(answer).encode() == protocol
        assert keys(plan)

    def test_asking_for_the_answer_twice_gives_the_same_key(self) -> None:
        bob = Side(seed=2)
        bob.negotiator.receive_offer(Side("require").offer())
        first = bob.negotiator.answer("192.0.2.2", 5000)
        assert bob.negotiator.answer("192.0.2.2", 5000) == first

    def test_the_same_answer_again_changes_nothing(self) -> None:
        alice, bob = Side("require"), Side(seed=2)
        answer, _ = bob.answer(alice.offer())
        early = alice.negotiator.receive_answer(answer)
        assert alice.negotiator.receive_answer(answer) == early

    def test_no_key_is_in_the_repr_of_a_plan(self) -> None:
        plan, _ = agree(Side("require"), Side(seed=2))
        for key in (keys(plan).send, keys(plan).receive):
            assert repr(key)[2:-1] not in repr(plan)


class TestRefusals:
    def test_require_refuses_an_offer_without_keys_with_a_sentence(self) -> None:
        with pytest.raises(SdpError, match="SRTP is required here, and the other side offers none"):
            Side("require").answer(Side("off", seed=2).offer())

    def test_off_refuses_rtp_savp_with_a_sentence(self) -> None:
        with pytest.raises(SdpError, match="RTP/SAVP is encrypted, and SRTP is turned off here"):
            Side("off").answer(Side("require", seed=2).offer())

    def test_rtp_savp_without_a_key_is_refused(self) -> None:
        offer = re.sub(rb"a=crypto:.*\r\n", b"", Side("require").offer())
        with pytest.raises(SdpError, match="RTP/SAVP without a key of a suite that we know"):
            Side(seed=2).answer(offer)

    def test_no_suite_in_common_is_refused(self) -> None:
        offer = Side("require", suites=(CM,)).offer()
        with pytest.raises(SdpError, match="without a key of a suite that we know: AEAD_AES_128"):
            Side(seed=2, suites=(GCM,)).answer(offer)

    def test_a_profile_that_is_none_is_named(self) -> None:
        offer = changed(Side("require").offer(), b"RTP/SAVP", b"udptl")
        with pytest.raises(SdpError, match="UDPTL is not supported"):
            Side(seed=2).answer(offer)

    def refused_answer(self, rule: Rule, old: bytes, new: bytes) -> None:
        alice, bob = Side(rule), Side(seed=2)
        answer, _ = bob.answer(alice.offer(tls=True))
        alice.negotiator.receive_answer(re.sub(old, new, answer))

    def test_an_answer_without_keys_is_refused_where_they_are_required(self) -> None:
        with pytest.raises(SdpError, match="the other side answered without it"):
            self.refused_answer("require", rb"a=crypto:.*\r\n", b"")

    @pytest.mark.parametrize("rule", ["prefer", "require"])
    @pytest.mark.parametrize(
        ("old", "new", "why"),
        [
            (rb"a=crypto:1 ", b"a=crypto:9 ", "9 AEAD_AES_128_GCM, which was not offered"),
            (rb"a=crypto:1 ", b"a=crypto:2 ", "2 AEAD_AES_128_GCM, which was not offered"),
            (rb"inline:\S+", b"inline:AAAA", "can't be used"),
        ],
    )
    def test_an_answer_with_a_key_that_does_not_fit_is_never_taken_as_plain(
        self, rule: Rule, old: bytes, new: bytes, why: str
    ) -> None:
        with pytest.raises(SdpError, match=why):
            self.refused_answer(rule, old, new)

    def test_an_answer_of_another_transport_is_refused(self) -> None:
        alice = Side("off")
        answer, _ = Side(seed=2).answer(alice.offer())
        with pytest.raises(SdpError, match="TCP/RTP/AVP, which was not offered"):
            alice.negotiator.receive_answer(changed(answer, b"RTP/AVP", b"TCP/RTP/AVP"))

    def test_an_answer_with_keys_to_a_plain_offer_is_refused(self) -> None:
        alice, bob = Side("off"), Side(seed=2)
        answer, _ = bob.answer(alice.offer())
        crypto = re.search(rb"a=crypto.*\r\n", Side("require").offer())
        assert crypto
        with pytest.raises(SdpError, match="encryption that was not offered"):
            alice.negotiator.receive_answer(answer + crypto[0])

    def test_what_was_refused_leaves_the_agreement_as_it_was(self) -> None:
        alice, bob = Side("require"), Side("require", seed=2)
        _, before = agree(alice, bob)
        with pytest.raises(SdpError):
            bob.answer(Side("off", seed=3).offer())
        assert bob.negotiator.plan == before


class TestLater:
    """Re-INVITEs: hold, session timers, new keys."""

    def test_our_key_stays_as_long_as_theirs_does(self) -> None:
        alice, bob = Side("require"), Side(seed=2)
        first = [keys(plan) for plan in agree(alice, bob, tls=True)]
        second = [keys(plan) for plan in agree(alice, bob, tls=True)]
        third = [keys(plan) for plan in reversed(agree(bob, alice))]
        for before, after in zip(first * 2, second + third, strict=True):
            assert (after.send, after.receive) == (before.send, before.receive)
            assert after.agreement > before.agreement

    def test_a_later_offer_has_the_suite_in_use_alone(self) -> None:
        alice, bob = Side("prefer"), Side(seed=2, suites=(CM,))
        agree(alice, bob, tls=True)
        assert suites_in(alice.offer()) == [CM]
        assert suites_in(bob.offer()) == [CM]

    def test_who_renews_its_key_gets_a_new_one_from_the_other_side(self) -> None:
        alice, bob = Side("require"), Side(seed=2)
        before, _ = map(keys, agree(alice, bob))
        alice.negotiator.renew_keys()
        after, theirs = map(keys, agree(alice, bob))
        assert after.profile == before.profile
        assert {after.send, after.receive}.isdisjoint({before.send, before.receive})
        assert (after.send, after.receive) == (theirs.receive, theirs.send)
        again, _ = map(keys, agree(alice, bob))
        assert (again.send, again.receive) == (after.send, after.receive)

    def test_a_key_that_was_refused_is_not_used(self) -> None:
        alice, bob = Side("require"), Side(seed=2)
        before, _ = map(keys, agree(alice, bob))
        alice.negotiator.renew_keys()
        alice.offer()
        alice.negotiator.offer_refused()
        assert alice.negotiator.plan
        assert keys(alice.negotiator.plan) == before

    def test_another_suite_in_a_later_offer_is_taken(self) -> None:
        bob = Side(seed=2)
        agree(Side("require", suites=(CM,)), bob)
        plan, _ = agree(Side("require", seed=3, suites=(GCM256,)), bob, tls=True)
        assert keys(plan).profile == GCM256

    def test_a_later_offer_without_keys_makes_the_call_plain_unless_they_are_required(self) -> None:
        bob = Side(seed=2)
        agree(Side("require"), bob)
        _, plan = bob.answer(Side("off", seed=3).offer())
        assert plan.security is None


class TestDtls:
    @pytest.mark.parametrize("rule", ["prefer", "require"])
    def test_the_profile_of_rfc_5764_is_offered_over_udp_too(self, rule: Rule) -> None:
        offer = Side(rule, dtls=True).offer()
        assert protocol_of(offer) == "UDP/TLS/RTP/SAVP"
        assert b"a=setup:actpass\r\n" in offer
        assert b"a=fingerprint:sha-256 01:01:" in offer
        assert suites_in(offer) == []

    def test_a_fingerprint_in_rtp_avp_is_taken(self) -> None:
        offer = changed(Side("require", dtls=True).offer(), b"UDP/TLS/RTP/SAVP", b"RTP/AVP")
        answer, plan = Side(seed=2).answer(offer)
        assert protocol_of(answer) == "RTP/AVP"
        assert isinstance(plan.security, DtlsPeer)

    @pytest.mark.parametrize("rule", ["prefer", "require"])
    def test_who_answers_begins_the_handshake(self, rule: Rule) -> None:
        ours, theirs = agree(Side(rule, dtls=True), Side(seed=2))
        assert ours.security == DtlsPeer(False, (("sha-256", b"\2" * 32),))
        assert theirs.security == DtlsPeer(True, (("sha-256", b"\1" * 32),))

    @pytest.mark.parametrize(
        ("offered", "answered"), [(b"active", b"passive"), (b"passive", b"active")]
    )
    def test_each_role_is_answered_by_the_other(self, offered: bytes, answered: bytes) -> None:
        offer = changed(Side("require", dtls=True).offer(), b"actpass", offered)
        answer, plan = Side(seed=2).answer(offer)
        assert b"a=setup:" + answered + b"\r\n" in answer
        assert isinstance(plan.security, DtlsPeer)
        assert plan.security.client == (answered == b"active")

    @pytest.mark.parametrize("protocol", [b"UDP/TLS/RTP/SAVP", b"RTP/AVP"])
    def test_who_wants_no_connection_for_now_is_waited_for(self, protocol: bytes) -> None:
        """RFC 4145, 4.1, in an offer."""
        alice, bob = Side("require", dtls=True), Side(seed=2)
        offer = changed(alice.offer(), b"actpass", b"holdconn")
        answer, plan = bob.answer(changed(offer, b"UDP/TLS/RTP/SAVP", protocol))
        assert b"a=setup:holdconn\r\n" in answer
        assert b"a=fingerprint:sha-256 02:02:" in answer
        assert (plan.direction, plan.send, plan.receive) == ("inactive", False, False)
        assert plan.security == DtlsPeer(False, (("sha-256", b"\1" * 32),), held=True)
        assert bob.negotiator.hold_state == "remote"
        plan = alice.negotiator.receive_answer(answer)
        assert isinstance(plan.security, DtlsPeer) and plan.security.held
        assert alice.negotiator.hold_state == "remote"

    def test_an_answer_that_wants_no_connection_for_now_is_taken(self) -> None:
        alice, bob = Side("require", dtls=True), Side(seed=2)
        answer, _ = bob.answer(alice.offer())
        plan = alice.negotiator.receive_answer(changed(answer, b"setup:active", b"setup:holdconn"))
        assert (plan.direction, plan.send, plan.receive) == ("inactive", False, False)
        assert alice.negotiator.hold_state == "remote"
        assert plan.remote is not None

    @pytest.mark.parametrize("offers", ["who wanted none", "the other"])
    def test_a_later_offer_brings_the_connection(self, offers: str) -> None:
        alice, bob = Side("require", dtls=True), Side(seed=2)
        answer, _ = bob.answer(changed(alice.offer(), b"actpass", b"holdconn"))
        alice.negotiator.receive_answer(answer)
        first, second = (alice, bob) if offers == "who wanted none" else (bob, alice)
        for side, plan in zip((first, second), agree(first, second), strict=True):
            assert plan.direction == "sendrecv"
            assert isinstance(plan.security, DtlsPeer)
            assert plan.security.client == (side is second)
            assert not plan.security.held
            assert side.negotiator.hold_state == "none"

    @pytest.mark.parametrize("role", [b"actpass", b"both", b""])
    def test_an_answer_that_does_not_say_who_begins_is_refused(self, role: bytes) -> None:
        alice = Side("require", dtls=True)
        answer, _ = Side(seed=2).answer(alice.offer())
        with pytest.raises(SdpError, match="does not say who begins"):
            alice.negotiator.receive_answer(changed(answer, b"setup:active", b"setup:" + role))

    def test_who_says_nothing_waits_in_an_answer_and_begins_in_an_offer(self) -> None:
        """RFC 4145, 4: the defaults."""
        alice, bob = Side("require", dtls=True), Side(seed=2)
        answer, plan = bob.answer(changed(alice.offer(), b"a=setup:actpass\r\n", b""))
        assert b"a=setup:passive\r\n" in answer
        plans = plan, alice.negotiator.receive_answer(changed(answer, b"a=setup:passive\r\n", b""))
        for each, client in zip(plans, (False, True), strict=True):
            assert isinstance(each.security, DtlsPeer)
            assert each.security.client == client

    def test_a_fingerprint_that_proves_nothing_is_refused(self) -> None:
        weak = b"sha-1 " + b":".join([b"01"] * 20)
        offer = re.sub(rb"sha-256 [0-9A-F:]+", weak, Side("require", dtls=True).offer())
        with pytest.raises(SdpError, match="without a fingerprint that proves anything: sha-256"):
            Side(seed=2).answer(offer)

    @pytest.mark.parametrize("rule", ["prefer", "require"])
    def test_a_fingerprint_that_proves_nothing_is_no_answer(self, rule: Rule) -> None:
        alice = Side(rule, dtls=True)
        answer, _ = Side(seed=2).answer(alice.offer())
        weak = re.sub(rb"sha-256 [0-9A-F:]+", b"sha-1 " + b":".join([b"01"] * 20), answer)
        with pytest.raises(SdpError, match="no fingerprint of the answer proves anything"):
            alice.negotiator.receive_answer(weak)

    @pytest.mark.parametrize(("tls", "suites"), [(False, []), (True, list(DEFAULT_SUITES))])
    def test_the_second_offer_does_without_it_where_that_is_allowed(
        self, tls: bool, suites: list[str]
    ) -> None:
        alice = Side("prefer", dtls=True)
        alice.offer(tls=tls)
        assert alice.negotiator.second_offer()
        offer = alice.offer(tls=tls)
        assert protocol_of(offer) == "RTP/AVP"
        assert b"fingerprint" not in offer
        assert suites_in(offer) == suites
        assert not alice.negotiator.second_offer()

    @pytest.mark.parametrize("options", [{"rule": "require", "dtls": True}, {"rule": "prefer"}])
    def test_there_is_no_second_offer_else(self, options: Any) -> None:
        alice = Side(**options)
        alice.offer(tls=True)
        assert not alice.negotiator.second_offer()

    def test_whoever_offers_again_the_association_keeps_its_roles(self) -> None:
        """RFC 8842, 5.3: or each hold by the called would need another handshake."""
        alice, bob = Side("require", dtls=True), Side(seed=2)
        ours, theirs = agree(alice, bob)
        again = agree(bob, alice)
        assert [plan.security for plan in again] == [theirs.security, ours.security]

    def test_an_answer_that_leaves_the_roles_open_keeps_those_there_are(self) -> None:
        """As baresip 1.0 answers where it has offered before."""
        alice, bob = Side("require", dtls=True), Side(seed=2)
        _, theirs = agree(alice, bob)
        answer, _ = alice.answer(bob.offer())
        plan = bob.negotiator.receive_answer(changed(answer, b"setup:passive", b"setup:actpass"))
        assert plan.security == theirs.security
        answer, _ = alice.answer(bob.offer())
        other = changed(answer, b"01:01:01", b"03:03:03")
        with pytest.raises(SdpError, match="does not say who begins"):
            bob.negotiator.receive_answer(changed(other, b"setup:passive", b"setup:actpass"))

    @pytest.mark.parametrize("what", ["another certificate", "another role"])
    def test_what_is_another_association_has_roles_of_its_own(self, what: str) -> None:
        alice, bob = Side("require", dtls=True), Side(seed=2)
        agree(alice, bob)
        offer = bob.offer()
        if what == "another role":
            offer = changed(offer, b"actpass", b"passive")
        else:
            offer = changed(offer, b"02:02:02", b"03:03:03")
        _, plan = alice.answer(offer)
        assert isinstance(plan.security, DtlsPeer)
        assert plan.security.client

    def test_an_association_keeps_its_roles_over_a_time_without_connection(self) -> None:
        alice, bob = Side("require", dtls=True), Side(seed=2)
        ours, theirs = agree(alice, bob)
        answer, _ = alice.answer(changed(bob.offer(), b"actpass", b"holdconn"))
        bob.negotiator.receive_answer(answer)
        again = agree(bob, alice)
        assert [plan.security for plan in again] == [theirs.security, ours.security]

    def test_the_same_certificate_is_offered_again(self) -> None:
        alice, bob = Side("require", dtls=True), Side(seed=2)
        first = agree(alice, bob)
        again = agree(alice, bob)
        assert [plan.security for plan in again] == [plan.security for plan in first]
