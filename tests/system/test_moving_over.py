# SPDX-License-Identifier: Apache-2.0
"""What Debian's package of Mosquitto has in /etc/mosquitto, under ours and under its own server.

The files are as they came, but for paths and ports, which are rewritten as for tests/configs.
"""

import signal
from pathlib import Path

import pytest

from access import SERVERS
from comparison import Runner
from configurations import Configuration
from doors import Doors
from probe import Client, connect, topic_of
from waiting import until
from wire import V311

pytestmark = pytest.mark.ours_only("it starts both servers itself")

PACKAGE = Path("/etc/mosquitto")
EXAMPLES = ("pwfile.example", "aclfile.example")
LOG = "var/log/mosquitto/mosquitto.log"

# What the owner has put into conf.d, beside the package's own examples.
PIECE = """\
listener 1883
allow_anonymous true
password_file /etc/mosquitto/pwfile.example
acl_file /etc/mosquitto/aclfile.example
"""


@pytest.fixture(scope="module")
def runner(tmp_path_factory):
    return Runner(tmp_path_factory.mktemp("moving"))


@pytest.fixture
def packaged(runner):
    """A function that gives a server with the package's configuration, which is to be started."""
    servers = []

    def server(kind, name, pieces=()):
        configuration = as_packaged(name)
        configuration.included = list(pieces)
        servers.append(runner.server(configuration, kind))
        return servers[-1]

    yield server
    for each in servers:
        each.kill()


def as_packaged(name):
    configuration = Configuration(PACKAGE / "mosquitto.conf")
    configuration.name = name
    return configuration


def test_the_package_is_answered_for_as_before(runner):
    different, theirs = runner.compared(as_packaged("as-it-came"))
    assert theirs[0, "anonymous by version 4"] == "0x00"
    # docs/decisions/0039 and 0001
    assert {question.question for question in different} == {
        "CONNACK Maximum Packet Size", "copies by three subscriptions"}


@pytest.mark.parametrize("kind", SERVERS)
def test_the_package_logs_where_it_did_and_lets_the_log_be_rotated(packaged, kind):
    server = packaged(kind, "log")
    log = server.directory / LOG
    server.start()
    until(lambda: log.exists() and log.read_text(), "the first line of the log")
    log.rename(log.with_suffix(".1"))
    server.signal(signal.SIGHUP)  # as logrotate does
    until(log.exists, "the new file of the log")
    server.stop()
    assert log.read_text()


def test_what_is_kept_lies_where_the_package_says(packaged):
    server = packaged("nightjar", "persistence").start()
    log = server.directory / LOG
    data = server.directory / "var/lib/mosquitto"
    until(lambda: f"store.opened directory={data}" in log.read_text(), "the store")
    assert (data / "log-0000000000000001").exists()
    server.stop()


@pytest.mark.sanitizer
@pytest.mark.parametrize("kind", SERVERS)
def test_the_examples_of_passwords_and_rules_are_read(runner, packaged, tmp_path, kind):
    (tmp_path / "own.conf").write_text(PIECE)
    server = packaged(kind, "examples", [tmp_path / "own.conf"])
    for name in EXAMPLES:  # in the place of those made for the test
        (server.directory / "etc/mosquitto" / name).write_bytes((PACKAGE / name).read_bytes())
    server.start()
    doors, listener = Doors(runner.authority), server.listeners[0]
    with doors.open(listener) as wire:
        nobody = Client(wire, V311, connect(V311, "n"))
        _, came = nobody.subscribe("$SYS/broker/version", 0)
        assert came + nobody.messages()
        nobody.subscribe("foo/bar", 0)
        nobody.publish("foo/bar")
        assert not nobody.messages()
    with doors.open(listener) as wire:
        assert Client(wire, V311, connect(V311, "r", "roger", "not his")).code == "0x05"
    with doors.open(listener) as wire:
        roger = Client(wire, V311, connect(V311, "r", "roger", "password"))
        roger.subscribe("foo/#", 0)
        for topic in "foo/bar", "foo/other":
            roger.publish(topic)
        assert [topic_of(message) for message in roger.messages()] == ["foo/bar"]
    server.stop()
