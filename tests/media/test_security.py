"""The encryption of a stream: what its leg is told, and handshakes between two of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from platypus._media.srtp import Context
from platypus.errors import MediaError
from platypus.media import srtp
from platypus.media.dtls import Certificate
from platypus.media.faults import FAULT
from platypus.media.keys import DtlsPeer, SrtpKeys
from platypus.media.security import MAX_EARLY, LegSecurity
from tests.media.test_srtp import master, rtp

CM = "AES_CM_128_HMAC_SHA1_80"
OURS, THEIRS, STRANGER = Certificate(), Certificate(), Certificate()
# RFC 5246, 7.2: fatal, no common ground; in the clear.
ALERT = bytes((21, 254, 253, *bytes(8), 0, 2, 2, 40))
SECRET = "inline:c2VjcmV0IGtleQ"
HERE, THERE, ELSEWHERE = (("192.0.2.1", port) for port in (4000, 5000, 6000))


class Timer:
    """One that is never due: nothing is lost here."""

    def cancel(self) -> None:
        pass


class Leg:
    """What a leg is told, and the packets it is to send."""

    def __init__(self) -> None:
        self.closed = self.same_key = False
        self.told: list[tuple[str, Any]] = []
        self.sent: list[tuple[bytes, tuple[str, int]]] = []

    def protect(self, how: Any) -> None:
        self.told.append(("protect", how))

    def unprotect(self, how: Any, *, same_key: bool = False) -> None:
        self.told.append(("unprotect", how))
        self.same_key = same_key

    def take_packets(self, on: bool) -> None:
        self.told.append(("take_packets", on))

    def transmit(self, packet: bytes, remote: tuple[str, int]) -> None:
        self.sent.append((packet, remote))

    def last(self, verb: str) -> Any:
        return [how for told, how in self.told if told == verb][-1]

    def words(self) -> list[tuple[str, Any]]:
        return [(verb, "key" if isinstance(how, Context) else how) for verb, how in self.told]


class End:
    """One side of a call, with its address."""

    def __init__(self, certificate: Certificate, address: tuple[str, int] = HERE) -> None:
        self.leg, self.address = Leg(), address
        self.certificate = certificate
        self.timers: list[float] = []
        self.changes: list[str | None] = []
        self.problems: list[str] = []
        self.security = LegSecurity(
            lambda: certificate,
            self.call_later,
            changed=lambda: self.changes.append(self.security.profile),
            failed=self.problems.append,
        )

    def call_later(self, delay: float, _: object) -> Timer:
        self.timers.append(delay)
        return Timer()

    def apply(self, security: Any, remote: tuple[str, int] | None = THERE) -> None:
        self.security.apply(self.leg, security, remote)  # type: ignore[arg-type]

    def shake(self, other: End, *, client: bool, remote: tuple[str, int] | None = None) -> None:
        peer = DtlsPeer(client, (other.certificate.fingerprint,))
        self.apply(peer, remote or other.address)


def carry(*ends: End) -> int:
    """Datagrams between addresses, until nobody says anything."""
    carried = 0
    while any(end.leg.sent for end in ends):
        for end in ends:
            sent, end.leg.sent = end.leg.sent, []
            for packet, remote in sent:
                for other in ends:
                    if other.address == remote:
                        other.security.receive("outside", end.address, packet, 0)
                        carried += 1
    return carried


def shaken() -> tuple[End, End]:
    client, server = End(OURS, HERE), End(THEIRS, THERE)
    server.shake(client, client=False)
    client.shake(server, client=True)
    carry(client, server)
    return client, server


def same_keys(one: End, other: End) -> bool:
    ours, theirs = one.security._keys, other.security._keys
    assert ours is not None
    assert theirs is not None
    return (ours.send, ours.receive) == (theirs.receive, theirs.send)


class TestKeys:
    def test_are_given_to_both_directions_once(self) -> None:
        end = End(OURS)
        keys = SrtpKeys(CM, master(CM, 1), master(CM, 2), agreement=1)
        end.apply(keys)
        end.apply(keys)
        assert end.leg.words() == [("protect", "key"), ("unprotect", "key")]
        assert end.security.profile == CM
        assert not end.security.verified

    def test_that_are_the_same_in_a_later_agreement_renew_the_receiver_alone(self) -> None:
        end = End(OURS)
        for agreement in (1, 2):
            end.apply(SrtpKeys(CM, master(CM, 1), master(CM, 2), agreement=agreement))
        assert [verb for verb, _ in end.leg.told] == ["protect", "unprotect", "unprotect"]
        assert end.leg.same_key
        end.apply(SrtpKeys(CM, master(CM, 1), master(CM, 3), agreement=3))
        assert not end.leg.same_key

    @pytest.mark.parametrize("native", [True, False])
    def test_that_come_back_go_on_where_they_were(
        self, native: bool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A change that failed is taken back, past the first wrap of our sequence numbers."""
        here, end = srtp.context(CM, master(CM, 1), outbound=False), End(OURS)
        if not native:
            monkeypatch.setattr(srtp, "NATIVE", None)
        before = SrtpKeys(CM, master(CM, 1), master(CM, 3), agreement=1)

        def seal(number: int) -> bytes:
            relay = end.security._relay
            sealer = end.leg.last("protect") if relay is None else relay._sender
            return bytes(sealer.protect(rtp(number)))

        end.apply(before)
        for number in (65534, 65535, 0, 1):
            assert here.unprotect(seal(number)) == rtp(number)
        end.apply(SrtpKeys(CM, master(CM, 2), master(CM, 3), agreement=2))
        with pytest.raises(ValueError, match="forged"):
            here.unprotect(seal(2))
        end.apply(before)
        assert here.unprotect(seal(3)) == rtp(3)

    def test_do_what_they_are_for(self) -> None:
        end = End(OURS)
        end.apply(SrtpKeys(CM, master(CM, 1), master(CM, 2)))
        far = srtp.context(CM, master(CM, 2), outbound=True)
        assert end.leg.last("unprotect").unprotect(far.protect(rtp(1))) == rtp(1)

    def test_that_are_offered_shut_the_leg_until_the_answer(self) -> None:
        end = End(OURS)
        end.security.expect(end.leg, encrypted=True)  # type: ignore[arg-type]
        assert end.leg.words() == [("unprotect", "shut"), ("take_packets", True)]
        end.apply(None)
        assert end.leg.words()[2:] == [
            *(("take_packets", False), ("protect", "plain"), ("unprotect", "plain"))
        ]

    def test_that_were_never_offered_change_nothing(self) -> None:
        end = End(OURS)
        end.security.expect(end.leg, encrypted=False)  # type: ignore[arg-type]
        end.apply(None)
        assert end.leg.told == []


