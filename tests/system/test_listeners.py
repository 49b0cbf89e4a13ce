# SPDX-License-Identifier: Apache-2.0
"""Listeners that a reload opens and closes."""

import re
import signal
import socket
from types import SimpleNamespace

import pytest

import mosquitto
from certificates import Authority
from server import free_port, is_listening
from waiting import until
from wire import V5, Wire

pytestmark = pytest.mark.ours_only("Mosquitto needs a new start for another set of listeners")


def at(port):
    return SimpleNamespace(tool_options=["-h", "127.0.0.1", "-p", str(port)], port=port)


@pytest.fixture
def reload(start_server):
    """A server with two listeners, and a function that reloads it with other lines for a second."""
    port = free_port()
    server = start_server(f"listener {port} 127.0.0.1")
    first = server.config_file.read_text()
    assert first.count(f"listener {port} 127.0.0.1\n") == 1

    def change(lines, outcome="reloaded"):
        done = len(re.findall(f"config.{outcome}", server.log()))
        server.config_file.write_text(first.replace(f"listener {port} 127.0.0.1\n", f"{lines}\n"))
        server.signal(signal.SIGHUP)
        until(lambda: len(re.findall(f"config.{outcome}", server.log())) > done, outcome)
        return server

    change.server, change.port = server, port
    return change


@pytest.mark.sanitizer
def test_a_new_listener_is_opened(reload):
    with mosquitto.Subscriber(reload.server, "-t", "t") as staying:
        port = free_port()
        reload(f"listener {reload.port} 127.0.0.1\nlistener {port} 127.0.0.1")
        for n in range(20):  # for each thread's door
            mosquitto.publish(at(port), "t", "-m", str(n))
        assert sorted(staying.lines(20), key=int) == [str(n) for n in range(20)]
    assert f"listener {port} 127.0.0.1 opens" in reload.server.log()


@pytest.mark.sanitizer
def test_a_listener_that_is_gone_is_closed_with_its_clients(reload):
    with (Wire(reload.server) as staying, Wire(at(reload.port)) as leaving,
          Wire(at(reload.port)) as newcomer):
        staying.connected(V5, "staying")
        leaving.connected(V5, "leaving")
        port = newcomer.socket.getsockname()[1]  # it is in, by whatever thread
        reload.server.await_log(f"connection.opened peer=127.0.0.1:{port} ")
        reload("")
        leaving.expect_end(0x87)
        assert not is_listening(reload.port)
        staying.send("c0 00")
        staying.expect("d0 00")
        newcomer.send("10 10 00 04 'MQTT' 05 02 0000 00 00 03 'new'")
        assert newcomer.receive()[1][1] == 0x87
    assert f"listener.closed address=127.0.0.1 port={reload.port}" in reload.server.log()


def test_a_listener_may_go_and_come_back(reload):
    for _ in range(3):
        reload("")
        assert not is_listening(reload.port)
        reload(f"listener {reload.port} 127.0.0.1\nmax_connections 3")
        with Wire(at(reload.port)).connected(V5, "visitor") as visitor:
            visitor.send("e0 00")
            visitor.expect_end()  # and so it is not counted any more
    # What belongs to it is not mixed up with another's.
    wires = [Wire(at(reload.port)).connected(V5, str(n)) for n in range(3)]
    assert mosquitto.run("pub", at(reload.port), "-t", "t", "-n").returncode != 0
    mosquitto.publish(reload.server, "t", "-m", "1", "-q", "1")
    for wire in wires:
        wire.close()


def test_a_listener_may_come_and_go_as_often_as_it_likes(reload):
    for _ in range(70):  # more often than there may be listeners
        reload("")
        assert not is_listening(reload.port)
        reload(f"listener {reload.port} 127.0.0.1")
        assert is_listening(reload.port)
    mosquitto.publish(at(reload.port), "t", "-m", "1", "-q", "1")


def test_one_that_comes_back_in_vain_stays_closed(reload):
    reload("")
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", reload.port))
        holder.listen()
        port = free_port()
        both = f"listener {reload.port} 127.0.0.1\nlistener {port} 127.0.0.1"
        reload(both, "kept")
        assert not is_listening(port)
    reload(both)
    for each in reload.port, port:
        mosquitto.publish(at(each), "t", "-m", "1", "-q", "1")


def test_a_listener_may_move_to_another_port(reload):
    port = free_port()
    reload(f"listener {port} 127.0.0.1")
    assert not is_listening(reload.port)
    mosquitto.publish(at(port), "t", "-m", "1", "-q", "1")


def test_a_unix_socket_is_opened_and_removed(reload, tmp_path):
    path = tmp_path / "socket"
    reload(f"listener 0 {path}")
    with socket.socket(socket.AF_UNIX) as peer:
        peer.connect(str(path))
        peer.sendall(b"\x10\x0d\x00\x04MQTT\x04\x02\x00\x00\x00\x01u")
        assert peer.recv(4) == b"\x20\x02\x00\x00"
        reload("")
        assert not path.exists()
        assert peer.recv(4) == b""


def test_a_new_listener_speaks_tls(reload, tmp_path):
    authority = Authority(tmp_path)
    certificate, key = authority.issue("server", kind="server")
    port = free_port()
    reload(f"listener {port} 127.0.0.1\ncertfile {certificate}\nkeyfile {key}")
    mosquitto.publish(
        SimpleNamespace(tool_options=["-h", "localhost", "-p", str(port), "--cafile",
                                      str(authority.certificate)]), "t", "-m", "1", "-q", "1")


def test_a_listener_that_cannot_be_opened_changes_nothing(reload):
    with socket.socket() as taken, Wire(at(reload.port)) as client:
        client.connected(V5, "client")
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = free_port()
        reload(f"listener {port} 127.0.0.1\nlistener {taken.getsockname()[1]} 127.0.0.1\n"
               "max_keepalive 5", "kept")
        assert not is_listening(port)
        client.send("c0 00")
        client.expect("d0 00")
        mosquitto.publish(at(reload.port), "t", "-m", "1", "-q", "1")
    reload(f"listener {port} 127.0.0.1")
    mosquitto.publish(at(port), "t", "-m", "1", "-q", "1")


def test_a_file_without_listeners_leaves_those_of_this_machine(start_server):
    """They are 127.0.0.1, which was there before and keeps its clients, and ::1."""
    server = start_server(arguments=("-p", "{port}"))
    with Wire(server) as client:
        client.connected(V5, "client")
        server.config_file.write_text("log_dest stderr\nlog_type all\ncontrol_socket none\n")
        server.signal(signal.SIGHUP)
        server.await_log("config.reloaded")
        assert f"listener {server.port} ::1 opens" in server.log()
        client.send("c0 00")
        client.expect("d0 00")
