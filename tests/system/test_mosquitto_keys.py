# SPDX-License-Identifier: Apache-2.0
"""Keys of Mosquitto's that change what a client is called, and what its topics are."""

import signal
from types import SimpleNamespace

import pytest

import mosquitto
from server import IS_NIGHTJAR, free_port

MOUNTED = "mount points: Mosquitto 2.0.11 leaves them on what it delivers; 2.0.12 does not"


def listener(port):
    """The same server by another of its listeners, for Mosquitto's tools."""
    return SimpleNamespace(tool_options=["-h", "127.0.0.1", "-p", str(port)])


@pytest.fixture
def mounted(start_server):
    """A function that starts a server and gives its plain listener and one mounted at m/."""

    def start(config=""):
        port = free_port()
        server = start_server(f"{config}\nlistener {port} 127.0.0.1\nmount_point m/")
        return server, listener(port)

    return start


# ---- Mount points ----

@pytest.mark.sanitizer
def test_a_mount_point_is_before_what_is_published(mounted):
    outside, inside = mounted()
    with mosquitto.Subscriber(outside, "-t", "m/#", show="%t %p") as subscriber:
        mosquitto.publish(inside, "a/b", "-m", "1", "-q", "1")
        mosquitto.publish(inside, "m/b", "-m", "2", "-q", "2", version="mqttv311")
        assert sorted(subscriber.lines(2)) == ["m/a/b 1", "m/m/b 2"]


@pytest.mark.ours_only(MOUNTED)
@pytest.mark.parametrize("version", ["mqttv31", "mqttv311", "mqttv5"])
def test_a_mount_point_is_taken_off_what_is_delivered(mounted, version):
    outside, inside = mounted()
    with mosquitto.Subscriber(inside, "-t", "#", "-q", "2", show="%t %p",
                              version=version) as subscriber:
        for qos in 0, 1, 2:
            mosquitto.publish(outside, "m/a/b", "-m", str(qos), "-q", str(qos))
        # Three publishers: no order is promised among them.
        assert sorted(subscriber.lines(3)) == ["a/b 0", "a/b 1", "a/b 2"]
        mosquitto.publish(outside, "a/b", "-m", "outside")
        assert len(subscriber.lines_until_now()) == 3


@pytest.mark.ours_only(MOUNTED)
def test_retained_messages_wills_and_groups_are_mounted(mounted):
    outside, inside = mounted()
    mosquitto.publish(outside, "m/kept", "-m", "1", "-r", "-q", "1")
    mosquitto.publish(outside, "kept", "-m", "2", "-r", "-q", "1")
    with mosquitto.Subscriber(inside, "-t", "kept", show="%t %p %r") as subscriber:
        assert subscriber.lines_until_now() == ["kept 1 1"]
    with (mosquitto.Subscriber(inside, "-t", "$share/g/#", show="%t %p") as subscriber,
          mosquitto.Subscriber(inside, "-t", "x", "--will-topic", "last", "--will-payload",
                               "bye") as dying):
        dying.kill()
        assert subscriber.lines(1) == ["last bye"]
    assert mosquitto.retained(outside, "m/#", show="%t %p") == ["m/kept 1"]


def test_access_rules_are_about_full_names(mounted, tmp_path):
    (tmp_path / "rules").write_text("topic readwrite m/open\ntopic readwrite plain\n"
                                    "topic readwrite end/#\ntopic readwrite m/end/#\n")
    outside, inside = mounted(f"acl_file {tmp_path}/rules")
    with mosquitto.Subscriber(outside, "-t", "#", show="%t %p") as subscriber:
        mosquitto.publish(inside, "open", "-m", "1", "-q", "1")
        mosquitto.run("pub", inside, "-t", "plain", "-m", "2", "-q", "1")
        mosquitto.publish(outside, "plain", "-m", "3", "-q", "1")
        subscriber.lines(2)
        assert sorted(subscriber.lines_until_now()) == ["m/open 1", "plain 3"]


# ---- Client ids ----

