# SPDX-License-Identifier: Apache-2.0
"""Ways to a listener's MQTT: TCP, Unix socket, TLS, pre-shared keys, WebSocket, PROXY.

A stream here is what Wire needs of a socket: sendall, recv, settimeout and close.
"""

import socket
import ssl
import subprocess

from configurations import PSK_KEYS
from waiting import PATIENCE_S
from websocket_wire import BINARY, CLOSE, CONTINUATION, FIN, WebSocketWire, frame
from wire import Wire

PROXY_SOURCE = "192.0.2.7"  # an address for documentation


class DoorClosed(Exception):
    """The listener does not let us as far as MQTT; the text says where it ended."""


class StreamWire(Wire):
    """A wire over a stream that somebody else has opened."""

    def __init__(self, stream):
        self.socket = stream
        self._read = b""


class _WebSocketStream(WebSocketWire):
    """A WebSocket over another stream, with MQTT's bytes in its frames."""

    def __init__(self, stream, origin):
        self.socket = stream
        self._read = b""
        self.upgraded(Origin=origin)

    def sendall(self, data):
        self.socket.sendall(frame(FIN | BINARY, data))

    def recv(self, _):
        # libwebsockets leaves Nagle's algorithm on: it would wait for our acknowledgement.
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        while (got := self.receive()) is not None:
            if got[0] & 0x0F in (BINARY, CONTINUATION) and got[1]:
                return got[1]
            if got[0] == FIN | CLOSE:
                break
        return b""


class _PskStream:
    """TLS with a pre-shared key, by the openssl command: Python's ssl does not know them."""

    def __init__(self, port, identity):
        self.ours, theirs = socket.socketpair()
        self.ours.settimeout(PATIENCE_S)
        self.process = subprocess.Popen(
            ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-quiet",
             "-psk", PSK_KEYS.get(identity, "00"), "-psk_identity", identity],
            stdin=theirs, stdout=theirs, stderr=subprocess.DEVNULL)
        theirs.close()

    def sendall(self, data):
        self.ours.sendall(data)

    def recv(self, size):
        return self.ours.recv(size)

    def close(self):
        self.process.kill()
        self.process.wait()
        self.ours.close()


def _proxy_head(version):
    if version == "1":
        return f"PROXY TCP4 {PROXY_SOURCE} 127.0.0.1 40000 1883\r\n".encode()
    addresses = socket.inet_aton(PROXY_SOURCE) + socket.inet_aton("127.0.0.1")
    return (b"\r\n\r\n\0\r\nQUIT\n\x21\x11" + (12).to_bytes(2, "big") + addresses
            + (40000).to_bytes(2, "big") + (1883).to_bytes(2, "big"))


def _tls(stream, authority, certificate, version, ciphers):
    context = ssl.create_default_context(cafile=authority.certificate)
    context.check_hostname = False
    if version:
        context.minimum_version = context.maximum_version = version
    if ciphers:  # of TLS 1.2, for those of 1.3 are no matter of choice
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(ciphers)
    if certificate:
        context.load_cert_chain(certificate, certificate.with_suffix(".key"))
    return context.wrap_socket(stream)


class Doors:
    """Opens listeners' doors, with the certificates of an authority."""

    def __init__(self, authority):
        self.authority = authority

    def open(self, listener, name="anonymous", certificate=None, tls=None, ciphers=None,
             bare=False):
        """A Wire to what speaks MQTT; name: whose certificate or key is shown, if any is asked for.

        certificate: another file to show; bare: none at all. tls, ciphers: those and no others.
        """
        if listener.options.get("psk_hint"):
            return StreamWire(_PskStream(listener.port, name))
        stream = None
        try:
            stream = self._transport(listener)
            if listener.options.get("certfile"):
                if certificate is None and listener.has("require_certificate") and not bare:
                    certificate = self.authority.folder / f"{name}.pem"
                stream = _tls(stream, self.authority, certificate, tls, ciphers)
            if listener.options.get("protocol") == "websockets":
                stream = _WebSocketStream(stream, listener.options.get("websockets_origin"))
        except (OSError, ssl.SSLError) as error:
            if stream is not None:
                stream.close()
            raise DoorClosed("closed before MQTT") from error
        return StreamWire(stream)

    @staticmethod
    def _transport(listener):
        if listener.path:
            stream = socket.socket(socket.AF_UNIX)
            stream.settimeout(PATIENCE_S)
            stream.connect(str(listener.path))
            return stream
        stream = socket.create_connection((listener.host, listener.port), PATIENCE_S)
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if "enable_proxy_protocol" in listener.options:
            stream.sendall(_proxy_head(listener.options["enable_proxy_protocol"]))
        return stream
