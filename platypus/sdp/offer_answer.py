"""Offer and answer (RFC 3264): what two descriptions agree on.

    offer(us)  --->  answer(them)  --->  agree()  --->  Agreement
    offer(them) -->  make_answer() --->  agree()  --->  Agreement

An `Agreement` says in the words of RTP where to send, with which payload types, and
in which direction. Only audio is taken, over plain RTP/AVP or whatever the `Transport` that
is given allows; every other stream is refused with port 0 in its place (section 6).
ICE, bundling and feedback attributes are ignored, as their RFCs demand of who doesn't
know them. Who sends the descriptions, and when, is not known here.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import NamedTuple

from platypus.errors import SdpError
from platypus.sdp.addresses import MAX_ADDRESS, address_of, connection, is_zero, problem_with
from platypus.sdp.description import (
    Attribute,
    MediaDescription,
    Origin,
    SessionDescription,
    first_attribute,
    number,
)

TELEPHONE_EVENT = "telephone-event"
OPUS = "opus"
COMFORT_NOISE = "cn"
DTMF_EVENTS = "0-16"  # RFC 4733, 3.2: the sixteen keys and flash
PROTOCOL = "RTP/AVP"
VOIP_METRICS = "voip-metrics"  # RFC 3611, 5.1: a block of extended reports
# What a stream takes: no description needs as many, and the media loop has no room for more.
MAX_RECEIVED = 32
# RFC 5761, 4: with a marker they would look like RTCP. Nobody has a use for them.
NO_PAYLOAD_TYPES = range(64, 96)
MAX_PTIME_MS = 1_000  # RFC 4733 and every phone stay far below; more is a slip

_BOTH = (True, False)
_DIRECTIONS = ("sendrecv", "sendonly", "recvonly", "inactive")
# RFC 3551, table 4: what a payload type means when no rtpmap says so.
_STATIC = {
    0: ("PCMU", 8000),
    3: ("GSM", 8000),
    4: ("G723", 8000),
    8: ("PCMA", 8000),
    9: ("G722", 8000),
    13: ("CN", 8000),
    15: ("G728", 8000),
    18: ("G729", 8000),
}


@dataclass(frozen=True, slots=True)
class Format:
    """A payload type and what it stands for (RFC 8866, 6.6)."""

    payload_type: int
    encoding: str
    clock_rate: int
    channels: int = 1
    fmtp: str = ""
    # What two formats have in common, whatever number each side gives it.
    kind: tuple[str, int, int] = field(init=False, repr=False, compare=False)
    # The encoding in lower case: it is compared without case. Events have their clock.
    name: str = field(init=False, repr=False, compare=False)
    is_event: bool = field(init=False, repr=False, compare=False)  # telephone-event, no codec

    def __post_init__(self) -> None:
        encoding = self.encoding.lower()
        # RFC 7587, 7: Opus always says two channels; some forget to, and mean the same.
        channels = 2 if encoding == OPUS else self.channels
        is_event = encoding == TELEPHONE_EVENT
        clocked = is_event and self.clock_rate != 8000
        object.__setattr__(self, "kind", (encoding, self.clock_rate, channels))
        object.__setattr__(self, "is_event", is_event)
        object.__setattr__(self, "name", f"{encoding}/{self.clock_rate}" if clocked else encoding)

    @property
    def is_codec(self) -> bool:
        """Whether it carries speech."""
        return self.kind[0] not in (TELEPHONE_EVENT, COMFORT_NOISE)


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What this side can do, in the order it prefers."""

    formats: tuple[Format, ...]  # codecs, then comfort noise and telephone-event
    ptime_ms: int = 20
    in_order: bool = True  # our answers keep it as well, instead of the offer's

    @property
    def offered(self) -> tuple[Format, ...]:
        """All but the events of a clock that is not the favourite's: an INVITE is full enough."""
        clocks = (8000, self.formats[0].clock_rate)
        return tuple(
            [each for each in self.formats if not each.is_event or each.clock_rate in clocks]
        )

    def find(self, offered: Format) -> Format | None:
        for ours in self.formats:
            if ours.kind == offered.kind:
                return ours
        return None


@dataclass(frozen=True, slots=True)
class Direction:
    """Which way media flows, as the side that says it sees it (RFC 3264, 5.1)."""

    send: bool = True
    receive: bool = True

    def __str__(self) -> str:
        return _DIRECTIONS[2 * (not self.send) + (not self.receive)]

    def answering(self, offered: Direction) -> Direction:
        """What of this the other side's direction leaves (RFC 3264, 6.1)."""
        return _WAYS[self.send and offered.receive, self.receive and offered.send]


