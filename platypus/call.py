"""A call, as people hold it: one INVITE session with its media.

    async with account.call("600") as call:
        await call.answered()
        async for frame in call.frames():
            ...

Methods return at once, and what comes of them is told by events; only `async`
ones wait. What the session says is handled in `receive`, the media in
`call_media`. Hold is a direction of the media, not a state.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self

from platypus.call_audio import CallAudio
from platypus.call_media import CallMedia
from platypus.call_signals import CallSignals
from platypus.dtmf_info import build_info
from platypus.errors import CallError, StateError
from platypus.events import CallEnded, CallState, DtmfMethod, HoldState
from platypus.forwarding import send_on
from platypus.sip.diversion import Diversion, diversions_in
from platypus.sip.grammar import shown
from platypus.sound import make_source, read_source

if TYPE_CHECKING:
    from platypus.account import Account
    from platypus.calling import Calling
    from platypus.conference import Conference
    from platypus.engine import Engine
    from platypus.media.endpoints import Sink, Source
    from platypus.negotiation import Negotiator
    from platypus.sip.message import Request
    from platypus.sip.session import Session

DTMF_MS = 160  # long enough for every PBX (RFC 4733 leaves it open; Q.24 asks for 40)


class Call:
    """Made by `Engine.call`, or by the engine for a call that came in.

    Leaving it as a context manager hangs up: a ringing one is cancelled, or refused.
    """

    def __init__(
        self,
        engine: Engine,
        calling: Calling,
        call_id: str,
        *,
        account: Account | None,
        negotiator: Negotiator,
        direction: Literal["outgoing", "incoming"],
    ) -> None:
        self.id = call_id
        self.account = account
        self.direction = direction
        self.media = CallMedia(self, calling, negotiator, engine.publish)
        self.signals = CallSignals(self, engine, calling)  # the engine's side of this handle
        self._engine = engine
        self._calling = calling
        self._audio = CallAudio(self.media)

    def __repr__(self) -> str:
        return f"<Call {self.id} {self.direction} {self.state}>"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.hangup()

    @property
    def state(self) -> CallState:
        """Trying, ringing, early, confirmed or ended; hold is beside it."""
        return self.signals.state

    @property
    def ended_event(self) -> CallEnded | None:
        """How the call ended; None until then."""
        how = self.signals.how
        return CallEnded(self, *how) if how is not None else None

    @property
    def hold_state(self) -> HoldState:
        """Who holds whom: `none`, `local`, `remote` or `both`."""
        return self.media.hold_state

    @property
    def codec(self) -> str | None:
        """The name of the codec in use, None before there is media."""
        return self.media.codec

    @property
    def srtp(self) -> str | None:
        """The SRTP profile in use, such as `AEAD_AES_128_GCM`; None for plain RTP."""
        return self.media.srtp

    @property
    def secure(self) -> bool:
        """Whether a padlock may be shown: SRTP, whose keys nobody on the way to our server saw."""
        return self.media.secure

    @property
    def muted(self) -> bool:
        """Whether the far end hears silence because we want so."""
        return self.media.stream.muted

    @property
    def session(self) -> Session:
        """The signalling behind this call."""
        return self.signals.session

    @property
    def invite(self) -> Request | None:
        """The INVITE that came in; None for an outgoing call."""
        return self.signals.invite

    @property
    def local(self) -> str:
        """Our address in this call, a bare URI."""
        return self.session.local_uri

    @property
    def remote(self) -> str:
        """The far end's address, a bare URI."""
        return self.session.remote_uri

    @property
    def display_name(self) -> str:
        """The far end's name, by the word of its server or as it gave it; often empty."""
        session = self.session
        identity = session.identity
        asserted = identity.display_name if identity is not None else ""
        return shown(asserted or session.remote.display_name)

    @property
    def identity(self) -> str | None:
        """Who the far end is by the word of a server we trust (RFC 3325), a bare URI."""
        identity = self.session.identity
        return str(identity.uri.without_params()) if identity is not None else None

    @property
    def diversions(self) -> tuple[Diversion, ...]:
        """Who sent this call on before it came here, the last first (RFC 5806, RFC 7044)."""
        return diversions_in(self.invite) if self.invite is not None else ()

    @property
    def diverted_from(self) -> str | None:
        """Who sent this call on to us, a bare URI; None for a call that was for us, and for
        somebody who does not want to be shown (RFC 5806, 5)."""
        diversions = [each for each in self.diversions if not each.private]
        return str(diversions[0].uri.without_params()) if diversions else None

    @property
    def request_user(self) -> str | None:
        """The user part that was dialled here; None for an outgoing call."""
        return getattr(self.invite.uri, "user", None) if self.invite is not None else None

    @property
    def headers(self) -> Mapping[str, str | list[str]]:
        """Of the INVITE; a header that occurs more than once has a list."""
        found: dict[str, str | list[str]] = {}
        headers = self.session.headers
        for name, value in headers.items() if headers is not None else ():
            known = found.get(name)
            if known is None:
                found[name] = value
            else:
                found[name] = [*known, value] if isinstance(known, list) else [known, value]
        return found

    async def answered(self, timeout: float | None = None) -> None:  # noqa: ASYNC109
        """Wait for the answer. Raises CallError when the call ends first, or after `timeout` s."""
        try:
            async with asyncio.timeout(timeout):
                while self.state not in (CallState.CONFIRMED, CallState.ENDED):
                    await self.signals.changed.next()
        except TimeoutError:
            raise CallError(None, f"no answer within {timeout} s") from None
        ended = self.ended_event
        if ended is not None and self.signals.answered_at is None:
            raise CallError(ended.code, ended.reason)

    async def ended(self, timeout: float | None = None) -> CallEnded:  # noqa: ASYNC109
        """Wait for the end, and say how it came. Raises TimeoutError after `timeout` s."""
        async with asyncio.timeout(timeout):
            while (ended := self.ended_event) is None:
                await self.signals.changed.next()
        return ended

    def ring(self) -> None:
        """Tell the caller that it rings (180). The engine does so by itself."""
        self._incoming("ring")
        self.session.ring(self._engine.now())
        self._engine.pump()
        self.signals.enter(CallState.RINGING)

    def progress(self, status: int = 183) -> None:
        """Answer with early media: the caller hears us before the call is answered."""
        self._incoming("send early media")
        body = self.signals.answer_body()
        self.session.progress(status, body, self._engine.now())
        self._engine.pump()
        self.signals.enter(CallState.EARLY)

    def answer(self) -> None:
        """Take the call. Raises MediaError when there is no port for its media."""
        self._incoming("be answered")
        body = self.signals.answer_body()
        self._calling.take_up(self)
        self.session.answer(body, self._engine.now())
        self.signals.confirm()
        self._engine.pump()

    def reject(self, code: int = 486, reason: str = "") -> None:
        """Refuse an incoming call with a final status from 300 to 699."""
        self._incoming("be rejected")
        if not 300 <= code <= 699:
            raise StateError(f"a call is rejected with a status from 300 to 699, not {code}")
        self.media.close()
        self.session.reject(code, self._engine.now(), reason=reason)
        self._engine.pump()

    def redirect(self, to: str) -> None:
        """Send the caller elsewhere (302)."""
        self._incoming("be redirected")
        target = self._engine.complete(to, self.account or self._engine.default_account)
        self.media.close()
        if self.invite is not None:
            now = self._engine.now()
            send_on(self.session, self.invite, target, self.account, "deflection", now)
        self._engine.pump()

    def hangup(self) -> None:
        """End the call, whatever its state: CANCEL, a refusal or BYE. Nothing when it is over."""
        self.signals.hangup()

    def hold(self) -> None:
        """Put the far end on hold by a re-INVITE; it hears silence at once."""
        self._reinvite(hold=True)

    def resume(self) -> None:
        """Take the far end from hold, and make this the call that has the sound card."""
        self._reinvite(hold=False)
        self._calling.take_up(self)

    def renew_keys(self) -> None:
        """Encrypt by a new key from here on, by a re-INVITE. Nothing changes for plain RTP."""
        if self.state is not CallState.CONFIRMED:
            raise StateError(f"only an answered call can renew its keys, this is {self.state}")
        self.media.renew_keys()
        self.session.reinvite(self.media.offer, self._engine.now())
        self._engine.pump()

    def transfer(self, to: str | Call, *, subscribe: bool = True) -> None:
        """Connect the far end with `to`, an address or another call; `TransferProgressed` tells.

        Once it has worked this call (and the other) ends. Without `subscribe` it ends as soon
        as the far end agrees (RFC 4488).
        """
        transfers = self._calling.transfers
        if isinstance(to, Call):
            transfers.join(self, to, subscribe=subscribe)
        else:
            transfers.transfer(self, to, subscribe=subscribe)

    def accept_transfer(self) -> None:
        """Do what `TransferRequested` asks for. StateError if nothing is asked."""
        self._calling.transfers.accept(self)

    def refuse_transfer(self) -> None:
        """Refuse what `TransferRequested` asks for (603)."""
        self._calling.transfers.refuse(self)

    def mute(self, on: bool = True) -> None:
        """Send silence instead of the microphone; packets go on."""
        self._living("be muted")
        self.media.stream.mute(on)

    def send_dtmf(
        self, digits: Iterable[str], *, method: DtmfMethod = "rtp", duration_ms: int = DTMF_MS
    ) -> None:
        """Send 0-9 * # A-D one after another, as RFC 4733 events, by INFO, or as tones.

        Raises MediaError, StateError, ValueError.
        """
        self._living("take digits")
        digits = tuple(digits)
        if method == "info":
            for content_type, body in [build_info(digit, duration_ms) for digit in digits]:
                self.session.infos.send(content_type, body, self._engine.now())
            self._engine.pump()
        elif method in ("rtp", "inband"):
            self.media.stream.send_dtmf(digits, duration_ms, inband=method == "inband")
        else:
            raise ValueError(f'digits are sent by "rtp", "info" or "inband", not {method!r}')
        self._calling.sound.press(digits)

    def play(self, path: str, *, loop: bool = False) -> None:
        """Let the far end hear a WAV file; `Played` tells its end. Raises AudioFileError."""
        self._living("play a file")
        self.media.play(path, read_source(path, loop=loop))

    @property
    def conference(self) -> Conference | None:
        """The conference this call is in, None if it is in none."""
        return self._calling.conferences.of(self)

    def split(self) -> None:
        """Leave the conference and go on alone. Raises StateError where there is none."""
        if self.conference is None:
            raise StateError(f"call {self.id} is in no conference")
        self._calling.conferences.leave(self)

    def watch_voice(self, on: bool = True) -> None:
        """Tell by `VoiceActivity` when somebody begins or ends to speak, on either side."""
        self._living("be listened to")
        self.media.stream.watch_voice(on)

    def record(self, path: str, *, stereo: bool = False) -> None:
        """Write what this call plays to a WAV file, frame by frame. Raises AudioFileError.

        Stereo has both sides: what the far end hears on the left, what is heard here on the right.
        """
        self._living("be recorded")
        self.media.stream.record(path, stereo=stereo)

    def stop_record(self, path: str | None = None) -> None:
        """Finish the recording, or else the one of every call (`Engine(record=...)`).

        With `path` the one to that file. Nothing is written after this. Raises MediaError if none
        runs.
        """
        self._living("stop recording")
        self.media.stream.stop_record(path)

    def set_source(self, source: Source | str | None) -> None:
        """What the far end hears: a source, its name (`tone`, `wav:FILE`), or None for silence."""
        self._living("change its source")
        self.media.set_source(make_source(source) if isinstance(source, str) else source)

    def set_sink(self, sink: Sink | None) -> None:
        """Where the far end is heard; None is nowhere."""
        self._living("change its sink")
        self.media.set_sink(sink)

    def frames(self, *, rate: int = 8000) -> AsyncIterator[bytes]:
        """What is heard, in frames of 20 ms: int16, mono; ends with the call.

        A frame has `rate` / 50 samples: 160 at 8 kHz, all that G.711 has; 320 at 16 kHz suit
        G.722, 960 at 48 kHz Opus. What the codec in use has is resampled, as well when that
        changes in mid-call. Also 24 and 32 kHz; ValueError for others.

        It takes the place of the loudspeaker, and of frames at another rate. A reader that
        falls a second behind loses frames, which the statistics count.
        """
        self._living("be read")
        return self._audio.frames(rate)

    async def write(self, pcm: bytes | bytearray | memoryview, *, rate: int = 8000) -> None:
        """Say these samples: int16, mono, `rate` of them a second, as for `frames`.

        Waits while 200 ms are still to be sent. It takes the place of the microphone; what waits
        at another rate is given up. Raises StateError when the call has ended.
        """
        self._living("be written to")
        await self._audio.write(pcm, rate)

    def statistics(self) -> dict[str, Any]:
        """What was sent and received, in the shape of the control protocol's `stats`."""
        return self.media.stream.statistics(self.signals.duration)

    def levels(self) -> tuple[float | None, float | None]:
        """Peak of the last 100 ms sent and received, as a fraction of full scale."""
        figures = self.media.stream.raw_statistics()
        if figures is None:
            return None, None
        return figures["send"]["level_peak"], figures["receive"]["level_peak"]

    def _reinvite(self, *, hold: bool) -> None:
        if self.state is not CallState.CONFIRMED:
            raise StateError(f"only an answered call can be held or resumed, this is {self.state}")
        self.media.hold(hold)
        self.session.reinvite(self.media.offer, self._engine.now())
        self._engine.pump()

    def _incoming(self, verb: str) -> None:
        if self.direction != "incoming":
            raise StateError(f"an outgoing call can't {verb}; the far end does that")
        if self.state in (CallState.CONFIRMED, CallState.ENDED):
            raise StateError(f"the call can't {verb}: it is already {self.state}")

    def _living(self, verb: str) -> None:
        if self.state is CallState.ENDED:
            raise StateError(f"the call can't {verb}: it has ended")
