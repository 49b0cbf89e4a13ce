# SPDX-License-Identifier: Apache-2.0
"""A server process under test: its start, its log, its memory and its end."""

import functools
import itertools
import os
import random
import re
import signal
import socket
import subprocess
from pathlib import Path

from waiting import PATIENCE_S, until

REPOSITORY = Path(__file__).resolve().parents[2]
PROGRAM = Path(os.environ.get("NIGHTJAR", REPOSITORY / "build" / "nightjar")).absolute()
IS_NIGHTJAR = not PROGRAM.name.startswith("mosquitto")

LOCATION = "MOSQUITTO_PERSISTENCE_LOCATION"

SANITIZER_REPORT = re.compile(
    r"(ERROR|WARNING): (Address|Thread|Leak|UndefinedBehavior)Sanitizer|runtime error:")


def is_sanitizer_build():
    """Whether the program carries a sanitizer, which makes it slow and its memory large."""
    return any(name in PROGRAM.read_bytes() for name in (b"__asan_init", b"__tsan_init"))


PORTS = 1000


def _claim_ports():
    """A range of ports for this run of the tests alone, and the socket that holds the claim.

    It lies below the ports that the system gives to outgoing connections.
    """
    for first in random.sample(range(10000, 32000, PORTS), 22000 // PORTS):
        claim = socket.socket(socket.AF_UNIX)
        try:
            claim.bind(f"\0nightjar system tests, ports from {first}")
            return range(first, first + PORTS), claim
        except OSError:
            claim.close()
    raise AssertionError("every range of ports is claimed by another run of these tests")


@functools.cache
def _turns():
    """The ports of this run one after the other, for ever, and their claim."""
    ports, claim = _claim_ports()
    return itertools.cycle(random.sample(ports, PORTS)), claim


def _is_free(port):
    """Whether nobody is there, by TCP or UDP."""
    for kind in socket.SOCK_STREAM, socket.SOCK_DGRAM:
        with socket.socket(type=kind) as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                return False
    return True


def free_port():
    """A loopback port that nobody listens on, and that was not given for long."""
    turn, _ = _turns()
    for port in itertools.islice(turn, PORTS):
        if _is_free(port):
            return port
    raise AssertionError("no port is free of those that this run has claimed")


# A machine may stand still between a connection and its CONNECT.
PATIENCE = "connect_timeout 60"


def common_config(persistence="persistence false"):
    """What every test wants of its server, whatever else it asks for."""
    lines = [persistence, "log_dest stderr", "log_type all"]
    if os.geteuid() == 0:
        lines.append("user root")  # the directories of a test are readable by their owner alone
    if IS_NIGHTJAR:
        lines.append("control_socket none")  # the usual place is for one server of the machine
        lines.append(PATIENCE)
    if IS_NIGHTJAR and "NIGHTJAR_THREADS" in os.environ:
        lines.append(f"threads {os.environ['NIGHTJAR_THREADS']}")  # more shards than cores
    return "\n".join(lines) + "\n"


class Server:
    """One process of the program; `start` returns when it serves, and has forgotten who asked."""

    def __init__(self, directory, port, config=None, arguments=()):
        """config is the whole file's text, or None for a start without one."""
        self.port = port
        self.tool_options = ["-h", "127.0.0.1", "-p", str(port)]  # where Mosquitto's tools find it
        self.directory = Path(directory)
        self.config_file = self.directory / "server.conf"
        self.log_file = self.directory / "server.log"
        self.arguments = [str(PROGRAM), *arguments]
        self.process = None
        self._log_before = 0  # characters, of earlier starts
        # What it keeps lies with the test, whoever starts it and whatever else is not configured.
        self.environment = {**os.environ, LOCATION: str(self.directory / "data")}
        if config is not None:
            self.config_file.write_text(config)
            self.arguments += ["-c", str(self.config_file)]

    def start(self):
        self._log_before = len(self.log())
        with open(self.log_file, "ab") as log:
            self.process = subprocess.Popen(
                self.arguments, cwd=self.directory, env=self.environment,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        until(self._is_ready, f"{PROGRAM.name} to listen on port {self.port}")
        return self

    def _is_ready(self):
        assert self.process.poll() is None, f"the server ended at its start:\n{self.log()}"
        return is_open("127.0.0.1", self.port)

    @property
    def pid(self):
        return self.process.pid

    def is_alive(self):
        return self.process is not None and self.process.poll() is None

    def log(self):
        """All lines so far but one that is still being written."""
        text = self.log_file.read_text(errors="replace") if self.log_file.exists() else ""
        return text[:text.rfind("\n") + 1]

    def log_since_start(self):
        """Without what it said before it was started again."""
        return self.log()[self._log_before:]

    def await_log(self, pattern, timeout_s=PATIENCE_S):
        """The first match of the regular expression in the log, once it is there."""
        return until(lambda: re.search(pattern, self.log(), re.MULTILINE),
                     f"a log line with {pattern!r}", timeout_s)

    def memory_kib(self):
        """The resident memory of the process, in KiB."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(r"^VmRSS:\s+(\d+) kB$", status, re.MULTILINE).group(1))

    def signal(self, number):
        self.process.send_signal(number)

    def freeze(self):
        """SIGSTOP; returns when no thread of the process runs any more."""
        self.signal(signal.SIGSTOP)
        until(lambda: self._thread_states() == {"T"}, "all threads to stand still")

    def _thread_states(self):
        try:
            stats = [stat.read_text() for stat in Path(f"/proc/{self.pid}/task").glob("*/stat")]
        except OSError:  # one has ended meanwhile
            return None
        return {stat.rpartition(")")[2].split()[0] for stat in stats}

    def stop(self):
        """Asks for a clean end and expects it at once, with status 0 and nothing to report."""
        assert self.is_alive(), f"the server ended by itself with {self.process.poll()}"
        self.signal(signal.SIGTERM)
        status = self.process.wait(PATIENCE_S)
        assert status == 0, f"the server ended with {status} after SIGTERM"
        self.expect_no_report()

    def kill(self):
        """Ends the process as a crash would."""
        if self.is_alive():
            self.process.kill()
            self.process.wait()

    def remove_data(self):
        """Frees the disk of what it has stored: all tests together would take tens of gigabytes."""
        for pattern in "log-*", "free-*", "archive.*":
            for file in self.directory.rglob(pattern):
                file.unlink()

    def expect_no_report(self):
        report = SANITIZER_REPORT.search(self.log())
        assert not report, f"a sanitizer reports: {report.group(0)}"


def is_listening(port, host="127.0.0.1"):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        return probe.connect_ex((host, port)) == 0


def is_open(host, port):
    """Whether somebody serves there; waits until our connection is forgotten again.

    One that is reset nobody has taken: who listened there was just about to end.
    """
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.settimeout(PATIENCE_S)
        if probe.connect_ex((host, port)) != 0:
            return False
        try:
            probe.shutdown(socket.SHUT_WR)
            while probe.recv(4096):
                pass
        except OSError:
            return False
        return True
