# SPDX-License-Identifier: Apache-2.0
"""What the service manager is told, by a socket of ours in the place of systemd's."""

import contextlib
import ctypes
import os
import signal
import socket
import time
from pathlib import Path

import pytest

from control import Control
from server import is_listening
from waiting import PATIENCE_S, until

pytestmark = pytest.mark.ours_only("Debian's Mosquitto has no control socket, and no watchdog")

PTRACE_ATTACH, PTRACE_DETACH = 16, 17
WATCHDOG_USEC = 600_000


class Manager:
    """The socket that NOTIFY_SOCKET names, and what came there, message by message."""

    def __init__(self, name):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(name)
        self.socket.settimeout(PATIENCE_S)

    def take(self):
        """The next message, its lines as a dict."""
        return dict(line.split("=", 1) for line in self.socket.recv(4096).decode().split("\n"))

    def drop(self):
        """Takes all that has come already."""
        self.socket.settimeout(0)
        with contextlib.suppress(BlockingIOError):
            while True:
                self.take()
        self.socket.settimeout(PATIENCE_S)

    def beats(self, during_s):
        """How many signs of life come in that time."""
        end, count = time.monotonic() + during_s, 0
        while (left := end - time.monotonic()) > 0:
            self.socket.settimeout(left)
            with contextlib.suppress(TimeoutError):
                count += self.take().get("WATCHDOG") == "1"
        self.socket.settimeout(PATIENCE_S)
        return count


@pytest.fixture
def manager(tmp_path, monkeypatch):
    name = str(tmp_path / "notify")
    monkeypatch.setenv("NOTIFY_SOCKET", name)
    return Manager(name)


@pytest.mark.sanitizer
def test_the_life_of_a_server_is_told(manager, start_server, tmp_path):
    control = Control(tmp_path)
    server = start_server(control.config())
    ready = manager.take()
    assert ready["READY"] == "1" and int(ready["MAINPID"]) == server.pid
    assert ready["STATUS"] == "Serving"
    assert is_listening(server.port)
    for reload in lambda: server.signal(signal.SIGHUP), lambda: control.run("reload"):
        before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        reload()
        reloading = manager.take()
        assert reloading["RELOADING"] == "1"
        after = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        assert before <= int(reloading["MONOTONIC_USEC"]) <= after
        assert manager.take()["READY"] == "1"
    server.config_file.write_text("no_such_key 1\n")
    control.run("reload", status=1)
    assert manager.take()["RELOADING"] == "1"
    failed = manager.take()
    assert failed["READY"] == "1" and "failed" in failed["STATUS"]
    server.stop()
    assert manager.take()["STOPPING"] == "1"


def test_an_abstract_socket_is_told_too(start_server, monkeypatch):
    manager = Manager("")  # the system chooses a name
    monkeypatch.setenv("NOTIFY_SOCKET", "@" + manager.socket.getsockname()[1:].decode())
    start_server()
    assert manager.take()["READY"] == "1"


def test_a_socket_of_another_kind_is_told_in_the_log_and_nothing_else(start_server, monkeypatch):
    monkeypatch.setenv("NOTIFY_SOCKET", "vsock:2:1234")
    start_server().await_log("notify.failed socket=vsock:2:1234")


@contextlib.contextmanager
def threads_stopped(pid):
    """Stops every thread of a child but the first, as a debugger does."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p]
    tasks = [int(task.name) for task in Path(f"/proc/{pid}/task").iterdir()
             if int(task.name) != pid]
    for task in tasks:
        assert libc.ptrace(PTRACE_ATTACH, task, None, None) == 0, os.strerror(ctypes.get_errno())
        os.waitpid(task, 0x40000000)  # __WALL
    try:
        yield
    finally:
        for task in tasks:
            libc.ptrace(PTRACE_DETACH, task, None, None)


def test_signs_of_life_stop_while_a_thread_hangs(manager, start_server, monkeypatch):
    monkeypatch.setenv("WATCHDOG_USEC", str(WATCHDOG_USEC))
    server = start_server("threads 3" if "NIGHTJAR_THREADS" not in os.environ else "")
    assert manager.take()["READY"] == "1"
    # Nothing else wakes the threads.
    until(lambda: manager.beats(2 * WATCHDOG_USEC / 1e6) >= 2, "two signs of life in time")
    with threads_stopped(server.pid):
        # On a busy machine one may have hung before, and a line of that may just be written.
        before = server.log().count("shard.hangs")
        until(lambda: server.log().count("shard.hangs") >= before + 2, "two lines of these")
        server.await_log(r"shard.hangs shard=\d period_ms=300")
        manager.drop()  # what was told before
        assert manager.beats(2 * WATCHDOG_USEC / 1e6) == 0
    until(lambda: manager.take().get("WATCHDOG") == "1", "a sign of life")


def test_a_watchdog_for_another_process_is_none_of_ours(manager, start_server, monkeypatch):
    monkeypatch.setenv("WATCHDOG_USEC", "20000")
    monkeypatch.setenv("WATCHDOG_PID", "1")
    start_server()
    assert manager.take()["READY"] == "1"
    assert manager.beats(0.1) == 0
