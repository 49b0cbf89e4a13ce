# SPDX-License-Identifier: Apache-2.0
"""What `nightjar pub`, `sub` and `rr` do with messages as they come, and beyond Mosquitto's tools;
`nightjar record` and `replay`; the shells' completion."""

import json
import os
import pty
import re
import select
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

from mosquitto import publish
from server import PROGRAM, REPOSITORY
from waiting import PATIENCE_S, elapse, lasted, until
from wire import octets

pytestmark = pytest.mark.ours_only("they are our commands")


NOWHERE = "/dev/null/nowhere"  # nothing can be made there, not even by root


def environment(**more):
    return {**os.environ, "XDG_CONFIG_HOME": NOWHERE, **more}


def tool(name, server, *options, stdin="", **more):
    done = subprocess.run([PROGRAM, name, *server.tool_options, *map(str, options)], input=stdin,
                          text=True, capture_output=True, timeout=PATIENCE_S, check=False,
                          env=environment(**more))
    return done


class Running:
    """A command that runs until it is ended; its lines as they come."""

    def __init__(self, name, server, *options):
        self.process = subprocess.Popen(
            [PROGRAM, name, *server.tool_options, *map(str, options)], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment())

    def line(self):
        return self.process.stdout.readline().rstrip("\n")

    def wait(self):
        out, complaint = self.process.communicate(timeout=PATIENCE_S)
        return self.process.returncode, out, complaint

    def stop(self, number=signal.SIGINT):
        self.process.send_signal(number)
        return self.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()


@pytest.fixture
def subscribed(server):
    """A function that starts `sub` and returns when it has shown a retained message."""
    running = []
    publish(server, "ready", "-m", "ready", "-r")

    def start(*options):
        sub = Running("sub", server, "-t", "ready", *options)
        running.append(sub)
        assert sub.line().endswith("ready")
        return sub

    yield start
    for sub in running:
        sub.__exit__()


# Messages as they come ---------------------------------------------------------------------------


@pytest.mark.parametrize("qos", [0, 1, 2])
def test_messages_come_in_order(server, subscribed, qos):
    sub = subscribed("-t", "a", "-q", qos)
    done = tool("pub", server, "-t", "a", "-l", "-q", qos, stdin="".join(
        f"{number}\n" for number in range(500)))
    assert done.returncode == 0, done.stderr
    assert [sub.line() for _ in range(500)] == [str(number) for number in range(500)]


def test_a_signal_ends_it_and_lets_the_will_out(server, subscribed):
    watcher = subscribed("-t", "will")
    sub = subscribed("-V", "5", "--will-topic", "will", "--will-payload", "gone")
    status, _, complaint = sub.stop(signal.SIGTERM)
    assert (status, complaint) == (0, "")
    assert watcher.line() == "gone"


def test_before_the_server_answers_a_signal_kills_it(server):
    server.freeze()
    try:
        with Running("sub", server, "-t", "a") as sub:
            until(lambda: os.readlink(f"/proc/{sub.process.pid}/exe") == str(PROGRAM.resolve()),
                  "the tool to run")
            status = None
            while status is None:  # the signal may come before the tool minds it
                sub.process.send_signal(signal.SIGTERM)
                status = sub.process.poll()
            assert status in (255, -signal.SIGTERM)
    finally:
        server.signal(signal.SIGCONT)


@pytest.mark.parametrize("version", ["311", "5"])
@pytest.mark.parametrize("qos", [1, 2])
def test_what_is_asked_for_is_not_lost_between_two_runs(server, version, qos):
    """Of a session that goes on each message is shown once, though each run takes two alone."""
    options = ["-c", "-i", "by-two", "-q", qos, "-V", version, "-t", "a"]
    assert tool("sub", server, *options, "-E").returncode == 0
    assert tool("pub", server, "-t", "a", "-q", qos, "-l",
                stdin="".join(f"{number}\n" for number in range(10))).returncode == 0
    shown = [tool("sub", server, *options, "-C", 2).stdout for _ in range(5)]
    assert shown == [f"{number}\n{number + 1}\n" for number in range(0, 10, 2)]


