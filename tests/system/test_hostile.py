# SPDX-License-Identifier: Apache-2.0
"""What a careless or hostile peer may send or leave undone.

Each ends with the right reason code (5.0) or a close (3.x) and a line in the log that says why, and
the server goes on to serve others with its memory bounded.
"""

import os
import random
import re
import signal
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from configurations import Listener
from doors import PROXY_SOURCE, Doors
from paho_client import Client
from server import IS_NIGHTJAR, free_port, is_sanitizer_build
from waiting import in_time, until
from wire import V31, V311, V5, Wire, connect, packet, publish, string, subscribe

VERSIONS = [V31, V311, V5]
MALFORMED, PROTOCOL_ERROR = 0x81, 0x82
NAMES = {V31: "3.1", V311: "3.1.1", V5: "5.0"}


@pytest.fixture(params=VERSIONS, ids=NAMES.get)
def version(request):
    return request.param


def expect_service(server):
    """Others are served: a message goes through at QoS 1."""
    with Client(server, "another") as client:
        client.subscribe("service", 1)
        client.publish("service", "x", 1)
        client.take(1)


def expect_reason(server, *reasons):
    """The log says that a connection, or what it asked for, ended for this reason.

    Mosquitto has words of its own.
    """
    if IS_NIGHTJAR:
        server.await_log(
            rf"\.(ended|disconnected|refused|dropped) .*\breason=({'|'.join(reasons)})")


def expect_end(wire, version, *codes):
    """The server closes, and tells a 5.0 client why with one of the codes (a peer need not)."""
    if version < V5 or not IS_NIGHTJAR:
        codes = ()
    wire.expect_end(*codes)


def expect_bounded_memory(server, before_kib, more_kib):
    if not is_sanitizer_build():  # a sanitizer keeps what is freed
        assert server.memory_kib() < before_kib + more_kib


# Before and instead of CONNECT -------------------------------------------------------------------


