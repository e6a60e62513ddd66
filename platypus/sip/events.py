"""What the signalling machine tells its user: frozen values, named in the past tense.

They are pulled with `UserAgent.next_event()` in the order things happened. Named tuples, since
Python takes seven times as long to make a frozen dataclass, and a phone's start makes them all.
Bodies are opaque bytes: whether one is an offer or an answer is all this layer
knows of them (RFC 3264 is `platypus.negotiation`'s matter).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, get_args

from platypus.sip.kinds import tell_apart

if TYPE_CHECKING:
    from platypus.sip.flow import Flow
    from platypus.sip.headers import NameAddr
    from platypus.sip.message import Request, Response
    from platypus.sip.referred import Referred
    from platypus.sip.registration import Registration
    from platypus.sip.session import Session
    from platypus.sip.subscription import Subscription
    from platypus.sip.watcher import Watcher

RegistrationState = Literal["registering", "registered", "failed", "unregistered"]
SubscriptionStatus = Literal["subscribing", "pending", "active", "failed", "terminated"]
By = Literal["local", "remote"]
BodyIs = Literal["answer", "offer"]


class RegistrationChanged(NamedTuple):
    """The state of a registration changed, or a refresh of it succeeded.

    `reason` is a sentence when `state` is `failed`. `retry_in` is None where no retry will come
    by itself, and 0.0 while a REGISTER is still on its way.
    """

    registration: Registration
    state: RegistrationState
    expires: int | None = None  # seconds granted
    contact: str | None = None
    code: int | None = None  # None without a response
    reason: str = ""
    retry_in: float | None = None


class IncomingCall(NamedTuple):
    """An INVITE outside any dialog. 100 was sent; the user rings, answers, rejects or redirects."""

    session: Session
    request: Request
    replaces: Session | None = None  # the call whose place it wants to take (RFC 3891)


class Progressed(NamedTuple):
    """A provisional response above 100. `leg` (the To tag) tells forked branches apart.

    `body` is the early answer to our offer; None without one. With `body_is` "offer", where we
    made none, the user owes `Session.acknowledge` (RFC 3262, 5).
    """

    session: Session
    response: Response
    leg: str
    body: bytes | None
    body_is: BodyIs = "answer"


class Answered(NamedTuple):
    """A 2xx to our INVITE. With `body_is` "offer" the user owes `Session.acknowledge`."""

    session: Session
    response: Response
    body: bytes | None
    body_is: BodyIs | None


class Acknowledged(NamedTuple):
    """The ACK for our 2xx, to the first INVITE or a later one; `body` answers an offer in it.

    Also the PRACK that answers an offer in a provisional response of ours.
    """

    session: Session
    body: bytes | None


class Reinvited(NamedTuple):
    """The peer wants to change the call: `accept_reinvite` or `refuse_reinvite` is owed.

    By a re-INVITE; with `body` also by an UPDATE or a PRACK. Without, the peer asks for an offer.
    """

    session: Session
    request: Request
    body: bytes | None


class ReinviteAnswered(NamedTuple):
    """Our re-INVITE or UPDATE was accepted. With `body_is` "offer" `acknowledge` is owed."""

    session: Session
    body: bytes | None
    body_is: BodyIs | None = "answer"


class ReinviteRefused(NamedTuple):
    """Our re-INVITE or UPDATE was refused; the call goes on as it was (RFC 3261, 14.1).

    Without a code it was never sent: its offer could not be made.
    """

    session: Session
    code: int | None
    reason: str


class Updated(NamedTuple):
    """The peer's UPDATE without an offer was answered; it may name the connected line."""

    session: Session
    request: Request


class MoveDue(NamedTuple):
    """Our address is another one, or may be: offer anew by `Session.reinvite`."""

    session: Session


class RefreshDue(NamedTuple):
    """The session timer wants a re-INVITE that changes nothing; the peer takes no UPDATE."""

    session: Session


class SessionEnded(NamedTuple):
    """The last event of a session. `code` is the final status of its INVITE, 200 for a BYE.

    `code` is None when there was no response at all. `elsewhere`: another phone answered.
    """

    session: Session
    code: int | None
    reason: str
    by: By
    elsewhere: bool = False


class RequestReceived(NamedTuple):
    """A request of a method the user handles; `UserAgent.respond(key, ...)` is owed."""

    key: int
    request: Request
    flow: Flow
    session: Session | None


class ResponseReceived(NamedTuple):
    """The final response to `UserAgent.options` and the like; None when none came."""

    key: int
    response: Response | None
    reason: str = ""


class Redirected(NamedTuple):
    """A 3xx to our INVITE is being followed; `targets` are tried in this order."""

    session: Session
    targets: tuple[str, ...]


class Interrupted(NamedTuple):
    """The network failed under a call of ours that nobody has answered; it is made again."""

    session: Session
    reason: str


class Identified(NamedTuple):
    """The network says who the other side is; again whenever that changes (RFC 3325)."""

    session: Session
    identity: NameAddr


class InfoReceived(NamedTuple):
    """An INFO with a body of a type we take, already answered (RFC 2976)."""

    session: Session
    content_type: str
    body: bytes


class InfoRefused(NamedTuple):
    """An INFO of ours was refused, or never answered; those that waited are dropped."""

    session: Session
    code: int | None
    reason: str


class SubscriptionChanged(NamedTuple):
    """How a subscription of ours stands. `retry_in` is None where it is not tried again."""

    subscription: Subscription
    state: SubscriptionStatus
    code: int | None
    reason: str
    retry_in: float | None


class NotificationReceived(NamedTuple):
    """A NOTIFY, already answered. `leg` tells several notifiers of one subscription apart."""

    subscription: Subscription
    package: str
    request: Request
    leg: str


class WatcherArrived(NamedTuple):
    """Somebody wants to be told of our state: `accept` or `refuse` is owed, at once."""

    watcher: Watcher
    request: Request


class NotifyWanted(NamedTuple):
    """The whole state is owed to a watcher: `Watcher.notify`."""

    watcher: Watcher


class WatcherLeft(NamedTuple):
    """A watcher is gone."""

    watcher: Watcher


class ReferProgressed(NamedTuple):
    """How far the peer has come with a REFER of ours: the status of its new call.

    With `done` it is the last word: a refusal of the REFER, a final status, or 408 for silence.
    It may come after `SessionEnded`.
    """

    session: Session
    status: int
    reason: str
    done: bool


class ReferReceived(NamedTuple):
    """The peer asks us to call somebody else: `Referred.accept` or `refuse` is owed."""

    session: Session
    referred: Referred


Event = (
    RegistrationChanged
    | IncomingCall
    | Progressed
    | Answered
    | Acknowledged
    | Reinvited
    | ReinviteAnswered
    | ReinviteRefused
    | Updated
    | MoveDue
    | RefreshDue
    | SessionEnded
    | RequestReceived
    | ResponseReceived
    | Redirected
    | Interrupted
    | Identified
    | InfoReceived
    | InfoRefused
    | SubscriptionChanged
    | NotificationReceived
    | WatcherArrived
    | NotifyWanted
    | WatcherLeft
    | ReferProgressed
    | ReferReceived
)
tell_apart(*get_args(Event))
