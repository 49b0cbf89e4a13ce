# SPDX-License-Identifier: Apache-2.0
"""What is there again when the server was killed, and what the server does about its disk."""

import contextlib
import itertools
import json
import os
import re
import select
import signal
import subprocess
from pathlib import Path

import pytest

from paho_client import V311, V5, Client
from server import LOCATION, PROGRAM, Server, common_config, free_port
from waiting import PATIENCE_S, elapse, until
from wire import V5 as WIRE_V5
from wire import DISCONNECT, Wire, packet, publish, subscribe

pytestmark = pytest.mark.ours_only("Mosquitto keeps nothing at a crash")

FRAME = b"NjFr"
BLOCK = 4096
ARCHIVE_RESERVE = 4 << 20
NO_ROOM, FAILED = 0x97, 0x83


def killed(server, threads=None):
    """Kills the server and starts it again, maybe with another number of threads."""
    server.kill()
    if threads:
        lines = server.config_file.read_text().split("\n")
        lines = [line for line in lines if not line.startswith("threads ")]
        server.config_file.write_text("\n".join([*lines, f"threads {threads}", ""]))
    return server.start()


def data_of(server):
    return server.directory / "data"


def lasting(server, client_id, version=V5, **options):
    """A client whose session outlives its connection."""
    if version == V5:
        options.setdefault("SessionExpiryInterval", 1000)
    return Client(server, client_id, version, clean=False, **options)


def refused(config, tmp_path, status=1):
    """Starts a server that must not start; returns what it said."""
    file = tmp_path / "refused.conf"
    file.write_text(f"{common_config('')}{config}\n")
    done = subprocess.run([PROGRAM, "-c", file], text=True, capture_output=True,
                          timeout=PATIENCE_S, check=False)
    assert done.returncode == status, done.stderr
    return done.stderr


# After kill -9 ------------------------------------------------------------------------------------


@pytest.mark.sanitizer
@pytest.mark.parametrize("version", [V311, V5])
@pytest.mark.parametrize("before, after", [(1, 4), (3, 1)])
def test_a_session_is_as_it_was(start_server, version, before, after):
    server = start_server(f"threads {before}")
    names = [f"s{number}" for number in range(8)]
    for name in names:
        with lasting(server, name, version) as client:
            client.subscribe(f"{name}/#", 2)
    with Client(server, "publisher", version) as publisher:
        publisher.publish("kept/light", "on", 1, True)
        publisher.publish("kept/gone", "x", 1, True)
        publisher.publish("kept/gone", "", 1, True)
        for name in names:
            for number in range(20):
                publisher.send(f"{name}/{number % 3}", str(number), 1 + number % 2)
            publisher.publish(f"{name}/last", "20", 2)
        server = killed(server, after)
    for name in names:
        with lasting(server, name, version) as client:
            assert client.session_present
            client.take(21)
            for qos in 1, 2:  # Paho gives one of QoS 2 when its PUBREL has come
                numbers = [int(each.payload) for each in client.messages if each.qos == qos]
                assert numbers == [*range(qos - 1, 20, 2), *([20] if qos == 2 else [])]
            client.subscribe(f"{name}/#", 2)  # what it has acknowledged is on disk with that
    with Client(server, "new", version) as client:
        client.subscribe("kept/#", 1)
        assert client.payloads_until_now() == ["on"]
    server = killed(server, before)
    with lasting(server, names[0], version) as client, Client(server, "p", version) as publisher:
        publisher.publish(f"{names[0]}/x", "subscribed", 1)
        assert client.payloads_until_now() == ["subscribed"]


@pytest.mark.sanitizer
def test_a_clean_stop_keeps_the_same(start_server):
    server = start_server()
    with lasting(server, "s") as client:
        client.subscribe("t", 1)
    with Client(server, "p") as publisher:
        publisher.publish("t", "x", 1)
    server.stop()
    assert "store.closed directory=" in server.log()
    server.start()
    with lasting(server, "s") as client:
        assert client.session_present
        assert client.take(1)[0].payload == b"x"


