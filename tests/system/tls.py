# SPDX-License-Identifier: Apache-2.0
"""What the tests of TLS have in common: clients, and what a server of TLS shows."""

import re
import signal
import ssl

from certificates import EC, openssl
from waiting import until
from wire import Wire


def renew_certificate(authority, folder, subject, key=EC):
    """Writes server.pem and server.key."""
    certificate, private = authority.issue("server", subject, "server", key)
    (folder / "server.pem").write_bytes(certificate.read_bytes())
    (folder / "server.key").write_bytes(private.read_bytes())


def mutual(authority, more=""):
    """Lines for a listener that asks for certificates."""
    return f"cafile {authority.certificate}\nrequire_certificate true\n{more}"


def trusting(authority, identity=()):
    """The tools' options for a server of this authority, and the client's certificate and key."""
    options = ["--cafile", authority.certificate]
    return options + (["--cert", identity[0], "--key", identity[1]] if identity else [])


def client_context(authority, identity=(), version=None):
    context = ssl.create_default_context(cafile=authority.certificate)
    if identity:
        context.load_cert_chain(*identity)
    if version:
        context.minimum_version = context.maximum_version = version
    return context


class TlsWire(Wire):
    """A connection of bytes written out, inside TLS."""

    def __init__(self, server, context, **options):
        super().__init__(server)
        self.socket = context.wrap_socket(self.socket, server_hostname="127.0.0.1", **options)


def s_client(server, *options, **more):
    """What `openssl s_client` says of the server."""
    return openssl("s_client", "-connect", f"127.0.0.1:{server.port}", *options, **more)


def shown_subject(server, *options):
    found = re.search(r"^subject=(.*)$", s_client(server, *options).stdout, re.MULTILINE)
    return found.group(1) if found else ""


def reload(server, pattern):
    """SIGHUP; returns when the log says what came of it."""
    return after(server, lambda: server.signal(signal.SIGHUP), pattern)


def after(server, change, pattern):
    """Makes a change; returns the first line after it in the log that has the pattern."""
    before = len(server.log())
    change()
    return until(lambda: re.search(pattern, server.log()[before:], re.MULTILINE), pattern)


def replace(path, content):
    """Puts another file in the place of one, as whoever does it well: at once."""
    new = path.with_name(path.name + ".new")
    new.write_bytes(content if isinstance(content, bytes) else content.encode())
    new.replace(path)
