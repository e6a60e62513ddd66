"""The media loop over real sockets: what leaves, what is taken, and how it ends."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from platypus._media.dtmf_tone import KeyReceiver, KeySender
from platypus._media.endpoint import BufferSource, RingSource, ToneSource
from platypus._media.g711 import decode_ulaw, encode_ulaw
from platypus._media.loop import Leg, Loop
from platypus._media.ring import Ring
from platypus.errors import MediaError
from tests._media.peer import (
    Packet,
    Peer,
    address_of,
    next_event,
    open_leg,
    running_loop,
    udp_socket,
    wait_for,
)

SILENCE = b"\xff" * 160
FRAME = 160


@pytest.fixture
def loop() -> Iterator[Loop]:
    with running_loop() as loop:
        yield loop


class TestLife:
    def test_says_what_scheduling_it_got_and_logs_it(self):
        lines: list[str] = []
        loop = Loop(log=lines.append)
        assert loop.scheduling == ""
        loop.start()
        assert loop.scheduling in ("SCHED_RR 1", "slice 0.1 ms", "MMCSS Pro Audio", "no priority")
        assert loop.scheduling in lines[0]
        loop.close()

    def test_starting_twice_and_closing_twice_is_as_good_as_once(self):
        loop = Loop()
        loop.start()
        loop.start()
        loop.close()
        loop.close()
        assert loop.closed

    def test_a_loop_that_was_never_started_closes(self):
        loop = Loop()
        loop.close()
        assert loop.closed

    def test_takes_no_leg_before_it_was_started(self):
        sock = udp_socket()
        with pytest.raises(MediaError, match="not started"):
            Loop(error=MediaError).open_leg(sock, ssrc=1, sequence=1, timestamp=1)
        assert sock.fileno() >= 0
        sock.close()

    def test_takes_no_leg_and_no_start_after_close(self):
        loop = Loop(error=MediaError)
        loop.start()
        loop.close()
        with pytest.raises(MediaError, match="closed"):
            loop.start()
        with pytest.raises(MediaError, match="closed"), udp_socket() as sock:
            loop.open_leg(sock, ssrc=1, sequence=1, timestamp=1)

    def test_the_socket_is_the_loops_alone(self, loop):
        sock = udp_socket()
        loop.open_leg(sock, ssrc=1, sequence=1, timestamp=1)
        assert sock.fileno() == -1

    @pytest.mark.parametrize(
        ("host", "level", "option"),
        [
            ("127.0.0.1", socket.IPPROTO_IP, socket.IP_TOS),
            ("::1", socket.IPPROTO_IPV6, socket.IPV6_TCLASS),
        ],
    )
    def test_media_is_marked_for_expedited_forwarding(self, loop, host, level, option):
        sock = udp_socket(host)
        with socket.socket(fileno=os.dup(sock.fileno())) as same:
            loop.open_leg(sock, ssrc=1, sequence=1, timestamp=1)
            assert same.getsockopt(level, option) >> 2 == 46

    @pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the system decides")
    def test_media_is_not_taken_apart_on_its_way(self, loop):
        mtu_discover, always = 10, 2  # IP_MTU_DISCOVER, IP_PMTUDISC_DO: Python names neither
        sock = udp_socket()
        with socket.socket(fileno=os.dup(sock.fileno())) as same:
            loop.open_leg(sock, ssrc=1, sequence=1, timestamp=1)
            assert same.getsockopt(socket.IPPROTO_IP, mtu_discover) == always

    def test_takes_nothing_but_an_open_udp_socket(self, loop):
        shut = udp_socket()
        shut.close()
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as stream:
            for wrong in (shut, stream):
                with pytest.raises(ValueError, match="open UDP sockets"):
                    loop.open_leg(wrong, ssrc=1, sequence=1, timestamp=1)

    def test_a_leg_that_is_over_is_freed_when_memory_is_given_back(self, loop):
        leg = open_leg(loop)
        held = sys.getrefcount(leg)
        leg.close()

        def is_given_back() -> bool:
            loop.give_back()
            return sys.getrefcount(leg) < held

        assert wait_for(is_given_back)

    def test_closing_frees_the_ports(self):
        with running_loop() as loop:
            port = address_of(open_leg(loop))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.bind(port)

    def test_closing_a_leg_frees_its_port(self, loop):
        leg = open_leg(loop)
        leg.close()

        def bound() -> bool:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
                try:
                    sock.bind(address_of(leg))
                except OSError:
                    return False
                return True

        assert wait_for(bound)

    def test_a_program_that_forgets_to_close_ends_all_the_same(self):
        code = (
            "from tests._media.peer import *\n"
            "loop = Loop(); loop.start(); leg = open_leg(loop, ('127.0.0.1', 9))\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], timeout=20, capture_output=True, text=True
        )
        assert (done.returncode, done.stderr) == (0, "")

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
    def test_after_a_fork_the_childs_copy_is_dead_and_the_parents_goes_on(self, loop):
        peer = Peer()
        leg = open_leg(loop, peer.address)
        peer.receive()
        child = os.fork()
        if child == 0:
            dead = loop.closed and leg.closed and loop.drain_events() == []
            loop.close()
            leg.close()
            del leg, loop
            os._exit(0 if dead else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        peer.receive_many(10)
        assert not loop.closed

    def test_two_loops_run_side_by_side(self):
        peer = Peer()
        with running_loop() as one, running_loop() as other:
            open_leg(one, peer.address, ssrc=1)
            open_leg(other, peer.address, ssrc=2)
            seen: set[int] = set()
            wait_for(lambda: seen.add(peer.receive().ssrc) or seen == {1, 2})

    def test_a_leg_outlives_its_loop_in_python_only(self):
        with running_loop() as loop:
            leg = open_leg(loop)
        assert leg.closed
        leg.close()
        assert leg.statistics()["send"]["packets"] == 0
        with pytest.raises(MediaError):
            leg.set_mute(True)


class TestCommands:
    def test_a_closed_leg_takes_no_command(self, loop):
        leg = open_leg(loop)
        leg.close()
        leg.close()
        with pytest.raises(MediaError, match="closed"):
            leg.set_mute(True)

    def test_a_leg_is_made_by_its_loop_only(self):
        with pytest.raises(TypeError):
            Leg()

    @pytest.mark.skipif(sys.platform != "linux", reason="no thread can be held back there")
    def test_a_full_command_queue_raises_and_recovers(self):
        before = set(_threads())
        with running_loop() as loop:
            leg = open_leg(loop)

            def flood() -> None:
                for _ in range(200_000):
                    leg.set_mute(False)

            full = pytest.raises(MediaError, match="too many commands")
            with _starved(set(_threads()) - before), full:
                flood()
            assert wait_for(lambda: _accepted(leg))

    @pytest.mark.parametrize("options", [{"rate": 11_025}, {"ptime_ms": 30}])
    def test_refuses_a_frame_it_does_not_know(self, loop, options):
        with udp_socket() as sock, pytest.raises(ValueError, match="no legs of"):
            loop.open_leg(sock, ssrc=1, sequence=1, timestamp=1, **options)

    def test_refuses_an_unknown_codec_and_an_impossible_payload_type(self, loop):
        leg = open_leg(loop)
        with pytest.raises(ValueError, match="unknown codec"):
            leg.configure_receive({9: "g999"})
        with pytest.raises(ValueError, match="payload type"):
            leg.configure_send(72, "pcmu", ("127.0.0.1", 9))

    def test_refuses_a_name_for_an_address(self, loop):
        with pytest.raises(ValueError, match="numeric"):
            open_leg(loop).configure_send(0, "pcmu", ("localhost", 9))

    @pytest.mark.parametrize("digits", ["12x", ["12"], "é"])
    def test_refuses_digits_that_are_none(self, loop, digits):
        with pytest.raises(ValueError, match="DTMF"):
            open_leg(loop).send_dtmf(digits)

    def test_no_digits_without_a_payload_type_for_them(self, loop):
        leg = open_leg(loop)
        leg.configure_send(0, "pcmu", ("127.0.0.1", 9), None)
        with pytest.raises(MediaError, match="payload type"):
            leg.send_dtmf("1")

    def test_at_most_64_digits_wait(self, loop):
        leg = open_leg(loop)
        leg.send_dtmf("5" * 64)
        with pytest.raises(MediaError, match="64"):
            leg.send_dtmf("5" * 64)

    def test_a_source_serves_one_engine(self, loop):
        tone = ToneSource([(440, 1000)])
        open_leg(loop).set_source(tone)
        with running_loop() as other, pytest.raises(MediaError, match="another engine"):
            open_leg(other).set_source(tone)


def _threads() -> list[int]:
    return [int(name) for name in os.listdir("/proc/self/task")]


@contextlib.contextmanager
def _starved(threads: set[int]) -> Iterator[None]:
    """Those threads run on our processor, and only when we don't want it."""
    assert threads
    ours, normal = os.sched_getaffinity(0), os.sched_param(0)
    here, niceness = {min(ours)}, os.getpriority(os.PRIO_PROCESS, 0)
    with contextlib.suppress(PermissionError):  # the nicer we are, the more they get
        os.setpriority(os.PRIO_PROCESS, 0, 0)
    os.sched_setaffinity(0, here)
    for thread in threads:
        os.sched_setaffinity(thread, here)
        os.sched_setscheduler(thread, os.SCHED_IDLE, normal)
    try:
        yield
    finally:
        os.sched_setaffinity(0, ours)
        os.setpriority(os.PRIO_PROCESS, 0, niceness)
        for thread in threads:
            os.sched_setscheduler(thread, os.SCHED_OTHER, normal)
            os.sched_setaffinity(thread, ours)


