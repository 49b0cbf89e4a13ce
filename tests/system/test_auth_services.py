# SPDX-License-Identifier: Apache-2.0
"""Logins by JSON Web Tokens and by asking a web service, and both beside a password file."""

import signal
import threading
import time

import pytest

from access import connect, granted, publish, reload, start, write_passwords
from login_service import LoginService
from mosquitto import run
from paho_client import Client
from server import PATIENCE
from tls import mutual, trusting
from tokens import Keys
from waiting import PATIENCE_S, in_time, until
from wire import V5, V311, Wire, packet, string

pytestmark = [pytest.mark.ours_only("Mosquitto needs plugins for that"), pytest.mark.sanitizer]

GOOD, UNAVAILABLE_311, NOT_AUTHORIZED, UNAVAILABLE, BUSY, EXPIRED = 0, 3, 0x87, 0x88, 0x89, 0xA0
ALLOW = (200, {"result": "allow"})
LOGINS = 200
MESSAGES = 50
# A service in this process may be kept waiting for the processor.
PATIENT_HTTP = "auth_http_timeout 60000"


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    return Keys(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def serve(tmp_path):
    """A function that starts a server with these lines."""
    servers = []

    def begin(*lines):
        servers.append(start(tmp_path, "nightjar", "\n".join([PATIENT_HTTP, *lines])))
        return servers[-1]

    yield begin
    for server in servers:
        server.stop()


def login(server, user, password, client_id="c", version=V5):
    """The CONNACK's code."""
    wire, code = connect(server, user, password, client_id, version)
    wire.close()
    return code


def rewrite(server, text):
    """Lines in the place of those after the listener's."""
    before = server.config_file.read_text()
    server.config_file.write_text(f"{before[:before.index('listener')]}"
                                  f"listener {server.port} 127.0.0.1\n"
                                  f"{PATIENCE}\n{PATIENT_HTTP}\n{text}")


# --- tokens -----------------------------------------------------------------------------------

@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "HS256"])
def test_a_token_of_each_algorithm_lets_its_bearer_in(serve, keys, algorithm):
    file = keys.secret if algorithm == "HS256" else keys.public[algorithm]
    server = serve(f"auth_jwt {file}")
    done = run("pub", server, "-t", "t", "-m", "x", "-u", "alice", "-P", keys.token(algorithm))
    assert done.returncode == 0, done.stderr
    assert login(server, None, keys.token(algorithm)) == GOOD
    assert login(server, "bob", keys.token(algorithm)) == NOT_AUTHORIZED
    assert login(server, "alice", "guess") == NOT_AUTHORIZED
    server.await_log("client.refused .*auth_jwt: the token is for another user name")


def test_a_header_does_not_choose_how_it_is_checked(serve, keys):
    server = serve(f"auth_jwt {keys.public['RS256']}")
    unsigned = keys.token("HS256", header={"alg": "none"}).rpartition(".")[0] + "."
    assert login(server, "alice", unsigned) == NOT_AUTHORIZED
    assert login(server, "alice", keys.token("HS256")) == NOT_AUTHORIZED
    assert login(server, "alice", keys.token("HS256", header={"alg": "RS256"})) == NOT_AUTHORIZED
    assert login(server, "alice", keys.token("RS256", header={"alg": "RS256", "crit": ["x"]})) \
        == NOT_AUTHORIZED
    assert login(server, "alice", keys.token("RS256")) == GOOD


def test_a_set_of_keys_and_what_a_token_must_say(serve, keys, tmp_path):
    (tmp_path / "set.json").write_text(keys.set())
    server = serve(f"auth_jwt {tmp_path}/set.json", "auth_jwt_issuer here",
                   "auth_jwt_audience mqtt", "auth_jwt_clientid_claim device",
                   "auth_jwt_user_claim name")
    good = dict(iss="here", aud=["x", "mqtt"], device="c", name="alice")
    for changes in ({}, {"iss": "there"}, {"aud": "x"}, {"device": "d"}, {"name": "bob"},
                    {"exp": 1}, {"nbf": 4e9}):
        token = keys.token("ES256", header={"alg": "ES256", "kid": "e"}, **{**good, **changes})
        assert (login(server, "alice", token) == GOOD) == (not changes), changes
    assert login(server, "alice", keys.token("HS256", **good)) == GOOD


