# SPDX-License-Identifier: Apache-2.0
"""Mosquitto's command-line clients, as a user runs them."""

import contextlib
import os
import re
import signal
import subprocess
import threading
import uuid
from pathlib import Path

from waiting import PATIENCE_S, until


def _command(tool, server, version, options):
    return [f"mosquitto_{tool}", *server.tool_options, "-V", version, *map(str, options)]


def run(tool, server, *options, version="mqttv5", stdin=None):
    """Runs a tool to its end; returns its status and its output."""
    return subprocess.run(_command(tool, server, version, options), input=stdin, text=True,
                          stdin=subprocess.DEVNULL if stdin is None else None,
                          capture_output=True, timeout=PATIENCE_S)


def publish(server, topic, *options, version="mqttv5", stdin=None):
    """mosquitto_pub, which must succeed."""
    done = run("pub", server, "-t", topic, *options, version=version, stdin=stdin)
    assert done.returncode == 0, done.stderr


def retained(server, topic_filter, show="%p", version="mqttv5"):
    """What mosquitto_sub shows for each retained message under a filter, at most QoS 0."""
    with Subscriber(server, "-t", topic_filter, show=show, version=version) as subscriber:
        return subscriber.lines_until_now()


OPEN = ("01", "08")  # established, and closed by the other side alone


def _connections():
    """Rows of this machine's TCP over IPv4: from, to, state, inode."""
    for row in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        words = row.split()
        yield words[1], words[2], words[3], words[9]


def _connection_of(pid):
    """The ends of a process's one connection as the server's side has them; None without any."""
    sockets = set()
    with contextlib.suppress(OSError):  # it has just ended by itself
        for file in Path(f"/proc/{pid}/fd").iterdir():
            sockets.update(re.findall(r"^socket:\[(\d+)\]$", os.readlink(file)))
    return next(((remote, local) for local, remote, _, inode in _connections()
                 if inode in sockets), None)


def _is_open(connection):
    return any((local, remote) == connection and state in OPEN
               for local, remote, state, _ in _connections())


class Subscriber:
    """A running mosquitto_sub; made when the server has answered its SUBSCRIBE. Once it is ended,
    the server has heard all of it and that it is gone.

    `show` is the tool's output format (-F), one line for each message.
    """

    def __init__(self, server, *options, show="%p", version="mqttv5"):
        self.server = server
        self._end_topic = f"end/{uuid.uuid4()}"
        self._ends_seen = 0
        self._lines = []
        self._trace = []
        # Without stdbuf the lines would stay in the tool's buffer, for it writes to a pipe. The
        # topic and a tab before each message tell it from the protocol trace of -d.
        self.process = subprocess.Popen(
            ["stdbuf", "-oL", *_command("sub", server, version, [
                "-d", "-t", self._end_topic, "-F", f"%t\t{show}", *options])],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        until(self._is_subscribed, f"{' '.join(self.process.args)} to be subscribed")

    def _read(self):
        for line in self.process.stdout:
            topic, tab, shown = line.rstrip("\n").partition("\t")
            if not tab:
                self._trace.append(topic)
            elif topic == self._end_topic:
                self._ends_seen += 1
            else:
                self._lines.append(shown)

    def _is_subscribed(self):
        if self.has_received("SUBACK"):
            return True
        assert self.process.poll() is None, \
            f"mosquitto_sub ended with {self.process.returncode}: {self.process.stderr.read()}"
        return False

    def has_received(self, packet):
        """Whether the tool has told of a packet of that name."""
        return any(f"received {packet}" in line for line in self._trace)

    def lines(self, count):
        """The first `count` lines, once there are so many; there must not be more."""
        until(lambda: len(self._lines) >= count,
              f"{count} lines of mosquitto_sub, of which there are {self._lines}")
        assert len(self._lines) == count, self._lines
        return list(self._lines)

    def lines_until_now(self):
        """All lines so far, and surely those for what the server had handed out before this call.

        Where other publishers' messages are expected, await them with lines() first: MQTT keeps
        no order between publishers.
        """
        ends_seen = self._ends_seen
        publish(self.server, self._end_topic, "-m", "end", "-q", "1")
        until(lambda: self._ends_seen > ends_seen, "the end marker")
        return list(self._lines)

    def stop(self):
        """Ends with a DISCONNECT, as after Ctrl-C.

        The tool sends it from the signal's handler, and hangs where that has come upon it at work:
        it may hold a lock that the handler takes.
        """
        until(self._rests, "mosquitto_sub to wait for more")
        self._end(signal.SIGINT)

    def _rests(self):
        stat = Path(f"/proc/{self.process.pid}/stat").read_text()
        return stat.rpartition(")")[2].split()[0] == "S" or self.process.poll() is not None

    def kill(self):
        """Ends as a crash would: the server sees a closed connection and no DISCONNECT."""
        self._end(signal.SIGKILL)

    def _end(self, number):
        if self.process.poll() is None:
            connection = _connection_of(self.process.pid)
            self.process.send_signal(number)
            self.process.wait(PATIENCE_S)
            until(lambda: not _is_open(connection), "the server to close the connection")
        self._reader.join()
        self.process.stdout.close()
        self.process.stderr.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()
