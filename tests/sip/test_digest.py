"""Digest authentication: the arithmetic, the client and the server (RFC 7616, RFC 8760)."""

from __future__ import annotations

import hashlib
import itertools
import json
import pathlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platypus.errors import ProtocolError
from platypus.sip.challenge import (
    HASHES,
    Challenge,
    challenges_of,
    digest_response,
    ha1,
    parse_auth,
)
from platypus.sip.digest import MAX_REALMS, DigestClient
from platypus.sip.digest_server import MAX_USED_NONCES, DigestServer, Verdict
from platypus.sip.message import Headers, Request, Response

VECTORS = json.loads(
    (pathlib.Path(__file__).parent.parent / "data" / "digest_vectors.json").read_text()
)["cases"]

TEXT = st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]))


def counter() -> object:
    """Randomness that never repeats, and is the same in every run."""
    numbers = itertools.count(1)
    return lambda size: next(numbers).to_bytes(size, "big")


def client(username: str = "alice", password: str = "secret") -> DigestClient:
    return DigestClient(username, password, counter())


def register(host: str = "example.com", body: bytes = b"") -> Request:
    headers = [("To", f"<sip:alice@{host}>"), ("CSeq", "1 REGISTER")]
    return Request("REGISTER", f"sip:{host}", headers, body)


def unauthorized(*challenges: str, status: int = 401) -> Response:
    name = "WWW-Authenticate" if status == 401 else "Proxy-Authenticate"
    return Response(status, "Unauthorized", [(name, text) for text in challenges])


def digest(realm: str = "r", nonce: str = "n1", **params: str) -> str:
    extra = "".join(f", {name}={value}" for name, value in params.items())
    return f'Digest realm="{realm}", nonce="{nonce}"{extra}'


def sent(request: Request, name: str = "Authorization") -> dict[str, str]:
    """The only credentials of a request."""
    (text,) = request.headers.get_all(name)
    ((scheme, params),) = parse_auth(text)
    assert scheme == "digest"
    return params


def again(request: Request) -> Request:
    """A copy, as the next attempt starts from."""
    return Request(request.method, request.uri, request.headers.copy(), request.body)


def lacks_sha_512_256(name: str, data: bytes) -> object:
    """hashlib.new of a Python whose OpenSSL was built without it."""
    raise ValueError(f"unsupported hash type {name}")


class TestArithmetic:
    @pytest.mark.parametrize("case", VECTORS, ids=lambda case: case["name"])
    def test_gives_the_known_responses(self, case):
        session = f"{case['nonce']}:{case.get('cnonce', '')}"
        secret = ha1(
            case["algorithm"], case["username"], case["realm"], case["password"], session=session
        )
        response = digest_response(
            case["algorithm"],
            secret,
            method=case["method"],
            uri=case["uri"],
            nonce=case["nonce"],
            qop=case.get("qop", ""),
            nc=case.get("nc", ""),
            cnonce=case.get("cnonce", ""),
            body=case.get("body", "").encode(),
        )
        assert response == case["response"]

    def test_sha_512_256_hashes_as_fips_180_4_says(self):
        assert HASHES["sha-512-256"](b"abc") == (
            "53048e2681941ef99b2e29b76b4c7dabe4c2d0c634fc6d46e0e2f13107e7af23"
        )

    def test_sha_512_256_absent_is_a_clear_error(self, monkeypatch):
        monkeypatch.setattr(hashlib, "new", lacks_sha_512_256)
        with pytest.raises(ProtocolError, match="SHA-512-256"):
            HASHES["sha-512-256"](b"")


