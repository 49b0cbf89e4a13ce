# SPDX-License-Identifier: Apache-2.0
"""The PROXY protocol, its headers written out."""

import re

import pytest

from websocket_wire import BINARY, FIN, frame, request
from wire import Wire, connect

pytestmark = pytest.mark.ours_only("Mosquitto 2.0 has no PROXY protocol")

LISTENER = "listener {port} 127.0.0.1\nenable_proxy_protocol "
ACCEPTED = "20 02 00 00"

LINE = b"PROXY TCP4 10.0.0.7 10.0.0.1 41312 1883\r\n"
LINE_6 = b"PROXY TCP6 2001:db8::7 ::1 41312 1883\r\n"
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
ADDRESSES = bytes.fromhex("0a000007 0a000001 a160 075b")


def part(kind, value):
    return bytes([kind]) + len(value).to_bytes(2, "big") + value


def binary(command=0x21, family=0x11, body=ADDRESSES):
    return SIGNATURE + bytes([command, family]) + len(body).to_bytes(2, "big") + body


def with_tls(client=7, verified=0, name=b"sensor"):
    facts = bytes([client]) + verified.to_bytes(4, "big")
    return binary(body=ADDRESSES + part(0x20, facts + part(0x21, b"TLSv1.3") + part(0x22, name)))


def connects(server, header, client_id="c"):
    with Wire(server) as wire:
        wire.send(header, connect(4, client_id))
        wire.expect(ACCEPTED)


def is_refused(server, *sent):
    with Wire(server) as wire:
        wire.send(*sent)
        wire.expect_end()
    return server.await_log("connection.failed .*PROXY|connection.failed .*proxy")


@pytest.mark.sanitizer
@pytest.mark.parametrize("version, header, peer", [
    (1, LINE, "10.0.0.7:41312"),
    (1, LINE_6, "[2001:db8::7]:41312"),
    (2, binary(), "10.0.0.7:41312"),
    (2, binary(family=0x21, body=bytes.fromhex("20010db8" + "00" * 11 + "07" + "00" * 15 + "01")
               + bytes.fromhex("a160 075b")), "[2001:db8::7]:41312"),
    (2, binary(family=0x31, body=bytes(216)), "-"),
    (2, with_tls(), "10.0.0.7:41312"),
])
def test_the_client_is_who_the_proxy_says(start_server, version, header, peer):
    server = start_server("threads 4", listener=f"{LISTENER}{version}")
    connects(server, header)
    server.await_log(rf'client.connected id="c" peer={re.escape(peer)} ')


@pytest.mark.parametrize("version, header", [
    (1, b"PROXY UNKNOWN\r\n"),
    (2, binary(command=0x20, family=0, body=b"")),
    (2, binary(family=0, body=b"")),
])
def test_where_the_proxy_says_nothing_it_is_the_peer_itself(start_server, version, header):
    server = start_server(listener=f"{LISTENER}{version}")
    connects(server, header)
    server.await_log(r'client.connected id="c" peer=127\.0\.0\.1:')


@pytest.mark.sanitizer
@pytest.mark.parametrize("version, sent", [
    (1, b""),
    (2, b""),
    (1, binary()),
    (2, LINE),
    (1, b"PROXY TCP4 10.0.0.7 10.0.0.1 99999 1883\r\n"),
    (1, b"PROXY UNKNOWN " + b"x" * 100),
    (2, binary(command=0x22)),
    (2, binary(body=ADDRESSES[:-1])),
    (2, SIGNATURE + b"\x21\x11\xff\xff"),
])
def test_a_connection_with_another_beginning_is_refused(start_server, version, sent):
    server = start_server(listener=f"{LISTENER}{version}")
    assert is_refused(server, sent, connect(4, "c"))
    connects(server, LINE if version == 1 else binary())


def test_a_header_may_come_byte_by_byte(start_server):
    server = start_server(listener=f"{LISTENER}2")
    with Wire(server) as wire:
        for byte in binary() + connect(4, "c"):
            wire.send(bytes([byte]))
        wire.expect(ACCEPTED)


def test_half_a_header_is_not_waited_for(start_server):
    server = start_server("connect_timeout 1", listener=f"{LISTENER}1")
    with Wire(server) as wire:
        wire.send(LINE[:-1])
        wire.expect_end()


def test_clients_may_have_to_reach_the_proxy_by_tls(start_server):
    server = start_server(listener=f"{LISTENER}2\nproxy_protocol_v2_require_tls true")
    connects(server, with_tls(client=1))
    connects(server, binary(command=0x20, family=0, body=b""))
    assert is_refused(server, binary(), connect(4, "c"))


def test_a_certificate_that_the_proxy_has_seen_names_the_user(start_server):
    server = start_server(listener=f"{LISTENER}2\nuse_identity_as_username true")
    connects(server, with_tls(), "known")
    server.await_log('client.connected id="known" .*user="sensor"')
    for header in binary(), with_tls(verified=1), with_tls(client=1), with_tls(name=b""):
        with Wire(server) as wire:
            wire.send(header, connect(4, "unknown"))
            assert wire.receive() == (0x20, b"\0\4")
            wire.expect_end()


def test_a_websocket_may_lie_behind_a_proxy(start_server):
    server = start_server(listener=f"{LISTENER}1\nprotocol websockets")
    with Wire(server) as wire:
        wire.send(LINE, request(), frame(FIN | BINARY, connect(4, "web")))
        server.await_log('client.connected id="web" peer=10.0.0.7:41312 ')