def test_client_ids_may_have_to_start_with_one_prefix(start_server):
    server = start_server("clientid_prefixes ab cd")
    for version in "mqttv311", "mqttv5":
        assert mosquitto.run("pub", server, "-t", "t", "-n", "-i", "ab cd1",
                             version=version).returncode == 0
        for name in "ab", "cd", "xab cd":
            refused = mosquitto.run("pub", server, "-t", "t", "-n", "-i", name, version=version)
            assert refused.returncode == (5 if version == "mqttv311" else 0x87)


def test_the_user_name_may_be_the_client_id(start_server, tmp_path):
    (tmp_path / "rules").write_text("user admin\ntopic #\npattern read own/%c\n")
    server = start_server(f"use_username_as_clientid true\nacl_file {tmp_path}/rules")
    assert mosquitto.run("pub", server, "-t", "t", "-n", "-i", "x").returncode == 0x87
    assert mosquitto.run("pub", server, "-t", "t", "-n", "-i", "x",
                         version="mqttv311").returncode == 5
    # The access rules know the client by its user name, too.
    with mosquitto.Subscriber(server, "-t", "own/#", "-i", "x", "-u", "bob",
                              show="%t") as subscriber:
        for name in "x", "bob":
            mosquitto.publish(server, f"own/{name}", "-u", "admin", "-m", "1", "-q", "1")
        assert subscriber.lines(1) == ["own/bob"]


def test_each_listener_gives_ids_in_its_manner(start_server):
    port = free_port()
    server = start_server(
        f"allow_anonymous true\nallow_zero_length_clientid false\nlistener {port} 127.0.0.1\n"
        "allow_anonymous true\nauto_id_prefix side-\nlog_type all",
        listener="per_listener_settings true\nlistener {port} 127.0.0.1")
    assert mosquitto.run("pub", server, "-t", "t", "-n").returncode == (
        0x85 if IS_NIGHTJAR else 0x80)
    mosquitto.publish(listener(port), "t", "-n")
    server.await_log("side-[0-9A-Z]+")


# ---- Whose retained messages ----

@pytest.mark.parametrize("check", ["true", "false"])
def test_a_retained_message_goes_with_its_publishers_right(start_server, tmp_path, check):
    rules = tmp_path / "rules"
    reading = "topic readwrite end/#\ntopic read kept/#\nuser alice\n"
    rules.write_text(f"{reading}topic write kept/#\n")
    server = start_server(f"acl_file {rules}\ncheck_retain_source {check}")
    mosquitto.publish(server, "kept/1", "-u", "alice", "-P", "x", "-m", "1", "-r", "-q", "1")
    assert mosquitto.retained(server, "kept/#") == ["1"]
    rules.write_text(f"{reading}topic write other/#\n")
    server.signal(signal.SIGHUP)
    server.await_log("config.reloaded|Reloading config.")
    with mosquitto.Subscriber(server, "-t", "kept/#") as subscriber:
        assert subscriber.lines_until_now() == ([] if check == "true" else ["1"])


@pytest.mark.ours_only("Mosquitto 2.0.11 forgets the default that its manual tells")
def test_a_retained_message_goes_with_its_publishers_right_by_default(start_server, tmp_path):
    rules = tmp_path / "rules"
    rules.write_text("topic readwrite end/#\ntopic readwrite kept/#\n")
    server = start_server(f"acl_file {rules}")
    mosquitto.publish(server, "kept/1", "-m", "1", "-r", "-q", "1")
    rules.write_text("topic readwrite end/#\ntopic read kept/#\n")
    server.signal(signal.SIGHUP)
    server.await_log("config.reloaded")
    assert mosquitto.retained(server, "kept/#") == []


# ---- The environment and secrets ----

@pytest.mark.ours_only("Mosquitto takes no values from the environment")
def test_values_may_come_from_the_environment(start_server, tmp_path, monkeypatch):
    (tmp_path / "rules").write_text("topic readwrite open\ntopic readwrite end/#\n")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    server = start_server("acl_file ${CREDENTIALS_DIRECTORY}/rules")
    with mosquitto.Subscriber(server, "-t", "#", show="%t") as subscriber:
        mosquitto.run("pub", server, "-t", "closed", "-m", "1", "-q", "1")
        mosquitto.publish(server, "open", "-m", "1", "-q", "1")
        subscriber.lines(1)
        assert subscriber.lines_until_now() == ["open"]
