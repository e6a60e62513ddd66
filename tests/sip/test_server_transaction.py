"""Server transactions, figures 7 and 8 of RFC 3261 with RFC 6026."""

from __future__ import annotations

from platypus.sip.flow import Flow
from platypus.sip.keys import merge_key, server_key
from platypus.sip.message import Response
from platypus.sip.server_transaction import ServerTransaction
from platypus.sip.stack import Stack
from platypus.sip.transaction import State
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


class Setup:
    """A transaction for a request that came at time 0."""

    def __init__(self, method: str, flow: Flow = UDP) -> None:
        self.stack: Stack = new_stack()
        self.request = new_request(method)
        self.transaction: ServerTransaction = self.stack.start_server(
            server_key(self.request), self.request, flow, 0.0
        )

    def respond(self, status: int, now: float = 0.0) -> None:
        data = new_response(self.request, status).serialize()
        self.transaction.respond(status, data, now)

    def again(self, method: str = "", now: float = 0.1) -> None:
        request = new_request(method or self.request.method)
        self.transaction.receive_request(request, now)

    def statuses(self) -> list[int]:
        return [m.status for m in sent(self.stack) if isinstance(m, Response)]

    @property
    def state(self) -> State:
        return self.transaction.state


class TestInvite:
    def test_a_retransmission_gets_the_last_provisional_response_again(self) -> None:
        setup = Setup("INVITE")
        setup.respond(100)
        setup.respond(180)
        setup.statuses()
        setup.again()
        assert setup.statuses() == [180]

    def test_a_retransmission_before_any_response_gets_nothing(self) -> None:
        setup = Setup("INVITE")
        setup.again()
        assert setup.statuses() == []

    def test_a_refusal_is_resent_with_interval_capped_at_t2_until_64_t1(self) -> None:
        setup = Setup("INVITE")
        setup.respond(486)
        expected = [0.0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]
        assert send_times(setup.stack, 100) == expected
        assert setup.stack.servers == {}

    def test_a_refusal_is_not_resent_over_a_reliable_transport(self) -> None:
        setup = Setup("INVITE", TCP)
        setup.respond(486)
        assert send_times(setup.stack, 100) == [0.0]
        assert setup.stack.servers == {}

    def test_the_ack_ends_retransmission_and_timer_i_absorbs_more(self) -> None:
        setup = Setup("INVITE")
        setup.respond(486)
        setup.again("ACK", 0.2)
        assert setup.state is State.CONFIRMED
        setup.again("ACK", 0.3)
        assert send_times(setup.stack, 5.1) == [0.0]
        send_times(setup.stack, 5.2)
        assert setup.stack.servers == {}

    def test_timer_i_is_zero_over_a_reliable_transport(self) -> None:
        setup = Setup("INVITE", TCP)
        setup.respond(486)
        setup.again("ACK", 0.2)
        assert setup.stack.servers == {}

    def test_a_retransmission_gets_the_refusal_again(self) -> None:
        setup = Setup("INVITE")
        setup.respond(486)
        setup.again()
        assert setup.statuses() == [486, 486]

    def test_a_2xx_leaves_retransmission_to_the_user_and_absorbs_invites(self) -> None:
        setup = Setup("INVITE")
        setup.respond(200)
        setup.again()
        assert setup.statuses() == [200]
        assert send_times(setup.stack, 64 * T1) == []
        assert setup.stack.servers == {}

    def test_nothing_is_sent_after_a_final_response(self) -> None:
        setup = Setup("INVITE")
        setup.respond(200)
        setup.respond(180)
        setup.respond(486)
        assert setup.statuses() == [200]

    def test_the_request_is_let_go_with_the_final_response(self) -> None:
        setup = Setup("INVITE")
        setup.respond(486)
        assert setup.transaction.request is None


class TestNonInvite:
    def test_a_retransmission_before_the_response_is_absorbed(self) -> None:
        setup = Setup("OPTIONS")
        setup.again()
        assert setup.statuses() == []

    def test_a_retransmission_gets_the_response_again_until_timer_j(self) -> None:
        setup = Setup("OPTIONS")
        setup.respond(200)
        setup.again(now=20.0)
        assert setup.statuses() == [200, 200]
        assert send_times(setup.stack, 64 * T1) == []
        assert setup.stack.servers == {}

    def test_a_retransmission_gets_the_provisional_response_again(self) -> None:
        setup = Setup("OPTIONS")
        setup.respond(100)
        setup.again()
        assert setup.statuses() == [100, 100]

    def test_only_the_first_final_response_is_sent(self) -> None:
        setup = Setup("OPTIONS")
        setup.respond(404)
        setup.respond(200)
        assert setup.statuses() == [404]

    def test_timer_j_is_zero_over_a_reliable_transport(self) -> None:
        setup = Setup("OPTIONS", TCP)
        setup.respond(200)
        assert setup.stack.servers == {}
        assert own_timers(setup.stack) == 0

    def test_a_user_that_never_responds_is_not_waited_for(self) -> None:
        setup = Setup("OPTIONS")
        send_times(setup.stack, 64 * T1)
        assert setup.stack.servers == {}
        assert own_timers(setup.stack) == 0


class TestKeys:
    def test_an_ack_has_the_key_of_its_invite(self) -> None:
        assert server_key(new_request("ACK")) == server_key(new_request("INVITE"))

    def test_a_cancel_has_a_key_of_its_own(self) -> None:
        assert server_key(new_request("CANCEL")) != server_key(new_request("INVITE"))

    def test_another_branch_is_another_transaction(self) -> None:
        assert server_key(new_request(branch="z9hG4bKa")) != server_key(
            new_request(branch="z9hG4bKb")
        )

    def test_without_the_magic_cookie_the_sequence_number_tells_requests_apart(self) -> None:
        first, second = new_request(branch="1"), new_request(branch="1", cseq=2)
        assert server_key(first) != server_key(second)
        assert server_key(first) == server_key(new_request(branch="1"))

    def test_copies_of_a_request_over_two_paths_share_their_merge_key(self) -> None:
        first, second = new_request(branch="z9hG4bKa"), new_request(branch="z9hG4bKb")
        assert merge_key(first) == merge_key(second)

    def test_the_end_of_a_copy_leaves_the_original_in_the_merge_index(self) -> None:
        setup = Setup("OPTIONS")
        copy = new_request("OPTIONS", branch="z9hG4bKcopy")
        setup.stack.start_server(server_key(copy), copy, TCP, 0.0).terminate()
        assert setup.stack.merges == {merge_key(copy): setup.transaction}

    def test_the_merge_index_is_cleared_with_the_transaction(self) -> None:
        setup = Setup("OPTIONS")
        setup.respond(200)
        send_times(setup.stack, 64 * T1)
        assert setup.stack.merges == {}
