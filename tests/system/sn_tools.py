# SPDX-License-Identifier: Apache-2.0
"""`nightjar sn`, as a user runs it."""

import subprocess

from server import PROGRAM
from waiting import PATIENCE_S, until


def command(tool, port, *options):
    return [PROGRAM, "sn", tool, "-p", str(port), *map(str, options)]


def run(tool, port, *options, stdin=""):
    """Runs a tool to its end; returns its status and its output, which are bytes."""
    return subprocess.run(command(tool, port, *options), input=stdin.encode(),
                          capture_output=True, timeout=PATIENCE_S)


def publish(port, *options, stdin=""):
    """nightjar sn pub, which must succeed."""
    done = run("pub", port, *options, stdin=stdin)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


class SnTool:
    """A running nightjar sn with a client id of its own, whose output goes to a file."""

    def __init__(self, tool, server, client_id, *options, port=None, awaits=None):
        """Made when the server's log has `awaits` of it."""
        self.server = server
        self.output = server.directory / f"{client_id}.out"
        self.errors = server.directory / f"{client_id}.err"
        with open(self.output, "wb") as output, open(self.errors, "wb") as errors:
            self.process = subprocess.Popen(
                command(tool, port or server.sensor_port, "-i", client_id, *options),
                stdin=subprocess.PIPE, stdout=output, stderr=errors)
        server.await_log(f'{awaits} id="{client_id}"')

    def write(self, text):
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()

    def lines(self):
        """Those that are whole."""
        text = self.output.read_text()
        return text[:text.rfind("\n") + 1].splitlines()

    def await_lines(self, count):
        until(lambda: len(self.lines()) >= count or self.process.poll() is not None,
              f"{count} lines of nightjar sn")
        assert len(self.lines()) >= count, self.errors.read_text()
        return self.lines()

    def wait(self):
        return self.process.wait(PATIENCE_S)

    def end(self):
        """As by Ctrl-C; returns the status."""
        self.process.terminate()
        return self.wait()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.process.stdin.close()
        self.process.kill()
        self.wait()


class SnSubscriber(SnTool):
    def __init__(self, server, client_id, *options, port=None):
        super().__init__("sub", server, client_id, *options, port=port,
                         awaits="client.subscribed")


class SnPublisher(SnTool):
    """It sends each line that is written to it."""

    def __init__(self, server, client_id, *options, port=None):
        super().__init__("pub", server, client_id, "-l", *options, port=port,
                         awaits="client.connected")
