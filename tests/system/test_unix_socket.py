# SPDX-License-Identifier: Apache-2.0
"""Unix sockets: `listener 0 /path`."""

import os
import socket
import stat
import subprocess

import pytest

from mosquitto import Subscriber, publish
from server import IS_NIGHTJAR, PROGRAM, common_config
from waiting import PATIENCE_S, until
from wire import connect


@pytest.fixture
def path(tmp_path):
    return tmp_path / "socket"


@pytest.fixture
def server(start_server, path):
    """A server that Mosquitto's tools find at the path."""
    threads = "threads 4\n" if IS_NIGHTJAR else ""
    server = start_server(threads, listener=f"listener {{port}} 127.0.0.1\nlistener 0 {path}")
    server.tool_options = ["--unix", str(path)]
    until(lambda: listens(path), f"the server to listen at {path}")
    return server


def listens(path):
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) == 0


@pytest.mark.sanitizer
@pytest.mark.parametrize("version", ["mqttv31", "mqttv311", "mqttv5"])
def test_mosquitto_tools(server, version):
    with Subscriber(server, "-t", "a/#", "-q", "2", show="%t %q %p", version=version) as subscriber:
        for qos in 0, 1, 2:
            publish(server, f"a/{qos}", "-q", str(qos), "-m", f"m{qos}", version=version)
        # Three publishers: no order is promised among them.
        assert sorted(subscriber.lines(3)) == ["a/0 0 m0", "a/1 1 m1", "a/2 2 m2"]


def test_many_clients_are_taken_by_whichever_thread(server, path):
    clients = [socket.socket(socket.AF_UNIX) for _ in range(100)]
    for i, client in enumerate(clients):
        client.connect(str(path))
        client.settimeout(PATIENCE_S)
        client.sendall(connect(4, f"c{i}"))
    for client in clients:
        assert client.recv(4) == bytes.fromhex("20020000")
    for client in clients:
        client.close()


def test_the_file_is_for_owner_and_group_and_goes_with_the_server(server, path):
    status = os.stat(path)
    assert stat.S_ISSOCK(status.st_mode) and stat.S_IMODE(status.st_mode) == 0o770
    server.stop()
    assert not path.exists()


def test_the_file_of_a_server_that_was_killed_is_taken_over(server, path):
    server.kill()
    assert path.exists()
    server.start()
    until(lambda: listens(path), f"the server to listen at {path}")
    publish(server, "a", "-q", "1", "-m", "x")


@pytest.mark.ours_only("Mosquitto takes the place of whatever is there")
@pytest.mark.parametrize("is_socket", [True, False], ids=["a server", "a file"])
def test_what_is_in_use_stays(server, path, tmp_path, is_socket):
    place = path if is_socket else tmp_path / "notes"
    if not is_socket:
        place.write_text("mine")
    config = tmp_path / "second.conf"
    config.write_text(f"{common_config()}listener 0 {place}\nallow_anonymous true\n")
    done = subprocess.run([PROGRAM, "-c", config], capture_output=True, text=True,
                          timeout=PATIENCE_S)
    assert done.returncode != 0
    assert f"cannot listen on {place}: " in done.stderr
    if is_socket:
        publish(server, "a", "-q", "1", "-m", "x")
    else:
        assert place.read_text() == "mine"


@pytest.mark.ours_only("Mosquitto's log has other words")
def test_the_log_names_the_path(server, path):
    server.await_log(f"listener.opened family=unix path={path}")
    publish(server, "a", "-m", "x")
    until(lambda: "peer=- " in server.log(), "a client without an address")
