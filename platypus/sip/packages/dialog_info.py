"""Dialog state: application/dialog-info+xml (RFC 4235), for busy lamps and call pickup.

`DialogInfo` is one document, `DialogTable` what a series of them adds up to: full
documents replace everything, partial ones name what changed, and a version that was
skipped means that something was missed (4.3). Session descriptions, route sets and
events of dialogs are not read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING, Literal, get_args

from platypus.errors import ProtocolError
from platypus.sip.grammar import parse_number
from platypus.sip.packages.safe_xml import child, children, parse_xml, text_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from xml.etree.ElementTree import Element

CONTENT_TYPE = "application/dialog-info+xml"
MAX_DIALOGS = 256  # of one watched address: a receptionist's, not a provider's
MAX_VERSION = 2**32 - 1
# Call-IDs and tags go into a Replaces: nothing in them may end the value or begin another.
_NAME = re.compile(r"[!-+\-.-:<-~]{1,256}")

DialogState = Literal["terminated", "trying", "proceeding", "early", "confirmed"]
# From the least busy to the busiest; the order of 3.7.1.
STATES: tuple[DialogState, ...] = get_args(DialogState)
Direction = Literal["initiator", "recipient", ""]
_DIRECTIONS: tuple[Direction, ...] = get_args(Direction)


@dataclass(frozen=True, slots=True, kw_only=True)
class DialogEntry:
    """One dialog of the watched user; tags and addresses are as that user's side has them."""

    id: str
    state: DialogState
    call_id: str = ""
    local_tag: str = ""
    remote_tag: str = ""
    direction: Direction = ""
    remote_identity: str = ""  # a URI
    remote_target: str = ""

    @property
    def can_be_picked_up(self) -> bool:
        """Whether it rings here, and is described well enough to be taken over (RFC 3891)."""
        ringing = self.state in ("early", "proceeding") and self.direction != "initiator"
        names = (self.call_id, self.local_tag, self.remote_tag)
        peer = self.remote_target or self.remote_identity
        return bool(ringing and peer and all(map(_NAME.fullmatch, names)))


@dataclass(frozen=True, slots=True)
class DialogInfo:
    """One document: the whole state of `entity`, or what changed since `version` - 1."""

    entity: str
    version: int
    is_full: bool
    dialogs: tuple[DialogEntry, ...] = ()

    def serialize(self) -> bytes:
        """The body of a NOTIFY."""
        attributes = {
            "xmlns": "urn:ietf:params:xml:ns:dialog-info",
            "version": str(self.version),
            "state": "full" if self.is_full else "partial",
            "entity": self.entity,
        }
        lines = ['<?xml version="1.0"?>', f"<dialog-info{_attributes(attributes)}>"]
        lines += map(_write, self.dialogs)
        return "\n".join([*lines, "</dialog-info>"]).encode("utf-8", "replace")


def parse_dialog_info(body: bytes) -> DialogInfo:
    """Read a document; raises ProtocolError for what is none."""
    root = parse_xml(body, "dialog-info")
    version = parse_number(root.get("version", ""), MAX_VERSION)
    state = root.get("state", "").lower()
    if version is None or state not in ("full", "partial"):
        raise ProtocolError("a dialog-info without a version or its kind")
    dialogs = tuple(map(_read, children(root, "dialog")))
    if len(dialogs) > MAX_DIALOGS:
        raise ProtocolError(f"a dialog-info with more than {MAX_DIALOGS} dialogs")
    return DialogInfo(root.get("entity", ""), version, state == "full", dialogs)


class Update(Enum):
    """What a document meant to a table."""

    TAKEN = auto()
    OLD = auto()  # passed over: a newer one came before
    MISSED = auto()  # something was lost on the way: the full state has to be fetched


@dataclass(slots=True)
class DialogTable:
    """The dialogs of one watched user, as one notifier tells of them (4.3).

    version       document   next
    -----------   --------   -----------------------------------------
    none yet      full       TAKEN
    none yet      partial    MISSED
    not greater   any        OLD
    greater       full       TAKEN, everything else is forgotten
    next          partial    TAKEN, changed dialogs replace their like
    beyond next   partial    MISSED, and the version stays
    """

    version: int | None = None
    dialogs: dict[str, DialogEntry] = field(default_factory=dict)

    def apply(self, info: DialogInfo) -> Update:
        """See the table above."""
        if self.version is not None and info.version <= self.version:
            return Update.OLD
        if info.is_full:
            self.dialogs = {}
        elif self.version is None or info.version != self.version + 1:
            return Update.MISSED
        self.version = info.version
        for dialog in info.dialogs:
            if dialog.state == "terminated":
                self.dialogs.pop(dialog.id, None)
            elif dialog.id in self.dialogs or len(self.dialogs) < MAX_DIALOGS:
                self.dialogs[dialog.id] = dialog
        return Update.TAKEN


def busiest(dialogs: Iterable[DialogEntry]) -> DialogState:
    """The state a lamp shows: `terminated` where there is no dialog."""
    return max((dialog.state for dialog in dialogs), key=STATES.index, default="terminated")


def _read(element: Element) -> DialogEntry:
    state = text_of(child(element, "state")).lower()
    direction = element.get("direction", "").lower()
    remote = child(element, "remote")
    target = child(remote, "target")
    return DialogEntry(
        id=element.get("id", ""),
        # A word of a later RFC is some dialog or other; "trying" is the least that can be said.
        state=next((known for known in STATES if known == state), "trying"),
        call_id=element.get("call-id", ""),
        local_tag=element.get("local-tag", ""),
        remote_tag=element.get("remote-tag", ""),
        direction=next((known for known in _DIRECTIONS if known == direction), ""),
        remote_identity=text_of(child(remote, "identity")),
        remote_target=target.get("uri", "") if target is not None else "",
    )


def _write(dialog: DialogEntry) -> str:
    attributes = {
        "id": dialog.id,
        "call-id": dialog.call_id,
        "local-tag": dialog.local_tag,
        "remote-tag": dialog.remote_tag,
        "direction": dialog.direction,
    }
    remote = ""
    if dialog.remote_identity:
        remote += f"<identity>{_escape(dialog.remote_identity)}</identity>"
    if dialog.remote_target:
        remote += f"<target{_attributes({'uri': dialog.remote_target})}/>"
    remote = f"<remote>{remote}</remote>" if remote else ""
    return f"<dialog{_attributes(attributes)}><state>{dialog.state}</state>{remote}</dialog>"


def _attributes(values: Mapping[str, str]) -> str:
    return "".join(f' {name}="{_escape(value)}"' for name, value in values.items() if value)


def _escape(text: str) -> str:
    """xml.sax has this too, and loads an HTTP client with it."""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return "".join(each if each.isprintable() else "?" for each in text.replace('"', "&quot;"))
