"""One call's stream, steered: sockets, leg, plan, sound and recording.

    plan (offer/answer) -> MediaSession -> commands -> _media.loop.Leg -> the wire
    what happened       <- MediaSession <- events   <-        "

It holds what was last agreed and sends the loop only what changed. It does not
negotiate, know SIP, or touch a packet.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from platypus.errors import MediaError
from platypus.media import opus
from platypus.media.keys import DtlsPeer, Security
from platypus.media.recording import LegRecording
from platypus.media.security import LegSecurity
from platypus.media.statistics import statistics

if TYPE_CHECKING:
    import socket

    from platypus._media.conference import Conference
    from platypus._media.endpoint import Sink, Source
    from platypus._media.loop import Leg
    from platypus.media.core import MediaCore

Address = tuple[str, int]
FIRST_OF_DTLS = 20  # RFC 7983, 7: what begins with less is STUN


class Plan(Protocol):
    """What offer and answer agreed on, as `negotiation.StreamPlan` holds it."""

    @property
    def remote(self) -> Address | None: ...
    @property
    def codec(self) -> str: ...
    @property
    def send_payload_type(self) -> int: ...
    @property
    def parameters(self) -> Mapping[str, str]: ...
    @property
    def receive_payload_types(self) -> Mapping[int, str]: ...
    @property
    def dtmf_payload_type(self) -> int | None: ...
    @property
    def dtmf_clock(self) -> int: ...
    @property
    def noise_payload_type(self) -> int | None: ...
    @property
    def send(self) -> bool: ...
    @property
    def receive(self) -> bool: ...
    @property
    def ptime_ms(self) -> int: ...
    @property
    def rtcp(self) -> Address | None: ...
    @property
    def rtcp_mux(self) -> bool: ...
    @property
    def voip_metrics(self) -> bool: ...
    @property
    def direction(self) -> str: ...
    @property
    def security(self) -> Security | None: ...


class StreamView(NamedTuple):
    """What a stream is doing, as the `media` event shows it."""

    codec: str
    local: Address
    remote: Address | None
    direction: str
    srtp: str | None = None  # the profile


class MediaSession:
    """Made by `MediaCore.session`. `on_event(kind, *values)` gets the leg's events.

    The stream begins with `open`, which binds the ports; nothing is sent before
    the first `apply`.
    """

    def __init__(self, core: MediaCore, on_event: Callable[..., None]) -> None:
        self.port: int | None = None
        self.host = ""
        self._moved = False  # since the last plan
        self._anew = False  # by other sockets, which know no far end yet
        self._torn = False  # a plan could not be applied whole
        self.muted = False
        self.held = False
        self.closed = False
        self.on_event = on_event
        self._core = core
        self._sockets: tuple[socket.socket, socket.socket] | None = None  # reserved
        self._place = ""  # what they are bound to
        self._lent = False
        self._leg: Leg | None = None
        self._security = LegSecurity(
            core.certificate,
            core.call_later,
            changed=lambda: self.on_event("secured"),
            failed=lambda why: self.on_event("unsecured", why),
        )
        self._answered: Callable[[bytes, Address], object] | None = None
        self._plan: Plan | None = None
        self._learnt: Address | None = None
        self._source: Source | None = None
        self._sink: Sink | None = None
        self._tap = LegRecording(0)  # of what is heard here, for as long as the stream lasts
        self._recording = LegRecording(1)  # that somebody wants meanwhile
        self._final: dict[str, Any] | None = None
        self._files = 0  # recordings the loop has not completed yet
        self.on_written: Callable[[], None] | None = None  # the last of them is, after `close`

    @property
    def leg_id(self) -> int | None:
        return self._leg.id if self._leg is not None else None

    @property
    def started(self) -> bool:
        return self._plan is not None

    @property
    def source(self) -> Source | None:
        return self._source

    @property
    def sink(self) -> Sink | None:
        return self._sink

    @property
    def writing(self) -> bool:
        """Whether a recording is not complete on disk yet."""
        return self._files > 0

    @property
    def view(self) -> StreamView | None:
        """None before anything was agreed."""
        plan = self._plan
        if plan is None or self.port is None:
            return None
        remote = self._learnt or plan.remote
        profile = self._security.profile
        return StreamView(plan.codec, (self.host, self.port), remote, plan.direction, profile)

    def receive(self, kind: str, *values: object) -> None:
        """An event of the leg; once closed there is only the end of a recording to wait for."""
        if kind == "recorded":
            self._files -= 1
            if self.closed and not self._files:
                self.stop_waiting()
        if not self.closed:
            self.on_event(kind, *values)

    def receive_packet(self, kind: str, address: Address, packet: bytes, tag: int) -> None:
        """A packet of the leg's that the loop does not understand."""
        if self.closed:
            return
        if kind == "outside" and packet[0] < FIRST_OF_DTLS:
            if self._answered is not None:
                self._answered(packet, address)
        else:
            self._security.receive(kind, address, packet, tag)

    def listen(self, answered: Callable[[bytes, Address], object] | None) -> None:
        """Have `answered` told of the STUN that comes while the stream runs; None ends it."""
        self._answered = answered
        if not self.closed:
            self._security.ask(self._open_leg(), answered is not None)

    def transmit(self, packet: bytes, address: Address, *, rtcp: bool = False) -> None:
        """Send something of our own by the sockets of the stream, unless it has ended."""
        if not self.closed:
            with contextlib.suppress(MediaError):  # it is sent again
                self._open_leg().transmit(packet, address, rtcp_socket=rtcp)

    @property
    def pending(self) -> bool:
        """Whether the stream waits for a handshake."""
        return self._security.pending

    @property
    def verified(self) -> bool:
        """Whether DTLS has proved who the other side is."""
        return self._security.verified

    def stop_waiting(self) -> None:
        """The recordings are complete, or have taken too long."""
        self._files = 0
        if self._leg is not None:
            self._core.forget(self._leg.id)
        written, self.on_written = self.on_written, None
        if written is not None:
            written()

    def reserve(self) -> tuple[socket.socket, socket.socket]:
        """The sockets for `open`, lent to whoever wants to ask something by them first.

        They stay open until they are given back. Raises MediaError when none is free, or the
        stream is open.
        """
        if self.port is not None or self.closed:
            raise MediaError("the sockets of this stream are in use")
        if self._sockets is None:
            self._sockets = self._bind()
        self._lent = True
        return self._sockets

    def give_back(self) -> None:
        """Nobody reads them any more."""
        self._lent = False
        if self.closed:
            self._close_sockets()

    def open(self) -> int:
        """Bind the RTP and RTCP ports and start the leg; the RTP port.

        Called again it gives the port there is. Raises MediaError when none is free.
        """
        if self.port is None:
            sockets, self._sockets = self._sockets or self._bind(), None
            self._leg, self.port = self._core.open_leg(self, sockets)
            self._leg.set_sink(self._sink)
        return self.port

    def advertise(self, host: str) -> None:
        """The address offered to the far end: it depends on the route to it."""
        self._moved = self._moved or host != self.host
        self.host = host
        if self._place and self._place != self._core.place_for(host):
            if self.started:
                self._change_family()
            else:
                self._begin_again()  # bound before the far end's family was known

    def expect(self, payload_types: Mapping[int, str], *, encrypted: bool = False) -> None:
        """Take media before the answer (RFC 3264, 5.1): it may overtake it."""
        if self._plan is None and payload_types:
            self._security.expect(self._open_leg(), encrypted=encrypted)
            self._open_leg().configure_receive(payload_types)

    def apply(self, plan: Plan) -> bool:
        """Do what was agreed; True where something that can be seen has changed.

        Where it raises, the last plan is to be applied again.
        """
        leg = self._open_leg()
        before = self.view if self._plan is not None else None
        began, torn, self._torn = self._plan is not None, self._torn, True
        old = self._plan if not torn else None
        # The keys first: nothing leaves in the clear meanwhile.
        self._security.apply(leg, plan.security, plan.remote)
        if old is None or old.receive_payload_types != plan.receive_payload_types:
            leg.configure_receive(plan.receive_payload_types)
        if old is None or self._anew or _sending(old) != _sending(plan):
            leg.configure_send(
                plan.send_payload_type,
                plan.codec,
                plan.remote,
                plan.dtmf_payload_type,
                event_clock=plan.dtmf_clock,
                ptime_ms=plan.ptime_ms,
                noise_payload_type=plan.noise_payload_type,
                settings=opus.settings(plan.parameters) if plan.codec == "opus" else None,
            )
        if old is None or self._anew or _reporting(old) != _reporting(plan):
            # RFC 5764, 3: reports on a port of their own would need a handshake of their own.
            apart = isinstance(plan.security, DtlsPeer) and not plan.rtcp_mux
            rtcp = None if apart else plan.rtcp
            leg.configure_rtcp(rtcp, mux=plan.rtcp_mux, voip_metrics=plan.voip_metrics)
        # A voice may sound like a key now and then; who sends events presses no tones.
        hears = old is not None and old.dtmf_payload_type is None
        if torn or (plan.dtmf_payload_type is None) != hears:
            leg.listen_for_keys(plan.dtmf_payload_type is None)
        if old is None or (old.send, old.receive) != (plan.send, plan.receive):
            leg.set_direction(plan.send, plan.receive)
        if old is None or self._anew or old.remote != plan.remote:
            self._learnt = None
        self._plan, self._anew, self._torn = plan, False, False
        if not began:  # a file is heard from its first sample, not from when we offered
            leg.set_source(self._source)
            self._apply_mute()
            self._start_recordings(leg)
        moved, self._moved = self._moved, False
        return moved or before is None or self.view != before

    def address_learnt(self, host: str, port: int) -> bool:
        """Symmetric RTP goes to another address than was signalled; True if that is news."""
        before = self.view
        self._learnt = (host, port)
        return self.view != before

    def set_source(self, source: Source | None) -> None:
        self._source = source
        if self._leg is not None and self.started and not self.closed:
            self._leg.set_source(source)

    def set_sink(self, sink: Sink | None) -> None:
        self._sink = sink
        if self._leg is not None and not self.closed:
            self._leg.set_sink(sink)

    def mute(self, on: bool) -> None:
        self.muted = on
        self._apply_mute()

    def hold(self, on: bool) -> None:
        """On hold the far end hears silence: whoever is put on hold must not listen in."""
        self.held = on
        self._apply_mute()

    def join(self, conference: Conference) -> None:
        """Mix this stream with the others of `conference`."""
        self._open_leg().join(conference)

    def leave(self) -> None:
        if self._leg is not None and not self.closed:
            self._leg.leave()

    def watch_voice(self, on: bool) -> None:
        """Tell by "voice" events when somebody begins or ends to speak."""
        self._open_leg().watch_voice(on)

    def send_dtmf(self, digits: Sequence[str], duration_ms: int, *, inband: bool = False) -> None:
        """RFC 4733 events, or tones. Raises MediaError where the far end takes none."""
        if self._plan is None:
            raise MediaError("no key can be pressed before there is a stream to hear it in")
        if self._plan.dtmf_payload_type is None and not inband:
            raise MediaError(
                'the far end takes no telephone-events (RFC 4733); try method="info" or "inband"'
            )
        if not self._plan.send:  # they would come out in a burst when it is resumed
            raise MediaError("the far end takes no media while it holds the call")
        leg = self._open_leg()
        if inband:
            leg.press(digits, duration_ms)
        else:
            leg.send_dtmf(digits, duration_ms)

    def record(self, path: str, *, stereo: bool = False, rate: int | None = None) -> None:
        """Write what this stream plays to `path`, from now or from its start on.

        Stereo has both sides: what is sent on the left, what is played on the right.
        `rate` is the codec's if None.
        """
        self._recording.open(path, stereo=stereo, rate=rate)
        if self._leg is not None and self.started:
            self._start_recordings(self._leg)

    def stop_record(self, path: str | None = None) -> None:
        """The one that was asked for; the tap where that is all there is, or goes to `path`.

        Raises MediaError where none runs.
        """
        running = [each for each in (self._recording, self._tap) if each.writes(path)]
        if not running:
            raise MediaError("nothing is being recorded" + (f" to {path}" if path else ""))
        running[0].stop(self._leg if not self.closed else None)

    def tap(self, path: str, *, rate: int | None = None) -> None:
        """Write what this stream plays from its start to its end, whatever else is recorded."""
        self._tap.open(path, rate=rate)

    def statistics(self, duration: float | None) -> dict[str, Any]:
        """In the shape of the control protocol; the last figures once closed."""
        codec = self._plan.codec if self._plan is not None else None
        srtp = self._security.profile
        return statistics(self.raw_statistics(), codec=codec, srtp=srtp, duration=duration)

    def raw_statistics(self) -> dict[str, Any] | None:
        """The leg's own figures, with levels; None when there was no stream."""
        if self._final is not None or self._leg is None:
            return self._final
        figures = self._leg.statistics()
        figures["forged"] += self._security.refused
        return figures

    def close(self) -> None:
        """Stop, free the ports, finish the recording. Idempotent."""
        if self.closed:
            return
        self.closed = True
        refused = self._security.refused
        self._security.close()
        self._tap.drop()
        self._recording.drop()
        if not self._lent:
            self._close_sockets()
        if self._leg is not None:
            self._leg.close()
            self._final = self._leg.statistics()
            self._final["forged"] += refused
            if not self._files:
                self._core.forget(self._leg.id)
        self.on_event = _ignore  # nothing leads back from here to whoever holds it

    def _bind(self) -> tuple[socket.socket, socket.socket]:
        self._place = self._core.place_for(self.host)
        return self._core.bind(self._place)

    def _begin_again(self) -> None:
        """Nothing was said or sent by the ports there are; others serve better."""
        self._close_sockets()
        leg, self._leg, self.port, self._place = self._leg, None, None, ""
        if leg is not None:
            leg.close()
            self._core.forget(leg.id)
            self.open()

    def _change_family(self) -> None:
        """IPv4 is another network than IPv6: other ports, and the rest of the stream stays."""
        place = self._core.place_for(self.host)
        try:
            sockets = self._core.bind(place)
        except MediaError as problem:  # the call goes on, as silent as it is by now
            self.on_event("error", str(problem))
            return
        self.port, self._place = self._core.move_leg(self._open_leg(), sockets), place
        self._anew = True

    def _close_sockets(self) -> None:
        for sock in self._sockets or ():
            sock.close()
        self._sockets = None

    def _start_recordings(self, leg: Leg) -> None:
        for each in (self._tap, self._recording):
            self._files += each.start(leg)

    def _apply_mute(self) -> None:
        if self._leg is not None and self.started and not self.closed:
            self._leg.set_mute(self.muted or self.held, held=self.held)

    def _open_leg(self) -> Leg:
        if self._leg is None or self.closed:
            raise MediaError("the stream is closed" if self.closed else "there is no stream yet")
        return self._leg


def _ignore(kind: str, *values: object) -> None:
    """What a leg tells after its end."""


def _sending(plan: Plan) -> tuple[object, ...]:
    return (
        *(plan.send_payload_type, plan.codec, plan.parameters, plan.remote, plan.ptime_ms),
        *(plan.dtmf_payload_type, plan.dtmf_clock, plan.noise_payload_type),
    )


def _reporting(plan: Plan) -> tuple[object, ...]:
    return plan.rtcp, plan.rtcp_mux, plan.voip_metrics