class TestParsing:
    def test_commas_and_escapes_inside_quotes_belong_to_the_value(self):
        text = 'Digest realm="a, \\"b\\", c", qop="auth,auth-int", nonce = "n=,=" , stale=TRUE'
        assert Challenge.parse(text) == Challenge(
            'a, "b", c', "n=,=", qop=("auth", "auth-int"), stale=True
        )

    def test_names_and_scheme_are_case_insensitive(self):
        parsed = Challenge.parse('DIGEST Realm="r",NONCE="n",Algorithm=sha-256,opaque=""')
        assert (parsed.realm, parsed.algorithm, parsed.opaque) == ("r", "sha-256", "")

    def test_several_challenges_may_share_a_field(self):
        text = 'Basic realm="x", Digest realm="a", nonce="1", Digest realm="b", nonce="2"'
        assert [c.realm for c in Challenge.parse_all(text)] == ["a", "b"]

    @pytest.mark.parametrize(
        "text", ['Basic realm="x"', 'Digest realm="x"', "Digest", "", "NoOneKnows opaque-data=here"]
    )
    def test_what_is_no_digest_challenge_is_refused(self, text):
        with pytest.raises(ProtocolError):
            Challenge.parse(text)

    @pytest.mark.parametrize(
        "text", ['Digest realm="x', 'realm="x"', "Digest =x", 'Digest a="b"c"', "Digest \x00"]
    )
    def test_what_can_not_be_read_is_refused(self, text):
        with pytest.raises(ProtocolError):
            parse_auth(text)

    @given(TEXT)
    def test_any_text_raises_nothing_but_a_protocol_error(self, text):
        for prefix in ("", "Digest ", 'Digest realm="'):
            try:
                parse_auth(prefix + text)
            except ProtocolError:
                continue

    def test_malformed_fields_beside_a_good_one_do_not_matter(self):
        response = unauthorized('Digest realm="x', digest("good"), "Basic x")
        assert [c.realm for c in challenges_of(response)] == ["good"]


