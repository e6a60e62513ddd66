"""What transactions are found by (RFC 3261, 17.1.3, 17.2.3 and 8.2.2.2).

A key is one string, its parts on lines of their own, since no part can hold a line break: in a
rush of calls thousands of keys linger with their transactions, and a tuple of parts is a
third of all that lingers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from platypus.sip.message import Request

MAGIC_COOKIE = "z9hG4bK"

ClientKey = str
ServerKey = str
MergeKey = str


def client_key(branch: str, method: str) -> ClientKey:
    """17.1.3: what a request of ours and its responses have in common."""
    return f"{branch}\n{method}"


def server_key(request: Request, method: str = "") -> ServerKey:
    """17.2.3: an ACK has the key of its INVITE; with `method` that of what a CANCEL is for.

    Without the magic cookie the branch is not unique, and more has to be compared.
    """
    via = request.via
    branch = via.branch
    method = method or ("INVITE" if request.method == "ACK" else request.method)
    if branch and branch.startswith(MAGIC_COOKIE):
        return f"{branch}\n{via.host.lower()}\n{via.port or ''}\n{method}"
    # The To tag is left out: an ACK has the one of our response.
    tag, number = request.from_.tag or "", request.cseq.number
    return f"{request.uri}\n{tag}\n{request.call_id}\n{number}\n{via}\n{method}"


def port_in(key: ServerKey) -> str | None:
    """What the request's Via named, "" for none; None where a peer of RFC 2543 made the key."""
    parts = key.split("\n")
    return parts[2] if len(parts) == 4 else None


def merge_key(request: Request) -> MergeKey:
    """8.2.2.2: what two copies of one request over two paths have in common."""
    return f"{request.call_id}\n{request.from_.tag or ''}\n{request.cseq.number}"
