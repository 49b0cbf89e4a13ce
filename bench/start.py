# SPDX-License-Identifier: Apache-2.0
"""What a server takes at its start, with empty data and as it is without settings; its size."""

import contextlib
import os
import pathlib
import re
import socket
import statistics
import subprocess
import tempfile
import time

import servers

STARTS = 15
PAUSE_S = 0.0002  # between two looks whether it accepts
REST_S = 0.3      # after which its memory is looked at
START_S = 10


def _begin(program, config, port, log):
    """Starts it; returns the process, and the milliseconds until it accepted a connection."""
    began = time.monotonic()
    server = subprocess.Popen([program, "-c", config], stdout=log, stderr=log,
                              preexec_fn=servers.go_first)
    while time.monotonic() - began < START_S and server.poll() is None:
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), 1).close()
            return server, (time.monotonic() - began) * 1000
        time.sleep(PAUSE_S)
    server.kill()
    raise SystemExit(f"{program} does not start")


def _start_once(program, side, folder, rest_s):
    """(milliseconds, resident KiB after rest_s) of a start with empty data."""
    port = servers.free_port()
    data = pathlib.Path(folder) / "data"
    data.mkdir()
    config = pathlib.Path(folder) / "server.conf"
    lines = [f"listener {port} 127.0.0.1", "allow_anonymous true", "persistence true",
             f"persistence_location {data}/", "log_type error"]
    lines += ["control_socket none"] if side == servers.OURS else []
    lines += ["user root"] if os.geteuid() == 0 else []
    config.write_text("\n".join(lines) + "\n")
    with open(pathlib.Path(folder) / "log", "wb") as log:
        server, took_ms = _begin(program, config, port, log)
        try:
            time.sleep(rest_s)
            status = pathlib.Path(f"/proc/{server.pid}/status").read_text(encoding="ascii")
        finally:
            servers.stop(server)
    return took_ms, int(re.search(r"^VmRSS:\s+(\d+)", status, re.M).group(1))


def measure(program, side, _):
    """The median of some starts; memory after the last, the libraries' shared pages included."""
    times = []
    for number in range(STARTS):
        with tempfile.TemporaryDirectory() as folder:
            took_ms, resident = _start_once(program, side, folder,
                                            REST_S if number == STARTS - 1 else 0)
            times.append(took_ms)
    return {"result": "good", "start_ms": statistics.median(times), "resident_kib": resident}


def measure_size(program, _side, _setting):
    """Of the program without its symbols; libraries are apart."""
    with tempfile.TemporaryDirectory() as folder:
        stripped = pathlib.Path(folder) / "stripped"
        subprocess.run(["strip", "-o", stripped, program], check=True)
        return {"result": "good", "stripped_bytes": stripped.stat().st_size}
