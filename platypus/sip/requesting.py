"""Requests that are sent again with credentials when challenged (RFC 3261, 22).

`Attempts` is what every request of ours has in common, REGISTER and INVITE too:
the way out, the challenge and the second attempt on the same flow. `InDialog` is
one request inside a dialog on top of it: BYE, re-INVITE.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Protocol

from platypus.sip.message import Headers, Request
from platypus.sip.routing import Outgoing

if TYPE_CHECKING:
    from platypus.sip.dialog import Dialog
    from platypus.sip.digest import DigestClient
    from platypus.sip.flow import Flow
    from platypus.sip.message import Response
    from platypus.sip.stack import Stack
    from platypus.sip.uri import Uri

# Two realms on the way (a proxy's and the callee's), each with one stale nonce.
MAX_CHALLENGES = 4


class AttemptsUser(Protocol):
    """Whoever sends a request that may be challenged."""

    def build(self, flow: Flow, via: str, now: float) -> Request | None:
        """The request for its first attempt on this flow; None where it came to nothing."""

    def next_cseq(self) -> int:
        """The sequence number of another attempt."""

    def receive_response(self, response: Response, now: float) -> None:
        """A response that is not a challenge we can answer."""

    def request_failed(self, reason: str, now: float) -> None:
        """No answer at all. The last call."""


class Attempts:
    """One request, and its further attempts with credentials."""

    __slots__ = ("_challenges", "_digest", "_outgoing", "_retry", "_stack", "_stopped",
                 "_user", "request")  # fmt: skip

    def __init__(
        self, stack: Stack, uri: str, user: AttemptsUser, digest: DigestClient | None
    ) -> None:
        self._stack = stack
        self._user = user
        self._digest = digest
        self._outgoing = Outgoing(stack, uri, self)
        self._retry: Request | None = None
        self._challenges = 0
        self._stopped = False
        self.request: Request | None = None  # as sent last

    @property
    def flow(self) -> Flow | None:
        """Where it was sent last."""
        return self._outgoing.flow

    @property
    def problem(self) -> str:
        """Why a challenge was not answered."""
        if self._digest is None:
            return "a user name and password are wanted, and none are set"
        return self._digest.problem

    def start(self, now: float, *, flow: Flow | None = None) -> None:
        """Send; `flow` spares the search where it is known."""
        self._outgoing.start(now, flow=flow)

    def stop(self) -> None:
        """No further attempt; one that is on its way is left to its end."""
        self._stopped = True
        self._outgoing.stop()

    def abandon(self) -> None:
        """Forget the transaction as well: nobody waits for its answer any more."""
        self.stop()
        if self._outgoing.transaction is not None:
            self._outgoing.transaction.terminate()

    def compose(self, flow: Flow, via: str, now: float) -> Request | None:
        """The first attempt on this flow, or the prepared next one."""
        if self._retry is None:
            request = self._user.build(flow, via, now)
            if request is None:
                return None
            if self._digest is not None:
                self._digest.preauthorize(request)
        else:
            request = self._retry
            request.headers.set("Via", via)
        self.request = request
        return request

    def receive_response(self, response: Response, now: float) -> None:
        """Answer a challenge, or pass the response on."""
        if response.status in (401, 407) and self._prepare(response):
            self._outgoing.resend(now)
            return
        if self._digest is not None and response.status >= 200:
            self._digest.receive_info(response)
        self._user.receive_response(response, now)

    def request_failed(self, reason: str, now: float) -> None:
        """No hop answered."""
        self._user.request_failed(reason, now)

    def request_over(self) -> None:
        """Nothing leads back to the user from here, which may hold this for what it knows."""
        del self._user

    def _prepare(self, response: Response) -> bool:
        if self._digest is None or self.request is None or self._stopped:
            return False
        if self._challenges >= MAX_CHALLENGES:
            return False
        last = self.request
        retry = Request(last.method, last.uri, last.headers.copy(), last.body)
        if not self._digest.authorize(response, retry):
            return False
        self._challenges += 1
        retry.headers.set("CSeq", f"{self._user.next_cseq()} {retry.method}")
        self._retry = retry
        return True


class InDialogUser(Protocol):
    """Whoever sends a request inside a dialog."""

    def receive_response(self, response: Response, now: float) -> None:
        """A response that is not a challenge we can answer."""

    def request_failed(self, reason: str, now: float) -> None:
        """No answer at all. The last call."""


class InDialog:
    """One request inside a dialog (RFC 3261, 12.2.1)."""

    __slots__ = ("_body", "_contact", "_content_type", "_dialog", "_headers", "_method", "_user",
                 "attempts")  # fmt: skip

    def __init__(
        self,
        stack: Stack,
        dialog: Dialog,
        method: str,
        user: InDialogUser,
        *,
        digest: DigestClient | None = None,
        headers: Iterable[tuple[str, str]] = (),
        contact: Callable[[Flow], str] | None = None,
        body: bytes = b"",
        content_type: str = "",
    ) -> None:
        self._contact = contact  # of a request that refreshes the target (12.2)
        self._dialog = dialog
        self._method = method
        self._user = user
        self._headers = tuple(headers)
        self._body = body
        self._content_type = content_type
        self.attempts = Attempts(stack, dialog.next_hop, self, digest)

    def start(self, now: float) -> None:
        """Send it on the dialog's way."""
        self.attempts.start(now, flow=self._dialog.known_flow)

    def build(self, flow: Flow, via: str, now: float) -> Request:
        """The request with the next number of the dialog."""
        dialog = self._dialog
        dialog.located = (dialog.next_hop, flow)
        request = dialog.request(self._method, self.next_cseq(), via, self._headers)
        if self._contact is not None:
            request.headers.add("Contact", self._contact(flow))
        if self._body:
            request.headers.set("Content-Type", self._content_type)
            request.body = self._body
        return request

    def next_cseq(self) -> int:
        """See Dialog."""
        return self._dialog.next_cseq()

    def receive_response(self, response: Response, now: float) -> None:
        """For the user."""
        self._user.receive_response(response, now)

    def request_failed(self, reason: str, now: float) -> None:
        """For the user."""
        self._user.request_failed(reason, now)


def out_of_dialog(
    method: str, uri: Uri, via: str, *, from_: str, to: str, call_id: str, cseq: int
) -> Request:
    """A request outside any dialog with what is mandatory (RFC 3261, 8.1.1)."""
    headers = Headers(
        (
            ("Via", via),
            ("Max-Forwards", "70"),
            ("From", from_),
            ("To", to),
            ("Call-ID", call_id),
            ("CSeq", f"{cseq} {method}"),
        )
    )
    return Request(method, uri, headers)
