# SPDX-License-Identifier: Apache-2.0
"""`nightjar check` against a running server, and against Debian's Mosquitto to check the cases."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from mosquitto import publish, retained, run
from server import (IS_NIGHTJAR, PROGRAM, REPOSITORY, Server, common_config, free_port,
                    is_listening)
from waiting import PATIENCE_S, until

NIGHTJAR = PROGRAM if IS_NIGHTJAR else Path(
    os.environ.get("NIGHTJAR_BUILD", REPOSITORY / "build")).absolute() / "nightjar"
MOSQUITTO = Path("/usr/sbin/mosquitto")
STATEMENTS_MIN = 450  # of three versions; 509 with what needs a login, WebSocket and the like
LIMIT_S = 500
PATIENCE_MS = 30000  # a disk that others use may take seconds for what is to be safe on it
SHORT_PATIENCE_MS = 6000  # where many an answer never comes

# What cannot be shown at a server with its default settings, each with a word of the reason.
LAWFUL_SKIPS = ("binds a server", "needs a")

# Where Mosquitto 2.0.11 does not do what a statement says; docs/conformance-mosquitto.md tells.
MOSQUITTO_PAGE = REPOSITORY / "docs" / "conformance-mosquitto.md"


def check(port, *options):
    """The command's exit code and its JSON."""
    done = subprocess.run(
        [NIGHTJAR, "check", f"127.0.0.1:{port}", "--json", "--limit", str(LIMIT_S), *options],
        capture_output=True, text=True, timeout=LIMIT_S + 60, check=False)
    assert done.returncode in (0, 1), done.stderr
    return done.returncode, json.loads(done.stdout)


def of(report, result):
    return [row for row in report["statements"] if row["result"] == result]


def describe(rows):
    return "\n".join(f"{row.get('id', row['case'])}: {row['expected']}\n{row['transcript']}"
                     for row in rows)


def identity(row):
    return f"{row['version']} {row.get('id', row['case'])}"


@pytest.fixture
def mosquitto(tmp_path):
    """Starts Debian's Mosquitto with these lines of configuration, and ends it."""
    servers = []

    def start(config):
        port = free_port()
        server = Server(tmp_path, port, f"user root\nlistener {port} 127.0.0.1\n{config}\n")
        server.arguments[0] = str(MOSQUITTO)
        servers.append(server)
        return server.start()

    yield start
    for server in servers:
        server.kill()


@pytest.mark.sanitizer
@pytest.mark.ours_only("Mosquitto's faults are listed for a test of their own")
@pytest.mark.config("threads 4\nsys_interval 1\nconnect_timeout 5")
def test_our_server_passes(server):
    code, report = check(server.port, "--connect-timeout", "5", "--alone", "--timeout",
                         str(PATIENCE_MS))
    failed = of(report, "FAIL")
    assert not failed, describe(failed)
    assert code == 0
    assert report["passed"] >= STATEMENTS_MIN
    for row in of(report, "SKIP"):
        assert row["why"].startswith(LAWFUL_SKIPS), row


@pytest.mark.ours_only("$SYS counts of Mosquitto come late")
@pytest.mark.config("threads 4\nsys_interval 1")
def test_nothing_is_left_behind(server):
    publish(server, "ours", "-r", "-q", "1", "-m", "stays")
    run("sub", server, "-c", "-i", "ours", "-q", "1", "-t", "ours", "-E")
    absent = "$SYS/broker/clients/disconnected"
    until(lambda: retained(server, absent) == ["1"], "our own session is counted")
    check(server.port, "--timeout", str(PATIENCE_MS))
    assert retained(server, "#") == ["stays"]
    assert server.log().count("client.connected") > STATEMENTS_MIN
    until(lambda: retained(server, absent) == ["1"], "no session but ours is left")


@pytest.mark.ours_only("how a server is set up differs")
def test_one_statement_is_chosen(server):
    code, report = check(server.port, "--only", "MQTT5-3.12.4-1", "--timeout", str(PATIENCE_MS))
    assert code == 0
    assert [identity(row) for row in report["statements"]] == ["5.0 MQTT5-3.12.4-1"]
    assert (report["passed"], report["failed"], report["skipped"]) == (1, 0, 0)


@pytest.mark.parametrize("arguments, code, message", [
    (["127.0.0.1", "--only", "nosuch"], 2, "no such statement"),
    (["127.0.0.1", "--version", "6"], 2, "3.1, 3.1.1 and 5"),
    (["127.0.0.1:0"], 2, "HOST:PORT"),
    (["127.0.0.1:-18446744073709549733"], 2, "HOST:PORT"),
    (["127.0.0.1", "other"], 2, "one server is enough"),
    ([], 2, "name the server"),
    (["nosuch.invalid"], 3, "no such host"),
])
def test_wrong_options_are_told(arguments, code, message):
    done = subprocess.run([NIGHTJAR, "check", *arguments], capture_output=True, text=True,
                          timeout=PATIENCE_S, check=False)
    assert done.returncode == code
    assert message in done.stderr


@pytest.mark.parametrize("place", ["127.0.0.1:{}", "localhost:{}", "[::1]:{}"])
def test_a_server_that_is_not_there_is_told(place):
    done = subprocess.run([NIGHTJAR, "check", place.format(free_port())], capture_output=True,
                          text=True, timeout=PATIENCE_S, check=False)
    assert done.returncode == 3
    assert "Connection refused" in done.stderr


def test_passwords_and_rights_are_checked_where_the_server_has_them(mosquitto, tmp_path):
    passwords = tmp_path / "passwords"
    rights = tmp_path / "rights"
    passwords.write_text("")
    subprocess.run(["mosquitto_passwd", "-b", passwords, "someone", "right"], check=True)
    rights.write_text("user someone\ntopic readwrite #\ntopic deny denied/#\n")
    server = mosquitto(f"password_file {passwords}\nacl_file {rights}")
    login = ["--user", "someone", "--password", "right", "--denied-topic", "denied/a"]
    for statement in "MQTT5-3.1.4-2", "MQTT311-3.2.2-4", "MQTT311-3.3.5-2":
        code, report = check(server.port, "--only", statement, "--timeout", str(PATIENCE_MS),
                             *login)
        assert code == 0, describe(of(report, "FAIL"))
        assert report["passed"] == 1, report
        assert check(server.port, "--only", statement, *login[:4])[1]["failed"] == 0
    done = subprocess.run([NIGHTJAR, "check", f"127.0.0.1:{server.port}"], capture_output=True,
                          text=True, timeout=PATIENCE_S, check=False)
    assert done.returncode == 3
    assert "no version of MQTT works" in done.stderr


def test_mosquitto_fails_where_it_is_known_to(mosquitto):
    websocket = free_port()
    server = mosquitto(f"listener {websocket} 127.0.0.1\nprotocol websockets\n"
                       "allow_anonymous true")
    until(lambda: is_listening(websocket), "Mosquitto's WebSocket listener")
    code, report = check(server.port, "--websocket", f"127.0.0.1:{websocket}/mqtt", "--timeout",
                         str(SHORT_PATIENCE_MS))
    known = {line.split("|")[1].strip() for line in MOSQUITTO_PAGE.read_text().splitlines()
             if line.startswith("| 5.0 ") or line.startswith("| 3.1")}
    failed = {identity(row): row for row in of(report, "FAIL")}
    unknown = [failed[name] for name in failed.keys() - known]
    assert not unknown, describe(unknown)
    assert code == 1
    passing = known - failed.keys()
    assert not passing, f"the page lists what does not fail: {passing}"
    assert report["passed"] >= STATEMENTS_MIN / 2
