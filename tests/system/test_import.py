# SPDX-License-Identifier: Apache-2.0
"""nightjar import: what Mosquitto has kept, in the hands of our server.

A Mosquitto of Debian's writes the file, with clients that come, leave, and stop in the middle of an
exchange of packets. Then the same clients come back, once to Mosquitto and once to our server with
what was imported, and must be told the same.
"""

import shutil
import sqlite3
import subprocess

import pytest

from mosquitto import Subscriber, publish, run
from paho_client import V311, V5, Client
from server import PROGRAM, Server, common_config, free_port
from waiting import until
from wire import Wire

pytestmark = pytest.mark.ours_only("it starts both servers itself")

MOSQUITTO = "/usr/sbin/mosquitto"


def import_file(file, *options):
    return subprocess.run([PROGRAM, "import", file, *options], text=True, capture_output=True)


class Kept(Server):
    """A server of either kind that keeps its data in the folder `data` of its directory."""

    def __init__(self, directory, program, data="data"):
        port = free_port()
        lines = [line for line in common_config().splitlines()
                 if not line.startswith("persistence") and
                 (program == PROGRAM or line.split()[0] in ("log_dest", "log_type", "user"))]
        (directory / data).mkdir(exist_ok=True)
        super().__init__(directory, port, "\n".join([
            *lines, f"listener {port} 127.0.0.1", "allow_anonymous true", "max_queued_messages 0",
            "persistence true", f"persistence_location {directory}/{data}/", ""]))
        self.arguments[0] = str(program)


@pytest.fixture
def kept(tmp_path):
    """A function that starts a server of either kind, which is ended with the test."""
    servers = []

    def start(program, name):
        directory = tmp_path / name
        directory.mkdir(exist_ok=True)
        servers.append(Kept(directory, program))
        return servers[-1].start()

    yield start
    for server in servers:
        server.kill()
        server.expect_no_report()


def wire(server, name, version=4):
    """A connection of bytes to a session that outlives it, and whether there was one."""
    connection = Wire(server)
    connection.send(f"10 {12 + len(name):02x} 00 04 'MQTT' {version:02x} 00 00 00",
                    f"00 {len(name):02x} '{name}'")
    first, body = connection.receive()
    assert first == 0x20 and body[1] == 0
    return connection, body[0] == 1


def leave_much_behind(server):
    """Clients of all kinds, who have gone in the middle of what they did."""
    with Client(server, "late", V5, clean=False, SessionExpiryInterval=86400) as late:
        late.subscribe("greenhouse/#", 2, identifier=7)
        late.subscribe("alarm/+", 1, retain_as_published=True)
    with Client(server, "old", V311, clean=False) as old:
        old.subscribe("greenhouse/bed1", 1)
    for name, topic, qos in (("first", "flight/1", 1), ("second", "flight/2", 2),
                             ("third", "flight/3", 2)):
        connection, _ = wire(server, name)
        connection.send(f"82 0d 00 01 00 08 '{topic}' {qos:02x}")
        connection.expect(f"90 03 00 01 {qos:02x}")
        publish(server, topic, "-m", f"to {name}", "-q", "2")
        first, body = connection.receive()
        assert first == 0x30 | qos << 1
        if name == "third":
            identifier = body[10:12]
            connection.send(b"\x50\x02" + identifier)
            connection.expect(b"\x62\x02" + identifier)
        connection.close()
    publish(server, "greenhouse/bed1", "-m", "one", "-q", "1", "-D", "publish", "content-type", "t",
            "-D", "publish", "user-property", "k", "v", "-r")
    publish(server, "greenhouse/bed1", "-m", "two", "-q", "2", "-D", "publish",
            "message-expiry-interval", "1000")
    publish(server, "alarm/fire", "-m", "three", "-q", "2", "-r")
    publish(server, "greenhouse/bed2", "-m", "zero", "-q", "0")
    sender, _ = wire(server, "sender")
    sender.send("34 14 00 0f 'greenhouse/bed9' 00 09 'x'")
    sender.expect("50 02 00 09")
    sender.close()


