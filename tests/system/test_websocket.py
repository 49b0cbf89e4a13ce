# SPDX-License-Identifier: Apache-2.0
"""MQTT over WebSocket: real clients, and frames that no proper client would send."""

import signal

import pytest

from certificates import Authority
from mqtt_js import run_scenario
from paho_client import V31, V311, V5, Client
from server import IS_NIGHTJAR, free_port, is_sanitizer_build
from test_check import PATIENCE_MS, check, describe, of
from waiting import in_time
from websocket_wire import (BINARY, CLOSE, CONTINUATION, FIN, PING, PONG, RSV1, TEXT,
                            WebSocketWire, deflated, frame, inflated, request)
from wire import CONNACK, connect, octets, packet, publish, string, subscribe

LISTENER = "listener {port} 127.0.0.1\nprotocol websockets"
STALLS = "Mosquitto 2.0.11 stalls on a megabyte over libwebsockets"
LINGER_S = 1  # the server's, for a peer to read why it is refused
HIDDEN = "libwebsockets, which Mosquitto 2.0 uses, answers otherwise"


@pytest.fixture
def server(request, start_server, tmp_path):
    """A running server; `@pytest.mark.config(text)` adds lines to its configuration."""
    config = request.node.get_closest_marker("config")
    threads = "\nthreads 4" if IS_NIGHTJAR else ""
    # Mosquitto 2.0.11 does not start with WebSocket alone.
    return start_server(f"listener 0 {tmp_path}/socket{threads}", listener="\n".join(
        [LISTENER, config.args[0] if config else ""]))


def connected(server, client_id="c", version=4, **options):
    """A WebSocket with an MQTT connection."""
    wire = WebSocketWire(server).upgraded()
    wire.send(frame(FIN | BINARY, connect(version, client_id, **options)))
    first, answer = wire.receive()
    assert first == FIN | BINARY and answer[0] == CONNACK and answer[3] == 0
    return wire


@pytest.mark.sanitizer
@pytest.mark.ours_only(HIDDEN)
def test_a_client_in_a_hurry_is_handed_over_once(server):
    # The CONNECT lies inside the layer, behind the request, while the socket holds still more.
    hurry = frame(FIN | BINARY, octets("c0 00")) * 5000
    for number in range(100):
        with WebSocketWire(server) as wire:
            wire.send(request() + frame(FIN | BINARY, connect(4, f"hurry{number}")) + hurry)
            assert wire.socket.recv(1)
    connected(server).close()


# Real clients ------------------------------------------------------------------------------------


@pytest.mark.sanitizer
@pytest.mark.parametrize("version", ["3.1", "3.1.1", "5.0"])
@pytest.mark.parametrize("scenario", [
    "everyQosInOrder", pytest.param("largePayload", marks=pytest.mark.ours_only(STALLS)), "will"])
def test_mqtt_js(server, version, scenario):
    run_scenario(f"ws://127.0.0.1:{server.port}/mqtt", version, scenario)


@pytest.mark.ours_only("Mosquitto 2.0.11 does not start with WebSocket alone")
@pytest.mark.sanitizer
@pytest.mark.parametrize("scenario", ["everyQosInOrder", "largePayload"])
def test_mqtt_js_over_tls(start_server, tmp_path, scenario):
    authority = Authority(tmp_path)
    certificate, key = authority.issue("server", kind="server")
    server = start_server("threads 4", listener="\n".join(
        [LISTENER, f"certfile {certificate}", f"keyfile {key}"]))
    run_scenario(f"wss://localhost:{server.port}/mqtt", "5.0", scenario,
                 NODE_EXTRA_CA_CERTS=str(authority.certificate))
    server.await_log("client.connected .*tls=TLSv1.3")


@pytest.mark.ours_only(STALLS)
@pytest.mark.sanitizer
@pytest.mark.parametrize("version", [V31, V311, V5])
def test_paho_python(server, version):
    payload = bytes(range(256)) * 4096
    with Client(server, "s", version, transport="websockets") as subscriber, \
            Client(server, "p", version, transport="websockets") as publisher:
        subscriber.subscribe("a/#", 2)
        for qos in 0, 1, 2:
            publisher.publish("a/b", payload, qos)
        messages = subscriber.take(3)
        assert [m.payload for m in messages] == [payload] * 3
        assert [m.qos for m in messages] == [0, 1, 2]