def test_rights_of_a_token_hold_everywhere(serve, keys):
    server = serve(f"auth_jwt {keys.secret}")
    rules = [{"permission": "deny", "action": "all", "topic": "${username}/key"},
             {"permission": "allow", "action": "all", "topic": "${username}/#"},
             {"permission": "allow", "action": "publish", "topic": "log/${clientid}"}]
    alice, code = connect(server, "alice", keys.token("HS256", acl=rules), "c")
    assert code == GOOD
    admin, code = connect(server, "admin", keys.token("HS256", sub="admin"), "admin")
    assert code == GOOD
    assert granted(alice, "alice/#") == 0
    assert granted(alice, "#") == NOT_AUTHORIZED
    assert granted(alice, "log/c") == NOT_AUTHORIZED
    assert publish(alice, "log/c", b"") and not publish(alice, "log/d", b"")
    assert publish(admin, "alice/key", b"secret") and publish(admin, "alice/door", b"open")
    assert alice.expect_packet(0x30)[2:] == b"alice/door\0open"
    _, code = connect(server, "alice", keys.token("HS256", acl=rules), "c2", will="log/other")
    assert code == NOT_AUTHORIZED
    # A name that would reach elsewhere is put in nowhere.
    mallory, code = connect(server, "+", keys.token("HS256", sub="+", acl=rules), "d")
    assert code == GOOD and granted(mallory, "+/#") == NOT_AUTHORIZED


def test_rights_that_are_not_understood_let_nobody_in(serve, keys):
    server = serve(f"auth_jwt {keys.secret}")
    rule = {"permission": "allow", "action": "all", "topic": "a", "qos": [0]}
    assert login(server, "alice", keys.token("HS256", acl=[rule])) == NOT_AUTHORIZED


def test_a_connection_ends_with_its_token(serve, keys):
    server = serve(f"auth_jwt {keys.secret}", "auth_jwt_leeway 0")
    began = time.time()
    assert login(server, "alice", keys.token("HS256")) == GOOD
    # It must not be over before it is shown, however slow this machine is.
    login_s = time.time() - began
    good_s = 10 * login_s + 3

    def shown():
        token = keys.token("HS256", exp=int(time.time() + good_s))
        wire, code = connect(server, "alice", token, "c")
        assert code == GOOD
        return wire, token

    wire, token = in_time(good_s - 1, shown)
    wire.expect_end(EXPIRED)
    server.await_log("client.disconnected id=\"?c\"? .*identity_expired")
    assert login(server, "alice", token) == NOT_AUTHORIZED


def test_a_key_that_a_reload_takes_away_ends_whom_it_has_proved(serve, keys, tmp_path):
    write_passwords(tmp_path / "passwords", {"bob": "b"})
    file = tmp_path / "key.pem"
    file.write_bytes(keys.public["RS256"].read_bytes())
    server = serve(f"auth_jwt {file}", f"password_file {tmp_path}/passwords")
    alice, code = connect(server, "alice", keys.token("RS256"), "a")
    assert code == GOOD
    bob, code = connect(server, "bob", "b", "b")
    assert code == GOOD
    file.write_text("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n")
    reload(server, "kept")
    server.await_log("key.pem: a key in it is no public key")
    assert publish(alice, "t", b"x")
    file.write_bytes(keys.public["ES256"].read_bytes())
    reload(server)
    alice.expect_end(NOT_AUTHORIZED)
    assert publish(bob, "t", b"x")
    assert login(server, "alice", keys.token("ES256")) == GOOD


def test_a_token_in_the_user_names_place_is_in_no_log(serve, keys):
    server = serve(f"auth_jwt {keys.secret}", "auth_jwt_from username")
    token = keys.token("HS256")
    assert login(server, token, None) == GOOD
    assert login(server, token + "A", "x") == NOT_AUTHORIZED
    server.await_log("client.refused")
    assert token not in server.log()


# --- a web service ----------------------------------------------------------------------------

