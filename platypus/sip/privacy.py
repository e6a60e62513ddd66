"""Calling without a name (RFC 3323, RFC 3325, 7 and 9.3).

From and Contact say nothing, `Privacy: id` asks the network to say nothing. Our own
server is told who we are, for it may want to know whom to charge; nobody else is. Addresses
in Via, Contact and SDP stay: hiding them takes a server (RFC 3323, 5).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from platypus.sip.headers import NameAddr
from platypus.sip.uri import Uri

if TYPE_CHECKING:
    from platypus.sip.message import Headers
    from platypus.sip.settings import AccountSettings

USER = "anonymous"
# RFC 3323, 4.1.1.3: the From of a caller that does not want to be known.
ANONYMOUS = NameAddr(Uri("sip", USER, "anonymous.invalid"), "Anonymous")
PREFERRED = "P-Preferred-Identity"


def hide_caller(headers: Headers, account: AccountSettings, target: Uri) -> None:
    """Ask for privacy in an INVITE to `target`."""
    if "Privacy" not in headers:
        headers.add("Privacy", "id")
    aor = Uri.parse(account.aor)
    if PREFERRED not in headers and (account.outbound_proxy or target.host == aor.host):
        headers.add(PREFERRED, str(NameAddr(aor, account.display_name)))


def redirect_hidden(headers: Headers, old: Uri, new: Uri) -> None:
    """A server that we are sent to was not the one that may know."""
    if old.host != new.host:
        headers.remove(PREFERRED)
