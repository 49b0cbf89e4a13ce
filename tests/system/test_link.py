# SPDX-License-Identifier: Apache-2.0
"""The client library's link by each of its ways, against the server under test, Mosquitto, NATS and
RabbitMQ; what these do otherwise, link_peers.py says."""

import os
import re
import socket
import subprocess
from pathlib import Path

import pytest

from link_peers import DIFFERENCES, Mosquitto, Nats, RabbitMQ
from server import PROGRAM, REPOSITORY, free_port, is_listening
from socks_proxy import Proxy
from test_tls_psk import LAMP
from waiting import PATIENCE_S, until

BUILD = Path(os.environ.get("NIGHTJAR_BUILD", REPOSITORY / "build"))
PROBE = BUILD / "tests" / "system" / "link_probe"
STEADY = BUILD / "tests" / "system" / "link_steady"

LARGE_SIZE = 300000
NOT_CONNECTED, INVALID, REFUSED, NO_ADDRESS, NETWORK, TLS, WEBSOCKET = 2, 3, 10, 14, 15, 16, 17


@pytest.fixture(scope="module")
def rabbitmq(tmp_path_factory, certificate):
    """One server with all of its ways, for its start takes seconds."""
    peer = RabbitMQ(tmp_path_factory.mktemp("rabbitmq"))
    try:
        peer.configure(*certificate)
        peer.start()
        yield peer
    finally:
        peer.stop()


@pytest.fixture(params=["server", "mosquitto", "nats",
                        pytest.param("rabbitmq", marks=pytest.mark.heavy)])
def start_either(request, start_server, tmp_path):
    """A function that starts the server under test, or another, with a listener."""
    peers = []

    def start(listener="listener {port} 127.0.0.1"):
        if request.param == "server":
            return start_server(listener=listener)
        if request.param == "rabbitmq":
            return request.getfixturevalue("rabbitmq").reached(listener)
        peers.append({"mosquitto": Mosquitto, "nats": Nats}[request.param](tmp_path))
        peers[-1].configure(listener)
        peers[-1].start()
        return peers[-1]

    yield start
    for peer in peers:
        peer.stop()


def probe(**options):
    """What the probe says, after it has ended as it says."""
    done = subprocess.run([PROBE, *(f"{name}={value}" for name, value in options.items())],
                          text=True, capture_output=True, timeout=PATIENCE_S)
    assert done.stderr == ""
    assert done.returncode == (0 if done.stdout == "good\n" else 1)
    return done.stdout.strip()


def among(*names):
    """The servers of a test that the others have nothing for."""
    return pytest.mark.parametrize("start_either", names, indirect=True)


def does_well(server, **options):
    """The probe finds all good, but for what that server is known to do otherwise."""
    options = {"version": 5, "qos": 2, "size": LARGE_SIZE, **options}
    for difference in DIFFERENCES.get(getattr(server, "name", "ours"), []):
        asked = {**options, "websocket": options["url"].startswith("ws")}
        if not difference.asked.items() <= asked.items():
            continue
        if difference.seen:
            assert re.fullmatch(difference.seen, probe(**options)), difference.why
        options |= difference.instead
    assert probe(**options) == "good"


def takes(path):
    """Whether somebody listens at the path of a Unix socket."""
    with socket.socket(socket.AF_UNIX) as one:
        return one.connect_ex(str(path)) == 0


def fails(code, **options):
    """The sentence of a failure with that code."""
    number, _, sentence = probe(**options).partition(" ")
    assert int(number) == code, sentence
    return sentence


@pytest.mark.parametrize("version", [3, 4, 5])
def test_by_tcp(start_either, version):
    server = start_either()
    does_well(server, url=f"mqtt://127.0.0.1:{server.port}", version=version, client_id="probe")


def test_a_name_is_resolved_and_all_its_addresses_are_tried(start_either):
    server = start_either()
    does_well(server, url=f"mqtt://localhost:{server.port}")


@among("server", "mosquitto")  # the others do not listen at paths
@pytest.mark.parametrize("version", [4, 5])
def test_by_unix_socket(start_either, tmp_path, version):
    path = tmp_path / "socket"
    server = start_either(f"listener {{port}} 127.0.0.1\nlistener 0 {path}")
    until(lambda: takes(path), "the socket")
    does_well(server, url=f"unix://{str(path).replace('s', '%73')}", version=version)


@pytest.mark.parametrize("version", [4, 5])
def test_by_websocket(start_either, version, tmp_path):
    server = start_either(f"listener {{port}} 127.0.0.1\nprotocol websockets\n"
                          f"listener 0 {tmp_path}/socket")
    does_well(server, url=f"ws://127.0.0.1:{server.port}/mqtt", version=version)


@pytest.fixture(scope="module")
def certificate(authority):
    """A certificate for localhost and 127.0.0.1, and its key."""
    return authority.issue("server", "/CN=localhost", "server")