class TestClient:
    def test_answers_a_challenge(self):
        request = register()
        assert client().authorize(
            unauthorized(digest("r", "n", qop='"auth"', opaque='"o"')), request
        )
        params = sent(request)
        secret = ha1("md5", "alice", "r", "secret")
        assert params.pop("response") == digest_response(
            "md5", secret, method="REGISTER", uri="sip:example.com", nonce="n", qop="auth",
            nc="00000001", cnonce=params["cnonce"],
        )  # fmt: skip
        assert params == {
            "username": "alice", "realm": "r", "nonce": "n", "uri": "sip:example.com",
            "opaque": "o", "qop": "auth", "nc": "00000001", "cnonce": params["cnonce"],
        }  # fmt: skip

    def test_a_second_challenge_raises_the_count_for_the_first_as_well(self):
        digest_client, request = client(), register()
        digest_client.authorize(unauthorized(digest("proxy", qop='"auth"'), status=407), request)
        assert sent(request, "Proxy-Authorization")["nc"] == "00000001"
        digest_client.authorize(unauthorized(digest("callee", qop='"auth"')), request)
        assert sent(request, "Proxy-Authorization")["nc"] == "00000002"
        assert sent(request)["nc"] == "00000001"

    def test_answers_a_proxy_in_its_own_header(self):
        request = register()
        assert client().authorize(unauthorized(digest(), status=407), request)
        assert "Authorization" not in request.headers
        assert sent(request, "Proxy-Authorization")["realm"] == "r"

    def test_without_qop_sends_neither_nc_nor_cnonce(self):
        request = register()
        client().authorize(unauthorized(digest()), request)
        assert not {"qop", "nc", "cnonce", "algorithm", "opaque"} & set(sent(request))

    def test_a_session_algorithm_without_qop_sends_its_cnonce(self):
        request = register()
        client().authorize(unauthorized(digest(algorithm="MD5-sess")), request)
        assert "cnonce" in sent(request)

    @pytest.mark.parametrize(
        ("offered", "taken"),
        [
            (["MD5", "SHA-256"], "SHA-256"),
            (["SHA-256", "MD5"], "SHA-256"),
            (["MD5", "SHA-512-256", "SHA-256"], "SHA-512-256"),
            (["MD5-sess", "MD5"], "MD5-sess"),
            (["MD5", "md5-sess"], "MD5"),
            (["SHA-256-sess", "MD5"], "SHA-256-sess"),
            (["SHA3-999", "MD5", "AKAv1-MD5"], "MD5"),
        ],
    )
    def test_takes_the_strongest_algorithm_it_knows_or_the_topmost_of_equals(self, offered, taken):
        request = register()
        response = unauthorized(*[digest(algorithm=name, qop='"auth"') for name in offered])
        assert client().authorize(response, request)
        assert sent(request)["algorithm"] == taken

    def test_a_hash_that_this_python_lacks_is_passed_over(self, monkeypatch):
        monkeypatch.setattr(hashlib, "new", lacks_sha_512_256)
        request = register()
        both = unauthorized(digest(algorithm="SHA-512-256"), digest(algorithm="MD5"))
        assert client().authorize(both, request)
        assert sent(request)["algorithm"] == "MD5"

    def test_only_a_hash_that_this_python_lacks_is_a_clear_problem(self, monkeypatch):
        monkeypatch.setattr(hashlib, "new", lacks_sha_512_256)
        digest_client = client()
        assert not digest_client.authorize(
            unauthorized(digest(algorithm="SHA-512-256")), register()
        )
        assert "SHA-512-256" in digest_client.problem

    def test_a_user_name_with_a_line_end_is_refused(self):
        with pytest.raises(ValueError, match="user name"):
            client("alice\r\nX: y")

    def test_takes_auth_before_auth_int(self):
        request = register()
        client().authorize(unauthorized(digest(qop='"auth-int,auth"')), request)
        assert sent(request)["qop"] == "auth"

    def test_takes_auth_int_where_nothing_else_is_offered(self):
        request = register(body=b"body")
        client().authorize(unauthorized(digest(qop="auth-int")), request)
        params = sent(request)
        assert params["response"] == digest_response(
            "md5", ha1("md5", "alice", "r", "secret"), method="REGISTER", uri="sip:example.com",
            nonce="n1", qop="auth-int", nc="00000001", cnonce=params["cnonce"], body=b"body",
        )  # fmt: skip

    @pytest.mark.parametrize(
        "text",
        ["Basic realm=x", digest(algorithm="SHA3-999"), digest(qop='"auth-conf"'), "Digest x"],
    )
    def test_gives_up_where_nothing_is_known(self, text):
        digest_client, request = client(), register()
        assert not digest_client.authorize(unauthorized(text), request)
        assert "no authentication that we know" in digest_client.problem
        assert "Authorization" not in request.headers

    def test_answers_every_realm_of_a_response(self):
        request = register()
        response = unauthorized(digest("a"), digest("b"))
        response.headers.add("Proxy-Authenticate", digest("a"))
        assert client().authorize(response, request)
        realms = [parse_auth(v)[0][1]["realm"] for v in request.headers.get_all("Authorization")]
        assert realms == ["a", "b"]
        assert sent(request, "Proxy-Authorization")["realm"] == "a"

    def test_a_later_realm_leaves_the_credentials_of_the_first(self):
        digest_client, request = client(), register()
        assert digest_client.authorize(unauthorized(digest("a", qop="auth")), request)
        assert digest_client.authorize(unauthorized(digest("b", qop="auth")), request)
        assert len(request.headers.get_all("Authorization")) == 2

    @given(TEXT, TEXT)
    def test_any_name_and_realm_can_be_sent(self, username, realm):
        request = register()
        challenge = Challenge(realm, "n")
        response = unauthorized(
            "Digest nonce=n, realm=" + '"' + realm.replace("\\", "\\\\").replace('"', '\\"') + '"'
        )
        assert client(username).authorize(response, request)
        assert (sent(request)["username"], sent(request)["realm"]) == (username, challenge.realm)

    def test_does_not_show_its_password(self):
        digest_client = client()
        digest_client.authorize(unauthorized(digest(qop="auth")), register())
        shown = repr(digest_client) + repr(digest_client._sessions)
        assert "secret" not in shown.replace("secret=", "")
        assert ha1("md5", "alice", "r", "secret") not in shown


