"""`platypus call URI`: one call from its start to its end, and what the line was like.

On a terminal one line shows state, time, levels, loss and jitter while it lasts;
elsewhere there is a line for each change and one every few seconds. Either way
the summary at the end has one figure a line.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
from collections.abc import Coroutine
from typing import Any

from platypus.account import Account
from platypus.cli.exit_codes import DONE, NO_MEDIA, NOT_ANSWERED, NOT_REGISTERED, code_for
from platypus.cli.options import add_media_options, add_phone_options
from platypus.cli.phone import Phone, read_phone
from platypus.cli.progress import Progress, summary
from platypus.cli.signals import exit_at_the_latest, stop_on_signals
from platypus.cli.values import seconds
from platypus.engine import Engine
from platypus.errors import PlatypusError
from platypus.sip.grammar import shown

REGISTER_WITHIN = 10.0
ANSWER_WITHIN = 60.0
CLOSE_WITHIN = 1.2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `call`."""
    parser.add_argument(
        "to", metavar="URI", help="a SIP URI, or a number or user part at the account's host"
    )
    add_phone_options(parser)
    add_media_options(parser)
    parser.add_argument(
        "--duration",
        metavar="SECONDS",
        type=seconds,
        help="hang up so long after the answer (default: stay until the other side does)",
    )
    parser.add_argument(
        "--answer-within",
        metavar="SECONDS",
        type=seconds,
        default=ANSWER_WITHIN,
        help=f"give up after ringing so long (default {ANSWER_WITHIN:.0f})",
    )


def run(parser: argparse.ArgumentParser, options: argparse.Namespace) -> int:
    """Call, and end with 3, 4 or 5 where it came to nothing."""
    phone = read_phone(parser, options, look_for_config=True)
    try:
        return asyncio.run(_run(phone, options))
    except (PlatypusError, OSError) as error:
        print(f"platypus call: {shown(str(error))}", file=sys.stderr)
        return code_for(error)


async def _run(phone: Phone, options: argparse.Namespace) -> int:
    stop = asyncio.Event()
    stop_on_signals(stop)
    engine = phone.make_engine()
    progress = Progress(sys.stdout)
    engine.subscribe(progress.receive)
    await engine.start()
    try:
        accounts = phone.add_accounts(engine)
        registers = bool(accounts) and phone.accounts[0].register
        if registers and not await _first(accounts[0].registered(REGISTER_WITHIN), stop):
            return NOT_REGISTERED
        return await _call(engine, accounts, options, progress, stop)
    finally:
        progress.close()
        if stop.is_set():
            exit_at_the_latest()
        await engine.close(timeout=CLOSE_WITHIN)


async def _call(
    engine: Engine,
    accounts: list[Account],
    options: argparse.Namespace,
    progress: Progress,
    stop: asyncio.Event,
) -> int:
    async with engine.call(options.to, account=accounts[0] if accounts else None) as call:
        showing = asyncio.create_task(progress.show(call))
        try:
            if await _first(call.answered(options.answer_within), stop):
                with contextlib.suppress(TimeoutError):
                    await _first(call.ended(options.duration), stop)
        finally:
            call.hangup()
            with contextlib.suppress(TimeoutError):
                await call.ended(CLOSE_WITHIN)
            showing.cancel()
            progress.close()
    statistics = call.statistics()
    print("\n".join(summary(call, statistics)), flush=True)
    if statistics["duration_s"] is None:
        return NOT_ANSWERED
    return DONE if statistics["receive"]["packets"] else NO_MEDIA


async def _first(waiting: Coroutine[Any, Any, object], stop: asyncio.Event) -> bool:
    """Wait for `waiting`, or for `stop`; whether it was not stopped. Raises what `waiting` does."""
    task = asyncio.ensure_future(waiting)
    stopping = asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait((task, stopping), return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            task.result()
            return True
        return False
    finally:
        task.cancel()
        stopping.cancel()
