# SPDX-License-Identifier: Apache-2.0
"""The server as a process: its command line, files, signals, log and end."""

import json
import os
import platform
import re
import resource
import signal
import socket
import subprocess
from contextlib import ExitStack
from pathlib import Path

import pytest

from floods import connect_packet
from paho_client import V31, V311, V5, Client
from server import IS_NIGHTJAR, PROGRAM, common_config, free_port, is_listening
from waiting import PATIENCE_S, in_time, pace, until
from websocket_wire import WebSocketWire
from wire import Wire, connect, packet, string, subscribe


def run(*arguments, directory=None):
    """Runs the program to its end; returns its status and its output."""
    return subprocess.run([PROGRAM, *map(str, arguments)], cwd=directory, text=True,
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE_S)


# The command line --------------------------------------------------------------------------------


@pytest.mark.ours_only("which libraries a program has is its own affair")
@pytest.mark.skipif(platform.machine() != "x86_64", reason="stubs are written for x86-64 alone")
def test_a_plain_server_has_none_of_the_libraries_that_it_does_not_need(server):
    if b"__sanitizer_" in PROGRAM.read_bytes():
        pytest.skip("a sanitizer sees what is linked as usual, so its build has no stubs")
    with Wire(server) as client:
        client.connected(V311, "plain")
    maps = Path(f"/proc/{server.pid}/maps").read_text()
    for library in "liblmdb.so", "libm.so":  # the load of $SYS is rounded by the latter
        assert library in maps
    for library in "curl", "ssl", "crypto", "sqlite3", "edit", "jansson", "argon2", "z":
        assert not re.search(rf"/lib{library}\.so", maps), library


def use_up_descriptors(server):
    """Lets the server have no descriptor any more; returns what took the last ones."""
    limit = max(int(name) for name in os.listdir(f"/proc/{server.pid}/fd")) + 3
    resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (limit, limit))
    held = []
    while "accept.failed" not in server.log():
        held.append(socket.create_connection(("127.0.0.1", server.port)))
        pace(0.01)
    return held


@pytest.mark.ours_only("which libraries a program has is its own affair")
def test_a_websocket_is_served_when_there_are_no_descriptors(start_server):
    server = start_server("threads 1\nprotocol websockets")
    server.await_log("server.running")
    with WebSocketWire(server) as client:
        held = use_up_descriptors(server)
        client.upgraded()
        for one in held:
            one.close()
    server.stop()


@pytest.mark.ours_only("which libraries a program has is its own affair")
def test_a_password_is_checked_when_there_are_no_descriptors(start_server, tmp_path):
    passwords = tmp_path / "passwords"
    done = run("passwd", "-H", "argon2id", "-c", "-b", passwords, "user", "secret")
    assert done.returncode == 0, done.stderr
    server = start_server(f"threads 1\npassword_file {passwords}")
    server.await_log("server.running")
    with Wire(server) as client:
        held = use_up_descriptors(server)
        client.send(connect_packet("client", "user", "secret"))
        client.expect("20 02 00 00")
        for one in held:
            one.close()
    server.stop()


@pytest.mark.ours_only("Mosquitto 2.0.11 has no --version and ends with 3 after -h")
def test_version_and_help_end_well():
    version = run("--version")
    assert version.returncode == 0
    assert re.fullmatch(r"nightjar version \d+\.\d+\.\d+\n", version.stdout)
    for option in "-h", "--help":
        shown = run(option)
        assert shown.returncode == 0
        for word in "-c", "-d", "-p", "-q", "-v", "--test-config", "--version":
            assert word in shown.stdout


@pytest.mark.parametrize("arguments", [
    ["--no-such-option"], ["-c"], ["-p"], ["-p", "0"], ["-p", "65536"], ["-p", "x"],
    ["-c", "/no/such/file"], ["-c", "/"],
])
def test_a_wrong_command_line_ends_with_3(arguments):
    done = run(*arguments)
    assert done.returncode == 3
    assert done.stderr