@pytest.mark.ours_only("Mosquitto's faults are listed for a test of their own")
@pytest.mark.sanitizer
@pytest.mark.parametrize("statement", [
    "MQTT5-6.0.0-1", "MQTT5-6.0.0-2", "MQTT5-6.0.0-4", "MQTT311-6.0.0-1", "MQTT311-6.0.0-2",
    "MQTT311-6.0.0-4", "V31-26"])
def test_a_statement_about_websocket(start_server, statement):
    port = free_port()
    server = start_server(
        listener=f"listener {{port}} 127.0.0.1\nlistener {port} 127.0.0.1\nprotocol websockets")
    code, report = check(
        server.port, "--websocket", f"127.0.0.1:{port}/mqtt", "--only", statement, "--timeout",
        str(PATIENCE_MS))
    assert code == 0, describe(of(report, "FAIL"))
    assert report["passed"] == 1 and report["skipped"] == 0, report


# The request -------------------------------------------------------------------------------------


@pytest.mark.parametrize("offered, chosen", [
    ("mqtt", "mqtt"),
    ("chat, mqtt", "mqtt"),
    ("mqttv3.1", "mqttv3.1"),
    ("mqttv3.1, mqtt", "mqttv3.1"),
    pytest.param(None, None, marks=pytest.mark.ours_only(
        "Mosquitto 2.0 upgrades too, but then hears no MQTT")),
])
def test_sub_protocols(server, offered, chosen):
    with WebSocketWire(server) as wire:
        wire.send(request(**{"Sec-WebSocket-Protocol": offered}))
        status, headers = wire.head()
        assert (status, headers.get("Sec-WebSocket-Protocol")) == (101, chosen)
        wire.send(frame(FIN | BINARY, connect(4, "c")))
        wire.expect(FIN | BINARY, "20 02 00 00")


@pytest.mark.ours_only(HIDDEN)
@pytest.mark.config("websockets_path /mqtt\nwebsockets_origin https://a.example\n"
                    "websockets_origin http://b.example:8080")
@pytest.mark.parametrize("status, changes", [
    (101, {"Origin": "https://a.example"}),
    (101, {"Origin": "http://b.example:8080", "path": "/mqtt?token=1"}),
    (400, {"Host": None}),
    (400, {"Origin": "https://a.example", "Sec-WebSocket-Key": "short"}),
    (400, {"Origin": "https://a.example", "Sec-WebSocket-Protocol": "chat"}),
    (403, {}),
    (403, {"Origin": "https://evil.example"}),
    (404, {"path": "/"}),
    (405, {"method": "POST"}),
    (426, {"Upgrade": None}),
    (426, {"Sec-WebSocket-Version": "8"}),
    (431, {"Cookie": "x" * 5000}),
])
def test_a_request_is_answered_with(server, status, changes):
    with WebSocketWire(server) as wire:
        wire.send(request(**changes))
        assert wire.head()[0] == status
    assert server.is_alive()


@pytest.mark.ours_only(HIDDEN)
@pytest.mark.sanitizer
def test_what_is_no_http_is_told_so(server):
    with WebSocketWire(server) as wire:
        wire.send(connect(4, "c"))
        assert wire.head()[0] == 400
        wire.expect_end()


@pytest.mark.ours_only(HIDDEN)
@pytest.mark.sanitizer
@pytest.mark.parametrize("upgraded, sent, answer", [
    (False, b"GARBAGE", b"HTTP/1.1 400 "),
    (False, request(method="POST"), b"HTTP/1.1 405 "),
    (True, frame(FIN | TEXT, b"x"), b"\x88\x02\x03\xeb"),
])
def test_a_refusal_comes_without_a_reset_though_more_is_sent(server, upgraded, sent, answer):
    """Closed with unread input, TCP sends a reset, and the peer's system may drop the answer."""
    def be_refused():
        with WebSocketWire(server) as wire:
            if upgraded:
                wire.upgraded()
            wire.socket.sendall(sent + b"x" * 1_000_000)
            got = b""
            while more := wire.socket.recv(65536):
                got += more
            assert got.startswith(answer)

    in_time(LINGER_S, be_refused)