def test_it_says_goodbye_where_more_was_under_way_than_it_wanted():
    with socket.create_server(("127.0.0.1", 0)) as listening, subprocess.Popen(
            [PROGRAM, "sub", "-h", "127.0.0.1", "-p", str(listening.getsockname()[1]), "-t", "a",
             "-q", "2", "-C", "1"], stdout=subprocess.PIPE, text=True, env=environment()) as sub:
        with listening.accept()[0] as server:
            server.settimeout(PATIENCE_S)
            assert server.recv(1000)[0] == 0x10
            server.sendall(octets("20 02 00 00"))
            assert server.recv(1000)[0] == 0x82
            server.sendall(octets("34 06 00 01 'a' 0007 'x' 34 06 00 01 'a' 0008 'y'"))
            rest = b""
            while piece := server.recv(1000):
                rest += piece
        assert rest == octets("50 02 0007 e0 00")
        assert sub.communicate(timeout=PATIENCE_S)[0] == "x\n"
        assert sub.returncode == 0


def test_it_subscribes_again_when_the_server_is_back(start_server):
    server = start_server()
    publish(server, "ready", "-m", "ready", "-r")
    with Running("sub", server, "-t", "ready", "-t", "a") as sub:
        assert sub.line() == "ready"
        server.stop()
        server.start()
        assert until(lambda: tool("pub", server, "-t", "a", "-m", "back", "-q", "1", "-V", "5",
                                  "-d").stdout.count("RC:0)") == 1, "the subscription")
        while (line := sub.line()) == "ready":  # retained, and so it comes again
            pass
        assert line == "back"


def test_a_publisher_of_lines_outlives_the_server(start_server):
    server = start_server()
    with subprocess.Popen([PROGRAM, "pub", *server.tool_options, "-t", "a", "-l", "-q", "1", "-d"],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                          env=environment()) as pub:
        pub.stdin.write("one\n")
        pub.stdin.flush()
        while "PUBACK" not in pub.stdout.readline():
            pass
        server.stop()
        pub.stdin.write("two\n")
        pub.stdin.close()
        server.start()
        assert "PUBACK" in pub.stdout.read()
        assert pub.wait(PATIENCE_S) == 0


# Ways to the server ------------------------------------------------------------------------------


def test_a_websocket_and_a_unix_socket_lead_to_the_server(start_server, tmp_path):
    path = tmp_path / "socket"
    server = start_server(f"listener 0 {path}\nallow_anonymous true",
                          listener="listener {port} 127.0.0.1\nprotocol websockets")
    assert tool("pub", server, "--ws", "-t", "a", "-m", "x", "-r", "-q", 1).returncode == 0
    done = subprocess.run([PROGRAM, "sub", "--unix", path, "-t", "a", "-C", "1"], text=True,
                          capture_output=True, timeout=PATIENCE_S, check=False, env=environment())
    assert (done.returncode, done.stdout) == (0, "x\n")
    done = subprocess.run([PROGRAM, "sub", "-L", f"ws://127.0.0.1:{server.port}/a", "-C", "1"],
                          text=True, capture_output=True, timeout=PATIENCE_S, check=False,
                          env=environment())
    assert (done.returncode, done.stdout) == (0, "x\n")


def test_a_shared_key_leads_to_the_server(start_server, tmp_path):
    (tmp_path / "keys").write_text("lamp:00112233445566778899aabbccddeeff\n")
    (tmp_path / "keys").chmod(0o600)
    server = start_server(f"psk_file {tmp_path}/keys\npsk_hint garden")
    good = ["--psk-identity", "lamp", "--psk", "00112233445566778899aabbccddeeff"]
    assert tool("pub", server, "-t", "a", "-m", "x", "-q", 1, *good).returncode == 0
    done = tool("pub", server, "-t", "a", "-m", "x", "--psk-identity", "lamp", "--psk", "00")
    assert done.returncode == 1
    assert done.stderr.startswith("Error: ")


# Beyond Mosquitto's ------------------------------------------------------------------------------


