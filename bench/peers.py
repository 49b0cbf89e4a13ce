# SPDX-License-Identifier: Apache-2.0
"""Servers under test and raw clients for them, for `memory` and `scale`."""

import contextlib
import os
import pathlib
import re
import resource
import shutil
import socket
import ssl
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
OURS, THEIRS = "nightjar", "mosquitto"
PROGRAMS = {OURS: str(ROOT / "build/nightjar"), THEIRS: "/usr/sbin/mosquitto"}
FILES_MAX = 40000
PATIENCE_S = 60
START_S = 20
AT_ONCE = 64  # connections under way at once
PINGREQ, PINGRESP = b"\xc0\0", b"\xd0\0"
DISCONNECT = b"\xe0\0"


def allow_files():
    """Lets this process and the servers that it starts have descriptors for many connections."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):  # only root goes above the hard limit
        resource.setrlimit(resource.RLIMIT_NOFILE, (FILES_MAX, max(FILES_MAX, hard)))


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """A fresh server, with one listener; `with` ends it and removes its folder."""

    def __init__(self, side, lines=(), threads=1, persistence=False, listener=()):
        self.side = side
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="bench-"))
        self.port = free_port()
        text = [f"listener {self.port} 127.0.0.1", *listener, "allow_anonymous true",
                "log_dest none", "sys_interval 0", "max_queued_messages 0",
                f"persistence {str(persistence).lower()}",
                f"persistence_location {self.folder}/"]
        if side == OURS:
            text += [f"threads {threads}", "connection_rate_max 0", "handshakes_max 0",
                     "handshakes_per_address_max 0"]
        if os.geteuid() == 0:
            text.append("user root")
        self.config = self.folder / "server.conf"
        self.config.write_text("\n".join([*text, *lines]) + "\n")
        self.process = None

    def start(self):
        """Starts it; returns after how many seconds a client had its CONNACK."""
        begun = time.perf_counter()
        self.process = subprocess.Popen([PROGRAMS[self.side], "-c", self.config],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        while time.perf_counter() < begun + START_S:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    with contextlib.suppress(ConnectionError):  # one for TLS does not like it
                        probe.sendall(connect(b"first"))
                        probe.recv(4)
                    return time.perf_counter() - begun
        raise SystemExit(f"{self.side} does not start")

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def stop(self):
        if self.process:
            self.process.terminate()
            self.process.wait()
            self.process = None

    def cpu_s(self):
        tasks = pathlib.Path(f"/proc/{self.process.pid}/task").iterdir()
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9

    def memory(self, *names):
        """The sum of these rows of its memory, in bytes; what it has taken, when none is named."""
        text = pathlib.Path(f"/proc/{self.process.pid}/smaps_rollup").read_text()
        return sum(int(re.search(rf"^{name}:\s+(\d+)", text, re.M).group(1)) * 1024
                   for name in names or ("Anonymous", "Swap"))


# ---- Packets ----

def text(data):
    return len(data).to_bytes(2, "big") + data


def packet(first, body):
    size, length = len(body), bytearray()
    while True:
        size, low = divmod(size, 128)
        length.append(low | (0x80 if size else 0))
        if not size:
            return bytes([first]) + bytes(length) + body


def connect(client_id, clean=True):
    return packet(0x10, b"\0\4MQTT\4" + (b"\2" if clean else b"\0") + b"\0\0" + text(client_id))


def publish(topic, payload, qos=0, retain=False, packet_id=1):
    ident = packet_id.to_bytes(2, "big") if qos else b""
    return packet(0x30 | qos << 1 | retain, text(topic) + ident + payload)


def subscribe(filters, qos=0, packet_id=1):
    body = b"".join(text(one) + bytes([qos]) for one in filters)
    return packet(0x82, packet_id.to_bytes(2, "big") + body)


# ---- Clients ----

class Client:
    """A blocking connection that has had its CONNACK."""

    def __init__(self, server, client_id, clean=True, context=None):
        self.begin(server, context)
        self.send(connect(client_id, clean))
        self.read(4)

    def begin(self, server, context):
        plain = socket.create_connection(("127.0.0.1", server.port), PATIENCE_S)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = context.wrap_socket(plain) if context else plain

    def send(self, data):
        self.socket.sendall(data)

    def read(self, size):
        data = bytearray()
        while len(data) < size:
            piece = self.socket.recv(min(size - len(data), 1 << 20))
            if not piece:
                raise SystemExit("a server has ended a connection")
            data += piece
        return bytes(data)

    def settle(self):
        """Returns once the server has taken all that was sent, where nothing else is to come."""
        self.send(PINGREQ)
        self.read(2)

    def close(self):
        self.socket.close()


def connect_many(server, count, prefix, clean=True, stay=True):
    """So many clients, some at a time. With `stay` returns their sockets, which stay open."""
    kept = []
    for first in range(0, count, AT_ONCE):
        fresh = []
        for number in range(first, min(first + AT_ONCE, count)):
            one = socket.create_connection(("127.0.0.1", server.port), PATIENCE_S)
            one.sendall(connect(prefix + b"%07d" % number, clean))
            fresh.append(one)
        for one in fresh:
            one.recv(4)
            if stay:
                kept.append(one)
            else:
                one.sendall(DISCONNECT)
                one.close()
    return kept


def tls_listener(folder):
    """Makes a certificate; returns the lines of a listener that shows it."""
    pem, key = folder / "server.pem", folder / "server.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                    "-keyout", key, "-out", pem], check=True, capture_output=True)
    return [f"certfile {pem}", f"keyfile {key}"]


def tls_context():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
