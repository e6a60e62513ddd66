"""What an Engine tells its embedder: frozen values, named in the past tense.

They are the Python face of the events of the control protocol, one to one.
They come by `Engine.events()` or `Engine.subscribe()`, in the order things
happened, on the asyncio loop that entered the engine. The events of the
signalling machine are others and never get here (`sip.events`).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args

from platypus.sip.kinds import tell_apart

if TYPE_CHECKING:
    from platypus.account import Account
    from platypus.call import Call

By = Literal["local", "remote"]
Direction = Literal["sendrecv", "sendonly", "recvonly", "inactive"]
DtmfMethod = Literal["rtp", "info", "inband"]
HoldState = Literal["none", "local", "remote", "both"]
Statistics = Mapping[str, Any]  # the shape of `stats` in the control protocol


class CallState(StrEnum):
    """Where a call stands; hold is a media direction beside it, not a state.

    state       outgoing                          incoming
    ---------   -------------------------------   --------------------------
    TRYING      INVITE on its way                 INVITE here, not yet rung
    RINGING     180 without a description came    we sent 180
    EARLY       media before the answer           we sent 183
    CONFIRMED   answered                          answered
    ENDED       over, whatever the reason         over
    """

    TRYING = "trying"
    RINGING = "ringing"
    EARLY = "early"
    CONFIRMED = "confirmed"
    ENDED = "ended"


class MediaState(StrEnum):
    """What the stream of a call just did."""

    STARTED = "started"  # and again whenever codec, direction, address or SRTP changed
    STALLED = "stalled"  # nothing came for 5 s although something should
    RESUMED = "resumed"
    ENDED = "ended"


class Registered(NamedTuple):
    """The registrar bound `contact` for `expires` seconds; comes again with every refresh."""

    account: Account
    expires: int
    contact: str


class RegistrationFailed(NamedTuple):
    """Not registered, and why, as a sentence; `retry_in` is None where retrying is pointless."""

    account: Account
    code: int | None  # None without a response
    reason: str
    retry_in: float | None


class Unregistered(NamedTuple):
    """The binding is gone: we removed it, or it expired."""

    account: Account


class IncomingCall(NamedTuple):
    """Somebody calls. It rings (180 was sent) until answered, rejected or given up."""

    call: Call


class CallStateChanged(NamedTuple):
    """A call's state or its hold changed. The end is told by `CallEnded` instead."""

    call: Call
    state: CallState
    hold: HoldState


class CallEnded(NamedTuple):
    """The last event of a call. `code` is the final status of its INVITE: 200 for a BYE."""

    call: Call
    code: int | None  # None when there was no response at all
    reason: str
    by: By
    elsewhere: bool  # an incoming call that another phone answered
    statistics: Statistics


class MediaChanged(NamedTuple):
    """The stream of a call started (again), stalled, resumed or ended."""

    call: Call
    state: MediaState
    codec: str | None
    srtp: str | None  # the profile, None for plain RTP
    local: str  # "IP:port"
    remote: str | None
    direction: Direction


class DtmfReceived(NamedTuple):
    """The far end pressed a key."""

    call: Call
    digit: str  # one of 0-9 * # A-D
    method: DtmfMethod
    duration_ms: int


class IdentityChanged(NamedTuple):
    """The network says who the other side is, in the answer or later (connected line)."""

    call: Call
    display_name: str  # may be empty
    uri: str


class TransferProgressed(NamedTuple):
    """How far a transfer of ours has come. `done`: after 2xx `call` ends, else it stays."""

    call: Call
    status: int  # of the far end's new call, or the refusal's; 408 where nothing is told
    done: bool
    reason: str = ""


class TransferRequested(NamedTuple):
    """The far end asks us to call `to` instead: `accept_transfer` or `refuse_transfer`."""

    call: Call
    to: str


class Transferred(NamedTuple):
    """`new` is to take the place of `call`: we were transferred to `to`, or `to` to us."""

    call: Call
    new: Call
    to: str


class VoiceActivity(NamedTuple):
    """Somebody begins or ends to speak: here (`sent`) or at the far end (`received`).

    Told only for calls that were asked to (`Call.watch_voice`).
    """

    call: Call
    side: Literal["sent", "received"]
    active: bool


class Played(NamedTuple):
    """A file given to `Call.play` was heard to its end."""

    call: Call
    file: str


class MessageWaiting(NamedTuple):
    """What waits in a mailbox (RFC 3842); the counts are of voice messages."""

    account: Account | None
    mailbox: str  # its address: the account's own, or the one that is watched
    waiting: bool
    new: int
    old: int


class Notified(NamedTuple):
    """Somebody who is watched does something, or is reachable or not.

    `state` is RFC 4235's word for the busiest dialog, `terminated` without one; or
    `open` or `closed` for presence, with the note given there.
    """

    package: str
    from_: str  # the address that is watched, a bare URI
    state: str
    note: str | None = None


class MessageReceived(NamedTuple):
    """Somebody sent a message (RFC 3428)."""

    from_: str  # a bare URI
    text: str
    display_name: str = ""


class DeviceChanged(NamedTuple):
    """The sound devices in use are now these (None: silence), and why.

    Without a call it tells only of trouble, such as a bell that nobody hears, and names those that
    a call would use.
    """

    input: str | None
    output: str | None
    reason: str


class ErrorOccurred(NamedTuple):
    """Something went wrong that no call of the embedder's is waiting for."""

    message: str
    call: Call | None = None


class EventsDropped(NamedTuple):
    """A reader of `Engine.events()` fell so far behind that this many of its events are lost."""

    count: int  # type: ignore[assignment] # a tuple's own method, which nobody asks of it


Event = (
    Registered
    | RegistrationFailed
    | Unregistered
    | IncomingCall
    | CallStateChanged
    | CallEnded
    | MediaChanged
    | DtmfReceived
    | IdentityChanged
    | TransferProgressed
    | TransferRequested
    | Transferred
    | Played
    | VoiceActivity
    | MessageWaiting
    | Notified
    | MessageReceived
    | DeviceChanged
    | ErrorOccurred
    | EventsDropped
)
tell_apart(*get_args(Event))