class TestReuse:
    def test_the_next_request_is_authorised_beforehand_with_the_next_count(self):
        digest_client, first = client(), register()
        digest_client.authorize(unauthorized(digest(qop="auth")), first)
        second, third = register(), register()
        digest_client.preauthorize(second)
        digest_client.preauthorize(third)
        assert [sent(r)["nc"] for r in (first, second, third)] == [
            "00000001", "00000002", "00000003",
        ]  # fmt: skip
        assert len({sent(r)["response"] for r in (first, second, third)}) == 3

    def test_session_keys_are_made_once(self):
        digest_client, first, second = client(), register(), register()
        digest_client.authorize(unauthorized(digest(qop="auth", algorithm="SHA-256-sess")), first)
        digest_client.preauthorize(second)
        params = sent(second)
        secret = ha1("SHA-256-sess", "alice", "r", "secret", session=f"n1:{sent(first)['cnonce']}")
        assert params["response"] == digest_response(
            "SHA-256-sess", secret, method="REGISTER", uri="sip:example.com", nonce="n1",
            qop="auth", nc="00000002", cnonce=params["cnonce"],
        )  # fmt: skip

    def test_nothing_is_sent_before_a_challenge(self):
        request = register()
        client().preauthorize(request)
        assert "Authorization" not in request.headers

    def test_credentials_do_not_go_to_another_domain(self):
        digest_client = client()
        digest_client.authorize(unauthorized(digest(qop="auth")), register())
        elsewhere = register("evil.example")
        digest_client.preauthorize(elsewhere)
        assert "Authorization" not in elsewhere.headers

    def test_the_next_nonce_of_a_success_is_used(self):
        digest_client, first, second = client(), register(), register()
        digest_client.authorize(unauthorized(digest(qop="auth")), first)
        info = f'nextnonce="n2", cnonce="{sent(first)["cnonce"]}", nc=00000001, qop=auth'
        digest_client.receive_info(Response(200, "OK", [("Authentication-Info", info)]))
        digest_client.preauthorize(second)
        assert (sent(second)["nonce"], sent(second)["nc"]) == ("n2", "00000001")

    @pytest.mark.parametrize("info", ['nextnonce="n2", cnonce="other"', "rubbish", "", 'qop="x'])
    def test_other_information_changes_nothing(self, info):
        digest_client, second = client(), register()
        digest_client.authorize(unauthorized(digest(qop="auth")), register())
        digest_client.receive_info(Response(200, "OK", [("Authentication-Info", info)]))
        digest_client.preauthorize(second)
        assert sent(second)["nonce"] == "n1"

    def test_a_next_nonce_that_expired_is_no_refusal(self):
        digest_client, second = client(), register()
        digest_client.authorize(unauthorized(digest(qop="auth")), register())
        digest_client.receive_info(Response(200, "OK", [("Authentication-Info", 'nextnonce="n2"')]))
        digest_client.preauthorize(second)
        assert digest_client.authorize(unauthorized(digest(nonce="n3", qop="auth")), again(second))


