"""Transactions that only wait for retransmissions: one timer ends them all, none too early."""

from __future__ import annotations

import pytest

from platypus.sip.keys import client_key, port_in, server_key
from platypus.sip.lingering import FEW, LATE
from platypus.sip.message import Response
from platypus.sip.stack import Stack
from platypus.sip.transaction import State
from tests.sip.stacks import TCP, UDP, new_request, new_response, new_stack, sent

LINGER = 32.0


def answer(
    stack: Stack, number: int, now: float, method: str = "OPTIONS", status: int = 200
) -> str:
    """A request that comes and is answered at once; the key of its transaction."""
    request = new_request(method, branch=f"z9hG4bK{number}", cseq=number)
    key = server_key(request)
    transaction = stack.start_server(key, request, UDP, now)
    transaction.respond(status, new_response(request, status).serialize(), now)
    return key


def run(stack: Stack, until: float) -> list[float]:
    """When the timers fired, up to a moment."""
    times = []
    while (due := stack.timers.next_timeout()) is not None and due <= until:
        stack.timers.handle_timeout(due)
        times.append(due)
    return times


def test_a_few_are_forgotten_to_the_instant() -> None:
    stack = new_stack()
    for number in range(3):
        answer(stack, number, number / 10)
    assert run(stack, 100.0) == pytest.approx([LINGER, LINGER + 0.1, LINGER + 0.2])
    assert not stack.servers


def test_of_a_rush_none_is_forgotten_early_and_the_last_a_second_late() -> None:
    stack = new_stack()
    came = {answer(stack, number, number / 100): number / 100 for number in range(10 * FEW)}
    gone: dict[str, float] = {}
    while stack.servers:
        now = stack.timers.next_timeout()
        assert now is not None
        stack.timers.handle_timeout(now)
        gone |= {key: now for key in came if key not in stack.servers and key not in gone}
    lingered = [gone[key] - came[key] for key in came]
    assert min(lingered) >= LINGER
    assert max(lingered) <= LINGER + LATE + 0.01


def test_a_rush_has_one_timer_which_fires_once_a_second() -> None:
    stack = new_stack()
    for number in range(10 * FEW):
        answer(stack, number, number / 100)
    assert len(stack.timers) == 1
    fired = run(stack, 100.0)
    assert len(fired) < FEW  # the last of them one by one; of the hundreds before none alone
    assert not stack.servers and not stack.merges and len(stack.timers) == 0


def test_in_a_rush_what_comes_again_is_answered_to_the_end() -> None:
    stack = new_stack()
    for number in range(10 * FEW):
        answer(stack, number, 0.0)
    sent(stack)
    run(stack, LINGER - 0.01)
    again = new_request("OPTIONS", branch="z9hG4bK7", cseq=7)
    stack.servers[server_key(again)].receive_request(again, LINGER - 0.01)
    (response,) = sent(stack)
    assert isinstance(response, Response)
    assert (response.status, response.cseq.number) == (200, 7)


def test_one_that_lingers_for_less_is_not_kept_by_those_that_linger_longer() -> None:
    stack = new_stack()
    answer(stack, 1, 0.0)
    key = answer(stack, 2, 0.0, "INVITE", 486)
    ack = new_request("ACK", branch="z9hG4bK2", cseq=2)
    stack.servers[key].receive_request(ack, 1.0)
    assert stack.servers[key].state is State.CONFIRMED
    run(stack, 6.0)
    assert key not in stack.servers and len(stack.servers) == 1


def over_at_once(stack: Stack, number: int, now: float) -> None:
    """A request over a connection, and its answer."""
    request = new_request(branch=f"z9hG4bK{number}", cseq=number)
    transaction = stack.start_server(server_key(request), request, TCP, now)
    transaction.respond(200, new_response(request, 200).serialize(), now)


def test_where_nothing_lingers_one_timer_runs_once_until_all_is_forgotten() -> None:
    stack = new_stack()
    over_at_once(stack, 1, 0.0)
    assert not stack.servers and len(stack.timers) == 1
    assert len(run(stack, 100.0)) == 1 and len(stack.timers) == 0


@pytest.mark.parametrize("before", [0.0, 5.0, 31.0])
def test_calls_that_are_over_are_remembered_for_as_long_over_a_connection(before: float) -> None:
    stack = new_stack()
    over_at_once(stack, 1, 0.0)
    stack.ended["call", "tag"] = "peer"
    over_at_once(stack, 2, before)
    run(stack, before + LINGER - 1.1)
    assert stack.ended
    run(stack, before + LINGER)
    assert not stack.ended and len(stack.timers) == 0


def test_a_fault_at_the_end_of_one_does_not_keep_the_others() -> None:
    class Faulty:
        def receive_response(self, response: Response, now: float) -> None: ...

        def transaction_failed(self, reason: str, now: float) -> None:
            raise RuntimeError("a fault of ours")

        def transaction_over(self, transaction: object) -> None: ...

    stack = new_stack()
    stack.start_client(new_request(), UDP, Faulty(), 0.0)
    answer(stack, 1, 0.0)
    answer(stack, 2, 1.0)
    with pytest.raises(RuntimeError):
        run(stack, LINGER)
    run(stack, 100.0)
    assert not stack.servers and not stack.clients


def test_a_key_names_the_port_that_answers_go_to() -> None:
    assert port_in(server_key(new_request())) == "5060"
    assert port_in(server_key(new_request(branch="1"))) is None  # RFC 2543: who knows


def test_the_same_branch_with_another_method_is_another_transaction() -> None:
    assert client_key("z9hG4bK1", "INVITE") != client_key("z9hG4bK1", "CANCEL")
    assert server_key(new_request("CANCEL"), "INVITE") == server_key(new_request("INVITE"))
