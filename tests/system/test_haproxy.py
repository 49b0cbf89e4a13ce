# SPDX-License-Identifier: Apache-2.0
"""Real clients through HAProxy: the server knows them, and not the proxy."""

import re

import pytest

from certificates import Authority
from haproxy import Haproxy
from mosquitto import Subscriber, run
from paho_client import V311, V5, Client
from server import is_listening
from waiting import until
from websocket_wire import BINARY, FIN, WebSocketWire, frame, request
from wire import connect

pytestmark = pytest.mark.ours_only("Mosquitto 2.0 does not hear of clients from proxies")

# Where the clients come from.
CLIENT = "127.0.0.7"
FROM_CLIENT = ["-A", CLIENT]
LISTENER = f"listener {{port}} 127.0.0.1\ntrusted_proxies {Haproxy.ADDRESS}\n"


def peers(server):
    """Where each client so far has come from."""
    return re.findall(r"client.connected .*?peer=(\S+):\d+", server.log())


def expect_peers(server, wanted):
    """The log may be a moment behind."""
    until(lambda: len(peers(server)) >= len(wanted), f"{len(wanted)} clients")
    assert peers(server) == wanted


def told_of_proxy(server, event):
    """The lines of that event that are about the proxy itself."""
    return re.findall(rf"{event} .*peer={Haproxy.ADDRESS}:.*", server.log())


@pytest.mark.sanitizer
@pytest.mark.parametrize("version, option", [(1, "send-proxy"), (2, "send-proxy-v2")])
def test_tcp(start_server, version, option):
    server = start_server("threads 4", listener=f"{LISTENER}enable_proxy_protocol {version}")
    with Haproxy(server, option) as proxy:
        with Subscriber(proxy, *FROM_CLIENT, "-t", "a", "-i", "sub") as subscriber:
            done = run("pub", proxy, *FROM_CLIENT, "-t", "a", "-m", "x", "-q", "2", "-i", "pub")
            assert done.returncode == 0, done.stderr
            assert subscriber.lines(1) == ["x"]
    expect_peers(server, [CLIENT, CLIENT])


@pytest.mark.sanitizer
def test_tls_that_ends_at_the_proxy(start_server, tmp_path):
    """What the proxy has found in the client's certificate names the user."""
    authority = Authority(tmp_path)
    certificate, key = authority.issue("proxy", kind="server", subject="/CN=localhost")
    both = tmp_path / "proxy.pem"
    both.write_bytes(certificate.read_bytes() + key.read_bytes())
    certificate, key = authority.issue("sensor")
    server = start_server("use_identity_as_username true", listener="\n".join([
        f"{LISTENER}enable_proxy_protocol 2", "proxy_protocol_v2_require_tls true"]))
    bind = f"ssl crt {both} ca-file {authority.certificate} verify optional"
    tls = ["-h", "localhost", "--cafile", authority.certificate, *FROM_CLIENT]
    with Haproxy(server, "send-proxy-v2-ssl-cn", bind=bind) as proxy, \
            Haproxy(server, "send-proxy-v2-ssl-cn") as clear:
        done = run("pub", proxy, *tls, "--cert", certificate, "--key", key,
                   "-t", "a", "-m", "x", "-q", "1", "-i", "known")
        assert done.returncode == 0, done.stderr
        server.await_log(rf'client.connected id="known" peer={CLIENT}:.* user="sensor" .*'
                         r"tls=TLSv1.3$")
        assert run("pub", proxy, *tls, "-t", "a", "-m", "x", "-i", "nameless").returncode != 0
        server.await_log(rf'client.refused id="nameless" peer={CLIENT}:')
        assert run("pub", clear, *FROM_CLIENT, "-t", "a", "-m", "x").returncode != 0
        server.await_log(rf"connection.failed peer={Haproxy.ADDRESS}:.*without TLS")


@pytest.mark.parametrize("version, option", [
    (1, ""), (2, ""), (1, "send-proxy-v2"), (2, "send-proxy")])
def test_a_proxy_that_is_set_up_otherwise_is_refused(start_server, version, option):
    server = start_server(listener=f"{LISTENER}enable_proxy_protocol {version}")
    with Haproxy(server, option) as proxy:
        assert run("pub", proxy, *FROM_CLIENT, "-t", "a", "-m", "x").returncode != 0
        server.await_log(rf"connection.failed peer={Haproxy.ADDRESS}:.*PROXY header")
    expect_peers(server, [])


def test_who_does_not_come_by_the_proxy_is_refused(start_server):
    server = start_server(listener=f"{LISTENER}enable_proxy_protocol 1")
    with Haproxy(server, "send-proxy") as proxy:
        assert run("pub", server, "-t", "a", "-m", "x").returncode != 0
        server.await_log("connection.failed peer=127.0.0.1:.*trusted")
        assert run("pub", proxy, "-t", "a", "-m", "x", "-q", "1").returncode == 0


@pytest.mark.parametrize("version, option", [(1, "send-proxy"), (2, "send-proxy-v2")])
def test_a_proxy_may_look_often_whether_the_server_is_alive(start_server, version, option):
    """It says so in its header, and is gone: that is worth no line but for debugging."""
    server = start_server(listener=f"{LISTENER}enable_proxy_protocol {version}")
    with Haproxy(server, f"{option} check inter 10ms"):
        until(lambda: len(told_of_proxy(server, "debug connection.ended")) >= 10, "ten visits")
    assert told_of_proxy(server, "(?:info|warn|error)") == []


@pytest.mark.parametrize("layer", ["tcp", "tls", "websockets"])
def test_whoever_comes_and_goes_is_told_of_at_debug(start_server, tmp_path, layer):
    certificate, key = Authority(tmp_path).issue("server", kind="server")
    listener = {"tcp": "", "tls": f"certfile {certificate}\nkeyfile {key}",
                "websockets": "protocol websockets"}[layer]
    server = start_server(listener=f"listener {{port}} 127.0.0.1\n{listener}")
    for _ in range(3):
        assert is_listening(server.port)
    until(lambda: server.log().count("debug connection.ended peer=127.0.0.1") == 4, "four visits")
    assert not re.search("(info|warn|error) connection", server.log())


# WebSocket ---------------------------------------------------------------------------------------


@pytest.fixture
def web(start_server):
    """A server of WebSockets, and an HTTP proxy before it."""
    server = start_server("threads 4", listener=f"{LISTENER}protocol websockets")
    with Haproxy(server, mode="http", front="option forwardfor") as proxy:
        yield server, proxy


@pytest.mark.sanitizer
@pytest.mark.parametrize("version", [V311, V5])
def test_http(web, version):
    server, proxy = web
    payload = bytes(range(256)) * 4096
    with Client(proxy, "s", version, transport="websockets", source=CLIENT) as subscriber, \
            Client(proxy, "p", version, transport="websockets", source=CLIENT) as publisher:
        subscriber.subscribe("a/#", 2)
        publisher.publish("a/b", payload, 2)
        assert subscriber.take(1)[0].payload == payload
    expect_peers(server, [CLIENT, CLIENT])


def test_a_client_cannot_give_itself_another_address(web):
    server, proxy = web
    with WebSocketWire(proxy) as wire:
        wire.send(request(**{"X-Forwarded-For": "10.0.0.7"}))
        assert wire.head()[0] == 101
        wire.send(frame(FIN | BINARY, connect(4, "c")))
        wire.expect(FIN | BINARY, "20 02 00 00")
    expect_peers(server, ["127.0.0.1"])
