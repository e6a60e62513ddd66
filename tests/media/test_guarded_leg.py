"""Legs of the loop under SRTP: what leaves, what is believed, and how keys change under way."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from platypus._media import rtcp
from platypus._media.endpoint import BufferSource
from platypus._media.g711 import encode_ulaw
from platypus._media.loop import Leg, Loop
from platypus._media.srtp import Context
from platypus.media import srtp
from tests._media.peer import Peer, address_of, open_leg, running_loop, wait_for
from tests.media.test_srtp import master, report, rtp, with_mki

CM, GCM = "AES_CM_128_HMAC_SHA1_80", "AEAD_AES_256_GCM"


@pytest.fixture
def loop() -> Iterator[Loop]:
    with running_loop() as loop:
        yield loop


class SecurePeer(Peer):
    """A far end with a key of its own for each direction."""

    def __init__(self, profile: str = CM, *, seed: int = 5) -> None:
        super().__init__()
        self.profile = profile
        self.use(seed)

    def use(self, seed: int) -> None:
        """Send with another key from now on."""
        self.sealing = srtp.context(self.profile, master(self.profile, seed), outbound=True)

    def sealed(self, number: int, *, ssrc: int = 77) -> bytes:
        return self.sealing.protect(rtp(number, ssrc=ssrc, payload=b"\x80" * 160))


def opening(profile: str = CM, seed: int = 5, **options: Any) -> Context:
    return srtp.context(profile, master(profile, seed), outbound=False, **options)


def figures(leg: Leg) -> tuple[int, int, int]:
    counted = leg.statistics()
    return counted["receive"]["packets"], counted["forged"], counted["replayed"]


def say(peer: Peer, leg: Leg, packets: list[bytes]) -> None:
    for packet in packets:
        peer.socket.sendto(packet, address_of(leg))


class TestSending:
    @pytest.mark.parametrize("profile", list(srtp.PROFILES))
    def test_every_packet_is_protected_and_bit_exact_inside(self, loop: Loop, profile: str) -> None:
        peer = Peer()
        leg = open_leg(loop)
        leg.protect(srtp.context(profile, master(profile), outbound=True))
        leg.set_source(BufferSource(bytes(range(256)) * 50, 8000))
        leg.configure_send(0, "pcmu", peer.address)
        here = srtp.context(profile, master(profile), outbound=False)
        sequences = []
        for _ in range(5):
            packet = peer.socket.recv(2048)
            plain = here.unprotect(packet)
            assert len(plain) == 172
            assert plain[12:] not in packet
            sequences.append(int.from_bytes(plain[2:4], "big"))
        assert sequences == [65534, 65535, 0, 1, 2]

    def test_a_context_that_comes_back_goes_on_past_the_wrap(self, loop: Loop) -> None:
        peer = Peer()
        leg = open_leg(loop)
        ours = srtp.context(CM, master(CM), outbound=True)
        here = srtp.context(CM, master(CM), outbound=False)
        leg.protect(ours)
        leg.configure_send(0, "pcmu", peer.address)

        def opened() -> int | None:
            try:
                return int.from_bytes(here.unprotect(peer.socket.recv(2048))[2:4], "big")
            except ValueError:
                return None

        assert [opened() for _ in range(4)] == [65534, 65535, 0, 1]
        leg.protect(srtp.context(CM, master(CM, 2), outbound=True))
        while opened() is not None:
            pass
        leg.protect(ours)
        numbers = [opened() for _ in range(10)]  # the first may have left by the other key
        assert numbers[-1] is not None

    def test_reports_are_protected_too_and_so_is_the_last(self, loop: Loop) -> None:
        peer = Peer()
        leg = open_leg(loop)
        leg.protect(srtp.context(CM, master(CM), outbound=True))
        leg.configure_send(0, "pcmu", peer.address)
        leg.configure_rtcp(peer.address, mux=True)
        here = srtp.context(CM, master(CM), outbound=False)

        def next_report() -> dict[str, object]:
            while True:
                packet = peer.socket.recv(2048)
                if 192 <= packet[1] <= 223:
                    said = rtcp.parse(here.unprotect(packet, rtcp=True))
                    assert said is not None
                    return said

        assert next_report()["sender"]
        leg.close()
        assert next_report()["bye"]

    def test_nothing_leaves_a_leg_that_is_shut(self, loop: Loop) -> None:
        peer = Peer()
        leg = open_leg(loop)
        leg.protect("shut")
        leg.configure_send(0, "pcmu", peer.address)
        said = (bytes([120]) + bytes([90])) * 160
        leg.set_source(BufferSource(said, 8000))
        other = Peer()
        open_leg(loop, other.address)
        other.receive_many(5)
        peer.socket.setblocking(False)
        with pytest.raises(BlockingIOError):
            peer.socket.recv(2048)
        leg.protect("plain")
        peer.socket.settimeout(20)
        # And a file has waited to be heard from its first sample.
        assert peer.receive().payload == encode_ulaw(said)

    def test_a_new_key_takes_over_between_two_packets(self, loop: Loop) -> None:
        peer = Peer()
        leg = open_leg(loop)
        leg.protect(srtp.context(CM, master(CM, 1), outbound=True))
        leg.configure_send(0, "pcmu", peer.address)
        old = opening(CM, 1)
        old.unprotect(peer.socket.recv(2048))
        leg.protect(srtp.context(GCM, master(GCM, 2), outbound=True))
        new, seen = opening(GCM, 2), []
        while len(seen) < 3:
            packet = peer.socket.recv(2048)
            try:
                old.unprotect(packet)
            except ValueError:
                seen.append(new.unprotect(packet))


class TestReceiving:
    def test_what_authenticates_is_heard(self, loop: Loop) -> None:
        peer = SecurePeer()
        leg = open_leg(loop, peer.address)
        leg.unprotect(opening())
        say(peer, leg, [peer.sealed(number) for number in range(10)])
        wait_for(lambda: figures(leg) == (10, 0, 0))

    def test_plain_packets_and_wrong_keys_are_refused_and_counted(self, loop: Loop) -> None:
        peer, other = SecurePeer(), SecurePeer(seed=6)
        leg = open_leg(loop, peer.address)
        leg.unprotect(opening())
        say(peer, leg, [rtp(number) for number in range(4)])
        say(peer, leg, [other.sealed(number) for number in range(3)])
        wait_for(lambda: figures(leg) == (0, 7, 0))

    def test_replays_are_refused_and_counted(self, loop: Loop) -> None:
        peer = SecurePeer()
        leg = open_leg(loop, peer.address)
        leg.unprotect(opening())
        packets = [peer.sealed(number) for number in range(5)]
        say(peer, leg, packets + packets)
        wait_for(lambda: figures(leg) == (5, 0, 5))

    def test_failures_never_bring_a_new_context(self, loop: Loop) -> None:
        peer, other = SecurePeer(), SecurePeer(seed=6)
        leg = open_leg(loop, peer.address)
        leg.unprotect(opening())
        packets = [peer.sealed(number) for number in range(5)]
        say(peer, leg, packets)
        for batch in range(10):
            say(peer, leg, [other.sealed(20 * batch + number) for number in range(10, 30)])
            wait_for(lambda batch=batch: figures(leg)[1] == 20 * (batch + 1))
        say(peer, leg, packets)
        wait_for(lambda: figures(leg)[2] == 5)
        assert figures(leg)[0] == 5

    def test_a_stranger_without_the_key_never_becomes_the_far_end(self, loop: Loop) -> None:
        peer, stranger = SecurePeer(), SecurePeer(seed=6)
        leg = open_leg(loop, peer.address)
        leg.unprotect(opening())
        for number in range(30):
            say(stranger, leg, [stranger.sealed(number)])
        wait_for(lambda: figures(leg)[1] == 30)
        assert leg.statistics()["strangers"] == 0
        assert not [event for event in loop.drain_events() if event[1] == "address"]
        say(peer, leg, [peer.sealed(1)])
        wait_for(lambda: figures(leg)[0] == 1)

    def test_nothing_is_believed_before_it_is_known_how(self, loop: Loop) -> None:
        peer = SecurePeer()
        leg = open_leg(loop, peer.address)
        leg.unprotect("shut")
        say(peer, leg, [rtp(1), peer.sealed(2)])
        wait_for(lambda: leg.statistics()["unheard"] == 2)
        assert figures(leg) == (0, 0, 0)
        leg.unprotect(opening())
        say(peer, leg, [peer.sealed(3)])
        wait_for(lambda: figures(leg)[0] == 1)

    def test_an_mki_is_cut_out(self, loop: Loop) -> None:
        peer = SecurePeer()
        leg = open_leg(loop, peer.address)
        leg.unprotect(opening(mki=b"\1\2"))
        sealed = [peer.sealed(number) for number in range(3)]
        say(peer, leg, [packet[:-10] + b"\1\2" + packet[-10:] for packet in sealed])
        wait_for(lambda: figures(leg) == (3, 0, 0))

    def test_the_sender_may_change_to_another_of_its_keys(self, loop: Loop) -> None:
        peer = SecurePeer()
        leg = open_leg(loop, peer.address)
        leg.unprotect(opening(mki=b"\1", others=[(master(CM, 6), b"\2")]))
        first = with_mki(CM, peer.sealed(0), b"\1")
        peer.use(6)
        say(peer, leg, [first, *(with_mki(CM, peer.sealed(n), b"\2") for n in (1, 2))])
        wait_for(lambda: figures(leg) == (3, 0, 0))

    def test_reports_authenticate_too(self, loop: Loop) -> None:
        peer, other = SecurePeer(), SecurePeer(seed=6)
        leg = open_leg(loop, peer.address)
        leg.unprotect(opening())
        say(peer, leg, [report() * 3, other.sealing.protect(report(), rtcp=True)])
        say(peer, leg, [peer.sealing.protect(report(), rtcp=True)])
        wait_for(lambda: leg.statistics()["rtcp_packets"] == 1 and figures(leg) == (0, 2, 0))


class TestRekeying:
    """Two contexts are tried until it is clear which of them the far end uses."""

    @staticmethod
    def talking(loop: Loop, profile: str = CM) -> tuple[SecurePeer, Leg, Callable[[int], None]]:
        peer = SecurePeer(profile)
        leg = open_leg(loop, peer.address)
        leg.unprotect(opening(profile))

        def heard(count: int) -> None:
            wait_for(lambda: figures(leg)[0] == count)

        return peer, leg, heard

    @pytest.mark.parametrize("profile", [CM, GCM])
    def test_packets_under_way_are_still_heard(self, loop: Loop, profile: str) -> None:
        peer, leg, heard = self.talking(loop, profile)
        old = [peer.sealed(number) for number in range(8)]
        peer.use(6)
        new = [peer.sealed(number) for number in range(8, 12)]
        say(peer, leg, old[:5])
        heard(5)
        leg.unprotect(opening(profile, 6))
        say(peer, leg, [*old[5:7], *new[:2], old[7], *new[2:]])
        heard(12)
        assert figures(leg) == (12, 0, 0)

    def test_a_far_end_that_starts_anew_with_its_key_is_heard(self, loop: Loop) -> None:
        peer, leg, heard = self.talking(loop)
        say(peer, leg, [peer.sealed(number) for number in (20_000, 20_001)])
        heard(2)
        peer.use(5)
        leg.unprotect(opening(), same_key=True)
        say(peer, leg, [peer.sealed(number) for number in range(100, 105)])
        heard(7)
        assert figures(leg) == (7, 0, 0)

    def test_a_far_end_that_goes_on_with_its_key_is_heard_after_a_wrap(self, loop: Loop) -> None:
        peer, leg, heard = self.talking(loop)
        say(peer, leg, [peer.sealed(number) for number in range(65_534, 65_540)])
        heard(6)
        leg.unprotect(opening(), same_key=True)
        say(peer, leg, [peer.sealed(number) for number in range(65_540, 65_545)])
        heard(11)
        assert figures(leg) == (11, 0, 0)

    def test_the_context_that_is_not_used_is_forgotten_after_a_while(self, loop: Loop) -> None:
        peer, leg, heard = self.talking(loop)
        old = [peer.sealed(number) for number in range(5)]
        say(peer, leg, old)
        heard(5)
        leg.unprotect(opening(), same_key=True)
        for number in range(10, 120):
            say(peer, leg, [peer.sealed(number)])
            if number % 10 == 0:
                heard(number - 4)
        heard(115)
        say(peer, leg, old)
        wait_for(lambda: figures(leg) == (115, 0, 5))

    def test_a_new_key_is_waited_for_however_long_it_takes(self, loop: Loop) -> None:
        peer, leg, heard = self.talking(loop)
        leg.unprotect(opening(seed=6))
        for number in range(120):
            say(peer, leg, [peer.sealed(number)])
            if number % 10 == 0:
                heard(number + 1)
        peer.use(6)
        say(peer, leg, [peer.sealed(number) for number in range(120, 125)])
        heard(125)
        assert figures(leg) == (125, 0, 0)

    def test_replays_are_refused_while_two_are_tried(self, loop: Loop) -> None:
        peer, leg, heard = self.talking(loop)
        peer.use(6)
        leg.unprotect(opening(seed=6))
        new = [peer.sealed(number) for number in range(5)]
        say(peer, leg, new)
        heard(5)
        say(peer, leg, new)
        wait_for(lambda: figures(leg) == (5, 0, 5))

    def test_going_back_to_plain_takes_effect_at_once(self, loop: Loop) -> None:
        peer, leg, heard = self.talking(loop)
        say(peer, leg, [peer.sealed(1)])
        heard(1)
        leg.unprotect("plain")
        say(peer, leg, [rtp(2, ssrc=77), rtp(3, ssrc=77)])
        heard(3)


class TestOutside:
    """RFC 7983: what is neither RTP nor RTCP goes to Python, and its answers come by command."""

    STUN, DTLS = b"\0\1" + bytes(18), b"\x16\xfe\xff" + bytes(30)

    def test_only_who_asks_gets_it(self, loop: Loop) -> None:
        peer = SecurePeer()
        leg = open_leg(loop, peer.address)
        say(peer, leg, [self.STUN, self.DTLS])
        wait_for(lambda: leg.statistics()["invalid"] == 2)
        leg.take_packets(True)
        say(peer, leg, [self.STUN, b"\x40" + bytes(20), b"\x10" + bytes(20), self.DTLS])
        found: list[object] = []
        wait_for(lambda: found.extend(loop.drain_packets()) or len(found) == 2)
        host, port = peer.address
        told = [each[:5] for each in found]  # type: ignore[index]
        assert told == [(leg.id, "outside", host, port, data) for data in (self.STUN, self.DTLS)]
        wait_for(lambda: leg.statistics()["invalid"] == 4)

    def test_the_engine_is_woken_for_it(self, loop: Loop) -> None:
        peer = SecurePeer()
        leg = open_leg(loop, peer.address)
        leg.take_packets(True)
        say(peer, leg, [self.DTLS])
        loop.wake_socket.setblocking(True)
        loop.wake_socket.settimeout(20)
        assert loop.wake_socket.recv(64)
        wait_for(loop.drain_packets)

    def test_answers_leave_from_the_port_of_the_stream(self, loop: Loop) -> None:
        peer = SecurePeer()
        leg = open_leg(loop)
        leg.transmit(self.DTLS, peer.address)
        assert peer.socket.recvfrom(2048) == (self.DTLS, address_of(leg))

    @pytest.mark.parametrize("packet", [b"", bytes(2049), "text"])
    def test_what_is_no_packet_is_not_sent(self, loop: Loop, packet: bytes) -> None:
        with pytest.raises(ValueError, match="a packet is of 1 to 2048 bytes"):
            open_leg(loop).transmit(packet, ("127.0.0.1", 9))

    def test_more_than_the_ring_holds_is_lost_and_the_stream_goes_on(self, loop: Loop) -> None:
        peer = SecurePeer()
        leg = open_leg(loop, peer.address)
        leg.take_packets(True)
        for number in range(400):
            say(peer, leg, [self.DTLS])
            if number % 20 == 0:
                sent = leg.statistics()["send"]["packets"]
                wait_for(lambda sent=sent: leg.statistics()["send"]["packets"] > sent + 1)
        say(peer, leg, [rtp(1, ssrc=77)])
        wait_for(lambda: figures(leg)[0] == 1)
        assert len(loop.drain_packets()) == 256


class TestOwnership:
    def test_a_context_comes_back_and_is_freed_when_another_takes_its_place(
        self, loop: Loop
    ) -> None:
        leg = open_leg(loop)
        watched = []
        for seed in range(4):
            outward, inward = srtp.context(CM, master(CM), outbound=True), opening(CM, seed)
            watched += [weakref.ref(outward), weakref.ref(inward)]
            leg.protect(outward)
            leg.unprotect(inward)
            del outward, inward

        def freed() -> int:
            loop.drain_events()
            gc.collect()
            return sum(each() is None for each in watched)

        # The last sender, and two receivers.
        wait_for(lambda: freed() == 5)
        leg.close()
        wait_for(lambda: freed() == 8)

    def test_a_context_serves_one_direction_of_one_leg(self, loop: Loop) -> None:
        leg, context = open_leg(loop), opening()
        leg.unprotect(context)
        with pytest.raises(ValueError, match="one direction of one leg"):
            leg.protect(context)
        with pytest.raises(ValueError, match="one direction of one leg"):
            open_leg(loop).unprotect(context)
        with pytest.raises(ValueError, match="the media loop has"):
            context.unprotect(bytes(40))

    def test_something_else_is_refused(self, loop: Loop) -> None:
        with pytest.raises(ValueError, match="plain or shut or relayed is needed, not 'open'"):
            open_leg(loop).protect("open")  # type: ignore[arg-type]