def _accepted(leg: Leg) -> bool:
    try:
        leg.set_mute(False)
    except MediaError:
        return False
    return True


class TestSending:
    def test_sends_silence_without_a_source(self, loop):
        peer = Peer()
        open_leg(loop, peer.address)
        assert [packet.payload for packet in peer.receive_many(3)] == [SILENCE] * 3

    def test_nothing_is_sent_while_no_remote_is_known(self, loop):
        leg = open_leg(loop)
        wait_for(lambda: leg.statistics()["send"]["packets"] == 0)
        peer = Peer()
        peer.talk(address_of(leg), lambda: leg.statistics()["receive"]["packets"] > 5)
        assert leg.statistics()["send"]["packets"] == 0

    def test_sequence_and_timestamp_go_on_by_one_frame_and_wrap(self, loop):
        peer = Peer()
        open_leg(loop, peer.address, sequence=65_534, timestamp=2**32 - 200)
        packets = peer.receive_many(5)
        first = packets[0]
        assert [p.sequence for p in packets] == [(first.sequence + k) % 2**16 for k in range(5)]
        assert [p.timestamp for p in packets] == [
            (first.timestamp + FRAME * k) % 2**32 for k in range(5)
        ]
        assert first.sequence == 65_534

    def test_leaves_from_the_port_it_listens_on(self, loop):
        peer = Peer()
        leg = open_leg(loop, peer.address)
        assert peer.receive().source == address_of(leg)

    def test_a_muted_leg_sends_silence_and_its_source_runs_on(self, loop):
        peer = Peer()
        leg = open_leg(loop, peer.address)
        frames = [k.to_bytes(2, "little") * FRAME for k in range(400, 20_000, 150)]
        leg.set_source(BufferSource(b"".join(frames), 8000))
        wait_for(lambda: _spoken(peer))
        leg.set_mute(True)
        wait_for(lambda: peer.receive().payload == SILENCE)
        assert peer.receive().payload == SILENCE
        leg.set_mute(False)
        heard = wait_for(lambda: _spoken(peer))
        assert [_encode(frame) for frame in frames].index(heard) >= 3

    def test_what_direction_forbids_is_not_sent_and_timestamps_go_on_truthfully(self, loop):
        peer = Peer()
        leg = open_leg(loop, peer.address)
        first = peer.receive_many(3)[-1]
        leg.set_direction(False, True)
        peer.socket.settimeout(0.3)
        before = _last_before_silence(peer, first)
        leg.set_direction(True, True)
        peer.socket.settimeout(10)
        after = peer.receive()
        assert after.sequence == (before.sequence + 1) % 2**16
        skipped = (after.timestamp - before.timestamp) % 2**32
        assert skipped % FRAME == 0
        assert skipped > 10 * FRAME

    def test_a_new_remote_gets_the_same_stream(self, loop):
        first, second = Peer(), Peer()
        leg = open_leg(loop, first.address)
        before = first.receive()
        leg.configure_send(0, "pcmu", second.address, 101)
        after = second.receive()
        assert (after.ssrc, after.sequence > before.sequence or after.sequence < 100) == (1, True)

    def test_sends_the_other_law_when_told(self, loop):
        peer = Peer()
        leg = open_leg(loop, peer.address)
        leg.configure_send(8, "pcma", peer.address)
        packet = wait_for(lambda: next((p for p in [peer.receive()] if p.payload_type == 8), None))
        assert packet.payload == b"\xd5" * 160

    def test_an_address_that_cannot_be_sent_to_is_told_once_and_counted(self, loop):
        leg = open_leg(loop, ("2001:db8::1", 4000))
        told = next_event(loop, "error")
        assert told[0] == leg.id
        assert told[2].startswith("media can't be sent: ")
        wait_for(lambda: leg.statistics()["send_errors"] > 3)
        assert [event for event in loop.drain_events() if event[1] == "error"] == []

    def test_sends_over_ipv6(self, loop):
        peer = Peer(host="::1")
        leg = open_leg(loop, peer.address, host="::1")
        assert peer.receive().payload == SILENCE
        peer.talk(address_of(leg), lambda: leg.statistics()["receive"]["packets"])

    def test_dtmf_leaves_as_events_with_three_ends_each(self, loop):
        peer = Peer()
        leg = open_leg(loop, peer.address)
        leg.send_dtmf("1#", 60, 40)
        ends: list[tuple[int, int]] = []

        def both() -> bool:
            packet = peer.receive()
            if packet.payload_type == 101 and packet.payload[1] & 0x80:
                ends.append((packet.payload[0], packet.timestamp))
            return len(ends) == 6

        wait_for(both)
        assert [event for event, _ in ends] == [1, 1, 1, 11, 11, 11]
        assert len(set(ends)) == 2

    def test_counts_what_it_sent(self, loop):
        peer = Peer()
        leg = open_leg(loop, peer.address)
        peer.receive_many(5)
        statistics = wait_for(
            lambda: leg.statistics() if leg.statistics()["send"]["packets"] >= 5 else None
        )
        assert statistics["send"]["bytes"] == 160 * statistics["send"]["packets"]

    def test_measures_how_late_packets_left(self, loop):
        peer = Peer()
        open_leg(loop, peer.address)
        peer.receive_many(10)
        lateness = wait_for(lambda: loop.lateness() if loop.lateness()["count"] >= 9 else None)
        assert 0 < lateness["p50_ms"] <= lateness["p99_ms"] <= lateness["max_ms"]
        loop.reset_lateness()
        assert loop.lateness()["count"] < 5

    def test_tells_the_level_of_what_it_sends(self, loop):
        peer = Peer()
        leg = open_leg(loop, peer.address)
        leg.set_source(ToneSource([(1000, 16_384)]))
        level = wait_for(lambda: leg.statistics()["send"]["level_rms"])
        peak = leg.statistics()["send"]["level_peak"]
        assert 0 < level < peak <= 0.501


