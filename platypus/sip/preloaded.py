"""The route that an account's requests set out with (RFC 3261, 8.1.2; RFC 3608).

    its outbound proxy, always a loose one
    then what the registrar asked for by Service-Route, to addresses of the account's own domain

Whoever calls somebody elsewhere by a full address goes to the host it names: the registrar is no
proxy for those. A dialog has a route of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from platypus.errors import ProtocolError
from platypus.sip.build import loose
from platypus.sip.headers import NameAddr
from platypus.sip.uri import Uri

if TYPE_CHECKING:
    from platypus.sip.message import Response
    from platypus.sip.settings import AccountSettings
    from platypus.sip.stack import Stack

MAX_ROUTES = 8


class ServiceRoutes:
    """What the registrars of one user agent asked for."""

    def __init__(self) -> None:
        self._routes: dict[AccountSettings, tuple[str, ...]] = {}

    def __len__(self) -> int:
        return len(self._routes)

    def take(self, account: AccountSettings, response: Response) -> None:
        """A registrar granted a binding: what it says replaces what it said (RFC 3608, 6.1)."""
        texts = response.headers.get_all("Service-Route")
        routes: list[str] = []
        try:
            for text in texts[:MAX_ROUTES]:
                uri = NameAddr.parse(text).uri.without_headers()
                if not uri.is_sip:
                    raise ProtocolError(f"{uri} is no route")
                routes.append(str(loose(str(uri))))
        except ProtocolError:
            routes.clear()  # a way with a hole in it leads nowhere
        self.forget(account)
        if routes:
            self._routes[account] = tuple(routes)

    def forget(self, account: AccountSettings) -> None:
        """There is no binding any more."""
        self._routes.pop(account, None)

    def of(self, account: AccountSettings, target: Uri) -> tuple[str, ...]:
        """For a request to `target`."""
        routes = self._routes.get(account, ())
        if not routes or target.host.lower() != Uri.parse(account.aor).host.lower():
            return ()
        return routes


def route_for(stack: Stack, account: AccountSettings | None, target: Uri) -> list[str]:
    """The URIs of the Route header, in order; the first is where the request goes."""
    if account is None:
        return []
    proxy = account.outbound_proxy
    route = [str(loose(proxy))] if proxy else []
    if stack.service_routes:
        route += stack.service_routes.of(account, target)
    return route
