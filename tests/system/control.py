# SPDX-License-Identifier: Apache-2.0
"""A server's control socket: by `nightjar ctl`, and by lines written out."""

import json
import os
import socket
import subprocess

from server import PROGRAM
from waiting import PATIENCE_S


def threads():
    """Several threads, unless the run of the tests has chosen a number."""
    return "" if "NIGHTJAR_THREADS" in os.environ else "threads 3\n"


class Control:
    """What asks one server."""

    def __init__(self, directory):
        self.path = directory / "ctl"

    def config(self):
        return f"{threads()}control_socket {self.path}\n"

    def run(self, *words, status=0):
        """Runs `nightjar ctl`, which has to end with that status; returns what it printed."""
        done = subprocess.run([PROGRAM, "ctl", "--socket", self.path, *words], text=True,
                              capture_output=True, timeout=PATIENCE_S, check=False)
        assert done.returncode == status, (done.returncode, done.stdout, done.stderr)
        return done.stdout + done.stderr

    def ask(self, *words, status=0):
        """The answer as an object."""
        answer = json.loads(self.run("--json", *words, status=status))
        assert answer["ok"]
        return answer["answer"]

    def connect(self):
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(str(self.path))  # with a time-out it would not wait for the server
        connection.settimeout(PATIENCE_S)
        return connection

    def say(self, *lines):
        """Sends lines on one connection, and returns the answer to each."""
        with self.connect() as connection, connection.makefile("rb") as answers:
            connection.sendall(b"".join(line + b"\n" for line in lines))
            return [json.loads(answers.readline()) for _ in lines]