@pytest.mark.ours_only("Mosquitto 2.0 has no such time")
@pytest.mark.config("connect_timeout 1")
def test_half_a_request_is_not_waited_for(server):
    with WebSocketWire(server) as wire:
        wire.send(request()[:-2])
        wire.expect_end()
    with in_time(1, lambda: WebSocketWire(server).upgraded()) as wire:
        wire.expect_end()


@pytest.mark.ours_only("Mosquitto 2.0 drops what comes with the request")
def test_a_connect_may_come_with_the_request(server):
    with WebSocketWire(server) as wire:
        wire.send(request(), frame(FIN | BINARY, connect(4, "c")))
        assert wire.head()[0] == 101
        wire.expect(FIN | BINARY, "20 02 00 00")


# Frames ------------------------------------------------------------------------------------------


@pytest.mark.sanitizer
def test_a_connect_may_lie_in_many_frames(server):
    whole = connect(5, "c")
    with WebSocketWire(server).upgraded() as wire:
        for i, byte in enumerate(whole):
            first = BINARY if i == 0 else CONTINUATION
            wire.send(frame(first | (FIN if i == len(whole) - 1 else 0), bytes([byte])))
        first, answer = wire.receive()
        assert first == FIN | BINARY and answer[0] == CONNACK


def test_a_frame_may_hold_many_packets(server):
    with connected(server) as wire:
        wire.send(frame(FIN | BINARY, subscribe(4, ["a"]) + publish(4, "a", b"x") * 3))
        got = b""
        while len(got) < 5 + 3 * 6:
            got += wire.receive()[1]
        assert got == octets("90 03 00 01 00") + publish(4, "a", b"x") * 3


@pytest.mark.ours_only(STALLS)
@pytest.mark.sanitizer
def test_a_large_message_may_come_in_one_frame_or_in_many(server):
    message = publish(4, "a", b"0123456789" * 100_000)
    with connected(server) as wire:
        wire.send(frame(FIN | BINARY, subscribe(4, ["a"])))
        wire.expect(FIN | BINARY, "90 03 00 01 00")
        parts = [message[i:i + 9999] for i in range(0, len(message), 9999)]
        first, *middle, last = parts
        wire.send(frame(FIN | BINARY, message), *[frame(FIN | BINARY, part) for part in parts],
                  frame(BINARY, first), *[frame(CONTINUATION, part) for part in middle],
                  frame(FIN | PING), frame(FIN | CONTINUATION, last))
        got, pongs = b"", 0
        while len(got) < 3 * len(message):
            head, payload = wire.receive()
            got += payload
            pongs += head == FIN | PONG
        assert got == message * 3
        assert pongs == 1


@pytest.mark.sanitizer
@pytest.mark.parametrize("code, frames", [
    (1003, frame(FIN | TEXT, publish(4, "a", b"x"))),
    (1002, frame(FIN | BINARY, "c0 00", masked=False)),
    (1002, frame(FIN | 0x40 | BINARY, "c0 00")),
    (1002, frame(FIN | 0x3, "c0 00")),
    (1002, frame(FIN | CONTINUATION, "c0 00")),
    (1002, frame(BINARY, "c0") + frame(FIN | BINARY, "00")),
    (1002, frame(PING, b"x")),
    (1002, frame(FIN | PING, b"x" * 126)),
    (1002, frame(FIN | CLOSE, "03")),
    (1009, bytes.fromhex("82ff 0000000010000005 00000000 00")),
])
@pytest.mark.ours_only(HIDDEN)
def test_bad_frames_close_with(server, code, frames):
    with connected(server) as wire:
        wire.send(frames)
        wire.expect_end(code)
    connected(server).close()


@pytest.mark.ours_only(HIDDEN)
def test_a_close_frame_is_answered(server):
    with connected(server) as wire:
        wire.send(frame(FIN | CLOSE, "03 e8 'bye'"))
        wire.expect(FIN | CLOSE, "03 e8")
        wire.expect_end()


def test_a_close_without_a_disconnect_publishes_the_will(server):
    with Client(server, "watcher", transport="websockets") as watcher, \
            WebSocketWire(server).upgraded() as dying:
        watcher.subscribe("status", 1)
        dying.send(frame(FIN | BINARY, packet(
            0x10, "00 04 'MQTT' 04 06 00 3c", string("dying"), string("status"),
            string("offline"))))
        dying.expect(FIN | BINARY, "20 02 00 00")
        dying.send(frame(FIN | CLOSE, "03 e8"))
        assert watcher.take(1)[0].payload == b"offline"


