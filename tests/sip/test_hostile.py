"""Whatever octets arrive, at whatever moment of a call: nothing raises, nothing stays."""

from __future__ import annotations

import random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from platypus.errors import StateError
from platypus.sip.events import Event, IncomingCall, Reinvited
from platypus.sip.flow import Flow
from platypus.sip.settings import AccountSettings
from tests.harness.network import ANSWER, OFFER, Network, Phone
from tests.harness.peer import Peer

PHONE = ("10.0.0.1", 5060)
FRAGMENTS = (
    *(b"\r\n", b"\n", b"\r", b"\0", b"\xff", b'"', b"<", b">", b";", b",", b":", b" ", b"=", b"@"),
    *(b";tag=", b";tag=peer", b"sip:", b"tel:+1", b"[::1]", b"99999999999", b"-1", b";lr", b"*"),
    *(b"Via: ", b"To: ", b"Contact: *\r\n", b"CSeq: 1 ACK\r\n", b"Record-Route: <x>\r\n"),
    *(b"RSeq: 1\r\nRequire: 100rel\r\n", b"RAck: 1 1 INVITE\r\n", b"Supported: timer\r\n"),
    *(b"Session-Expires: 90;refresher=uac\r\n", b"Min-SE: 999\r\n", b"PRACK", b"UPDATE"),
    *(b"Content-Length: 9\r\n", b"Require: x\r\n", b"INVITE", b"BYE", b"SIP/2.0 200 OK\r\n"),
)


def corpus() -> list[bytes]:
    """Every message of a call and a registration that went well."""
    network = Network()
    alice, bob = network.phone("10.0.0.1"), network.phone("10.0.0.2", prack="support")
    bob.react = lambda event: accept(bob, event)
    call = alice.call("sip:bob@10.0.0.2")
    network.run(1)
    alice.do(call.update, None)
    network.run(1)
    alice.do(call.update, OFFER)
    network.run(1)
    alice.do(call.reinvite, OFFER)
    network.run(1)
    alice.do(call.hangup)
    alice.register(AccountSettings(aor="sip:alice@10.0.0.2", expires=60))
    ringing = alice.call("sip:bob@10.0.0.2", body=None)
    alice.do(ringing.hangup)
    network.run(1)
    return [step.data for step in network.log]


def accept(phone: Phone, event: Event) -> None:
    now = phone.network.now
    if isinstance(event, IncomingCall):
        event.session.progress(183, ANSWER, now)
        event.session.answer(ANSWER, now)
    elif isinstance(event, Reinvited):
        event.session.accept_reinvite(ANSWER, now)


def mutate(data: bytes, chooser: random.Random) -> bytes:
    for _ in range(chooser.randint(0, 4)):
        start = chooser.randrange(len(data) + 1)
        end = start + chooser.choice([0, 0, 1, 3, 30])
        data = data[:start] + chooser.choice(FRAGMENTS) + data[end:]
    return data


def answer_to(data: bytes, chooser: random.Random) -> bytes:
    """Some response to a request that the phone sent."""
    status = chooser.choice([100, 180, 183, 200, 302, 401, 407, 422, 423, 486, 491, 500, 503])
    head, _, rest = data.partition(b"\r\n")
    if head.startswith(b"SIP/2.0"):
        return data
    contact = b"Contact: <sip:x@10.0.0.2>;expires=60\r\n"
    ask = b'WWW-Authenticate: Digest realm="r", nonce="%d", qop="auth"\r\n' % chooser.getrandbits(8)
    tag = b">;tag=%d\r\nCall-ID" % chooser.randint(0, 3)
    rest = rest.replace(b">\r\nCall-ID", tag, 1).replace(b"Contact:", b"X:", 1)
    return b"SIP/2.0 %d Yes\r\n" % status + contact + ask + rest


CORPUS = corpus()


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 2**32))
def test_mutated_messages_do_no_harm(seed: int) -> None:
    chooser = random.Random(seed)
    network = Network(seed=seed)
    phone, peer = network.phone("10.0.0.1"), Peer(network, "10.0.0.2")
    phone.react = lambda event: accept(phone, event)
    call = phone.call("sip:bob@10.0.0.2")
    phone.register(AccountSettings(aor="sip:alice@10.0.0.2", password="x"))
    flow = Flow("udp", PHONE, peer.address)
    for _ in range(40):
        source = [*CORPUS, *(step.data for step in network.log[-5:])]
        data = chooser.choice(source)
        if chooser.random() < 0.5:
            data = answer_to(data, chooser)
        data = mutate(data, chooser)
        if chooser.random() < 0.5:  # make it one of ours, so that it reaches a call
            data = data.replace(b"SIP/2.0/UDP 10.0.0.2", b"SIP/2.0/UDP 10.0.0.1")
        phone.receive(data, flow)
        if chooser.random() < 0.3:
            network.run(chooser.choice([0.01, 1, 10]))
    for session in (call, *phone.agent.sessions):
        try:
            phone.do(session.hangup)
        except StateError as error:
            raise AssertionError("hangup is right in every state") from error
    for registration in phone.agent.registrations:
        phone.agent.forget(registration)
    network.settle(limit=2000)
    assert phone.agent.sessions == ()
    assert phone.agent.transactions == 0
    assert phone.agent.timers == 0


@settings(max_examples=300, deadline=None)
@given(data=st.binary(max_size=400))
def test_arbitrary_octets_do_no_harm(data: bytes) -> None:
    network = Network()
    phone = network.phone("10.0.0.1")
    for prefix in (b"", b"INVITE sip:a@b SIP/2.0\r\n", b"SIP/2.0 200 OK\r\nVia: "):
        phone.receive(prefix + data, Flow("udp", PHONE, ("10.0.0.2", 5060)))
    assert phone.agent.sessions == ()
