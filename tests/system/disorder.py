# SPDX-License-Identifier: Apache-2.0
"""Many connections at once, by every way in, each of which may stop or spoil anything anywhere.

What they do is drawn by lot; a seed gives the same lots, though not the same order among threads.
"""

import os
import random
import socket
import ssl
import struct
from concurrent.futures import ThreadPoolExecutor

from waiting import pace
from websocket_wire import BINARY, FIN, frame, request
from wire import V5, V311, connect, publish, subscribe

WAYS = PLAIN, SECURE, WEB, PROXIED, PROXIED_WEB, KEYED = range(6)
SOURCES = [f"127.0.0.{last}" for last in (2, 3, 4, 9)]
THREADS = 12
KEPT_MAX = 12  # connections that one thread leaves open
HASTY_S, PATIENT_S = 0.05, 0.5
RESET = struct.pack("ii", 1, 0)  # for SO_LINGER: the end is not said, it shows
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
ADDRESSES = bytes.fromhex("0a000007 0a000001 a160 075b")


class Stopped(Exception):
    """It has had enough of this connection."""


class Secure:
    """TLS over a socket, whose bytes may be cut, turned about, or come in small pieces."""

    def __init__(self, sock, lot, context):
        self.socket, self.lot = sock, lot
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        name = lot.choice(["localhost", "other.example", "x" * 60])
        self.inside = context.wrap_bio(self.incoming, self.outgoing, server_hostname=name)

    def _pass_on(self):
        data = self.outgoing.read()
        half = len(data) // 2
        way = self.lot.random()
        if way < 0.03:
            data = data[:half]
        elif way < 0.05:
            data = data[half:] + data[:half]
        elif way < 0.1:
            for at in range(0, len(data), 200):
                self.socket.sendall(data[at:at + 200])
            return
        self.socket.sendall(data)

    def shake_hands(self):
        while True:
            try:
                self.inside.do_handshake()
                return self._pass_on()
            except ssl.SSLWantReadError:
                self._pass_on()
            data = b"" if self.lot.random() < 0.1 else self.socket.recv(65536)
            if not data:
                raise Stopped
            self.incoming.write(data)

    def sendall(self, data):
        self.inside.write(data)
        self._pass_on()

    def say_end(self):
        try:
            self.inside.unwrap()
        except ssl.SSLError:  # it wants the peer's answer, for which nobody waits
            self._pass_on()


def header_1(lot):
    return b"PROXY TCP4 10.0.0.%d 10.0.0.9 1 2\r\n" % lot.randrange(4)


def header_2(lot):
    """With parts of any kind, of which the size may be wrong."""
    body = ADDRESSES
    for _ in range(lot.randrange(4)):
        value = lot.randbytes(lot.randrange(30))
        size = len(value) + lot.choice([0] * 20 + [1, -1, 60000]) & 0xFFFF
        body += bytes([lot.choice([1, 2, 3, 4, 5, 0x20, 0x21, 0x22, 0x30, 0xFF])])
        body += size.to_bytes(2, "big") + value
    command = lot.choice([0x21] * 8 + [0x20, 0x22])
    family = lot.choice([0x11] * 8 + [0, 0x31, 0x21])
    return SIGNATURE + bytes([command, family]) + len(body).to_bytes(2, "big") + body


class Stranger:
    """One connection."""

    def __init__(self, lot, ports, contexts):
        self.lot, self.contexts = lot, contexts
        self.way = lot.choice(WAYS)
        self.socket = socket.socket()
        self.socket.settimeout(lot.choice([HASTY_S, PATIENT_S]))
        self.socket.bind((lot.choice(SOURCES), 0))
        self.stream = self.socket
        self.wrap = bytes
        try:
            self.socket.connect(("127.0.0.1", ports[self.way]))
            self._come_in()
            self._speak()
        except (Stopped, OSError):  # which includes what TLS and time-outs raise
            pass

    def _may_stop(self, chance):
        if self.lot.random() < chance:
            raise Stopped

    def _send_head(self, head):
        """All of it, or a part and nothing more."""
        if self.lot.random() < 0.1:
            self.socket.sendall(head[:self.lot.randrange(len(head))])
            raise Stopped
        self.stream.sendall(head)

    def _come_in(self):
        self._may_stop(0.1)
        if self.way == PROXIED:
            self._send_head(header_1(self.lot))
        if self.way == PROXIED_WEB:
            self._send_head(header_2(self.lot))
        self._may_stop(0.05)
        if self.lot.random() < 0.05:
            pace(self.lot.random() * PATIENT_S)
        if self.way in (SECURE, KEYED):
            self.stream = Secure(self.socket, self.lot, self.lot.choice(self.contexts))
            self.stream.shake_hands()
        if self.way in (WEB, PROXIED_WEB):
            forwarded = f"127.7.{self.lot.randrange(3)}.1"
            self._send_head(request(**{"X-Forwarded-For": forwarded}))
            if self.lot.random() < 0.7:
                self.socket.recv(4096)
            self.wrap = lambda data: frame(FIN | BINARY, data)
        self._may_stop(0.1)

    def _speak(self):
        lot = self.lot
        version = lot.choice([V311, V5])
        first = connect(version, f"stranger{lot.randrange(12)}")
        if lot.random() < 0.1:
            self.stream.sendall(self.wrap(first[:5]))
            raise Stopped
        said = self.wrap(first)
        if lot.random() < 0.5:
            said += self.wrap(subscribe(version, ["noise"]))
        if lot.random() < 0.4:
            said += self.wrap(publish(version, "noise", b"x") * lot.choice([1, 9, 300]))
            said *= lot.choice([1, 1, 2])  # a second CONNECT is a fault
        self.stream.sendall(said)
        if lot.random() < 0.5:
            self.socket.recv(4096)
        if lot.random() < 0.3:
            self.stream.sendall(self.wrap(lot.randbytes(20)))
        if self.stream is not self.socket and lot.random() < 0.2:
            self.stream.say_end()

    def close(self):
        if self.lot.random() < 0.3:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self.socket.close()


def _context(version):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.maximum_version = version
    return context


class Disorder:
    """Strangers, from its `with` on until its end; `count` says how many there were so far.

    ports: one for each of WAYS.
    """

    def __init__(self, ports, seed=None):
        self.ports = ports
        self.seed = seed or int.from_bytes(os.urandom(4), "big")
        self.stopped = False
        self.counts = [0] * THREADS

    @property
    def count(self):
        return sum(self.counts)

    def _go_on(self, number):
        lot = random.Random(self.seed + number)
        contexts = [_context(ssl.TLSVersion.TLSv1_2), _context(ssl.TLSVersion.TLSv1_3)]
        kept = []
        while not self.stopped:
            kept.append(Stranger(lot, self.ports, contexts))
            self.counts[number] += 1
            while len(kept) > lot.randrange(KEPT_MAX):
                kept.pop(lot.randrange(len(kept))).close()
        for stranger in kept:
            stranger.close()

    def __enter__(self):
        print(f"seed {self.seed}")
        self.pool = ThreadPoolExecutor(THREADS)
        self.threads = [self.pool.submit(self._go_on, number) for number in range(THREADS)]
        return self

    def __exit__(self, *_):
        self.stopped = True
        self.pool.shutdown()
        for thread in self.threads:
            thread.result()
