"""The options that say who we are and where: shared by `agent`, `call` and `register`.

Passwords come from the environment or a prompt: a command line can
be read by every user of the machine.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from platypus.cli import values as check
from platypus.errors import AudioFileError, NetworkError

Parser = argparse.ArgumentParser

DEFAULT_EXPIRES = 300


@dataclass(frozen=True, slots=True)
class AccountOptions:
    """One `--account`, or one of the configuration, and what was said of it."""

    aor: str
    auth_user: str | None = None
    password: str | None = field(default=None, repr=False)
    registrar: str | None = None
    expires: int = DEFAULT_EXPIRES
    register: bool = True
    outbound_proxy: str | None = None
    display_name: str = ""
    mwi: bool = False


class _OfAccount(argparse.Action):
    """Remembers which account an option was given after (0: before the first)."""

    def __call__(
        self,
        parser: Parser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        given = getattr(namespace, "of_account", None)
        if given is None:
            given = namespace.of_account = []
        value = True if self.nargs == 0 else values
        given.append((len(getattr(namespace, "accounts", None) or []), self.dest, value))


def add_phone_options(parser: Parser) -> None:
    """Where to listen, and with which accounts."""
    parser.add_argument("--config", metavar="FILE", type=Path, help="settings, as TOML")
    parser.add_argument(
        "--listen",
        metavar="HOST:PORT",
        type=check.host_port,
        help="signalling address; port 0 picks one (default 0.0.0.0:0)",
    )
    parser.add_argument(
        "--transport", type=check.transport, metavar="udp|tcp|tls", help="default udp"
    )
    parser.add_argument(
        "--stun",
        metavar="HOST[:PORT]",
        type=check.stun_server,
        help="a server to ask where others see us, where the PBX does not help behind a router",
    )
    _add_tls_options(parser)
    group = parser.add_argument_group("accounts (may be repeated)")
    group.add_argument(
        "--account",
        dest="accounts",
        action="append",
        metavar="sip:USER@HOST[:PORT]",
        type=check.address_of_record,
    )
    group.add_argument("--auth-user", action=_OfAccount, metavar="NAME")
    group.add_argument(
        "--password-env",
        action=_OfAccount,
        metavar="VAR",
        help="the environment variable that holds the account's password"
        " (without it, a terminal is asked)",
    )
    group.add_argument(
        "--registrar",
        action=_OfAccount,
        metavar="sip:HOST[:PORT]",
        type=check.sip_uri,
        help="default: the account's host and port",
    )
    group.add_argument("--outbound-proxy", action=_OfAccount, metavar="sip:...", type=check.sip_uri)
    group.add_argument(
        "--no-register", action=_OfAccount, nargs=0, help="use the account without registering"
    )
    group.add_argument(
        "--expires",
        action=_OfAccount,
        metavar="SECONDS",
        type=check.whole(1, check.MAX_EXPIRES),
        help=f"default {DEFAULT_EXPIRES}",
    )


def _add_tls_options(parser: Parser) -> None:
    group = parser.add_argument_group("TLS (files are PEM)")
    group.add_argument(
        "--tls-ca", metavar="FILE", help="a private authority, trusted instead of the system's"
    )
    group.add_argument(
        "--tls-cert",
        metavar="FILE",
        help="our certificate: to listen for TLS, and for servers that want one",
    )
    group.add_argument("--tls-key", metavar="FILE", help="its key, where it is not in that file")
    group.add_argument(
        "--tls-insecure",
        action="store_const",
        const=True,
        help="believe whoever answers, without looking at its certificate",
    )


def add_media_options(parser: Parser) -> None:
    """What is heard, and through which ports and codecs."""
    parser.add_argument(
        "--srtp",
        type=check.srtp,
        metavar="off|prefer|require",
        help="default prefer: offered where the signalling is encrypted, taken anywhere",
    )
    parser.add_argument(
        "--dtls",
        action="store_const",
        const=True,
        help="offer DTLS-SRTP instead of keys in the description",
    )
    parser.add_argument(
        "--srtp-suites",
        type=check.suites,
        metavar="AEAD_AES_128_GCM,...",
        help="those that are offered and taken; order is preference",
    )
    parser.add_argument(
        "--codecs", type=check.codecs, metavar="g722,pcmu,...", help="order is preference"
    )
    parser.add_argument(
        "--suppress-silence",
        action="store_const",
        const=True,
        help="send comfort noise instead of silence, where the far end has it; DTX with Opus",
    )
    parser.add_argument("--rtp-ports", type=check.port_range, metavar="LOW-HIGH")
    parser.add_argument(
        "--audio",
        type=check.audio,
        metavar="system|null|tone|wav:IN.wav|wav-loop:IN.wav",
        help="what the far end hears (default system)",
    )
    parser.add_argument("--input", metavar="NAME", help="the microphone")
    parser.add_argument("--output", metavar="NAME", help="the speaker")
    parser.add_argument("--ring", metavar="NAME", help="where it rings (default: the speaker)")
    parser.add_argument(
        "--ring-tone", metavar="IN.wav", type=check.ring_tone, help="instead of our bell"
    )
    parser.add_argument(
        "--country",
        metavar="CC",
        type=check.country,
        help="whose ringback and busy tones are heard (default: the system's country)",
    )
    parser.add_argument(
        "--echo-cancelling",
        choices=("auto", "on", "off"),
        help="default auto: with a loudspeaker, where the extra aec is installed",
    )
    parser.add_argument(
        "--record", metavar="OUT.wav", type=check.recording, help="what this phone plays"
    )


def blame(options: argparse.Namespace, error: Exception) -> str:
    """What kept the phone from starting, with the option that asked for it."""
    match error:
        case AudioFileError():
            name = "audio"
        case NetworkError():
            name = "listen"
        case _:
            return str(error)
    return f"argument --{name}: {error}" if getattr(options, name, None) else str(error)


def collect_accounts(
    parser: Parser, options: argparse.Namespace, configured: Sequence[AccountOptions] = ()
) -> list[AccountOptions]:
    """The accounts of the command line, or else the configured ones. Exits 2 where it can't be.

    What is said of an account stands after it; what comes before the first, or without
    any `--account`, is the first's. `--expires`, `--no-register` and `--outbound-proxy`
    given once hold for all accounts.
    """
    accounts = [AccountOptions(uri) for uri in options.accounts or ()] or list(configured)
    given: list[tuple[int, str, Any]] = getattr(options, "of_account", None) or []
    if not accounts and given:
        parser.error(f"--{given[0][1].replace('_', '-')} needs an --account")
    settings: list[dict[str, Any]] = [{} for _ in accounts]
    for name in ("no_register", "expires", "outbound_proxy"):
        values = [value for _, dest, value in given if dest == name]
        if len(values) == 1:
            for one in settings:
                one[name] = values[0]
    for position, name, value in given:
        settings[max(position - 1, 0)][name] = value
    return [
        _with_settings(parser, account, one)
        for account, one in zip(accounts, settings, strict=True)
    ]


def _with_settings(
    parser: Parser, account: AccountOptions, given: dict[str, Any]
) -> AccountOptions:
    if given.pop("no_register", False):
        given["register"] = False
    variable = given.pop("password_env", None)
    if variable is not None:
        given["password"] = os.environ.get(variable)
        if given["password"] is None:
            parser.error(f"--password-env: the environment has no {variable}")
    return replace(account, **given)


def ask_password(account: AccountOptions) -> AccountOptions:
    """`account` with a password from the terminal, if it has none and there is a terminal."""
    if account.password is not None or not (sys.stdin and sys.stdin.isatty()):
        return account
    import getpass  # with the terminal's modules, which nobody else needs

    return replace(account, password=getpass.getpass(f"Password of {account.aor}: "))
