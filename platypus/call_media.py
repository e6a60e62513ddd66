"""The media of one call: its offers and answers, applied to its stream.

    bodies of SIP -> Negotiator -> StreamPlan -> MediaSession -> the loop
    MediaChanged, DtmfReceived, Played <- CallMedia <- events of the loop

With forked early media there is one stream: each answer of a branch is applied
when it comes, and when RTP turns up from where an earlier one said it would,
that one is applied again: the last answer whose RTP arrives is heard.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from platypus.call_family import MediaFamily
from platypus.call_faults import contained, refusal
from platypus.call_names import NamedHost
from platypus.call_public import counts
from platypus.errors import MediaError, SdpError
from platypus.events import (
    CallStateChanged,
    DtmfReceived,
    ErrorOccurred,
    Event,
    MediaChanged,
    MediaState,
    Played,
    VoiceActivity,
)
from platypus.media.keys import SrtpKeys
from platypus.negotiation import Negotiator, StreamPlan
from platypus.net.addresses import family_of, format_address
from platypus.sdp.addresses import is_name

if TYPE_CHECKING:
    from platypus.call import Call
    from platypus.calling import Calling
    from platypus.events import Direction, HoldState
    from platypus.media.endpoints import Sink, Source
    from platypus.sip.flow import Address

MAX_BRANCHES = 16  # of a forked call; a proxy that makes more does not make our table grow


class CallMedia:
    """Offer and answer, and the stream, of `call`."""

    def __init__(
        self,
        call: Call,
        calling: Calling,
        negotiator: Negotiator,
        publish: Callable[[Event], None],
    ) -> None:
        self.stream = calling.media.session(self._on_event)
        self._call = call
        self._calling = calling
        self._negotiator = negotiator
        self._publish = publish
        self.public: tuple[Address, Address] | None = None  # RTP and RTCP, by a STUN server
        self._public_from = ""  # our own address by then
        self._family = MediaFamily()
        self._led = False  # to another family of addresses, by an answer
        self._answers: dict[tuple[str, int], bytes] = {}  # of branches, by where their RTP is
        self._keys: SrtpKeys | None = None  # by the descriptions
        self._keys_are_secret = False
        self._hold: HoldState = "none"
        self._own_source = self._own_sink = False  # given by whoever holds the call
        self._playing: tuple[str, Source | None] | None = None
        self._told = self._told_secure = False  # that there are media, and with a padlock
        self._name: NamedHost | None = None  # of the far end, where it gave no address

    @property
    def hold_state(self) -> HoldState:
        return self._hold

    @property
    def codec(self) -> str | None:
        view = self.stream.view
        return view.codec if view is not None else None

    @property
    def srtp(self) -> str | None:
        """The profile that protects the media, None for plain RTP or before there is any."""
        view = self.stream.view
        return view.srtp if view is not None else None

    @property
    def secure(self) -> bool:
        """Whether nobody on the way to the next server can listen: its keys went there over TLS,
        and it has proved who it is."""
        if self.stream.verified:
            return True  # the other side itself has proved who it is
        secret = self.srtp is not None and self._keys_are_secret
        return secret and self._calling.verifies_servers

    @property
    def _hop_is_encrypted(self) -> bool:
        """Whether the offer that came last, ours or theirs, went over TLS."""
        flow = self._call.session.offered_over
        return flow is not None and flow.transport == "tls"

    def renew_keys(self) -> None:
        self._negotiator.renew_keys()

    @contained
    def offer(self, local_address: str) -> bytes:
        """Our offer, as the machine asks for it once it knows the way. The ports are open.

        Where that fails nothing was said.
        """
        negotiator, undo = self._negotiator, self._negotiator.remember()
        try:
            host, port, rtcp_port = self._where(local_address)
            body = negotiator.offer(
                host, port, rtcp_port=rtcp_port, encrypted_hop=self._hop_is_encrypted
            )
            self.stream.expect(negotiator.offered_payload_types, encrypted=negotiator.offers_keys)
        except Exception:
            undo()
            raise
        self._keys_are_secret = self._keys_are_secret and self._hop_is_encrypted
        return body

    def seen_at(self, public: tuple[Address, Address] | None) -> None:
        """By a STUN server's word, where we are now."""
        self.public, self._public_from = public, ""

    def _where(self, local_address: str) -> tuple[str, int, int | None]:
        """Where our media are to be sent: host, port, and RTCP's if that is no neighbour."""
        here = self._family.local(local_address)
        self.stream.advertise(here)
        port = self.stream.open()
        self._public_from = self._public_from or local_address
        moved = local_address != self._public_from  # to another network
        if self.public is None or moved or not counts(self.public[0][0], self._call.session):
            return here, port, None
        (host, rtp), (_, rtcp) = self.public
        if family_of(host) != family_of(here):
            return here, port, None
        return host, rtp, rtcp if rtcp != rtp + 1 else None

    def second_offer(self) -> bool:
        """Whether another offer can be made, after one that was not acceptable."""
        return self._negotiator.second_offer()

    @contained
    def receive_answer(self, body: bytes, *, early: bool = False) -> None:
        """Raises SdpError for an answer that doesn't fit."""
        plan = self._negotiator.receive_answer(body)
        if early and plan.remote is not None and len(self._answers) < MAX_BRANCHES:
            self._answers[plan.remote] = body
        elif not early:
            self._answers.clear()  # one branch has won: its answer stands
        self._apply(plan)

    def leads_elsewhere(self) -> bool:
        """Whether the answer wants media in a family of addresses that our offer was not of.

        Then another offer, from an address of that family, brings both ends together. It is
        made once: who answers that as well with what was not offered is not run after.
        """
        plan, local = self._negotiator.plan, self._call.session.local_address
        if self._led or plan is None or plan.remote is None or local is None:
            return False
        theirs = plan.remote[0]
        if is_name(theirs) or family_of(theirs) == family_of(self.stream.host):
            return False
        self._led = True
        try:
            self._family.follow(theirs, local)
        except SdpError as problem:  # they may be heard all the same
            self._publish(ErrorOccurred(f"the far end can't hear us: {problem}", self._call))
            return False
        return True

    @contained
    def receive_offer(self, body: bytes) -> None:
        """Raises SdpError where 488 is all that is left to say."""
        local = self._call.session.local_address
        if local is None:
            self._negotiator.receive_offer(body)
        else:
            self._negotiator.receive_offer(body, lambda theirs: self._family.follow(theirs, local))

    @contained
    def answer(self, local_address: str) -> bytes:
        """Our answer to the offer that came last, already applied to the stream.

        Where that fails all is as it was agreed before, if anything was.
        """
        before = self._negotiator.plan
        undo = self._negotiator.remember() if before is not None else None
        try:
            host, port, rtcp_port = self._where(local_address)
            body, plan = self._negotiator.answer(host, port, rtcp_port=rtcp_port)
            self._apply(plan)
        except Exception:
            if undo is not None and before is not None:
                undo()
                self._apply(before)
            raise
        return body

    def hold(self, on: bool) -> None:
        """Ask for hold in the next offer; the far end hears silence from now on."""
        if on:
            self._negotiator.hold()
        else:
            self._negotiator.resume()
        self.stream.hold(on)
        if not on:
            self._calling.sound.focus(self)

    def offer_refused(self) -> None:
        """All is as it was agreed before."""
        self._negotiator.offer_refused()
        self.stream.hold(self._negotiator.hold_state in ("local", "both"))

    def set_source(self, source: Source | None) -> None:
        """What the far end hears, from now on or after the file that is being played."""
        self._own_source = True
        self._set_source(source)

    def set_sink(self, sink: Sink | None) -> None:
        self._own_sink = True
        self.stream.set_sink(sink)

    def seat_source(self, source: Source | None) -> None:
        """The engine's sound, where the call was given none of its own."""
        if not self._own_source:
            self._set_source(source)

    def seat_sink(self, sink: Sink | None) -> None:
        if not self._own_sink:
            self.stream.set_sink(sink)

    def play(self, path: str, source: Source) -> None:
        """Let the far end hear `source` instead, until it is over."""
        before = self._playing[1] if self._playing is not None else self.stream.source
        self._playing = path, before
        self.stream.set_source(source)

    def close(self) -> None:
        """Stop the stream; MediaChanged tells of its end if it ever started."""
        if self.stream.closed:
            return
        if self._name is not None:
            self._name.close()
        self._calling.conferences.leave(self._call)
        self.stream.close()
        self._calling.sound.release(self)
        self._tell(MediaState.ENDED)

    def release(self) -> None:
        """Let go of the call, once it has ended."""
        del self._call

    @contained
    def _apply(self, plan: StreamPlan) -> None:
        if not self.stream.started:
            self._equip()
        if plan.remote is not None and is_name(plan.remote[0]):
            plan = self._named(plan)
        changed = self.stream.apply(plan)
        self._note_keys(plan)
        hold = self._negotiator.hold_state
        if hold != self._hold:
            self._hold = hold
            self.stream.hold(hold in ("local", "both"))
            self._publish(CallStateChanged(self._call, self._call.state, hold))
        changed = changed or self.secure != self._told_secure
        if changed and not self.stream.pending:  # a handshake's end tells it
            self._tell(MediaState.STARTED)

    def _note_keys(self, plan: StreamPlan) -> None:
        """A key that once went another way stays no secret, however often TLS repeats it."""
        old, new = self._keys, plan.security
        self._keys = new if isinstance(new, SrtpKeys) else None
        if old is not None and self._keys is not None:
            same = old.send == self._keys.send or old.receive == self._keys.receive
            self._keys_are_secret = self._hop_is_encrypted and (self._keys_are_secret or not same)
        else:
            self._keys_are_secret = self._hop_is_encrypted

    def _named(self, plan: StreamPlan) -> StreamPlan:
        """What can be done of a plan until its host is found, and after that."""
        if self._name is None:
            self._name = NamedHost(self._calling.addresses, self._found)
        return self._name.instead(plan, like=self.stream.host)

    def _found(self, problem: str) -> None:
        """The name of the far end's host was looked up."""
        plan = self._negotiator.plan
        if self.stream.closed or plan is None:
            return
        if problem:
            self._publish(ErrorOccurred(problem, self._call))
            return
        try:
            self._apply(plan)
        except MediaError as problem_of_ours:
            why = f"the call has no media: {problem_of_ours}"
            self._call.signals.give_up(why, refusal(problem_of_ours))

    def _set_source(self, source: Source | None) -> None:
        if self._playing is not None:
            self._playing = self._playing[0], source
        else:
            self.stream.set_source(source)

    def _equip(self) -> None:
        """Sound and recording as the engine was asked, where the call has none of its own."""
        self._calling.sound.attach(self)
        names = self._calling.recordings
        if names is None:
            return
        try:
            self.stream.tap(names.next(), rate=self._calling.sound.rate)
        except MediaError as problem:  # the call is worth more than its recording
            self._publish(ErrorOccurred(str(problem), self._call))

    def _tell(self, state: MediaState) -> None:
        view = self.stream.view
        self._told = self._told or state is MediaState.STARTED
        self._told_secure = self.secure
        if view is None or not self._told:  # a handshake that failed began nothing
            return
        local = format_address(view.local)
        remote = format_address(view.remote) if view.remote is not None else None
        direction = cast("Direction", view.direction)
        self._publish(
            MediaChanged(self._call, state, view.codec, view.srtp, local, remote, direction)
        )

    def _on_event(self, kind: str, *values: object) -> None:
        match kind, values:
            case "dtmf", (str(digit), int(duration_ms)):
                self._publish(DtmfReceived(self._call, digit, "rtp", duration_ms))
            case "key", (str(digit), int(duration_ms)):
                self._publish(DtmfReceived(self._call, digit, "inband", duration_ms))
            case "address", (str(host), int(port)):
                self._address_learnt((host, port))
            case "stalled", _:
                self._tell(MediaState.STALLED)
                self._call.signals.stalled()
            case "resumed", _:
                self._tell(MediaState.RESUMED)
            case "source-ended", _:
                self._source_ended()
            case "voice", ("sent" | "received" as side, bool(active)):
                self._publish(VoiceActivity(self._call, side, active))
            case "secured", _:
                self._tell(MediaState.STARTED)
            case "unsecured", (str(why),):
                self._call.signals.give_up(f"the call can't be encrypted: {why}")
            case "error", (str(message),):
                self._publish(ErrorOccurred(message, self._call))
            case _:
                pass  # the first packet and a new SSRC change nothing that can be seen

    def _address_learnt(self, address: tuple[str, int]) -> None:
        body = self._answers.get(address)
        if body is not None:  # another branch of a forked call is the one that speaks
            try:
                self._apply(self._negotiator.receive_answer(body))
            except (SdpError, MediaError) as problem:
                self._publish(ErrorOccurred(str(problem), self._call))
        elif self.stream.address_learnt(*address):
            self._tell(MediaState.STARTED)

    def _source_ended(self) -> None:
        if self._playing is None:
            return  # the WAV that stands for the microphone: silence follows
        (path, before), self._playing = self._playing, None
        self.stream.set_source(before)
        self._publish(Played(self._call, path))
