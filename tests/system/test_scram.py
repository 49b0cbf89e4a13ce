# SPDX-License-Identifier: Apache-2.0
"""Enhanced authentication by SCRAM-SHA-256: MQTT.js, and a client of bytes written out."""

import base64
import hashlib
import hmac
import signal
import subprocess

import pytest

from mqtt_js import run_scenario
from server import PROGRAM, Server, common_config, free_port
from wire import CONNACK, Wire, packet, string, variable

pytestmark = [pytest.mark.ours_only("Mosquitto has no SCRAM of its own"), pytest.mark.sanitizer]

AUTH = 0xF0
CONTINUE, AGAIN = 0x18, 0x19
NOT_AUTHORIZED, BAD_METHOD = 0x87, 0x8C
METHOD = "SCRAM-SHA-256"


def set_password(file, user, password, *options):
    subprocess.run([PROGRAM, "passwd", "-b", "-H", "scram-sha-256", "-I", "4096", *options, file,
                    user, password], check=True)


@pytest.fixture
def passwords(tmp_path):
    file = tmp_path / "passwords"
    set_password(file, "alice", "wonder", "-c")
    set_password(file, "bob", "build")
    return file


@pytest.fixture
def server(tmp_path, passwords):
    port = free_port()
    (tmp_path / "acl").write_text("user alice\ntopic alice/#\nuser bob\ntopic bob/#\n")
    server = Server(tmp_path, port, f"{common_config('durability group')}"
                    f"listener {port} 127.0.0.1\n"
                    f"password_file {passwords}\nacl_file {tmp_path}/acl\n")
    yield server.start()
    server.stop()


def properties(method, data):
    made = b"\x15" + string(method) + (b"\x16" + string(data) if data else b"")
    return variable(len(made)) + made


def connect(client_id, data, method=METHOD, claimed=None):
    return packet(0x10, "00 04 'MQTT' 05", bytes([0x82 if claimed else 2]), "00 3c",
                  properties(method, data), string(client_id),
                  string(claimed) if claimed else b"")


def auth(reason, data, method=METHOD):
    return packet(AUTH, bytes([reason]), properties(method, data))


def data_of(body, at):
    """The Authentication Data among the properties that begin there, and the code before them."""
    method = string(METHOD)
    start = body.index(b"\x15" + method, at) + 1 + len(method)
    if body[start:start + 1] != b"\x16":
        return b""
    size = int.from_bytes(body[start + 1:start + 3], "big")
    return body[start + 3:start + 3 + size]


class Login:
    """The client's side of one exchange."""

    def __init__(self, user, password):
        self.password = password.encode()
        self.bare = f"n={user},r=abcdefghijkl"
        self.first = "n,," + self.bare

    def final(self, server_first):
        parts = dict(part.split("=", 1) for part in server_first.decode().split(","))
        assert parts["r"].startswith("abcdefghijkl") and len(parts["r"]) > 12 + 16
        salted = hashlib.pbkdf2_hmac("sha256", self.password, base64.b64decode(parts["s"]),
                                     int(parts["i"]))
        key = hmac.digest(salted, b"Client Key", "sha256")
        final = f"c=biws,r={parts['r']}"
        said = ",".join([self.bare, server_first.decode(), final]).encode()
        sign = hmac.digest(hashlib.sha256(key).digest(), said, "sha256")
        proof = bytes(a ^ b for a, b in zip(key, sign))
        server_key = hmac.digest(salted, b"Server Key", "sha256")
        self.answer = b"v=" + base64.b64encode(hmac.digest(server_key, said, "sha256"))
        return f"{final},p={base64.b64encode(proof).decode()}"


def log_in(server, user, password, **options):
    """The connection and its CONNACK's code; a good answer must prove the server as well."""
    login = Login(user, password)
    wire = Wire(server)
    wire.send(connect(f"of {user}", login.first, **options))
    first, body = wire.receive()
    if first == CONNACK:
        return wire, body[1]
    assert first == AUTH and body[0] == CONTINUE
    wire.send(auth(CONTINUE, login.final(data_of(body, 1))))
    body = wire.expect_packet(CONNACK)
    if body[1] == 0:
        assert data_of(body, 2) == login.answer
    return wire, body[1]


def may_publish(wire, topic):
    wire.send(packet(0x32, string(topic), "0001 00 'x'"))
    body = wire.expect_packet(0x40)
    return len(body) < 3 or body[2] < 0x80


def test_a_user_comes_in_with_his_rights(server):
    wire, code = log_in(server, "alice", "wonder")
    assert code == 0
    assert may_publish(wire, "alice/1")
    assert not may_publish(wire, "bob/1")
    server.await_log('client.connected id="of alice" .* user="alice"')


@pytest.mark.parametrize("user, password, options, code", [
    ("alice", "wrong", {}, NOT_AUTHORIZED),
    ("nobody", "wonder", {}, NOT_AUTHORIZED),
    ("alice", "wonder", {"claimed": "bob"}, NOT_AUTHORIZED),
    ("alice", "wonder", {"claimed": "alice"}, 0),
    ("alice", "wonder", {"method": "SCRAM-SHA-1"}, BAD_METHOD),
])
def test_who_comes_in(server, user, password, options, code):
    wire, got = log_in(server, user, password, **options)
    assert got == code
    if code:
        wire.expect_end()


def authenticate_again(wire, user, password):
    """The code of what answers the last step: 0 for an AUTH of success, else a DISCONNECT's."""
    login = Login(user, password)
    wire.send(auth(AGAIN, login.first))
    first, body = wire.receive()
    if first == AUTH:
        assert body[0] == CONTINUE
        wire.send(auth(CONTINUE, login.final(data_of(body, 1))))
        first, body = wire.receive()
    return body[0] if body else 0


def test_a_client_authenticates_again(server):
    wire, _ = log_in(server, "alice", "wonder")
    for _ in range(3):
        assert authenticate_again(wire, "alice", "wonder") == 0
        assert may_publish(wire, "alice/1")
    assert authenticate_again(wire, "alice", "wrong") == NOT_AUTHORIZED
    wire.expect_end()


def test_nobody_becomes_another_on_the_way(server):
    wire, _ = log_in(server, "alice", "wonder")
    assert authenticate_again(wire, "bob", "build") == NOT_AUTHORIZED
    wire.expect_end()


def test_a_new_password_ends_who_came_in_by_the_old(server, passwords):
    wire, _ = log_in(server, "alice", "wonder")
    bob, _ = log_in(server, "bob", "build")
    set_password(passwords, "alice", "other")
    server.signal(signal.SIGHUP)
    wire.expect_end(NOT_AUTHORIZED)
    server.await_log("config.reloaded")  # by all threads
    assert may_publish(bob, "bob/1")
    assert log_in(server, "alice", "wonder")[1] == NOT_AUTHORIZED
    assert log_in(server, "alice", "other")[1] == 0


def test_mqtt_js_logs_in(server):
    run_scenario(f"mqtt://127.0.0.1:{server.port}", "5.0", "scram", USER="alice",
                 PASSWORD="wonder")