def _newest(peer: Peer) -> Packet:
    """The last packet that has come to it."""
    packet = peer.receive()
    while select.select([peer.socket], [], [], 0)[0]:
        packet = peer.receive()
    return packet


class TestReceiving:
    def test_tells_the_first_packet_and_its_ssrc_by_the_wake_socket(self, loop):
        peer = Peer(ssrc=4711)
        leg = open_leg(loop, peer.address)
        peer.send(address_of(leg))
        assert next_event(loop, "ssrc") == (leg.id, "ssrc", 4711)
        peer.talk(address_of(leg), lambda: leg.statistics()["receive"]["packets"] > 3)

    def test_tells_a_digit_with_its_length(self, loop):
        peer = Peer()
        leg = open_leg(loop, peer.address)
        peer.talk(address_of(leg), lambda: leg.statistics()["receive"]["packets"] > 3)
        for duration in (320, 640, 960):
            end = 0x8A if duration == 960 else 0x0A
            peer.timestamp = 16_000
            peer.send(address_of(leg), bytes([9, end]) + duration.to_bytes(2, "big"), pt=101)
        assert next_event(loop, "dtmf") == (leg.id, "dtmf", "9", 120)

    def test_sends_where_rtp_comes_from_when_the_signalled_address_is_silent(self, loop):
        signalled, nat = Peer(), Peer()
        leg = open_leg(loop, signalled.address)
        nat.talk(
            address_of(leg), lambda: any(e[1] == "address" for e in loop.drain_events()) or None
        )
        assert nat.receive().ssrc == 1

    def test_a_stranger_is_counted_and_not_heard(self, loop):
        peer, stranger = Peer(), Peer(ssrc=666)
        leg = open_leg(loop, peer.address)
        peer.talk(address_of(leg), lambda: leg.statistics()["receive"]["packets"] > 2)

        def dropped() -> bool:
            stranger.send(address_of(leg))
            return leg.statistics()["strangers"] > 5

        peer.talk(address_of(leg), dropped)
        assert (leg.id, "ssrc", 666) not in loop.drain_events()
        assert peer.receive().ssrc == 1

    def test_garbage_and_unknown_payload_types_are_counted(self, loop):
        peer = Peer()
        leg = open_leg(loop, peer.address)
        for garbage in (b"", b"x", b"\x80", b"\0" * 100, b"\x80\x00" + b"\0" * 9, b"\xff" * 1500):
            peer.socket.sendto(garbage, address_of(leg))
        peer.send(address_of(leg), pt=33)
        peer.socket.sendto(b"\x80" * 5000, address_of(leg))
        wait_for(lambda: leg.statistics()["invalid"] == 8)
        assert leg.statistics()["receive"]["packets"] == 0

    def test_a_keep_alive_of_another_payload_type_is_no_loss(self, loop):
        peer, stranger = Peer(), Peer()
        leg = open_leg(loop, peer.address)

        def more_than(packets: int) -> bool:
            return leg.statistics()["receive"]["packets"] > packets

        peer.talk(address_of(leg), lambda: more_than(2))
        for _ in range(3):  # RFC 6263, 4.6
            peer.send(address_of(leg), b"", pt=127)
        wait_for(lambda: leg.statistics()["invalid"] == 3)
        stranger.sequence = peer.sequence + 50
        stranger.send(address_of(leg), b"", pt=127)
        wait_for(lambda: leg.statistics()["invalid"] == 4)
        before = leg.statistics()["receive"]["packets"]
        peer.talk(address_of(leg), lambda: more_than(before + 3))
        received = leg.statistics()["receive"]
        assert received["lost"] == 0
        # What a busy machine let come too late is lost to the listener, and rightly told.
        assert received["loss"] == 0.0 or received["late"]

    def test_what_arrives_while_receiving_is_forbidden_is_ignored(self, loop):
        peer = Peer()
        leg = open_leg(loop, peer.address)
        leg.set_direction(True, False)
        peer.talk(address_of(leg), lambda: leg.statistics()["ignored"] > 3)
        assert leg.statistics()["receive"]["level_peak"] == 0

    def test_a_flood_grows_nothing_and_the_leg_goes_on_sending(self, loop):
        peer = Peer()
        leg = open_leg(loop, peer.address)
        for _ in range(3000):
            peer.send(address_of(leg))
        before = peer.receive_many(5)[-1].sequence
        assert (peer.receive().sequence - before) % 2**16 == 1
        assert leg.statistics()["receive"]["buffer_ms"] < 1000

    def test_statistics_are_of_this_moment_even_in_the_middle_of_a_flood(self, loop):
        peer = Peer()
        leg = open_leg(loop, peer.address)
        peer.talk(address_of(leg), lambda: leg.statistics()["receive"]["packets"] > 3)
        begun = peer.receive().sequence
        heard = 0
        while heard < 2000:
            for _ in range(20):
                peer.send(address_of(leg))
            for _ in range(20):
                figures = leg.statistics()
                heard = figures["receive"]["packets"]
                assert figures["receive"]["bytes"] == 160 * heard
                assert figures["send"]["bytes"] == 160 * figures["send"]["packets"]
        last = _newest(peer).sequence
        assert leg.statistics()["send"]["packets"] > (last - begun) % 2**16

    def test_statistics_stay_after_close(self, loop):
        peer = Peer()
        leg = open_leg(loop, peer.address)
        peer.talk(address_of(leg), lambda: leg.statistics()["receive"]["packets"] > 3)
        leg.close()
        wait_for(lambda: leg.statistics()["receive"]["packets"] > 3)
        assert leg.statistics()["receive"]["silent_ms"] >= 0