@pytest.mark.sanitizer
@pytest.mark.parametrize("first", [
    pytest.param("30 05 00 01 'a' 'xx'", id="PUBLISH"),
    pytest.param("82 06 00 01 00 01 'a' 00", id="SUBSCRIBE"),
    pytest.param("c0 00", id="PINGREQ"),
    pytest.param("e0 00", id="DISCONNECT"),
    pytest.param("f0 00", id="AUTH"),
    pytest.param("20 02 00 00", id="CONNACK"),
    pytest.param("00 00", id="type 0"),
    pytest.param("11 0e 00 04 'MQTT' 04 02 00 3c 00 02 'c1'", id="reserved flags"),
    pytest.param(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", id="HTTP"),
    pytest.param("16 03 01 02 00 01 00 01 fc 03 03", id="TLS"),
    pytest.param("00 " * 100, id="zeros"),
    pytest.param("ff " * 100, id="ones"),
    pytest.param("10 ff ff ff ff 01", id="length of five bytes"),
    pytest.param("10 0e 00 04 'MQTX' 04 02 00 3c 00 02 'c1'", id="unknown protocol"),
    pytest.param("10 0e 00 04 'MQTT' 04 03 00 3c 00 02 'c1'", id="reserved connect flag"),
    pytest.param("10 0e 00 04 'MQTT' 04 02 00 3c 00 03 'c1'", id="client id beyond the end"),
    pytest.param("10 0f 00 04 'MQTT' 04 02 00 3c 00 02 'c1' 00", id="a byte too many"),
    pytest.param("10 0e 00 04 'MQTT' 04 1a 00 3c 00 02 'c1'", id="will flags without will"),
    pytest.param("10 0e 00 04 'MQTT' 04 02 00 3c 00 02 c0 af", id="client id not UTF-8"),
])
def test_a_wrong_first_packet_ends_the_connection(server, first):
    with Wire(server) as hostile:
        hostile.send(first)
        hostile.expect_end()
    expect_reason(server, "malformed", "protocol_error", "unsupported_version",
                  "packet_too_large")
    if IS_NIGHTJAR:
        server.await_log('client.refused .*reason=[a-z_]+ user="" text="[^"]+')
    expect_service(server)


DOORS = """
listener {tls} 127.0.0.1
certfile {certificate}
keyfile {key}
listener {wss} 127.0.0.1
protocol websockets
certfile {certificate}
keyfile {key}
listener {ws} 127.0.0.1
protocol websockets
listener {proxy} 127.0.0.1
enable_proxy_protocol 2
listener 0 {path}
"""


@pytest.mark.ours_only("Mosquitto 2.0 has no PROXY protocol, and words of its own")
def test_at_every_door_the_log_says_who_is_refused_and_why(start_server, authority, tmp_path):
    certificate, key = authority.issue("localhost", kind="server")
    ports = {door: free_port() for door in ("tls", "wss", "ws", "proxy")}
    path = tmp_path / "socket"
    server = start_server(DOORS.format(certificate=certificate, key=key, path=path, **ports))
    tls, websockets = {"certfile": certificate}, {"protocol": "websockets"}
    here = re.escape("127.0.0.1:")
    doors = [(Listener(server.port), here), (Listener(ports["tls"], options=tls), here),
             (Listener(ports["ws"], options=websockets), here),
             (Listener(ports["wss"], options=tls | websockets), here),
             (Listener(ports["proxy"], options={"enable_proxy_protocol": "2"}),
              re.escape(f"{PROXY_SOURCE}:")),
             (Listener(0, path=path), "-")]
    for listener, peer in doors:
        for first, why in [
                ("30 05 00 01 'a' 'xx'", "its first packet is no CONNECT"),
                (b"GET / HTTP/1.1\r\n\r\n", "it looks like HTTP or WebSocket; "),
                ("16 03 01 02 00 01 00 01 fc 03 03", "it looks like TLS; "),
                ("10 0e 00 04 'MQTT' 04 03 00 3c 00 02 'c1'", "the reserved bit "),
                ("10 0e 00 04 'MQTT' 04 02 00 3c 00 02 c0 af", "its client id is no UTF-8"),
                ("10 0e 00 04 'MQTT' 02 02 00 3c 00 02 'c1'", "its version is none of ")]:
            with Doors(authority).open(listener) as hostile:
                hostile.send(first)
                hostile.expect_end()
            server.await_log(f'client.refused id="" peer={peer}[0-9]* port={listener.port} '
                             f'reason=[a-z_]+ user="" text="{why}')
    expect_service(server)


def test_an_unknown_protocol_level_is_told(server):
    with Wire(server) as old:
        old.send("10 0e 00 04 'MQTT' 02 02 00 3c 00 02 'c1'")
        old.expect("20 02 00 01")
        old.expect_end()
    with Wire(server) as new:
        new.send("10 0f 00 04 'MQTT' 06 02 00 3c 00 00 02 'c1'")
        while (got := new.receive()) is not None:
            assert got[0] == 0x20 and got[1][1] in (0x01, 0x84)
    expect_service(server)


def test_noise_ends_the_connection(server):
    noise = random.Random(1)
    for _ in range(300):
        with Wire(server) as hostile:
            hostile.send(noise.randbytes(noise.randrange(1, 200)))
    expect_service(server)


@pytest.mark.sanitizer
@pytest.mark.ours_only("connect_timeout is our own key")
@pytest.mark.config("connect_timeout 1")
@pytest.mark.parametrize("half", ["", "10", "10 0e 00 04 'MQTT' 04 02 00"],
                         ids=["nothing", "one byte", "half a CONNECT"])
def test_a_connect_that_does_not_come_ends_the_connection(server, half):
    with Wire(server) as hostile:
        hostile.send(half)
        hostile.expect_end()
    expect_reason(server, "connect_timeout", "keep_alive_timeout", "maximum_connect_time")
    in_time(1, lambda: expect_service(server))


@pytest.mark.ours_only("Mosquitto 2.0.11 waits for all of it")
def test_an_oversized_connect_is_refused_before_it_is_read(server):
    before_kib = server.memory_kib()
    with ExitStack() as stack:
        for _ in range(100):
            hostile = stack.enter_context(Wire(server))
            hostile.send("10 ff ff ff 7f 00 04 'MQTT' 05 02 00 3c", bytes(60000))
            hostile.expect_end()
    expect_reason(server, "packet_too_large", "malformed")
    expect_bounded_memory(server, before_kib, 4096)
    expect_service(server)


# After CONNECT -----------------------------------------------------------------------------------


ignored = pytest.mark.ours_only("Mosquitto 2.0.11 ignores it")


@pytest.mark.sanitizer
@pytest.mark.parametrize("version", [V311, V5], ids=NAMES.get)
@pytest.mark.parametrize("sent, codes", [
    pytest.param(connect(V5, "c1"), [PROTOCOL_ERROR], id="a second CONNECT"),
    pytest.param("00 00", [MALFORMED, PROTOCOL_ERROR], id="type 0"),
    pytest.param("20 02 00 00", [MALFORMED, PROTOCOL_ERROR], id="CONNACK"),
    pytest.param("90 03 00 01 00", [MALFORMED, PROTOCOL_ERROR], id="SUBACK", marks=ignored),
    pytest.param("d0 00", [MALFORMED, PROTOCOL_ERROR], id="PINGRESP", marks=ignored),
    pytest.param("c1 00", [MALFORMED], id="reserved flags", marks=ignored),
    pytest.param("c0 01 00", [MALFORMED], id="PINGREQ with a body", marks=ignored),
    pytest.param("36 06 00 01 'a' 00 01 00", [MALFORMED], id="QoS 3"),
    pytest.param("30 ff ff ff ff 01", [MALFORMED], id="length of five bytes"),
    pytest.param("32 06 00 01 'a' 00 00 00", [MALFORMED, PROTOCOL_ERROR], id="packet id 0"),
    pytest.param("30 05 00 01 '#' 00 'x'", [MALFORMED, PROTOCOL_ERROR, 0x90],
                 id="wildcard in a topic name"),
    pytest.param("30 05 00 02 'a' 00 00", [MALFORMED], id="NUL in a topic name"),
    pytest.param("30 06 00 02 c3 28 00 'x'", [MALFORMED], id="topic name not UTF-8"),
    pytest.param("30 04 ff ff 'a' 00", [MALFORMED], id="topic name beyond the end"),
    pytest.param("82 02 00 01", [MALFORMED, PROTOCOL_ERROR], id="SUBSCRIBE of nothing"),
    pytest.param("80 07 00 01 00 00 01 'a' 00", [MALFORMED], id="SUBSCRIBE with flags 0"),
    pytest.param("60 02 00 01", [MALFORMED], id="PUBREL with flags 0"),
])
def test_a_broken_packet_ends_the_connection(server, version, sent, codes):
    with Wire(server).connected(version, "hostile") as hostile:
        hostile.send(sent)
        expect_end(hostile, version, *codes)
    expect_reason(server, "malformed", "protocol_error", "topic_name_invalid")
    expect_service(server)


@pytest.mark.ours_only("Mosquitto 2.0.11 has no limit on packets by default")
def test_an_oversized_packet_ends_the_connection_before_it_is_read(server, version):
    before_kib = server.memory_kib()
    for _ in range(20):
        with Wire(server).connected(version, "hostile") as hostile:
            hostile.send("30 ff ff ff 7f", bytes(100000))
            expect_end(hostile, version, 0x95)
    expect_reason(server, "packet_too_large")
    server.await_log('reason=packet_too_large text="larger than max_packet_size"')
    expect_bounded_memory(server, before_kib, 4096)
    expect_service(server)


@pytest.mark.sanitizer
@pytest.mark.parametrize("version", [V311, V5], ids=NAMES.get)
@pytest.mark.parametrize("topic", ["/" * 65535, "a/" * 32767 + "a"], ids=["slashes", "letters"])
def test_a_topic_of_65535_levels_is_refused(server, version, topic):
    with Wire(server).connected(version, "hostile") as hostile:
        hostile.send(publish(version, topic, b"x", qos=1))
        if (got := hostile.receive()) is None:  # a close is an answer in 3.1.1
            assert version < V5
        elif version == V5:
            first, body = got
            code = body[0] if first == 0xE0 else body[2]
            assert code in (MALFORMED, PROTOCOL_ERROR, 0x90, 0x97), got
    expect_reason(server, "topic_name_invalid", "quota_exceeded")
    expect_service(server)


@pytest.mark.sanitizer
@pytest.mark.parametrize("version", [V311, V5], ids=NAMES.get)
@pytest.mark.parametrize("topic_filter", ["/" * 65535, "+/" * 32767 + "#"], ids=["slashes", "plus"])
def test_a_filter_of_65535_levels_is_refused(server, version, topic_filter):
    before_kib = server.memory_kib()
    with Wire(server).connected(version, "hostile") as hostile:
        hostile.send(subscribe(version, [topic_filter]))
        if (got := hostile.receive()) is None:
            assert version < V5
        else:
            first, body = got
            assert body[0 if first == 0xE0 else -1] in (0x80, MALFORMED, 0x8F, 0x97), got
    expect_reason(server, "topic_filter_invalid", "quota_exceeded", "unspecified_error")
    expect_bounded_memory(server, before_kib, 16384)
    expect_service(server)


@pytest.mark.ours_only("Mosquitto 2.0.11 knows neither the limit nor the reason code")
@pytest.mark.config("receive_maximum 5")
def test_more_open_messages_than_the_receive_maximum_end_the_connection(server):
    with Wire(server).connected(V5, "hostile") as hostile:
        for packet_id in range(1, 7):
            hostile.send(publish(V5, "a", b"x", qos=2, packet_id=packet_id))
        hostile.expect_end(0x93)
    expect_reason(server, "receive_maximum_exceeded")
    expect_service(server)


@pytest.mark.ours_only("subscriptions_max is our own key")
@pytest.mark.config("subscriptions_max 100")
@pytest.mark.parametrize("version", [V311, V5], ids=NAMES.get)
def test_a_flood_of_subscriptions_meets_its_limit(server, version):
    refused = 0x97 if version == V5 else 0x80
    with Wire(server).connected(version, "hostile") as hostile:
        codes = []
        for packet_id in range(1, 51):
            filters = [f"flood/{packet_id}/{i}" for i in range(10)]
            hostile.send(subscribe(version, filters, packet_id=packet_id))
            codes += hostile.expect_packet(0x90)[3 if version == V5 else 2:]
        assert codes == [0] * 100 + [refused] * 400
        # What it has goes on working, and may be replaced.
        hostile.send(subscribe(version, ["flood/1/0"], qos=1))
        assert hostile.expect_packet(0x90)[-1] == 1
    expect_reason(server, "quota_exceeded")
    expect_service(server)


def test_a_packet_in_single_bytes_is_a_packet(server, version):
    with Wire(server) as slow:
        for byte in connect(version, "slow") + subscribe(version, ["a"]) + publish(version, "a"):
            slow.send(bytes([byte]))
        slow.expect_packet(0x20)
        slow.expect_packet(0x90)
        slow.expect_packet(0x30)


# Peers that do not keep up -----------------------------------------------------------------------


class Witness:
    """Sees that the server's thread that a peer belongs to keeps up: what others publish waits for
    that thread, whatever the peer is given of it."""

    def __init__(self, server, peer, version):
        self.client = Client(server, "witness")
        self.client.subscribe("heard")
        self.peer, self.version, self.times = peer, version, 0

    def await_turn(self):
        """What was published before is where it is to be."""
        self.peer.send(publish(self.version, "heard"))
        self.times += 1
        until(lambda: len(self.client.messages) >= self.times, "the peer to be heard")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.client.disconnect()


def publish_in_step(server, topic, count, payload, witness):
    """Another client publishes to itself, and so to all, no faster than it is served."""
    with Client(server, "healthy") as healthy:
        healthy.subscribe(topic, 1)
        for i in range(0, count, 20):
            for _ in range(20):
                healthy.send(topic, payload, 1)
            until(lambda: len(healthy.messages) >= i + 20, "the healthy client to be served")
            witness.await_turn()
        healthy.take(count)


@pytest.mark.ours_only("Mosquitto 2.0.11 keeps up to 1000 messages of any size for it, uncounted")
@pytest.mark.config("sys_interval 1\nmax_qos0_backlog_bytes 1048576")
@pytest.mark.parametrize("version", [V311, V5], ids=NAMES.get)
def test_a_subscriber_that_never_reads_costs_bounded_memory(server, version):
    with Wire(server, receive_buffer_size=4096).connected(version, "never-reads") as hostile, \
            Witness(server, hostile, version) as witness, \
            Client(server, "watcher") as watcher:
        watcher.subscribe("$SYS/broker/publish/messages/dropped")
        hostile.send(subscribe(version, ["load"], qos=0))
        hostile.expect_packet(0x90)
        before_kib = server.memory_kib()
        publish_in_step(server, "load", 3000, "x" * 20000, witness)
        expect_bounded_memory(server, before_kib, 16384)
        until(lambda: any(int(value) > 1000 for value in watcher.payloads()), "$SYS to tell")
    server.await_log(r'message\.dropped id="?never-reads"? .*reason=slow_reader')
    expect_service(server)


@pytest.mark.sanitizer
@pytest.mark.ours_only("the dropped ones are counted and told as we promise")
@pytest.mark.config("sys_interval 1\nmax_queued_messages 100")
@pytest.mark.parametrize("version", [V311, V5], ids=NAMES.get)
@pytest.mark.parametrize("qos", [1, 2])
def test_a_client_that_never_acknowledges_meets_the_limit_of_its_queue(server, version, qos):
    with Wire(server).connected(version, "never-acks") as hostile, \
            Witness(server, hostile, version) as witness, \
            Client(server, "publisher") as publisher:
        publisher.subscribe("$SYS/broker/publish/messages/dropped")
        hostile.send(subscribe(version, ["load"], qos=qos))
        hostile.expect_packet(0x90)
        before_kib = server.memory_kib()
        for _ in range(50):
            sent = [publisher.send("load", "x" * 10000, qos) for _ in range(20)]
            until(lambda: all(info.is_published() for info in sent), "every acknowledgement")
            witness.await_turn()
        for _ in range(20):  # max_inflight_messages
            hostile.expect_packet(0x30 | qos << 1)
        expect_bounded_memory(server, before_kib, 8192)
        until(lambda: publisher.payloads()[-1:] == [str(1000 - 100 - 20)], "$SYS to tell the drops")
    server.await_log(r'message\.dropped id="?never-acks"? .*reason=queue_full '
                     r'limit=max_queued_messages')
    expect_service(server)


@pytest.mark.ours_only("queue_full_policy is our own key")
@pytest.mark.config("queue_full_policy disconnect\nmax_queued_messages 10")
def test_the_policy_may_disconnect_a_client_that_never_acknowledges(server):
    with Wire(server).connected(V5, "never-acks") as hostile:
        hostile.send(subscribe(V5, ["load"], qos=1))
        hostile.expect_packet(0x90)
        with Client(server, "publisher") as publisher:
            for _ in range(40):
                publisher.publish("load", "x", 1)
        hostile.expect_end(0x97)
    expect_service(server)


# Many of them ------------------------------------------------------------------------------------


def test_connects_without_end_leave_nothing_behind(server):
    def flood(number):
        for i in range(1000):
            Wire(server).connected(VERSIONS[i % 3], f"flood{number}-{i % 50}").close()
            with Wire(server) as silent:
                silent.send("10 0e 00")

    expect_service(server)
    before_kib = server.memory_kib()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(flood, range(4)))
    expect_service(server)
    expect_bounded_memory(server, before_kib, 8192)