@pytest.mark.ours_only(HIDDEN)
def test_a_refused_client_is_told_why_before_the_close(server):
    with WebSocketWire(server).upgraded() as wire:
        wire.send(frame(FIN | BINARY, "10 0c 00 04 'MQTT' 04 00 00 00 00 00"))
        wire.expect(FIN | BINARY, "20 02 00 02")
        wire.expect_end(1000)


@pytest.mark.ours_only("libwebsockets answers some pings only")
def test_a_ping_is_answered(server):
    with connected(server) as wire:
        wire.send(frame(FIN | PING, b"one"))
        wire.expect(FIN | PONG, b"one")
        wire.send(frame(FIN | PONG, b"unasked"), frame(FIN | BINARY, "c0 00"))
        wire.expect(FIN | BINARY, "d0 00")


def test_a_ping_does_not_keep_an_mqtt_client_alive(server):
    with connected(server, keepalive_s=1) as wire:
        wire.send(frame(FIN | PING))
        while (got := wire.receive()) and got[0] == FIN | PONG:
            wire.send(frame(FIN | PING))
        wire.expect_end()


# Compression -------------------------------------------------------------------------------------

OFFER = {"Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits"}
AGREED = ("permessage-deflate; server_no_context_takeover; client_no_context_takeover; "
          "client_max_window_bits=12")
compression = pytest.mark.config("websockets_compression true")
no_compression = pytest.mark.ours_only("Mosquitto 2.0 does not compress")


def compressing(server):
    """A WebSocket that compresses, with an MQTT connection that hears all."""
    wire = WebSocketWire(server).upgraded(**OFFER)
    assert wire.headers["Sec-WebSocket-Extensions"] == AGREED
    wire.send(frame(FIN | RSV1 | BINARY, deflated(connect(4, "c") + subscribe(4, ["#"]))))
    wire.expect(FIN | BINARY, "20 02 00 00 90 03 00 01 00")
    return wire


@no_compression
@pytest.mark.parametrize("offer, option", [
    (OFFER, ""),
    ({}, "websockets_compression true"),
    ({"Sec-WebSocket-Extensions": "permessage-deflate; server_max_window_bits=8"},
     "websockets_compression true"),
])
def test_nothing_is_compressed_unless_both_want_it(start_server, offer, option):
    server = start_server(option, listener=LISTENER)
    with WebSocketWire(server).upgraded(**offer) as wire:
        assert "Sec-WebSocket-Extensions" not in wire.headers
        wire.send(frame(FIN | RSV1 | BINARY, deflated(connect(4, "c"))))
        wire.expect_end(1002)


@no_compression
@compression
@pytest.mark.sanitizer
def test_messages_are_compressed_both_ways(server):
    payload = b"temperature=21.5;" * 5000
    message = publish(4, "a", payload)
    with compressing(server) as wire:
        packed = deflated(message)
        wire.send(frame(RSV1 | BINARY, packed[:100]), frame(FIN | PING, b"between"),
                  frame(FIN | CONTINUATION, packed[100:]), frame(FIN | BINARY, message))
        wire.expect(FIN | PONG, b"between")
        got, size = b"", 0
        while len(got) < 2 * len(message):
            first, part = wire.receive()
            assert first in (FIN | RSV1 | BINARY, FIN | BINARY)
            got += inflated(part) if first & RSV1 else part
            size += len(part)
        assert got == 2 * message
        assert size < len(got) / 10


@no_compression
@compression
def test_small_messages_are_not_compressed(server):
    with compressing(server) as wire:
        wire.send(frame(FIN | BINARY, publish(4, "a", b"x" * 200)))
        wire.expect(FIN | BINARY, publish(4, "a", b"x" * 200))


@no_compression
@compression
@pytest.mark.sanitizer
@pytest.mark.parametrize("code, frames", [
    (1007, frame(FIN | RSV1 | BINARY, b"\x06")),
    (1007, frame(FIN | RSV1 | BINARY, deflated(b"Hello")[:-1])),
    (1002, frame(FIN | RSV1 | PING)),
    (1002, frame(RSV1 | BINARY, b"\0") + frame(FIN | RSV1 | CONTINUATION, b"\0")),
    (1003, frame(FIN | RSV1 | TEXT, b"\0")),
])
def test_badly_compressed_frames_close_with(server, code, frames):
    with compressing(server) as wire:
        wire.send(frames)
        wire.expect_end(code)


