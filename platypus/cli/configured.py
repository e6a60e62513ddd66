"""What the configuration file says, checked as the options are."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from platypus import config
from platypus.cli import values as check
from platypus.cli.options import AccountOptions
from platypus.errors import ConfigError


def read_configured(
    parser: argparse.ArgumentParser, path: Path | None
) -> tuple[dict[str, Any], list[AccountOptions]]:
    """Arguments of the engine, and the accounts. Exits 2 where the file can't be used."""
    try:
        found = config.load(path)
        engine = {
            "listen": found.listen,
            "transport": found.transport,
            "srtp": found.srtp,
            "dtls": found.dtls,
            "stun": check.stun_server(found.stun_server) if found.stun_server else None,
            "tls_ca": found.tls_ca,
            "tls_cert": found.tls_certificate,
            "tls_key": found.tls_key,
            "tls_pins": found.tls_pins,
            "tls_insecure": found.tls_insecure,
            "codecs": check.codecs(",".join(found.codecs)) if found.codecs else None,
            "suppress_silence": found.suppress_silence,
            "rtp_ports": found.rtp_ports,
            "audio": check.audio(found.audio.source),
            "input": found.audio.input,
            "output": found.audio.output,
            "ring": found.audio.ring,
            "ring_tone": found.audio.ring_tone,
            "echo_cancelling": check.echo_cancelling(found.audio.echo_cancelling),
            "country": check.country(found.audio.country) if found.audio.country else None,
        }
        accounts = [_account(one) for one in found.accounts]
    except ConfigError as error:
        parser.error(str(error))
    except argparse.ArgumentTypeError as error:
        parser.error(f"{path or config.default_path()}: {error}")
    return engine, accounts


def _account(account: config.AccountConfig) -> AccountOptions:
    return AccountOptions(
        check.address_of_record(account.address),
        auth_user=account.auth_user,
        registrar=account.registrar,
        expires=account.expires,
        register=account.register,
        outbound_proxy=account.outbound_proxy,
        display_name=account.display_name,
        mwi=account.mwi,
    )
