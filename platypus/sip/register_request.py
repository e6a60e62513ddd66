"""The REGISTERs of one registration, written (RFC 3261, 10.2.1).

All have one Call-ID and growing numbers. Where we are is `binding`'s to say; when one is sent,
and what comes of it, is `registration`'s.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from platypus.errors import ProtocolError
from platypus.sip.build import loose
from platypus.sip.headers import NameAddr
from platypus.sip.requesting import out_of_dialog
from platypus.sip.uri import Uri

if TYPE_CHECKING:
    from platypus.sip.binding import Binding
    from platypus.sip.flow import Flow
    from platypus.sip.message import Request
    from platypus.sip.settings import AccountSettings
    from platypus.sip.stack import Stack


class RegisterRequests:
    """Writes what an account sends to its registrar. Raises ProtocolError for addresses that are
    none."""

    def __init__(self, stack: Stack, account: AccountSettings, aor: Uri) -> None:
        self.registrar = registrar_uri(account)
        self._stack = stack
        self._address = NameAddr(aor, account.display_name)
        self._route = f"<{loose(account.outbound_proxy)}>" if account.outbound_proxy else ""
        self._secure = "sips" in (self.registrar.scheme, aor.scheme)
        self._call_id = stack.token() + stack.token()
        self._tag = stack.token()
        self._cseq = 0

    def next_cseq(self) -> int:
        """The number of the next one."""
        self._cseq += 1
        return self._cseq

    def build(
        self, target: Uri, binding: Binding, flow: Flow, via: str, expires: int, now: float
    ) -> Request:
        """One for `target` over `flow`, which asks for `expires` seconds; 0 removes."""
        request = out_of_dialog(
            "REGISTER",
            target,
            via,
            from_=str(self._address.with_tag(self._tag)),
            to=str(self._address),
            call_id=self._call_id,
            cseq=self.next_cseq(),
        )
        headers = request.headers
        if self._route:
            headers.add("Route", self._route)
        binding.write(request, flow, expires, secure=self._secure)
        binding.write_removal(request, now)
        headers.add("Expires", str(expires))
        headers.add("Allow", self._stack.allow)
        headers.add("User-Agent", self._stack.settings.user_agent)
        return request


def registrar_uri(account: AccountSettings) -> Uri:
    """The Request-URI of REGISTER: a domain, without a user (10.2)."""
    text = account.registrar or account.aor
    uri = Uri.parse(text)
    if not uri.is_sip:
        raise ProtocolError(f"{text} is not a SIP address", status=416)
    port = "" if uri.port is None else f":{uri.port}"
    host = f"[{uri.host}]" if ":" in uri.host else uri.host
    transport = f";transport={uri.transport}" if uri.transport else ""
    return Uri.parse(f"{uri.scheme}:{host}{port}{transport}")
