"""The user agent as a whole: effects, events, queries, and several of them at once."""

from __future__ import annotations

import random

import pytest

from platypus.errors import ProtocolError
from platypus.sip.events import Answered, IncomingCall, ResponseReceived, SessionEnded
from platypus.sip.flow import Connect, Flow, Hop, Resolve, Send
from platypus.sip.settings import AccountSettings, UserAgentSettings
from platypus.sip.user_agent import UserAgent
from tests.harness.network import ANSWER, Network
from tests.harness.peer import Peer


def new_agent() -> UserAgent:
    return UserAgent(random=random.Random(1).randbytes)


class TestEffects:
    def test_a_request_asks_for_hops_then_a_flow_then_sends(self) -> None:
        agent = new_agent()
        agent.options("sip:bob@example.com", now=0.0)
        (resolve,) = agent.effects()
        assert isinstance(resolve, Resolve) and resolve.uri == "sip:bob@example.com"
        hop = Hop("udp", "10.0.0.2", 5060)
        agent.resolved(resolve.key, [hop], 0.0)
        (connect,) = agent.effects()
        assert isinstance(connect, Connect) and connect.hop == hop
        flow = Flow("udp", ("10.0.0.1", 5061), ("10.0.0.2", 5060))
        agent.connected(connect.key, flow, 0.0)
        (send,) = agent.effects()
        assert isinstance(send, Send) and send.flow == flow
        assert b"Via: SIP/2.0/UDP 10.0.0.1:5061;" in send.data

    def test_effects_are_handed_out_once(self) -> None:
        agent = new_agent()
        agent.options("sip:bob@example.com", now=0.0)
        assert len(agent.effects()) == 1
        assert agent.effects() == []

    def test_an_answer_to_a_key_nobody_has_is_ignored(self) -> None:
        agent = new_agent()
        agent.resolved(7, [], 0.0)
        agent.connected(8, Flow("udp", ("a", 1), ("b", 2)), 0.0)
        agent.failed(9, "why not", 0.0)
        assert agent.effects() == [] and agent.next_event() is None

    def test_a_key_is_answered_once(self) -> None:
        agent = new_agent()
        agent.options("sip:bob@example.com", now=0.0)
        (resolve,) = agent.effects()
        assert isinstance(resolve, Resolve)
        agent.failed(resolve.key, "no such name", 0.0)
        agent.resolved(resolve.key, [Hop("udp", "10.0.0.2", 5060)], 0.0)
        assert agent.effects() == []

    def test_over_tcp_via_and_contact_say_so(self) -> None:
        network = Network()
        phone, peer = network.phone("10.0.0.1"), Peer(network, "10.0.0.2")
        phone.call("sip:bob@10.0.0.2;transport=tcp")
        network.run(0.1)
        invite = peer.request("INVITE")
        assert invite.via.transport == "TCP"
        assert invite.contacts[0].uri.transport == "tcp"

    def test_ipv6_is_written_in_brackets(self) -> None:
        agent = new_agent()
        agent.options("sip:bob@[2001:db8::2]", now=0.0)
        (resolve,) = agent.effects()
        assert isinstance(resolve, Resolve)
        agent.resolved(resolve.key, [Hop("udp", "2001:db8::2", 5060)], 0.0)
        (connect,) = agent.effects()
        assert isinstance(connect, Connect)
        flow = Flow("udp", ("2001:db8::1", 5060), ("2001:db8::2", 5060))
        agent.connected(connect.key, flow, 0.0)
        (send,) = agent.effects()
        assert isinstance(send, Send)
        assert b"SIP/2.0/UDP [2001:db8::1]:5060" in send.data
        assert b"Contact: <sip:platypus@[2001:db8::1]:5060>" in send.data

    def test_a_new_agent_has_nothing_to_do(self) -> None:
        agent = new_agent()
        assert agent.next_timeout() is None
        assert agent.idle
        agent.handle_timeout(1e9)


