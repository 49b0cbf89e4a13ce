# SPDX-License-Identifier: Apache-2.0
"""TLS before a server under test, for a load that speaks clear text: HAProxy as the TLS client."""

import contextlib
import pathlib
import shutil
import subprocess

FULL, RESUMED = "full", "resumed"  # what each new connection's handshake is
CONNECTIONS_MAX = 9000

# A certificate with a key on P-256, as most are today.
_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]

_CONFIG = """
global
    maxconn {connections}
    nbthread 1
defaults
    mode tcp
    timeout connect 60s
    timeout client 1h
    timeout server 1h
listen front
    bind 127.0.0.1:{port}
    server server 127.0.0.1:{server_port} ssl verify none{reuse}
"""


def make_certificate(folder):
    """Writes server.pem and server.key, which every user may read: Mosquitto gives up root."""
    folder = pathlib.Path(folder)
    folder.chmod(0o755)
    subprocess.run(["openssl", "req", "-x509", *_KEY, "-days", "2", "-subj", "/CN=localhost",
                    "-keyout", folder / "server.key", "-out", folder / "server.pem"],
                   check=True, capture_output=True)
    (folder / "server.key").chmod(0o644)


def server_lines(folder):
    """What the listener of the server's configuration gets."""
    return [f"certfile {folder}/server.pem", f"keyfile {folder}/server.key"]


@contextlib.contextmanager
def running(folder, ports, handshakes, prepare_child):
    """Runs it from the first port to the second one, that of the server."""
    program = shutil.which("haproxy") or "/usr/sbin/haproxy"
    config = pathlib.Path(folder) / "haproxy.cfg"
    config.write_text(_CONFIG.format(
        connections=CONNECTIONS_MAX, port=ports[0], server_port=ports[1],
        reuse=" no-ssl-reuse" if handshakes == FULL else ""))
    with open(pathlib.Path(folder) / "haproxy.log", "w+", encoding="utf-8") as log:
        front = subprocess.Popen([program, "-db", "-f", config], stdout=log, stderr=log,
                                 preexec_fn=prepare_child)
        try:
            yield front, log
        finally:
            front.kill()
            front.wait()
