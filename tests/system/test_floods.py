# SPDX-License-Identifier: Apache-2.0
"""Floods of connections: those who behave well are served meanwhile, and the log says who it was.

A publisher and a subscriber at QoS 1 exchange messages in quiet, and then during each flood.
bench/floods measures what that costs them. Here the machine may be busy with other things and
everything in Python, so what is asserted is that they are served, and not much later than before.
"""

import math
import os
import re
import statistics
import time

import pytest

from access import write_passwords
from certificates import Authority
from floods import FloodProcess
from server import free_port, is_sanitizer_build
from waiting import pace, until
from wire import V311, Wire, connect, publish, subscribe

pytestmark = [pytest.mark.ours_only("Mosquitto has no protections of the kind"),
              pytest.mark.alone("it measures how long others wait")]

# How long each part of a measurement is. NIGHTJAR_FLOOD_S makes it longer, and the floods whole.
PART_S = float(os.environ.get("NIGHTJAR_FLOOD_S", "1.2"))
IS_SHORT = "NIGHTJAR_FLOOD_S" not in os.environ
HALVES = 1500 if IS_SHORT else 5000
HANDSHAKES = 200 if IS_SHORT else 2000
PAUSE_S = 0.002
RATIO_MAX = 2
# What else runs on the machine may take the processor from the pair for so long now and then.
SLACK_S = 0.05
NEWCOMER_S = 3


class Pair:
    """A publisher and a subscriber, each well-behaved."""

    def __init__(self, server):
        self.subscriber = Wire(server).connected(V311, "subscriber")
        self.subscriber.send(subscribe(V311, ["pair"], qos=1))
        self.subscriber.expect_packet(0x90)
        self.publisher = Wire(server).connected(V311, "publisher")
        self.number = 0

    def exchange(self):
        """One message from the one to the other, acknowledged by each; returns the seconds."""
        self.number = self.number % 65535 + 1
        start = time.perf_counter()
        self.publisher.send(publish(V311, "pair", b"x", qos=1, packet_id=self.number))
        body = self.subscriber.expect_packet(0x32)
        seconds = time.perf_counter() - start
        self.subscriber.send(b"\x40\2" + body[6:8])
        self.publisher.expect(b"\x40\2" + self.number.to_bytes(2, "big"))
        return seconds

    def p99_s(self, seconds):
        """Of many exchanges: the median over three parts, for a part may meet with bad luck."""
        parts = []
        for _ in range(3):
            end = time.monotonic() + seconds / 3
            times_s = [self.exchange()]
            while time.monotonic() < end:
                pace(PAUSE_S)
                times_s.append(self.exchange())
            parts.append(sorted(times_s)[int(len(times_s) * 0.99)])
        return statistics.median(parts)


def comes_in(server):
    """The seconds that a client needs to be let in: the median of three, as one may meet with bad
    luck."""
    times_s = []
    for number in range(3):
        start = time.perf_counter()
        with Wire(server) as wire:
            wire.send(connect(V311, f"newcomer{number}"))
            wire.expect("20 02 00 00")
        times_s.append(time.perf_counter() - start)
    return statistics.median(times_s)


@pytest.fixture
def start_flooded(start_server, tmp_path):
    """A function that starts a server for the pair, with another listener for the flood; returns
    the server and that listener's port."""
    def start(kind="plain", config=""):
        port = free_port()
        lines = {"plain": "", "websocket": "protocol websockets"}
        if kind == "locked":
            write_passwords(tmp_path / "passwords", {"admin": "good"})
            lines[kind] = (f"listener_allow_anonymous false\n"
                           f"listener_password_file {tmp_path}/passwords")
        if kind == "tls":
            certificate, key = Authority(tmp_path).issue("localhost", kind="server")
            lines[kind] = f"certfile {certificate}\nkeyfile {key}"
        return start_server(f"{config}\nlistener {port} 127.0.0.1\n{lines[kind]}"), port

    return start


def measure(server, port, kind, sign, **options):
    """Measures the pair in quiet, and in the flood once its sign is in the log; returns what became
    of the flood."""
    pair = Pair(server)
    quiet_s = pair.p99_s(PART_S)
    is_slow = is_sanitizer_build()
    limit_s = math.inf if is_slow else RATIO_MAX * quiet_s + SLACK_S
    with FloodProcess(kind, port, **options) as running:
        server.await_log(sign)
        # The machine may have other things to do for a while, but not for ever.
        loud_s = until_below(limit_s, lambda: pair.p99_s(PART_S))
        newcomer_s = until_below(math.inf if is_slow else NEWCOMER_S, lambda: comes_in(server))
        counts = running.stop()
    pair.exchange()
    print(f"p99 {quiet_s * 1000:.2f} ms in quiet, {loud_s * 1000:.2f} ms in the flood; a "
          f"newcomer needed {newcomer_s * 1000:.1f} ms; {counts}")
    return counts


def until_below(limit_s, measured):
    """The first time that is below the limit."""
    times_s = []

    def is_below():
        times_s.append(measured())
        print(f"{times_s[-1]:.4f} s, where {limit_s:.4f} are the limit")
        return times_s[-1] < limit_s

    until(is_below, f"less than {limit_s:.4f} s")
    return times_s[-1]


def refused(limit, address):
    """The line of the log that says who did what."""
    return rf"connection\.refused peer={address}:\d+ .*limit={limit} connections="


def expect_few(server, line, counts):
    assert 0 < len(re.findall(line, server.log())) < 10 + 5 * counts["seconds"]


@pytest.mark.sanitizer
def test_wrong_passwords_from_one_address(start_flooded):
    server, port = start_flooded("locked", "login_failures_max 50")
    line = refused("login_failures_max", "127.0.0.77")
    counts = measure(server, port, "passwords", line, rate=200)
    assert counts["closed"] > 0
    server.await_log(r"address\.banned address=127\.0\.0\.77 .*failures=50 ")
    expect_few(server, line, counts)


@pytest.mark.parametrize("kind, half", [
    ("plain", "nothing"), ("tls", "tls"), ("websocket", "websocket"),
])
def test_half_handshakes_from_one_address(start_flooded, kind, half):
    server, port = start_flooded(kind)
    line = refused("handshakes_per_address_max", "127.0.0.77")
    most = 500 + HALVES // 10
    counts = measure(server, port, "halves", line, count=HALVES, half=half, left=most)
    assert counts["open"] <= most
    until_below(NEWCOMER_S, lambda: comes_in(server))
    expect_few(server, line, counts)


@pytest.mark.sanitizer
def test_half_handshakes_from_many_addresses(start_flooded):
    server, port = start_flooded(config="threads 2\nhandshakes_max 200")
    line = refused("handshakes_max", r"127\.1\.\d+\.1")
    expect_few(server, line, measure(server, port, "halves", line, count=HALVES, many=True))


def test_many_tls_connects_at_once(start_flooded):
    server, port = start_flooded("tls")
    counts = measure(server, port, "handshakes", 'client.connected id="tls',
                     count=HANDSHAKES, many=True)
    assert counts["connected"] > 0
    assert counts.get("failed", 0) == 0


def test_two_clients_for_one_id(start_flooded):
    server, port = start_flooded(config="id_fight_max 5")
    measure(server, port, "fight", r"client\.id_fight")
