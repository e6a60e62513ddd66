"""SRTP where libsrtp can't be called by address: through Python, by pylibsrtp's own API."""

from __future__ import annotations

import logging
from types import SimpleNamespace
from typing import Any

import pytest

from platypus._media.loop import Loop
from platypus.media import srtp
from platypus.media.keys import SrtpKeys
from platypus.media.relay import MAX_SSRCS, Receiver, Relay
from platypus.media.security import LegSecurity
from tests._media.peer import Peer, address_of, open_leg, running_loop, wait_for
from tests.harness.phones import run
from tests.media.test_srtp import MKI, by_turns, master, report, rtp, with_mki
from tests.test_encryption import GCM
from tests.test_srtp_calls import both, hears

CM = "AES_CM_128_HMAC_SHA1_80"
HERE = ("192.0.2.1", 4000)


class Wire:
    """A leg that only remembers."""

    def __init__(self) -> None:
        self.modes: list[tuple[str, object]] = []
        self.sent: list[tuple[bytes, bool]] = []
        self.delivered: list[bytes] = []

    def protect(self, how: object) -> None:
        self.modes.append(("protect", how))

    def unprotect(self, how: object, **_: object) -> None:
        self.modes.append(("unprotect", how))

    def transmit(self, packet: bytes, remote: tuple[str, int], *, rtcp_socket: bool) -> None:
        assert remote == HERE
        self.sent.append((packet, rtcp_socket))

    def deliver(self, packet: bytes, source: tuple[str, int], arrival_ns: int) -> None:
        assert (source, arrival_ns) == (HERE, 7)
        self.delivered.append(packet)


def receiver(
    profile: str = CM, seed: int = 1, mki: bytes = b"", beside: Receiver | None = None
) -> Receiver:
    known = srtp.PROFILES[profile]
    session, same_key = (
        srtp.session(profile, master(profile, seed), outbound=way) for way in (False, True)
    )
    return Receiver(session, mki, known.rtp_tag, known.rtcp_tag, beside, same_key)


class End:
    """A relay, its wire, and a far end that seals by the loop's own code."""

    def __init__(self, profile: str = CM, **options: Any) -> None:
        self.wire, self.lines = Wire(), []
        self.relay = Relay(self.wire, self.lines.append)  # type: ignore[arg-type]
        self.relay.send_by(srtp.session(profile, master(profile), outbound=True))
        self.relay.receive_by(receiver(profile, **options))
        self.far = srtp.context(profile, master(profile), outbound=True)

    def open(self, packet: bytes, kind: str = "open-rtp") -> bytes | None:
        before = len(self.wire.delivered)
        self.relay.receive(kind, HERE, packet, 7)
        return self.wire.delivered[-1] if len(self.wire.delivered) > before else None


@pytest.mark.parametrize("profile", list(srtp.PROFILES))
class TestEveryProfile:
    def test_what_it_seals_the_loops_code_opens(self, profile: str) -> None:
        end = End(profile)
        end.relay.receive("seal-rtp", HERE, rtp(1), 0)
        end.relay.receive("seal-rtcp", HERE, report(), 1)
        here = srtp.context(profile, master(profile), outbound=False)
        (first, by_rtcp), (second, then_by_rtcp) = end.wire.sent
        assert here.unprotect(first) == rtp(1)
        assert here.unprotect(second, rtcp=True) == report()
        assert (by_rtcp, then_by_rtcp) == (False, True)

    def test_what_the_loops_code_seals_it_opens(self, profile: str) -> None:
        end = End(profile)
        assert end.open(end.far.protect(rtp(1))) == rtp(1)
        assert end.open(end.far.protect(report(), rtcp=True), "open-rtcp") == report()

    def test_an_mki_says_which_of_several_keys_is_used(self, profile: str) -> None:
        end = End(profile, mki=b"\1")
        other = srtp.context(profile, master(profile, 2), outbound=True)
        first = receiver(profile, mki=b"\1", beside=receiver(profile, 2, b"\2"))
        assert first.open(with_mki(profile, other.protect(rtp(1)), b"\2"), rtcp=False) == rtp(1)
        assert first.open(with_mki(profile, end.far.protect(rtp(2)), b"\1"), rtcp=False) == rtp(2)
        assert first.open(with_mki(profile, other.protect(rtp(3)), b"\1"), rtcp=False) is None

    @pytest.mark.parametrize("wraps", [1, 20])
    def test_a_key_may_come_into_use_after_the_sequence_has_wrapped(
        self, profile: str, wraps: int
    ) -> None:
        mkis = b"\1", b"\2"
        first = receiver(profile, mki=mkis[0], beside=receiver(profile, 2, mkis[1]))
        for said in by_turns(profile, mkis, wraps):
            for index, packet in said:
                assert first.open(packet, rtcp=False) == rtp(index)
            assert first.open(packet, rtcp=False) is None  # a replay

    def test_an_mki_is_cut_out(self, profile: str) -> None:
        end = End(profile, mki=MKI)
        assert end.open(with_mki(profile, end.far.protect(rtp(1)), MKI)) == rtp(1)

    @pytest.mark.parametrize("packet", [b"", b"\x80", rtp(1), rtp(1)[:13], report()])
    def test_what_has_no_key_is_refused_and_counted(self, profile: str, packet: bytes) -> None:
        end = End(profile)
        assert end.open(packet) is None
        assert end.open(packet, "open-rtcp") is None
        assert end.relay.refused == 2


def test_a_replay_is_refused() -> None:
    end = End()
    packet = end.far.protect(rtp(1))
    assert end.open(packet)
    assert end.open(packet) is None


