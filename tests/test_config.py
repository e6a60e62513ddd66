"""The configuration file: what it takes, and what it says about the rest."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platypus.config import (
    MAX_ACCOUNTS,
    MAX_BYTES,
    AccountConfig,
    AudioConfig,
    Config,
    default_path,
    load,
    parse,
    save,
    serialize,
)
from platypus.errors import ConfigError

WHOLE = """\
# at the office
listen = "192.0.2.1:5060"
transport = "tls"
tls_ca = "ca.pem"
tls_certificate = "own.pem"
tls_key = "own.key"
tls_pins = ["AB", "CD"]
tls_insecure = true
codecs = ["pcma", "pcmu"]
rtp_ports = "10000-10999"

[audio]
source = "system"
output = "Headset"

[accounts.work]
address = "sip:alice@pbx.example.com"
display_name = "Alice"
auth_user = "a1"
registrar = "sip:reg.example.com:5070"
outbound_proxy = "sip:edge.example.com"
register = false
expires = 120
mwi = true

[accounts."at home"]
address = "sip:alice@home.example.com"
"""


def refusal(text: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        parse(text, file="config.toml")
    return caught.value


class TestReading:
    def test_every_key(self):
        assert parse(WHOLE) == Config(
            listen=("192.0.2.1", 5060),
            transport="tls",
            tls_ca="ca.pem",
            tls_certificate="own.pem",
            tls_key="own.key",
            tls_pins=("AB", "CD"),
            tls_insecure=True,
            codecs=("pcma", "pcmu"),
            rtp_ports=(10000, 10999),
            audio=AudioConfig(output="Headset"),
            accounts=(
                AccountConfig(
                    "work",
                    "sip:alice@pbx.example.com",
                    display_name="Alice",
                    auth_user="a1",
                    registrar="sip:reg.example.com:5070",
                    outbound_proxy="sip:edge.example.com",
                    register=False,
                    expires=120,
                    mwi=True,
                ),
                AccountConfig("at home", "sip:alice@home.example.com"),
            ),
        )

    def test_nothing_gives_the_defaults(self):
        assert parse("") == Config()

    def test_an_ipv6_address_to_listen_on(self):
        assert parse('listen = "[::1]:5060"').listen == ("::1", 5060)

    def test_a_file_with_a_byte_order_mark(self, tmp_path):
        (tmp_path / "c.toml").write_bytes(b'\xef\xbb\xbftransport = "tcp"')
        assert load(tmp_path / "c.toml").transport == "tcp"

    def test_the_default_file_may_be_missing(self, tmp_path, monkeypatch):
        monkeypatch.setattr("platypus.config.default_path", lambda: tmp_path / "none.toml")
        assert load() == Config()

    def test_the_default_file_stands_where_the_platform_wants_it(self):
        assert default_path().name == "config.toml"
        assert default_path().parent.name == "platypus"


class TestRefusing:
    @pytest.mark.parametrize(
        ("text", "line", "words"),
        [
            ('\nlisten = "0.0.0.0:5060"\ncodec = ["pcmu"]', 3, ["'codec'", "codecs"]),
            ('[audio]\n# loud\noutptu = "x"', 3, ["'outptu'", "[audio]", "output"]),
            ('[accounts.a]\naddress="sip:a@b"\nexpire = 3', 3, ["'expire'", "expires"]),
            ("[sound]", 1, ["'sound'", "there are"]),
            ("[accounts.a]\nname = 'x'\naddress='sip:a@b'", 2, ["'name'"]),
            ("listen = 5060", 1, ["an address and a port", "0.0.0.0:5060"]),
            ('listen = "5060"', 1, ["an address and a port"]),
            ('listen = "h:99999"', 1, ["an address and a port"]),
            ('listen = "h:' + "0" * 5000 + '"', 1, ["an address and a port"]),
            ('transport = "sctp"', 1, ["udp"]),
            ('codecs = "pcmu"', 1, ["list"]),
            ("codecs = [1]", 1, ["list"]),
            ('tls_pins = "AB"', 1, ["list"]),
            ("tls_ca = 1", 1, ["text in quotes"]),
            ("tls_insecure = 1", 1, ["true or false"]),
            ('rtp_ports = "9-8"', 1, ["range"]),
            ("rtp_ports = 9000", 1, ["range"]),
            ("audio = 1", 1, ["table", "[audio]"]),
            ("[accounts]\na = 1", 2, ["not an account"]),
            ("\n[accounts.a]\nexpires = 60", 2, ["no address"]),
            ('[accounts.a]\naddress = "alice"', 2, ["SIP address"]),
            ('[accounts.a]\naddress = "sip:pbx.example.com"', 2, ["no user"]),
            ('[accounts.a]\naddress = "sip:a@b"\nregistrar = "b"', 3, ["registrar"]),
            ('[accounts.a]\naddress = "sip:a@b"\nexpires = 0', 3, ["seconds"]),
            ('[accounts.a]\naddress = "sip:a@b"\nexpires = "9"', 3, ["whole number"]),
            ('[accounts.a]\naddress = "sip:a@b"\nexpires = true', 3, ["whole number"]),
            ('[accounts.a]\naddress = "sip:a@b"\nregister = 1', 3, ["true or false"]),
            ('[accounts."a b"]\naddress = 1', 2, ["text in quotes"]),
            ("listen = ", 1, ["Invalid value"]),
            ("a = 1\na = 2", 2, ["overwrite"]),
        ],
    )
    def test_names_the_file_the_line_and_what_to_do(self, text, line, words):
        error = refusal(text)
        assert str(error).startswith(f"config.toml:{line}: ")
        assert all(word in str(error) for word in words), str(error)

    @pytest.mark.parametrize(
        "text",
        [
            '[accounts.a]\naddress = "sip:a@b"\npassword = "hunter2"',
            '[accounts.a]\naddress = "sip:a@b"\nPassword = "hunter2"',
            '[accounts.a]\n\naddress = "sip:a:hunter2@b"',
            '\n\nsecret = "hunter2"',
        ],
    )
    def test_a_password_is_refused_without_repeating_it(self, text):
        error = refusal(text)
        assert error.line == 3
        assert "--password-env" in str(error) and "hunter2" not in str(error)

    def test_a_missing_file_that_was_asked_for(self, tmp_path):
        with pytest.raises(ConfigError, match="no such file"):
            load(tmp_path / "none.toml")

    def test_a_directory(self, tmp_path):
        with pytest.raises(ConfigError, match="can't be read"):
            load(tmp_path)

    def test_a_file_that_is_no_text(self, tmp_path):
        (tmp_path / "c.toml").write_bytes(b'listen = "x"\n\xff\xfe')
        with pytest.raises(ConfigError, match=r"c\.toml:2: is not UTF-8"):
            load(tmp_path / "c.toml")

    def test_a_file_without_end(self, tmp_path):
        (tmp_path / "c.toml").write_bytes(b"#" * (MAX_BYTES + 1))
        with pytest.raises(ConfigError, match="larger"):
            load(tmp_path / "c.toml")

    def test_nesting_without_end(self):
        assert "nested" in str(refusal("a = " + "[" * 100_000))

    def test_too_many_accounts(self):
        text = "".join(f'[accounts.a{n}]\naddress="sip:a@b"\n' for n in range(MAX_ACCOUNTS + 1))
        assert "accounts" in str(refusal(text))


names = st.text(min_size=1, max_size=8).filter(lambda text: text.isprintable())
hosts = st.from_regex(r"[a-z]{1,8}(\.[a-z]{1,8}){0,2}", fullmatch=True)
ports = st.integers(1, 30_000)
configs = st.builds(
    Config,
    listen=st.tuples(st.sampled_from(["0.0.0.0", "::", "192.0.2.1"]), st.integers(0, 65535)),
    transport=st.sampled_from(["udp", "tcp", "tls"]),
    tls_ca=st.none() | names,
    tls_certificate=st.none() | names,
    tls_key=st.none() | names,
    tls_pins=st.lists(names, max_size=2).map(tuple),
    tls_insecure=st.booleans(),
    codecs=st.lists(names, max_size=3).map(tuple),
    rtp_ports=st.none() | ports.map(lambda low: (low, low + 100)),
    audio=st.builds(AudioConfig, names, st.none() | names, st.none() | names),
    accounts=st.lists(
        st.builds(
            AccountConfig,
            names,
            hosts.map("sip:alice@{}".format),
            display_name=names,
            register=st.booleans(),
            expires=st.integers(1, 86_400),
        ),
        max_size=3,
        unique_by=lambda account: account.name,
    ).map(tuple),
)


class TestWriting:
    @given(configs)
    def test_what_is_written_reads_the_same(self, config):
        assert parse(serialize(config)) == config

    def test_only_what_differs_is_written(self):
        assert serialize(Config()) == ""
        assert tomllib.loads(serialize(Config(transport="tls"))) == {"transport": "tls"}

    def test_makes_the_folder(self, tmp_path):
        file = tmp_path / "new" / "config.toml"
        save(parse(WHOLE), file)
        assert load(file) == parse(WHOLE)

    def test_a_failure_leaves_the_old_file_and_nothing_else(self, tmp_path, monkeypatch):
        file = tmp_path / "config.toml"
        save(Config(transport="tcp"), file)

        def fail(*_: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "replace", fail)
        with pytest.raises(ConfigError, match="No space left"):
            save(Config(transport="tls"), file)
        assert load(file).transport == "tcp"
        assert os.listdir(tmp_path) == ["config.toml"]

    @pytest.mark.skipif(os.name != "posix", reason="POSIX permissions")
    def test_is_for_its_owner_alone(self, tmp_path):
        save(Config(), tmp_path / "config.toml")
        assert (tmp_path / "config.toml").stat().st_mode & 0o077 == 0

    def test_a_place_that_can_not_be_written(self, tmp_path):
        (tmp_path / "file").touch()
        with pytest.raises(ConfigError, match="can't be written"):
            save(Config(), Path(tmp_path / "file" / "config.toml"))