@pytest.mark.ours_only("Mosquitto 2.0.11 has no --test-config")
def test_test_config_checks_without_serving(tmp_path):
    port = free_port()
    good = tmp_path / "good.conf"
    good.write_text(f"# a comment\nlistener {port} 127.0.0.1\nallow_anonymous true\n\n"
                    "max_queued_messages 7\n")
    done = run("-c", good, "--test-config")
    assert done.returncode == 0, done.stderr
    assert re.search(r"good\.conf:5: max_queued_messages 7\b", done.stdout)
    assert done.stdout.endswith("\nThe configuration can be used\n")
    good.write_text(f"{good.read_text()}autosave_interval 60\n")
    done = run("-c", good, "--test-config")
    assert done.stdout.endswith("\nThe configuration can be used; warnings, at the top: 1\n")
    assert not is_listening(port)


@pytest.mark.parametrize("line", [
    "no_such_key 1",
    "max_packet_size 19",
    "max_packet_size",
    "max_keepalive 65536",
    "allow_anonymous perhaps",
    "max_qos 3",
    "listener 65536",
    "log_type chatter",
    pytest.param("memory_limit 1", id="memory_limit", marks=pytest.mark.ours_only(
        "Mosquitto 2.0.11 ends with another status where its memory does not suffice")),
    pytest.param("plugin /no/such/plugin.so", id="plugin", marks=pytest.mark.ours_only(
        "Mosquitto 2.0.11 ends with another status when it cannot load a plugin")),
])
@pytest.mark.parametrize("mode", [
    pytest.param(["--test-config"],
                 marks=pytest.mark.ours_only("Mosquitto 2.0.11 has no --test-config")),
    [],
], ids=["test-config", "start"])
def test_a_wrong_line_is_named_and_ends_with_3(tmp_path, mode, line):
    bad = tmp_path / "bad.conf"
    bad.write_text(f"listener {free_port()} 127.0.0.1\n{line}\n")
    done = run("-c", bad, *mode)
    assert done.returncode == 3
    assert "bad.conf:2" in done.stderr


@pytest.mark.ours_only("Mosquitto 2.0.11 has no --test-config")
@pytest.mark.parametrize("line", [
    "listener 1883 192.0.2.7",
    "listener 1883 10.0.0.256",
    "persistence_location /dev/null/data",
    "persistence_location /no/such/folder",
    pytest.param("user no-such-user", marks=pytest.mark.skipif(
        os.geteuid() != 0, reason="only root can become somebody else")),
])
@pytest.mark.parametrize("mode", ["--test-config", "--diff"])
def test_what_this_machine_does_not_have_is_named_before_a_start(tmp_path, mode, line):
    good, bad = tmp_path / "good.conf", tmp_path / "bad.conf"
    good.write_text("")
    bad.write_text(f"listener {free_port()} 127.0.0.1\n{line}\n")
    done = run(mode, "-c", bad) if mode == "--test-config" else run("-c", good, mode, bad)
    assert done.returncode == 3
    assert "bad.conf:2" in done.stderr
    assert done.stdout == ""


@pytest.mark.ours_only("Mosquitto 2.0.11 has no --test-config")
@pytest.mark.parametrize("more", ["", "per_listener_settings true\n"], ids=["global", "listener"])
@pytest.mark.parametrize("lines", [
    "password_file /no/such/file", "acl_file /no/such/file", "psk_file /no/such/file\npsk_hint x",
    "auth_jwt /no/such/file", "auth_http http://127.0.0.1/\nauth_http_cafile /no/such/file",
])
def test_a_file_that_is_not_there_is_told_with_the_line_that_names_it(tmp_path, lines, more):
    text = f"{more}listener 1883\n{lines}\n"
    line = next(number for number, line in enumerate(text.splitlines(), 1) if "/no/" in line)
    config = tmp_path / "bad.conf"
    config.write_text(text)
    done = run("-c", config, "--test-config")
    assert done.returncode == 3
    assert re.search(rf"bad\.conf:{line}: /no/such/file: cannot be read: No such file", done.stderr)


