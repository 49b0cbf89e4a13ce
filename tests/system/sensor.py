# SPDX-License-Identifier: Apache-2.0
"""A device that speaks MQTT-SN: datagrams over UDP, written as hex and as text."""

import re
import socket

from waiting import PATIENCE_S

TOKEN = re.compile(r"'([^']*)'|([0-9A-Fa-f]+)")


def datagram(text):
    """The bytes of "07 12 22 0001 'ab'"."""
    return b"".join(m[1].encode() if m[2] is None else bytes.fromhex(m[2])
                    for m in TOKEN.finditer(text))


class Sensor:
    """A device at an address of its own."""

    def __init__(self, port, host="127.0.0.1", node=None):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_DGRAM)
        self.socket.connect((host, port))
        self.socket.settimeout(PATIENCE_S)
        self.frame = b"" if node is None else bytes([3 + len(node), 0xFE, 0]) + node

    def send(self, text):
        self.socket.send(self.frame + datagram(text))

    def receive(self):
        return self.socket.recv(65535)

    def expect(self, *texts):
        """These datagrams come, in this order."""
        for text in texts:
            got = self.receive()
            assert got == self.frame + datagram(text), f"expected {text}, got {got.hex(' ')}"

    def ask(self, text, *answers):
        self.send(text)
        self.expect(*answers)

    def expect_nothing(self):
        """Whatever comes first answers this PINGREQ: nothing was on its way before."""
        self.ask("02 16", "02 17")

    def connect(self, client_id, clean=True, keepalive_s=60):
        self.ask(f"{6 + len(client_id):02X} 04 {4 if clean else 0:02X} 01 {keepalive_s:04X} "
                 f"'{client_id}'", "03 05 00")
        return self

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()


class DraftSensor(Sensor):
    """A device that speaks the draft of MQTT-SN 2.0."""

    def __init__(self, port, host="127.0.0.1", node=None):
        super().__init__(port, host)
        self.node = node

    def wrapped(self, packet):
        """As its forwarder carries it, if there is one."""
        if self.node is None:
            return packet
        envelope = bytes([0xFC, len(self.node)]) + self.node + packet
        if len(envelope) < 255:
            return bytes([1 + len(envelope)]) + envelope
        return b"\x01" + (3 + len(envelope)).to_bytes(2, "big") + envelope

    def unwrapped(self):
        """What comes, without its envelope."""
        return self.receive()[len(self.wrapped(b"")):]

    def send(self, text):
        self.socket.send(self.wrapped(datagram(text)))

    def expect(self, *texts):
        for text in texts:
            got = self.receive()
            assert got == self.wrapped(datagram(text)), f"expected {text}, got {got.hex(' ')}"

    def expect_nothing(self):
        self.ask("04 0C 7777", "04 0D 7777")

    def connect(self, client_id, expiry_s=0, clean=True, present=False, awake_max=0):
        """By a session that ends with the connection, unless it is given a time."""
        self.ask(f"{15 + len(client_id):02X} 01 {0x18 | clean:02X} 00C0 02 003C 0000 "
                 f"{awake_max:02X} {expiry_s:08X} '{client_id}'", f"06 02 {present:02X} 00C0 00")
        return self

    def register(self, name):
        """Asks for an alias, which is given as text."""
        self.send(f"{5 + len(name):02X} 10 00 0001 '{name}'")
        answer = self.unwrapped()
        assert answer[:5] == datagram("07 11 04 0001"), answer.hex(" ")
        return answer[5:].hex()

    def subscribe(self, name, qos=1):
        """Gives the alias of the topic."""
        self.send(f"{5 + len(name):02X} 08 {qos << 5 | 3:02X} 0001 '{name}'")
        answer = self.unwrapped()
        assert answer[:5] + answer[7:] == datagram(f"08 09 04 0001 {qos:02X}"), answer.hex(" ")
        return answer[5:7].hex()
