# SPDX-License-Identifier: Apache-2.0
"""Password and access rules change while messages flow: at once, and for nobody else."""

import threading

import pytest

from paho_client import Client
from access import reload, start, write_passwords
from waiting import until

pytestmark = pytest.mark.ours_only("Mosquitto 2.0.11 ends at a broken access file")

PAIRS = 4
PASSWORDS = {"load": "l", "alice": "a", "mallory": "m"}
RULES = "user load\ntopic load/#\nuser alice\ntopic read load/#\nuser mallory\ntopic read load/#\n"


class Load:
    """Publishers and subscribers at QoS 1, each message numbered; nothing may be missing."""

    def __init__(self, server):
        user = ("load", "l")
        self.subscribers = [Client(server, f"sub{i}", user=user) for i in range(PAIRS)]
        self.publishers = [Client(server, f"pub{i}", user=user) for i in range(PAIRS)]
        for i, subscriber in enumerate(self.subscribers):
            subscriber.subscribe(f"load/{i}", 1)
        self.sent = [0] * PAIRS
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._publish, args=(i,)) for i in range(PAIRS)]
        for thread in self._threads:
            thread.start()

    def _publish(self, i):
        while not self._over.is_set():
            self.publishers[i].publish(f"load/{i}", str(self.sent[i]), 1)
            self.sent[i] += 1

    def go_on(self, count=50):
        """Returns when every publisher has sent so many more."""
        wanted = [sent + count for sent in self.sent]
        until(lambda: all(map(int.__ge__, self.sent, wanted)), "the load to go on")

    def finish(self):
        """Everybody is still there, and everything has come, once and in order."""
        self._over.set()
        for thread in self._threads:
            thread.join()
        for sent, subscriber in zip(self.sent, self.subscribers):
            subscriber.take(sent)
            assert subscriber.payloads() == [str(i) for i in range(sent)]
        for client in self.subscribers + self.publishers:
            assert client.ended is None
            client.disconnect()


@pytest.fixture
def server(tmp_path):
    write_passwords(tmp_path / "passwords", PASSWORDS)
    (tmp_path / "rules").write_text(RULES)
    server = start(tmp_path, "nightjar", f"password_file {tmp_path}/passwords\n"
                                         f"acl_file {tmp_path}/rules\nlog_type all\n"
                                         "max_queued_messages 0")
    yield server
    server.stop()


@pytest.fixture
def load(server):
    load = Load(server)
    load.go_on()
    yield load
    load.finish()


def test_a_removed_user_is_ended_at_once(server, load, tmp_path):
    mallory = Client(server, "mallory", user=("mallory", "m"))
    alice = Client(server, "alice", user=("alice", "a"))
    assert mallory.subscribe("load/0", 0) == 0
    load.go_on()
    users = (tmp_path / "passwords").read_text().splitlines(keepends=True)
    (tmp_path / "passwords").write_text("".join(users[:2]))
    reload(server)
    mallory.expect_end(0x87)
    load.go_on()
    assert alice.ended is None
    alice.disconnect()
    assert Client(server, "mallory", user=("mallory", "m")).code == 0x87


def test_a_right_is_gone_at_once(server, load, tmp_path):
    alice = Client(server, "alice", user=("alice", "a"))
    mallory = Client(server, "mallory", user=("mallory", "m"))
    for client in alice, mallory:
        client.subscribe("load/0", 0)
    until(lambda: alice.messages and mallory.messages, "messages for both")
    (tmp_path / "rules").write_text(RULES.replace("user mallory\ntopic read load/#\n", ""))
    reload(server)
    # What was on its way when the rules changed has come when the answer to this has.
    mallory.unsubscribe("x")
    seen = len(mallory.messages), len(alice.messages)
    load.go_on()
    until(lambda: len(alice.messages) >= seen[1] + 50, "messages for who may still read")
    assert len(mallory.messages) == seen[0]
    for client in alice, mallory:
        assert client.ended is None
        client.disconnect()


@pytest.mark.parametrize("name, line, told", [
    ("rules", "topic red a", r"rules:7: "), ("passwords", "carol:secret", r"passwords:4: ")])
def test_a_broken_file_changes_nothing(server, load, tmp_path, name, line, told):
    alice = Client(server, "alice", user=("alice", "a"))
    alice.subscribe("load/0", 0)
    (tmp_path / "rules").write_text(RULES.replace("alice", "nobody"))
    (tmp_path / "passwords").write_text((tmp_path / "passwords").read_text())
    with open(tmp_path / name, "a") as file:
        file.write(line + "\n")
    reload(server, "kept")
    server.await_log(told)
    seen = len(alice.messages)
    load.go_on()
    until(lambda: len(alice.messages) > seen, "messages for who could read before")
    alice.disconnect()