@pytest.mark.ours_only("Mosquitto has no threads that it could say the memory of")
@pytest.mark.parametrize("threads", [1, 4])
def test_the_memory_that_is_asked_for_is_enough_to_serve(tmp_path, start_server, threads):
    file = tmp_path / "small.conf"
    file.write_text(f"threads {threads}\nmemory_limit 1\n")
    told = run("-c", file, "--test-config").stderr
    least = re.search(r"small\.conf:2: memory_limit 1 is less than the (\d+) bytes", told).group(1)
    server = start_server(f"threads {threads}\nmemory_limit {least}")
    with Client(server, "first") as client:
        client.publish("news", "there is room", 1)


@pytest.mark.ours_only("without a file Mosquitto 2.0.11 words it otherwise")
def test_without_a_listener_only_this_machine_is_served(open_folder, start_server):
    server = start_server(with_file=False, arguments=["-p", "{port}", "-v"],
                          data=open_folder / "data")
    assert is_listening(server.port, "127.0.0.1")
    assert not is_listening(server.port, "127.0.0.2")
    with Client(server, "anonymous") as client:
        assert client.code == 0
    server.stop()
    assert re.search(rf"only this machine .*listener {server.port}", server.log())
    assert " debug " in server.log(), "-v logs everything"


@pytest.mark.ours_only("Mosquitto 2.0.11 ends at the second one")
def test_several_ports_of_the_command_line(open_folder, start_server):
    other = free_port()
    start_server(with_file=False, arguments=["-p", "{port}", "-p", str(other)],
                 data=open_folder / "data")
    until(lambda: is_listening(other), "the second port")


def test_a_listener_in_the_file_overrules_the_ports_of_the_command_line(start_server):
    other = free_port()
    server = start_server(arguments=["-p", str(other)])
    with Client(server, "client"):
        assert not is_listening(other)


@pytest.mark.ours_only("Mosquitto 2.0.11 knows no -q")
def test_quiet_logs_nothing(start_server):
    server = start_server(arguments=["-q"])
    with Client(server, "client"):
        pass
    server.stop()
    assert server.log() == ""