def test_retained_messages_as_a_tree(server):
    for topic in "home/hall/light", "home/hall", "home/kitchen/temperature", "garden":
        publish(server, topic, "-m", topic[-3:], "-r", "-q", "1")
    done = tool("sub", server, "-t", "#", "-T", "$SYS/#", "--tree", "--stats")
    assert done.stdout == ("garden = den\nhome\n  hall = all\n    light = ght\n  kitchen\n"
                           "    temperature = ure\n")
    assert done.returncode == 0
    assert re.match(r"4 messages, 4 retained, 12 bytes, [\d.]+ s, \d+ messages/s\n", done.stderr)


def test_lines_of_a_file_at_a_rate(server, subscribed, tmp_path):
    (tmp_path / "lines").write_text("one\ntwo\n\nthree")
    sub = subscribed("-t", "a", "-F", "%l %p")
    begun = time.monotonic()
    done = tool("pub", server, "-t", "a", "--file-lines", tmp_path / "lines", "--rate", 20,
                "--stats")
    assert lasted(begun, 0.15)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.startswith("4 messages, 0 refused, 11 bytes, ")
    assert [sub.line() for _ in range(4)] == ["3 one", "3 two", "0 ", "5 three"]


@pytest.mark.config("max_packet_size 100000000")
def test_a_message_may_be_larger_than_a_link_keeps_by_itself(server, tmp_path):
    (tmp_path / "large").write_bytes(bytes(70 << 20))
    done = tool("pub", server, "-t", "a", "-f", tmp_path / "large", "-q", 1)
    assert (done.returncode, done.stderr) == (0, "")


def test_each_topic_has_a_line_of_the_screen(server):
    for topic in "a", "b":
        publish(server, topic, "-m", "1", "-r", "-q", "1")
    with Running("sub", server, "-t", "a", "-t", "b", "-w", "-v", "-C", "4") as sub:
        shown = [sub.line(), sub.line()]
        for topic in "a", "b":
            publish(server, topic, "-m", "2", "-q", "1")
            shown.append(sub.line())
        assert sub.wait()[0] == 0
    assert shown == ["\x1b[2J\x1b[1;1H\x1b[Ka 1", "\x1b[2;1H\x1b[Kb 1",
                     "\x1b[1;1H\x1b[Ka 2", "\x1b[2;1H\x1b[Kb 2"]


def test_messages_are_counted_each_second(server):
    publish(server, "a", "-m", "1", "-r")
    with Running("sub", server, "-t", "a", "--message-rate") as sub:
        while (line := sub.line()) == "0 messages/s":
            pass
        assert line == "1 messages/s"
        assert sub.stop()[0] == 0


def test_the_time_of_an_answer_is_told(server):
    done = tool("rr", server, "-t", "a", "-e", "a", "-m", "x", "--latency")
    assert re.fullmatch(r"x\nLatency: [\d.]+(ms|µs|ns)?\n", done.stdout)


def test_a_share_of_the_messages_is_shown(server):
    with Running("sub", server, "-t", "a", "--random-filter", "20", "-C", "500", "-d") as sub:
        while not sub.line().startswith("Subscribed"):
            pass
        done = tool("pub", server, "-t", "a", "-m", "x", "--repeat", "500", "-q", "1")
        assert done.returncode == 0
        status, out, _ = sub.wait()
        assert status == 0
        assert 40 <= out.splitlines().count("x") <= 160


def test_options_of_a_file(server, tmp_path):
    publish(server, "a", "-m", "x", "-r")
    (tmp_path / "options").write_text("# mine\n-t a\n-C 1\n-F %t is %p\n")
    assert tool("sub", server, "-o", tmp_path / "options").stdout == "a is x\n"
    (tmp_path / "mosquitto_sub").write_text("-t a\n-v\n")
    assert tool("sub", server, "-C", "1", XDG_CONFIG_HOME=str(tmp_path)).stdout == "a x\n"