def told(client, count):
    """What a client is told of its messages, but for what depends on the second.

    Those of each QoS are in order; where they stand among the others goes by how soon a PUBREL
    comes, with which Paho gives those of QoS 2."""
    client.take(count)
    return [(message.topic, message.payload, message.qos, message.retain,
             getattr(message.properties, "ContentType", None) if client.version == V5 else None,
             getattr(message.properties, "UserProperty", None) if client.version == V5 else None,
             getattr(message.properties, "SubscriptionIdentifier", None)
             if client.version == V5 else None,
             hasattr(message.properties, "MessageExpiryInterval") if client.version == V5 else None)
            for message in sorted(client.messages, key=lambda message: message.qos)]


def come_back(server):
    """The same clients, who go on where they were: all that they are told."""
    seen = {}
    sender, seen["sender"] = wire(server, "sender")
    sender.send("62 02 00 09")
    sender.expect("70 02 00 09")
    sender.close()
    for name in ("first", "second", "third"):
        connection, present = wire(server, name)
        seen[name] = (present, *connection.receive())
        connection.close()
    with Client(server, "late", V5, clean=False, SessionExpiryInterval=86400) as late:
        seen["late"] = (late.session_present, told(late, 4))
        late.publish("greenhouse/bed1", "new", 1)
        until(lambda: len(late.messages) == 5, "what is published now")
    with Client(server, "old", V311, clean=False) as old:
        seen["old"] = (old.session_present, told(old, 3))
    with Client(server, "new", V311) as new:
        new.subscribe("#", 2)
        seen["retained"] = sorted(told(new, 2))
    return seen


def test_clients_find_what_mosquitto_would_have_given_them(kept, tmp_path):
    server = kept(MOSQUITTO, "mosquitto")
    leave_much_behind(server)
    server.stop()
    file = tmp_path / "mosquitto.db"
    shutil.copy(tmp_path / "mosquitto/data/mosquitto.db", file)
    theirs = come_back(kept(MOSQUITTO, "mosquitto"))

    (tmp_path / "nightjar").mkdir()
    done = import_file(file, "--to", tmp_path / "nightjar/data")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(
        "taken: 6 sessions, 6 subscriptions, 2 retained messages, 6 messages that wait, "
        "2 messages under way to clients, 1 of QoS 2 that clients have and have not confirmed")
    ours = come_back(kept(PROGRAM, "nightjar"))
    assert ours == theirs


def test_a_large_file_is_whole(kept, tmp_path):
    """More than the log's window, in the order of sending."""
    count = 20000
    server = kept(MOSQUITTO, "mosquitto")
    assert run("sub", server, "-i", "late", "-c", "-q", "1", "-t", "many", "-E",
               version="mqttv311").returncode == 0
    lines = "".join(f"{number} {'x' * 1000}\n" for number in range(count))
    publish(server, "many", "-l", "-q", "1", stdin=lines)
    server.stop()
    (tmp_path / "nightjar").mkdir()
    done = import_file(tmp_path / "mosquitto/data/mosquitto.db", "--to", tmp_path / "nightjar/data")
    assert done.returncode == 0, done.stderr
    ours = kept(PROGRAM, "nightjar")
    done = run("sub", ours, "-i", "late", "-c", "-q", "1", "-t", "many", "-C", str(count),
               version="mqttv311")
    assert done.stdout == lines


