"""The transport and its UDP sockets, on real sockets of this machine."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Coroutine
from typing import Any

import pytest

from platypus.errors import NetworkError
from platypus.net import datagram as module
from platypus.net import transport
from platypus.net.addresses import describe, format_address, local_address_for
from platypus.net.stun import build_request, parse
from platypus.net.transport import Transport
from platypus.sip.flow import Flow, Hop

MESSAGE = b"OPTIONS sip:a@127.0.0.1 SIP/2.0\r\n\r\n"


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(work, 10))


class Recorder:
    """A transport, with everything it handed up."""

    def __init__(self) -> None:
        self.received: asyncio.Queue[tuple[bytes, Flow]] = asyncio.Queue()
        self.failures: asyncio.Queue[tuple[Flow, str]] = asyncio.Queue()
        self.transport = Transport(
            lambda data, flow: self.received.put_nowait((data, flow)),
            lambda flow, reason: self.failures.put_nowait((flow, reason)),
            lambda: None,
        )

    def flow(self, hop: Hop) -> Flow:
        """To a UDP hop, which is there at once."""
        flow = self.transport.connect(hop)
        assert flow is not None
        return flow


@contextlib.asynccontextmanager
async def opened(host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[Recorder]:
    recorder = Recorder()
    await recorder.transport.open(host, port)
    try:
        yield recorder
    finally:
        recorder.transport.close()


def unused_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


class TestListening:
    def test_says_where_it_listens(self) -> None:
        async def work() -> None:
            async with opened() as one:
                port = one.transport.address[1]
                assert one.transport.listen == [f"udp:127.0.0.1:{port}"]

        run(work())

    def test_a_port_in_use_is_named_with_what_to_do(self) -> None:
        async def work() -> None:
            async with opened() as one:
                port = one.transport.address[1]
                with pytest.raises(NetworkError) as caught:
                    await Recorder().transport.open("127.0.0.1", port)
                assert str(port) in str(caught.value)
                assert "choose another port" in str(caught.value)

        run(work())

    def test_an_address_of_another_machine_is_refused(self) -> None:
        async def work() -> None:
            with pytest.raises(NetworkError, match="no such address"):
                await Recorder().transport.open("192.0.2.1", 0)

        run(work())

    @pytest.mark.parametrize("port", [-1, 65536])
    def test_a_port_that_is_none_is_refused(self, port: int) -> None:
        async def work() -> None:
            with pytest.raises(NetworkError, match="0 to 65535"):
                await Recorder().transport.open("127.0.0.1", port)

        run(work())

    def test_a_name_is_not_an_address_to_listen_on(self) -> None:
        async def work() -> None:
            with pytest.raises(NetworkError, match="numeric"):
                await Recorder().transport.open("no.such.host.invalid", 0)

        run(work())


class TestDatagrams:
    def test_a_datagram_comes_with_the_flow_to_answer_on(self) -> None:
        async def work() -> None:
            async with opened() as one, opened() as other:
                here, there = one.transport.address, other.transport.address
                one.transport.send(one.flow(Hop("udp", *there)), MESSAGE)
                data, flow = await other.received.get()
                assert data == MESSAGE
                assert flow == Flow("udp", there, here)

        run(work())

    def test_what_came_meanwhile_is_taken_in_the_same_turn_but_not_without_end(self) -> None:
        async def work() -> None:
            async with opened() as one:
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
                    for number in range(module.MOST_AT_ONCE + 1):
                        sender.sendto(MESSAGE + b"%d" % number, one.transport.address)
                turns = [await one.received.get()]
                assert one.received.qsize() == module.MOST_AT_ONCE - 1
                turns += [await one.received.get() for _ in range(module.MOST_AT_ONCE)]
                numbers = [data.removeprefix(MESSAGE) for data, _ in turns]
                assert numbers == [b"%d" % number for number in range(module.MOST_AT_ONCE + 1)]

        run(work())

    def test_a_message_over_a_connection_is_followed_by_a_rest_even_if_it_meets_a_fault(
        self,
    ) -> None:
        async def work() -> None:
            told: list[str] = []
            rested = asyncio.Event()

            def receive(data: bytes, flow: Flow) -> None:
                told.append("received")
                raise RuntimeError("a fault of ours")

            receiver = Transport(receive, lambda flow, reason: None, rested.set)
            await receiver.open("127.0.0.1", 0)
            asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
            _, writer = await asyncio.open_connection(*receiver.address)
            writer.write(MESSAGE[:-2] + b"Content-Length: 0\r\n\r\n")
            await rested.wait()
            assert told == ["received"]
            writer.close()
            receiver.close()

        run(work())

    def test_what_came_together_is_followed_by_one_rest(self) -> None:
        async def work() -> None:
            told: list[str] = []
            rested = asyncio.Event()

            def rest() -> None:
                told.append("rested")
                rested.set()

            receiver = Transport(
                lambda data, flow: told.append("received"), lambda flow, reason: None, rest
            )
            await receiver.open("127.0.0.1", 0)
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
                for _ in range(2):
                    sender.sendto(MESSAGE, receiver.address)
            await rested.wait()
            assert told == ["received", "received", "rested"]
            receiver.close()

        run(work())

    def test_closing_while_messages_are_handed_up_ends_it(self) -> None:
        async def work() -> None:
            seen: list[bytes] = []
            closed = asyncio.Event()

            def closing(data: bytes, flow: Flow) -> None:
                seen.append(data)
                receiver.close()
                closed.set()

            receiver = Transport(closing, lambda flow, reason: None, lambda: None)
            await receiver.open("127.0.0.1", 0)
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
                for _ in range(2):
                    sender.sendto(MESSAGE, receiver.address)
            await closed.wait()
            await asyncio.sleep(0)
            assert seen == [MESSAGE]

        run(work())

    def test_a_reply_on_that_flow_reaches_the_sender(self) -> None:
        async def work() -> None:
            async with opened() as one, opened() as other:
                hop = Hop("udp", *other.transport.address)
                one.transport.send(one.flow(hop), MESSAGE)
                _, flow = await other.received.get()
                other.transport.send(flow, b"SIP/2.0 200 OK\r\n\r\n")
                assert (await one.received.get())[0] == b"SIP/2.0 200 OK\r\n\r\n"

        run(work())

    def test_a_wildcard_socket_advertises_the_address_it_is_reached_at(self) -> None:
        async def work() -> None:
            async with opened("0.0.0.0") as one, opened() as other:
                port = one.transport.address[1]
                flow = one.flow(Hop("udp", *other.transport.address))
                assert flow.local == ("127.0.0.1", port)

        run(work())

    def test_a_change_of_route_is_noticed_after_a_while(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        addresses = iter(["192.0.2.1", "192.0.2.2"])
        monkeypatch.setattr(module, "local_address_for", lambda host, port: next(addresses))
        monkeypatch.setattr(module, "ROUTE_LIFETIME", -1.0)

        async def work() -> None:
            async with opened("0.0.0.0") as one:
                hop = Hop("udp", "198.51.100.1", 5060)
                assert one.flow(hop).local[0] == "192.0.2.1"
                assert one.flow(hop).local[0] == "192.0.2.2"

        run(work())

    @pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
    def test_a_peer_has_one_flow_and_a_host_of_many_ports_a_few(self, host: str) -> None:
        async def work() -> None:
            async with opened(host) as one:
                hop = Hop("udp", "127.0.0.1", 5060)
                flow = one.flow(hop)
                assert one.flow(hop) is flow
                for port in range(1, 3 * module.MAX_PORTS):
                    one.flow(Hop("udp", "127.0.0.1", port))
                datagrams = one.transport._datagrams[socket.AF_INET]
                assert len(datagrams._routes["127.0.0.1"].flows) <= module.MAX_PORTS
                assert one.flow(hop) == flow

        run(work())

    def test_the_table_of_routes_is_bounded(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(module, "local_address_for", lambda host, port: "192.0.2.1")
        monkeypatch.setattr(module, "MAX_ROUTES", 4)

        async def work() -> None:
            async with opened("0.0.0.0") as one:
                for number in range(20):
                    one.flow(Hop("udp", f"198.51.100.{number}", 5060))
                assert len(one.transport._datagrams[socket.AF_INET]._routes) <= 4

        run(work())

    @pytest.mark.parametrize("data", [b"", b"\0", b"\r\n\r\n", b"INVITE sip:a"])
    def test_what_is_too_short_for_sip_is_counted_and_dropped(self, data: bytes) -> None:
        async def work() -> None:
            async with opened() as one, opened() as other:
                flow = one.flow(Hop("udp", *other.transport.address))
                one.transport.send(flow, data)
                one.transport.send(flow, MESSAGE)
                assert (await other.received.get())[0] == MESSAGE
                assert other.transport.counters.dropped == 1
                assert other.transport.counters.received == 2

        run(work())

    def test_a_stun_keepalive_is_answered_with_the_address_it_came_from(self) -> None:
        async def work() -> None:
            async with opened() as one:
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
                    peer.setblocking(False)
                    peer.connect(one.transport.address)
                    peer.send(build_request(b"t" * 12))
                    reply = parse(await asyncio.get_running_loop().sock_recv(peer, 600))
                    assert reply.mapped == peer.getsockname()
                    assert one.received.empty()

        run(work())

    def test_the_longest_datagram_there_is_comes_through(self) -> None:
        async def work() -> None:
            async with opened() as one, opened() as other:
                data = b"x" * 65_507
                one.transport.send(one.flow(Hop("udp", *other.transport.address)), data)
                assert (await other.received.get())[0] == data

        run(work())

    def test_a_closed_transport_sends_nothing(self) -> None:
        async def work() -> None:
            async with opened() as one, opened() as other:
                flow = one.flow(Hop("udp", *other.transport.address))
                one.transport.close()
                one.transport.send(flow, MESSAGE)
                assert one.transport.counters.sent == 0

        run(work())


class TestFailures:
    @pytest.mark.skipif(not module._LINUX, reason="the error queue is Linux's")
    def test_a_port_nobody_listens_on_fails_the_flow(self) -> None:
        async def work() -> None:
            async with opened() as one:
                flow = one.flow(Hop("udp", "127.0.0.1", unused_port()))
                one.transport.send(flow, MESSAGE)
                failed, reason = await one.failures.get()
                assert failed == flow
                assert "nothing listens there" in reason
                assert str(flow.remote[1]) in reason

        run(work())

    @pytest.mark.skipif(not module._LINUX, reason="the error queue is Linux's")
    def test_an_error_of_one_peer_does_not_lose_the_datagram_to_another(self) -> None:
        async def work() -> None:
            async with opened() as one, opened() as other:
                dead = one.flow(Hop("udp", "127.0.0.1", unused_port()))
                alive = one.flow(Hop("udp", *other.transport.address))
                one.transport.send(dead, MESSAGE)
                one.transport.send(alive, MESSAGE)
                assert (await other.received.get())[0] == MESSAGE
                assert (await one.failures.get())[0] == dead

        run(work())

    @pytest.mark.skipif(not module._LINUX, reason="the error queue is Linux's")
    def test_an_error_that_comes_after_its_network_has_gone_harms_nobody(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def no_route(host: str, port: int) -> str:
            raise NetworkError("there is no route to that network")

        async def work() -> None:
            async with opened("0.0.0.0") as one, opened() as other:
                dead = one.flow(Hop("udp", "127.0.0.1", unused_port()))
                alive = one.flow(Hop("udp", *other.transport.address))
                one.transport.forget_routes()
                monkeypatch.setattr(module, "local_address_for", no_route)
                one.transport.send(dead, MESSAGE)
                one.transport.send(alive, MESSAGE)
                assert (await other.received.get())[0] == MESSAGE

        run(work())

    def test_a_message_longer_than_a_datagram_fails_the_flow(self) -> None:
        async def work() -> None:
            async with opened() as one, opened() as other:
                flow = one.flow(Hop("udp", *other.transport.address))
                one.transport.send(flow, b"x" * 70_000)
                failed, reason = await one.failures.get()
                assert failed == flow
                assert "too long" in reason

        run(work())

    def test_no_route_is_a_network_error_with_a_sentence(self) -> None:
        with pytest.raises(NetworkError, match=r"255\.255\.255\.255"):
            local_address_for("255.255.255.255", 5060)


def test_an_error_without_a_sentence_of_ours_has_the_systems() -> None:
    assert describe(OSError(5, "Input/output error"), ("192.0.2.1", 5060)) == (
        "192.0.2.1:5060: Input/output error"
    )


def test_an_ipv6_address_is_written_in_brackets() -> None:
    assert format_address(("2001:db8::1", 5060)) == "[2001:db8::1]:5060"


def test_a_port_that_is_free_in_one_family_only_is_passed_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Listening everywhere on any port: IPv4's may be taken where IPv6's was free."""
    bind = transport.bind_stream
    picked: list[int] = []

    def first_taken(host: str, port: int) -> socket.socket:
        if host == "0.0.0.0" and not picked:
            picked.append(port)
            raise NetworkError("in use")
        return bind(host, port)

    monkeypatch.setattr(transport, "bind_stream", first_taken)
    pairs = transport._bind_all(("::", "0.0.0.0"), 0)
    ports = {sock.getsockname()[1] for pair in pairs for sock in pair}
    for pair in pairs:
        for sock in pair:
            sock.close()
    assert len(pairs) == 2 and len(ports) == 1 and picked


def test_a_port_that_was_asked_for_is_not_exchanged() -> None:
    with socket.create_server(("0.0.0.0", 0)) as taken, pytest.raises(NetworkError, match="in use"):
        transport._bind_all(("::", "0.0.0.0"), taken.getsockname()[1])
