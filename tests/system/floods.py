#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""Floods of connections, as somebody hostile or badly broken would make them.

A process of its own, at the lowest priority, so that what it costs to make a flood is not taken for
what the flood costs. It goes on until its standard input ends, and then prints what became of it as
one JSON object. Sources are addresses of the loopback network; the server is at 127.0.0.1.
"""

import argparse
import collections
import itertools
import json
import os
import select
import socket
import ssl
import subprocess
import sys
import time

SOURCE, MANY = "127.0.0.77", 250
HALVES = {  # what a connection sends of its beginning
    "nothing": b"",
    "tls": bytes.fromhex("1603010200010001fc0303") + bytes(100),
    "websocket": b"GET /mqtt HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n",
}
TURN_S = 0.01
SETTLE_S = 60


def source_of(number, many):
    return f"127.1.{number % MANY}.1" if many else SOURCE


def text(value):
    data = value.encode()
    return len(data).to_bytes(2, "big") + data


def connect_packet(client_id, user=None, password=""):
    flags = 0xC2 if user else 0x02
    body = b"\0\4MQTT\4" + bytes([flags, 0, 60]) + text(client_id)
    body += text(user) + text(password) if user else b""
    return b"\x10" + bytes([len(body)]) + body


class Flood:
    """Connections that are all waited for at once."""

    def __init__(self, options):
        self.options = options
        self.numbers = itertools.count()
        self.waiting = {}  # descriptor: (socket, what to do with it when something has come)
        self.poll = select.epoll()
        self.counts = collections.Counter()

    def open(self, on_event, first=b""):
        """Begins a connection; on_event(socket) is called when it is up, and when bytes come."""
        number = next(self.numbers)
        sock = socket.socket()
        sock.setblocking(False)
        sock.bind((source_of(number, self.options.many), 0))
        try:
            sock.connect(("127.0.0.1", self.options.port))
        except BlockingIOError:
            pass
        self.counts["opened"] += 1
        self.wait(sock, lambda: self._up(sock, on_event, first), select.EPOLLOUT)
        return sock

    def wait(self, sock, on_event, events=select.EPOLLIN):
        if sock.fileno() in self.waiting:
            self.poll.modify(sock.fileno(), events | select.EPOLLRDHUP)
        else:
            self.poll.register(sock.fileno(), events | select.EPOLLRDHUP)
        self.waiting[sock.fileno()] = sock, on_event

    def _up(self, sock, on_event, first):
        if sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            self.end(sock, "failed")
            return
        try:
            sock.send(first)
        except OSError:
            self.end(sock, "closed")
            return
        self.wait(sock, lambda: on_event(sock))

    def end(self, sock, why):
        self.counts[why] += 1
        self.poll.unregister(sock.fileno())
        del self.waiting[sock.fileno()]
        sock.close()

    def read(self, sock):
        """What has come; b"" at the end of the connection."""
        try:
            return sock.recv(4096)
        except (ConnectionResetError, TimeoutError):
            return b""

    def turn(self):
        """Hears what has come; false when that is nothing."""
        events = self.poll.poll(TURN_S)
        for fd, _ in events:
            if fd in self.waiting:
                self.waiting[fd][1]()
        return bool(events)

    def settle(self):
        """Hears all that is there, and goes on while more are open than are to be left."""
        end = time.monotonic() + SETTLE_S
        while self.turn() or (len(self.waiting) > self.options.left and time.monotonic() < end):
            pass

    def run(self, work):
        """Calls work(seconds since the start) again and again until standard input ends."""
        start = time.monotonic()
        while not select.select([sys.stdin], [], [], 0)[0]:
            work(time.monotonic() - start)
            self.turn()
        self.settle()
        self.counts["open"] = len(self.waiting)
        self.counts["seconds"] = round(time.monotonic() - start, 2)


def passwords(flood):
    """So many logins a second, each with another wrong password."""
    def answered(sock):
        data = flood.read(sock)
        flood.end(sock, "refused" if data else "closed")

    def work(seconds):
        while flood.counts["opened"] < seconds * flood.options.rate:
            number = flood.counts["opened"]
            flood.open(answered, connect_packet(f"guess{number}", "admin", f"guess{number}"))

    flood.run(work)


def halves(flood):
    """So many connections that have begun and do not go on; for each that is closed a new one, at
    most so many a second."""
    def answered(sock):
        if not flood.read(sock):
            flood.end(sock, "closed")

    def work(seconds):
        allowed = flood.options.count + seconds * flood.options.rate
        for _ in range(100):
            if len(flood.waiting) >= flood.options.count or flood.counts["opened"] >= allowed:
                return
            flood.open(answered, HALVES[flood.options.half])

    flood.run(work)


def handshakes(flood):
    """So many TLS connects at once, and when all are done, again."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE

    def answered(sock):
        flood.end(sock, "connected" if flood.read(sock) else "closed")

    def go_on(sock, secure, incoming, outgoing):
        data = flood.read(sock)
        if not data:
            flood.end(sock, "closed")
            return
        incoming.write(data)
        shake(sock, secure, incoming, outgoing)

    def shake(sock, secure, incoming, outgoing):
        on_event = lambda: go_on(sock, secure, incoming, outgoing)
        try:
            secure.do_handshake()
            secure.write(connect_packet(f"tls{sock.fileno()}"))
            on_event = lambda: answered(sock)
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError:
            flood.end(sock, "failed")
            return
        try:
            sock.send(outgoing.read())
        except OSError:
            flood.end(sock, "closed")
            return
        flood.wait(sock, on_event)

    def begin(sock):
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        shake(sock, context.wrap_bio(incoming, outgoing), incoming, outgoing)

    def work(_):
        if not flood.waiting:
            for _ in range(flood.options.count):
                sock = flood.open(None)
                flood.wait(sock, lambda sock=sock: begin(sock), select.EPOLLOUT)

    flood.run(work)


def fight(flood):
    """Two clients that both want one client id, and come again at once when they lose it."""
    def answered(sock):
        data = flood.read(sock)
        if data[:1] == b"\x20":
            flood.counts["connected"] += 1
        elif not data:
            flood.end(sock, "closed")

    def work(_):
        while len(flood.waiting) < 2:
            flood.open(answered, connect_packet("wanted"))

    flood.run(work)


KINDS = {"passwords": passwords, "halves": halves, "handshakes": handshakes, "fight": fight}


class FloodProcess:
    """A flood in a process of its own, for who measures or tests: a context."""

    def __init__(self, kind, port, **options):
        self.command = [sys.executable, "-B", os.path.abspath(__file__), kind, "--port", str(port)]
        for name, value in options.items():
            self.command += [f"--{name}"] + ([] if value is True else [str(value)])
        self.counts = None

    def __enter__(self):
        self.process = subprocess.Popen(
            self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            start_new_session=True)
        return self

    def stop(self):
        """Ends it; returns what became of its connections."""
        self.counts = json.loads(self.process.communicate("\n", timeout=2 * SETTLE_S)[0])
        return self.counts

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--rate", type=int, default=200, help="connections a second")
    parser.add_argument("--half", choices=HALVES, default="nothing")
    parser.add_argument("--left", type=int, default=sys.maxsize,
                        help="in the end, wait until so few are open")
    parser.add_argument("--many", action="store_true", help="come from many addresses")
    flood = Flood(parser.parse_args())
    os.setpriority(os.PRIO_PROCESS, 0, 19)
    KINDS[flood.options.kind](flood)
    print(json.dumps(flood.counts))


if __name__ == "__main__":
    main()