@pytest.mark.parametrize("options, status, told", [
    (["-t", "a", "--cert", "c", "--key", "k", "--keyform", "engine"], 1, "needs --tls-engine"),
    (["-t", "a", "-o", "/nonexistent"], 1, "cannot be read"),
])
def test_what_is_not_done_is_refused(server, options, status, told):
    done = tool("sub", server, *options)
    assert done.returncode == status
    assert told in done.stderr


def test_a_topic_alias_above_the_servers_is_named(server):
    done = tool("pub", server, "-V", 5, "-t", "a", "-m", "x", "-D", "publish", "topic-alias", 50)
    assert done.returncode == 1
    assert "the topic alias is above the broker's maximum" in done.stderr


def redirected(redirection, *words):
    """A command with one of its files as the shell makes it; status and complaint."""
    line = 'exec "$0" "$@" ' + redirection
    done = subprocess.run(["sh", "-c", line, PROGRAM, *words], stdin=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, text=True, timeout=PATIENCE_S, check=False,
                          env=environment())
    return done.returncode, done.stderr


@pytest.mark.parametrize("words", [["sub", "-t", "a", "-C", "1"], ["sub", "-t", "a"],
                                   ["rr", "-t", "b", "-e", "a", "-m", "x"]])
def test_a_full_disk_is_told(server, words):
    publish(server, "a", "-m", "x", "-r")
    assert redirected(">/dev/full", *words, *server.tool_options) == (
        1, "Error: standard output cannot be written.\n")


def full_disk():
    return os.open("/dev/full", os.O_WRONLY)


def pipe_without_reader():
    reader, writer = os.pipe()
    os.close(reader)
    return writer


@pytest.mark.parametrize("qos", [1, 2])
@pytest.mark.parametrize("words, output", [
    (["sub"], full_disk), (["sub"], pipe_without_reader), (["record", "-"], full_disk),
    (["record", "/dev/full"], full_disk)])
def test_what_cannot_be_written_stays_with_the_server(server, words, output, qos):
    session = ["-t", "a", "-i", "a", "-c", "-q", str(qos), *server.tool_options]
    assert tool("sub", server, *session, "-E").returncode == 0
    for payload in "first", "second":
        assert tool("pub", server, "-t", "a", "-m", payload, "-q", qos).returncode == 0
    stdout = output()
    subprocess.run([PROGRAM, *words, *session], stdout=stdout, stderr=subprocess.DEVNULL,
                   timeout=PATIENCE_S, check=False, env=environment())
    os.close(stdout)
    assert tool("sub", server, *session, "-C", "2").stdout == "first\nsecond\n"


@pytest.mark.parametrize("words", [["pub", "-t", "a", "-l"], ["shell"]])
def test_a_closed_input_is_an_empty_one(server, words):
    assert redirected("<&-", *words, *server.tool_options) == (0, "")


def read_all(leader):
    """What was written to a terminal that nobody holds open any more."""
    text = b""
    while True:
        try:
            text += os.read(leader, 10000)
        except OSError:  # EIO: so Linux tells the end
            os.close(leader)
            return text


@pytest.mark.parametrize("more, shown", [({}, b"\x1b[36ma\x1b[0m x\r\n"),
                                         ({"NO_COLOR": "1"}, b"a x\r\n")])
def test_a_terminal_gets_colours(server, more, shown):
    publish(server, "a", "-m", "x", "-r")
    leader, follower = pty.openpty()
    with subprocess.Popen([PROGRAM, "sub", *server.tool_options, "-t", "a", "-v", "-C", "1"],
                          stdout=follower, env=environment(**more)) as sub:
        assert sub.wait(PATIENCE_S) == 0
    os.close(follower)
    assert read_all(leader) == shown


def test_a_terminal_shows_how_far_publishing_is(server):
    leader, follower = pty.openpty()
    with subprocess.Popen([PROGRAM, "pub", *server.tool_options, "-t", "a", "-m", "x", "--repeat",
                           "7"], stderr=follower, env=environment()) as pub:
        assert pub.wait(PATIENCE_S) == 0
    os.close(follower)
    assert re.search(rb"\r\[#{40}\] 7 of 7, \d+/s", read_all(leader))


# The shell ---------------------------------------------------------------------------------------