class TestRings:
    def test_what_python_writes_leaves_and_an_empty_ring_is_silence(self, loop):
        peer = Peer()
        leg = open_leg(loop, peer.address)
        ring = Ring(8000)
        pcm = b"".join(k.to_bytes(2, "little") for k in range(0, 5 * FRAME * 20, 20))
        ring.write(pcm)
        leg.set_source(RingSource(ring, 8000))
        payloads = [wait_for(lambda: _spoken(peer))] + [p.payload for p in peer.receive_many(5)]
        assert b"".join(payloads[:5]) == _encode(pcm)
        assert payloads[5] == SILENCE
        assert wait_for(lambda: leg.statistics()["source_underruns"])


def _spoken(peer: Peer) -> bytes | None:
    payload = peer.receive().payload
    return None if payload == SILENCE else payload


def _last_before_silence(peer: Peer, packet: Packet) -> Packet:
    while True:
        try:
            packet = peer.receive()
        except TimeoutError:
            return packet


def _encode(pcm: bytes) -> bytes:
    return encode_ulaw(pcm)


class TestKeysAsTones:
    def test_what_is_pressed_is_heard_in_the_place_of_the_source_even_when_muted(self, loop):
        peer = Peer()
        leg = open_leg(loop, peer.address)
        leg.set_source(ToneSource([(440.0, 8000.0)]))
        leg.set_mute(True)
        leg.press("15*", 80, 60)
        hearing, keys = KeyReceiver(), ""
        while keys != "15*":
            keys += "".join(key for key, _ in hearing.hear(decode_ulaw(peer.receive().payload)))

    @pytest.mark.parametrize("codec", ["pcmu", "g722"])
    def test_the_far_ends_are_told_where_somebody_listens(self, loop, codec):
        peer = Peer()
        leg = open_leg(loop, peer.address)
        leg.configure_receive({0: "pcmu", 9: "g722"})
        leg.configure_send(0 if codec == "pcmu" else 9, codec, peer.address)
        leg.listen_for_keys(True)
        sender = KeySender()
        sender.press("7D", 100, 80)
        events = []

        def turn() -> bool:
            peer.send(address_of(leg), encode_ulaw(sender.fill(bytes(320))))
            events.extend(event for event in loop.drain_events() if event[1] == "key")
            return len(events) == 2

        peer.talk_with(turn)
        assert [event[2] for event in events] == ["7", "D"]
        # How long exactly is for test_inband to say: a busy machine makes holes and fills them.
        assert all(40 <= event[3] <= 200 for event in events)

    def test_nobody_listens_unless_asked(self, loop):
        peer = Peer()
        leg = open_leg(loop, peer.address)
        leg.listen_for_keys(True)
        leg.listen_for_keys(False)
        sender = KeySender()
        sender.press("3", 100, 40)
        turns = iter(range(25))

        def turn() -> bool:
            peer.send(address_of(leg), encode_ulaw(sender.fill(bytes(320))))
            return next(turns) == 24

        peer.talk_with(turn)
        assert not any(event[1] == "key" for event in loop.drain_events())

    def test_digits_that_are_none_and_too_many_are_refused(self, loop):
        leg = open_leg(loop)
        with pytest.raises(ValueError, match="not all of these"):
            leg.press("1x")
        leg.press("1" * 64)
        with pytest.raises(MediaError, match="at most 64"):
            leg.press("1")