def test_a_message_received_at_qos_2_is_passed_on_once(start_server):
    server = start_server()
    with lasting(server, "s") as client:
        client.subscribe("t", 2)
    with Wire(server).connected(3 + 1, "p", clean=False) as wire:
        wire.send(publish(4, "t", b"once", 2, packet_id=7))
        wire.expect("50 02 00 07")
    killed(server)
    with Wire(server).connected(4, "p", clean=False) as wire:
        wire.send(packet(0x3C, "00 01 't' 00 07 'once'"))
        wire.expect("50 02 00 07")
        wire.send("62 02 00 07")
        wire.expect("70 02 00 07")
    killed(server)
    with Wire(server).connected(4, "p", clean=False) as wire:
        wire.send(publish(4, "t", b"again", 2, packet_id=7))  # the id was given back
        wire.expect("50 02 00 07")
    with lasting(server, "s") as client:
        assert client.payloads_until_now() == ["once", "again"]


def test_a_message_sent_at_qos_2_keeps_its_packet_id(start_server):
    server = start_server()
    wire = Wire(server).connected(4, "s", clean=False)
    wire.send(subscribe(4, ["t"], 2))
    wire.expect_packet(0x90)
    with Client(server, "p") as publisher:
        publisher.publish("t", "x", 2)
    body = wire.expect_packet(0x34)
    packet_id = body[3:5]
    killed(server)
    wire = Wire(server).connected(4, "s", clean=False)
    assert wire.expect_packet(0x3C) == body  # with DUP
    wire.send(packet(0x50, packet_id))
    assert wire.expect_packet(0x62) == packet_id
    killed(server)
    wire = Wire(server).connected(4, "s", clean=False)
    assert wire.expect_packet(0x62) == packet_id  # and not the message again
    wire.send(packet(0x70, packet_id))
    wire.send("c0 00")
    wire.expect("d0 00")
    wire.close()


def test_a_message_not_acknowledged_comes_again(start_server):
    server = start_server()
    wire = Wire(server).connected(4, "s", clean=False)
    wire.send(subscribe(4, ["t"], 1))
    wire.expect_packet(0x90)
    with Client(server, "p") as publisher:
        publisher.publish("t", "x", 1)
    body = wire.expect_packet(0x32)
    killed(server)
    wire = Wire(server).connected(4, "s", clean=False)
    first, again = wire.receive()
    assert first & 0xF7 == 0x32 and again == body
    wire.close()


@pytest.mark.sanitizer
@pytest.mark.parametrize("restarts", [False, True])
def test_a_long_queue_comes_from_the_disk_whole_and_in_order(start_server, restarts):
    """More than is read from the disk at a time, most of it not payload."""
    server = start_server()
    with lasting(server, "s") as client:
        client.subscribe("t", 1)
    with Client(server, "p") as publisher:
        for number in range(99):
            publisher.send("t", str(number), 1, UserProperty=[("long", "x" * 60_000)])
        publisher.publish("t", "99", 1)
    if restarts:
        killed(server)
    with lasting(server, "s") as client:
        client.take(100)
        assert client.payloads() == [str(number) for number in range(100)]
        assert client.messages[50].properties.UserProperty == [("long", "x" * 60_000)]


def test_what_a_shared_group_has_not_handed_out_is_still_there(start_server):
    server = start_server("threads 2")
    for name in "a", "b":
        with lasting(server, name) as client:
            client.subscribe("$share/g/t", 1)
    with Client(server, "p") as publisher:
        for number in range(30):
            publisher.publish("t", str(number), 1)
    killed(server, 3)
    with lasting(server, "a") as client:
        assert client.session_present
        client.take(30)
        assert sorted(map(int, client.payloads())) == list(range(30))


# Time goes on while it is down --------------------------------------------------------------------


