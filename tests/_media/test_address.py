"""Symmetric RTP: whose packets are heard, and where ours go."""

from __future__ import annotations

import pytest

from platypus._media.address import Latch

SIGNALLED = ("192.0.2.1", 4000)
NAT = ("198.51.100.7", 61000)
STRANGER = ("203.0.113.9", 5004)
MS = 1_000_000


class Call:
    """A latch in virtual time that is told of packets 20 ms apart."""

    def __init__(self, signalled: tuple[str, int] | None = SIGNALLED) -> None:
        self.latch = Latch()
        self.latch.signal(signalled)
        self.now = 10_000 * MS
        self.sequence = 65_530

    def hears(self, source: tuple[str, int], count: int = 1, *, ssrc: int = 1) -> list[str]:
        verdicts = []
        for _ in range(count):
            self.now += 20 * MS
            self.sequence = (self.sequence + 1) & 0xFFFF
            verdicts.append(self.latch.judge(source, ssrc, self.sequence, self.now))
        return verdicts

    def silence(self, ms: int) -> None:
        self.now += ms * MS


def test_sends_to_the_signalled_address_before_anything_was_heard():
    assert Call().latch.target == SIGNALLED


def test_the_signalled_address_moves_nothing():
    call = Call()
    assert call.hears(SIGNALLED, 3) == ["taken"] * 3
    assert call.latch.target == SIGNALLED


def test_hears_the_first_source_at_once_while_the_signalled_address_is_silent():
    assert Call().hears(NAT) == ["taken"]


def test_sends_to_another_source_only_after_it_kept_talking():
    call = Call()
    assert call.hears(NAT, 5) == ["taken"] * 4 + ["moved"]
    assert call.latch.target == NAT


def test_a_single_stray_packet_never_redirects_ours():
    call = Call()
    call.hears(STRANGER, 2)
    call.hears(SIGNALLED, 10)
    assert call.latch.target == SIGNALLED


def test_drops_strangers_while_the_far_end_talks():
    call = Call()
    call.hears(SIGNALLED, 5)
    for _ in range(50):
        assert call.hears(STRANGER, ssrc=2) == ["stranger"]
        assert call.hears(SIGNALLED) == ["taken"]
    assert call.latch.target == SIGNALLED


def test_the_signalled_address_takes_the_call_back_as_soon_as_it_speaks():
    call = Call()
    call.hears(STRANGER, 20, ssrc=2)
    assert call.latch.target == STRANGER
    assert call.hears(SIGNALLED) == ["moved"]
    assert call.latch.target == SIGNALLED
    assert call.hears(STRANGER, ssrc=2) == ["stranger"]


def test_a_stranger_is_dropped_until_the_far_end_was_silent_for_a_second():
    call = Call()
    call.hears(NAT, 10)
    call.silence(900)
    assert call.hears(STRANGER, ssrc=2) == ["stranger"]
    call.silence(100)
    assert call.hears(STRANGER, ssrc=2) == ["taken"]
    assert call.latch.target == NAT


def test_the_same_stream_from_a_new_port_is_followed_sooner():
    call = Call()
    call.hears(NAT, 10)
    call.silence(300)
    rebound = (NAT[0], NAT[1] + 1)
    assert call.hears(rebound) == ["moved"]
    assert call.latch.target == rebound


def test_the_right_ssrc_alone_is_no_evidence():
    call = Call()
    call.hears(NAT, 10)
    call.silence(300)
    call.sequence += 20_000
    assert call.hears(STRANGER) == ["stranger"]


def test_the_same_stream_from_elsewhere_is_a_stranger_while_the_far_end_is_alive():
    call = Call()
    call.hears(NAT, 10)
    assert call.hears(STRANGER) == ["stranger"]


def test_a_new_signalled_address_forgets_what_was_learnt():
    call = Call()
    call.hears(NAT, 10)
    call.latch.signal(("192.0.2.2", 4002))
    assert call.latch.target == ("192.0.2.2", 4002)


def test_the_same_signalled_address_again_keeps_what_was_learnt():
    call = Call()
    call.hears(NAT, 10)
    call.latch.signal(SIGNALLED)
    assert call.latch.target == NAT


def test_hears_early_media_but_sends_nowhere_while_nothing_was_signalled():
    call = Call(None)
    assert call.hears(NAT, 20) == ["taken"] * 20
    assert call.latch.target is None


def test_an_ipv4_mapped_source_is_the_ipv4_address():
    call = Call()
    assert call.hears(("::ffff:192.0.2.1", 4000)) == ["taken"]
    assert call.latch.target == SIGNALLED


def test_follows_ipv6():
    call = Call(("2001:db8::1", 4000))
    call.hears(("2001:db8::2", 4000), 5)
    assert call.latch.target == ("2001:db8::2", 4000)


@pytest.mark.parametrize("remote", [("pbx.example.com", 4000), ("192.0.2.1", 0), ("", 4000)])
def test_refuses_what_is_not_a_numeric_address(remote):
    with pytest.raises(ValueError, match="numeric"):
        Latch().signal(remote)
