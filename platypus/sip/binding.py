"""Our Contact at a registrar: what it is asked to keep, what it keeps, what it shall drop.

RFC 3261, 10.2.1 and 10.2.4; RFC 5626, 4.2 with one flow, so that a new address takes the
place of the old one where the registrar knows instances. Where it does not, the old Contact is
removed by the REGISTER that brings the new one: from another network, or from behind a NAT,
it leads nowhere, and calls would be sent there until it expired.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from platypus.sip.build import contact_uri
from platypus.sip.grammar import parse_number
from platypus.sip.uri import Uri

if TYPE_CHECKING:
    from platypus.sip.flow import Flow
    from platypus.sip.message import Request, Response
    from platypus.sip.stack import Stack

OUTBOUND = "outbound"
FIRST_HOP_LACKS_OUTBOUND = 439  # RFC 5626, 11.6
MAX_SECONDS = 2**32 - 1


class Binding:
    """What one registration says of where we are.

    `uri` is the Contact asked for last. `flow_timer` is how often the registrar wants to hear
    from us, in seconds (RFC 5626, 4.4.1); None where it does not say.
    """

    def __init__(self, stack: Stack, uri: Uri, *, user: str, instance: str | None) -> None:
        self.uri = uri
        self.flow_timer: int | None = None
        self._stack = stack
        self._user = user
        self._instance = instance
        self._flows = bool(instance)  # whether the registrar may be asked to keep the flow
        self._held: Uri | None = None  # by its last word
        self._held_until = 0.0
        self._removing = False  # `_held` is to go with the REGISTER on its way
        self._corrected = False

    def write(self, request: Request, flow: Flow, expires: int, *, secure: bool) -> None:
        """The fields of a REGISTER over `flow`; `expires` 0 removes."""
        seen = self._stack.seen.advertised(flow)
        self.uri = Uri.parse(contact_uri(seen, self._user, secure=secure))
        contact = f"<{self.uri}>;expires={expires}"
        if self._instance:
            contact += f';+sip.instance="<{self._instance}>"'
        if self._flows:
            contact += ";reg-id=1"
            request.headers.add("Supported", f"path, {OUTBOUND}")
        request.headers.add("Contact", contact)

    def write_removal(self, request: Request, now: float) -> None:
        """What is at the registrar and is to be there no more."""
        if self._held is not None and self._held_until > now and self._held != self.uri:
            request.headers.add("Contact", f"<{self._held}>;expires=0")
            self._removing = True

    def granted(self, response: Response, asked: int) -> int:
        """What a 200 says about our Contact among all bindings of the address (10.2.4)."""
        asked = response.expires if response.expires is not None else asked
        self.flow_timer = parse_number((response.headers.get("Flow-Timer") or "").strip(), 86_400)
        for contact in response.contacts:
            instance = contact.params.get("+sip.instance") or ""
            ours = self._instance
            if contact.uri.equivalent(self.uri) or (ours and ours in instance):
                granted = parse_number(contact.params.get("expires") or "", MAX_SECONDS)
                return asked if granted is None else granted
        # Registrars behind a NAT helper list the address they saw instead of ours.
        listed = [
            parse_number(c.params.get("expires") or "", MAX_SECONDS) for c in response.contacts
        ]
        return min([asked, *(expires for expires in listed if expires)])

    def held(self, until: float, flow: Flow, response: Response) -> bool:
        """The registrar keeps `uri`; whether it sees us elsewhere and is to be asked again.

        Once a registration: a NAT with another port for each request is not run after.
        """
        self._held, self._held_until, self._removing = self.uri, until, False
        self._stack.seen.outbound(flow, on=OUTBOUND in response.require)
        corrected, self._corrected = self._corrected, False
        if self._stack.seen.learn(flow, response) and not corrected:
            self._corrected = True
            return True
        return False

    def refused(self) -> None:
        """A registrar that takes no removal beside a new Contact is not asked for one again."""
        if self._removing:
            self._held = None

    def gone(self) -> None:
        """Nothing of ours is at the registrar."""
        self._held = None
        self._corrected = False

    def without_flows(self) -> bool:
        """The first hop knows no outbound (439): ask without; False where that was so already."""
        was, self._flows = self._flows, False
        return was