_WAYS = {(send, receive): Direction(send, receive) for send in _BOTH for receive in _BOTH}
_WANTED = {str(way): way for way in _WAYS.values()}
_TERMS = frozenset(("rtpmap", "fmtp", "rtcp-mux", "rtcp-xr", "ptime", "maxptime", *_WANTED))


class Agreement(NamedTuple):
    """What was agreed for the one audio stream, as this side sees it."""

    remote: tuple[str, int] | None  # None where nothing may be sent: hold by 0.0.0.0, or port 0
    rtcp: tuple[str, int] | None
    rtcp_mux: bool
    voip_metrics: bool  # the other side asks for them
    send: Format  # the codec to send
    event: Format | None  # telephone-event as the other side wants to receive it
    noise: Format | None  # comfort noise, if both sides have it for that codec
    receive: Mapping[int, Format]  # every payload type that may come
    listed: tuple[Format, ...]  # in our description
    known: tuple[Format, ...]  # in the other side's, whether we have them or not
    direction: Direction
    theirs: Direction  # as the other side said it
    ptime_ms: int | None  # what the other side would like to get
    max_ptime_ms: int | None


class Terms(NamedTuple):
    """What an audio section says that its author says in each call: all but where."""

    formats: tuple[Format, ...]  # in its order; what can't be understood is left out
    way: Direction | None  # None: not said here
    rtcp_mux: bool
    voip_metrics: bool
    ptime_ms: int | None
    max_ptime_ms: int | None


def terms(media: MediaDescription) -> Terms:
    """The terms of an RTP stream."""
    said = tuple([each for each in media.attributes if each[0] in _TERMS])
    return _terms(media.formats, said)


def formats(media: MediaDescription) -> tuple[Format, ...]:
    """The formats of an RTP stream, in its order; what can't be understood is left out."""
    return terms(media).formats


# A negotiation reads them several times, and a peer says the same in each of its calls.
@lru_cache(maxsize=64)
def _terms(texts: tuple[str, ...], attributes: tuple[Attribute, ...]) -> Terms:
    maps = _by_payload_type(attributes, "rtpmap")
    parameters = _by_payload_type(attributes, "fmtp")
    known = (_format(text, maps.get(text), parameters.get(text, "")) for text in texts)
    return Terms(
        formats=tuple([each for each in known if each is not None]),
        way=_way(attributes),
        rtcp_mux=first_attribute(attributes, "rtcp-mux") is not None,
        voip_metrics=_wants_voip_metrics(attributes),
        ptime_ms=_milliseconds(attributes, "ptime"),
        max_ptime_ms=_milliseconds(attributes, "maxptime"),
    )


def direction(
    description: SessionDescription, media: MediaDescription, said: Terms | None = None
) -> Direction:
    """The direction its author wants, with hold by a zero address seen as sendonly.

    `said` are the terms of `media`, for who knows them.
    """
    # RFC 8866, 6.7: what stands above all sections is for those that say nothing.
    wanted = (said or terms(media)).way or _way(description.attributes) or _WAYS[True, True]
    # RFC 3264, 8.4: how phones held before directions existed, and some still do.
    if media.port == 0 or is_zero(connection(description, media)):
        return Direction(wanted.send and media.port != 0, receive=False)
    return wanted


def _way(attributes: Iterable[Attribute]) -> Direction | None:
    """The last that is said counts."""
    found = None
    for name, _ in attributes:
        found = _WANTED.get(name, found)
    return found


# Why a stream's profile or its keys can't be taken; None where they can.
Transport = Callable[[MediaDescription], str | None]


def plain_only(media: MediaDescription) -> str | None:
    """The `Transport` of who knows no encryption."""
    if media.protocol != PROTOCOL:
        return f"{media.protocol} is not supported, only {PROTOCOL}"
    return None


def audio_stream(
    media: Iterable[MediaDescription], ours: Capabilities, transport: Transport = plain_only
) -> int | None:
    """The index of the first audio stream we can take part in."""
    for index, each in enumerate(media):
        if each.kind == "audio" and each.port and _problem(each, ours, transport) is None:
            return index
    return None


