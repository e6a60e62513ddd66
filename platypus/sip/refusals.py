"""What a registrar's refusal means, as a sentence for whoever has to do something about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from platypus.sip.uri import Uri

if TYPE_CHECKING:
    from platypus.sip.message import Response
    from platypus.sip.settings import AccountSettings

# Trying again with the same credentials would only get the account locked.
OF_CREDENTIALS = (401, 403, 407)


def why_refused(account: AccountSettings, response: Response, problem: str) -> str:
    """`problem` is what was wrong with the last challenge, or nothing."""
    aor = Uri.parse(account.aor).user
    user = account.auth_user or aor
    if response.status == 404:
        return f"the registrar does not know the user {aor}"
    if response.status not in OF_CREDENTIALS:
        return f"the registrar answered {response.status} {response.reason}"
    if account.password is None:
        return "the registrar wants a user name and password, and no password is set"
    if response.status == 403:
        return f"the registrar forbids it: the user name {user} or its password is wrong"
    sentence = f"the registrar refused the user name {user} or its password"
    return sentence if not problem or "refused" in problem else f"{sentence}: {problem}"