class TestQueries:
    def test_options_tells_the_final_response(self) -> None:
        network = Network()
        alice = network.phone("10.0.0.1")
        network.phone("10.0.0.2")
        key = alice.do(alice.agent.options, "sip:bob@10.0.0.2")
        network.run(0.1)
        answer = alice.next(ResponseReceived)
        assert answer.key == key
        assert answer.response is not None and answer.response.status == 200

    def test_options_tells_silence(self) -> None:
        network = Network()
        alice = network.phone("10.0.0.1")
        alice.do(alice.agent.options, "sip:bob@10.0.0.2")
        network.run(33)
        answer = alice.next(ResponseReceived)
        assert answer.response is None and "10.0.0.2" in answer.reason

    def test_options_answers_a_challenge(self) -> None:
        network = Network()
        alice, peer = network.phone("10.0.0.1"), Peer(network, "10.0.0.2")
        account = AccountSettings(aor="sip:alice@example.com", password="secret")
        alice.do(alice.agent.options, "sip:bob@10.0.0.2", account=account)
        network.run(0.1)
        challenge = [("WWW-Authenticate", 'Digest realm="r", nonce="n", qop="auth"')]
        peer.respond(peer.request("OPTIONS"), 401, headers=challenge)
        network.run(0.1)
        assert "Authorization" in peer.request("OPTIONS").headers
        assert not alice.has(ResponseReceived)

    def test_any_method_can_be_sent_with_a_body(self) -> None:
        network = Network()
        alice, peer = network.phone("10.0.0.1"), Peer(network, "10.0.0.2")
        alice.do(
            alice.agent.request,
            "MESSAGE",
            "sip:bob@10.0.0.2",
            body=b"hello",
            content_type="text/plain",
        )
        network.run(0.1)
        message = peer.request("MESSAGE")
        assert (message.body, message.content_type) == (b"hello", "text/plain")
        assert "Contact" not in message.headers  # RFC 3428, 4
        assert str(message.from_.uri) == "sip:platypus@10.0.0.1:5060"

    def test_a_target_that_is_none_is_refused_at_once(self) -> None:
        with pytest.raises(ProtocolError):
            new_agent().options("bob", now=0.0)


class TestTogether:
    def test_a_phone_can_call_itself(self) -> None:
        network = Network()
        phone = network.phone("10.0.0.1")
        call = phone.call("sip:me@10.0.0.1")
        network.run(0.1)
        incoming = phone.next(IncomingCall).session
        phone.do(incoming.answer, ANSWER)
        network.run(0.1)
        assert phone.next(Answered).session is call
        phone.do(incoming.hangup)
        network.run(0.1)
        ends = [phone.next(SessionEnded), phone.next(SessionEnded)]
        assert {end.session for end in ends} == {call, incoming}
        assert phone.agent.sessions == ()

    def test_many_calls_at_once_do_not_mix(self) -> None:
        network = Network()
        alice, bob = network.phone("10.0.0.1"), network.phone("10.0.0.2")
        bob.react = lambda event: (
            event.session.answer(event.session.remote_body + b"!", network.now)
            if isinstance(event, IncomingCall)
            else None
        )
        calls = [alice.call("sip:bob@10.0.0.2", body=b"offer %d" % n) for n in range(50)]
        network.run(1)
        bodies = {
            event.session: event.body for event in alice.events if isinstance(event, Answered)
        }
        assert [bodies[call] for call in calls] == [b"offer %d!" % n for n in range(50)]
        for call in calls:
            alice.do(call.hangup)
        network.settle()
        for phone in (alice, bob):
            assert (phone.agent.sessions, phone.agent.transactions, phone.agent.timers) == (
                (),
                0,
                0,
            )

    def test_two_agents_with_the_same_randomness_do_not_share_state(self) -> None:
        first, second = new_agent(), new_agent()
        first.options("sip:bob@example.com", now=0.0)
        assert second.effects() == [] and second.idle

    def test_ids_of_calls_differ(self) -> None:
        agent = new_agent()
        ids = {agent.invite("sip:bob@example.com", now=0.0).id for _ in range(20)}
        assert len(ids) == 20


class TestSettings:
    def test_our_name_is_in_requests_and_responses(self) -> None:
        network = Network()
        alice = network.phone("10.0.0.1", user_agent="Desk/1.0")
        peer = Peer(network, "10.0.0.2")
        alice.call("sip:bob@10.0.0.2")
        peer.send("OPTIONS", "sip:alice@10.0.0.1", ("10.0.0.1", 5060))
        network.run(0.1)
        assert peer.request("INVITE").user_agent == "Desk/1.0"
        assert peer.response(200).user_agent == "Desk/1.0"

    def test_supported_extensions_are_named(self) -> None:
        network = Network()
        alice, peer = network.phone("10.0.0.1", supported=("replaces", "gruu")), None
        peer = Peer(network, "10.0.0.2")
        alice.call("sip:bob@10.0.0.2")
        network.run(0.1)
        assert peer.request("INVITE").supported == ("replaces", "gruu", "100rel", "timer")

    def test_t1_scales_every_retransmission(self) -> None:
        network = Network()
        alice = network.phone("10.0.0.1", t1=0.1)
        alice.call("sip:bob@10.0.0.2")
        network.run(7)
        assert alice.next(SessionEnded).code is None
        assert [round(step.time, 3) for step in network.log] == [0, 0.1, 0.3, 0.7, 1.5, 3.1, 6.3]

    def test_methods_are_listed_once(self) -> None:
        settings = UserAgentSettings(handled_methods=("OPTIONS", "REGISTER"))
        assert settings.methods.count("OPTIONS") == 1
