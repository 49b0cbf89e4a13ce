# SPDX-License-Identifier: Apache-2.0
"""Starts this server and Debian's Mosquitto for one measurement each, with equal settings."""

import collections
import contextlib
import json
import os
import pathlib
import resource
import signal
import socket
import subprocess
import tempfile
import time

import tls_front

ROOT = pathlib.Path(__file__).resolve().parent.parent
OURS, THEIRS, RELAY = "nightjar", "mosquitto", "relay"
RELAY_PROGRAM = str(ROOT / "build/bench/relay")
FILES_MAX = 40000  # open files of a server: 15,000 connections and some
START_TRIES = 600
START_PAUSE_S = 0.05
STOP_S = 10
LIMIT_S = 120  # of one run of the load

# How a server is run: `threads` of ours (None: its default), the cores of each side, TCP_NODELAY,
# TLS before it (tls_front.py), which program watches it from inside, such as ["valgrind"], and what
# the listener speaks: "", "tls" or "websockets". With `first`, server and load go before all else
# that the machine does, as far as the system lets them.
Setting = collections.namedtuple(
    "Setting", "threads server_cores load_cores no_delay tls watcher listener first",
    defaults=(1, None, None, True, None, (), "", False))


def add_arguments(parser):
    """The options that say which programs are measured, and by which."""
    parser.add_argument("--ours", default=str(ROOT / "build/nightjar"), metavar="PROGRAM")
    parser.add_argument("--theirs", default="/usr/sbin/mosquitto", metavar="PROGRAM")
    parser.add_argument("--bench", metavar="PROGRAM", help="whose `bench` loads; as --ours")


def programs_of(arguments):
    """{OURS, THEIRS, RELAY, "bench": path}; ends where one is not there."""
    programs = {OURS: arguments.ours, THEIRS: arguments.theirs, RELAY: RELAY_PROGRAM,
                "bench": arguments.bench or arguments.ours}
    for program in programs.values():
        if not os.access(program, os.X_OK):
            raise SystemExit(f"{program}: no such program; run make, or see tools/packages.txt")
    return programs


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def configuration(side, port, setting, folder):
    """Equal settings for both: nothing is dropped by a queue's limit, stored or logged."""
    lines = [
        f"listener {port} 127.0.0.1",
        "allow_anonymous true",
        "max_queued_messages 0",
        "max_inflight_messages 20",
        f"set_tcp_nodelay {str(setting.no_delay).lower()}",
        "persistence false",
        "sys_interval 0",
        "log_type none",
    ]
    if setting.tls or setting.listener == "tls":
        lines += tls_front.server_lines(folder)
    if setting.listener == "websockets":
        lines.append("protocol websockets")
    if setting.watcher and os.geteuid() == 0:
        lines.append("user root")  # or the watcher cannot speak to it
    if side == OURS and setting.threads:
        lines.append(f"threads {setting.threads}")
    return "\n".join(lines) + "\n"


def go_first():
    """Linux shares the processor among sessions first, and only then by priority within each."""
    with contextlib.suppress(OSError):
        os.setsid()
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, -20)
        pathlib.Path("/proc/self/autogroup").write_text("-20", encoding="ascii")


def prepare_child(cores, first=False):
    """Runs in a child between fork and exec. No cores: as its parent."""
    def prepare():
        if first:
            go_first()
        if cores:
            os.sched_setaffinity(0, cores)
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        with contextlib.suppress(ValueError, OSError):  # only root goes above the hard limit
            resource.setrlimit(resource.RLIMIT_NOFILE, (FILES_MAX, max(FILES_MAX, hard)))
    return prepare


def await_start(server, port, log):
    """Returns once the server accepts connections."""
    for _ in range(START_TRIES):
        with contextlib.suppress(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(START_PAUSE_S)
            break
    log.seek(0)
    raise SystemExit(f"{server.args[0]} does not start:\n{log.read()}")


def stop(server):
    server.send_signal(signal.SIGTERM)
    try:
        server.wait(STOP_S)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


@contextlib.contextmanager
def running(program, side, setting):
    """A fresh server for one measurement; gives its port, or that of TLS before it, and its id."""
    port = free_port()
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as file, \
            tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile("w+") as log:
        if setting.tls or setting.listener == "tls":
            tls_front.make_certificate(folder)
        file.write(configuration(side, port, setting, folder))
        file.flush()
        os.chmod(file.name, 0o644)  # Mosquitto gives up root, and reads it again
        prepare = prepare_child(setting.server_cores, setting.first)
        how = [str(port)] if side == RELAY else ["-c", file.name]
        server = subprocess.Popen([*setting.watcher, program, *how], stdout=log, stderr=log,
                                  preexec_fn=prepare)
        try:
            await_start(server, port, log)
            with before(folder, port, setting) as entrance:
                yield entrance, server.pid
        finally:
            stop(server)


@contextlib.contextmanager
def before(folder, port, setting):
    """What the load connects to: the server itself, or TLS before it."""
    if not setting.tls:
        yield port
        return
    entrance = free_port()
    with tls_front.running(folder, (entrance, port), setting.tls,
                           prepare_child(setting.load_cores)) as (front, log):
        await_start(front, entrance, log)
        yield entrance


def load(program, arguments, port, pid=None, cores=None, watcher=(), first=False):
    """The figures of one run of `nightjar bench`, as it printed them."""
    command = [*watcher, program, "bench", *arguments, "-p", str(port), "--limit", str(LIMIT_S),
               "--json", *(["--pid", str(pid)] if pid else [])]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False,
                          preexec_fn=prepare_child(cores, first))
    try:
        return json.loads(done.stdout)
    except ValueError:
        return {"result": f"bench ended with {done.returncode} and no figures"}