@pytest.fixture
def tls(certificate):
    """Lines for a listener of TLS."""
    certificate, key = certificate
    return f"listener {{port}} 127.0.0.1\ncertfile {certificate}\nkeyfile {key}\n"


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_by_tls(start_either, authority, tls, version):
    server = start_either(tls)
    for host in ["localhost", "127.0.0.1"]:
        does_well(server, url=f"mqtts://{host}:{server.port}", ca_file=authority.certificate,
                  tls=version)


def test_by_websocket_in_tls(start_either, authority, tls, tmp_path):
    server = start_either(f"{tls}protocol websockets\nlistener 0 {tmp_path}/socket")
    does_well(server, url=f"wss://localhost:{server.port}/mqtt", ca_file=authority.certificate)


@among("server", "mosquitto", "nats")  # RabbitMQ wants it of all of its listeners or of none
def test_with_a_certificate_of_its_own(start_either, authority, tls):
    server = start_either(f"{tls}cafile {authority.certificate}\nrequire_certificate true")
    certificate, key = authority.issue("client", "/CN=lamp", "client")
    url = f"mqtts://localhost:{server.port}"
    does_well(server, url=url, ca_file=authority.certificate, certificate=certificate, key=key)
    fails(TLS, url=url, ca_file=authority.certificate, tls="1.2")


def test_a_server_that_cannot_prove_its_name_is_not_spoken_to(start_either, authority, tls):
    server = start_either(tls)
    url = f"mqtts://localhost:{server.port}"
    assert "certificate" in fails(TLS, url=url)
    does_well(server, url=url, any_certificate=1)
    assert "mismatch" in fails(TLS, url=url, ca_file=authority.certificate,
                               server_name="elsewhere.example")
    does_well(server, url=url, ca_file=authority.certificate, server_name="elsewhere.example",
              any_name=1)
    assert "certificate" in fails(TLS, url=url, any_name=1)


@among("server", "mosquitto")  # the others take certificates alone
@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_by_a_pre_shared_key(start_either, tmp_path, version):
    (tmp_path / "keys").write_text(f"lamp:{LAMP}\n")
    (tmp_path / "keys").chmod(0o600)
    server = start_either(f"listener {{port}} 127.0.0.1\npsk_file {tmp_path}/keys\npsk_hint x\n")
    url = f"mqtts://127.0.0.1:{server.port}"
    if version == "1.2" or PROGRAM.name == "nightjar":
        does_well(server, url=url, psk=LAMP, identity="lamp", tls=version)
    fails(TLS, url=url, psk=LAMP[::-1], identity="lamp", tls=version)


@pytest.mark.parametrize("scheme", ["mqtt", "mqtts", "ws", "wss"])
def test_through_a_proxy(start_server, authority, tls, tmp_path, scheme):
    listener = tls if scheme in ("mqtts", "wss") else "listener {port} 127.0.0.1\n"
    if scheme in ("ws", "wss"):
        listener += f"protocol websockets\nlistener 0 {tmp_path}/socket"
    server = start_server(listener=listener)
    with Proxy() as proxy:
        for host in ["localhost", "127.0.0.1"]:
            assert probe(url=f"{scheme}://{host}:{server.port}", ca_file=authority.certificate,
                         proxy=proxy.url) == "good"


def test_what_a_proxy_does_not_do_is_said(start_server):
    server = start_server()
    url = f"mqtt://localhost:{server.port}"
    with Proxy() as proxy:
        bare = f"socks5h://127.0.0.1:{proxy.port}"
        assert f"localhost:{server.port} through the proxy 127.0.0.1:{proxy.port}: the proxy " \
            "wants a user name" in fails(NETWORK, url=url, proxy=bare)
        assert "does not take this" in fails(
            NETWORK, url=url, proxy=bare.replace("//", "//ada:no@"))
        assert "refuses" in fails(
            NETWORK, url=f"mqtt://localhost:{free_port()}", proxy=proxy.url)
    assert "Connection refused" in fails(NETWORK, url=url, proxy=bare)
    assert "the proxy no-such-host.invalid:1080" in fails(
        NO_ADDRESS, url=url, proxy="socks5h://no-such-host.invalid")
    assert "socks5h://" in fails(INVALID, url=url, proxy="http://localhost")


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_secrets_are_written_where_they_are_wanted(start_server, authority, tls, tmp_path, version):
    server = start_server(listener=tls)
    secrets = tmp_path / "secrets"
    url = f"mqtts://localhost:{server.port}"
    for times in (1, 2):
        assert probe(url=url, ca_file=authority.certificate, tls=version, keylog=secrets) == "good"
        first = "CLIENT_RANDOM " if version == "1.2" else "CLIENT_TRAFFIC_SECRET_0 "
        lines = secrets.read_text().splitlines()
        assert len([line for line in lines if line.startswith(first)]) == times
    assert secrets.stat().st_mode & 0o777 == 0o600
    assert "secrets, /no/" in fails(TLS, url=url, keylog="/no/folder")