class TestRefusal:
    @pytest.mark.parametrize("qop", [{"qop": "auth"}, {}])
    def test_credentials_refused_with_a_fresh_nonce_are_not_sent_again(self, qop):
        digest_client, request = client(), register()
        assert digest_client.authorize(unauthorized(digest("pbx", "n1", **qop)), request)
        retry = again(request)
        assert not digest_client.authorize(unauthorized(digest("pbx", "n2", **qop)), retry)
        assert digest_client.problem == "pbx refused the user name or password"

    def test_a_refusal_is_remembered(self):
        digest_client, request = client(), register()
        digest_client.authorize(unauthorized(digest(qop="auth")), request)
        digest_client.authorize(unauthorized(digest(nonce="n2", qop="auth")), request)
        later = register()
        digest_client.preauthorize(later)
        assert "Authorization" not in later.headers
        assert not digest_client.authorize(unauthorized(digest(nonce="n3", qop="auth")), later)
        assert "Authorization" not in later.headers

    def test_a_person_may_ask_to_try_again(self):
        digest_client, request = client(), register()
        digest_client.authorize(unauthorized(digest()), request)
        digest_client.authorize(unauthorized(digest(nonce="n2")), request)
        digest_client.reset()
        assert digest_client.authorize(unauthorized(digest(nonce="n3")), register())

    @pytest.mark.parametrize("qop", [{"qop": "auth"}, {}])
    def test_an_old_nonce_is_renewed_even_if_the_server_does_not_say_stale(self, qop):
        digest_client, later = client(), register()
        digest_client.authorize(unauthorized(digest(**qop)), register())
        digest_client.preauthorize(later)
        assert digest_client.authorize(unauthorized(digest(nonce="n2", **qop)), later)
        assert sent(later)["nonce"] == "n2"
        assert not digest_client.authorize(unauthorized(digest(nonce="n3", **qop)), later)

    def test_no_more_than_two_requests_carry_refused_credentials(self):
        digest_client, request, carried = client(), register(), 0
        digest_client.authorize(unauthorized(digest(qop="auth")), register())
        digest_client.preauthorize(request)
        for number in range(10):
            carried += 1
            response = unauthorized(digest(nonce=f"m{number}", qop="auth"))
            if not digest_client.authorize(response, request):
                break
        assert carried == 2

    def test_the_very_nonce_that_was_refused_is_a_refusal(self):
        digest_client, later = client(), register()
        digest_client.authorize(unauthorized(digest(qop="auth")), register())
        digest_client.preauthorize(later)
        assert not digest_client.authorize(unauthorized(digest(qop="auth")), later)

    def test_a_stale_nonce_is_renewed(self):
        digest_client, request = client(), register()
        digest_client.authorize(unauthorized(digest(qop="auth")), request)
        assert digest_client.authorize(
            unauthorized(digest(nonce="n2", qop="auth", stale="true")), request
        )
        assert (sent(request)["nonce"], sent(request)["nc"]) == ("n2", "00000001")

    def test_a_server_whose_nonces_are_always_stale_is_given_up(self):
        digest_client, request, carried = client(), register(), 0
        digest_client.authorize(unauthorized(digest(qop="auth")), request)
        for number in range(10):
            carried += 1
            response = unauthorized(digest(nonce=f"m{number}", qop="auth", stale="true"))
            if not digest_client.authorize(response, request):
                break
        assert carried == 2
        assert "stale" in digest_client.problem

    def test_nonces_that_expire_now_and_then_are_renewed_for_ever(self):
        digest_client = client()
        digest_client.authorize(unauthorized(digest(qop="auth")), register())
        for number in range(10):
            request = register()
            digest_client.preauthorize(request)
            response = unauthorized(digest(nonce=f"m{number}", qop="auth", stale="true"))
            assert digest_client.authorize(response, request)

    def test_a_server_that_asks_for_ever_new_realms_is_given_up(self):
        digest_client, request = client(), register()
        answers = [
            digest_client.authorize(unauthorized(digest(f"realm {n}")), request) for n in range(20)
        ]
        assert answers == [True] * MAX_REALMS + [False] * (20 - MAX_REALMS)
        assert "ever new realms" in digest_client.problem

    def test_of_many_realms_in_one_response_only_so_many_are_answered(self):
        request = register()
        assert client().authorize(unauthorized(*[digest(f"realm {n}") for n in range(20)]), request)
        assert len(request.headers.get_all("Authorization")) == MAX_REALMS

    def test_a_phone_that_met_many_realms_in_its_life_goes_on(self):
        digest_client = client()
        for number in range(50):
            assert digest_client.authorize(unauthorized(digest(f"realm {number}")), register())
        assert len(digest_client._sessions) == MAX_REALMS

    def test_what_was_refused_is_remembered_of_so_many_realms(self):
        digest_client = client()
        for number in range(50):
            request = register()
            for nonce in ("n1", "n2"):
                digest_client.authorize(unauthorized(digest(f"realm {number}", nonce)), request)
        assert len(digest_client._refused) <= MAX_REALMS

    def test_two_requests_challenged_at_once_both_succeed(self):
        digest_client, one, two = client(), register(), register()
        assert digest_client.authorize(unauthorized(digest(nonce="n1", qop="auth")), one)
        assert digest_client.authorize(unauthorized(digest(nonce="n2", qop="auth")), two)
        assert (sent(one)["nonce"], sent(two)["nonce"]) == ("n1", "n2")


def server(**options: object) -> DigestServer:
    passwords = {"alice": "secret", "bob": "hidden"}
    return DigestServer("pbx", passwords.get, counter(), **options)


def refusal(digest_server: DigestServer, now: float, *, stale: bool = False) -> Response:
    return Response(401, "Unauthorized", digest_server.challenge(now, stale=stale))


