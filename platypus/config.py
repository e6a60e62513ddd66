"""The configuration file: TOML in the place the platform has for it.

    listen = "0.0.0.0:5060"
    codecs = ["pcma", "pcmu"]
    rtp_ports = "10000-10999"

    [audio]
    output = "Headset"

    [accounts.work]
    address = "sip:alice@pbx.example.com"

Whatever is not understood is an error that names the file and the line, never
something silently left out. Passwords are refused: this file is copied, backed up
and pasted into tickets. Whether a codec or a sound device exists is for those to
say who use it; nothing here knows the network.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from platypus.errors import ConfigError
from platypus.files import write_whole

MAX_BYTES = 1_048_576  # a file that is larger is not ours, and TOML is parsed in memory
MAX_ACCOUNTS = 64  # each keeps a registration alive

_PLAIN_KEYS = (
    *("srtp", "dtls", "stun_server", "suppress_silence"),
    *("tls_ca", "tls_certificate", "tls_key", "tls_pins", "tls_insecure"),
)
_PASSWORD_KEYS = frozenset({"password", "passwd", "passphrase", "pwd", "secret"})
_TABLE = re.compile(r"\s*\[\[?(?P<name>[^\[\]]+)\]\]?\s*(#.*)?$")
_DECODE_LINE = re.compile(r"\s*\(at (?:line (\d+), column \d+|end of document)\)")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class AccountConfig:
    """One `[accounts.NAME]` table."""

    name: str
    address: str  # of record, a sip: or sips: URI
    display_name: str = ""
    auth_user: str | None = None
    registrar: str | None = None
    outbound_proxy: str | None = None
    register: bool = True
    expires: int = 300  # seconds
    mwi: bool = False  # subscribe to its mailbox; what is told unasked is always taken
    voicemail: str | None = None  # what to call to hear it, where the server does not say


@dataclass(frozen=True, slots=True)
class AudioConfig:
    """The `[audio]` table. Without a name, a device is the system's default."""

    source: str = "system"
    input: str | None = None
    output: str | None = None
    ring: str | None = None  # where one listens, if not named
    ring_tone: str | None = None  # a WAV file
    country: str | None = None  # whose tones, by two letters
    echo_cancelling: str = "auto"  # or "on", "off"
    input_gain: float = 1.0  # 1: as it comes
    volume: float = 1.0
    ring_volume: float = 1.0


@dataclass(frozen=True, slots=True)
class WindowConfig:
    """The `[window]` table: how the window looks."""

    appearance: str = "system"  # or light, dark
    scale: float = 0.0  # 0: as the screen says
    language: str = ""  # "": as the system says
    tray: bool = True  # closing the window leaves the phone in the tray, where there is one


@dataclass(frozen=True, slots=True)
class DialingConfig:
    """The `[dialing]` table: how the exchange wants numbers. Empty: as they are typed."""

    country: str = ""  # "+49": its numbers are dialled as national ones
    international: str = ""  # "00", instead of the +
    national: str = ""  # "0", before a number of our own country
    outside: str = ""  # before every number that is longer than an extension
    extension_digits: int = 5


@dataclass(frozen=True, slots=True)
class CallsConfig:
    """The `[calls]` table: what becomes of calls that come in, from the start on."""

    dnd: bool = False
    forward_always: str | None = None
    forward_busy: str | None = None
    forward_no_answer: str | None = None
    no_answer_after: int = 20  # seconds
    refer: str = "ask"  # or accept, refuse: when the other side wants to transfer us
    records: str | None = None  # the folder of recordings
    ask_before_links: bool = True  # a link of a web page is shown before it is dialled


@dataclass(frozen=True, slots=True)
class HotkeysConfig:
    """The `[hotkeys]` table: keys that work whatever window is in front, as in "Ctrl+Alt+A"."""

    answer: str = ""  # takes the call that rings, else ends the one in front
    mute: str = ""
    headset: bool = True  # the buttons of a headset or keyboard for telephones


