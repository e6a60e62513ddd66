"""DTLS-SRTP in memory: two ends, and a network that loses, repeats and lies."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Iterable

import pytest

from platypus.media import srtp
from platypus.media.dtls import MTU, Certificate, Handshake, Keys, State, _datagrams

OURS, THEIRS = Certificate(), Certificate()
STRANGER = Certificate()
PATIENCE = 10.0


def pair(
    *,
    expected_of_server: Certificate = THEIRS,
    expected_of_client: Certificate = OURS,
) -> tuple[Handshake, Handshake]:
    client = Handshake(OURS, client=True, fingerprints=(expected_of_server.fingerprint,))
    server = Handshake(THEIRS, client=False, fingerprints=(expected_of_client.fingerprint,))
    client.start()
    server.start()
    return client, server


def carry(
    client: Handshake,
    server: Handshake,
    deliver: Callable[[bytes], Iterable[bytes]] = lambda packet: [packet],
) -> int:
    """Carry datagrams both ways until nothing is said and waited for; how many there were."""
    carried, end = 0, time.monotonic() + PATIENCE
    while time.monotonic() < end:
        said = [(server, packet) for packet in client.to_send()]
        said += [(client, packet) for packet in server.to_send()]
        for receiver, packet in said:
            carried += 1
            for copy in deliver(packet):
                receiver.receive(copy)
        if said:
            continue
        waits = [wait for each in (client, server) if (wait := each.next_timeout()) is not None]
        if not waits:
            return carried
        time.sleep(min(waits))
        for each in (client, server):
            each.handle_timeout()
    raise AssertionError("the handshake did not come to an end")


def keys(handshake: Handshake) -> Keys:
    assert handshake.state is State.DONE
    assert handshake.keys is not None
    return handshake.keys


def test_both_derive_the_same_keys() -> None:
    client, server = pair()
    carry(client, server)
    assert keys(client).profile == keys(server).profile == "AEAD_AES_128_GCM"
    assert keys(client).send == keys(server).receive
    assert keys(client).receive == keys(server).send
    assert keys(client).send != keys(client).receive
    assert len(keys(client).send) == srtp.PROFILES["AEAD_AES_128_GCM"].master_length


def test_a_handshake_has_other_keys_every_time() -> None:
    seen = set()
    for _ in range(3):
        client, server = pair()
        carry(client, server)
        seen |= {keys(client).send, keys(client).receive}
    assert len(seen) == 6


@pytest.mark.parametrize("name", ["client", "server"])
def test_another_certificate_than_was_signalled_brings_no_keys(name: str) -> None:
    if name == "client":
        client, server = pair(expected_of_server=STRANGER)
        deceived = client
    else:
        client, server = pair(expected_of_client=STRANGER)
        deceived = server
    carry(client, server)
    assert deceived.state is State.FAILED
    assert deceived.keys is None
    assert "not the one whose fingerprint was signalled" in deceived.problem


def test_one_of_several_fingerprints_is_enough() -> None:
    prints = (STRANGER.fingerprint, ("sha-1", bytes(20)), THEIRS.fingerprint)
    client = Handshake(OURS, client=True, fingerprints=prints)
    _, server = pair()
    client.start()
    carry(client, server)
    assert keys(client)


def test_what_is_lost_is_said_again() -> None:
    chance = random.Random(5)
    lost = [False, True, False, False, True]

    def deliver(packet: bytes) -> list[bytes]:
        gone = lost.pop(0) if lost else False
        return [] if gone else [packet] * chance.choice((1, 2))

    client, server = pair()
    assert carry(client, server, deliver) > 4
    assert keys(client).send == keys(server).receive


def test_the_last_word_is_said_again_to_who_has_not_heard_it() -> None:
    client, server = pair()
    for packet in client.to_send():
        server.receive(packet)
    for packet in server.to_send():
        client.receive(packet)
    for packet in client.to_send():
        server.receive(packet)
    assert server.to_send()  # the server is done, and this is lost
    assert server.state is State.DONE
    assert client.state is State.SHAKING
    carry(client, server)
    assert keys(client).send == keys(server).receive


@pytest.mark.parametrize("seed", range(4))
def test_noise_between_the_datagrams_changes_nothing(seed: int) -> None:
    chance = random.Random(seed)

    def deliver(packet: bytes) -> list[bytes]:
        record = b"\x16\xfe\xfd" + chance.randbytes(10) + chance.randbytes(40)
        return [chance.randbytes(chance.randrange(1, 200)), packet, record[:30], b"\x16"]

    client, server = pair()
    carry(client, server, deliver)
    assert keys(client).send == keys(server).receive


def test_datagrams_pass_any_path() -> None:
    client, server = pair()
    sizes = []

    def deliver(packet: bytes) -> list[bytes]:
        sizes.append(len(packet))
        return [packet]

    carry(client, server, deliver)
    assert max(sizes) <= MTU


def test_records_are_packed_up_to_the_mtu_and_never_cut() -> None:
    records = [
        b"\x16\xfe\xfd" + bytes(8) + length.to_bytes(2, "big") + bytes(length)
        for length in (500, 500, 500, 1100, 20)
    ]
    assert [len(each) for each in _datagrams(b"".join(records))] == [1026, 513, 1146]


def test_no_key_is_in_a_repr_or_a_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        client, server = pair()
        carry(client, server)
    assert repr(keys(client).send)[2:-1] not in repr(keys(client)) + caplog.text


def test_packets_are_protected_by_the_keys() -> None:
    client, server = pair()
    carry(client, server)
    profile = keys(client).profile
    there = srtp.context(profile, keys(client).send, outbound=True)
    here = srtp.context(profile, keys(server).receive, outbound=False)
    packet = b"\x80\x00" + bytes(10) + b"word" * 40
    assert here.unprotect(there.protect(packet)) == packet
