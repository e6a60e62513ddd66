"""Client transactions, figures 5 and 6 of RFC 3261 with RFC 6026."""

from __future__ import annotations

import pytest

from platypus.sip.flow import Flow
from platypus.sip.message import Request, Response
from platypus.sip.stack import Stack
from platypus.sip.transaction import ClientTransaction, State
from tests.sip.stacks import (
    TCP,
    UDP,
    new_request,
    new_response,
    new_stack,
    own_timers,
    send_times,
    sent,
)

T1 = 0.5


class User:
    def __init__(self) -> None:
        self.statuses: list[int] = []
        self.failures: list[str] = []
        self.over: list[ClientTransaction] = []

    def receive_response(self, response: Response, now: float) -> None:
        self.statuses.append(response.status)

    def transaction_failed(self, reason: str, now: float) -> None:
        self.failures.append(reason)

    def transaction_over(self, transaction: ClientTransaction) -> None:
        self.over.append(transaction)


class Setup:
    """A transaction just started at time 0."""

    def __init__(self, method: str, flow: Flow = UDP) -> None:
        self.stack: Stack = new_stack()
        self.user = User()
        self.request: Request = new_request(method)
        self.transaction: ClientTransaction = self.stack.start_client(
            self.request, flow, self.user, 0.0
        )

    def respond(self, status: int, now: float = 0.1, tag: str = "b") -> None:
        self.transaction.receive_response(new_response(self.request, status, tag=tag), now)

    @property
    def state(self) -> State:
        return self.transaction.state


class TestInvite:
    def test_resends_with_doubling_interval_without_a_cap(self) -> None:
        setup = Setup("INVITE")
        assert send_times(setup.stack, 31.9) == [0.0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5]

    def test_gives_up_after_64_t1(self) -> None:
        setup = Setup("INVITE")
        send_times(setup.stack, 64 * T1 - 0.001)
        assert setup.user.failures == []
        send_times(setup.stack, 64 * T1)
        assert setup.user.failures == ["no answer"]
        assert setup.stack.clients == {}
        assert own_timers(setup.stack) == 0

    def test_never_resends_over_a_reliable_transport(self) -> None:
        setup = Setup("INVITE", TCP)
        assert send_times(setup.stack, 100) == [0.0]
        assert setup.user.failures == ["no answer"]

    def test_a_provisional_response_ends_retransmission_and_waits_for_ever(self) -> None:
        setup = Setup("INVITE")
        setup.respond(100)
        assert send_times(setup.stack, 1000) == [0.0]
        assert setup.state is State.PROCEEDING
        assert setup.user.failures == []

    def test_every_provisional_response_is_passed_up(self) -> None:
        setup = Setup("INVITE")
        for status in (100, 180, 183, 180):
            setup.respond(status)
        assert setup.user.statuses == [100, 180, 183, 180]

    def test_a_refusal_is_acknowledged_inside_the_transaction(self) -> None:
        setup = Setup("INVITE")
        sent(setup.stack)
        setup.respond(486)
        (ack,) = sent(setup.stack)
        assert isinstance(ack, Request)
        assert ack.method == "ACK"
        assert str(ack.uri) == "sip:bob@10.0.0.2"
        assert ack.via.branch == "z9hG4bK1"
        assert ack.to.tag == "b"
        assert str(ack.cseq) == "1 ACK"
        assert [str(route.uri) for route in ack.routes] == ["sip:proxy.example.com;lr"]

    def test_a_repeated_refusal_is_acknowledged_again_and_not_passed_up(self) -> None:
        setup = Setup("INVITE")
        setup.respond(486)
        sent(setup.stack)
        setup.respond(486, 0.6)
        assert [m.method for m in sent(setup.stack) if isinstance(m, Request)] == ["ACK"]
        assert setup.user.statuses == [486]

    def test_timer_d_keeps_it_for_32_seconds(self) -> None:
        setup = Setup("INVITE")
        setup.respond(486, 1.0)
        send_times(setup.stack, 32.9)
        assert setup.state is State.COMPLETED
        send_times(setup.stack, 33.0)
        assert setup.stack.clients == {}

    def test_timer_d_is_zero_over_a_reliable_transport(self) -> None:
        setup = Setup("INVITE", TCP)
        setup.respond(486)
        assert setup.stack.clients == {}
        assert own_timers(setup.stack) == 0

    def test_a_2xx_is_not_acknowledged_here(self) -> None:
        setup = Setup("INVITE")
        sent(setup.stack)
        setup.respond(200)
        assert sent(setup.stack) == []
        assert setup.state is State.ACCEPTED

    def test_repeated_and_forked_2xx_are_all_passed_up_for_64_t1(self) -> None:
        setup = Setup("INVITE")
        setup.respond(200, 1.0)
        setup.respond(200, 1.5)
        setup.respond(200, 2.0, tag="other")
        assert setup.user.statuses == [200, 200, 200]
        send_times(setup.stack, 1.0 + 64 * T1)
        assert setup.stack.clients == {}

    def test_a_provisional_response_or_a_refusal_after_2xx_is_ignored(self) -> None:
        setup = Setup("INVITE")
        setup.respond(200)
        sent(setup.stack)
        setup.respond(180)
        setup.respond(486)
        assert setup.user.statuses == [200]
        assert sent(setup.stack) == []

    def test_a_2xx_after_a_refusal_is_ignored(self) -> None:
        setup = Setup("INVITE")
        setup.respond(486)
        setup.respond(200)
        assert setup.user.statuses == [486]

    def test_a_transport_error_is_told_once(self) -> None:
        setup = Setup("INVITE")
        setup.stack.flow_failed(UDP, "port unreachable", 0.1)
        setup.stack.flow_failed(UDP, "port unreachable", 0.2)
        assert setup.user.failures == ["port unreachable"]
        assert own_timers(setup.stack) == 0

    @pytest.mark.parametrize("method", ["INVITE", "BYE"])
    @pytest.mark.parametrize("flow", [UDP, TCP])
    @pytest.mark.parametrize("status", [200, 404, None])
    def test_its_end_is_told_once_and_last(
        self, method: str, flow: Flow, status: int | None
    ) -> None:
        setup = Setup(method, flow)
        if status is not None:
            setup.respond(status)
        send_times(setup.stack, 70.0)
        setup.transaction.terminate()
        assert setup.user.over == [setup.transaction]
        assert setup.stack.clients == {}

    def test_a_transport_error_on_another_flow_is_not_told(self) -> None:
        setup = Setup("INVITE")
        setup.stack.flow_failed(TCP, "closed", 0.1)
        assert setup.user.failures == []

    def test_a_transport_error_after_the_answer_is_not_told(self) -> None:
        setup = Setup("INVITE")
        setup.respond(200)
        setup.stack.flow_failed(UDP, "port unreachable", 0.2)
        assert setup.user.failures == []