class TestHandshake:
    def test_brings_the_same_keys_to_both(self) -> None:
        client, server = shaken()
        assert same_keys(client, server)
        for end in (client, server):
            assert end.leg.words()[:2] == [("protect", "shut"), ("unprotect", "shut")]
            assert end.leg.words()[-2:] == [("protect", "key"), ("unprotect", "key")]
            assert end.changes == ["AEAD_AES_128_GCM"]
            assert end.security.verified
            assert not end.security.pending

    def test_that_overtakes_the_answer_is_not_lost(self) -> None:
        client, server = End(OURS, HERE), End(THEIRS, THERE)
        server.security.expect(server.leg, encrypted=True)  # type: ignore[arg-type]
        client.shake(server, client=True)
        carry(client, server)
        server.shake(client, client=False)
        carry(client, server)
        assert same_keys(client, server)

    def test_packets_that_come_before_the_answer_are_bounded(self) -> None:
        end = End(OURS)
        for _ in range(100):
            end.security.receive("outside", THERE, b"\x16" + bytes(40), 0)
        assert len(end.security._early) == MAX_EARLY

    def test_goes_to_where_it_came_from(self) -> None:
        client, server = End(OURS, ELSEWHERE), End(THEIRS, THERE)
        server.shake(client, client=False, remote=HERE)  # behind a NAT, it says
        client.shake(server, client=True)
        carry(client, server)
        assert same_keys(client, server)

    @pytest.mark.parametrize("is_client", [True, False])
    @pytest.mark.parametrize("times", [1, 20])
    def test_is_not_ended_by_a_stranger(self, is_client: bool, times: int) -> None:
        """An alert that nothing proves, and whole handshakes with another certificate."""
        end, other, stranger = End(OURS, HERE), End(THEIRS, THERE), End(STRANGER, ELSEWHERE)
        end.shake(other, client=is_client)
        on_its_way, end.leg.sent = end.leg.sent, []
        for _ in range(times):
            end.security.receive("outside", ELSEWHERE, ALERT, 0)
            stranger.shake(end, client=not is_client)
            carry(end, stranger)
            stranger = End(STRANGER, ELSEWHERE)
        assert end.problems == []
        other.shake(end, client=not is_client)
        end.leg.sent = on_its_way
        carry(end, other)
        end.security.receive("outside", ELSEWHERE, ALERT, 0)
        assert same_keys(end, other)
        assert end.problems == []

    @pytest.mark.parametrize("is_client", [True, False])
    def test_with_who_is_nowhere_yet_begins_when_it_is_somewhere(self, is_client: bool) -> None:
        """It may hold the call by 0.0.0.0 for as long as it likes."""
        end, other = End(OURS, HERE), End(THEIRS, THERE)
        peer = DtlsPeer(is_client, (other.certificate.fingerprint,))
        end.apply(peer, None)
        assert (end.leg.sent, end.timers) == ([], [])
        other.shake(end, client=not is_client)
        end.apply(peer, THERE)
        assert end.timers
        carry(end, other)
        assert same_keys(end, other)

    def test_with_another_certificate_brings_a_problem_and_no_key(self) -> None:
        client, server = End(OURS, HERE), End(THEIRS, THERE)
        server.shake(client, client=False)
        client.apply(DtlsPeer(True, (OURS.fingerprint,)))
        carry(client, server)
        assert client.security.profile is None
        assert len(client.problems) == 1
        assert client.leg.words()[-1] == ("take_packets", True)

    @pytest.mark.parametrize(
        ("problem", "said"),
        [(RuntimeError(SECRET), FAULT), (MediaError("the queue is full"), "the queue is full")],
    )
    def test_whose_keys_can_not_be_used_brings_a_problem(
        self,
        problem: Exception,
        said: str,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        def fault(*_: object, **__: object) -> None:
            raise problem

        monkeypatch.setattr(srtp, "context", fault)
        for end in shaken():
            assert end.problems == [said]
            assert end.changes == []
            assert not end.security.verified
            assert end.security.pending
        assert SECRET not in caplog.text

    def test_that_was_agreed_again_is_not_made_again(self) -> None:
        client, server = shaken()
        before = client.security._keys
        client.shake(server, client=True)
        server.shake(client, client=False)
        assert carry(client, server) == 0
        assert client.security._keys == before

    def test_of_a_stream_that_has_ended_is_over(self) -> None:
        client, server = End(OURS, HERE), End(THEIRS, THERE)
        client.shake(server, client=True)
        client.security.close()
        client.leg.closed = True
        server.shake(client, client=False)
        carry(client, server)
        assert client.changes == client.problems == []


class TestHeld:
    """RFC 4145, 4.1: no connection for now."""

    @staticmethod
    def hold(end: End, other: End) -> None:
        end.apply(DtlsPeer(False, (other.certificate.fingerprint,), held=True), other.address)

    def test_the_stream_is_shut_and_nobody_begins(self) -> None:
        end, other = End(OURS, HERE), End(THEIRS, THERE)
        self.hold(end, other)
        assert end.leg.last("protect") == end.leg.last("unprotect") == "shut"
        assert end.security.pending
        assert end.leg.sent == []
        assert end.problems == []

    @pytest.mark.parametrize("before", ["nothing", "keys", "a handshake"])
    def test_a_later_agreement_brings_the_keys(self, before: str) -> None:
        client, server = End(OURS, HERE), End(THEIRS, THERE)
        if before == "keys":
            client.apply(SrtpKeys(CM, master(CM, 1), master(CM, 2)))
        elif before == "a handshake":
            client.shake(server, client=True)
            client.leg.sent.clear()
        self.hold(client, server)
        self.hold(server, client)
        assert client.security.profile is None
        client.shake(server, client=True)
        carry(client, server)  # it overtakes what the server is yet to agree on
        server.shake(client, client=False)
        carry(client, server)
        assert same_keys(client, server)
        assert not client.security.pending

    def test_an_association_that_there_is_waits_with_it(self) -> None:
        client, server = shaken()
        before, told = client.security._keys, len(client.leg.told)
        self.hold(client, server)
        client.shake(server, client=True)
        assert carry(client, server) == 0
        assert client.security._keys is before
        assert len(client.leg.told) == told
        assert client.security.verified


class TestAgain:
    """RFC 5763, 6.6: a far end that moves, or that is another with the same certificate."""

    def test_a_far_end_that_begins_anew_is_answered(self) -> None:
        client, server = shaken()
        other = End(OURS, client.address)
        other.shake(server, client=True)
        carry(other, server)
        assert same_keys(other, server)
        assert not same_keys(client, server)
        assert server.changes == ["AEAD_AES_128_GCM"]  # nothing that can be seen has changed
        assert server.leg.words()[-2:] == [("protect", "key"), ("unprotect", "key")]

    def test_who_begins_shakes_hands_with_a_far_end_that_moved(self) -> None:
        client, server = shaken()
        moved = End(THEIRS, ELSEWHERE)
        moved.shake(client, client=False)
        client.shake(moved, client=True)
        carry(client, moved, server)
        assert same_keys(client, moved)

    def test_one_that_moved_and_keeps_its_association_is_heard_on(self) -> None:
        client, server = shaken()
        server.address = ELSEWHERE
        client.shake(server, client=True)
        carry(client, server)
        assert client.problems == []
        assert client.security.verified

    def test_other_roles_bring_another_association(self) -> None:
        client, server = shaken()
        before = client.security._keys
        client.shake(server, client=False)
        server.shake(client, client=True)
        carry(client, server)
        assert same_keys(client, server)
        assert client.security._keys != before

    @pytest.mark.parametrize("begins", [True, False])
    def test_other_roles_that_were_only_said_end_nothing(self, begins: bool) -> None:
        one, other = shaken() if not begins else shaken()[::-1]
        before = one.security._keys
        one.shake(other, client=begins)
        assert carry(one, other) == begins
        assert one.security._again is not None
        one.security._again._too_long()
        assert one.problems == []
        assert one.security._keys == before
        assert same_keys(one, other)

    @pytest.mark.parametrize("certificate", [Certificate, lambda: THEIRS])
    def test_a_stranger_that_begins_changes_nothing(
        self, certificate: Callable[[], Certificate]
    ) -> None:
        client, server = shaken()
        before = server.security._keys
        stranger = End(certificate(), ELSEWHERE)
        stranger.shake(server, client=True)
        carry(stranger, server)
        assert server.security._keys == before
        assert server.problems == []
        assert same_keys(client, server)
