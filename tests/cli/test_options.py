"""What the command line takes, and what it says of what it does not take."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from platypus.cli import agent
from platypus.cli.options import AccountOptions, ask_password, collect_accounts
from platypus.cli.phone import Phone, read_phone
from platypus.cli.values import stun_server
from platypus.media import opus
from platypus.net.tls import TlsSettings
from tests.harness.authority import Authority


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="platypus agent", allow_abbrev=False)
    agent.add_arguments(parser)
    return parser


def phone(*words: str, look_for_config: bool = False) -> Phone:
    parser = make_parser()
    return read_phone(parser, parser.parse_args(words), look_for_config=look_for_config)


def accounts(*words: str) -> list[AccountOptions]:
    parser = make_parser()
    return collect_accounts(parser, parser.parse_args(words))


def complaint(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """What is said of a command line that can't be used."""
    with pytest.raises(SystemExit) as caught:
        phone(*words)
    assert caught.value.code == 2
    said = capsys.readouterr()
    assert said.out == ""
    return said.err


class TestEngineOptions:
    def test_nothing_is_the_sound_card_and_the_engines_own_defaults(self) -> None:
        assert phone().engine == {"audio": "system"}

    def test_each_option_becomes_an_argument_of_the_engine(self) -> None:
        assert phone(
            *("--listen", "127.0.0.1:5070", "--codecs", "PCMA,pcmu", "--rtp-ports", "10000-10009"),
            *("--audio", "wav-loop:a b.wav", "--input", "Mic", "--output", "Speaker"),
            *("--record", "out.wav", "--user", "bob", "--auto-answer", "0.5", "--reject", "603"),
            *("--max-calls", "2"),
        ).engine == {
            "listen": ("127.0.0.1", 5070),
            "codecs": ("pcma", "pcmu"),
            "rtp_ports": (10000, 10009),
            "audio": "wav-loop:a b.wav",
            "input": "Mic",
            "output": "Speaker",
            "record": "out.wav",
            "user": "bob",
            "auto_answer": 0.5,
            "reject": 603,
            "max_calls": 2,
        }

    @pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
    def test_the_transport_is_the_engines(self, transport: str) -> None:
        assert phone("--transport", transport).engine["transport"] == transport

    def test_a_sips_account_is_taken(self) -> None:
        assert accounts("--account", "sips:alice@pbx")[0].aor == "sips:alice@pbx"

    def test_an_ipv6_address_stands_in_brackets(self) -> None:
        assert phone("--listen", "[::1]:5060").engine["listen"] == ("::1", 5060)

    @pytest.mark.parametrize("srtp", ["off", "prefer"])
    def test_encryption_that_udp_does_not_offer_may_be_preferred(self, srtp: str) -> None:
        assert phone("--srtp", srtp, "--transport", "udp")

    @pytest.mark.parametrize(
        "words",
        [
            ("--listen", "127.0.0.1"),
            ("--listen", "5060"),
            ("--listen", ":5060"),
            ("--listen", "::1:5060"),
            ("--listen", "127.0.0.1:65536"),
            ("--listen", "127.0.0.1:-1"),
            ("--listen", "127.0.0.1:\u0665"),
            ("--transport", "sctp"),
            ("--codecs", "pcmu,mp3"),
            ("--codecs", ""),
            ("--codecs", "pcmu,pcmu"),
            ("--rtp-ports", "10000"),
            ("--rtp-ports", "10009-10000"),
            ("--rtp-ports", "10001-10002"),
            ("--rtp-ports", "0-9"),
            ("--rtp-ports", "65000-66000"),
            ("--audio", "mp3:x"),
            ("--audio", "wav:"),
            ("--audio", "wav"),
            ("--record", "/dev/null/out.wav"),
            ("--record", "."),
            ("--srtp", "maybe"),
            ("--auto-answer", "-1"),
            ("--auto-answer", "soon"),
            ("--auto-answer", "nan"),
            ("--auto-answer", "inf"),
            ("--reject", "200"),
            ("--refer", "maybe"),
            ("--reject", "99999999999"),
            ("--max-calls", "0"),
            ("--prack", "maybe"),
            ("--stun", "a b"),
            ("--stun", "stun.example.com:0"),
            ("--stun", "stun.example.com:port"),
            ("--stun", "2001:db8::1"),
            ("--min-se", "0"),
            ("--account", "alice"),
            ("--account", "sip:pbx.example.com"),
            ("--account", "sip:alice@"),
            ("--account", "sip:alice:secret@pbx"),
            ("--expires", "0"),
        ],
    )
    def test_a_value_that_can_not_be_is_refused_with_its_option(
        self, capsys: pytest.CaptureFixture[str], words: tuple[str, str]
    ) -> None:
        assert words[0] in complaint(capsys, *words)

    @pytest.mark.parametrize(
        ("text", "server"),
        [
            ("stun.example.com", ("stun.example.com", 3478)),
            ("192.0.2.1:5000", ("192.0.2.1", 5000)),
            ("[2001:db8::1]", ("2001:db8::1", 3478)),
            ("[2001:db8::1]:5000", ("2001:db8::1", 5000)),
        ],
    )
    def test_a_stun_server_has_a_port_of_its_own(self, text: str, server: tuple[str, int]) -> None:
        assert stun_server(text) == server

    @pytest.mark.parametrize("uri", ["nope:", "sip:nope:", "sip:nope:;lr", "sip:"])
    def test_an_outbound_proxy_without_its_port_is_refused(
        self, capsys: pytest.CaptureFixture[str], uri: str
    ) -> None:
        words = ("--account", "sip:alice@pbx", "--outbound-proxy", uri)
        assert "--outbound-proxy" in complaint(capsys, *words)

    def test_a_password_in_a_uri_is_not_repeated(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert "hunter2" not in complaint(capsys, "--account", "sip:alice:hunter2@pbx")

    @pytest.mark.parametrize("word", ["--lisen", "--rec", "stray"])
    def test_an_option_that_is_none_is_named(
        self, capsys: pytest.CaptureFixture[str], word: str
    ) -> None:
        assert word in complaint(capsys, word)

    def test_opus_without_libopus_is_refused_with_what_to_do(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("platypus.media.opus._NAMES", {"linux": ("libnone.so.7",)})
        monkeypatch.setattr("sys.platform", "linux")
        opus.available.cache_clear()
        try:
            said = complaint(capsys, "--codecs", "pcmu,opus")
        finally:
            opus.available.cache_clear()
        assert "libopus" in said and "apt install libopus0" in said


class TestTls:
    @pytest.fixture
    def authority(self, tmp_path: Path) -> Authority:
        return Authority(tmp_path)

    def test_nothing_said_is_the_engines_own_default(self) -> None:
        assert "tls" not in phone("--transport", "tls").engine

    def test_the_files_become_the_settings(self, authority: Authority) -> None:
        ours = authority.issue("pbx")
        found = phone(
            *("--tls-ca", authority.file),
            *("--tls-cert", ours.certificate_file, "--tls-key", ours.key_file),
        ).engine["tls"]
        assert found == TlsSettings(
            ca_file=authority.file, certificate=ours.certificate_file, key=ours.key_file
        )

    def test_insecure_believes_everybody(self) -> None:
        assert phone("--tls-insecure").engine["tls"].verify is False

    @pytest.mark.parametrize("option", ["--tls-ca", "--tls-cert"])
    def test_a_file_that_is_not_there_is_named(
        self, capsys: pytest.CaptureFixture[str], option: str
    ) -> None:
        said = complaint(capsys, option, "/nowhere/x.pem")
        assert option in said and "/nowhere/x.pem" in said

    def test_a_key_of_another_certificate_is_refused(
        self, capsys: pytest.CaptureFixture[str], authority: Authority
    ) -> None:
        one, other = authority.issue("a"), authority.issue("b")
        said = complaint(capsys, "--tls-cert", one.certificate_file, "--tls-key", other.key_file)
        assert "--tls-cert" in said

    def test_a_key_alone_is_refused(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert "--tls-key needs a --tls-cert" in complaint(capsys, "--tls-key", "key.pem")

    def test_what_the_configuration_says_is_used(
        self, authority: Authority, tmp_path: Path
    ) -> None:
        path, pin = tmp_path / "phone.toml", "AB:" * 31 + "CD"
        path.write_text(f'transport = "tls"\ntls_ca = "{authority.file}"\ntls_pins = ["{pin}"]\n')
        engine = phone("--config", str(path)).engine
        assert engine["transport"] == "tls"
        assert engine["tls"] == TlsSettings(ca_file=authority.file, pins=(pin,))

    def test_a_pin_that_is_none_is_named(
        self, capsys: pytest.CaptureFixture[str], tmp_path: Path
    ) -> None:
        path = tmp_path / "phone.toml"
        path.write_text('tls_pins = ["AB:CD"]\n')
        assert "tls_pins" in complaint(capsys, "--config", str(path))


class TestAccounts:
    def test_an_account_alone(self) -> None:
        assert accounts("--account", "sip:alice@pbx:5080") == [AccountOptions("sip:alice@pbx:5080")]

    def test_the_scheme_may_be_left_out(self) -> None:
        assert accounts("--account", "alice@pbx")[0].aor == "sip:alice@pbx"

    def test_what_follows_an_account_is_about_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PW1", "one")
        monkeypatch.setenv("PW2", "two")
        first, second = accounts(
            *("--account", "sip:a@pbx", "--auth-user", "aa", "--password-env", "PW1"),
            *("--account", "sip:b@pbx", "--password-env", "PW2", "--registrar", "sip:reg:5070"),
        )
        assert (first.auth_user, first.password, first.registrar) == ("aa", "one", None)
        assert (second.auth_user, second.password, second.registrar) == (
            None,
            "two",
            "sip:reg:5070",
        )

    @pytest.mark.parametrize("place", ["before", "after"])
    def test_given_once_these_hold_for_all(self, place: str) -> None:
        shared = ["--expires", "60", "--no-register", "--outbound-proxy", "sip:proxy"]
        both = ["--account", "sip:a@pbx", "--account", "sip:b@pbx"]
        words = shared + both if place == "before" else both + shared
        for account in accounts(*words):
            assert (account.expires, account.register) == (60, False)
            assert account.outbound_proxy == "sip:proxy"

    def test_given_for_each_they_are_each_ones_own(self) -> None:
        found = accounts(
            *("--account", "sip:a@pbx", "--expires", "60"),
            *("--account", "sip:b@pbx", "--expires", "90"),
            *("--account", "sip:c@pbx"),
        )
        assert [account.expires for account in found] == [60, 90, 300]

    def test_what_comes_before_the_first_account_is_its_own(self) -> None:
        first, second = accounts(
            "--auth-user", "aa", "--account", "sip:a@pbx", "--account", "sip:b@pbx"
        )
        assert (first.auth_user, second.auth_user) == ("aa", None)

    def test_an_option_without_an_account_is_refused(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert "--auth-user needs an --account" in complaint(capsys, "--auth-user", "alice")

    def test_a_variable_that_is_not_set_is_named(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("NO_SUCH_VARIABLE", raising=False)
        said = complaint(capsys, "--account", "sip:a@pbx", "--password-env", "NO_SUCH_VARIABLE")
        assert "NO_SUCH_VARIABLE" in said

    def test_a_password_does_not_show(self) -> None:
        assert "secret" not in repr(AccountOptions("sip:a@pbx", password="secret"))


class TestPrompt:
    @pytest.fixture
    def asked(self, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        prompts: list[str] = []

        def getpass(prompt: str) -> str:
            prompts.append(prompt)
            return "typed"

        monkeypatch.setattr("getpass.getpass", getpass)
        return prompts

    @pytest.mark.parametrize("terminal", [True, False])
    def test_a_terminal_is_asked_and_nothing_else(
        self, asked: list[str], monkeypatch: pytest.MonkeyPatch, terminal: bool
    ) -> None:
        monkeypatch.setattr("sys.stdin.isatty", lambda: terminal, raising=False)
        password = ask_password(AccountOptions("sip:a@pbx")).password
        assert password == ("typed" if terminal else None)
        assert len(asked) == terminal
        assert all("sip:a@pbx" in prompt for prompt in asked)

    def test_a_password_that_is_known_is_not_asked_for(
        self, asked: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
        assert ask_password(AccountOptions("sip:a@pbx", password="known")).password == "known"
        assert asked == []


class TestConfiguration:
    @pytest.fixture
    def file(self, tmp_path):
        path = tmp_path / "phone.toml"
        path.write_text(
            'listen = "127.0.0.1:5070"\ncodecs = ["pcma"]\n'
            '[audio]\nsource = "tone"\noutput = "Headset"\n'
            '[accounts.work]\naddress = "sip:alice@pbx"\nexpires = 120\n'
            'display_name = "Alice"\nmwi = true\n'
        )
        return path

    def test_it_is_used_where_the_command_line_says_nothing(self, file) -> None:
        found = phone("--config", str(file), "--codecs", "pcmu")
        assert found.engine["listen"] == ("127.0.0.1", 5070)
        assert found.engine["codecs"] == ("pcmu",)
        assert (found.engine["audio"], found.engine["output"]) == ("tone", "Headset")
        (account,) = found.accounts
        assert (account.aor, account.expires) == ("sip:alice@pbx", 120)
        assert (account.display_name, account.mwi) == ("Alice", True)

    def test_accounts_of_the_command_line_take_the_place_of_its_own(self, file) -> None:
        found = phone("--config", str(file), "--account", "sip:bob@pbx")
        assert [account.aor for account in found.accounts] == ["sip:bob@pbx"]

    def test_a_password_may_be_given_for_its_account(
        self, file, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PW", "secret")
        (account,) = phone("--config", str(file), "--password-env", "PW").accounts
        assert (account.aor, account.password) == ("sip:alice@pbx", "secret")

    def test_a_mistake_in_it_is_named_with_its_line(
        self, capsys: pytest.CaptureFixture[str], tmp_path
    ) -> None:
        path = tmp_path / "phone.toml"
        path.write_text('\nlissten = "127.0.0.1:5070"\n')
        said = complaint(capsys, "--config", str(path))
        assert f"{path}:2" in said and "listen" in said

    def test_a_codec_that_is_none_is_named_with_the_file(
        self, capsys: pytest.CaptureFixture[str], tmp_path
    ) -> None:
        path = tmp_path / "phone.toml"
        path.write_text('codecs = ["l16"]\n')
        said = complaint(capsys, "--config", str(path))
        assert "no codec 'l16'" in said and str(path) in said

    def test_a_file_that_is_not_there_is_named(
        self, capsys: pytest.CaptureFixture[str], tmp_path
    ) -> None:
        assert "nowhere.toml" in complaint(capsys, "--config", str(tmp_path / "nowhere.toml"))

    def test_the_agent_reads_none_that_was_not_asked_for(
        self, file, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("platypus.config.default_path", lambda: file)
        assert phone().accounts == ()
        (account,) = phone(look_for_config=True).accounts
        assert account.aor == "sip:alice@pbx"
