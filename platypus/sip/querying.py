"""One request outside any dialog and its final response: OPTIONS (RFC 3261, 11), and the like.

It makes no dialog and remembers nothing; a target's redirection is the user's matter.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from platypus.sip.build import own_address
from platypus.sip.events import ResponseReceived
from platypus.sip.preloaded import route_for
from platypus.sip.requesting import Attempts, out_of_dialog

if TYPE_CHECKING:
    from platypus.sip.flow import Flow
    from platypus.sip.headers import NameAddr
    from platypus.sip.message import Headers, Request, Response
    from platypus.sip.settings import AccountSettings
    from platypus.sip.stack import Stack
    from platypus.sip.uri import Uri


class Query:
    """A request whose final response is an event."""

    def __init__(
        self,
        stack: Stack,
        method: str,
        target: Uri,
        local: NameAddr,
        contact_user: str,
        account: AccountSettings | None,
        headers: Headers,
    ) -> None:
        self.key = stack.new_key()
        self._stack = stack
        self._method = method
        self._target = target
        self._local = local.with_tag(stack.token())
        self._contact_user = contact_user
        self._is_nobody = account is None
        self._route = route_for(stack, account, target)
        self._headers = headers
        self._body = b""
        self._content_type = ""
        self._call_id = stack.token() + stack.token()
        self._cseq = 0
        digest = stack.digest_for(account)
        first = self._route[0] if self._route else str(target)
        self._attempts = Attempts(stack, first, self, digest)

    def start(self, body: bytes, content_type: str, now: float) -> None:
        """Send it."""
        self._body = body
        self._content_type = content_type
        self._attempts.start(now)

    def build(self, flow: Flow, via: str, now: float) -> Request:
        """The request for this flow."""
        if self._is_nobody:
            self._local = own_address(flow, self._contact_user).with_tag(self._local.tag or "")
        request = out_of_dialog(
            self._method,
            self._target,
            via,
            from_=str(self._local),
            to=f"<{self._target}>",
            call_id=self._call_id,
            cseq=self.next_cseq(),
        )
        fields = request.headers
        for uri in self._route:
            fields.add("Route", f"<{uri}>")
        if self._method != "MESSAGE":  # RFC 3428, 4
            fields.add("Contact", self._stack.seen.contact(flow, self._contact_user))
        if self._method == "OPTIONS":
            fields.add("Accept", self._stack.accept)
        fields.add("User-Agent", self._stack.settings.user_agent)
        for name, value in self._headers.items():
            fields.add(name, value)
        if self._body:
            fields.set("Content-Type", self._content_type)
            request.body = self._body
        return request

    def next_cseq(self) -> int:
        """The number of another attempt."""
        self._cseq += 1
        return self._cseq

    def receive_response(self, response: Response, now: float) -> None:
        """The final response ends it."""
        if response.status >= 200:
            self._stack.emit(ResponseReceived(self.key, response))

    def request_failed(self, reason: str, now: float) -> None:
        """There is no response."""
        self._stack.emit(ResponseReceived(self.key, None, reason))
