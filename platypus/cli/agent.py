"""`platypus agent`: the phone without a window, spoken to in JSON lines (the control protocol).

Standard output carries the protocol and nothing else: it is moved to a descriptor of
our own, and what any library prints there goes to standard error.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import logging
import os
import sys
from typing import TYPE_CHECKING

from platypus._media import pages
from platypus._version import __version__
from platypus.cli.exit_codes import code_for
from platypus.cli.options import add_media_options, add_phone_options, blame
from platypus.cli.phone import Phone, read_phone
from platypus.cli.signals import exit_at_the_latest, stop_on_signals
from platypus.cli.values import MAX_EXPIRES, seconds, whole
from platypus.control.commands import Control, lost_line
from platypus.control.lines import LineReader, LineWriter
from platypus.errors import PlatypusError
from platypus.waiting import log_failure

CLOSE_WITHIN = 1.2  # seconds for hanging up and unregistering; the promise is 2 in all
WRITE_WITHIN = 0.2
LOOK_AFTER = 4.0  # seconds: whether it is quiet again
TURNS = 4
if TYPE_CHECKING:
    from platypus.control.server import ControlServer
    from platypus.engine import Engine

STDIN, STDOUT, STDERR = 0, 1, 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `agent`."""
    add_phone_options(parser)
    add_media_options(parser)
    parser.add_argument("--user", metavar="NAME", help="refuse calls to other user parts with 404")
    parser.add_argument(
        "--auto-answer",
        metavar="SECONDS",
        type=seconds,
        help="answer every call after that time; 0 at once",
    )
    parser.add_argument(
        "--reject", metavar="CODE", type=whole(400, 699), help="refuse every call with that code"
    )
    parser.add_argument(
        "--refer",
        choices=("accept", "ask", "refuse"),
        help="when the other side wants to transfer us (default accept)",
    )
    parser.add_argument(
        "--prack",
        choices=("support", "require"),
        help="reliable provisional responses where the caller can, or in every call",
    )
    parser.add_argument(
        "--min-se",
        metavar="SECONDS",
        type=whole(1, MAX_EXPIRES),
        help="the shortest session timer that is taken (default 90)",
    )
    parser.add_argument(
        "--intercom",
        choices=("never", "server", "anyone"),
        help="whose calls are answered at once where they ask for it: nobody's (default),"
        " those that come from the account's server, or all",
    )
    parser.add_argument(
        "--no-answer",
        metavar="SECONDS",
        type=whole(1, 600),
        help="how long it rings before forward_no_answer sends a call on (default 20)",
    )
    parser.add_argument("--max-calls", metavar="N", type=whole(1, 10000))
    parser.add_argument(
        "--log",
        choices=("debug", "info", "warning"),
        default="warning",
        help="how much is told on standard error",
    )


def run(parser: argparse.ArgumentParser, options: argparse.Namespace) -> int:
    """Run until `quit` or a signal."""
    phone = read_phone(parser, options, look_for_config=False)
    logging.basicConfig(
        level=options.log.upper(), stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s"
    )
    output = _own_output()
    try:
        asyncio.run(_serve(phone, output))
    except (PlatypusError, OSError) as error:
        print(f"platypus agent: {blame(options, error)}", file=sys.stderr)
        return code_for(error)
    return 0


def _own_output() -> int:
    """A descriptor for the protocol alone; standard output is standard error from now on."""
    output = os.dup(STDOUT)
    os.dup2(STDERR, STDOUT)
    return output


async def _serve(phone: Phone, output: int) -> None:
    stop = asyncio.Event()
    stop_on_signals(stop)
    engine = phone.make_engine()
    writer = LineWriter(output, broken=stop.set, lost=lost_line, soon=engine.when_quiet)
    control = Control(engine, writer.write, quit=stop.set)
    await engine.start()
    pages.end()
    gc.freeze()  # the program itself is no garbage: collecting need not look at it again
    server: ControlServer | None = None
    try:
        control.ready(__version__)
        phone.add_accounts(engine)
        reader = LineReader(STDIN, control.receive, ended=_nothing)
        reader.start()
        server = await _serve_locally(engine, stop)
        tidying = asyncio.create_task(_tidy(engine))
        tidying.add_done_callback(log_failure)
        await stop.wait()
        tidying.cancel()
        reader.stop()
    finally:
        exit_at_the_latest()
        if server is not None:
            server.close()
        await engine.close(timeout=CLOSE_WITHIN)
        control.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(WRITE_WITHIN):
                await control.settle()
                await writer.drain()


async def _tidy(engine: Engine) -> None:
    """Each time when calls have come, and the last trace of them is gone: give back what they took.

    A registration alone leaves nothing worth the work. A phone that idles is not woken for this.
    """
    while True:
        while not (engine.calls and engine.user_agent.transactions):
            await engine.quiet.next()
        while engine.user_agent.transactions:  # noqa: ASYNC110 - an event would come with each message
            await asyncio.sleep(LOOK_AFTER)
        engine.recovery.pause()  # its timer was made in the rush
        for _ in range(TURNS):
            engine.give_back()
            gc.collect()  # and whole pages of memory: of what is freed Python keeps a few
            await asyncio.sleep(0)  # what this turn of the loop holds goes with the next
        engine.recovery.resume()


async def _serve_locally(engine: Engine, stop: asyncio.Event) -> ControlServer | None:
    """For `platypus ctl`. After the accounts: nobody waits for it, and none is no failure."""
    from platypus.control.server import ControlServer

    server = ControlServer(engine, quit=stop.set)
    return server if await server.start() else None


def _nothing() -> None:
    """End of input is not `quit`."""
