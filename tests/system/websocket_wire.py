# SPDX-License-Identifier: Apache-2.0
"""A WebSocket of bytes written out, for what no proper client would send."""

import socket
import zlib

from waiting import PATIENCE_S
from wire import octets

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
FIN, RSV1 = 0x80, 0x40
MASK = bytes.fromhex("37fa213d")

REQUEST = {
    "Host": "localhost",
    "Upgrade": "websocket",
    "Connection": "keep-alive, Upgrade",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Protocol": "mqtt",
}
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="  # for that key, in RFC 6455


def request(path="/mqtt", method="GET", **changes):
    """A request's head; a header that is changed to None is left out."""
    headers = REQUEST | changes
    lines = [f"{method} {path} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in headers.items() if value is not None]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def frame(head, payload=b"", masked=True):
    """A frame with these first bits."""
    payload = octets(payload)
    size = len(payload)
    mark = 0x80 if masked else 0
    if size < 126:
        length = bytes([mark | size])
    elif size < 65536:
        length = bytes([mark | 126]) + size.to_bytes(2, "big")
    else:
        length = bytes([mark | 127]) + size.to_bytes(8, "big")
    if masked:
        payload = MASK + bytes(byte ^ MASK[i % 4] for i, byte in enumerate(payload))
    return bytes([head]) + length + payload


def deflated(data):
    """A compressed message (RFC 7692), by Python's zlib, with a window of 12 bits."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -12)
    return (packer.compress(data) + packer.flush(zlib.Z_SYNC_FLUSH))[:-4]


def inflated(message):
    return zlib.decompressobj(-12).decompress(message + b"\0\0\xff\xff")


class WebSocketWire:
    """One TCP connection to a WebSocket listener."""

    def __init__(self, server):
        self.socket = socket.create_connection(("127.0.0.1", server.port), PATIENCE_S)
        self._read = b""
        self.headers = {}  # of the answer

    def send(self, *parts):
        """Sends; a server that has closed already is for the reading side to tell."""
        try:
            self.socket.sendall(b"".join(parts))
        except (BrokenPipeError, ConnectionResetError):
            pass

    def _more(self):
        try:
            more = self.socket.recv(65536)
        except ConnectionResetError:
            more = b""
        self._read += more
        return bool(more)

    def head(self):
        """The answer's status and headers."""
        while b"\r\n\r\n" not in self._read:
            assert self._more(), f"the connection ended within {self._read!r}"
        head, self._read = self._read.split(b"\r\n\r\n", 1)
        first, *lines = head.decode().split("\r\n")
        return int(first.split(" ")[1]), dict(line.split(": ", 1) for line in lines)

    def upgraded(self, **changes):
        """Opens the WebSocket; returns itself."""
        self.send(request(**changes))
        status, self.headers = self.head()
        assert status == 101 and self.headers["Sec-WebSocket-Accept"] == ACCEPT, self.headers
        return self

    def receive(self):
        """The next frame as (first byte, payload), or None at the end of the connection."""
        while True:
            size, start = (self._read[1], 2) if len(self._read) > 1 else (0, 2)
            if size > 125:
                start += 2 if size == 126 else 8
                size = int.from_bytes(self._read[2:start], "big")
            if len(self._read) >= max(start + size, 2):
                first, payload = self._read[0], self._read[start:start + size]
                self._read = self._read[start + size:]
                return first, payload
            if not self._more():
                return None

    def expect(self, head, payload=b""):
        got = self.receive()
        assert got == (head, octets(payload)), got

    def expect_end(self, code=None):
        """Expects the end; with a code, a close frame with it before."""
        said = None
        while (got := self.receive()) is not None:
            if got[0] == FIN | CLOSE:
                said = int.from_bytes(got[1][:2], "big")
        assert code is None or said == code, f"closed with {said}, wanted {code}"
        self.close()

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
