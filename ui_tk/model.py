"""What the window shows and what its keys mean, without a window.

The bridge's messages go in by `receive`, what the user does by the other methods;
those give back the commands that follow. No thread, no clock and no tkinter: the
time is an argument, so everything here is tested without a display. The calls
themselves are `Lines`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from ui_tk import words
from ui_tk.dialrules import DialRules, dialled
from ui_tk.finding import Hit, find
from ui_tk.ladder import Ladder
from ui_tk.lines import Line, Lines
from ui_tk.messages import (
    AccountChanged,
    AnswerTransfer,
    CallChanged,
    CallOver,
    Command,
    DeedAsked,
    DeviceSettled,
    Dial,
    HangUp,
    HotkeysTold,
    LampChanged,
    LevelsMeasured,
    MailboxChanged,
    Message,
    PageAsked,
    PickUp,
    QualityMeasured,
    Ready,
    Rules,
    RulesChanged,
    SetRules,
    SipMessage,
    Stopped,
    TextReceived,
    TransferAsked,
    TransferTold,
    TrayChanged,
    Trouble,
    Watch,
)
from ui_tk.quality import Tone
from ui_tk.texts import tr

if TYPE_CHECKING:
    from platypus.contacts import Book, Contact
    from platypus.history import CallRecord

MAX_RECENT = 1000  # as many as the history keeps
MAX_NUMBER = 256  # longer than any address a person would type
MAX_LAMPS = 200  # each is a subscription
KEYS = "123456789*0#"
PAGES = ("history", "contacts", "team")
LIVE_STATES = ("trying", "proceeding", "early")  # RFC 4235: somebody's phone rings there


@dataclass(frozen=True, slots=True)
class Picking:
    """The number that is typed next is not called: `call` goes there."""

    why: Literal["transfer", "divert"]
    call: str


class Model:
    """The state behind the window."""

    def __init__(
        self,
        *,
        book: Book | None = None,
        calls: Iterable[CallRecord] = (),
        keep: Callable[[CallRecord], object] | None = None,
    ) -> None:
        self.number = ""
        self.notice = ""
        self.notice_tone: Tone = "plain"
        self.hint = tr("Starting…")
        self.device = ""
        self.has_sound = True
        self.running = False
        self.demo = False  # without an account: registered to a PBX of its own
        self.listen: tuple[str, ...] = ()
        self.page = "history"
        self.accounts: dict[str, AccountChanged] = {}
        self.account: str | None = None
        self.lines = Lines()
        self.picking: Picking | None = None
        self.rules = Rules()
        self.dial_rules = DialRules()
        self.mailboxes: dict[str, MailboxChanged] = {}
        self.voicemail: dict[str, str] = {}  # by account: what to call instead of the mailbox
        self.lamps: dict[str, str] = {}  # by the part before the @
        self.ladder = Ladder()
        self.book = book
        self.recent: deque[CallRecord] = deque(calls, maxlen=MAX_RECENT)
        self.wall = 0.0  # what is to be added to the window's clock for the time of day
        self._keep = keep
        self.tray = False  # whether somebody draws an icon of ours
        self.hotkeys_problem = ""
        self._wanted_page: str | None = None
        self._wanted_deeds: list[str] = []

    def receive(self, message: Message, now: float) -> None:
        match message:
            case Ready(hint, listen):
                self.running, self.hint, self.listen = True, hint and tr(hint), listen
                self.demo = bool(hint)
            case AccountChanged(address):
                self.accounts[address] = message
                if self.account is None:
                    self.account = address
            case CallChanged():
                if self.lines.changed(message, now, self.name_of(message.remote)):
                    self.say("")
            case CallOver():
                self._call_over(message, now)
            case LevelsMeasured(call, sent, heard) if line := self.lines.all.get(call):
                line.sent, line.heard = sent, heard
            case QualityMeasured(call) if line := self.lines.all.get(call):
                line.quality.add(message)
            case TransferTold() | TransferAsked():
                self._transfer_told(message)
            case MailboxChanged(account):
                self.mailboxes[account] = message
            case LampChanged(address, state):
                self.lamps[_user(address)] = state
            case RulesChanged(rules):
                self.rules = rules
            case DeviceSettled(microphone, speaker, reason):
                self.device = words.device_line(microphone, speaker, reason)
                self.has_sound = microphone is not None and speaker is not None
            case TextReceived(sender, text, name):
                self.say(tr("{who} writes: {text}", who=words.party(sender, name), text=text))
            case SipMessage(at, sent, peer, text):
                self.ladder.add(at, sent, peer, text)
            case PageAsked(page):
                self._wanted_page = page
            case DeedAsked(deed):
                self._wanted_deeds.append(deed)
            case TrayChanged(present):
                self.tray = present
            case HotkeysTold(problem):
                self.hotkeys_problem = problem
            case Trouble(text):
                self.say(text, "bad")
            case Stopped(error):
                self._stopped(error)
            case _:
                pass  # what was measured of a call that is over

    def reset(self) -> None:
        """The engine starts anew: what it told holds no more."""
        self.running, self.hint = False, tr("Starting…")
        self.tray = self.demo = False
        self.accounts.clear()
        self.account = None
        self.mailboxes.clear()
        self.lamps.clear()
        self.lines.clear()
        self.picking = None
        self.say("")

    def say(self, text: str, tone: Tone = "plain") -> None:
        self.notice, self.notice_tone = text, tone

    def wanted_page(self) -> str | None:
        """The page that was asked for from outside, once."""
        page, self._wanted_page = self._wanted_page, None
        return page

    def wanted_deeds(self) -> list[str]:
        """What was asked for from outside, once."""
        deeds, self._wanted_deeds = self._wanted_deeds, []
        return deeds

    def name_of(self, uri: str) -> str:
        """Who that is, by the user's contacts; "" when they don't know."""
        contact = self.book.match(uri) if self.book is not None else None
        return contact.name if contact is not None else ""

    def _call_over(self, over: CallOver, now: float) -> None:
        line = self.lines.over(over)
        if line is None:
            return
        if self.picking is not None and self.picking.call == over.call:
            self.picking = None
        record = _record(line, over, now, now + self.wall)
        self.recent.appendleft(record)
        if self._keep is not None:
            self._keep(record)
        who, seconds = line.party, line.seconds(now)
        if line.transferred:
            self.say(tr("{who} is transferred.", who=who), "good")
        elif seconds is not None and over.code == 200:
            time = words.duration(seconds)
            self.say(tr("Call with {who} ended after {time}.", who=who, time=time))
        elif record.kind == "missed":
            self.say(tr("Missed call from {who}.", who=who), "busy")
        elif record.kind == "refused":
            self.say(tr("Refused the call from {who}.", who=who), "busy")
        else:
            why = words.why_ended(over.code, over.reason, elsewhere=over.elsewhere)
            mild = over.by == "local" or over.elsewhere
            self.say(f"{who}: {why}", "plain" if mild else "bad")

    def _transfer_told(self, message: TransferTold | TransferAsked) -> None:
        line = self.lines.all.get(message.call)
        if line is None:
            return
        if isinstance(message, TransferAsked):
            line.asked = message.to
        elif not message.done:
            line.transfer = tr("Transferring…")
        elif message.status < 300:
            line.transferred = True
            self.say(tr("{who} is transferred.", who=line.party), "good")
        else:
            line.transfer = ""
            why = words.why_ended(message.status, message.reason)
            self.say(tr("Not transferred: {why}", why=why), "bad")

    def _stopped(self, error: str | None) -> None:
        self.running = False
        self.lines.clear()
        self.picking = None
        self.lamps.clear()
        for address, account in self.accounts.items():
            self.accounts[address] = AccountChanged(address, "unregistered", account.reason)
        if error is not None:
            self.say(tr("The phone stopped: {why}", why=error), "bad")

    @property
    def account_now(self) -> AccountChanged | None:
        return self.accounts.get(self.account) if self.account is not None else None

    @property
    def account_tone(self) -> Tone:
        account = self.account_now
        return "plain" if account is None else account_tone(account.state)

    @property
    def host(self) -> str:
        """Of the account in use: what needs not be shown of an address there."""
        account = self.account_now
        return words.short(account.address).partition("@")[2] if account is not None else ""

    @property
    def active(self) -> Line | None:
        return self.lines.active

    @property
    def ringing(self) -> Line | None:
        return self.lines.ringing

    @property
    def below(self) -> tuple[str, Tone]:
        """The line under the number: what went wrong, why there is no registration, or a hint."""
        if self.picking is not None:
            return self._picking_hint(self.picking), "busy"
        if self.notice:
            return self.notice, self.notice_tone
        if self.lines.sends_tones and not self.number:
            return tr("Keys send tones. Click above to call somebody else."), "plain"
        account = self.account_now
        if account is not None and account.state == "failed" and account.reason:
            again = ""
            if account.retry_in:
                again = " " + tr("Trying again in {seconds} s.", seconds=f"{account.retry_in:.0f}")
            return f"{words.sentence(account.reason)}{again}", "bad"
        return self.hint, "plain"

    def _picking_hint(self, picking: Picking) -> str:
        line = self.lines.all.get(picking.call)
        who = line.party if line is not None else ""
        if picking.why == "divert":
            return tr("Divert {who}: to which number?", who=who)
        if any(each.answered for each in self.lines.shown if each.key != picking.call):
            return tr("Transfer {who}: to which number, or pick the other call.", who=who)
        return tr("Transfer {who}: to which number?", who=who)

    @property
    def title(self) -> str:
        """Of the window: also what a screen reader and the task bar have to go by."""
        if self.ringing is not None:
            return tr("{who} calls", who=self.ringing.party) + " - Platypus"
        if self.active is not None:
            text = tr("In call with {who}") if self.active.answered else tr("Calling {who}")
            return text.format(who=self.active.party) + " - Platypus"
        account = self.account_now
        if account is None:
            return "Platypus"
        return f"Platypus - {words.account_line(account.address, account.state)}"

    @property
    def unseen(self) -> int:
        """Missed calls that nobody has looked at."""
        return sum(1 for call in self.recent if not call.seen)

    def mark_seen(self) -> bool:
        """The user looks at the history: whether that changed anything."""
        if not self.unseen:
            return False
        calls = [call if call.seen else replace(call, seen=True) for call in self.recent]
        self.recent = deque(calls, maxlen=MAX_RECENT)
        return True

    def type(self, key: str, *, into_number: bool = False) -> list[Command]:
        """A key of the dialpad or keyboard: a digit of the number, or a tone in a call."""
        if not into_number and self.lines.sends_tones and self.picking is None:
            return self.lines.tone(key) if key in KEYS else []
        self.set_number(self.number + key)
        return []

    def set_number(self, text: str) -> None:
        self.number = text[:MAX_NUMBER]
        if text and not self.lines.all:
            self.say("")

    def paste(self, text: str) -> None:
        self.set_number(words.tidy_number(text))

    def hits(self) -> list[Hit]:
        """Who could be meant by what is typed."""
        return find(self.number, self.book, self.recent) if self.number.strip() else []

    def enter(self) -> list[Command]:
        """The green button, or Return: what the number is for, else answers what rings."""
        if self.picking is not None:
            return self._picked(dialled(self.number, self.dial_rules))
        if self.ringing is not None:
            return self.lines.answer()
        return self.dial(self.number)

    def dial(self, text: str) -> list[Command]:
        """Call `text`, or where a number is asked for, take that one."""
        number = dialled(text, self.dial_rules)
        if self.picking is not None:
            return self._picked(number)
        if not number:
            if self.recent and self.active is None:
                self.number = words.number_of(self.recent[0].uri, self.host)  # redial
            return []
        if not self.running:
            self.say(tr("The phone is not running."), "bad")
            return []
        account = self.account_now
        hold = self.lines.hold_the_others(None)
        self.number = ""
        return [*hold, Dial(number, account.address if account else None)]

    def redial(self) -> list[Command]:
        """Call again whom we called last."""
        for call in self.recent:
            if call.kind in ("outgoing", "failed"):
                return self.dial(words.short(call.uri))
        self.say(tr("Nobody was called yet."))
        return []

    def begin_picking(self, why: Literal["transfer", "divert"], call: str | None = None) -> None:
        """The next number, contact or call is where this call goes."""
        line = self.ringing if why == "divert" else self.active
        if call is not None:
            line = self.lines.all.get(call)
        if line is not None and (line.rings_here if why == "divert" else line.answered):
            self.picking = Picking(why, line.key)
            self.number = ""

    def _picked(self, number: str) -> list[Command]:
        picking = self.picking
        if picking is None or not number:
            return []
        self.picking, self.number = None, ""
        if picking.why == "divert":
            return self.lines.divert(picking.call, number)
        return self.lines.transfer(picking.call, number)

    def pick_call(self, call: str) -> list[Command]:
        """A card was chosen: the other end of a transfer, else the one to speak with."""
        picking = self.picking
        if picking is None or picking.why != "transfer" or picking.call == call:
            return self.lines.select(call)
        commands = self.lines.join(picking.call, call)
        if commands:
            self.picking = None
        return commands

    def answer(self) -> list[Command]:
        if self.picking is not None and self.picking.why == "divert":
            self.picking = None
        return self.lines.answer()

    def answer_transfer(self, call: str, *, accept: bool) -> list[Command]:
        line = self.lines.all.get(call)
        if line is None or not line.asked:
            return []
        line.asked = ""
        return [AnswerTransfer(call, accept)]

    def escape(self) -> list[Command]:
        """Gives up picking, else refuses what rings, ends the call in front, clears the number."""
        if self.picking is not None:
            self.picking, self.number = None, ""
            return []
        if self.ringing is not None:
            return self.lines.refuse()
        if self.active is not None and not self.number:
            return [HangUp(self.active.key)]
        self.set_number("")
        self.say("")
        return []

    def toggle_dnd(self) -> list[Command]:
        return [SetRules(replace(self.rules, dnd=not self.rules.dnd))]

    @property
    def messages_waiting(self) -> int:
        """New voice messages; at least 1 where there are some and nobody counts."""
        return sum(max(1, each.new) for each in self.mailboxes.values() if each.waiting)

    def call_voicemail(self) -> list[Command]:
        """Call the mailbox of the account in use, or the one where something waits."""
        waiting = [each for each in self.mailboxes.values() if each.waiting]
        account = waiting[0].account if waiting else self.account or ""
        number = self.voicemail.get(account)
        known = self.mailboxes.get(account)
        if number is None and known is not None:
            number = known.mailbox
        if not number:
            self.say(tr("No mailbox is known. Settings, Accounts: Voicemail number."))
            return []
        return self.dial(number)

    @property
    def watched(self) -> list[Contact]:
        """Contacts with a busy lamp."""
        return [each for each in self.book.contacts if each.watch] if self.book else []

    def watch_all(self) -> list[Command]:
        """Subscribe to everybody's lamp, once the engine runs."""
        lamps = (each for each in self.watched[:MAX_LAMPS] if each.numbers)
        return [Watch(each.numbers[0].value, True) for each in lamps]

    def lamp_of(self, contact: Contact) -> str:
        """RFC 4235's word for what a watched contact does; "" while nothing is known."""
        found = (self.lamps.get(_user(each.value)) for each in contact.numbers)
        return next((state for state in found if state), "")

    def press_lamp(self, contact: Contact) -> list[Command]:
        """Call a watched contact; or take the call that rings there."""
        if not contact.numbers:
            return []
        number = contact.numbers[0].value
        if self.lamp_of(contact) in LIVE_STATES and self.picking is None:
            hold = self.lines.hold_the_others(None)
            return [*hold, PickUp(number, self.account)]
        return self.dial(number)


def account_tone(state: str) -> Tone:
    tones: dict[str, Tone] = {"registered": "good", "registering": "busy", "failed": "bad"}
    return tones.get(state, "plain")


def _user(address: str) -> str:
    return words.short(address).partition("@")[0]


def _record(line: Line, over: CallOver, now: float, wall: float) -> CallRecord:
    from platypus.history import CallRecord, kind_of

    seconds = line.seconds(now)
    kind = kind_of(
        line.call.direction,
        answered=seconds is not None,
        by=over.by,
        elsewhere=over.elsewhere,
        code=over.code,
    )
    return CallRecord(
        kind,
        line.call.remote,
        name=line.name or line.call.display_name,
        account=line.call.account or "",
        began=wall - (now - line.began),
        duration_s=seconds,
        code=over.code,
        reason=over.reason,
        seen=kind != "missed",
    )