@dataclass(frozen=True, slots=True)
class Config:
    """The whole file, with what it leaves out at its default."""

    listen: tuple[str, int] = ("0.0.0.0", 0)  # noqa: S104 - a phone is called from anywhere
    transport: str = "udp"
    srtp: str = "prefer"  # or off, require
    dtls: bool = False  # offer keys by DTLS instead of SDES
    stun_server: str | None = None  # HOST[:PORT] of a server to ask where others see us
    tls_ca: str | None = None  # files, PEM
    tls_certificate: str | None = None
    tls_key: str | None = None
    tls_pins: tuple[str, ...] = ()  # SHA-256 fingerprints, and no other certificate is taken
    tls_insecure: bool = False
    codecs: tuple[str, ...] = ()  # none said: all, and answers keep the caller's order
    suppress_silence: bool = False  # comfort noise instead, where the far end has it
    rtp_ports: tuple[int, int] | None = None
    audio: AudioConfig = AudioConfig()
    window: WindowConfig = WindowConfig()
    dialing: DialingConfig = DialingConfig()
    calls: CallsConfig = CallsConfig()
    hotkeys: HotkeysConfig = HotkeysConfig()
    accounts: tuple[AccountConfig, ...] = ()


_TABLES = {
    "audio": AudioConfig,
    "window": WindowConfig,
    "dialing": DialingConfig,
    "calls": CallsConfig,
    "hotkeys": HotkeysConfig,
}
_CHOICES = {
    ("window", "appearance"): ("system", "light", "dark"),
    ("calls", "refer"): ("ask", "accept", "refuse"),
}
_RANGES = {
    ("window", "scale"): (0.5, 4.0),
    ("calls", "no_answer_after"): (1, 600),
    ("audio", "input_gain"): (0, 4.0),
    ("audio", "volume"): (0, 4.0),
    ("audio", "ring_volume"): (0, 4.0),
    ("dialing", "extension_digits"): (0, 15),
}


def default_path() -> Path:
    from platformdirs import user_config_path  # only the desktop's start needs it

    return user_config_path("platypus", appauthor=False) / "config.toml"


def load(path: Path | None = None) -> Config:
    """Read `path`, or the default file, which may be missing. Raises `ConfigError`."""
    file = path or default_path()
    try:
        with file.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except FileNotFoundError as error:
        if path is None:
            return Config()
        raise ConfigError("there is no such file", file=str(file)) from error
    except OSError as error:
        raise ConfigError(f"can't be read: {error.strerror}", file=str(file)) from error
    if len(data) > MAX_BYTES:
        raise ConfigError(f"is larger than {MAX_BYTES} bytes", file=str(file))
    try:
        return parse(data.decode("utf-8-sig"), file=str(file))
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError("is not UTF-8 text", file=str(file), line=line) from error


def parse(text: str, *, file: str | None = None) -> Config:
    """The configuration in a TOML text. Raises `ConfigError`."""
    return _Reader(text, file).config()


def save(config: Config, path: Path | None = None) -> None:
    """Write the file whole or not at all: a crash leaves the old one.

    Comments a user put there are lost. Raises `ConfigError`.
    """
    file = path or default_path()
    try:
        write_whole(file, serialize(config).encode())
    except OSError as error:
        raise ConfigError(f"can't be written: {error.strerror}", file=str(file)) from error


def serialize(config: Config) -> str:
    """TOML with what differs from the default; `parse` gives the same configuration back."""
    default = Config()
    lines = []
    if config.listen != default.listen:
        host, port = config.listen
        lines.append(_entry("listen", f"[{host}]:{port}" if ":" in host else f"{host}:{port}"))
    if config.transport != default.transport:
        lines.append(_entry("transport", config.transport))
    lines += [
        _entry(key, list(value) if key == "tls_pins" else value)
        for key in _PLAIN_KEYS
        if (value := getattr(config, key)) != getattr(default, key)
    ]
    if config.codecs != default.codecs:
        lines.append(_entry("codecs", list(config.codecs)))
    if config.rtp_ports is not None:
        lines.append(_entry("rtp_ports", "{}-{}".format(*config.rtp_ports)))
    for name in _TABLES:
        table, usual = getattr(config, name), getattr(default, name)
        if table != usual:
            lines += ["", f"[{name}]", *_entries(table, usual)]
    for account in config.accounts:
        lines += ["", f"[accounts.{_key(account.name)}]"]
        lines += _entries(account, AccountConfig(account.name, ""))
    return "\n".join(lines).lstrip("\n") + "\n" if lines else ""


