# SPDX-License-Identifier: Apache-2.0
"""A client of bytes written out, for what no proper client would send.

Bytes are written as in the standard: pairs of hexadecimal digits, and text in single quotes with
its bytes taken as they are: "10 0e 00 04 'MQTT' 04 02 00 3c 00 02 'c1'".
"""

import re
import socket

from waiting import PATIENCE_S

_TOKEN = re.compile(r"'([^']*)'|([0-9a-fA-F]{2})|\s+")

V31, V311, V5 = 3, 4, 5
CONNACK, DISCONNECT = 0x20, 0xE0


def octets(written):
    """The bytes of a text in the notation above; bytes stay what they are."""
    if isinstance(written, bytes):
        return written
    made, at = bytearray(), 0
    while at < len(written):
        token = _TOKEN.match(written, at)
        assert token, f"neither text nor hexadecimal: {written[at:]!r}"
        if token[1] is not None:
            made += token[1].encode()
        elif token[2]:
            made.append(int(token[2], 16))
        at = token.end()
    return bytes(made)


def variable(number):
    """A Variable Byte Integer."""
    made = bytearray()
    while True:
        number, low = divmod(number, 128)
        made.append(low | (0x80 if number else 0))
        if not number:
            return bytes(made)


def string(text):
    """A text or bytes with the two bytes of their length in front."""
    text = text.encode() if isinstance(text, str) else text
    return len(text).to_bytes(2, "big") + text


def packet(first, *parts):
    """A packet with its Remaining Length worked out, for the large ones."""
    body = b"".join(octets(part) for part in parts)
    return bytes([first]) + variable(len(body)) + body


def connect(version, client_id, clean=True, keepalive_s=60, properties=b""):
    name = "00 06 'MQIsdp' 03" if version == V31 else f"00 04 'MQTT' {version:02x}"
    return packet(0x10, name, bytes([2 if clean else 0]), keepalive_s.to_bytes(2, "big"),
                  variable(len(properties)) + properties if version == V5 else b"",
                  string(client_id))


def publish(version, topic, payload=b"", qos=0, packet_id=1):
    return packet(0x30 | qos << 1, string(topic),
                  packet_id.to_bytes(2, "big") if qos else b"",
                  b"\0" if version == V5 else b"", payload)


def subscribe(version, topic_filters, qos=0, packet_id=1):
    return packet(0x82, packet_id.to_bytes(2, "big"), b"\0" if version == V5 else b"",
                  *[string(topic_filter) + bytes([qos]) for topic_filter in topic_filters])


def hang_up(connection):
    """Closes our side; returns when the server has seen that and closed its own."""
    try:
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65536):
            pass
    except TimeoutError:
        raise
    except OSError:  # it is closed already
        pass
    connection.close()


class Wire:
    """One TCP connection to the server."""

    def __init__(self, server, receive_buffer_size=None, source=None):
        """source: the loopback address to come from."""
        self.socket = socket.socket()
        if source:
            self.socket.bind((source, 0))
        if receive_buffer_size:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer_size)
        self.socket.settimeout(PATIENCE_S)
        self.socket.connect(("127.0.0.1", server.port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._read = b""

    def send(self, *written):
        """Sends; a server that has closed already is for the reading side to tell."""
        try:
            self.socket.sendall(b"".join(map(octets, written)))
        except (BrokenPipeError, ConnectionResetError):
            pass

    def _more(self):
        """Reads on; false at the end of the connection."""
        try:
            more = self.socket.recv(65536)
        except ConnectionResetError:
            more = b""
        self._read += more
        return bool(more)

    def receive(self):
        """The next packet as (first byte, body), or None at the end of the connection."""
        while True:
            length, shift = 0, 0
            for at, byte in enumerate(self._read[1:5], 2):
                length |= (byte & 0x7F) << shift
                shift += 7
                if byte < 0x80:
                    if len(self._read) < at + length:
                        break
                    first, body = self._read[0], self._read[at:at + length]
                    self._read = self._read[at + length:]
                    return first, body
            if not self._more():
                assert not self._read, f"the connection ended within a packet: {self._read!r}"
                return None

    def expect(self, written):
        """Expects these bytes next."""
        wanted = octets(written)
        while len(self._read) < len(wanted) and self._more():
            pass
        got, self._read = self._read[:len(wanted)], self._read[len(wanted):]
        assert got == wanted, f"got {got.hex(' ')}, wanted {wanted.hex(' ')}"

    def connected(self, version, client_id, **options):
        """Connects at the level of MQTT; returns itself."""
        self.send(connect(version, client_id, **options))
        body = self.expect_packet(CONNACK)
        assert body[1] == 0, f"CONNACK {body.hex(' ')}"
        return self

    def expect_packet(self, first):
        """Expects a packet with this first byte next; returns its body."""
        got = self.receive()
        assert got and got[0] == first, f"got {got}, wanted a packet {first:02x}"
        return got[1]

    def expect_end(self, *codes):
        """Expects the end of the connection; with codes, a DISCONNECT with one of them before."""
        code = None
        while (got := self.receive()) is not None:
            first, body = got
            if first == DISCONNECT:
                code = body[0] if body else 0
        assert not codes or code in codes, f"ended with {code}, wanted one of {codes}"
        self.close()

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
