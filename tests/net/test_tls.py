"""SIP over TLS: whom we believe, on real sockets, with an authority of our own."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from platypus.errors import ConfigError, NetworkError
from platypus.net import stream as stream_module
from platypus.net.certificate import fingerprint
from platypus.net.tls import Tls, TlsSettings, normalise_pin
from platypus.sip.flow import Flow, Hop
from tests.harness.authority import DAY, Authority, Issued
from tests.net.links import Link, Listener, linked, message, run


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def good(authority: Authority) -> Issued:
    return authority.issue("example.com")


def served(issued: Issued) -> contextlib.AbstractAsyncContextManager[Link]:
    """A transport that listens for TLS with this certificate."""
    settings = TlsSettings(certificate=issued.certificate_file, key=issued.key_file)
    return linked(tls=settings, transport="tls")


def trusting(authority: Authority, issued: Issued | None = None) -> TlsSettings:
    """Settings that trust an authority, and show a certificate."""
    if issued is None:
        return TlsSettings(ca_file=authority.file)
    return TlsSettings(
        ca_file=authority.file, certificate=issued.certificate_file, key=issued.key_file
    )


def refusal(issued: Issued, settings: TlsSettings, name: str = "example.com") -> str:
    """What is said of a server with this certificate, to which nothing of SIP was sent."""
    said = []

    async def work() -> None:
        async with served(issued) as server, linked(tls=settings) as one:
            with pytest.raises(NetworkError) as caught:
                await one.transport.establish(server.hop("tls", name))
            said.append(str(caught.value))
            assert one.connections == []
            assert server.received.empty()

    run(work())
    return said[0]


def accepted(issued: Issued, settings: TlsSettings, name: str = "example.com") -> None:
    """A message reaches a server with this certificate, and one comes back."""

    async def work() -> None:
        async with served(issued) as server, linked(tls=settings) as one:
            flow = await one.transport.establish(server.hop("tls", name))
            assert flow.transport == "tls"
            one.transport.send(flow, message())
            data, back = await server.received.get()
            assert data == message()
            server.transport.send(back, message("answer"))
            assert await one.received.get() == (message("answer"), flow)

    run(work())


class TestBelieved:
    def test_one_of_a_private_authority_for_the_domain(
        self, authority: Authority, good: Issued
    ) -> None:
        accepted(good, trusting(authority))

    def test_one_that_names_the_domain_by_a_sip_uri(self, authority: Authority) -> None:
        issued = authority.issue("pbx.internal", uris=("sip:example.com",))
        accepted(issued, trusting(authority))

    def test_one_for_an_address_when_an_address_was_called(self, authority: Authority) -> None:
        accepted(authority.issue(addresses=("127.0.0.1",)), trusting(authority), name="")

    def test_one_of_an_authority_made_without_care(self, tmp_path: Path) -> None:
        careless = Authority(tmp_path, strict=False)
        accepted(careless.issue("example.com"), trusting(careless))

    def test_a_self_signed_one_given_as_the_authority(self, authority: Authority) -> None:
        own = authority.issue("example.com", self_signed=True)
        accepted(own, TlsSettings(ca_file=own.certificate_file))

    def test_a_pinned_one_whoever_issued_it_to_whom(self, authority: Authority) -> None:
        issued = authority.issue("other.com", ends=-DAY / 2)
        accepted(issued, TlsSettings(pins=(fingerprint(issued.der),)))

    def test_any_where_verification_is_off(self, authority: Authority) -> None:
        accepted(authority.issue("other.com", ends=-DAY / 2), TlsSettings(verify=False))

    def test_a_wildcard_where_that_is_allowed(self, authority: Authority) -> None:
        settings = TlsSettings(ca_file=authority.file, wildcards=True)
        accepted(authority.issue("*.example.com"), settings, name="pbx.example.com")


class TestRefused:
    def test_one_of_an_unknown_authority_which_is_named(self, good: Issued) -> None:
        said = refusal(good, TlsSettings())
        assert said.startswith("example.com: its certificate was refused: it was issued by Test")
        assert "not trusted here" in said

    def test_an_expired_one_with_its_day(self, authority: Authority) -> None:
        old = authority.issue("example.com", begins=-9 * DAY, ends=-2 * DAY)
        assert "it expired on 20" in refusal(old, trusting(authority))

    def test_one_that_is_not_valid_yet(self, authority: Authority) -> None:
        early = authority.issue("example.com", begins=2 * DAY)
        assert "not valid before" in refusal(early, trusting(authority))

    def test_one_for_another_name_with_both_names(self, authority: Authority) -> None:
        said = refusal(authority.issue("other.com"), trusting(authority))
        assert said.endswith("it is for other.com, and example.com was wanted")

    def test_one_for_the_host_where_its_uri_names_another_domain(
        self, authority: Authority
    ) -> None:
        issued = authority.issue("example.com", uris=("sip:other.com",))
        assert "it is for other.com" in refusal(issued, trusting(authority))

    def test_one_for_a_name_when_an_address_was_called(
        self, authority: Authority, good: Issued
    ) -> None:
        assert "127.0.0.1 was wanted" in refusal(good, trusting(authority), name="")

    def test_a_self_signed_one_with_the_fingerprint_to_pin(self, authority: Authority) -> None:
        own = authority.issue("example.com", self_signed=True)
        assert fingerprint(own.der) in refusal(own, TlsSettings())

    def test_another_than_the_pinned_one(self, authority: Authority, good: Issued) -> None:
        pinned = authority.issue("example.com")
        settings = TlsSettings(ca_file=authority.file, pins=(fingerprint(pinned.der),))
        said = refusal(good, settings)
        assert "is not the pinned one" in said
        assert fingerprint(good.der) in said

    def test_another_than_the_pinned_one_even_where_verification_is_off(
        self, authority: Authority, good: Issued
    ) -> None:
        pin = fingerprint(authority.issue("example.com").der)
        assert "not the pinned one" in refusal(good, TlsSettings(verify=False, pins=(pin,)))

    def test_one_that_is_for_clients_only(self, authority: Authority) -> None:
        client = authority.issue("example.com", client=True)
        assert "purpose" in refusal(client, trusting(authority))


class Server:
    """A server of blocking TLS sockets, in a thread: asyncio's sends no alerts."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        self.received: asyncio.Queue[bytes] = asyncio.Queue()
        self._loop = asyncio.get_running_loop()
        self._socket = socket.create_server(("127.0.0.1", 0))
        host, port = self._socket.getsockname()
        self.hop = Hop("tls", host, port, "example.com")
        self._thread = threading.Thread(target=self._serve)

    def _serve(self) -> None:
        with contextlib.suppress(OSError):  # the test closed the listening socket
            while True:
                sock, _ = self._socket.accept()
                with contextlib.suppress(OSError), sock:
                    sock.settimeout(5)
                    with self._context.wrap_socket(sock, server_side=True) as channel:
                        data = channel.recv(1000)
                        self._loop.call_soon_threadsafe(self.received.put_nowait, data)

    async def __aenter__(self) -> Server:
        self._thread.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()


