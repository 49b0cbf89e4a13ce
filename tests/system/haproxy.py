# SPDX-License-Identifier: Apache-2.0
"""HAProxy in front of a server."""

import subprocess
from pathlib import Path

from server import free_port, is_listening
from waiting import PATIENCE_S, until

CONFIG = """
defaults
    mode {mode}
    timeout connect 10s
    timeout client 60s
    timeout server 60s
    timeout tunnel 60s
    retries 0
frontend front
    bind 127.0.0.1:{port} {bind}
    {front}
    default_backend back
backend back
    source {address}
    server only 127.0.0.1:{server_port} {server}
"""


class Haproxy:
    """A running HAProxy; it asks the server from an address of its own, `Haproxy.ADDRESS`.

    Clients find it as they find a server.
    """

    ADDRESS = "127.0.0.2"

    def __init__(self, server, options="", mode="tcp", bind="", front=""):
        """options, bind, front: what stands behind `server` and `bind`, and in the frontend."""
        self.port = free_port()
        self.tool_options = ["-h", "127.0.0.1", "-p", str(self.port)]
        config = Path(server.directory) / f"haproxy{self.port}.cfg"
        config.write_text(CONFIG.format(
            mode=mode, port=self.port, bind=bind, front=front, address=self.ADDRESS,
            server_port=server.port, server=options))
        self.log_file = config.with_suffix(".log")
        with open(self.log_file, "wb") as log:
            self.process = subprocess.Popen(["haproxy", "-db", "-f", config],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        until(self._is_ready, "HAProxy to listen")

    def _is_ready(self):
        assert self.process.poll() is None, f"HAProxy ended: {self.log_file.read_text()}"
        return is_listening(self.port)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
