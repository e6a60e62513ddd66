from __future__ import annotations

import logging
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platypus.config import Config, parse, serialize
from platypus.errors import ConfigError
from platypus.importing import Imported, read_accounts

MICROSIP = """[Settings]
accountId=1
[Account1]
label=Work
server=pbx.example.com
proxy=edge.example.com
domain=example.com
username=alice
password=se;cret
authID=alice-auth
displayName=Alice A.
transport=tls
SRTP=mandatory
registerRefresh=600
[Account2]
label=Work
server=10.0.0.1:5070
domain=10.0.0.1:5070
username=202
password=AABBCCDDEEFF00112233445566778899AABBCCDDEEFF00112233
[Calls]
0=x
"""
LINPHONE = """[sip]
guess_hostname=1
[auth_info_0]
username=alice
userid=alice-auth
passwd=secret
domain=example.com
[auth_info_1]
username=bob
ha1=0123
domain=example.org
[proxy_0]
reg_proxy=<sip:pbx.example.com;transport=tcp>
reg_route=<sip:edge.example.com;lr>
reg_identity="Alice A." <sip:alice@example.com>
reg_expires=1200
[proxy_1]
reg_proxy=sip:example.org
reg_identity=sip:bob@example.org
reg_sendregister=0
"""
BARESIP = """# Displayname <sip:user:password@domain>
<sip:alice:secret@example.com:5080;transport=tls>;auth_user=alice-auth;regint=600;mediaenc=srtp-mand
"Bob B." <sip:bob@[2001:db8::1]:5060>;auth_pass="other;one";outbound="sip:edge.example.com";regint=0
<sip:carol@example.com>
"""
PROTOTYPE = """{"sip": {"username": "alice", "server": "pbx.example.com", "port": 5070,
 "password": "secret", "displayName": "Alice"}, "audio": {"input": "Mic"}}"""


def read(tmp_path: Path, text: str, encoding: str = "utf-8") -> Imported:
    path = tmp_path / "file"
    path.write_bytes(text.encode(encoding))
    return read_accounts(path)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_microsip(tmp_path: Path, encoding: str) -> None:
    found = read(tmp_path, MICROSIP, encoding)
    first, second = found.accounts
    assert (first.config.address, first.password) == ("sip:alice@example.com", "se;cret")
    assert (first.config.registrar, first.config.outbound_proxy) == (
        "sip:pbx.example.com",
        "sip:edge.example.com",
    )
    assert (first.config.auth_user, first.config.display_name) == ("alice-auth", "Alice A.")
    assert (first.transport, first.srtp, first.config.expires) == ("tls", "require", 600)
    assert (second.config.name, second.password) == ("Work-2", None)
    assert "type it once more" in found.notes[0]


def test_linphone(tmp_path: Path) -> None:
    found = read(tmp_path, LINPHONE)
    first, second = found.accounts
    assert (first.config.address, first.password) == ("sip:alice@example.com", "secret")
    assert first.config.registrar == "sip:pbx.example.com"
    assert first.config.outbound_proxy == "sip:edge.example.com;lr"
    assert (first.transport, first.config.auth_user) == ("tcp", "alice-auth")
    assert (first.config.display_name, first.config.expires) == ("Alice A.", 1200)
    assert (second.config.register, second.password) == (False, None)
    assert "only a digest" in found.notes[0]


def test_baresip(tmp_path: Path) -> None:
    found = read(tmp_path, BARESIP)
    alice, bob, carol = found.accounts
    assert (alice.config.address, alice.password) == ("sip:alice@example.com:5080", "secret")
    assert (alice.transport, alice.srtp, alice.config.expires) == ("tls", "require", 600)
    assert (bob.config.address, bob.config.display_name) == ("sip:bob@[2001:db8::1]:5060", "Bob B.")
    assert bob.config.register is False
    assert carol.password is None
    assert "carol@example.com" in found.notes[0]


def test_the_prototype(tmp_path: Path) -> None:
    (alice,) = read(tmp_path, PROTOTYPE).accounts
    assert (alice.config.address, alice.password) == ("sip:alice@pbx.example.com:5070", "secret")
    obscured = read(tmp_path, PROTOTYPE.replace('"password"', '"encrypted_password"'))
    assert obscured.accounts[0].password is None
    assert "no usable password" in obscured.notes[0]


@pytest.mark.parametrize("text", [MICROSIP, LINPHONE, BARESIP, PROTOTYPE])
def test_what_is_imported_can_be_written_and_read_without_a_password(
    tmp_path: Path, text: str
) -> None:
    found = read(tmp_path, text)
    accounts = tuple(each.config for each in found.accounts)
    written = serialize(Config(accounts=accounts))
    assert parse(written).accounts == accounts
    for each in found.accounts:
        assert each.password is None or each.password not in written


def test_no_password_is_shown(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        found = read(tmp_path, BARESIP)
    assert "secret" not in repr(found) + caplog.text + " ".join(found.notes)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("hello", "no phone's file"),
        ("{", "not JSON"),
        ("{}", "holds no account"),
        ("[Settings]\nx=1\n", "holds no account"),
        ("[" * 100_000, "no phone's file"),
        ('{"a":' * 100_000, "not JSON"),
    ],
)
def test_what_is_none_of_these_is_said(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(ConfigError, match=problem):
        read(tmp_path, text)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        read_accounts(tmp_path / "missing")


@given(
    st.sampled_from(["[Account1]\n", "[proxy_0]\n", "<sip:", "{"]),
    st.text(alphabet='ab=<>@:;[]"\n{},sip_dentyregusrma', max_size=120),
)
def test_no_text_breaks_a_reader(
    tmp_path_factory: pytest.TempPathFactory, start: str, text: str
) -> None:
    folder = tmp_path_factory.mktemp("import")
    try:
        found = read(folder, start + text)
    except ConfigError:
        return
    assert found.accounts