def test_what_expires_while_the_server_is_down_is_gone(start_server):
    server = start_server()
    with lasting(server, "short", SessionExpiryInterval=1) as client:
        client.subscribe("t", 1)
    with lasting(server, "long") as client:
        client.subscribe("t", 1)
    with Client(server, "p") as publisher:
        publisher.publish("t", "short", 1, MessageExpiryInterval=1)
        publisher.publish("t", "long", 1)
        publisher.publish("kept", "short", 1, True, MessageExpiryInterval=1)
    server.kill()
    elapse(1.1)
    server.start()
    assert not lasting(server, "short").session_present
    with lasting(server, "long") as client:
        client.subscribe("kept", 1)
        assert client.payloads_until_now() == ["long"]


def test_a_will_whose_delay_has_passed_is_published_at_the_start(start_server):
    server = start_server()
    with lasting(server, "watch") as client:
        client.subscribe("will", 1)
    will = ("will", "gone", 1, False, {"WillDelayInterval": 1})
    dying = lasting(server, "dying", will=will)
    dying.drop()
    server.kill()
    elapse(1.1)
    server.start()
    with lasting(server, "watch") as client:
        until(lambda: client.messages, "the will")
        assert client.payloads() == ["gone"]


def test_a_client_that_comes_back_in_time_has_no_will_published(start_server):
    server = start_server()
    with lasting(server, "watch") as client:
        client.subscribe("will", 1)
    will = ("will", "gone", 1, False, {"WillDelayInterval": 100})
    dying = lasting(server, "dying", will=will)
    killed(server)
    dying.expect_end()
    with lasting(server, "dying") as back:
        assert back.session_present
    with lasting(server, "watch") as client:
        assert client.payloads_until_now() == []


# How it is set ------------------------------------------------------------------------------------


def test_without_persistence_nothing_is_written(start_server):
    server = start_server("persistence false")
    with lasting(server, "s") as client:
        client.subscribe("t", 1)
    with Client(server, "p") as publisher:
        publisher.publish("t", "x", 1, True)
    assert "store.none" in server.log()
    killed(server)
    with lasting(server, "s") as client:
        assert not client.session_present
        client.subscribe("t", 1)
        assert client.payloads_until_now() == []
    assert not data_of(server).exists()
    assert {path.name for path in server.directory.iterdir()} == {"server.conf", "server.log"}


@pytest.mark.parametrize("durability", ["always", "interval 20", "none"])
def test_each_durability_keeps_what_it_promises(start_server, durability):
    """A killed process alone loses nothing that the system has been given."""
    server = start_server(f"durability {durability}")
    server.await_log(f'store.opened .*durability="?{durability}"?')
    with lasting(server, "s") as client:
        client.subscribe("t", 1)
    with Client(server, "p") as publisher, lasting(server, "s") as client:
        publisher.publish("t", "x", 1)
        client.take(1)
    server.stop()
    server.start()
    with lasting(server, "s") as client:
        assert client.session_present


def test_without_a_word_about_it_the_start_says_where_it_is_kept(start_server):
    server = start_server()
    server.await_log(rf"store.opened directory={data_of(server)} .*persistence is not set")
    other = start_server("persistence true")
    other.await_log(rf"store.opened directory={data_of(other)} ")
    assert "persistence is not set" not in other.log()
    assert data_of(server).stat().st_mode & 0o777 == 0o700


def test_a_reload_does_not_move_it(start_server):
    server = start_server()
    server.config_file.write_text(server.config_file.read_text() + "durability none\n")
    server.signal(signal.SIGHUP)
    server.await_log("durability stays group; restart the server to make it none")


# What keeps it from starting ----------------------------------------------------------------------


def test_a_second_server_is_refused_the_directory(start_server, tmp_path):
    server = start_server()
    port = free_port()
    said = refused(f"listener {port} 127.0.0.1\npersistence_location {data_of(server)}", tmp_path)
    assert f"store.refused directory={data_of(server)}" in said
    assert "another server has this directory" in said
    assert f"persistence_location {data_of(server)}-{port}" in said


