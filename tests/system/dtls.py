# SPDX-License-Identifier: Apache-2.0
"""DTLS for devices that do not speak it, and what stands between such a device and its server."""

import os
import re
import socket
import subprocess
import threading
from pathlib import Path

from sensor import Sensor
from server import REPOSITORY
from waiting import PATIENCE_S, until

BUILD = Path(os.environ.get("NIGHTJAR_BUILD", REPOSITORY / "build"))
RECORD_NUMBER = slice(5, 11)
END_AGAIN_S = 0.5


class Relay:
    """Speaks DTLS with a port for each device that sends it something; see dtls/relay.c."""

    def __init__(self, port, *options):
        self.process = subprocess.Popen(
            [BUILD / "tests" / "system" / "dtls_relay", str(port), *map(str, options)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())
        self.told = ""
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.told += line

    def sensor(self):
        return Sensor(self.port)

    def await_told(self, pattern, times=1):
        """That many lines of it."""
        until(lambda: len(re.findall(f"^{pattern}", self.told, re.MULTILINE)) >= times,
              f"{times} of {pattern!r}, told so far:\n{self.told}")

    def ups(self):
        """What it told of handshakes that came to their end, all of it once it is closed."""
        return re.findall("^up.*", self.told, re.MULTILINE)

    def close(self):
        self.process.stdin.close()
        assert self.process.wait(PATIENCE_S) == 0
        self.reader.join()
        self.process.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()


class Wiretap:
    """Passes datagrams on between one device and a port, keeps them all, and may lose some.

    `loses(number, from_device)` says which, counted from 0 in each direction.
    """

    def __init__(self, port, loses=lambda number, from_device: False):
        self.front, self.back = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in "ab"]
        self.front.bind(("127.0.0.1", 0))
        self.back.connect(("127.0.0.1", port))
        self.port = self.front.getsockname()[1]
        self.sent, self.came, self.loses = [], [], loses
        self.device = None
        self.threads = [threading.Thread(target=run, daemon=True)
                        for run in (self._pass_to_server, self._pass_to_device)]
        for thread in self.threads:
            thread.start()

    def _pass_to_server(self):
        while True:
            data, self.device = self.front.recvfrom(65535)
            if not data:
                return
            self.sent.append(data)
            if not self.loses(len(self.sent) - 1, True):
                self.back.send(data)

    def _pass_to_device(self):
        while True:
            data = self.back.recv(65535)
            if not data:
                return
            self.came.append(data)
            if not self.loses(len(self.came) - 1, False):
                self.front.sendto(data, self.device)

    def close(self):
        """Each thread ends with an empty datagram, which nobody else sends."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:
            while self.threads[0].is_alive():
                end.sendto(b"", ("127.0.0.1", self.port))
                self.threads[0].join(END_AGAIN_S)
        self.back.shutdown(socket.SHUT_RDWR)
        self.threads[1].join()
        self.front.close()
        self.back.close()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()


def hello(cookie=b"", number=0, random=b"r" * 32, ciphers=b"\x00\xa8"):
    """A ClientHello of DTLS 1.2 in a record of its own, with PSK-AES128-GCM-SHA256."""
    body = (b"\xfe\xfd" + random + b"\0" + bytes([len(cookie)]) + cookie +
            len(ciphers).to_bytes(2, "big") + ciphers + b"\x01\0")
    size = len(body).to_bytes(3, "big")
    message = b"\x01" + size + number.to_bytes(2, "big") + b"\0\0\0" + size + body
    return (b"\x16\xfe\xff\0\0" + number.to_bytes(6, "big") +
            len(message).to_bytes(2, "big") + message)


def cookie_of(answer):
    """The cookie in a HelloVerifyRequest."""
    assert answer[0] == 0x16 and answer[13] == 3, answer.hex(" ")
    assert len(answer) == 28 + answer[27]
    return answer[28:]