def test_the_service_decides_and_the_others_are_asked_in_order(serve, tmp_path):
    answers = {"yes": ALLOW, "no": (200, {"result": "deny"}), "forbidden": (403, b""),
               "empty": (204, b""), "carol": (200, {"result": "ignore"}),
               "nobody": (200, {"result": "ignore"}), "oops": (500, b""), "garbage": (200, b"yes"),
               "away": (302, {"result": "allow"}), "huge": (200, b" " * 100000)}
    write_passwords(tmp_path / "passwords", {"carol": "c"})
    (tmp_path / "header").write_text("Authorization: Bearer b c\n")
    with LoginService(lambda question: answers[question["username"]]) as service:
        server = serve(f"auth_http {service.url}", f"password_file {tmp_path}/passwords",
                       "auth_order http password", "auth_http_header X-Key: k1",
                       f"auth_http_header file:{tmp_path}/header")
        for user, code in {"yes": GOOD, "no": NOT_AUTHORIZED, "forbidden": NOT_AUTHORIZED,
                           "empty": GOOD, "carol": GOOD, "nobody": NOT_AUTHORIZED,
                           "oops": UNAVAILABLE, "garbage": UNAVAILABLE, "away": UNAVAILABLE,
                           "huge": UNAVAILABLE}.items():
            assert login(server, user, "c") == code, user
        assert login(server, "oops", "c", version=V311) == UNAVAILABLE_311
        assert service.questions[0] == {
            "username": "yes", "password": "c", "clientid": "c", "peerhost": "127.0.0.1",
            "port": server.port, "protocol": "mqtt-5.0"}
        assert service.headers[0]["X-Key"] == "k1"
        assert service.headers[0]["Authorization"] == "Bearer b c"
        # One without anything is nobody's to ask about.
        assert login(server, None, None) == NOT_AUTHORIZED
        assert len(service.questions) == 11
    assert login(server, "oops", "c") == UNAVAILABLE
    server.await_log("service.failed .*status=500")
    assert "Bearer b c" not in server.log()


def test_rights_and_superusers_of_the_service(serve, tmp_path):
    rules = [{"permission": "allow", "action": "all", "topic": "%u/#"}]
    (tmp_path / "rules").write_text("user alice\ntopic read news\n")
    with LoginService(lambda question: (200, {
            "result": "allow", "is_superuser": question["username"] == "root",
            "acl": rules})) as service:
        server = serve(f"auth_http {service.url}", f"acl_file {tmp_path}/rules",
                       "acl_check_subscribe true")
        alice, _ = connect(server, "alice", "x", "a")
        root, _ = connect(server, "root", "x", "r")
        assert granted(alice, "alice/+") == 0 and granted(alice, "news") == 0
        assert granted(alice, "root/x") == NOT_AUTHORIZED
        assert not publish(alice, "news", b"x")
        assert granted(root, "#") == 0 and publish(root, "any", b"x")


def test_the_service_hears_of_a_certificate(start_tls, authority):
    identity = authority.issue("valve")
    with LoginService(lambda question: ALLOW) as service:
        server = start_tls(mutual(authority, f"auth_http {service.url}\n{PATIENT_HTTP}\n"))
        done = run("pub", server, "-t", "t", "-m", "x", "-u", "alice", "-P", "x",
                   *trusting(authority, identity))
        assert done.returncode == 0, done.stderr
        assert service.questions[0]["cert_common_name"] == "valve"


def test_the_same_login_is_asked_about_once(serve):
    with LoginService(lambda question: ALLOW) as service:
        server = serve(f"auth_http {service.url}")
        for _ in range(5):
            assert login(server, "alice", "x") == GOOD
        assert login(server, "alice", "y") == GOOD
        assert len(service.questions) == 2


def expect_let_in(server):
    assert login(server, "alice", "x") == GOOD


def test_a_service_that_does_not_answer_lets_nobody_in(serve):
    over = threading.Event()

    def decide(_):
        over.wait(PATIENCE_S)
        return ALLOW

    with LoginService(decide) as service:
        server = serve(f"auth_http {service.url}", "auth_http_timeout 2000",
                       "auth_http_max_waiting 1")
        assert login(server, "alice", "x") == UNAVAILABLE
        server.await_log("service.failed .*imeout")
        over.set()
        in_time(2, lambda: expect_let_in(server))


def test_https_is_for_whom_the_file_trusts(serve, authority, tmp_path):
    certificate = authority.issue("service", kind="server")
    (tmp_path / "ca.pem").write_bytes(authority.certificate.read_bytes())
    with LoginService(lambda question: ALLOW, certificate) as service:
        server = serve(f"auth_http {service.url}", "auth_http_cache 0")
        assert login(server, "alice", "x") == UNAVAILABLE
        rewrite(server, f"auth_http {service.url}\nauth_http_cafile {tmp_path}/ca.pem\n")
        reload(server)
        assert login(server, "alice", "x") == GOOD