class TestServer:
    @pytest.mark.parametrize(
        "algorithm",
        ["MD5", "SHA-256", "SHA-512-256", "MD5-sess", "SHA-256-sess", "SHA-512-256-sess"],
    )
    @pytest.mark.parametrize("qop", ["auth", "auth-int", ""])
    def test_accepts_what_the_client_answers(self, algorithm, qop):
        digest_server, request = server(algorithms=[algorithm], qop=qop), register(body=b"body")
        assert client().authorize(refusal(digest_server, 100.0), request)
        result = digest_server.verify(request, 101.0)
        assert (result.verdict, result.username) == (Verdict.OK, "alice")

    def test_offers_the_strongest_first(self):
        fields = server().challenge(0.0)
        assert [name for name, _ in fields] == ["WWW-Authenticate"] * 2
        assert [Challenge.parse(text).algorithm for _, text in fields] == ["SHA-256", "MD5"]

    def test_can_not_be_made_with_a_hash_that_is_missing(self):
        with pytest.raises(ValueError, match="SHA3"):
            server(algorithms=["MD5", "SHA3-256"])

    def test_as_a_proxy_asks_and_reads_in_the_proxy_headers(self):
        digest_server, request = server(proxy=True), register()
        response = Response(407, "Proxy Authentication Required", digest_server.challenge(0.0))
        assert client().authorize(response, request)
        assert digest_server.verify(request, 1.0).verdict is Verdict.OK
        assert "Authorization" not in request.headers

    def test_without_credentials_there_is_nothing_to_judge(self):
        assert server().verify(register(), 0.0).verdict is Verdict.MISSING

    def test_credentials_for_another_realm_are_none(self):
        request = register()
        client().authorize(unauthorized(digest("elsewhere")), request)
        assert server().verify(request, 0.0).verdict is Verdict.MISSING

    @pytest.mark.parametrize(
        ("username", "password"), [("alice", "wrong"), ("carol", "secret"), ("", "")]
    )
    def test_refuses_a_wrong_user_or_password(self, username, password):
        digest_server, request = server(), register()
        client(username, password).authorize(refusal(digest_server, 0.0), request)
        assert digest_server.verify(request, 1.0).verdict is Verdict.BAD

    def test_an_unknown_user_has_no_empty_password(self):
        digest_server, request = server(), register()
        client("carol", "").authorize(refusal(digest_server, 0.0), request)
        assert digest_server.verify(request, 1.0).verdict is Verdict.BAD

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ('response="', 'response="0'),
            ("nc=00000001", "nc=1"),
            ("nc=00000001", "nc=0000000x"),
            ("nc=00000001", "nc=00000002"),
            ("qop=auth", "qop=auth-conf"),
            ("algorithm=SHA-256", "algorithm=SHA-512-256"),
            ("algorithm=SHA-256", "algorithm=MD5"),
            ("algorithm=SHA-256", "algorithm=none"),
            ('uri="sip:example.com"', 'uri="sip:other.example"'),
            ('uri="sip:example.com"', 'uri="nonsense"'),
            ('username="alice"', 'username="bob"'),
            ('cnonce="', 'cnonce="0'),
        ],
    )
    def test_refuses_credentials_that_were_changed(self, old, new):
        digest_server, request = server(), register()
        client().authorize(refusal(digest_server, 0.0), request)
        text = request.headers.get("Authorization")
        assert old in text
        request.headers.set("Authorization", text.replace(old, new, 1))
        assert digest_server.verify(request, 1.0).verdict is Verdict.BAD

    @pytest.mark.parametrize(
        "text",
        ['Digest realm="pbx"', 'Digest realm="pbx", username="alice", nonce="é", response="é"'],
    )
    def test_refuses_credentials_that_lack_nearly_everything(self, text):
        request = Request("REGISTER", "sip:example.com", [("Authorization", text)])
        assert server().verify(request, 0.0).verdict is Verdict.BAD

    def test_credentials_that_can_not_be_read_are_none(self):
        request = Request("REGISTER", "sip:example.com", [("Authorization", 'Digest realm="pbx')])
        assert server().verify(request, 0.0).verdict is Verdict.MISSING

    def test_takes_an_equivalent_uri(self):
        digest_server, request = server(), register()
        client().authorize(refusal(digest_server, 0.0), request)
        request.uri = "sip:EXAMPLE.com"
        assert digest_server.verify(request, 1.0).verdict is Verdict.OK

    def test_credentials_for_one_method_are_not_good_for_another(self):
        digest_server, request = server(), register()
        client().authorize(refusal(digest_server, 0.0), request)
        other = Request("INVITE", request.uri, request.headers)
        assert digest_server.verify(other, 1.0).verdict is Verdict.BAD

    def test_a_changed_body_is_noticed_with_auth_int(self):
        digest_server, request = server(qop="auth-int"), register(body=b"body")
        client().authorize(refusal(digest_server, 0.0), request)
        request.body = b"other"
        assert digest_server.verify(request, 1.0).verdict is Verdict.BAD


