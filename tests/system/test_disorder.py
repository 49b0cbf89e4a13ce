# SPDX-License-Identifier: Apache-2.0
"""All ways in at once, with connections that break off anywhere, while files and options change."""

import os
import signal
import time
from pathlib import Path

import pytest

from disorder import PLAIN, SOURCES, Disorder
from server import free_port
from tls import renew_certificate, replace
from waiting import in_time, until
from wire import V311, Wire, publish, subscribe

pytestmark = [pytest.mark.ours_only("its doors are others"), pytest.mark.sanitizer]

# How long it lasts; `make soak` lets it go on for longer.
LASTS_S = float(os.environ.get("NIGHTJAR_DISORDER_S", "2"))
RELOAD_EVERY = 20  # exchanges of the pair, which are the steps of a test
STRANGERS = int(20 * LASTS_S)  # that there are at least
TOLD = "client.connected", "connection.failed", "connection.refused", "config.reloaded"


class Doors:
    """A server with a listener for each way in, whose files and options change."""

    def __init__(self, start_server, authority, folder):
        self.authority, self.folder = authority, folder
        renew_certificate(authority, folder, "/CN=localhost")
        (folder / "keys").write_text("lamp:00112233445566778899aabbccddeeff\n")
        (folder / "keys").chmod(0o600)
        self.ports = [free_port() for _ in range(6)]
        self.changes = 0
        self.options = self._options()
        self.server = start_server(self.options)

    def _options(self):
        """As they are after so many changes."""
        odd, third = self.changes % 2, self.changes % 3
        deny = f"deny_address {SOURCES[-1]}\n" if odd else ""
        plain, secure, web, proxied, proxied_web, keyed = self.ports
        return f"""
connect_timeout {1 + odd}
handshakes_per_address_max {0 if third == 0 else 20}
handshakes_max 200
max_connections_per_address {0 if third == 1 else 50}
exempt_address 127.0.0.1
listener {plain} 127.0.0.1
{deny}listener {secure} 127.0.0.1
certfile {self.folder}/server.pem
keyfile {self.folder}/server.key
{deny}listener {web} 127.0.0.1
protocol websockets
trusted_proxies {SOURCES[third]}
listener {proxied} 127.0.0.1
enable_proxy_protocol 1
listener {proxied_web} 127.0.0.1
enable_proxy_protocol 2
protocol websockets
listener {keyed} 127.0.0.1
psk_hint garden
psk_file {self.folder}/keys
"""

    def change(self):
        self.changes += 1
        text = self.server.config_file.read_text()
        old, self.options = self.options, self._options()
        replace(self.server.config_file, text.replace(old, self.options))
        renew_certificate(self.authority, self.folder, f"/CN=localhost/O={self.changes}")
        self.server.signal(signal.SIGHUP)

    def descriptors(self):
        """How many are open, but for the store's, which makes its files when the disk lets it."""
        targets = []
        for descriptor in Path(f"/proc/{self.server.pid}/fd").iterdir():
            try:
                targets.append(os.readlink(descriptor))
            except FileNotFoundError:  # it was closed just now
                pass
        return sum(not target.startswith(f"{self.server.directory}/data/") for target in targets)


@pytest.fixture
def doors(start_server, authority, tmp_path):
    return Doors(start_server, authority, tmp_path)


class Pair:
    """Two who behave well: each message arrives, and is acknowledged."""

    def __init__(self, server):
        self.reader = Wire(server).connected(V311, "reader")
        self.reader.send(subscribe(V311, ["signal"], qos=1))
        self.reader.expect_packet(0x90)
        self.writer = Wire(server).connected(V311, "writer")
        self.count = 0

    def exchange(self):
        self.count = self.count % 65535 + 1
        number = self.count.to_bytes(2, "big")
        self.writer.send(publish(V311, "signal", number, qos=1, packet_id=self.count))
        body = self.reader.expect_packet(0x32)
        assert body[-2:] == number
        self.reader.send(b"\x40\2" + body[8:10])
        self.writer.expect(b"\x40\2" + number)


def keep_order(doors, pair, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pair.exchange()
        if pair.count % RELOAD_EVERY == 0:
            doors.change()


def pair_of(server):
    """In time for connect_timeout."""
    return in_time(1, lambda: Pair(server))


def test_those_who_behave_are_served_and_nothing_is_left(doors):
    def has_seen_all():
        """A machine that is slow goes on until all has happened."""
        keep_order(doors, pair, LASTS_S / 10)
        log = doors.server.log()
        return disorder.count >= STRANGERS and all(event in log for event in TOLD)

    pair = pair_of(doors.server)
    before = doors.descriptors()
    with Disorder(doors.ports) as disorder:
        keep_order(doors, pair, LASTS_S)
        until(has_seen_all, "all that may happen")
    until(lambda: doors.descriptors() <= before, "all of them to be closed")
    pair.exchange()


def test_the_server_stops_in_the_midst_of_it(doors):
    pair = pair_of(doors.server)
    with Disorder(doors.ports):
        keep_order(doors, pair, LASTS_S / 3)
        doors.server.stop()
