# SPDX-License-Identifier: Apache-2.0
"""MicroSocks, a SOCKS5 proxy, which lets "ada" with the password "won:der" in alone."""

import subprocess

from server import free_port, is_listening
from waiting import PATIENCE_S, until


class Proxy:
    def __init__(self):
        self.port = free_port()
        self.url = f"socks5h://ada:won%3Ader@127.0.0.1:{self.port}"
        self.process = None

    def __enter__(self):
        self.process = subprocess.Popen(
            ["microsocks", "-i", "127.0.0.1", "-p", str(self.port), "-u", "ada", "-P", "won:der"],
            stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until(lambda: is_listening(self.port), "the proxy to listen")
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait(PATIENCE_S)