@among("server", "mosquitto")
def test_a_port_that_is_for_something_else_is_told(start_either, authority, tls, tmp_path):
    other = free_port()
    server = start_either(f"{tls}listener {other} 127.0.0.1\n")
    until(lambda: is_listening(other), "the other listener")
    ca = authority.certificate
    for version in (4, 5):
        assert "does it speak TLS at this port?" in fails(
            NETWORK, url=f"mqtts://127.0.0.1:{other}", ca_file=ca, version=version)
        assert "does it want TLS at this port" in fails(
            NETWORK, url=f"mqtt://127.0.0.1:{server.port}", version=version)
    assert "does it speak WebSocket at this port" in probe(url=f"ws://127.0.0.1:{other}")


def test_a_port_for_websockets_is_told(start_server, authority, tmp_path):
    server = start_server(listener="listener {port} 127.0.0.1\nprotocol websockets")
    assert "HTTP: is this port for WebSockets?" in fails(
        NOT_CONNECTED, url=f"mqtt://127.0.0.1:{server.port}")
    assert "the server does not speak TLS at this port" in fails(
        TLS, url=f"wss://127.0.0.1:{server.port}", ca_file=authority.certificate)


def test_what_fails_is_said(start_server, tmp_path):
    server = start_server()
    assert "Connection refused" in fails(NETWORK, url=f"mqtt://127.0.0.1:{free_port()}")
    assert "instead of an answer" in fails(WEBSOCKET, url=f"ws://127.0.0.1:{server.port}/mqtt")
    assert "address" in fails(NO_ADDRESS, url="mqtt://no-such-host.invalid")
    assert "No such file" in fails(NETWORK, url=f"unix://{tmp_path}/nothing")
    assert "no-such-file" in fails(TLS, url="mqtts://localhost", ca_file="/no-such-file")


def test_a_refusal_is_told_with_its_reason(start_server):
    server = start_server("allow_anonymous false")
    assert "Not authorized" in fails(REFUSED, url=f"mqtt://127.0.0.1:{server.port}")


# ---- Servers that die ----

COUNT = 3000
DEATHS = 3
PARTS = DEATHS + 1  # of all that is sent: it is not all sent before the last death


def steady(server, version, *words):
    return subprocess.Popen([STEADY, f"mqtt://127.0.0.1:{server.port}", str(version),
                             *map(str, words)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                            text=True)


def go_on(sends):
    """Lets it send its next part, which it may have been waiting for."""
    sends.stdin.write("\n")
    sends.stdin.flush()


@pytest.mark.ours_only("Mosquitto keeps a session over kill -9 only where it has just saved it")
@pytest.mark.parametrize("version", [4, 5])
@pytest.mark.parametrize("qos", [1, 2])
def test_nothing_is_lost_where_the_server_is_killed(start_server, tmp_path, qos, version):
    server = start_server(f"persistence true\npersistence_location {tmp_path}/data\n"
                          "max_queued_messages 0\n")
    with steady(server, version, "subscribe", qos, COUNT) as takes:
        try:
            assert takes.stdout.readline() == "ready\n"
            with steady(server, version, "publish", qos, COUNT, PARTS) as sends:
                for death in range(DEATHS):
                    published = re.escape("id=\"publish\"")
                    until(lambda: len(re.findall(f"client.connected {published}", server.log()))
                          > death, "the publisher to be there")
                    server.kill()
                    server.start()
                    go_on(sends)
                assert sends.communicate(timeout=PATIENCE_S)[0] == f"{COUNT} sent, 0 lost\n"
            seen, again = takes.communicate(timeout=PATIENCE_S)[0].split(", ")
            assert seen == f"{COUNT} seen"
            assert qos == 1 or again == "0 again\n"
        finally:
            takes.kill()


@pytest.mark.parametrize("version", [4, 5])
def test_qos_1_outlives_restarts_of_mosquitto(tmp_path, version):
    """QoS 2 does not: it gives identifiers anew that it has not released, and Mosquitto's own
    client loses those messages as well. NATS loses what it has acknowledged, of QoS 1 too and with
    Mosquitto's client too; RabbitMQ takes longer for a start than all of this."""
    peer = Mosquitto(tmp_path)
    peer.configure(f"listener {{port}} 127.0.0.1\npersistence true\nlog_type all\n"
                   f"persistence_location {tmp_path}/\nmax_queued_messages 0\n")
    peer.start()
    with steady(peer, version, "subscribe", 1, COUNT) as takes:
        try:
            assert takes.stdout.readline() == "ready\n"
            with steady(peer, version, "publish", 1, COUNT, PARTS) as sends:
                for death in range(DEATHS):
                    # A signal that comes before its loop runs is lost on it.
                    until(lambda: peer.log().count("as publish ") > death,
                          "the publisher to be there")
                    peer.stop()
                    peer.start()
                    go_on(sends)
                assert sends.communicate(timeout=PATIENCE_S)[0] == f"{COUNT} sent, 0 lost\n"
            assert takes.communicate(timeout=PATIENCE_S)[0].startswith(f"{COUNT} seen")
        finally:
            takes.kill()
            peer.stop()