def test_commands_of_an_input_run_one_after_the_other(server):
    done = tool("shell", server, stdin="sub a/#\nqos 1\npub a/b hello there\nretain a/c x\n\n"
                                       "# a comment\nbogus\npub\nunsub a/#\npub a/b alone\n"
                                       "topics")
    assert done.stdout.splitlines() == [
        "a/b hello there", "a/c x", "bogus: no such command; help lists them",
        "pub TOPIC [PAYLOAD]: send a message", "a/b", "a/c"]
    assert (done.returncode, done.stderr) == (0, "")


def test_messages_of_qos_0_are_there_before_the_input_ends():
    """The server echoes what is published as late as it may: before it answers what comes next."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(PATIENCE_S)
        with subprocess.Popen([PROGRAM, "shell", "-V", "mqttv311", "-p",
                               str(listener.getsockname()[1])], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, text=True, env=environment()) as shell:
            shell.stdin.write("sub a\npub a first\npub a last\nquit\nbogus\n")
            shell.stdin.close()
            served = listener.accept()[0]
            with served, served.makefile("rb") as stream:
                said = b""
                while (request := take_packet(stream))[0] != 0xe0:
                    if request[0] == 0x30:
                        said += octets("30 08 0001 'a' 'again'")
                    else:
                        kind, id_ = request[0] & 0xf0, request[2:4]
                        served.sendall({0x10: lambda: octets("20 02 00 00"),
                                        0x80: lambda: b"\x90\3" + id_ + b"\0",
                                        0xa0: lambda: said + b"\xb0\2" + id_}[kind]())
            assert shell.stdout.read() == "a again\n" * 2
            assert shell.wait(PATIENCE_S) == 0


@pytest.mark.parametrize("words, told", [
    (["shell"], ["Error: lost the connection to", "It is connected again."]),
    (["record", "-", "-t", "a", "-C", "1"], ["Error: lost the connection to"])])
def test_a_connection_that_is_lost_is_told(words, told):
    """The first one is closed with the first answer, the second one with what ends the command."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(PATIENCE_S)
        with subprocess.Popen([PROGRAM, *words, "-V", "mqttv311", "-p",
                               str(listener.getsockname()[1])], stdin=subprocess.PIPE,
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                              env=environment()) as command:
            for is_last in [False, True]:
                served = listener.accept()[0]
                with served, served.makefile("rb") as stream:
                    take_packet(stream)
                    served.sendall(octets("20 02 00 00"))
                    if not is_last:
                        continue
                    command.stdin.write("quit\n")
                    command.stdin.close()
                    served.sendall(octets("30 04 0001 'a' 'x'"))
                    while (request := take_packet(stream))[0] != 0xe0:
                        if request[0] == 0xa2:
                            served.sendall(b"\xb0\2" + request[2:4])
            lines = command.stderr.read().splitlines()
            assert [line[:len(wanted)] for line, wanted in zip(lines, told)] == told
            assert command.wait(PATIENCE_S) == 0


def take_packet(stream):
    """A packet whose size is one byte."""
    head = stream.read(2)
    return head + stream.read(head[1])


def await_text(leader, text):
    """Reads what is shown until the text is."""
    shown = b""
    while text not in shown:
        assert select.select([leader], [], [], PATIENCE_S)[0], shown
        shown += os.read(leader, 10000)


def test_a_terminal_edits_and_completes(server, tmp_path):
    leader, follower = pty.openpty()
    with subprocess.Popen([PROGRAM, "shell", *server.tool_options], stdin=follower,
                          stdout=follower, stderr=follower, start_new_session=True,
                          env=environment(HOME=str(tmp_path), TERM="xterm", NO_COLOR="1")) as shell:
        os.close(follower)
        await_text(leader, b"nightjar> ")
        for typed, shown in [(b"su\t", b"b "), (b"a/#\r", b"nightjar> "),
                             (b"pub a/longtopic hey\r", b"\x1b[Ka/longtopic hey"),
                             (b"q\t", b"qos  quit"), (b"\x15pub a/l\t", b"ongtopic "),
                             (b"two\r", b"\x1b[Ka/longtopic two"),
                             (b"\x1b[A\r", b"\x1b[Ka/longtopic two")]:
            os.write(leader, typed)
            await_text(leader, shown)
        publish(server, "a/news", "-m", "from others")
        await_text(leader, b"a/news from others")
        os.write(leader, b"\x04")
        assert shell.wait(PATIENCE_S) == 0
    os.close(leader)
    assert "a/longtopic" in (tmp_path / ".nightjar_history").read_text()