# The tables of Mosquitto 2.1's plugin persist-sqlite, schema 1.1.
SCHEMA = """
CREATE TABLE base_msgs (store_id INT64 PRIMARY KEY, expiry_time INT64, topic STRING NOT NULL,
 payload BLOB, source_id STRING, source_username STRING, payloadlen INTEGER, source_mid INTEGER,
 source_port INTEGER, qos INTEGER, retain INTEGER, properties STRING);
CREATE TABLE retains (topic STRING PRIMARY KEY, store_id INT64);
CREATE TABLE clients (client_id TEXT PRIMARY KEY, username TEXT, connection_time INT64,
 will_delay_time INT64, session_expiry_time INT64, listener_port INT, max_packet_size INT,
 max_qos INT, retain_available INT, session_expiry_interval INT, will_delay_interval INT);
CREATE TABLE subscriptions (client_id TEXT NOT NULL, topic TEXT NOT NULL,
 subscription_options INTEGER, subscription_identifier INTEGER, PRIMARY KEY (client_id, topic));
CREATE TABLE client_msgs (client_id TEXT NOT NULL, cmsg_id INT64, store_id INT64, dup INTEGER,
 direction INTEGER, mid INTEGER, qos INTEGER, retain INTEGER, state INTEGER,
 subscription_identifier INTEGER);
CREATE TABLE wills (client_id TEXT PRIMARY KEY, payload BLOB, topic STRING NOT NULL,
 payloadlen INTEGER, qos INTEGER, retain INTEGER, properties STRING);
CREATE TABLE version_info (component TEXT NOT NULL, major INTEGER NOT NULL,
 minor INTEGER NOT NULL, patch INTEGER NOT NULL);
INSERT INTO version_info VALUES ('database_schema', 1, 1, 0);
INSERT INTO base_msgs VALUES (1, 0, 'a/b', 'one', 'cam', NULL, 3, 1, 1883, 1, 1,
 '[{"identifier":"content-type","value":"t"}]');
INSERT INTO base_msgs VALUES (2, 0, 'a/c', 'two', 'cam', NULL, 3, 2, 1883, 2, 0, NULL);
INSERT INTO retains VALUES ('a/b', 1);
INSERT INTO clients VALUES ('late', NULL, 1, 0, 0, 1883, 0, 2, 1, 4294967295, 0);
INSERT INTO subscriptions VALUES ('late', '$share/g/a/#', 2, 9);
INSERT INTO client_msgs VALUES ('late', 1, 1, 0, 1, 0, 1, 0, 11, 9);
INSERT INTO client_msgs VALUES ('late', 2, 2, 0, 1, 0, 2, 0, 11, 9);
INSERT INTO wills VALUES ('late', 'bye', 'w', 3, 0, 0, NULL);
"""


def test_the_database_of_the_plugin_is_taken(kept, tmp_path):
    file = tmp_path / "mosquitto.sqlite3"
    database = sqlite3.connect(file)
    database.executescript(SCHEMA)
    database.close()
    (tmp_path / "nightjar").mkdir()
    done = import_file(file, "--to", tmp_path / "nightjar/data")
    assert done.returncode == 0, done.stderr
    assert "1 sessions, 1 subscriptions, 1 shared groups, " in done.stdout
    assert "not taken: 1 wills" in done.stdout
    server = kept(PROGRAM, "nightjar")
    with Client(server, "late", V5, clean=False, SessionExpiryInterval=100) as late:
        assert late.session_present
        assert [(topic, payload, qos, kind, identifiers)
                for topic, payload, qos, _, kind, _, identifiers, _ in told(late, 2)] == [
            ("a/b", b"one", 1, "t", [9]), ("a/c", b"two", 2, None, [9])]
        late.publish("a/d", "three", 1)
        until(lambda: len(late.messages) == 3, "what the group gets now")
    with Subscriber(server, "-t", "a/#", "--retained-only") as new:
        assert new.lines(1) == ["one"]


def test_nothing_is_half_done(tmp_path):
    file = tmp_path / "mosquitto.db"
    head = b"\x00\xb5\x00mosquitto db" + bytes(4) + (6).to_bytes(4, "big")
    file.write_bytes(head + bytes.fromhex("00000004 00000008 0000"))
    done = import_file(file, "--to", tmp_path / "data")
    assert done.returncode == 1
    assert done.stderr == (f"nightjar import: {file}: a chunk that goes on behind the end of the "
                           "file, at byte 23; nothing was imported\n")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mosquitto.db"]

    file.write_bytes(head)
    (tmp_path / "data").mkdir()
    (tmp_path / "data/something").touch()
    done = import_file(file, "--to", tmp_path / "data")
    assert done.returncode == 1
    assert "something is there already" in done.stderr
    (tmp_path / "data/something").unlink()
    (tmp_path / "data").chmod(0o750)
    assert import_file(file, "--to", f"{tmp_path}/data/").returncode == 0
    assert (tmp_path / "data").stat().st_mode & 0o777 == 0o750
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "mosquitto.db"]
    assert import_file(file, "--to", tmp_path / "no/where").returncode == 1
    assert import_file(tmp_path / "none", "--to", tmp_path / "new").returncode == 1
    assert import_file(tmp_path, "--to", tmp_path / "new").returncode == 1
    assert import_file("-").returncode == 1
    assert subprocess.run([PROGRAM, "import"], capture_output=True).returncode == 2
    assert subprocess.run([PROGRAM, "import", "--help"], capture_output=True).returncode == 0