class _Reader:
    """One text, and what is needed to say where in it something is wrong."""

    def __init__(self, text: str, file: str | None) -> None:
        self._text, self._file = text, file

    def config(self) -> Config:
        try:
            table = tomllib.loads(self._text)
        except tomllib.TOMLDecodeError as error:
            found = _DECODE_LINE.search(str(error))
            problem = _DECODE_LINE.sub("", str(error))
            last = self._text.rstrip("\n").count("\n") + 1
            line = int(found[1]) if found and found[1] else last
            raise ConfigError(problem, file=self._file, line=line) from error
        except RecursionError as error:  # tomllib follows nested arrays by calling itself
            raise ConfigError("is nested too deeply", file=self._file) from error
        self._check_keys(table, Config, "")
        given: dict[str, Any] = {}
        if "listen" in table:
            given["listen"] = self._listen(table["listen"])
        if "transport" in table:
            given["transport"] = self._transport(table["transport"])
        texts = {key: table[key] for key in _PLAIN_KEYS if key in table and key != "tls_pins"}
        given |= self._values(texts, Config, "")
        if given.get("srtp", "prefer") not in ("off", "prefer", "require"):
            raise self._error('srtp must be "off", "prefer" or "require"', "", "srtp")
        for key, hint in (("tls_pins", "SHA-256 fingerprints"), ("codecs", '"pcmu", "pcma"')):
            if key in table:
                given[key] = self._texts(table[key], key, hint)
        if "rtp_ports" in table:
            given["rtp_ports"] = self._rtp_ports(table["rtp_ports"])
        for name, kind in _TABLES.items():
            part = self._table(table, name)
            self._check_keys(part, kind, name)
            given[name] = kind(**self._values(part, kind, name))
            self._check_choices(name, given[name])
        given["accounts"] = tuple(self._accounts(self._table(table, "accounts")))
        return Config(**given)

    def _accounts(self, table: Mapping[str, Any]) -> Iterator[AccountConfig]:
        if len(table) > MAX_ACCOUNTS:
            raise self._error(f"{len(table)} accounts, {MAX_ACCOUNTS} are allowed", "", "accounts")
        for name in table:
            where = f"accounts.{name}"
            if not isinstance(table[name], dict):
                hint = 'write [accounts.NAME], and under it address = "sip:..."'
                raise self._error(f"{name!r} is not an account", "accounts", name, hint)
            account = self._table(table, name, "accounts")
            self._check_keys(account, AccountConfig, where)
            if "address" not in account:
                hint = 'add address = "sip:user@host"'
                raise self._error(f"the account {name!r} has no address", where, "", hint)
            values = self._values(account, AccountConfig, where)
            for key in ("address", "registrar", "outbound_proxy"):
                self._check_uri(values.get(key), where, key)
            if not 1 <= values.get("expires", 300) <= 2**31:
                raise self._error("expires is a number of seconds, at least 1", where, "expires")
            yield AccountConfig(name, **values)

    def _check_uri(self, uri: str | None, where: str, key: str) -> None:
        if uri is None:
            return
        scheme, _, rest = uri.partition(":")
        user, at, _ = rest.partition("@")
        if at and ":" in user:
            raise self._password(where, key)
        if scheme.lower() not in ("sip", "sips") or not rest:
            hint = f'as in {key} = "sip:{"user@" if key == "address" else ""}pbx.example.com"'
            raise self._error(f"{key} is not a SIP address", where, key, hint)
        if key == "address" and not (at and user):
            raise self._error("address has no user", where, key, 'as in "sip:user@host"')

    def _check_choices(self, where: str, table: object) -> None:
        for (name, key), allowed in _CHOICES.items():
            if name == where and getattr(table, key) not in allowed:
                known = ", ".join(json.dumps(each) for each in allowed)
                raise self._error(f"{key} must be one of {known}", where, key)
        for (name, key), (low, high) in _RANGES.items():
            value = getattr(table, key) if name == where else None
            if value is not None and value != 0 and not low <= value <= high:
                raise self._error(f"{key} is from {low:g} to {high:g}", where, key)

    def _values(self, table: Mapping[str, Any], kind: type, where: str) -> dict[str, Any]:
        """The entries of a table, each of the type its field has."""
        types = {each.name: str(each.type) for each in fields(kind)}
        for key, value in table.items():
            wanted = types[key].partition(" ")[0]
            if type(value).__name__ not in (wanted, "int" if wanted == "float" else wanted):
                needs = {"str": "text in quotes", "int": "a whole number", "float": "a number",
                         "bool": "true or false"}  # fmt: skip
                raise self._error(f"{key} must be {needs[wanted]}", where, key)
        return dict(table)

    def _listen(self, value: object) -> tuple[str, int]:
        text = value if isinstance(value, str) else ""
        host, _, port = text.rpartition(":")
        host = host.removeprefix("[").removesuffix("]")
        if not host or not re.fullmatch(r"[0-9]{1,5}", port) or int(port) > 65_535:
            hint = 'as in "0.0.0.0:5060"; port 0 picks a free one'
            raise self._error("listen must be an address and a port", "", "listen", hint)
        return host, int(port)

    def _transport(self, value: object) -> str:
        if not isinstance(value, str) or value not in ("udp", "tcp", "tls"):
            raise self._error('transport must be "udp", "tcp" or "tls"', "", "transport")
        return value

    def _texts(self, value: object, key: str, hint: str) -> tuple[str, ...]:
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            what = f"{key} must be a list of texts"
            raise self._error(what, "", key, f"as in {key} = [{hint}]")
        return tuple(value)

    def _rtp_ports(self, value: object) -> tuple[int, int]:
        found = re.fullmatch(r"\s*([0-9]{1,5})\s*-\s*([0-9]{1,5})\s*", str(value))
        low, high = (int(found[1]), int(found[2])) if found else (0, 0)
        if not 1 <= low < high <= 65_535:
            hint = 'as in rtp_ports = "10000-10999"; a call takes two ports'
            raise self._error("rtp_ports must be a range of ports", "", "rtp_ports", hint)
        return low, high

    def _table(self, parent: Mapping[str, Any], key: str, where: str = "") -> Mapping[str, Any]:
        value = parent.get(key, {})
        if not isinstance(value, dict):
            raise self._error(f"{key} must be a table", where, key, f"written as [{key}]")
        return value

    def _check_keys(self, table: Mapping[str, Any], kind: type, where: str) -> None:
        known = [each.name for each in fields(kind) if (kind, each.name) != (AccountConfig, "name")]
        for key in table:
            if key.lower() in _PASSWORD_KEYS:
                raise self._password(where, key)
            if key not in known:
                close = get_close_matches(key, known, 1)
                hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(known)}"
                place = f" in [{where}]" if where else ""
                raise self._error(f"unknown key {key!r}{place}", where, key, hint)

    def _password(self, where: str, key: str) -> ConfigError:
        problem = "a password can't stand in this file, which is copied and backed up in the clear"
        hint = "take it out; give it with --password-env, or type it when asked"
        return self._error(problem, where, key, hint)

    def _error(self, problem: str, where: str, key: str, hint: str = "") -> ConfigError:
        return ConfigError(problem, file=self._file, line=self._line(where, key), hint=hint)

    def _line(self, where: str, key: str) -> int | None:
        """The line of a key in a table, or of the table: tomllib doesn't keep it."""
        table, header = "", None
        entry = re.compile(rf"\s*[\"']?{re.escape(key)}[\"']?\s*[=.]")
        for number, line in enumerate(self._text.split("\n"), 1):
            if found := _TABLE.match(line):
                table = re.sub(r"[\"'\s]", "", found["name"])
                if header is None and table == re.sub(r"[\"'\s]", "", f"{where}.{key}".strip(".")):
                    header = number
            elif key and table == re.sub(r"[\"'\s]", "", where) and entry.match(line):
                return number
        return header


def _entries(table: Any, default: Any) -> list[str]:
    values = {each.name: getattr(table, each.name) for each in fields(table)}
    return [
        _entry(key, value)
        for key, value in values.items()
        if key != "name" and value != getattr(default, key)
    ]


def _entry(key: str, value: object) -> str:
    # A JSON text, list or boolean is TOML as well, but for one control character.
    return f"{key} = {json.dumps(value, ensure_ascii=False)}".replace("\x7f", "\\u007f")


def _key(name: str) -> str:
    quoted = json.dumps(name, ensure_ascii=False).replace("\x7f", "\\u007f")
    return name if _BARE_KEY.fullmatch(name) else quoted
