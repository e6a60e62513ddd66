"""Whether an account works, step by step: its name resolves, its server answers, it registers.

Each step ends with a sentence for whoever set it up. An engine of its own is used, on a free
port and for as long as it takes; nothing of a phone that runs is touched.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from platypus.engine import Engine
from platypus.errors import ConfigError, NetworkError, PlatypusError, RegistrationError
from platypus.net.addresses import format_address
from platypus.net.resolver import Resolver, resolve_numeric
from platypus.targets import by_transport, host_and_port, parse_account

if TYPE_CHECKING:
    from platypus.net.tls import TlsSettings
    from platypus.sip.flow import Hop

Name = Literal["address", "resolve", "connect", "register"]
STEPS: tuple[Name, ...] = ("address", "resolve", "connect", "register")
ANSWER_WITHIN = 4.0  # a server that is there answers an OPTIONS at once, or never
REGISTER_WITHIN = 10.0
EXPIRES = 60  # seconds; it is given back at the end


@dataclass(frozen=True, slots=True)
class Step:
    """How far it is: `busy`, then `good`, `unsure` (it may work nevertheless) or `bad`."""

    name: Name
    state: Literal["busy", "good", "unsure", "bad"]
    text: str = ""


@dataclass(frozen=True, slots=True)
class AccountTry:
    """What is to be tried. Without a password that is as far as it goes."""

    address: str
    password: str | None = field(default=None, repr=False)
    auth_user: str | None = None
    registrar: str | None = None
    outbound_proxy: str | None = None
    transport: Literal["udp", "tcp", "tls"] = "udp"
    tls: TlsSettings | None = None
    register: bool = True


async def try_account(wanted: AccountTry, tell: Callable[[Step], None]) -> bool:
    """Go through the steps and `tell` of each; whether all went well."""
    try:
        uri = parse_account(wanted.address)
    except PlatypusError as error:
        tell(Step("address", "bad", f"{error}."))
        return False
    tell(Step("address", "good", f"{uri.user} at {host_and_port(uri)}."))
    where = wanted.outbound_proxy or wanted.registrar or f"sip:{host_and_port(uri)}"
    if uri.scheme == "sips" and where.startswith("sip:"):
        where = "sips" + where[3:]
    where = by_transport(where, uri.transport or wanted.transport)
    if not await _resolves(where, tell):
        return False
    try:
        engine = Engine(transport=wanted.transport, tls=wanted.tls)
        async with engine:
            if not await _answers(engine, where, tell):
                return False
            return not wanted.register or await _registers(engine, wanted, tell)
    except (NetworkError, ConfigError) as error:
        tell(Step("connect", "bad", f"{error}."))
        return False


async def _resolves(where: str, tell: Callable[[Step], None]) -> bool:
    tell(Step("resolve", "busy"))
    resolver = Resolver(os.urandom)
    try:
        hops = resolve_numeric(where) or await resolver.resolve(where)
    except PlatypusError as error:
        tell(Step("resolve", "bad", f"{str(error).rstrip('.')}. Is the name spelt right?"))
        return False
    finally:
        resolver.close()
    tell(Step("resolve", "good", _found(hops)))
    return True


def _found(hops: list[Hop]) -> str:
    first = hops[0]
    more = f", and {len(hops) - 1} more" if len(hops) > 1 else ""
    return f"{format_address((first.host, first.port))} by {first.transport.upper()}{more}."


async def _answers(engine: Engine, where: str, tell: Callable[[Step], None]) -> bool:
    tell(Step("connect", "busy"))
    try:
        async with asyncio.timeout(ANSWER_WITHIN):
            response = await engine.options(where)
    except TimeoutError:
        tell(
            Step(
                "connect",
                "unsure",
                "It says nothing to a greeting; some servers don't speak with strangers.",
            )
        )
        return True
    except PlatypusError as error:
        tell(Step("connect", "bad", f"{_without(where, str(error)).rstrip('.')}."))
        return False
    server = (response.headers.get("Server") or response.headers.get("User-Agent") or "").strip()
    named = f" ({server[:60]})" if server.isprintable() and server else ""
    tell(Step("connect", "good", f"It answers{named}."))
    return True


def _without(where: str, text: str) -> str:
    """The reason alone: whose it is stands above it already."""
    while text.startswith(f"{where}: "):
        text = text.removeprefix(f"{where}: ")
    return text


async def _registers(engine: Engine, wanted: AccountTry, tell: Callable[[Step], None]) -> bool:
    tell(Step("register", "busy"))
    try:
        account = engine.account(
            wanted.address,
            password=wanted.password,
            auth_user=wanted.auth_user,
            registrar=wanted.registrar,
            outbound_proxy=wanted.outbound_proxy,
            expires=EXPIRES,
        )
        await account.registered(timeout=REGISTER_WITHIN)
    except RegistrationError as error:
        tell(Step("register", "bad", f"{error.reason.rstrip('.')}."))
        return False
    except PlatypusError as error:
        tell(Step("register", "bad", f"{str(error).rstrip('.')}."))
        return False
    tell(Step("register", "good", "Registered."))
    return True
