"""`platypus register`: register accounts and say what became of them."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time

from platypus.account import Account
from platypus.cli.exit_codes import DONE, NOT_REGISTERED, code_for
from platypus.cli.options import add_phone_options
from platypus.cli.phone import Phone, read_phone
from platypus.cli.signals import exit_at_the_latest, stop_on_signals
from platypus.cli.values import seconds
from platypus.engine import Engine
from platypus.errors import PlatypusError, RegistrationError
from platypus.events import Event, Registered, RegistrationFailed, Unregistered
from platypus.sip.grammar import shown

CLOSE_WITHIN = 1.2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `register`."""
    add_phone_options(parser)
    parser.add_argument(
        "--check", action="store_true", help="unregister and end once it is known (default: stay)"
    )
    parser.add_argument(
        "--timeout",
        metavar="SECONDS",
        type=seconds,
        default=10.0,
        help="how long --check waits for an answer (default 10)",
    )


def run(parser: argparse.ArgumentParser, options: argparse.Namespace) -> int:
    """Register, and with `--check` end with 3 where that did not work."""
    phone = read_phone(parser, options, look_for_config=True)
    if not phone.accounts:
        parser.error("nobody to register: give an --account, or a configuration with one")
    if not all(account.register for account in phone.accounts):
        parser.error("--no-register: there is nothing else to do here")
    verb = _check(phone, options.timeout) if options.check else _stay(phone)
    try:
        return asyncio.run(verb)
    except (PlatypusError, OSError) as error:
        print(f"platypus register: {error}", file=sys.stderr)
        return code_for(error)


async def _check(phone: Phone, timeout: float) -> int:  # noqa: ASYNC109 - one for each account
    async with phone.make_engine() as engine:
        began = time.perf_counter()
        accounts = phone.add_accounts(engine)
        worked = await asyncio.gather(*(_outcome(one, timeout, began) for one in accounts))
    return DONE if all(worked) else NOT_REGISTERED


async def _outcome(account: Account, timeout: float, began: float) -> bool:  # noqa: ASYNC109
    try:
        await account.registered(timeout)
    except RegistrationError as error:
        print(f"failed: {shown(str(error))}", flush=True)
        return False
    took = (time.perf_counter() - began) * 1000
    print(
        f"registered: {account.aor} for {account.expires_in or 0:.0f} s"
        f" as {account.contact} in {took:.0f} ms",
        flush=True,
    )
    return True


async def _stay(phone: Phone) -> int:
    stop = asyncio.Event()
    stop_on_signals(stop)
    engine: Engine = phone.make_engine()
    engine.subscribe(_tell)
    await engine.start()
    try:
        phone.add_accounts(engine)
        await stop.wait()
    finally:
        exit_at_the_latest()
        await engine.close(timeout=CLOSE_WITHIN)
    return DONE


def _tell(event: Event) -> None:
    match event:
        case Registered(account, expires, contact):
            line = f"registered: {account.aor} for {expires} s as {contact}"
        case RegistrationFailed(account, code, reason, retry_in):
            line = f"failed: {account.aor}: {reason}" + (f" ({code})" if code else "")
            line += f", again in {retry_in:.0f} s" if retry_in else ""
        case Unregistered(account):
            line = f"unregistered: {account.aor}"
        case _:
            return
    print(shown(line), flush=True)
