# SPDX-License-Identifier: Apache-2.0
"""`nightjar bench`: each scenario, each way to a server, and what it says of it."""

import json
import os
import pty
import re
import socket
import subprocess
import threading

import pytest

from certificates import Authority
from server import PROGRAM
from tls import renew_certificate
from waiting import PATIENCE_S

pytestmark = pytest.mark.ours_only("it is our command")

SCENARIOS = [
    ["p2p", "--count", "2000"], ["p2p", "-q", "1", "--count", "1000"],
    ["p2p", "-q", "2", "-V", "5", "--count", "1000"], ["p2p", "--rate", "1000", "--count", "200"],
    ["fan-out", "--subscribers", "50", "--count", "20"], ["fan-in", "--count", "1000"],
    ["shared", "--count", "1000"], ["wildcard", "--count", "1280"],
    ["retained", "--count", "500", "--subscribers", "2"], ["offline", "--count", "1000"],
    ["offline", "-q", "2", "-V", "5", "--count", "1000"], ["connect", "--count", "100"],
    ["idle", "--connections", "10,50"], ["sessions", "-V", "5", "--connections", "10,50"],
    ["subscriptions", "--filter", "shared", "--connections", "100,500"],
]


def bench(*arguments):
    return subprocess.run([PROGRAM, "bench", *map(str, arguments)], capture_output=True, text=True,
                          timeout=PATIENCE_S, check=False)


def figures_of(*arguments):
    """Those of a run in which all went well."""
    done = bench(*arguments, "--json")
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    figures = json.loads(done.stdout)
    assert figures["result"] == "good"
    return figures


def test_every_scenario_is_exact(server):
    for scenario in SCENARIOS:
        figures = figures_of(*scenario, "-p", server.port, "--pid", server.pid)
        assert figures["scenario"] == scenario[0]
        assert figures["server_cpu_s"] >= 0
    assert bench("offline", "-p", server.port, "--count", "10", "--rate", "5").returncode == 2


def test_nothing_is_left_of_a_run(server):
    for scenario in (["offline", "--count", "10"], ["retained", "--count", "10"],
                     ["sessions", "--connections", "5,10"]):
        figures_of(*scenario, "-p", server.port)
    with_sub = subprocess.run(
        ["mosquitto_sub", *server.tool_options, "-t", "#", "--retained-only", "-W", "1"],
        capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert with_sub.stdout == ""
    last = dict(re.findall(r'client.connected id="(b-[^"]*)" .* clean=(\d)', server.log()))
    assert len(last) > 20
    assert set(last.values()) == {"1"}


def test_percentiles_of_an_open_loop_are_in_order(server):
    figures = figures_of("p2p", "-p", server.port, "--rate", "2000", "--count", "500")
    names = ["p50", "p90", "p99", "p99.9", "max"]
    values = [figures[f"latency_{name}_us"] for name in names]
    assert values == sorted(values)
    assert figures["rate_per_s"] == 2000
    assert figures["seconds"] >= 0.2  # 500 messages, each on time


def test_latency_counts_from_when_a_message_was_due_and_not_from_its_write(server):
    """The last of 0.1 s waits for its publisher to write again, or else the first one has."""
    figures = figures_of("p2p", "-p", server.port, "--publishers", "1", "--rate", "10000",
                         "--count", "1000", "--pace", "200000")
    assert figures["latency_max_us"] > 90000


def test_ways_to_a_server(start_server, tmp_path):
    authority = Authority(tmp_path)
    renew_certificate(authority, tmp_path, "/CN=localhost")
    passwords = tmp_path / "passwords"
    subprocess.run([PROGRAM, "passwd", "-b", "-c", "-I", "1000", passwords, "joe", "secret"],
                   check=True, capture_output=True)
    tls = f"certfile {tmp_path}/server.pem\nkeyfile {tmp_path}/server.key"
    login = f"listener_allow_anonymous false\nlistener_password_file {passwords}"
    by_unix = start_server(listener=f"listener 0 {tmp_path}/socket\nlistener {{port}} 127.0.0.1")
    by_tls = start_server(login, listener=f"listener {{port}} 127.0.0.1\n{tls}")
    by_web = start_server(listener="listener {port} 127.0.0.1\nprotocol websockets")
    by_all = start_server(
        login, listener=f"listener {{port}} 127.0.0.1\nprotocol websockets\n{tls}")
    trusting = ["--cafile", authority.certificate]
    joe = ["-u", "joe", "-P", "secret"]
    for way in ([["--unix", tmp_path / "socket"], ["-p", by_web.port, "--ws"],
                 ["-p", by_tls.port, *trusting, *joe],
                 ["-p", by_tls.port, "-h", "localhost", "--insecure", *joe],
                 ["-p", by_all.port, "--ws", *trusting, *joe]]):
        figures_of("p2p", "--publishers", "5", "--count", "500", *way)
        figures_of("p2p", "--publishers", "2", "--size", "100000", "--count", "20", *way)
        figures_of("connect", "--count", "20", "--window", "5", *way)
    for way, told in ([["-p", by_tls.port, "--tls", *joe], "local issuer certificate"],
                      [["-p", by_tls.port, *trusting], "[Nn]ot authori[sz]ed"],
                      [["-p", by_unix.port, "--ws"], "instead of an answer"],
                      [["--unix", tmp_path / "nothing"], "No such file or directory"],
                      [["--cafile", tmp_path / "nothing"], "nothing"]):
        done = bench("p2p", "--publishers", "1", "--count", "10", *way)
        assert done.returncode == 1
        assert re.search(told, done.stderr), done.stderr


@pytest.mark.config("max_queued_messages 5")
def test_what_a_server_drops_is_lost(server):
    done = bench("offline", "-p", server.port, "--count", "1000", "--timeout", "6", "--json")
    figures = json.loads(done.stdout)
    assert done.returncode == 1
    assert figures["result"] == "bad"
    assert figures["lost"] == 1000 - figures["delivered"] > 0


@pytest.mark.parametrize("scenario", ["p2p", "connect"])
def test_what_is_no_mqtt_is_told(scenario):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        def answer():
            with listener.accept()[0] as served:
                served.sendall(b"\xff" * 9)
                while served.recv(1000):
                    pass

        threading.Thread(target=answer, daemon=True).start()
        done = bench(scenario, "-p", listener.getsockname()[1], "--count", "1")
    assert done.returncode == 1
    assert done.stderr == "nightjar bench: client 0: the server does not speak MQTT\n"


def test_a_terminal_shows_how_far_it_is(server):
    leader, follower = pty.openpty()
    with subprocess.Popen([PROGRAM, "bench", "p2p", "-p", str(server.port), "--rate", "1000",
                           "--count", "500"], stdout=subprocess.DEVNULL, stderr=follower) as run:
        assert run.wait(PATIENCE_S) == 0
    os.close(follower)
    assert re.search(rb"\r\[\d+\] \d+/s", os.read(leader, 10000))
    os.close(leader)