def test_a_directory_that_cannot_be_used_stops_the_start(tmp_path):
    listener = f"listener {free_port()} 127.0.0.1\n"
    said = refused(f"{listener}persistence_location {tmp_path}/a/b", tmp_path)
    assert f"directory={tmp_path}/a/b" in said and "make it" in said
    (tmp_path / "file").write_text("")
    said = refused(f"{listener}persistence_location {tmp_path}/file", tmp_path)
    assert 'problem="Not a directory"' in said


@pytest.mark.skipif(os.geteuid() != 0, reason="root can start it as another user")
def test_a_directory_of_another_user_stops_the_start(open_folder):
    theirs = open_folder / "theirs"
    theirs.mkdir(mode=0o755)
    said = refused(f"listener {free_port()} 127.0.0.1\nuser nobody\n"
                   f"persistence_location {theirs}", open_folder, status=1)
    assert "has no right to write there" in said
    assert not any(theirs.iterdir())


@pytest.mark.skipif(os.geteuid() != 0, reason="root can start it as another user")
def test_a_directory_that_is_made_belongs_to_the_user(open_folder):
    port = free_port()
    server = Server(open_folder, port, f"listener {port} 127.0.0.1\nallow_anonymous true\n"
                    "user nobody\ncontrol_socket none\n").start()
    try:
        server.await_log("server.running")
        assert data_of(server).owner() == "nobody"
        server.stop()
    finally:
        server.kill()


def frames(file):
    """Where the frames of a segment begin."""
    data = file.read_bytes()
    return [at for at in range(0, len(data), BLOCK) if data[at:at + 4] == FRAME]


def change_byte(file, at):
    with open(file, "r+b") as opened:
        opened.seek(at)
        byte = opened.read(1)[0]
        opened.seek(at)
        opened.write(bytes([byte ^ 0xFF]))


def written(start_server):
    """A server that was killed, and the file of its log with some frames."""
    server = start_server()
    with lasting(server, "s") as client:
        client.subscribe("t", 1)
    with Client(server, "p") as publisher:
        for number in range(5):
            publisher.publish("t", f"message {number}", 1)
    server.kill()
    file, = data_of(server).glob("log-*")
    return server, file, frames(file)


def test_a_log_that_is_broken_in_the_middle_stops_the_start(start_server):
    server, file, places = written(start_server)
    change_byte(file, places[1] + 44)
    before = file.read_bytes()
    done = subprocess.run(server.arguments, env=server.environment, text=True, capture_output=True,
                          timeout=PATIENCE_S, check=False)
    assert done.returncode == 1
    told = re.search(r"store\.refused .*", done.stderr)[0]
    assert f"file={file.name} offset={places[1]} " in told and "ctl store check" in told
    assert file.read_bytes() == before


def test_a_last_write_that_was_not_finished_is_cut_off_and_told(start_server):
    server, file, places = written(start_server)
    change_byte(file, places[-1] + 44)
    server.start()
    server.await_log(rf"store\.cut .*file={file.name} offset={places[-1]} bytes=\d+")
    with lasting(server, "s") as client:
        assert client.session_present


# A data directory without a server ----------------------------------------------------------------


def store(*words, status=0):
    """Runs `nightjar ctl store`; returns what it printed."""
    done = subprocess.run([PROGRAM, "ctl", "store", *map(str, words)], text=True,
                          capture_output=True, timeout=PATIENCE_S, check=False)
    assert done.returncode == status, (done.stdout, done.stderr)
    return done.stdout


def objects(*words, status=0):
    return [json.loads(line) for line in store(*words, "--json", status=status).splitlines()]


def contents(folder):
    """The bytes of each file, but for LMDB's table of readers."""
    return {file.name: file.read_bytes() for file in folder.iterdir()
            if not file.name.endswith("-lock")}