def test_a_port_that_is_taken_stops_the_start(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        file = tmp_path / "server.conf"
        file.write_text(f"{common_config()}listener {taken.getsockname()[1]} 127.0.0.1\n"
                        "allow_anonymous true\n")
        done = run("-c", file)
        assert done.returncode not in (0, -signal.SIGSEGV)
        assert re.search("in use", done.stderr, re.IGNORECASE)


# The configuration file --------------------------------------------------------------------------


def test_a_file_with_crlf_and_included_files_is_read(start_server, tmp_path):
    included = tmp_path / "conf.d"
    included.mkdir()
    (included / "b.conf").write_text("max_keepalive 10\n")
    (included / "a.conf").write_text("max_keepalive 20\r\n")
    (included / "ignored.txt").write_text("no_such_key 1\n")
    server = start_server(f"# comment\r\n\r\nsys_interval 1\r\ninclude_dir {included}\r\n")
    with Client(server, "client", keepalive_s=1000) as client:
        assert client.connack.ServerKeepAlive == 10, "the last file in order decides"


def test_each_listener_has_its_own_settings(start_server):
    other = free_port()
    server = start_server(f"listener {other} 127.0.0.1\nmax_qos 0\n")
    with Client(server, "one") as one:
        assert not hasattr(one.connack, "MaximumQoS")
        server.port = other
        with Client(server, "two") as two:
            assert two.connack.MaximumQoS == 0
            two.subscribe("a")
            one.publish("a", "x", 1)
            assert two.take(1)[0].qos == 0


@pytest.mark.config("accept_protocol_versions 4,5")
@pytest.mark.ours_only("accept_protocol_versions is a key of Mosquitto 2.1")
def test_a_listener_may_refuse_versions(server):
    refused = Client(server, "old", V31)
    assert refused.code == 1
    with Client(server, "new", V311) as client:
        assert client.code == 0


# Signals and the end -----------------------------------------------------------------------------


@pytest.mark.sanitizer
@pytest.mark.ours_only("Mosquitto 2.0.11 closes without a DISCONNECT")
def test_sigterm_ends_at_once_and_tells_the_clients(server):
    with ExitStack() as stack:
        new = [stack.enter_context(Wire(server).connected(V5, f"new{i}")) for i in range(20)]
        old = [stack.enter_context(Wire(server).connected(V311, f"old{i}")) for i in range(20)]
        stack.enter_context(Wire(server)).send("10 0e 00 04")  # half a CONNECT
        server.signal(signal.SIGTERM)
        for client in new:
            client.expect_end(0x8B)
        for client in old:
            client.expect_end()
        assert server.process.wait(PATIENCE_S) == 0


def test_sigint_ends_as_sigterm_does(server):
    server.signal(signal.SIGINT)
    assert server.process.wait(PATIENCE_S) == 0


def test_a_client_that_does_not_read_does_not_delay_the_end(server):
    with Wire(server, receive_buffer_size=4096).connected(
                V5, "never-reads", keepalive_s=0) as stuck, \
            Client(server, "publisher") as publisher:
        stuck.send(subscribe(V5, ["load"]))
        stuck.expect_packet(0x90)
        for _ in range(200):
            publisher.publish("load", "x" * 20000, 1)
        server.signal(signal.SIGTERM)
        assert server.process.wait(PATIENCE_S) == 0


def reload(server, old, new):
    """Changes the configuration file and has the server read it."""
    text = server.config_file.read_text()
    assert old in text
    server.config_file.write_text(text.replace(old, new))
    server.signal(signal.SIGHUP)


@pytest.mark.sanitizer
@pytest.mark.ours_only("Mosquitto 2.0.11 does not apply this on reload")
@pytest.mark.config("max_keepalive 1000")
def test_sighup_reads_the_file_again_and_keeps_the_connections(server):
    with Client(server, "stays") as client:
        client.subscribe("a", 1)
        reload(server, "max_keepalive 1000", "max_keepalive 77")

        def keepalive():
            with Client(server, "probe", keepalive_s=5000) as probe:
                return probe.connack.ServerKeepAlive

        until(lambda: keepalive() == 77, "the new limit")
        client.publish("a", "x", 1)
        assert client.take(1)[0].payload == b"x"


@pytest.mark.sanitizer
def test_sighup_ends_whom_the_server_would_not_let_in_now(server):
    with Client(server, "goes") as client:
        reload(server, "allow_anonymous true", "allow_anonymous false")
        client.expect_end(0x87)

    def code():
        with Client(server, "probe") as probe:
            return probe.code

    until(lambda: code() == 0x87, "each thread to know")


@pytest.mark.ours_only("Mosquitto 2.0.11 does not apply these on reload")
@pytest.mark.config("max_keepalive 1000\nmax_queued_messages 1000")
def test_sighup_applies_limits(server):
    def keepalive():
        with Client(server, "probe", keepalive_s=5000) as probe:
            return probe.connack.ServerKeepAlive

    assert keepalive() == 1000
    reload(server, "max_keepalive 1000", "max_keepalive 77")
    until(lambda: keepalive() == 77, "the new limit")


@pytest.mark.ours_only("Mosquitto 2.0.11 resets listeners even when the file is wrong")
def test_a_wrong_file_changes_nothing_on_reload(server):
    with Client(server, "stays") as client:
        reload(server, "allow_anonymous true", "allow_anonymous false\nno_such_key 1")
        server.await_log(r"server\.conf:\d+: .*no_such_key")
        client.subscribe("a", 1)
        client.publish("a", "x", 1)
        client.take(1)
        with Client(server, "new") as new:
            assert new.code == 0


@pytest.mark.ours_only("Mosquitto 2.0.11 exits when it cannot find its file on reload")
def test_a_missing_file_changes_nothing_on_reload(server):
    server.config_file.unlink()
    server.signal(signal.SIGHUP)
    server.await_log("server.conf.*cannot be read")
    with Client(server, "new") as new:
        assert new.code == 0


def test_sighup_changes_what_is_logged(server):
    reload(server, "log_type all", "log_type error")

    def is_silent():
        size = len(server.log())
        Client(server, "probe").disconnect()
        return len(server.log()) == size

    until(is_silent, "the log to fall silent")


def test_a_log_file_is_opened_anew_on_sighup(start_server, tmp_path):
    log, rotated = tmp_path / "file.log", tmp_path / "file.log.1"
    reread = "config.reloaded" if IS_NIGHTJAR else ""
    server = start_server(f"log_dest file {log}")
    until(lambda: "running" in log.read_text(), "the log file")
    log.rename(rotated)
    server.signal(signal.SIGHUP)
    until(lambda: log.exists() and re.search(reread, log.read_text()), "the new log file")
    Client(server, "after-rotation").disconnect()
    until(lambda: "after-rotation" in log.read_text(), "a line in the new file")
    assert "after-rotation" not in rotated.read_text()


def test_a_daemon_writes_its_pid_and_ends_by_it(tmp_path):
    port = free_port()
    pid_file, log = tmp_path / "server.pid", tmp_path / "server.log"
    config = tmp_path / "server.conf"
    common = common_config().replace("log_dest stderr", f"log_dest file {log}")
    config.write_text(f"{common}listener {port} 127.0.0.1\nallow_anonymous true\n"
                      f"pid_file {pid_file}\n")
    assert run("-c", config, "-d").returncode == 0
    until(lambda: pid_file.exists() and pid_file.read_text(), "the pid file")
    pid = int(pid_file.read_text())
    until(lambda: is_listening(port), "the daemon")
    done = subprocess.run(["mosquitto_pub", "-p", str(port), "-t", "t", "-m", "x", "-q", "1"],
                          timeout=PATIENCE_S, check=False)
    assert done.returncode == 0
    assert Path(f"/proc/{pid}/exe").resolve() == PROGRAM.resolve()
    assert os.getsid(pid) != os.getsid(0), "it has left our terminal"
    os.kill(pid, signal.SIGTERM)
    until(lambda: not is_listening(port), "the daemon's end")
    until(lambda: not pid_file.exists(), "the pid file to be taken away")


def test_a_bad_file_is_told_before_going_to_the_background(tmp_path):
    config = tmp_path / "bad.conf"
    config.write_text("no_such_key 1\n")
    done = run("-c", config, "-d")
    assert done.returncode == 3
    assert "bad.conf:1" in done.stderr


def test_a_server_that_stood_still_hears_its_clients_before_it_judges_them(start_server):
    """As on a machine that is moved, or has no processor to give for a while."""
    server = start_server("threads 1" if IS_NIGHTJAR else "")
    pings, clients = 5, 300  # more than are told of at a time

    def stand_still():
        with ExitStack() as stack:
            def wires(number):
                return [stack.enter_context(Wire(server)) for _ in range(number)]

            def ask_and_hear(those):
                """All at once: one after the other might take longer than there is patience."""
                for client in those:
                    client.send("c0 00")
                for client in those:
                    client.expect("d0 00")

            watcher, leaving = wires(2)
            watcher.connected(V5, "watcher")
            watcher.send(subscribe(V5, ["wills"]))
            watcher.expect_packet(0x90)
            steady = wires(clients)
            for number, client in enumerate(steady):
                client.send(connect(V5, f"steady{number}", keepalive_s=1))
            leaving.send(packet(0x10, "00 04 'MQTT' 05 06 00 01 00", string("leaving"), "00",
                                string("wills"), string("")))
            for client in [*steady, leaving]:
                client.expect_packet(0x20)
            ask_and_hear(steady)
            server.freeze()
            try:
                leaving.send("e0 00")
                leaving.close()
                for _ in range(pings):  # two seconds and more; its patience is one and a half
                    pace(0.5)
                    for client in steady:
                        client.send("c0 00")
            finally:
                server.signal(signal.SIGCONT)
            for client in steady:
                client.expect("d0 00" * pings)
            ask_and_hear(steady)
            ask_and_hear([watcher])  # and no will before it

    in_time(pings * 0.5 + 1.5, stand_still)


# The log -----------------------------------------------------------------------------------------


def cause_events(server):
    """A bit of everything that is logged."""
    with Client(server, "five") as client:
        client.subscribe("a", 1)
        client.unsubscribe("a")
    Client(server, "three", V31).drop()
    Client(server, 'quo"te\\back').disconnect()
    with Wire(server) as wrong:
        wrong.send("c0 00")
        wrong.expect_end()


@pytest.mark.ours_only("log_format is our own key")
@pytest.mark.config("log_format json")
def test_each_line_of_the_json_log_is_an_object(server):
    cause_events(server)
    server.stop()
    events = [json.loads(line) for line in server.log().splitlines()]
    assert all({"time", "level", "event"} <= event.keys() for event in events)
    assert {event["level"] for event in events} <= {"error", "warn", "info", "debug"}
    connected = {event["id"]: event for event in events if event["event"] == "client.connected"}
    assert connected.keys() == {"five", "three", 'quo"te\\back'}
    assert re.fullmatch(r"127\.0\.0\.1:\d+", connected["five"]["peer"])
    assert connected["five"]["version"] == 5 and connected["five"]["clean"] == 1
    ended = {event["id"]: event["reason"] for event in events
             if event["event"] == "client.disconnected"}
    assert ended["five"] == "normal" and ended["three"] == "connection_lost"


@pytest.mark.ours_only("the text format is ours")
def test_the_text_log_has_one_line_for_each_event(server):
    cause_events(server)
    server.stop()
    line = re.compile(r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (error|warn|info|debug) '
                      r'[a-z_]+\.[a-z_]+( [a-z_]+=("([^"\\]|\\.)*"|[^ "]+))*')
    for text in server.log().splitlines():
        assert line.fullmatch(text), text
    assert 'client.connected id="five"' in server.log()


def mosquitto_lines(port):
    """Lines of Mosquitto 2.0 that tools such as fail2ban look for."""
    peer = r"127\.0\.0\.1:\d+"
    return [
        rf"^\d+: New connection from {peer} on port {port}\.$",
        rf"^\d+: New client connected from {peer} as five \(p5, c1, k60\)\.$",
        rf"^\d+: New client connected from {peer} as three \(p1, c1, k60\)\.$",
        rf"^\d+: New client connected from {peer} as four \(p2, c0, k30, u'bob'\)\.$",
        r"^\d+: Client five disconnected\.$",
        r"^\d+: Client three closed its connection\.$",
        r"^\d+: Client same already connected, closing old connection\.$",
        r"^\d+: Client broken disconnected due to protocol error\.$",
    ]


def test_the_mosquitto_log_is_as_its_readers_know_it(start_server):
    server = start_server("log_format mosquitto" if PROGRAM.name == "nightjar" else "")
    cause_events(server)
    with Wire(server) as four:
        four.send("10 15 00 04 'MQTT' 04 80 00 1e 00 04 'four' 00 03 'bob'")
        four.expect("20 02 00 00")
    with Client(server, "same"), Client(server, "same"):
        pass
    with Wire(server).connected(V5, "broken") as broken:
        broken.send("10 0f 00 04 'MQTT' 05 02 00 3c 00 00 02 'c1'")
        broken.expect_end()
    server.stop()
    for pattern in mosquitto_lines(server.port):
        assert re.search(pattern, server.log(), re.MULTILINE), pattern


def test_the_log_may_go_to_subscribers(start_server):
    server = start_server("log_dest topic")
    with Client(server, "watcher") as watcher:
        watcher.subscribe("$SYS/broker/log/#")
        Client(server, "seen").disconnect()
        until(lambda: any("seen" in payload for payload in watcher.payloads()), "a line of the log")
        server.signal(signal.SIGHUP)
        until(lambda: any("eloading" in payload for payload in watcher.payloads()),
              "a line of the server's own thread")


@pytest.mark.ours_only("Mosquitto 2.0.11 refuses such a client id")
def test_no_control_character_of_a_peer_reaches_the_log(server):
    with Wire(server).connected(V311, "evil\r\n\x1b[2J") as evil:
        evil.send("c0 00")
        evil.expect("d0 00")
    Client(server, "after").disconnect()
    server.await_log("after")
    assert "\x1b" not in server.log() and "\r" not in server.log()
