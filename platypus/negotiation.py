"""One call's offers and answers, turned into what its stream shall do (RFC 3264, 8).

`Negotiator` remembers what was said before: the version of the `o=` line, the place
of every stream, the payload types in use, and who holds whom. It sends nothing and
knows no SIP: the call hands in bodies and takes bodies, and a `StreamPlan` for the
media loop. Hold is a direction of the media, not a state of the call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Literal, NamedTuple

from platypus.codecs import capabilities, names, ptime
from platypus.encryption import Encryption, Words
from platypus.errors import SdpError, StateError
from platypus.media.keys import DtlsPeer, Security
from platypus.sdp.addresses import address_of
from platypus.sdp.description import MediaDescription, SessionDescription, parse
from platypus.sdp.fmtp import parameters
from platypus.sdp.offer_answer import (
    OPUS,
    Agreement,
    Direction,
    Format,
    Transport,
    agree,
    audio_stream,
    formats,
    make_answer_audio,
    make_audio,
    make_description,
    problem_of,
    refused,
)
from platypus.sdp.security import with_session_attributes

HoldState = Literal["none", "local", "remote", "both"]

DYNAMIC = range(96, 128)  # RFC 3551, table 4
NOTHING = Direction(send=False, receive=False)


class StreamPlan(NamedTuple):
    """What the stream of a call shall do from now on."""

    # None: nothing may be sent (hold by 0.0.0.0, stream off). The host may be a name.
    remote: tuple[str, int] | None
    codec: str  # as in CODECS
    send_payload_type: int
    parameters: Mapping[str, str]  # of that format, as the other side wants to receive it
    receive_payload_types: Mapping[int, str]  # to names of CODECS, or "telephone-event/48000"
    dtmf_payload_type: int | None  # None: the other side takes no telephone-events
    dtmf_clock: int
    noise_payload_type: int | None  # comfort noise in place of silence; None: silence is sent
    send: bool
    receive: bool
    ptime_ms: int  # to send with
    rtcp: tuple[str, int] | None
    rtcp_mux: bool  # RFC 5761: reports share the RTP port
    voip_metrics: bool  # RFC 3611: the other side wants them in our reports
    direction: str  # "sendrecv", "sendonly", "recvonly" or "inactive", as we see it
    security: Security | None = None  # None: plain RTP


class Negotiator:
    """The offers and answers of one call, in the order they crossed the wire.

    `codecs` are names of `CODECS` in the order of preference: in offers, and in answers too
    unless `in_order` is off. With `suppress_silence` comfort noise is offered, taken and sent
    (RFC 3389), and Opus sends nothing in silence. `random` gives that many random bytes.
    """

    def __init__(
        self,
        codecs: Sequence[str],
        *,
        ptime_ms: int = 20,
        in_order: bool = True,
        suppress_silence: bool = False,
        random: Callable[[int], bytes],
        encryption: Encryption | None = None,
    ) -> None:
        self._encryption = encryption or Encryption("off", random=random)
        self._ours = capabilities(
            tuple(codecs), ptime_ms, in_order=in_order, comfort_noise=suppress_silence
        )
        self._suppress_silence = suppress_silence
        self._session_id = int.from_bytes(random(4), "big")
        self._sent: SessionDescription | None = None
        self._version = 1
        self._offered: SessionDescription | None = None
        self._index = 0  # of the audio stream among our m= lines
        self._remote_offer: SessionDescription | None = None
        self._remote_index: int | None = None  # of its stream that we take; None switches it off
        self._numbers: dict[str, int] = {}  # of our formats, as last said
        self._remote_numbers: dict[int, str] = {}  # what the other side's numbers mean
        self._plan: StreamPlan | None = None
        self._wants_hold = self._holds = self._is_held = False

    @property
    def hold_state(self) -> HoldState:
        """Who holds whom, as last agreed: asking for hold changes it with the answer only."""
        if self._holds:
            return "both" if self._is_held else "local"
        return "remote" if self._is_held else "none"

    @property
    def plan(self) -> StreamPlan | None:
        """The last plan, None before the first agreement."""
        return self._plan

    @property
    def offered_payload_types(self) -> Mapping[int, str]:
        """What may arrive before the answer does (RFC 3264, 5.1)."""
        if self._offered is None:
            return {}
        return names(formats(self._offered.media[self._index]))

    @property
    def offers_keys(self) -> bool:
        """Whether what comes before the answer can't be read."""
        return self._encryption.offered

    def second_offer(self) -> bool:
        """Whether the first offer can be made in another way, now that it was refused."""
        return self._plan is None and self._encryption.second_choice()

    def renew_keys(self) -> None:
        """Let the next offer bring a new key of ours."""
        self._encryption.renew()

    def hold(self) -> None:
        """Ask for hold in the next offer or answer."""
        self._wants_hold = True

    def resume(self) -> None:
        self._wants_hold = False

    def offer(
        self,
        local_address: str,
        rtp_port: int,
        *,
        rtcp_port: int | None = None,
        encrypted_hop: bool = False,
    ) -> bytes:
        """Our offer, the first or a later one. `local_address` is numeric.

        With `encrypted_hop` nobody but the next server sees it, so that keys may be in it.
        """
        words = self._encryption.offer(encrypted_hop=encrypted_hop)
        audio = make_audio(
            self._numbered(),
            port=rtp_port,
            way=self._wanted(),
            ptime_ms=self._ours.ptime_ms,
            rtcp_port=rtcp_port,
        )
        audio = _in_words(audio, words)
        # RFC 3264, 8: a stream keeps its place for ever, also one that was refused.
        media = list(self._sent.media) if self._sent else [audio]
        media = [refused(each) for each in media]
        media[self._index] = audio
        self._offered = self._say(self._description(media, local_address))
        self._remember(formats(audio))
        return self._offered.serialize()

    def receive_answer(self, body: bytes) -> StreamPlan:
        """The plan after an answer to our offer.

        May be called again for the same offer: early media and forks bring several
        answers, and the last one counts. Raises `SdpError` for one that doesn't fit.
        """
        if self._offered is None:
            raise StateError("an answer without an offer of ours")
        remote = with_session_attributes(parse(body))
        agreement = agree(self._offered, remote, self._index, self._ours, _any_transport)
        security = self._encryption.receive_answer(remote.media[self._index])
        # An `inactive` to our hold doesn't tell whether they hold us too.
        if _waits(security):
            self._is_held = True
        elif not self._wants_hold or agreement.theirs.receive:
            self._is_held = not agreement.theirs.receive
        self._learn(agreement.known)
        return self._settle(agreement, security)

    def remember(self) -> Callable[[], None]:
        """What was agreed by now; calling it brings that back, whatever was agreed since."""
        kept, keys = dict(vars(self)), dict(vars(self._encryption))
        kept["_numbers"], kept["_remote_numbers"] = {**self._numbers}, {**self._remote_numbers}

        def undo() -> None:
            vars(self).update(kept)
            vars(self._encryption).update(keys)

        return undo

    def offer_refused(self) -> None:
        """Our later offer came to nothing: all is as it was agreed before (RFC 3261, 14.1)."""
        self._wants_hold = self._holds
        self._offered = None

    def receive_offer(
        self, body: bytes, follow: Callable[[str | None], object] = lambda _: None
    ) -> None:
        """Take the other side's offer. Raises `SdpError` where only 488 is left to say.

        `follow` gets the address that media are wanted at, None for nowhere yet, and may
        raise as well.
        """
        offer = with_session_attributes(parse(body))
        index = self._choose(offer, follow)
        if index is not None:
            # Nobody rings for media that has nowhere to go.
            follow(address_of(offer, offer.media[index]))
        elif not self._is_switch_off(offer):
            raise SdpError(problem_of(offer, self._ours, self._encryption.problem))
        self._encryption.receive_offer()
        self._remote_offer, self._remote_index = offer, index

    def _choose(
        self, offer: SessionDescription, follow: Callable[[str | None], object]
    ) -> int | None:
        """Its stream to take. Some offer the same twice, plain and encrypted in either order, or
        at an address of each family (RFC 4091): the encrypted one, of those that can be reached."""

        def nowhere(media: MediaDescription) -> str | None:
            try:
                follow(address_of(offer, media))
            except SdpError as problem:
                return str(problem)
            return None

        def reached(judge: Transport) -> Transport:
            return lambda media: judge(media) or nowhere(media)

        encryption = self._encryption
        index = audio_stream(offer.media, self._ours, encryption.problem)
        if index is None or len(offer.media) == 1:
            return index
        for judge in (encryption.unencrypted, encryption.problem):
            better = audio_stream(offer.media, self._ours, reached(judge))
            if better is not None:
                return better
        return index

    def answer(
        self, local_address: str, rtp_port: int, *, rtcp_port: int | None = None
    ) -> tuple[bytes, StreamPlan]:
        """Our answer to the offer received last; asking twice gives the same answer."""
        offer = self._remote_offer
        if offer is None:
            raise StateError("an answer needs an offer first")
        index = self._remote_index
        media = [each if i == index else refused(each) for i, each in enumerate(offer.media)]
        if index is None:
            self._index = next(i for i, each in enumerate(media) if each.kind == "audio")
            self._offered = None
            local = self._say(self._description(media, local_address))
            return local.serialize(), self._switched_off()
        words = self._encryption.answer(offer.media[index])
        waits = _waits(words.security)
        wanted = NOTHING if waits else self._wanted()
        audio = make_answer_audio(
            offer, index, self._ours, port=rtp_port, wanted=wanted, rtcp_port=rtcp_port
        )
        media[index] = _in_words(audio, words)
        local = self._description(media, local_address)
        # It may refuse: nothing has changed yet.
        agreement = agree(local, offer, index, self._ours, _any_transport, answering=True)
        self._encryption.settle(words)
        self._index, self._offered = index, None
        self._is_held = waits or not agreement.theirs.receive
        self._learn(agreement.known)
        self._remember(agreement.listed)
        return self._say(local).serialize(), self._settle(agreement, words.security)

    def _wanted(self) -> Direction:
        return Direction(send=True, receive=not self._wants_hold)

    def _say(self, described: SessionDescription) -> SessionDescription:
        """RFC 3264, 8: the version counts changes, so the same again keeps its number."""
        if self._sent is not None and described != self._sent:
            self._version += 1
            described = replace(
                described, origin=described.origin._replace(version=str(self._version))
            )
        self._sent = described
        return described

    def _description(self, media: Sequence[MediaDescription], address: str) -> SessionDescription:
        """With the version that was said last."""
        return make_description(
            media, session_id=self._session_id, version=self._version, address=address
        )

    def _numbered(self) -> list[Format]:
        """Our formats, the codec in use first, with numbers that contradict nothing said before.

        RFC 3264, 8.3.2: a number keeps its meaning for the whole session.
        """
        in_use = self._plan.codec if self._plan else None
        numbered: list[Format] = []
        taken = dict(self._remote_numbers)
        for each in sorted(self._ours.offered, key=lambda each: each.name != in_use):
            name = each.name
            number = self._numbers.get(name, each.payload_type)
            if taken.get(number, name) != name:
                number = next(free for free in reversed(DYNAMIC) if free not in taken)
            taken[number] = name
            numbered.append(replace(each, payload_type=number))
        return numbered

    def _remember(self, listed: Iterable[Format]) -> None:
        for each in listed:
            self._numbers[each.name] = each.payload_type

    def _learn(self, known: Iterable[Format]) -> None:
        for each in known:
            if each.payload_type in DYNAMIC and len(self._remote_numbers) < len(DYNAMIC) // 2:
                self._remote_numbers.setdefault(each.payload_type, each.name)

    def _settle(self, agreed: Agreement, security: Security | None) -> StreamPlan:
        self._holds = self._wants_hold
        way = NOTHING if _waits(security) else agreed.direction
        self._plan = StreamPlan(
            remote=agreed.remote,
            codec=agreed.send.name,
            send_payload_type=agreed.send.payload_type,
            parameters=self._parameters(agreed.send),
            receive_payload_types=names(agreed.receive.values()),
            dtmf_payload_type=agreed.event.payload_type if agreed.event else None,
            dtmf_clock=agreed.event.clock_rate if agreed.event else 8000,
            noise_payload_type=agreed.noise.payload_type if agreed.noise else None,
            send=way.send and agreed.remote is not None,
            receive=way.receive,
            ptime_ms=ptime(
                agreed.send.name, agreed.ptime_ms or self._ours.ptime_ms, agreed.max_ptime_ms
            ),
            rtcp=agreed.rtcp,
            rtcp_mux=agreed.rtcp_mux,
            voip_metrics=agreed.voip_metrics,
            direction=str(way),
            security=security,
        )
        return self._plan

    def _parameters(self, wanted: Format) -> Mapping[str, str]:
        found = dict(parameters(wanted.fmtp))
        if self._suppress_silence and wanted.name == OPUS:
            found.setdefault("usedtx", "1")  # RFC 7587, 6.1: a "0" of theirs is to be kept to
        return found

    def _is_switch_off(self, offer: SessionDescription) -> bool:
        """A later offer that sets our stream's port to 0: taken, or the call would be lost."""
        audio = [each for each in offer.media if each.kind == "audio"]
        return self._plan is not None and bool(audio) and not any(each.port for each in audio)

    def _switched_off(self) -> StreamPlan:
        if self._plan is None:
            raise StateError("there is no stream to switch off")
        self._is_held = True
        self._plan = self._plan._replace(
            remote=None, rtcp=None, send=False, receive=False, direction="inactive"
        )
        return self._plan


def _in_words(audio: MediaDescription, words: Words) -> MediaDescription:
    """Our section with what is to be said of encryption."""
    if not words.attributes and words.protocol == audio.protocol:
        return audio
    attributes = (*audio.attributes, *words.attributes)
    return replace(audio, protocol=words.protocol, attributes=attributes)


def _waits(security: Security | None) -> bool:
    """Whether the other side wants no connection for now: as much as being held by it."""
    return isinstance(security, DtlsPeer) and security.held


def _any_transport(media: MediaDescription) -> str | None:
    """`Encryption` has judged it, or will."""
    return None
