"""The engine's side of the bridge: commands become calls of its methods, events become messages.

Everything here happens on the engine's thread.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from platypus import (
    CallEnded,
    CallRules,
    CallState,
    CallStateChanged,
    DeviceChanged,
    ErrorOccurred,
    Event,
    IdentityChanged,
    IncomingCall,
    MediaChanged,
    MessageReceived,
    MessageWaiting,
    Notified,
    PlatypusError,
    Registered,
    RegistrationFailed,
    TransferProgressed,
    Transferred,
    TransferRequested,
    Unregistered,
)
from ui_tk.measuring import Measuring
from ui_tk.messages import (
    AccountChanged,
    AccountSettings,
    Answer,
    AnswerTransfer,
    CallChanged,
    CallCommand,
    CallOver,
    Conference,
    DeviceSettled,
    Dial,
    Divert,
    HangUp,
    Hold,
    Join,
    LampChanged,
    MailboxChanged,
    Message,
    Mute,
    PhoneCommand,
    PickUp,
    Record,
    Register,
    Rules,
    RulesChanged,
    SendDigit,
    SetRules,
    SetVolume,
    SipMessage,
    Split,
    TextReceived,
    Trace,
    Transfer,
    TransferAsked,
    TransferTold,
    Trouble,
    Watch,
)

if TYPE_CHECKING:
    from platypus import Account, Call, Engine


class Phone:
    """One engine as the window sees it. `post` takes the messages."""

    def __init__(self, engine: Engine, post: Callable[[Message], None]) -> None:
        self._engine, self._post = engine, post
        self._calls: dict[str, Call] = {}
        self._media: dict[str, tuple[str | None, str | None]] = {}  # srtp profile, state
        self._recording: set[str] = set()
        self._watched: set[str] = set()
        self._measuring = Measuring(self._calls, post)
        self._unsubscribe = engine.subscribe(self._on_event)

    def close(self) -> None:
        self._measuring.stop()
        self._unsubscribe()

    def add_account(self, settings: AccountSettings) -> None:
        try:
            account = self._engine.account(
                settings.address,
                password=settings.password,
                auth_user=settings.auth_user,
                registrar=settings.registrar,
                outbound_proxy=settings.outbound_proxy,
                display_name=settings.display_name,
                expires=settings.expires,
                register=settings.register,
                mwi=settings.mwi,
            )
        except PlatypusError as error:
            self._post(AccountChanged(settings.address, "failed", str(error)))
            return
        self._post(AccountChanged(account.aor, account.state))

    def obey(self, command: PhoneCommand) -> None:
        try:
            self._carry_out(command)
        except (PlatypusError, ValueError, OSError) as error:
            self._post(Trouble(f"{str(error).rstrip('.')}."))

    def tell_all(self) -> None:
        """Everything as it is now: somebody else has spoken to the engine."""
        for call in list(self._calls.values()):
            self._tell(call)
        self.tell_rules()

    def tell_rules(self) -> None:
        rules = self._engine.rules
        self._post(
            RulesChanged(
                Rules(
                    rules.dnd,
                    rules.forward_always,
                    rules.forward_busy,
                    rules.forward_no_answer,
                    rules.no_answer_after,
                )
            )
        )

    def _carry_out(self, command: PhoneCommand) -> None:
        match command:
            case Dial(to, account):
                self._tell(self._engine.call(to, account=self._account(account)))
            case PickUp(to, account):
                self._tell(self._engine.pick_up(to, account=self._account(account)))
            case SetRules(rules):
                self._set_rules(rules)
            case Watch(to, on):
                self._watch(to, on=on)
            case Register(address, on):
                account_now = self._account(address)
                if account_now is not None:
                    account_now.register() if on else account_now.unregister()
                    self._tell_account(account_now)
            case SetVolume(kind, value):
                self._set_volume(kind, value)
            case Trace(on):
                self._engine.trace(self._said if on else None)
            case Conference(calls):
                self._confer(calls)
            case _:
                self._for_call(command)

    def _for_call(self, command: CallCommand) -> None:
        call = self._calls.get(command.call)
        if call is None:
            return  # it ended while the command was on its way
        match command:
            case Answer():
                call.answer()
            case HangUp():
                call.hangup()
            case Divert(_, to):
                call.redirect(to)
            case Mute(_, on):
                call.mute(on)
            case Hold(_, on):
                call.hold() if on else call.resume()
            case SendDigit(_, digit):
                call.send_dtmf(digit)
            case Transfer(_, to):
                call.transfer(to)
                self._post(TransferTold(call.id, 100, False))
            case Join(_, other):
                if other in self._calls:
                    call.transfer(self._calls[other])
                    self._post(TransferTold(call.id, 100, False))
            case AnswerTransfer(_, accept):
                call.accept_transfer() if accept else call.refuse_transfer()
            case Record(_, file):
                self._record(call, file)
            case Split():
                call.split()
                self.tell_all()  # where one is left it is no conference any more
        if command.call in self._calls:
            self._tell(call)

    def _record(self, call: Call, file: str | None) -> None:
        if file is None:
            self._recording.discard(call.id)
            call.stop_record()
        else:
            call.record(file)
            self._recording.add(call.id)

    def _confer(self, calls: tuple[str, ...]) -> None:
        self._engine.conference(*(self._calls[key] for key in calls if key in self._calls))
        self.tell_all()

    def _set_rules(self, rules: Rules) -> None:
        self._engine.rules = CallRules(
            dnd=rules.dnd,
            forward_always=rules.forward_always,
            forward_busy=rules.forward_busy,
            forward_no_answer=rules.forward_no_answer,
            no_answer_after=rules.no_answer_after,
        )
        self.tell_rules()

    def _set_volume(self, kind: str, value: float) -> None:
        sound = self._engine.sound
        match kind:
            case "input":
                sound.gain = value
            case "output":
                sound.volume = value
            case "ring":
                sound.ring_volume = value

    def _said(self, direction: str, peer: str, message: bytes) -> None:
        from platypus.diagnose import redacted

        self._post(SipMessage(time.time(), direction == ">", peer, redacted(message)))

    def _watch(self, to: str, *, on: bool) -> None:
        if on == (to in self._watched):
            return
        if on:
            self._engine.watch(to, "dialog")
            self._watched.add(to)
        else:
            self._watched.discard(to)
            self._engine.unwatch(to, "dialog")

    def _account(self, address: str | None) -> Account | None:
        return next((one for one in self._engine.accounts if one.aor == address), None)

    def _on_event(self, event: Event) -> None:
        match event:
            case Registered(account) | Unregistered(account):
                self._tell_account(account)
            case RegistrationFailed(account, _, reason, retry_in):
                self._tell_account(account, reason, retry_in)
            case IncomingCall(call) | CallStateChanged(call) | IdentityChanged(call):
                self._tell(call)
            case MediaChanged(call, state, _, srtp):
                self._media[call.id] = (srtp, str(state))
                self._tell(call)
            case CallEnded(call):
                self._ended(event)
            case TransferProgressed(call, status, done, reason):
                self._post(TransferTold(call.id, status, done, reason))
            case TransferRequested(call, to):
                self._post(TransferAsked(call.id, to))
            case Transferred(_, new, _):
                self._tell(new)
            case MessageWaiting(owner, mailbox, waiting, new_ones, old):
                aor = owner.aor if owner is not None else mailbox
                self._post(MailboxChanged(aor, mailbox, waiting, new_ones, old))
            case Notified("dialog", from_, state):
                self._post(LampChanged(from_, state))
            case MessageReceived(from_, text, name):
                self._post(TextReceived(from_, text, name))
            case DeviceChanged(microphone, speaker, reason):
                self._post(DeviceSettled(microphone, speaker, reason))
            case ErrorOccurred(message):
                self._post(Trouble(message))

    def _ended(self, event: CallEnded) -> None:
        key = event.call.id
        self._calls.pop(key, None)
        self._media.pop(key, None)
        self._recording.discard(key)
        self._post(CallOver(key, event.code, event.reason, event.by, event.elsewhere))
        for call in self._calls.values():
            self._tell(call)  # it may have left a conference of one

    def _tell_account(
        self, account: Account, reason: str = "", retry_in: float | None = None
    ) -> None:
        self._post(AccountChanged(account.aor, account.state, reason, retry_in))

    def _tell(self, call: Call) -> None:
        """Send the window a picture of the call as it is now."""
        if call.state is CallState.ENDED:
            return
        self._calls[call.id] = call
        srtp, media = self._media.get(call.id, (None, None))
        self._post(
            CallChanged(
                call.id,
                call.direction,
                call.state.value,
                call.remote,
                call.display_name,
                call.hold_state,
                call.muted,
                call.codec,
                account=call.account.aor if call.account is not None else None,
                srtp=srtp,
                secure=call.secure,
                media=media,
                recording=call.id in self._recording,
                conference=call.conference is not None,
                diverted_from=call.diverted_from,
            )
        )
        if call.state is CallState.CONFIRMED:
            self._measuring.start(asyncio.get_running_loop())