def test_a_stopped_servers_data_can_be_looked_at(start_server):
    server = start_server()
    with lasting(server, "s") as client:
        client.subscribe("home/+", 1)
    with Client(server, "p") as publisher:
        publisher.publish("home/light", "on", 1, True)
    data = data_of(server)
    assert "a server uses it" in store("check", data)
    server.kill()
    assert "all is well" in store("check", data)
    before = contents(data)
    told = objects("dump", data)
    by_kind = {row["kind"]: row for row in told}
    queue = by_kind["session"]["queue"]
    assert by_kind["session"]["client"] == "s"
    assert by_kind["subscription"]["filter"] == "home/+"
    assert by_kind["subscription"]["queue"] == queue
    assert by_kind["retained"]["topic"] == "home/light"
    assert by_kind["message"]["queues"] == [queue] and by_kind["message"]["payload_bytes"] == 2
    assert 'subscription queue=' in store("dump", data)
    assert contents(data) == before
    server.start()
    server.stop()
    archived, = [row for row in objects("dump", data) if row["kind"] == "message"]
    assert archived["queue"] == queue and archived["topic"] == "home/light"


def test_what_is_left_of_broken_data_can_be_salvaged(start_server, tmp_path):
    server, file, places = written(start_server)
    inside = file.read_bytes().index(b"message 2")
    change_byte(file, inside)
    data = data_of(server)
    frame = max(place for place in places if place < inside)
    assert f'file="{file.name}" offset={frame}' in store("check", data, status=1)
    rescued = tmp_path / "rescued"
    assert "persistence_location" in store("salvage", data, rescued)
    assert "not empty" in subprocess.run(
        [PROGRAM, "ctl", "store", "salvage", data, rescued], text=True, capture_output=True,
        check=False).stderr
    assert objects("check", rescued)[-1]["losses"] == 0
    server.environment[LOCATION] = str(rescued)
    server.start()
    with lasting(server, "s") as client:
        assert client.session_present
        received = client.payloads_until_now()
        assert received == [f"message {number}" for number in (0, 1, 3, 4)]


def test_a_place_without_a_store_is_said_to_be_one(tmp_path):
    for words in ["check", tmp_path], ["dump", tmp_path / "none"], ["salvage", tmp_path,
                                                                   tmp_path / "new"]:
        store(*words, status=1)
    for words in ["mend", tmp_path], ["salvage", tmp_path], ["check"]:
        store(*words, status=2)


# A full disk --------------------------------------------------------------------------------------


