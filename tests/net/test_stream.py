"""SIP over TCP, on real sockets of this machine; time is given, not waited for."""

from __future__ import annotations

import asyncio
import socket
from typing import Literal

import pytest

from platypus.errors import NetworkError
from platypus.net import connection as connection_module
from platypus.net import stream as module
from platypus.sip.flow import Flow, Hop
from platypus.sip.framing import PING, PONG
from tests.harness.ports import free_port
from tests.net.links import Link, Listener, linked, message, raw, run

TRANSPORTS: tuple[Literal["tcp", "udp"], ...] = ("tcp", "udp")


class TestMessages:
    def test_go_both_ways_on_one_connection(self) -> None:
        async def work() -> None:
            async with linked() as one, linked() as other:
                flow = await one.transport.establish(other.hop("tcp"))
                one.transport.send(flow, message("request"))
                data, back = await other.received.get()
                assert data == message("request")
                other.transport.send(back, message("response"))
                assert await one.received.get() == (message("response"), flow)
                assert len(other.connections) == 1

        run(work())

    def test_are_put_together_from_any_pieces(self) -> None:
        async def work() -> None:
            async with linked() as one, raw(one) as (_, writer):
                stream = message("first", b"body\r\n\r\n") + message("second")
                for start in range(0, len(stream), 7):
                    writer.write(stream[start : start + 7])
                    await writer.drain()
                    await asyncio.sleep(0)
                assert (await one.received.get())[0] == message("first", b"body\r\n\r\n")
                assert (await one.received.get())[0] == message("second")

        run(work())

    def test_many_in_one_piece_come_one_by_one(self) -> None:
        async def work() -> None:
            async with linked() as one, raw(one) as (_, writer):
                writer.write(b"".join(message(str(number)) for number in range(50)))
                got = [(await one.received.get())[0] for _ in range(50)]
                assert got == [message(str(number)) for number in range(50)]

        run(work())

    def test_the_largest_there_is_comes_through(self) -> None:
        async def work() -> None:
            async with linked() as one, linked() as other:
                large = message(body=b"x" * 65_000)
                one.transport.send(await one.transport.establish(other.hop("tcp")), large)
                assert (await other.received.get())[0] == large

        run(work())

    @pytest.mark.parametrize(
        "garbage", [b"\x16\x03\x01" + b"x" * 70_000, b"A\r\nContent-Length: -5\r\n\r\n"]
    )
    def test_what_can_not_be_followed_ends_the_connection(self, garbage: bytes) -> None:
        async def work() -> None:
            async with linked() as one, raw(one) as (reader, writer):
                writer.write(message() + garbage)
                await one.received.get()
                flow, reason = await one.failures.get()
                assert "can't be followed" in reason
                assert flow.remote == writer.get_extra_info("sockname")
                assert await reader.read() == b""
                assert one.connections == []

        run(work())

    def test_nothing_is_taken_after_what_could_not_be_followed(self) -> None:
        async def work() -> None:
            async with linked() as one, raw(one) as (reader, writer):
                writer.write(b"A\r\nContent-Length: x\r\n\r\n" + message())
                await reader.read()
                assert one.received.empty()

        run(work())


class TestFlows:
    def test_say_where_others_can_connect_to(self) -> None:
        async def work() -> None:
            async with linked() as one, linked() as other:
                flow = await one.transport.establish(other.hop("tcp"))
                assert flow.local == one.transport.address
                assert flow.remote == other.transport.address

        run(work())

    def test_of_two_connections_to_one_place_differ(self) -> None:
        async def work() -> None:
            async with linked() as one, Listener() as server:
                flow = await one.transport.establish(server.hop)
                one.transport.close_flow(flow)
                assert await one.transport.establish(server.hop) != flow

        run(work())

    def test_are_used_again(self) -> None:
        async def work() -> None:
            async with linked() as one, linked() as other:
                assert one.transport.connect(other.hop("tcp")) is None
                flow = await one.transport.establish(other.hop("tcp"))
                assert one.transport.connect(other.hop("tcp")) == flow

        run(work())

    def test_are_opened_once_for_many_who_ask_at_once(self) -> None:
        async def work() -> None:
            async with linked() as one, linked() as other:
                hops = [other.hop("tcp")] * 10
                flows = await asyncio.gather(*map(one.transport.establish, hops))
                assert len(set(flows)) == 1

        run(work())

    def test_one_who_gives_up_does_not_take_the_connection_from_others(self) -> None:
        async def work() -> None:
            async with linked() as one, linked() as other:
                first = asyncio.create_task(one.transport.establish(other.hop("tcp")))
                second = asyncio.create_task(one.transport.establish(other.hop("tcp")))
                await asyncio.sleep(0)
                first.cancel()
                assert (await second).remote == other.transport.address

        run(work())

    def test_that_were_accepted_reach_who_opened_them(self) -> None:
        async def work() -> None:
            async with linked() as one, raw(one) as (_r, writer):
                writer.write(message())
                _, flow = await one.received.get()
                again = one.transport.connect(Hop("tcp", *flow.remote))
                assert again == flow

        run(work())

    def test_over_ipv6_work_as_well(self) -> None:
        async def work() -> None:
            async with linked("::1") as one, linked("::1") as other:
                flow = await one.transport.establish(other.hop("tcp"))
                one.transport.send(flow, message())
                assert (await other.received.get())[1].local == other.transport.address

        run(work())

    def test_of_a_wildcard_socket_reach_both_families(self) -> None:
        async def work() -> None:
            async with linked("0.0.0.0") as one, linked("::1") as six, linked() as four:
                for other in (six, four):
                    for transport in TRANSPORTS:
                        hop = other.hop(transport)
                        flow = one.transport.connect(hop) or await one.transport.establish(hop)
                        one.transport.send(flow, message())
                        assert (await other.received.get())[1].transport == transport

        run(work())

    def test_to_a_family_we_are_not_bound_to_are_refused_in_words(self) -> None:
        async def work() -> None:
            async with linked("127.0.0.1") as one:
                with pytest.raises(NetworkError, match=r"\[::1\]:5060 can't be reached from"):
                    await one.transport.establish(Hop("udp", "::1", 5060))

        run(work())


