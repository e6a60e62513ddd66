"""Who the other side is, by the word of the network (RFC 3325; Remote-Party-ID of old).

A P-Asserted-Identity is worth as much as whoever sends it: a stranger's is not looked
at. Trusted are the account's own server, and where we called, the hop that our INVITE
went to. A caller who asked for privacy is not shown although a name got through.
Signed identities (RFC 8224) are not verified.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from platypus.errors import ProtocolError
from platypus.sip.events import Identified
from platypus.sip.headers import NameAddr
from platypus.sip.message import Response
from platypus.sip.uri import Uri

if TYPE_CHECKING:
    from platypus.sip.flow import Flow
    from platypus.sip.message import Message
    from platypus.sip.session import Session
    from platypus.sip.settings import AccountSettings
    from platypus.sip.stack import Stack

MAX_VALUES = 4  # RFC 3325, 9.1: at most one sip and one tel; a few more do no harm
MAX_NAME = 200  # what a display can have any use for
_PRIVATE = frozenset(("id", "user", "header"))  # RFC 3323, 4.2, and RFC 3325, 9.3


def identity_in(message: Message) -> NameAddr | None:
    """Whom a message names, of those that may be shown; trust is the reader's matter."""
    wishes = (message.headers.get("Privacy") or "").lower().replace(" ", "").split(";")
    if not _PRIVATE.isdisjoint(wishes):
        return None
    found = _values(message, "P-Asserted-Identity")
    if not found:
        found = [each for each in _values(message, "Remote-Party-ID") if _is_shown(each, message)]
    if not found:
        return None
    best = next((each for each in found if each.display_name), found[0])
    return NameAddr(best.uri.without_headers(), best.display_name[:MAX_NAME])


def is_trusted(session: Session, flow: Flow) -> bool:
    """Whether what comes by `flow` comes from whom this call trusts with names."""
    known = session.flow if session.role == "uac" else None
    if known is not None and (known.transport, known.remote) == (flow.transport, flow.remote):
        return True
    return session.account is not None and comes_from(session.stack, session.account, flow)


def comes_from(stack: Stack, account: AccountSettings, flow: Flow) -> bool:
    """Whether the server of `account` is at the other end of `flow`."""
    for registration in stack.registrations:
        way = registration.flow
        if registration.account == account and way is not None and _same_peer(way, flow):
            return True
    return _is_server(account, flow)


def note_identity(session: Session, message: Message, flow: Flow, *, tell: bool = True) -> None:
    """Take the name in a message of the peer's; `Identified` tells of one that is new."""
    if not is_trusted(session, flow) and not (tell and _is_only_word(session, flow)):
        return
    identity = identity_in(message)
    if identity is None or identity == session.identity:
        return
    session.identity = identity
    if tell:
        session.stack.emit(Identified(session, identity))


def _is_only_word(session: Session, flow: Flow) -> bool:
    """A phone without any server has only the caller's own word, for the From as well: who called
    may name itself again later."""
    known = session.flow
    if session.account is not None or session.stack.registrations or known is None:
        return False
    return known.remote == flow.remote


def _same_peer(known: Flow, flow: Flow) -> bool:
    """Over UDP a server speaks from where it listens; a connection of its own may come from any
    port."""
    if flow.transport == "udp":
        return known.remote == flow.remote
    return known.remote[0] == flow.remote[0]


def _is_server(account: AccountSettings, flow: Flow) -> bool:
    """Without a registration: an account whose server is given by its address."""
    try:
        server = Uri.parse(account.server)
    except ProtocolError:
        return False
    if server.host != flow.remote[0]:
        return False
    return flow.transport != "udp" or (server.port or 5060) == flow.remote[1]


def _values(message: Message, name: str) -> list[NameAddr]:
    found = []
    for text in message.headers.get_all(name)[:MAX_VALUES]:
        try:
            found.append(NameAddr.parse(text))
        except ProtocolError:
            continue  # a name nobody can read is none; the call does not suffer for it
    return found


def _is_shown(party: NameAddr, message: Message) -> bool:
    privacy = (party.params.get("privacy") or "off").lower()
    if privacy != "off":
        return False
    # In a response the calling party is ourselves.
    return not (isinstance(message, Response) and (party.params.get("party") or "") == "calling")