@pytest.mark.sanitizer
def test_many_that_take_over_the_same_id_leave_one(server):
    with ExitStack() as stack:
        wires = [stack.enter_context(Wire(server)) for _ in range(200)]
        for wire in wires:
            wire.send(connect(V5, "same"))
        alive = 0
        for wire in wires:
            wire.expect_packet(0x20)
            wire.send("c0 00")
            got = wire.receive()
            alive += got is not None and got[0] == 0xD0
        assert alive >= 1
    expect_service(server)


@pytest.mark.parametrize("config", [
    "",
    pytest.param("connect_timeout 1",
                 marks=pytest.mark.ours_only("connect_timeout is our own key")),
], ids=["while open", "until closed"])
def test_500_half_open_connections_do_not_slow_the_others(start_server, config):
    server = start_server(config)
    with ExitStack() as stack:
        half_open = [stack.enter_context(Wire(server)) for _ in range(500)]
        for number, wire in enumerate(half_open):
            wire.send(connect(V311, f"half{number}")[:5 + number % 8])
        for _ in range(20):
            in_time(1, lambda: expect_service(server))
        if config:
            for wire in half_open:
                wire.expect_end()
            in_time(1, lambda: expect_service(server))


@pytest.mark.sanitizer
@pytest.mark.parametrize("told", [subscribe(V5, ["t"]), publish(V5, "t", b"x" * 50),
                                  packet(0xA2, "0001 00", string("t"))],
                         ids=["subscribe", "publish", "unsubscribe"])
def test_who_is_taken_over_while_he_sends_is_not_heard(start_server, told):
    """More has come of him than a turn reads when another client takes his id."""
    server = start_server("threads 1" if IS_NIGHTJAR and "NIGHTJAR_THREADS" not in os.environ
                          else "")
    old, new = Wire(server), Wire(server)
    old.send(connect(V5, "a"))
    assert old.receive()[0] == 0x20
    server.freeze()
    new.send(connect(V5, "a"))
    old.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
    old.socket.setblocking(False)
    old.socket.send(told * ((1 << 20) // len(told)))
    server.signal(signal.SIGCONT)
    assert new.receive()[0] == 0x20
    old.socket.close()
    expect_service(server)