class TestFailing:
    def test_a_port_nobody_listens_on_is_named(self) -> None:
        async def work() -> None:
            async with linked() as one:
                port = free_port()
                with pytest.raises(NetworkError, match=rf"{port}: nothing listens there"):
                    await one.transport.establish(Hop("tcp", "127.0.0.1", port))

        run(work())

    def test_one_that_does_not_answer_is_given_up(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(module, "CONNECT_TIMEOUT", 0.05)

        async def work() -> None:
            with socket.socket() as full:
                full.bind(("127.0.0.1", 0))
                full.listen(0)
                fillers = [socket.socket() for _ in range(4)]
                for each in fillers:
                    each.setblocking(False)
                    each.connect_ex(full.getsockname())
                async with linked() as one:
                    with pytest.raises(NetworkError, match="does not answer"):
                        await one.transport.establish(Hop("tcp", *full.getsockname()))
                for each in fillers:
                    each.close()

        run(work())

    def test_a_connection_the_far_end_closes_is_a_failed_flow(self) -> None:
        async def work() -> None:
            async with linked() as one, Listener() as server:
                flow = await one.transport.establish(server.hop)
                _, writer = await server.accepted.get()
                writer.close()
                failed, reason = await one.failures.get()
                assert failed == flow
                assert "closed the connection" in reason

        run(work())

    def test_the_next_connection_is_a_new_one(self) -> None:
        async def work() -> None:
            async with linked() as one, Listener() as server:
                await one.transport.establish(server.hop)
                (await server.accepted.get())[1].close()
                await one.failures.get()
                assert one.transport.connect(server.hop) is None
                one.transport.send(await one.transport.establish(server.hop), message())
                reader, _ = await server.accepted.get()
                assert await reader.readexactly(len(message())) == message()

        run(work())

    def test_sending_on_a_connection_that_is_gone_fails_the_flow(self) -> None:
        async def work() -> None:
            async with linked() as one:
                gone = Flow("tcp", one.transport.address, ("127.0.0.1", 5060), 77)
                one.transport.send(gone, message())
                assert (await one.failures.get())[0] == gone

        run(work())

    def test_what_we_close_ourselves_is_no_failure(self) -> None:
        async def work() -> None:
            async with linked() as one, Listener() as server:
                flow = await one.transport.establish(server.hop)
                one.transport.close_flow(flow)
                reader, _ = await server.accepted.get()
                assert await reader.read() == b""
                assert one.failures.empty()

        run(work())

    def test_a_far_end_that_does_not_read_is_ended(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async def work() -> None:
            async with linked() as one, Listener() as server:
                flow = await one.transport.establish(server.hop)
                (await server.accepted.get())[1].transport.pause_reading()  # type: ignore[attr-defined]
                for _ in range(500):
                    one.transport.send(flow, message(body=b"x" * 60_000))
                assert "does not read" in (await one.failures.get())[1]
                assert one.connections == []

        run(work())


class TestKeepAlive:
    def test_a_ping_is_answered(self) -> None:
        async def work() -> None:
            async with linked() as one, raw(one) as (reader, writer):
                writer.write(PING)
                assert await reader.readexactly(2) == PONG
                assert one.received.empty()

        run(work())

    def test_a_far_end_that_answered_before_and_is_silent_now_is_dead(self) -> None:
        async def work() -> None:
            async with linked() as one, Listener() as server:
                flow = await one.transport.establish(server.hop)
                await answered_ping(one, server, flow)
                one.transport.send(flow, PING)
                [connection] = one.connections
                one.streams.sweep(connection.used_at + connection_module.PONG_TIMEOUT - 1)
                assert one.connections == [connection]
                one.streams.sweep(connection.used_at + connection_module.PONG_TIMEOUT + 1)
                failed, reason = await one.failures.get()
                assert failed == flow
                assert "dead" in reason

        run(work())

    def test_anything_it_says_shows_that_it_lives(self) -> None:
        async def work() -> None:
            async with linked() as one, Listener() as server:
                flow = await one.transport.establish(server.hop)
                writer = await answered_ping(one, server, flow)
                one.transport.send(flow, PING)
                writer.write(message())
                await one.received.get()
                [connection] = one.connections
                assert connection.overdue(connection.used_at + 100) is None

        run(work())

    def test_one_that_never_answered_a_ping_is_not_judged_by_it(self) -> None:
        async def work() -> None:
            async with linked() as one, Listener() as server:
                one.transport.send(await one.transport.establish(server.hop), PING)
                [connection] = one.connections
                assert connection.overdue(connection.used_at + 100) is None

        run(work())

    @pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="Linux has it")
    def test_the_system_gives_up_unacknowledged_data_soon(self) -> None:
        with socket.socket() as sock:
            connection_module.watch(sock)
            assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 30_000
            assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1


async def answered_ping(link: Link, server: Listener, flow: Flow) -> asyncio.StreamWriter:
    """Ping a bare server, which answers."""
    reader, writer = await server.accepted.get()
    link.transport.send(flow, PING)
    await reader.readexactly(len(PING))
    writer.write(PONG + message())  # the message shows that what stood before it was read
    await link.received.get()
    return writer


class TestLimits:
    def test_who_connects_and_says_nothing_is_not_let_stay(self) -> None:
        async def work() -> None:
            async with linked() as one, raw(one) as (reader, writer):
                writer.write(PING)
                await reader.readexactly(2)
                [connection] = one.connections
                one.streams.sweep(connection.opened_at + 29)
                assert one.connections
                one.streams.sweep(connection.opened_at + 31)
                assert await reader.read() == b""

        run(work())

    def test_an_unused_connection_is_closed(self) -> None:
        async def work() -> None:
            async with linked() as one, Listener() as server:
                await one.transport.establish(server.hop)
                [connection] = one.connections
                one.streams.sweep(connection.used_at + connection_module.IDLE_TIMEOUT + 1)
                assert "not used any more" in (await one.failures.get())[1]

        run(work())

    def test_pings_keep_it(self) -> None:
        async def work() -> None:
            async with linked() as one, raw(one) as (reader, writer):
                writer.write(message() + PING)
                await reader.readexactly(2)
                [connection] = one.connections
                assert connection.overdue(connection.received_at + 60) is None

        run(work())

    def test_of_too_many_the_silent_ones_give_way(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(module, "MAX_ACCEPTED", 2)

        async def work() -> None:
            async with linked() as one, raw(one) as (_, speaker), raw(one) as (silent, _w):
                speaker.write(message())
                await one.received.get()
                async with raw(one) as (_r, writer):
                    writer.write(message("third"))
                    assert (await one.received.get())[0] == message("third")
                    assert await silent.read() == b""
                    assert len(one.connections) == 2

        run(work())

    def test_those_that_spoke_are_kept_and_the_next_is_refused(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(module, "MAX_ACCEPTED", 1)

        async def work() -> None:
            async with linked() as one, raw(one) as (_, speaker):
                speaker.write(message())
                await one.received.get()
                async with raw(one) as (reader, _w):
                    assert await reader.read() == b""
                    assert len(one.connections) == 1

        run(work())

    def test_no_more_are_opened_than_allowed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(module, "MAX_OPENED", 1)

        async def work() -> None:
            async with linked() as one, Listener() as server, Listener() as another:
                await one.transport.establish(server.hop)
                with pytest.raises(NetworkError, match="no more are made"):
                    await one.transport.establish(another.hop)

        run(work())

    def test_closing_ends_everything(self) -> None:
        async def work() -> None:
            async with linked() as one, Listener() as server:
                await one.transport.establish(server.hop)
                reader, _ = await server.accepted.get()
                one.transport.close()
                assert await reader.read() == b""
                with pytest.raises(OSError, match=r"."):
                    await asyncio.open_connection(*one.transport.address)

        run(work())


class TestListening:
    def test_is_on_the_port_of_udp(self) -> None:
        async def work() -> None:
            async with linked() as one, raw(one) as (_, writer):
                assert writer.get_extra_info("peername") == one.transport.address

        run(work())

    def test_a_port_tcp_can_not_have_is_named(self) -> None:
        async def work() -> None:
            async with Listener() as server:
                with pytest.raises(NetworkError, match=rf"TCP port {server.hop.port} .* in use"):
                    await Link().transport.open("127.0.0.1", server.hop.port)

        run(work())

    def test_everywhere_over_ipv6_is_everywhere_over_ipv4_too(self) -> None:
        async def work() -> None:
            async with linked("::") as one:
                port = one.transport.address[1]
                for host in ("127.0.0.1", "::1"):
                    _, writer = await asyncio.open_connection(host, port)
                    writer.write(message())
                    assert (await one.received.get())[1].local == (host, port)
                    writer.transport.abort()

        run(work())
