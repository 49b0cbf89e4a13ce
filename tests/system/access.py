# SPDX-License-Identifier: Apache-2.0
"""Clients that log in and try what they may, and servers with files for that."""

import signal
import subprocess
from pathlib import Path

from access_rules import client_of
from server import PATIENCE, PROGRAM, Server, free_port
from waiting import until
from wire import V5, Wire, hang_up, packet, string, subscribe

MOSQUITTO = Path("/usr/sbin/mosquitto")
SERVERS = {"nightjar": PROGRAM, "mosquitto": MOSQUITTO}


class Visit(Wire):
    """A connection of which the server knows nothing any more when it is closed. A shared group, as
    an example, has one member less then."""

    def close(self):
        hang_up(self.socket)


def connect(server, user, password, client_id, version=V5, will=None, said="bye"):
    """The connection and its CONNACK's code."""
    flags = 2 | (0x80 if user is not None else 0) | (0x40 if password is not None else 0)
    parts = [string(client_id)]
    if will:
        flags |= 4
        parts += [b"\0" if version == V5 else b"", string(will), string(said)]
    parts += [string(text) for text in (user, password) if text is not None]
    wire = Visit(server)
    wire.send(packet(0x10, f"00 04 'MQTT' {version:02x}", bytes([flags]), "00 3c",
                     b"\0" if version == V5 else b"", *parts))
    got = wire.receive()
    return wire, got[1][1] if got else None


def connected(server, name, **options):
    wire, code = connect(server, *client_of(name), **options)
    assert code == 0, f"{name} is refused with {code:#x}"
    return wire


def publish(wire, topic, payload, retain=False):
    """Publishes at QoS 1; whether that is allowed."""
    wire.send(packet(0x33 if retain else 0x32, string(topic), "0001 00", payload))
    body = wire.expect_packet(0x40)
    return len(body) < 3 or body[2] < 0x80


def granted(wire, topic_filter):
    wire.send(subscribe(V5, [topic_filter]))
    return wire.expect_packet(0x90)[-1]


def subscribed(wire, topic_filter):
    """Subscribes; the payloads of retained messages that come before SUBACK."""
    wire.send(subscribe(V5, [topic_filter]))
    seen = set()
    while (got := wire.receive())[0] != 0x90:
        size = int.from_bytes(got[1][:2], "big")
        seen.add(got[1][2 + size + 1:].decode())
    return seen


def payloads_until_end(wire):
    """Payloads that come, up to the message on the topic "end", which every client may read."""
    seen = set()
    while True:
        first, body = wire.receive()
        assert first & 0xF0 == 0x30, f"got a packet {first:02x}"
        size = int.from_bytes(body[:2], "big")
        if body[2:2 + size] == b"end":
            return seen
        seen.add(body[2 + size + 1:].decode())


def payloads(admin, wire, must):
    """Payloads that come. What a group hands out keeps no order with the rest: it may be late."""
    seen = set()

    def have_come():
        assert publish(admin, "end", b"")
        seen.update(payloads_until_end(wire))
        return must <= seen

    until(have_come, f"all of {sorted(must)}")
    return seen


def start(directory, kind, config, port=None):
    directory = Path(directory) / kind
    directory.mkdir()
    port = port or free_port()
    patience = f"{PATIENCE}\n" if kind == "nightjar" else ""
    server = Server(directory, port, f"user root\nlog_type all\nlog_dest stderr\n"
                                     f"listener {port} 127.0.0.1\n{patience}{config}\n")
    server.arguments[0] = str(SERVERS[kind])
    return server.start()


def write_passwords(path, passwords):
    """As mosquitto_passwd writes them."""
    path.write_text("")
    path.chmod(0o600)
    for user, password in passwords.items():
        subprocess.run(["mosquitto_passwd", "-b", path, user, password], check=True,
                       capture_output=True)


def reload(server, outcome="reloaded"):
    before = server.log().count(f"config.{outcome}")
    server.signal(signal.SIGHUP)
    until(lambda: server.log().count(f"config.{outcome}") > before, f"config.{outcome}")