def test_whom_the_service_has_let_in_stays_while_it_is_asked(serve):
    with LoginService(lambda question: ALLOW) as service:
        server = serve(f"auth_http {service.url}")
        alice, code = connect(server, "alice", "x", "a")
        assert code == GOOD
        rewrite(server, f"auth_http {service.url}\nauth_http_timeout 4000\n")
        reload(server)
        assert publish(alice, "t", b"x")
        rewrite(server, f"auth_http {service.url}/other\n")
        reload(server)
        alice.expect_end(NOT_AUTHORIZED)
        assert login(server, "bob", "x") == GOOD


def test_a_reload_may_bring_the_first_service(serve):
    with LoginService(lambda question: ALLOW) as service:
        server = serve("allow_anonymous false")
        assert login(server, "alice", "x") == NOT_AUTHORIZED
        rewrite(server, f"auth_http {service.url}\n")
        reload(server)
        assert login(server, "alice", "x") == GOOD


@pytest.mark.parametrize("lines", ["allow_anonymous true\n", "auth_http {url}/other\n"])
def test_an_answer_under_other_rules_counts_no_more(serve, lines):
    over = threading.Event()

    def decide(_):
        over.wait(PATIENCE_S)
        return ALLOW

    with LoginService(decide) as service:
        server = serve(f"auth_http {service.url}")
        wire = Wire(server)
        wire.send(packet(0x10, "00 04 'MQTT' 05 c2 00 3c 00", string("c"), string("alice"),
                         string("x")))
        until(lambda: service.questions, "the question")
        rewrite(server, lines.format(url=service.url))
        reload(server)
        over.set()
        assert wire.expect_packet(0x20)[1] == BUSY
        wire.close()
        assert login(server, "alice", "x") == GOOD


def test_who_waits_for_the_answer_is_not_late_himself(serve):
    over = threading.Event()

    def decide(_):
        over.wait(PATIENCE_S)
        return ALLOW

    with LoginService(decide) as service:
        server = serve(f"auth_http {service.url}", "connect_timeout 1")
        server.freeze()  # so that it finds the connection and CONNECT together
        with Wire(server) as wire:
            wire.send(packet(0x10, "00 04 'MQTT' 05 c2 00 3c 00", string("c"), string("alice"),
                             string("x")))
            server.signal(signal.SIGCONT)
            until(lambda: service.questions, "the question")
            # Who came later and says nothing is late: so would be the one who waits.
            with Wire(server) as silent:
                silent.expect_end()
            server.await_log("connection.ended .*reason=connect_timeout")
            over.set()
            assert wire.expect_packet(0x20)[1] == GOOD


def test_messages_flow_while_many_wait_for_a_slow_service(serve, tmp_path):
    write_passwords(tmp_path / "passwords", {"flow": "f"})

    over = threading.Event()

    def decide(question):
        over.wait(PATIENCE_S)
        return ALLOW

    with LoginService(decide) as service:
        server = serve(f"auth_http {service.url}", f"password_file {tmp_path}/passwords",
                       "max_connections_per_address 0", "connection_rate_max 0")
        client = Client(server, "flow", user=("flow", "f"))
        wires = []
        for i in range(LOGINS):
            wires.append(Wire(server))
            wires[-1].send(packet(0x10, "00 04 'MQTT' 05 c2 00 3c 00", string(f"c{i}"),
                                  string(f"user{i}"), string("x")))
        until(lambda: service.questions, "the first question")
        for _ in range(MESSAGES):
            client.publish("flow", b"x", 1)
        over.set()
        for wire in wires:
            assert wire.expect_packet(0x20)[1] == GOOD
            wire.close()
        assert len(service.questions) == LOGINS
        client.disconnect()


# --- configurations ---------------------------------------------------------------------------

@pytest.mark.parametrize("lines, told", [
    ("auth_http ftp://x/", "server.conf:\\d+: auth_http is no URL"),
    ("auth_http http://x/\nauth_http_cafile none", "none: cannot be read"),
    ("auth_order jwt ldap", "server.conf:\\d+: auth_order ldap is not known"),
    ("auth_jwt none", "none: cannot be read"),
])
def test_what_cannot_be_used_is_told(serve, lines, told):
    server = serve("allow_anonymous true")
    rewrite(server, f"allow_anonymous true\n{lines}\n")
    reload(server, "kept")
    server.await_log(told)
    assert login(server, "alice", "x") == GOOD


def test_a_public_key_is_no_secret(serve, keys, tmp_path):
    file = tmp_path / "key"
    file.write_text("".join(keys.public["RS256"].read_text().splitlines()[1:-1]))
    server = serve("allow_anonymous true")
    rewrite(server, f"auth_jwt {file}\n")
    reload(server, "kept")
    server.await_log("looks like a public key")