# Recording ---------------------------------------------------------------------------------------


def test_what_is_recorded_is_played_back(server, subscribed, tmp_path):
    """Topics, payloads, QoS, retain flags and properties are the same, and so is the time."""
    file = tmp_path / "recording"
    watcher = subscribed("-V", "5", "-q", "2", "--retain-as-published", "-t", "r/+", "-F",
                         "%t %q %r %x %P %p")
    publish(server, "r/first", "-m", "first", "-r", "-q", "1")
    with Running("record", server, file, "-t", "r/#", "-C", "4") as record:
        until(lambda: file.exists() and "first" in file.read_text(), "the retained message")
        # Each is heard before the next one is said, and the last before the pause: those who say
        # them are several, and are owed no order.
        shown = [watcher.line()]
        publish(server, "r/a", "-m", "one", "-q", "2")
        until(lambda: "r/a" in file.read_text(), "the first message")
        shown.append(watcher.line())
        publish(server, "r/b", "-n", "-q", "1", "-D", "publish", "user-property", "k", "v")
        until(lambda: "r/b" in file.read_text(), "the second message")
        shown.append(watcher.line())
        elapse(0.3)
        publish(server, "r/c", "-s", "-r", stdin="\x01")
        status, _, complaint = record.wait()
    assert (status, complaint) == (0, "4 messages recorded\n")
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert lines[0] == {"nightjar-recording": 1}
    assert [line["topic"] for line in lines[1:]] == ["r/first", "r/a", "r/b", "r/c"]

    begun = time.monotonic()
    done = tool("replay", server, file, "--speed", "2")
    assert lasted(begun, 0.15)
    assert (done.returncode, done.stderr) == (0, "4 messages sent, 0 refused\n")
    shown += [watcher.line() for _ in range(5)]
    assert shown[:4] == shown[4:]
    assert shown[1:3] == ["r/a 2 0 6f6e65  one", "r/b 1 0  k:v "]


def test_a_file_that_is_no_recording_is_not_played(server, tmp_path):
    file = tmp_path / "file"
    file.write_text("hello\n")
    done = tool("replay", server, file)
    assert done.returncode == 1
    assert f"{file}:1: this is no recording" in done.stderr
    file.write_text('{"nightjar-recording":1}\n{"s":0,"topic":"a","qos":0,"payload":""}\nx\n')
    done = tool("replay", server, file)
    assert done.returncode == 1
    assert f"{file}:3: this line is no message" in done.stderr
    assert "1 messages sent" in done.stderr


# Completion --------------------------------------------------------------------------------------


def completion(shell):
    return subprocess.run([PROGRAM, "completion", shell], check=True, text=True,
                          capture_output=True, timeout=PATIENCE_S).stdout


def in_shell(shell, script):
    """Each shell has a home of its own, where it may leave what it likes."""
    with tempfile.TemporaryDirectory() as home, tempfile.TemporaryDirectory() as here:
        (Path(here) / "file").touch()
        (Path(here) / "folder").mkdir()
        done = subprocess.run([shell, "-c", script], text=True, capture_output=True, check=False,
                              cwd=here, timeout=PATIENCE_S,
                              env=environment(HOME=home, XDG_CONFIG_HOME=home))
    assert done.stderr == ""
    return done.stdout.splitlines()


@pytest.mark.parametrize("command", ["bench", "check", "decode", "pub", "record", "replay", "rr",
                                     "shell", "sub"])