class SmallDisk:
    """A file system of some megabytes, which only the servers see that are started on it."""

    def __init__(self, server, size):
        self.place = server.directory / "data"
        self.place.mkdir()
        script = f"mount -t tmpfs -o size={size} none {self.place} && echo there && exec cat"
        self.holder = subprocess.Popen(["unshare", "-m", "sh", "-c", script],
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self.holder.stdout.readline() == b"there\n"
        self.root = Path(f"/proc/{self.holder.pid}/root{self.place}")
        server.arguments = ["nsenter", "-m", "-t", str(self.holder.pid), *server.arguments]

    def fill(self):
        with open(self.root / "filler", "ab", buffering=0) as filler:
            for size in 1 << 16, 1 << 12:
                try:
                    while True:
                        filler.write(bytes(size))
                except OSError:
                    pass

    def has_reserves(self):
        """Whether the server has the room that the log keeps, and what the archive does: it makes
        the files, and then gets the room for them."""
        log = self.root / "free-0000000000000000"
        return (log.exists() and log.stat().st_size > 0
                and any(archive.stat().st_blocks * 512 >= ARCHIVE_RESERVE
                        for archive in self.root.glob("archive.*")))

    def make_room(self):
        (self.root / "filler").unlink()

    def close(self):
        self.holder.stdin.close()
        self.holder.stdout.close()
        self.holder.wait(PATIENCE_S)


@contextlib.contextmanager
def on_disk(tmp_path, size):
    """A server on a disk of that size, not started yet."""
    port = free_port()
    server = Server(tmp_path, port, f"{common_config('')}listener {port} 127.0.0.1\n"
                    "allow_anonymous true\nmax_queued_messages 0\n")
    server.disk = SmallDisk(server, size)
    try:
        yield server
        if server.is_alive():
            server.stop()
    finally:
        server.kill()
        server.disk.close()


@pytest.fixture
def on_small_disk(tmp_path):
    with on_disk(tmp_path, "80m") as server:
        yield server.start()


@pytest.mark.skipif(os.geteuid() != 0, reason="root can mount a small file system")
def test_a_disk_without_room_for_the_first_segment_stops_the_start(tmp_path):
    with on_disk(tmp_path, "8m") as server:
        done = subprocess.run(server.arguments, env=server.environment, text=True,
                              capture_output=True, timeout=PATIENCE_S, check=False)
        assert done.returncode == 1
        assert re.search(rf"store\.refused directory={server.disk.place} .*make room", done.stderr)


def large(number):
    return publish(WIRE_V5, "t", b"%d " % number + bytes(60_000), 1, packet_id=1)


def code_of_publish(wire, number):
    """Publishes at QoS 1; the reason code of the answer."""
    wire.send(large(number))
    return code_of(wire.expect_packet(0x40))


def code_of(body):
    return body[2] if len(body) > 2 else 0


def code_until_full(server, wire, number):
    """The same, or None for what the log had when it got full: that waits for room. What is refused
    from then on is refused at once, and so before a ping is answered."""
    wire.send(large(number))
    until(lambda: select.select([wire.socket], [], [], 0)[0] or "store.full" in server.log(),
          "an answer, or the disk to be full")
    wire.send("c0 00")
    first, body = wire.receive()
    if first == 0xD0:
        return None
    wire.expect_packet(0xD0)
    return code_of(body)


@pytest.mark.skipif(os.geteuid() != 0, reason="root can mount a small file system")
def test_a_full_disk_stops_acknowledgements_and_nothing_else(on_small_disk):
    server = on_small_disk
    with lasting(server, "s") as client:
        client.subscribe("t", 1)
    server.disk.fill()
    accepted = 0
    with Wire(server).connected(WIRE_V5, "p") as wire, Client(server, "bystander") as bystander:
        bystander.subscribe("free", 0)
        for number in range(2000):
            code = code_until_full(server, wire, number)
            if code in (None, NO_ROOM):
                break
            assert code in (0, 0x10)
            accepted += 1
        server.await_log(rf"store\.full directory={server.disk.place} .*make room")
        with Client(server, "late") as late:
            assert late.code == 0
            late.publish("free", "x")
            bystander.take(1)
            if code is None:
                assert code_of_new_publish(server) == NO_ROOM
        server.disk.make_room()
        server.await_log("store.recovered")
        if code is None:
            wire.expect_packet(0x40)
            accepted += 1
        until(lambda: code_of_publish(wire, accepted) in (0, 0x10), "each thread to know")
    with lasting(server, "s") as client:
        until(lambda: len(client.messages) > accepted, "what was acknowledged")
        numbers = [int(message.payload.split()[0]) for message in client.messages]
        assert numbers == list(range(accepted + 1))


def publish_until_full(server, first=0):
    """Publishes until there is no room; the number after the last message that was acknowledged."""
    with Wire(server).connected(WIRE_V5, "p") as wire:
        for number in range(first, first + 5000):
            code = code_of_publish(wire, number)
            if code == NO_ROOM:
                server.await_log(r"store\.full .*reserve=in_use")
                return number
            assert code in (0, 0x10)
    raise AssertionError("the disk does not become full")


def numbers_of(client):
    return [int(message.payload.split()[0]) for message in client.messages]


def code_of_retained(server):
    with Wire(server).connected(WIRE_V5, "keeper") as wire:
        wire.send(packet(0x33, "00 04 'kept' 00 01 00 'x'"))
        return [*wire.expect_packet(0x40), 0][2]


def refused_while_scarce(server):
    """What would take room is refused, once each thread knows, and what else there is goes on."""
    until(lambda: code_of_retained(server) == NO_ROOM, "its refusal")
    with Client(server, "bystander") as bystander:
        bystander.subscribe("free", 1)
        bystander.publish("free", "x", 1)
        bystander.take(1)
    names = itertools.count()
    until(lambda: lasting(server, f"new {next(names)}").code == 0x88, "the refusal of a session")


@pytest.mark.skipif(os.geteuid() != 0, reason="root can mount a small file system")
@pytest.mark.parametrize("killed_when_full", [False, True])
def test_who_takes_his_messages_from_a_full_disk_makes_room(on_small_disk, killed_when_full):
    server = on_small_disk
    with lasting(server, "s") as client:
        client.subscribe("t", 1)
    until(server.disk.has_reserves, "the reserves")
    server.disk.fill()
    count = publish_until_full(server)
    refused_while_scarce(server)
    if killed_when_full:
        server.disk.fill()
        killed(server)
        until(lambda: "reserve=in_use" in server.log().rpartition("store.opened")[2], "it to tell")
        refused_while_scarce(server)
    with lasting(server, "s") as client:
        assert client.session_present
        client.subscribe("t", 1)  # as most clients do each time
        until(lambda: len(client.messages) >= count, "what was acknowledged")
        assert numbers_of(client) == list(range(count))
        server.await_log("store.recovered")
        until(lambda: code_of_new_publish(server) in (0, 0x10), "each thread to know")
        client.take(count + 1)
    assert (server.disk.root / "filler").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="root can mount a small file system")
