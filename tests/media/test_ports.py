"""RTP and RTCP port pairs, on real sockets of this machine."""

import socket

import pytest

from platypus.errors import MediaError
from platypus.media.ports import Ports

LOW = 20_000  # below the ports the system gives to clients


def ports(low: int, high: int, *, start: int = 0) -> Ports:
    return Ports((low, high), lambda count: start.to_bytes(count, "big"))


def port_of(sock: socket.socket) -> int:
    return int(sock.getsockname()[1])


def close(*pairs: tuple[socket.socket, socket.socket]) -> None:
    for pair in pairs:
        for sock in pair:
            sock.close()


def test_rtp_is_even_and_rtcp_the_next() -> None:
    pair = ports(LOW, LOW + 9).open("127.0.0.1")
    assert (port_of(pair[0]) % 2, port_of(pair[1]) - port_of(pair[0])) == (0, 1)
    close(pair)


def test_a_range_is_used_round_and_round() -> None:
    range_of_two = ports(LOW, LOW + 3)
    found = []
    for _ in range(4):
        pair = range_of_two.open("127.0.0.1")
        found.append(port_of(pair[0]))
        close(pair)
    assert found == [LOW, LOW + 2, LOW, LOW + 2]


def test_the_first_port_is_not_always_the_same() -> None:
    pair = ports(LOW, LOW + 9, start=3).open("127.0.0.1")
    assert port_of(pair[0]) == LOW + 6
    close(pair)


def test_an_odd_start_is_rounded_up() -> None:
    pair = ports(LOW + 1, LOW + 3).open("127.0.0.1")
    assert port_of(pair[0]) == LOW + 2
    close(pair)


def test_a_port_taken_by_another_program_is_passed_over() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", LOW + 1))  # the RTCP port of the first pair
        pair = ports(LOW, LOW + 3).open("127.0.0.1")
        assert port_of(pair[0]) == LOW + 2
        close(pair)


def test_a_full_range_says_what_to_do() -> None:
    narrow = ports(LOW, LOW + 1)
    pair = narrow.open("127.0.0.1")
    with pytest.raises(MediaError, match=f"{LOW}-{LOW + 1}.*end a call, or allow a wider range"):
        narrow.open("127.0.0.1")
    close(pair)


def test_a_full_range_leaves_no_socket_behind() -> None:
    narrow = ports(LOW, LOW + 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", LOW + 1))
        with pytest.raises(MediaError):
            narrow.open("127.0.0.1")
    close(narrow.open("127.0.0.1"))  # its RTP port is free again


@pytest.mark.parametrize("wrong", [(LOW + 2, LOW), (0, 9), (65_000, 70_000), (LOW + 1, LOW + 1)])
def test_a_range_without_a_pair_is_refused(wrong: tuple[int, int]) -> None:
    with pytest.raises(MediaError, match="hold no pair"):
        ports(*wrong)


def test_sockets_never_block() -> None:
    pair = ports(LOW, LOW + 9).open("127.0.0.1")
    with pytest.raises(BlockingIOError):
        pair[0].recv(1)
    close(pair)