def demanding(
    authority: Authority, issued: Issued, maximum: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3
) -> Server:
    """A server that wants a client certificate of this authority."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=authority.file)
    context.load_cert_chain(issued.certificate_file, issued.key_file)
    context.verify_mode = ssl.CERT_REQUIRED
    context.maximum_version = maximum
    return Server(context)


class TestClientCertificates:
    def test_are_shown_to_a_server_that_wants_one(self, authority: Authority, good: Issued) -> None:
        ours = authority.issue("phone", client=True)

        async def work() -> None:
            async with (
                demanding(authority, good) as server,
                linked(tls=trusting(authority, ours)) as one,
            ):
                one.transport.send(await one.transport.establish(server.hop), message())
                assert await server.received.get() == message()

        run(work())

    def test_that_are_missing_are_asked_for_in_words(
        self, authority: Authority, good: Issued
    ) -> None:
        async def work() -> None:
            async with (
                demanding(authority, good) as server,
                linked(tls=trusting(authority)) as one,
            ):
                # TLS 1.3: the client learns of it only after its own handshake is done.
                flow = await one.transport.establish(server.hop)
                failed, reason = await one.failures.get()
                assert failed == flow
                assert "it wants a client certificate" in reason

        run(work())

    def test_that_are_missing_are_guessed_with_tls_1_2(
        self, authority: Authority, good: Issued
    ) -> None:
        async def work() -> None:
            async with (
                demanding(authority, good, ssl.TLSVersion.TLSv1_2) as server,
                linked(tls=trusting(authority)) as one,
            ):
                with pytest.raises(NetworkError, match="may want a client certificate"):
                    await one.transport.establish(server.hop)

        run(work())

    def test_of_an_authority_it_does_not_know_are_refused_in_words(
        self, authority: Authority, good: Issued, tmp_path: Path
    ) -> None:
        stranger = Authority(tmp_path, "Another").issue("phone", client=True)

        async def work() -> None:
            async with (
                demanding(authority, good) as server,
                linked(tls=trusting(authority, stranger)) as one,
            ):
                await one.transport.establish(server.hop)
                assert "does not trust" in (await one.failures.get())[1]

        run(work())


class TestNoTls:
    @contextlib.asynccontextmanager
    async def plain(self, answer: bytes) -> AsyncIterator[Hop]:
        async with Listener() as server:

            async def work() -> None:
                while True:
                    _, writer = await server.accepted.get()
                    writer.write(answer)

            task = asyncio.create_task(work())
            yield server.hop._replace(transport="tls", name="example.com")
            task.cancel()

    def test_where_plain_sip_is_spoken_that_is_said(self) -> None:
        async def work() -> None:
            async with self.plain(b"SIP/2.0 400 Bad Request\r\n\r\n") as hop, linked() as one:
                with pytest.raises(NetworkError, match="speaks no TLS; check the port"):
                    await one.transport.establish(hop)

        run(work())

    def test_where_nothing_is_said_it_is_given_up(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(stream_module, "HANDSHAKE_TIMEOUT", 0.05)

        async def work() -> None:
            async with self.plain(b"") as hop, linked() as one:
                with pytest.raises(NetworkError, match="did not finish the TLS handshake"):
                    await one.transport.establish(hop)

        run(work())


class TestReuse:
    def test_is_for_the_name_that_was_proved_only(self, authority: Authority) -> None:
        issued = authority.issue("example.com", "example.net")

        async def work() -> None:
            async with served(issued) as server, linked(tls=trusting(authority)) as one:
                first = await one.transport.establish(server.hop("tls", "example.com"))
                assert one.transport.connect(server.hop("tls", "example.com")) == first
                assert one.transport.connect(server.hop("tls", "example.net")) is None
                second = await one.transport.establish(server.hop("tls", "example.net"))
                assert second != first

        run(work())

    def test_of_an_accepted_connection_is_for_its_address_not_for_a_name(
        self, authority: Authority, good: Issued
    ) -> None:
        async def work() -> None:
            async with served(good) as server, linked(tls=trusting(authority)) as one:
                hop = server.hop("tls", "example.com")
                one.transport.send(await one.transport.establish(hop), message())
                _, flow = await server.received.get()
                assert server.transport.connect(Hop("tls", *flow.remote)) == flow
                assert server.transport.connect(Hop("tls", *flow.remote, "phone.example")) is None

        run(work())


class TestListening:
    def test_says_that_it_is_tls(self, good: Issued) -> None:
        async def work() -> None:
            async with served(good) as server:
                host, port = server.transport.address
                assert server.transport.listen == [f"tls:{host}:{port}", f"udp:{host}:{port}"]

        run(work())

    def test_without_a_certificate_is_left_out(self) -> None:
        async def work() -> None:
            async with linked(transport="tls") as one:
                assert [each.partition(":")[0] for each in one.transport.listen] == ["udp"]

        run(work())

    def test_our_own_end_of_a_flow_is_where_we_listen(
        self, authority: Authority, good: Issued
    ) -> None:
        async def work() -> None:
            async with (
                served(good) as server,
                linked(tls=trusting(authority, good), transport="tls") as one,
            ):
                flow: Flow = await one.transport.establish(server.hop("tls", "example.com"))
                assert flow.local == one.transport.address

        run(work())


class TestSettings:
    def test_strict_checks_are_off_for_a_private_authority_with_a_word_in_the_log(
        self, authority: Authority, caplog: pytest.LogCaptureFixture
    ) -> None:
        with caplog.at_level(logging.INFO):
            context = Tls(trusting(authority)).client_context()
        assert not context.verify_flags & ssl.VERIFY_X509_STRICT
        assert "strict X.509 checks are off for the private authority" in caplog.text

    def test_of_the_system_are_left_alone(self) -> None:
        context = Tls().client_context()
        assert context.verify_mode is ssl.CERT_REQUIRED
        assert context.verify_flags == ssl.create_default_context().verify_flags

    def test_nothing_older_than_tls_1_2_is_spoken(self) -> None:
        assert Tls().client_context().minimum_version >= ssl.TLSVersion.TLSv1_2

    @pytest.mark.parametrize(
        "settings",
        [
            lambda path, issued: TlsSettings(ca_file=str(path / "missing.pem")),
            lambda path, issued: TlsSettings(ca_file=issued.key_file),
            lambda path, issued: TlsSettings(certificate=str(path / "missing.pem")),
            lambda path, issued: TlsSettings(certificate=issued.certificate_file),
        ],
    )
    def test_a_file_that_is_of_no_use_is_named(
        self,
        settings: Callable[[Path, Issued], TlsSettings],
        good: Issued,
        tmp_path: Path,
    ) -> None:
        chosen = settings(tmp_path, good)
        with pytest.raises(ConfigError) as caught:
            Tls(chosen).client_context()
        assert str(chosen.ca_file or chosen.certificate) in str(caught.value)

    def test_such_a_file_fails_the_connection_and_nothing_else(self, tmp_path: Path) -> None:
        async def work() -> None:
            async with (
                Listener() as server,
                linked(tls=TlsSettings(ca_file=str(tmp_path / "missing.pem"))) as one,
            ):
                with pytest.raises(NetworkError, match=r"missing\.pem"):
                    await one.transport.establish(server.hop._replace(transport="tls"))

        run(work())

    @pytest.mark.parametrize(
        "text", ["ab" * 32, "AB:" * 31 + "AB", "sha256:" + "ab" * 32, "AB " * 32]
    )
    def test_a_fingerprint_may_be_written_in_several_ways(self, text: str) -> None:
        assert normalise_pin(text) == "AB" * 32

    @pytest.mark.parametrize("text", ["", "ab", "zz" * 32, "ab" * 20])
    def test_what_is_no_fingerprint_is_refused(self, text: str) -> None:
        with pytest.raises(ConfigError, match="SHA-256"):
            normalise_pin(text)

    def test_a_password_of_a_key_is_not_shown(self) -> None:
        assert "hush" not in repr(TlsSettings(key_password="hush"))