def make_audio(
    ours: Iterable[Format],
    *,
    port: int,
    way: Direction,
    ptime_ms: int,
    rtcp_port: int | None,
    rtcp_mux: bool = True,
) -> MediaDescription:
    """An audio section in as few bytes as peers understand: an INVITE must fit a datagram."""
    listed = tuple(ours)
    attributes: list[Attribute] = []
    for each in listed:
        channels = f"/{each.channels}" if each.channels > 1 else ""
        if _STATIC.get(each.payload_type) != (each.encoding, each.clock_rate):
            attributes.append(
                ("rtpmap", f"{each.payload_type} {each.encoding}/{each.clock_rate}{channels}")
            )
        if each.fmtp:
            attributes.append(("fmtp", f"{each.payload_type} {each.fmtp}"))
    attributes.append(("ptime", str(ptime_ms)))
    if rtcp_port is not None and rtcp_port != port + 1:
        attributes.append(("rtcp", str(rtcp_port)))  # RFC 3605
    if rtcp_mux:
        attributes.append(("rtcp-mux", None))
    attributes.append(("rtcp-xr", VOIP_METRICS))
    attributes.append((str(way), None))
    numbers = tuple(str(each.payload_type) for each in listed)
    return MediaDescription("audio", port, PROTOCOL, numbers, attributes=tuple(attributes))


def make_answer_audio(
    offer: SessionDescription,
    index: int,
    ours: Capabilities,
    *,
    port: int,
    wanted: Direction,
    rtcp_port: int | None = None,
) -> MediaDescription:
    """Our side of the stream at `index`: the offer's formats that we know."""
    media = offer.media[index]
    said = terms(media)
    common: list[Format] = []
    for offered in said.formats:
        mine = ours.find(offered)
        if mine is not None and all(mine.kind != each.kind for each in common):
            # RFC 3264, 6.1: the offer's number for it; the parameters say what we receive.
            same = mine.payload_type == offered.payload_type
            common.append(mine if same else replace(mine, payload_type=offered.payload_type))
    if ours.in_order:
        kinds = [each.kind for each in ours.formats]
        common.sort(key=lambda each: kinds.index(each.kind))
    way = wanted.answering(direction(offer, media, said))
    return make_audio(
        common,
        port=port,
        way=way,
        ptime_ms=ours.ptime_ms,
        rtcp_port=rtcp_port,
        rtcp_mux=said.rtcp_mux,  # RFC 5761, 5.1.1: only if it was offered
    )


def refused(media: MediaDescription) -> MediaDescription:
    """The same stream with port 0 (RFC 3264, 6): its formats are needed and mean nothing."""
    return MediaDescription(media.kind, 0, media.protocol, media.formats[:1] or ("0",))


def make_description(
    media: Sequence[MediaDescription], *, session_id: int, version: int, address: str
) -> SessionDescription:
    origin = Origin(session_id=str(session_id), version=str(version), address=address)
    return SessionDescription(origin, tuple(media), connection=address)


def agree(
    local: SessionDescription,
    remote: SessionDescription,
    index: int,
    ours: Capabilities,
    transport: Transport = plain_only,
    *,
    answering: bool = False,
) -> Agreement:
    """What the two say together about the audio stream at `index`.

    The answer's first codec is the one to send: ours if we are `answering`. Raises
    `SdpError` when the other side's stream is not one that fits ours.
    """
    theirs = remote.media[index] if index < len(remote.media) else None
    if theirs is None or theirs.kind != "audio":
        raise SdpError("the answer has no audio stream where the offer has one")
    if theirs.port == 0:
        raise SdpError("the other side refused the audio stream")
    own, said = terms(local.media[index]), terms(theirs)
    offered = [each for each in own.formats if ours.find(each)]
    kinds = [each.kind for each in offered]
    shared = [each for each in said.formats if each.kind in kinds]
    codecs = [each for each in shared if each.is_codec]
    if not codecs or transport(theirs):
        raise SdpError(_problem(theirs, ours, transport) or "no codec in common")
    if answering:
        codecs.sort(key=lambda each: kinds.index(each.kind))
    address = address_of(remote, theirs)
    way = direction(remote, theirs, said)
    mux = own.rtcp_mux and said.rtcp_mux
    return Agreement(
        remote=(address, theirs.port) if address else None,
        rtcp=(address, theirs.port) if mux and address else _rtcp(theirs, address),
        rtcp_mux=mux,
        voip_metrics=said.voip_metrics,
        send=codecs[0],
        event=_event(shared, codecs[0]),
        noise=_noise(shared, codecs[0]),
        # Some peers send with the number of their own description, not with ours.
        receive={
            each.payload_type: each for each in (*shared[: MAX_RECEIVED - len(offered)], *offered)
        },
        listed=own.formats,
        known=said.formats,
        direction=direction(local, local.media[index], own).answering(way),
        theirs=way,
        ptime_ms=said.ptime_ms,
        max_ptime_ms=said.max_ptime_ms,
    )


