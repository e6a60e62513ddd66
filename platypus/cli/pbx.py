"""`platypus pbx`: the built-in PBX on the command line, for trying and testing."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import secrets
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from platypus.cli import values as check
from platypus.cli.exit_codes import code_for
from platypus.cli.signals import stop_on_signals
from platypus.cli.tls import tls_settings
from platypus.errors import PlatypusError

if TYPE_CHECKING:
    from platypus.net.tls import TlsSettings

DEFAULT_LISTEN = ("127.0.0.1", 5060)  # nobody else's phones, unless asked for
DEFAULT_USERS = ("alice", "bob")


class _UserPassword(argparse.Action):
    """Binds `--password-env` to the `--user` before it."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        if not namespace.users:
            parser.error(f"{option_string} needs a --user before it")
        namespace.passwords = {**(namespace.passwords or {}), namespace.users[-1]: values}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `pbx`."""
    parser.add_argument(
        "--listen",
        metavar="HOST:PORT",
        type=check.host_port,
        default=DEFAULT_LISTEN,
        help="default 127.0.0.1:5060; port 0 picks one",
    )
    parser.add_argument(
        "--user",
        dest="users",
        action="append",
        metavar="NAME",
        help="may be repeated (default alice and bob)",
    )
    parser.add_argument(
        "--password-env",
        dest="passwords",
        action=_UserPassword,
        metavar="VAR",
        help="the environment variable with the password of the user before it"
        " (without it one is made up and printed)",
    )
    parser.add_argument(
        "--tls-cert", metavar="FILE", help="listen for TLS with this certificate (PEM)"
    )
    parser.add_argument("--tls-key", metavar="FILE", help="its key, where it is not in that file")
    parser.add_argument(
        "--srtp",
        type=check.srtp,
        metavar="off|prefer|require",
        default="prefer",
        help="of the extensions; phones agree between themselves (default prefer)",
    )
    parser.add_argument("--codecs", type=check.codecs, metavar="g722,pcmu,...")
    parser.add_argument("--rtp-ports", type=check.port_range, metavar="LOW-HIGH")
    parser.add_argument(
        "--record-dir",
        type=Path,
        metavar="DIRECTORY",
        help="where extension 615 writes (without it, it keeps nothing)",
    )


def run(parser: argparse.ArgumentParser, options: argparse.Namespace) -> int:
    """Run until a signal."""
    users = {name: secrets.token_urlsafe(9) for name in options.users or DEFAULT_USERS}
    shown = dict(users)
    for name, variable in (options.passwords or {}).items():
        if variable not in os.environ:
            parser.error(f"--password-env: the environment has no {variable}")
        users[name] = os.environ[variable]
        shown[name] = f"(from {variable})"
    if options.record_dir is not None and not options.record_dir.is_dir():
        parser.error(f"--record-dir: {options.record_dir} is no directory")
    tls = tls_settings(parser, {"tls_cert": options.tls_cert, "tls_key": options.tls_key})
    logging.basicConfig(level="INFO", stream=sys.stderr, format="%(message)s")
    try:
        asyncio.run(_serve(options, users, shown, tls))
    except (PlatypusError, OSError) as error:
        print(f"platypus pbx: {error}", file=sys.stderr)
        return code_for(error)
    return 0


async def _serve(
    options: argparse.Namespace,
    users: dict[str, str],
    shown: dict[str, str],
    tls: TlsSettings | None,
) -> None:
    from platypus.pbx import Pbx
    from platypus.pbx.extensions import WHAT
    from platypus.pbx.server import NOTICE

    stop = asyncio.Event()
    stop_on_signals(stop)
    async with Pbx(
        listen=options.listen,
        users=users,
        codecs=options.codecs,
        rtp_ports=options.rtp_ports,
        record_dir=options.record_dir,
        tls=tls,
        srtp=options.srtp,
    ) as pbx:
        lines = [NOTICE, f"listening: {' '.join(pbx.engine.listen)}"]
        lines += [f"user: {pbx.uri(name)} password: {word}" for name, word in shown.items()]
        lines += [f"extension: {number} {what}" for number, what in WHAT.items()]
        print("\n".join([*lines, "ready"]), flush=True)
        await stop.wait()
