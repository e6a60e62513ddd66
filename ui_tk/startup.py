"""From the command line and the configuration to what the engine and the window need.

What the command line says goes before what the file says; accounts are taken from one of
the two, never mixed.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

from ui_tk.dialrules import DialRules
from ui_tk.messages import AccountSettings, Rules, SetHotkeys, SetVolume
from ui_tk.preferences import Preferences

if TYPE_CHECKING:
    from platypus.config import (
        AudioConfig,
        CallsConfig,
        Config,
        DialingConfig,
        HotkeysConfig,
    )
    from ui_tk.bridge import PhoneSettings
    from ui_tk.palette import Appearance


@dataclass(frozen=True, slots=True)
class Overrides:
    """What the command line said. None: what the file says."""

    account: AccountSettings | None = None
    password: str | None = None
    listen: tuple[str, int] | None = None
    audio: str | None = None
    input: str | None = None
    output: str | None = None
    appearance: Appearance | None = None
    scale: float | None = None
    language: str | None = None


def overrides(parser: argparse.ArgumentParser, options: argparse.Namespace) -> Overrides:
    """Exits 2 where the variable with the password is not there."""
    password = None
    if options.password_env is not None:
        password = os.environ.get(options.password_env)
        if password is None:
            parser.error(f"--password-env: there is no variable {options.password_env}")
    account = None
    if options.account is not None:
        account = AccountSettings(
            options.account,
            password,
            auth_user=options.auth_user,
            registrar=options.registrar,
            outbound_proxy=options.outbound_proxy,
            register=not options.no_register,
        )
    return Overrides(
        account,
        password,
        options.listen,
        options.audio,
        options.input,
        options.output,
        options.appearance,
        options.scale,
        options.language,
    )


def accounts_of(config: Config, said: Overrides) -> tuple[AccountSettings, ...]:
    """Every account, without the passwords that are not known yet."""
    if said.account is not None:
        return (said.account,)
    return tuple(
        AccountSettings(
            each.address,
            said.password,
            auth_user=each.auth_user,
            registrar=each.registrar,
            outbound_proxy=each.outbound_proxy,
            display_name=each.display_name,
            register=each.register,
            expires=each.expires,
            mwi=each.mwi,
        )
        for each in config.accounts
    )


def phone_settings(
    config: Config, said: Overrides, passwords: Mapping[str, str | None]
) -> PhoneSettings:
    """How the engine is brought up; `passwords` are by the account's address."""
    from ui_tk.bridge import PhoneSettings

    accounts = tuple(
        replace(each, password=each.password or passwords.get(each.address))
        for each in accounts_of(config, said)
    )
    return PhoneSettings(
        accounts=accounts,
        listen=said.listen or config.listen,
        transport=config.transport,
        tls_ca=config.tls_ca,
        tls_certificate=config.tls_certificate,
        tls_key=config.tls_key,
        tls_pins=config.tls_pins,
        tls_insecure=config.tls_insecure,
        codecs=config.codecs,
        suppress_silence=config.suppress_silence,
        rtp_ports=config.rtp_ports,
        audio=said.audio or config.audio.source,
        input=said.input or config.audio.input,
        output=said.output or config.audio.output,
        rules=rules_of(config.calls),
        refer=config.calls.refer,
        srtp=config.srtp,
        dtls=config.dtls,
        stun=stun_address(config.stun_server),
        ring=config.audio.ring,
    )


def engine_parts(config: Config) -> Config:
    """What an engine has to be started anew for, where it changes; the rest at its default."""
    from platypus.config import CallsConfig, Config

    usual = Config()
    return replace(
        config,
        window=usual.window,
        dialing=usual.dialing,
        hotkeys=usual.hotkeys,
        audio=without_volumes(config.audio),
        calls=CallsConfig(refer=config.calls.refer),
    )


def stun_address(text: str | None) -> tuple[str, int] | None:
    """HOST or HOST:PORT; 3478 is STUN's (RFC 8489, 18.4)."""
    if not text:
        return None
    host, colon, port = text.rpartition(":")
    if colon and port.isdigit() and not text.endswith("]"):
        return host.strip("[]"), int(port)
    return text.strip("[]"), 3478


VOLUMES = {"input": "input_gain", "output": "volume", "ring": "ring_volume"}


def volumes_of(audio: AudioConfig) -> list[SetVolume]:
    """Those that are not as they come."""
    kept = {kind: getattr(audio, name) for kind, name in VOLUMES.items()}
    return [SetVolume(kind, value) for kind, value in kept.items() if value != 1.0]


def without_volumes(audio: AudioConfig) -> AudioConfig:
    """What only the engine's start takes over."""
    return replace(audio, **dict.fromkeys(VOLUMES.values(), 1.0))  # type: ignore[arg-type]


def rules_of(calls: CallsConfig) -> Rules:
    return Rules(
        calls.dnd,
        calls.forward_always,
        calls.forward_busy,
        calls.forward_no_answer,
        float(calls.no_answer_after),
    )


def hotkeys_of(hotkeys: HotkeysConfig) -> SetHotkeys:
    keys = {"answer_or_end": hotkeys.answer, "mute": hotkeys.mute}
    return SetHotkeys(tuple((deed, key) for deed, key in keys.items() if key), hotkeys.headset)


def dial_rules_of(dialing: DialingConfig) -> DialRules:
    """Raises ValueError for rules that can't be."""
    return DialRules(
        dialing.country,
        dialing.international,
        dialing.national,
        dialing.outside,
        dialing.extension_digits,
    )


def preferences_of(config: Config, said: Overrides) -> Preferences:
    window = config.window
    return Preferences(
        said.appearance or cast("Appearance", window.appearance),
        said.scale or window.scale or None,
        said.language or window.language or None,
    )


def records_folder(config: Config) -> Path:
    """Where recordings go."""
    if config.calls.records:
        return Path(config.calls.records).expanduser()
    return Path.home() / "Platypus recordings"