def _problem(media: MediaDescription, ours: Capabilities, transport: Transport) -> str | None:
    """Why an audio stream can't be taken, for the one who reads the log."""
    if problem := transport(media):
        return problem
    codecs = [each for each in formats(media) if each.is_codec]
    for each in codecs:
        if ours.find(each) is not None:
            return None
    names = dict.fromkeys(each.encoding for each in codecs or formats(media))
    offered = ", ".join(list(names)[:10]) or "nothing known"
    return f"no codec in common, the other side has {offered}"


def problem_of(
    description: SessionDescription, ours: Capabilities, transport: Transport = plain_only
) -> str:
    """Why none of its streams can be taken."""
    audio = [each for each in description.media if each.kind == "audio"]
    if not audio:
        return "no audio stream"
    live = [each for each in audio if each.port]
    return (live and _problem(live[0], ours, transport)) or "every audio stream is switched off"


def _wants_voip_metrics(attributes: Iterable[Attribute]) -> bool:
    """RFC 3611, 5.1: formats, separated by spaces, each with what it takes behind an equals."""
    return VOIP_METRICS in (first_attribute(attributes, "rtcp-xr") or "").split()


def _rtcp(media: MediaDescription, address: str | None) -> tuple[str, int] | None:
    """RFC 3605, or one port above RTP (RFC 3550, 11)."""
    if address is None:
        return None
    fields = (media.attribute("rtcp") or "").split()
    try:
        port = number(fields[0], 65_535, "port") if fields else media.port + 1
        host = _rtcp_host(fields[3]) if len(fields) > 3 else address
    except SdpError:
        host, port = address, media.port + 1
    return (host, port) if 0 < port <= 65_535 else None


def _rtcp_host(text: str) -> str:
    if is_zero(text) or problem_with(text[: MAX_ADDRESS + 1]):
        raise SdpError(f"nothing can be sent to {text[:MAX_ADDRESS]!r}")
    return str(ipaddress.ip_address(text))


def _event(shared: Iterable[Format], codec: Format) -> Format | None:
    """RFC 4733, 2.1: events share the codec's timestamps, so they should share its clock.

    Many phones know them at 8000 only, and take these beside Opus (baresip 1.0, Asterisk).
    """
    events = [each for each in shared if each.is_event]
    for each in events:
        if each.clock_rate == codec.clock_rate:
            return each
    return events[0] if events else None


def _noise(shared: Iterable[Format], codec: Format) -> Format | None:
    """RFC 3389, 4: of the codec's clock; Opus has silence of its own."""
    for each in shared:
        if each.name == COMFORT_NOISE and each.clock_rate == codec.clock_rate:
            return each
    return None


def _milliseconds(attributes: Iterable[Attribute], name: str) -> int | None:
    text = (first_attribute(attributes, name) or "").partition(".")[0]
    if not text:
        return None
    try:
        value = number(text, MAX_PTIME_MS, name)
    except SdpError:
        return None
    return value or None


def _by_payload_type(attributes: Iterable[Attribute], name: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for key, value in attributes:
        if key == name and value:
            payload_type, _, text = value.partition(" ")
            found.setdefault(payload_type, text.strip())
    return found


def _format(text: str, rtpmap: str | None, fmtp: str) -> Format | None:
    try:
        payload_type = number(text, 127, "payload type")
        if payload_type in NO_PAYLOAD_TYPES:
            return None
        if rtpmap is None:
            encoding, clock_rate = _STATIC[payload_type]
            return Format(payload_type, encoding, clock_rate, fmtp=fmtp)
        encoding, _, rest = rtpmap.partition("/")
        clock, _, channels = rest.partition("/")
        return Format(
            payload_type,
            encoding.strip(),
            number(clock.strip(), 1_000_000, "clock rate"),
            number(channels.strip(), 255, "number of channels") if channels.strip() else 1,
            fmtp,
        )
    except (SdpError, KeyError):
        return None