@no_compression
@compression
@pytest.mark.sanitizer
def test_a_little_that_holds_a_lot_takes_no_memory(server):
    """16 MiB in 16 KiB: MQTT's limits count what a message holds."""
    with compressing(server) as wire:
        before = server.memory_kib()
        packet_of_16_mib = publish(4, "a", bytes(2 ** 24))
        wire.send(frame(FIN | RSV1 | BINARY, deflated(packet_of_16_mib)))
        wire.expect_end()
        if not is_sanitizer_build():  # which keeps books of its own
            assert server.memory_kib() - before < 2048
    connected(server).close()


@no_compression
@compression
@pytest.mark.sanitizer
@pytest.mark.parametrize("scenario", ["everyQosInOrder", "largePayload", "retainedMessages"])
def test_mqtt_js_compressed(server, scenario):
    run_scenario(f"ws://127.0.0.1:{server.port}/mqtt", "5.0", scenario, COMPRESSED="1")


# Behind a proxy ----------------------------------------------------------------------------------


@pytest.mark.ours_only("Mosquitto 2.0 does not read it")
@pytest.mark.parametrize("trusted, field, peer", [
    ("127.0.0.0/8", "10.0.0.7", "10.0.0.7:0"),
    ("127.0.0.0/8, 10.0.0.0/8", "1.2.3.4, 192.0.2.7:1234, 10.0.0.1", "192.0.2.7:1234"),
    ("127.0.0.1", "2001:db8::7", "[2001:db8::7]:0"),
    ("127.0.0.1", None, "127.0.0.1:[1-9][0-9]*"),
    ("127.0.0.2", "10.0.0.7", "127.0.0.1:[1-9][0-9]*"),
    ("127.0.0.2", "garbage", "127.0.0.1:[1-9][0-9]*"),
])
def test_a_trusted_proxy_names_the_client(start_server, trusted, field, peer):
    server = start_server(f"trusted_proxies {trusted}\nthreads 4", listener=LISTENER)
    with WebSocketWire(server).upgraded(**{"X-Forwarded-For": field}) as wire:
        wire.send(frame(FIN | BINARY, connect(4, "c")))
        wire.expect(FIN | BINARY, "20 02 00 00")
        peer = peer.replace("[2001:db8::7]", r"\[2001:db8::7\]")
        server.await_log(f'client.connected id="c" peer={peer} ')


@pytest.mark.ours_only("Mosquitto 2.0 does not read it")
def test_a_trusted_proxy_that_names_nobody_is_told(start_server):
    server = start_server("trusted_proxies 127.0.0.1", listener=LISTENER)
    with WebSocketWire(server) as wire:
        wire.send(request(**{"X-Forwarded-For": "unknown"}))
        assert wire.head()[0] == 400
    server.await_log("connection.failed .*X-Forwarded-For")


@pytest.mark.ours_only(HIDDEN)
def test_a_reload_counts_for_the_next_request(start_server):
    server = start_server("websockets_path /old", listener=LISTENER)
    config = server.config_file.read_text()
    with WebSocketWire(server).upgraded(path="/old") as old, WebSocketWire(server) as new:
        server.config_file.write_text(config.replace("websockets_path /old", "\n".join([
            "websockets_path /new", "websockets_compression true", "websockets_origin null",
            "trusted_proxies 127.0.0.1"])))
        server.signal(signal.SIGHUP)
        server.await_log("trusted_proxies changes")
        server.await_log("config.reloaded")
        new.upgraded(path="/new", Origin="null", **OFFER, **{"X-Forwarded-For": "10.0.0.7"})
        assert new.headers["Sec-WebSocket-Extensions"] == AGREED
        for wire, name in (new, "new"), (old, "old"):
            wire.send(frame(FIN | BINARY, connect(4, name)))
            wire.expect(FIN | BINARY, "20 02 00 00")
        server.await_log('client.connected id="new" peer=10.0.0.7:0 ')
        server.await_log('client.connected id="old" peer=127.0.0.1:')