def test_a_disk_full_of_messages_is_emptied_and_filled_again(tmp_path):
    """Most of them are in the archive, whose file stays as large as it was."""
    with on_disk(tmp_path, "150m") as server:
        server.start()
        with lasting(server, "s") as client:
            client.subscribe("t", 1)
        first = publish_until_full(server)
        killed(server)
        with lasting(server, "s") as client:
            until(lambda: len(client.messages) >= first, "what was acknowledged")
            assert numbers_of(client) == list(range(first))
            server.await_log("store.recovered")
        second = first

        def fills_again():
            nonlocal second
            second = publish_until_full(server, second)
            return second - first > first // 2

        until(fills_again, "room for as much again")
        killed(server)
        with lasting(server, "s") as client:
            until(lambda: len(client.messages) >= second - first, "what was acknowledged")
            assert numbers_of(client) == list(range(first, second))
            until(lambda: code_of_retained(server) != NO_ROOM, "room again")


def test_a_disk_that_fails_ends_acknowledgements_until_the_next_start(start_server):
    """A limit of the files' size is a failure that the server has no name for."""
    server = start_server("max_queued_messages 0\nlog_type none\nlog_type error")
    with lasting(server, "s") as client:
        client.subscribe("t", 1)
    subprocess.run(["prlimit", f"--pid={server.pid}", "--fsize=1048576"], check=True)
    accepted = 0
    with Wire(server).connected(WIRE_V5, "p") as wire, Client(server, "bystander") as bystander:
        while wire.send(large(accepted)) or (answer := wire.receive())[0] == 0x40:
            accepted += 1
        assert answer[0] == DISCONNECT and answer[1][0] == FAILED
        server.await_log(rf"store\.failed directory={data_of(server)} problem=.File too large")
        assert code_of_new_publish(server) == FAILED
        bystander.subscribe("free", 0)
        bystander.publish("free", "x")
        bystander.take(1)
    assert 0 < accepted < 100
    killed(server)
    with lasting(server, "s") as client:
        until(lambda: len(client.messages) >= accepted, "what was acknowledged")
        numbers = [int(message.payload.split()[0]) for message in client.messages]
        assert numbers[:accepted] == list(range(accepted)) and len(numbers) <= accepted + 1


def code_of_new_publish(server):
    with Wire(server).connected(WIRE_V5, "other") as wire:
        return code_of_publish(wire, 0)
