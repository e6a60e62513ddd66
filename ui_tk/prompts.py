"""What the phone asks by itself: whether to trust a server whose certificate was refused.

Once for each account: who says no is not asked again until it was registered in between, and
nothing is asked anew while a question stands.
"""

from __future__ import annotations

from collections.abc import Callable

from ui_tk.messages import AccountChanged

# What the reason of every failed registration says where a certificate was the cause.
SIGNS = ("its certificate was refused", "its certificate is not the pinned one")


class CertificatePrompts:
    """`ask(address)` shows the certificate of that account's server."""

    def __init__(self, ask: Callable[[str], None]) -> None:
        self._ask = ask
        self._asked: set[str] = set()

    def hear(self, account: AccountChanged) -> None:
        if account.state == "registered":
            self._asked.discard(account.address)
        elif (
            account.state == "failed"
            and account.address not in self._asked
            and any(sign in account.reason for sign in SIGNS)
        ):
            self._asked.add(account.address)
            self._ask(account.address)