class TestNonces:
    def test_a_nonce_serves_until_it_expires(self):
        digest_server, digest_client, first = server(nonce_lifetime=60), client(), register()
        digest_client.authorize(refusal(digest_server, 0.0), first)
        assert digest_server.verify(first, 1.0).verdict is Verdict.OK
        for now, verdict in ((59.0, Verdict.OK), (61.0, Verdict.STALE)):
            request = register()
            digest_client.preauthorize(request)
            assert digest_server.verify(request, now).verdict is verdict

    def test_after_stale_the_client_comes_back_with_a_new_nonce(self):
        digest_server, digest_client, request = server(nonce_lifetime=60), client(), register()
        digest_client.authorize(refusal(digest_server, 0.0), request)
        assert digest_server.verify(request, 100.0).verdict is Verdict.STALE
        assert digest_client.authorize(refusal(digest_server, 100.0, stale=True), request)
        assert digest_server.verify(request, 100.0).verdict is Verdict.OK

    def test_stale_is_told_only_to_who_knows_the_password(self):
        digest_server, request = server(nonce_lifetime=60), register()
        client("alice", "wrong").authorize(refusal(digest_server, 0.0), request)
        assert digest_server.verify(request, 100.0).verdict is Verdict.BAD

    def test_the_same_count_does_not_work_twice(self):
        digest_server, request = server(), register()
        client().authorize(refusal(digest_server, 0.0), request)
        assert digest_server.verify(request, 1.0).verdict is Verdict.OK
        assert digest_server.verify(request, 1.0).verdict is Verdict.STALE

    def test_a_lower_count_does_not_work_after_a_higher(self):
        digest_server, digest_client = server(), client()
        requests = [register(), register()]
        digest_client.authorize(refusal(digest_server, 0.0), requests[0])
        digest_client.preauthorize(requests[1])
        assert digest_server.verify(requests[1], 1.0).verdict is Verdict.OK
        assert digest_server.verify(requests[0], 1.0).verdict is Verdict.STALE

    def test_without_qop_a_nonce_works_once(self):
        digest_server, request = server(qop=""), register()
        client().authorize(refusal(digest_server, 0.0), request)
        assert digest_server.verify(request, 1.0).verdict is Verdict.OK
        assert digest_server.verify(request, 1.0).verdict is Verdict.STALE

    @pytest.mark.parametrize("nonce", ["", "made up", "0-0-0", "5-00-é"])
    def test_a_nonce_that_is_not_ours_is_stale(self, nonce):
        digest_server, request = server(), register()
        client().authorize(unauthorized(digest("pbx", nonce, algorithm="MD5", qop="auth")), request)
        assert digest_server.verify(request, 0.0).verdict is Verdict.STALE

    def test_a_nonce_from_the_future_is_stale(self):
        digest_server, request = server(), register()
        client().authorize(refusal(digest_server, 50.0), request)
        assert digest_server.verify(request, 1.0).verdict is Verdict.STALE

    def test_two_servers_do_not_take_each_others_nonces(self):
        numbers = iter(range(1, 1000))
        one, two = (
            DigestServer("pbx", {"alice": "secret"}.get, lambda n: next(numbers).to_bytes(n, "big"))
            for _ in range(2)
        )
        request = register()
        client().authorize(refusal(one, 0.0), request)
        assert two.verify(request, 1.0).verdict is Verdict.STALE

    def test_what_is_remembered_is_bounded_and_forgetting_opens_no_replay(self):
        digest_server, requests = server(nonce_lifetime=1e9, algorithms=["MD5"]), []
        for number in range(MAX_USED_NONCES + 1):
            request = register()
            client().authorize(refusal(digest_server, float(number)), request)
            assert digest_server.verify(request, float(number)).verdict is Verdict.OK
            requests.append(request)
        assert len(digest_server._used) <= MAX_USED_NONCES
        now = float(len(requests))
        for request in (requests[0], requests[MAX_USED_NONCES // 2], requests[-1]):
            assert digest_server.verify(request, now).verdict is Verdict.STALE

    def test_wrong_credentials_are_not_remembered(self):
        digest_server, request = server(), register()
        client("alice", "wrong").authorize(refusal(digest_server, 0.0), request)
        digest_server.verify(request, 1.0)
        assert not digest_server._used

    def test_a_request_without_to_can_be_authorised(self):
        request = Request("OPTIONS", "sip:example.com", Headers())
        assert client().authorize(unauthorized(digest()), request)