class TestNonInvite:
    def test_resends_with_doubling_interval_capped_at_t2(self) -> None:
        setup = Setup("OPTIONS")
        expected = [0.0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]
        assert send_times(setup.stack, 31.9) == expected

    def test_gives_up_after_64_t1(self) -> None:
        setup = Setup("OPTIONS")
        send_times(setup.stack, 64 * T1)
        assert setup.user.failures == ["no answer"]
        assert setup.stack.clients == {}

    def test_a_provisional_response_slows_retransmission_to_t2(self) -> None:
        setup = Setup("OPTIONS")
        setup.respond(100, 0.1)
        assert send_times(setup.stack, 10) == [0.0, 0.5, 4.5, 8.5]

    def test_gives_up_after_64_t1_even_after_a_provisional_response(self) -> None:
        setup = Setup("OPTIONS")
        setup.respond(100, 0.1)
        send_times(setup.stack, 64 * T1)
        assert setup.user.failures == ["no answer"]

    @pytest.mark.parametrize("status", [200, 302, 404, 503, 603])
    def test_any_final_response_ends_retransmission(self, status: int) -> None:
        setup = Setup("OPTIONS")
        setup.respond(status)
        assert send_times(setup.stack, 100) == [0.0]
        assert setup.user.statuses == [status]

    def test_only_the_first_final_response_counts(self) -> None:
        setup = Setup("OPTIONS")
        setup.respond(200)
        setup.respond(200)
        setup.respond(404)
        assert setup.user.statuses == [200]

    def test_timer_k_absorbs_retransmissions_for_t4(self) -> None:
        setup = Setup("OPTIONS")
        setup.respond(200, 1.0)
        send_times(setup.stack, 5.9)
        assert setup.state is State.COMPLETED
        send_times(setup.stack, 6.0)
        assert setup.stack.clients == {}

    def test_timer_k_is_zero_over_a_reliable_transport(self) -> None:
        setup = Setup("OPTIONS", TCP)
        setup.respond(200)
        assert setup.stack.clients == {}
        assert own_timers(setup.stack) == 0
