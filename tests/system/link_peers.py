# SPDX-License-Identifier: Apache-2.0
"""Servers of others that the client library is tried against, and what each does otherwise.

Each takes a listener in Mosquitto's words, of which it knows those that the tests say, and makes a
configuration of its own of it. All listen on loopback alone and keep their files in the test's
folder; what they start, they end.
"""

import os
import signal
import subprocess
from pathlib import Path
from typing import NamedTuple

from access import MOSQUITTO
from server import free_port, is_listening
from waiting import PATIENCE_S, until

NATS = Path("/usr/sbin/nats-server")
RABBITMQ = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
CALM = "+S 1:1 +sbwt none +sbwtdcpu none +sbwtdio none"  # Erlang does not spin while it waits
START_S = 120  # that RabbitMQ may take for its start on a machine that has other things to do


class Difference(NamedTuple):
    """Something that a server does not do: what the probe is told then, and what it is asked
    instead, so that all the rest is tried."""

    asked: dict
    seen: str  # a regular expression; "" where it is not tried, for it would only be waited for
    instead: dict
    why: str


DIFFERENCES = {
    "mosquitto": [
        Difference({"websocket": True, "size": 300000}, "", {"size": 4000},
                   "above 4000 bytes it stalls over libwebsockets until something else moves"),
    ],
    "nats": [
        Difference({"version": 5}, "10 .*Unsupported Protocol Version.*", {"version": 4},
                   "speaks MQTT 3.1.1 alone"),
        Difference({"version": 3}, "15 .*closed the connection; does it want .*", {"version": 4},
                   "speaks MQTT 3.1.1 alone, and closes without an answer"),
        Difference({"qos": 2}, "15 .*the server has closed the connection", {"qos": 1},
                   "takes no QoS 2, and closes the connection of who publishes with it"),
    ],
    "rabbitmq": [
        Difference({"version": 5}, "15 .*closed the connection; does it want .*", {"version": 4},
                   "speaks MQTT 3.1 and 3.1.1 alone, and closes without an answer"),
        Difference({"qos": 2}, "2 .*the client has ended the connection: Protocol Error",
                   {"qos": 1}, "answers a PUBLISH of QoS 2 with PUBACK, where MQTT has PUBREC"),
    ],
}


def keys_of(listener):
    """The words of a listener's lines by the first of each, without those of a second listener."""
    rows = [line.split() for line in listener.splitlines() if not line.startswith("listener 0")]
    return {row[0]: row[1] for row in rows if row}


class Peer:
    """A server of another; `start` returns when it accepts connections."""

    def __init__(self, folder):
        self.folder = folder
        self.process = None
        self.port = free_port()

    def launch(self, words, patience_s=PATIENCE_S, **environment):
        with open(self.folder / "peer.log", "ab") as log:
            self.process = subprocess.Popen(
                words, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env={**os.environ, **environment}, start_new_session=True)
        until(self.listens, f"{words[0]} to listen", patience_s)

    def listens(self):
        assert self.process.poll() is None, (self.folder / "peer.log").read_text()
        return is_listening(self.port)

    def log(self):
        return (self.folder / "peer.log").read_text()

    def stop(self):
        self.process.terminate()
        self.process.wait(PATIENCE_S)


class Mosquitto(Peer):
    name = "mosquitto"

    def configure(self, listener):
        (self.folder / "peer.conf").write_text(
            f"user root\nlog_dest stderr\n{listener.format(port=self.port)}\n"
            "allow_anonymous true\n")

    def start(self):
        self.launch([MOSQUITTO, "-c", self.folder / "peer.conf"])