def owners(directory):
    return {path.owner() for path in [directory, *directory.iterdir()]}


def test_what_is_made_belongs_to_the_servers_user(tmp_path):
    """Or to whom it is started by, where that is not root, who cannot give it away."""
    file = tmp_path / "mosquitto.db"
    file.write_bytes(b"\x00\xb5\x00mosquitto db" + bytes(4) + (6).to_bytes(4, "big"))
    config = tmp_path / "nightjar.conf"
    config.write_text(f"user daemon\npersistence_location {tmp_path}/named\n")
    me = tmp_path.owner()
    is_root = me == "root"

    done = import_file(file, "-c", config)
    assert done.returncode == 0, done.stderr
    assert owners(tmp_path / "named") == {"daemon" if is_root else me}
    assert ("it is given to the user daemon, as whom the server runs\n" in done.stdout) == is_root
    assert (tmp_path / "named").stat().st_mode & 0o777 == 0o700

    done = import_file(file, "-c", config)
    assert done.returncode == 1
    assert "something is there already; name a new directory with --to" in done.stderr

    done = import_file(file, "-c", config, "--to", tmp_path / "elsewhere")
    assert owners(tmp_path / "elsewhere") == {"daemon" if is_root else me}

    done = import_file(file, "--to", tmp_path / "usual")
    assert owners(tmp_path / "usual") == {"mosquitto" if is_root else me}
    assert ("the user mosquitto, as whom the server runs where its configuration names no other"
            in done.stdout) == is_root

    config.write_text("user root\n")
    done = import_file(file, "-c", config, "--to", tmp_path / "roots")
    assert owners(tmp_path / "roots") == {me}
    assert ("it is given to the user root, as whom the server runs\n" in done.stdout) == is_root
    assert ("it belongs to you, as whom the server has to be started" in done.stdout) != is_root

    (tmp_path / "made").mkdir()
    if is_root:
        shutil.chown(tmp_path / "made", "daemon", "daemon")
    assert import_file(file, "--to", tmp_path / "made").returncode == 0
    assert owners(tmp_path / "made") == {"daemon" if is_root else me}


def test_a_configuration_that_cannot_be_used_is_said_before_anything_is_made(tmp_path):
    file = tmp_path / "mosquitto.db"
    file.write_bytes(b"\x00\xb5\x00mosquitto db" + bytes(4) + (6).to_bytes(4, "big"))
    config = tmp_path / "nightjar.conf"
    config.write_text("no_such_key 1\n")
    done = import_file(file, "-c", config, "--to", tmp_path / "data")
    assert done.returncode == 1
    assert f"{config}:1: " in done.stderr
    if tmp_path.owner() == "root":
        config.write_text("user no-such-user\n")
        done = import_file(file, "-c", config, "--to", tmp_path / "data")
        assert done.returncode == 1
        assert "there is no user no-such-user" in done.stderr
    assert not (tmp_path / "data").exists()


def test_another_file_is_refused(tmp_path):
    """What is no file of Mosquitto's is called so, whatever it is."""
    for content in (b"", b"\x00", b"SQLite format 3\x00 and nothing", b"PK\x03\x04"):
        file = tmp_path / "file"
        file.write_bytes(content)
        done = import_file(file, "--to", tmp_path / "data")
        assert done.returncode == 1
        assert "nothing was imported" in done.stderr
        assert not (tmp_path / "data").exists()


def test_a_file_that_is_not_imported_is_told(kept, tmp_path):
    """Mosquitto's configuration names the directory that has it; once we have data, it is old."""
    (tmp_path / "moved" / "data").mkdir(parents=True)
    (tmp_path / "moved" / "data" / "mosquitto.db").write_bytes(b"anything")
    server = kept(PROGRAM, "moved")
    server.await_log(r" warn store\.unread .*mosquitto\.db.*nightjar import")
    publish(server, "greenhouse/bed1", "-m", "1", "-q", "1", "-r")
    server.stop()
    server.log_file.unlink()
    server.start()
    server.await_log("server.running")
    assert "store.unread" not in server.log()
