"""From options and configuration to an Engine and its accounts.

What the command line says goes before what the configuration says; accounts are
taken from one of the two, never mixed.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from platypus.cli.options import AccountOptions, ask_password, collect_accounts
from platypus.cli.tls import TLS_OPTIONS, tls_settings

if TYPE_CHECKING:
    from platypus.account import Account
    from platypus.engine import Engine

# The options that are the engine's, by the names they have there.
ENGINE_OPTIONS = (
    "listen", "rtp_ports", "codecs", "suppress_silence", "audio", "record", "input", "output",
    "ring", "ring_tone", "country", "echo_cancelling",
    "user", "max_calls", "auto_answer", "reject", "refer", "intercom", "prack", "min_se",
    "transport", "stun", "srtp", "srtp_suites", "dtls", *TLS_OPTIONS,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Phone:
    """Everything a verb needs to know to start."""

    engine: dict[str, Any]
    accounts: tuple[AccountOptions, ...]

    def make_engine(self) -> Engine:
        """The engine, not yet started."""
        from platypus.engine import Engine

        instance = None
        if self.accounts:  # who registers nobody has no need of a name
            from platypus.instance import claim_instance

            instance = claim_instance()
        return Engine(**self.engine, instance_id=instance)

    def add_accounts(self, engine: Engine) -> list[Account]:
        """Make the accounts on `engine`, and register those that shall."""
        return [
            engine.account(
                account.aor,
                password=account.password,
                auth_user=account.auth_user,
                registrar=account.registrar,
                expires=account.expires,
                register=account.register,
                outbound_proxy=account.outbound_proxy,
                display_name=account.display_name,
                mwi=account.mwi,
            )
            for account in self.accounts
        ]


def read_phone(
    parser: argparse.ArgumentParser, options: argparse.Namespace, *, look_for_config: bool
) -> Phone:
    """What options and configuration say; asks for passwords. Exits 2 where that can't be used.

    The configuration is the one of `--config`, or with `look_for_config` and no `--account`
    the one in the platform's place, if there is one.
    """
    engine: dict[str, Any] = {"audio": "system"}
    configured: list[AccountOptions] = []
    if options.config or (look_for_config and not options.accounts):
        from platypus.cli.configured import read_configured

        found, configured = read_configured(parser, options.config)
        engine |= found
    for name in ENGINE_OPTIONS:
        value = getattr(options, name, None)
        if value is not None:
            engine[name] = value
    if (seconds := getattr(options, "no_answer", None)) is not None:
        from platypus.forwarding import CallRules

        engine["rules"] = CallRules(no_answer_after=seconds)
    tls = tls_settings(parser, {name: engine.pop(name, None) for name in TLS_OPTIONS})
    if tls is not None:
        engine["tls"] = tls
    accounts = collect_accounts(parser, options, configured)
    return Phone(engine, tuple(ask_password(one) if one.register else one for one in accounts))