class Nats(Peer):
    """The server of NATS, which speaks MQTT where JetStream is there."""

    name = "nats"

    def configure(self, listener):
        keys = keys_of(listener)
        place = f"host: 127.0.0.1, port: {self.port}"
        if "certfile" in keys:
            place += f", tls {{ cert_file: '{keys['certfile']}', key_file: '{keys['keyfile']}'"
            place += f", ca_file: '{keys['cafile']}', verify: true }}" if "cafile" in keys else " }"
        elif "protocol" in keys:
            place += ", no_tls: true"
        if "protocol" in keys:
            ways = f"websocket {{ {place} }}\nmqtt {{ host: 127.0.0.1, port: {free_port()} }}\n"
        else:
            ways = f"mqtt {{ {place} }}\n"
        (self.folder / "peer.conf").write_text(
            f"server_name: peer\nhost: 127.0.0.1\nport: -1\n"
            f"jetstream {{ store_dir: '{self.folder}/jetstream' }}\n{ways}")

    def start(self):
        self.launch([NATS, "-c", self.folder / "peer.conf"])


class RabbitMQ(Peer):
    """RabbitMQ with its plugins for MQTT. It takes seconds to start, so one server has all ways.

    The name service of Erlang runs beside it, as a process of ours: left to itself, RabbitMQ would
    start one that outlives it, at a port for all of the machine.
    """

    name = "rabbitmq"

    def __init__(self, folder):
        super().__init__(folder)
        self.names = None
        self.ports = {}

    def configure(self, certificate, key):
        ways = [(way, tls) for way in ("mqtt", "web_mqtt") for tls in (False, True)]
        self.ports = {way: free_port() for way in ways}
        self.port = self.ports["web_mqtt", True]  # that of the plugin which starts last
        files = "certfile = {}\n{}keyfile = {}\n"
        (self.folder / "rabbitmq.conf").write_text(
            "listeners.tcp = none\nmqtt.allow_anonymous = true\n"
            f"mqtt.listeners.tcp.1 = 127.0.0.1:{self.ports['mqtt', False]}\n"
            f"mqtt.listeners.ssl.1 = 127.0.0.1:{self.ports['mqtt', True]}\n"
            "ssl_options." + files.format(certificate, "ssl_options.", key) +
            f"web_mqtt.ws_path = /mqtt\n"
            f"web_mqtt.tcp.ip = 127.0.0.1\nweb_mqtt.tcp.port = {self.ports['web_mqtt', False]}\n"
            f"web_mqtt.ssl.ip = 127.0.0.1\nweb_mqtt.ssl.port = {self.port}\n"
            "web_mqtt.ssl." + files.format(certificate, "web_mqtt.ssl.", key))
        (self.folder / "plugins").write_text("[rabbitmq_mqtt,rabbitmq_web_mqtt].")

    def start(self):
        names_port, own_port = free_port(), free_port()
        self.names = subprocess.Popen(
            ["epmd", "-port", str(names_port), "-address", "127.0.0.1"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until(lambda: is_listening(names_port), "Erlang's name service to listen")
        self.launch(
            [RABBITMQ], START_S, HOME=str(self.folder), RABBITMQ_NODENAME="peer@localhost",
            RABBITMQ_CONFIG_FILE=str(self.folder / "rabbitmq.conf"),
            RABBITMQ_ENABLED_PLUGINS_FILE=str(self.folder / "plugins"),
            RABBITMQ_MNESIA_BASE=str(self.folder / "mnesia"),
            RABBITMQ_LOG_BASE=str(self.folder), RABBITMQ_DIST_PORT=str(own_port),
            ERL_EPMD_PORT=str(names_port), ERL_EPMD_ADDRESS="127.0.0.1",
            RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=CALM)

    def reached(self, listener):
        """Itself, at the port where it has such a listener."""
        keys = keys_of(listener)
        self.port = self.ports["web_mqtt" if "protocol" in keys else "mqtt", "certfile" in keys]
        return self

    def stop(self):
        """At once: a clean end takes as long as the start. The script that was started and the
        virtual machine below it are a group of processes."""
        if self.process:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(PATIENCE_S)
        if self.names:
            self.names.terminate()
            self.names.wait(PATIENCE_S)