def test_every_command_has_the_same_words_for_a_version(command):
    for version in "31", "311", "5", "mqttv31", "mqttv311", "mqttv5":
        done = subprocess.run([PROGRAM, command, "-V", version, "--help"], text=True,
                              capture_output=True, timeout=PATIENCE_S)
        assert done.returncode == 0, done.stderr
        assert "31|311|5" in done.stdout
    page = (REPOSITORY / "docs" / "man" / f"nightjar-{command}.1").read_text()
    assert re.search(r"^\.It Fl V .* 31 ?\| ?311 ?\| ?5$", page, re.M)


@pytest.mark.parametrize("words, offered", [
    ("nightjar re", ["record", "replay"]), ("nightjar sh", ["shell"]),
    ("nightjar pub --re", ["--repeat", "--repeat-delay", "--retain"]),
    ("mosquitto_sub --retained", ["--retained-only"]),
    ("nightjar decode --p", ["--pcap", "--port"]),
    ("nightjar import --t", ["--to"]),
    # Values, by what the option takes.
    ("nightjar sub -q ''", ["0", "1", "2"]), ("mosquitto_pub --qos ''", ["0", "1", "2"]),
    ("nightjar pub --will-qos 1", ["1"]), ("nightjar rr -V 3", ["31", "311"]),
    ("mosquitto_sub --protocol-version ''", ["31", "311", "5"]),
    ("nightjar sub --retain-handling ''", ["always", "never", "new"]),
    ("nightjar sub --tls-version tlsv1.2", ["tlsv1.2"]),
    ("nightjar pub -D p", ["publish"]), ("nightjar decode --from ''", ["client", "server"]),
    ("nightjar check -V 3", ["31", "311"]), ("nightjar bench --version ''", ["31", "311", "5"]),
    ("nightjar completion ''", ["bash", "fish", "zsh"]),
    ("nightjar ctl sub", ["subscriptions"]),
    # Nobody knows a name, a topic or a text but the user.
    ("nightjar pub -i ''", []), ("mosquitto_sub -t f", []), ("nightjar pub -m f", []),
    # Files, and folders alone.
    ("nightjar pub --cafile ''", ["file", "folder"]), ("nightjar pub --cert fi", ["file"]),
    ("mosquitto_pub -f fi", ["file"]), ("nightjar sub --capath f", ["folder"]),
    ("nightjar decode -r fi", ["file"]), ("nightjar ctl diff fi", ["file"]),
    ("nightjar import --to f", ["folder"]), ("nightjar import fi", ["file"]),
    ("nightjar passwd fi", ["file"]), ("nightjar record fi", ["file"]),
])
def test_shells_complete_commands_options_and_values(words, offered):
    *before, last = words.replace("''", "").split(" ")
    bash = in_shell("bash", f"""{completion("bash")}
        COMP_WORDS=({words}); COMP_CWORD={len(before)}; _nightjar
        printf '%s\\n' "${{COMPREPLY[@]}}" """)
    assert sorted(line for line in bash if line) == offered
    zsh = in_shell("zsh", f"""
        _describe() {{
            local -a fit=(${{(M)${{(P)2}}:#${{PREFIX}}*}}); print -l -- $fit; (($#fit))
        }}
        _files() {{ local kind=$1; print -l -- ${{PREFIX}}*(N${{kind:+/}}) }}
        _nightjar() {{ {completion("zsh")}
        }}
        service={before[0]}; words=({words}); CURRENT={len(before) + 1}; PREFIX={last}
        _nightjar""")
    assert sorted(line.split(":")[0] for line in zsh if line) == offered
    fish = in_shell("fish", f"""{completion("fish")}
        complete -C '{words.replace("''", "")}' | string split -f 1 \\t""")
    assert sorted(word.rstrip("/") for word in fish) == offered


def test_zsh_takes_the_script_by_source_too():
    """Above, it is the body of a function, as a file of fpath is."""
    told = in_shell("zsh", f"""autoload -Uz compinit; compinit -u -d $HOME/dump
        {completion("zsh")}
        print -l $_comps[nightjar] $_comps[mosquitto_sub]""")
    assert told == ["_nightjar", "_nightjar"]