def test_a_new_key_is_tried_beside_the_old_one() -> None:
    end = End()
    old = [end.far.protect(rtp(number)) for number in range(3)]
    other = srtp.context(CM, master(CM, 2), outbound=True)
    new = [other.protect(rtp(number)) for number in range(3, 6)]
    assert end.open(old[0])
    end.relay.receive_by(receiver(seed=2))
    opened = [end.open(packet) for packet in (old[1], new[0], old[2], *new[1:])]
    assert all(opened)
    assert end.relay.refused == 0


@pytest.mark.parametrize("same_key", [False, True])
def test_a_new_key_is_waited_for_and_the_same_one_not_for_long(same_key: bool) -> None:
    end = End()
    end.relay.receive_by(receiver(seed=2), same_key=same_key)
    for number in range(120):
        assert end.open(end.far.protect(rtp(number)))
    other = srtp.context(CM, master(CM, 2), outbound=True)
    assert (end.open(other.protect(rtp(200))) is None) == same_key


def test_sources_are_bounded() -> None:
    end = End()
    for ssrc in range(MAX_SSRCS):
        assert end.open(end.far.protect(rtp(1, ssrc=ssrc)))
    assert end.open(end.far.protect(rtp(1, ssrc=MAX_SSRCS))) is None
    assert end.open(end.far.protect(rtp(2, ssrc=0)))


def test_the_loop_hands_packets_out_and_takes_them_back() -> None:
    """Between a leg that is relayed and a peer with the key, both ways."""
    with running_loop() as loop:
        peer = Peer()
        leg = open_leg(loop, peer.address)
        relay = Relay(leg, print)
        relay.send_by(srtp.session(CM, master(CM, 1), outbound=True))
        relay.receive_by(receiver(seed=2))
        far = srtp.context(CM, master(CM, 2), outbound=True)
        here = srtp.context(CM, master(CM, 1), outbound=False)
        for number in range(10):
            peer.socket.sendto(far.protect(rtp(number)), address_of(leg))

        def heard() -> bool:
            carry(loop, relay)
            return bool(leg.statistics()["receive"]["packets"] == 10)

        wait_for(heard)
        wait_for(lambda: carry(loop, relay) or leg.statistics()["send"]["packets"] > 5)
        assert len(here.unprotect(peer.socket.recv(2048))) == 172
        assert relay.refused == 0


def carry(loop: Loop, relay: Relay) -> None:
    loop.drain_events()
    for _, kind, host, port, packet, tag in loop.drain_packets():
        relay.receive(kind, (host, port), packet, tag)


def test_a_stream_without_addresses_to_call_goes_through_python(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(srtp, "NATIVE", None)
    wire: Any = Wire()
    security = LegSecurity(
        lambda: pytest.fail("no certificate is needed"),
        lambda *_: pytest.fail("no timer is needed"),
        changed=lambda: None,
        failed=lambda _: None,
    )
    keys = SrtpKeys(CM, master(CM, 1), master(CM, 2))
    security.apply(wire, keys, HERE)
    security.apply(wire, keys, HERE)
    assert wire.modes == [("protect", "relayed"), ("unprotect", "relayed")]
    assert security.profile == CM


@pytest.mark.parametrize("options", [{"srtp": "require"}, {"srtp": "require", "dtls": True}])
def test_calls_are_encrypted_by_pylibsrtps_own_api_too(
    options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(srtp, "NATIVE", None)

    async def work() -> None:
        async with both(options) as (alice, bob):
            call = alice.engine.call(bob.uri)
            await call.answered()
            await hears(call)
            await hears(bob.engine.calls[0])
            assert call.srtp == GCM
            relay = call.media.stream._security._relay
            assert relay is not None
            assert relay.refused == 0
            relay.receive("open-rtp", HERE, rtp(1), 7)
            figures = call.media.stream.raw_statistics()
            assert figures is not None
            assert figures["forged"] == 1

    run(work())


class TestLooking:
    """What is relied on is looked at when the module is imported."""

    @staticmethod
    def look(monkeypatch: pytest.MonkeyPatch, **changes: Any) -> srtp.Native | None:
        real = srtp._binding()
        fake = SimpleNamespace(ffi=real.ffi, lib=real.lib)
        for name, value in changes.items():
            setattr(fake, name, value)
        monkeypatch.setattr(srtp, "_binding", lambda: fake)
        return srtp._look()

    def test_all_is_well_here(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert self.look(monkeypatch) == srtp.NATIVE

    @pytest.mark.parametrize("changes", [{"lib": SimpleNamespace()}, {"ffi": SimpleNamespace()}])
    def test_without_the_functions_a_word_in_the_log_says_so(
        self,
        changes: Any,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        with caplog.at_level(logging.WARNING):
            assert self.look(monkeypatch, **changes) is None
        assert "pylibsrtp's own API, which is slower" in caplog.text

    def test_functions_that_take_something_else_are_not_called(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        real = srtp._binding()
        # What libsrtp 3 makes of it takes more.
        other = real.ffi.typeof("int(*)(void *, int, int)")
        ffi = SimpleNamespace(addressof=real.ffi.addressof, cast=real.ffi.cast)
        ffi.typeof = lambda _: other
        assert self.look(monkeypatch, ffi=ffi) is None
        assert "srtp_protect takes void *, int, int" in caplog.text

    def test_a_packet_that_differs_is_noticed(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        class Other:
            def __init__(self, session: Any) -> None:
                self._srtp = session._srtp
                self._session = session

            def protect(self, packet: bytes) -> bytes:
                return bytes(len(packet))

        make = srtp.session
        monkeypatch.setattr(srtp, "session", lambda *a, **k: Other(make(*a, **k)))
        assert srtp._look() is None
        assert "do not give the same packet" in caplog.text
