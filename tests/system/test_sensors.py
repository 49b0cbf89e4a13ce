# SPDX-License-Identifier: Apache-2.0
"""Devices of MQTT-SN at a listener of their own, among clients of MQTT."""

import itertools
import re
import signal
from contextlib import ExitStack

import pytest

from control import Control
from mosquitto import Subscriber, publish
from sensor import DraftSensor, Sensor, datagram
from server import free_port
from waiting import in_time, until

pytestmark = [pytest.mark.ours_only("MQTT-SN is spoken by this server alone"),
              pytest.mark.datagrams]

KEEP_ALIVE_S = 1


def test_sensors_and_clients_of_mqtt_hear_each_other(start_gateway):
    server = start_gateway("sn_predefined 5 plant/agreed\n")
    with Sensor(server.sensor_port).connect("sensor") as sensor, \
            Subscriber(server, "-t", "#", "-q", "2", show="%t %p") as heard:
        sensor.ask("0E 0A 0000 0001 'plant/up'", "07 0B 0001 0001 00")
        sensor.send("08 0C 00 0001 0000 '0'")
        sensor.ask("08 0C 20 0001 0002 '1'", "07 0D 0001 0002 00")
        sensor.ask("08 0C 40 0001 0003 '2'", "04 0F 0003")
        sensor.ask("04 10 0003", "04 0E 0003")
        sensor.send("08 0C 01 0005 0000 '3'")
        sensor.send("08 0C 62 'ab' 0000 '4'")
        # The tool shows one of QoS 2 when it is released.
        assert sorted(heard.lines(5)) == [
            "ab 4", "plant/agreed 3", "plant/up 0", "plant/up 1", "plant/up 2"]
        sensor.ask("0C 12 20 0004 'plant/#'", "08 13 20 0000 0004 00")
        publish(server, "plant/down", "-m", "5", "-q", "1")
        sensor.expect("10 0A 0002 0001 'plant/down'")
        sensor.ask("07 0B 0002 0001 00", "08 0C 20 0002 0001 '5'")
        sensor.send("07 0D 0002 0001 00")
        sensor.expect_nothing()


def test_every_shard_serves_every_sensor(start_gateway):
    """Of so many most live on another shard than the one that hears them."""
    server = start_gateway(threads=4)
    sensors = [Sensor(server.sensor_port).connect(f"sensor{i}") for i in range(40)]
    for sensor in sensors:
        sensor.ask("07 12 02 0001 'ab'", "08 13 00 0000 0001 00")
    publish(server, "ab", "-m", "x")
    for sensor in sensors:
        sensor.expect("08 0C 02 'ab' 0000 'x'")
    for sensor in sensors[::2]:
        sensor.ask("02 18", "02 18")
        sensor.connect("again", clean=False)
    for sensor in sensors:
        sensor.close()
    assert len(re.findall("client.connected", server.log())) == 61


def test_an_operator_sees_what_a_device_is(start_gateway, tmp_path):
    control = Control(tmp_path)
    server = start_gateway(f"sn_draft_2_0 true\ncontrol_socket {control.path}\n")

    def seen(name):
        row = control.ask("client", name)["client"]
        return row["version"], row["keep_alive_s"], row["asleep"]

    with Sensor(server.sensor_port).connect("old", keepalive_s=40) as old, \
            DraftSensor(server.sensor_port).connect("new"):
        assert seen("old") == ("SN 1.2", 40, False)
        assert seen("new") == ("SN 2.0", 60, False)
        old.ask("04 18 003C", "02 18")
        assert seen("old") == ("SN 1.2", 40, True)
    server.await_log('client.connected id="old" .*version="SN 1.2" clean=1 keepalive=40')
    server.await_log('client.connected id="new" .*version="SN 2.0" clean=1 keepalive=60')


def test_a_reload_changes_what_is_agreed_on(start_gateway):
    server = start_gateway("sn_predefined 5 old\nsn_predefined 6 kept\n")
    with Sensor(server.sensor_port).connect("sensor") as sensor:
        sensor.ask("07 12 01 0001 0005", "08 13 00 0005 0001 00")
        publish(server, "old", "-m", "1")
        sensor.expect("08 0C 01 0005 0000 '1'")
        config = server.config_file.read_text()
        server.config_file.write_text(config.replace("5 old", "7 new"))
        server.signal(signal.SIGHUP)
        server.await_log("predefined.changed added=1 removed=1")
        server.await_log("config.reloaded")
        sensor.ask("08 0C 21 0005 0002 'x'", "07 0D 0005 0002 02")
        sensor.ask("08 0C 21 0006 0003 'x'", "07 0D 0006 0003 00")
        sensor.ask("08 0C 21 0007 0004 'x'", "07 0D 0007 0004 00")
        publish(server, "old", "-m", "2")
        sensor.expect("09 0A 0002 0001 'old'")
        sensor.ask("07 0B 0002 0001 00", "08 0C 00 0002 0000 '2'")


def test_a_will_is_published(start_gateway):
    server = start_gateway()
    topics = (f"w{number}" for number in itertools.count())
    with ExitStack() as stack:
        heard = stack.enter_context(Subscriber(server, "-t", "#", show="%t %p"))

        def connect():
            """The will has a topic of its own, for who is late is lost with another one."""
            topic = next(topics)
            sensor = stack.enter_context(Sensor(server.sensor_port))
            sensor.ask(f"08 04 0C 01 {KEEP_ALIVE_S:04X} 's1'", "02 06")
            sensor.ask(f"05 07 00 '{topic}'", "02 08")
            sensor.ask("05 09 'bye'", "03 05 00")
            sensor.ask("06 1C 'gone'", "03 1D 00")
            return sensor, topic

        sensor, topic = in_time(KEEP_ALIVE_S, connect)

        def wills():
            return [line for line in heard.lines_until_now() if line.startswith(topic)]
        until(wills, "the will")
        assert wills() == [f"{topic} gone"]
        sensor.ask("02 16", "02 18")


def test_a_sleeper_gets_all_also_from_a_server_that_was_killed(start_gateway):
    server = start_gateway()
    with Sensor(server.sensor_port).connect("sleeper", clean=False) as sensor:
        sensor.ask("07 12 42 0001 'ab'", "08 13 40 0000 0001 00")
        sensor.ask("04 18 003C", "02 18")
        publish(server, "ab", "-m", "1", "-q", "1")
        publish(server, "ab", "-m", "2", "-q", "2")
        sensor.ask("09 16 'sleeper'", "08 0C 22 'ab' 0001 '1'")
        sensor.ask("07 0D 'ab' 0001 00", "08 0C 42 'ab' 0002 '2'")
        sensor.ask("04 0F 0002", "04 10 0002")
        sensor.ask("04 0E 0002", "02 17")
        publish(server, "ab", "-m", "3", "-q", "1")
        server.kill()
        server.start()
        until(lambda: "server.running" in server.log_since_start(), "the other start")
        # Nobody knows its address any more; it shows that it may have what waits by connecting.
        sensor.ask("09 16 'sleeper'", "02 18")
        sensor.connect("sleeper", clean=False)
        came = sensor.receive()
        if came == datagram("04 10 0002"):  # it had not been written yet that this was answered
            sensor.send("04 0E 0002")
            came = sensor.receive()
        # Its id is not one that the device may remember of the server before.
        topic_id = came[2:4]
        assert came == b"\x08\x0A" + topic_id + datagram("0001 'ab'")
        sensor.socket.send(b"\x07\x0B" + topic_id + b"\0\x01\0")
        came = sensor.receive()
        assert re.fullmatch(rb"\x08\x0C[\x20\xA0]" + re.escape(topic_id) + b"..3", came,
                            re.DOTALL)
        sensor.socket.send(b"\x07\x0D" + topic_id + came[5:7] + b"\0")


def test_a_device_at_another_address_keeps_its_topics(start_gateway):
    server = start_gateway()
    with Sensor(server.sensor_port) as before, Sensor(server.sensor_port) as after, \
            Subscriber(server, "-t", "plant/#", show="%t %p") as heard:
        before.connect("pump", clean=False)
        before.send("0E 0A 0000 0001 'plant/up'")
        answer = before.receive()
        topic_id = answer[2:4].hex()
        assert answer == datagram(f"07 0B {topic_id} 0001 00")
        after.connect("pump", clean=False)
        after.ask(f"08 0C 20 {topic_id} 0002 'x'", f"07 0D {topic_id} 0002 00")
        assert heard.lines(1) == ["plant/up x"]


def test_two_nodes_behind_one_forwarder(start_gateway):
    server = start_gateway()
    with Sensor(server.sensor_port, node=b"\x11\x22") as one, Sensor(server.sensor_port) as other:
        other.socket.close()
        other.socket, other.frame = one.socket, b"\x05\xFE\0\x11\x33"
        one.connect("node1")
        other.connect("node2")
        one.ask("07 12 02 0001 'ab'", "08 13 00 0000 0001 00")
        publish(server, "ab", "-m", "x")
        one.expect("08 0C 02 'ab' 0000 'x'")
        one.send("03 FE 00")
        other.expect_nothing()
        one.ask("02 18", "02 18")
        other.expect_nothing()


def test_the_same_node_id_behind_two_forwarders_is_two_devices(start_gateway):
    server = start_gateway()
    with Sensor(server.sensor_port, node=b"\x11") as one, \
            Sensor(server.sensor_port, node=b"\x11") as other, \
            Sensor(server.sensor_port) as forwarder:
        one.connect("one")
        other.connect("other")
        one.ask("07 12 02 0001 'ab'", "08 13 00 0000 0001 00")
        other.ask("04 18 003C", "02 18")
        publish(server, "ab", "-m", "x")
        one.expect("08 0C 02 'ab' 0000 'x'")
        # Neither is a forwarder known by its nodes' ids, nor is the forwarder itself its node.
        forwarder.ask("02 16", "02 18")
        one.expect_nothing()
        other.ask("07 16 'other'", "02 17")


def test_strangers_get_no_more_than_they_give(start_gateway):
    server = start_gateway("sn_gateway_id 9\n")
    with Sensor(server.sensor_port) as stranger:
        stranger.ask("03 01 00", "03 02 09")
        stranger.ask("02 16", "02 18")
        stranger.ask("08 0C 20 0001 0001 'x'", "02 18")
        for noise in ("00", "01", "05 16", "02 11", "03 FE 00", "03 05 00",
                      "09 0C 60 0001 0000 'xy'"):
            stranger.send(noise)
        stranger.ask("02 18", "02 18")


def test_answers_to_strangers_have_a_limit(start_gateway):
    server = start_gateway(threads=1)
    with Sensor(server.sensor_port) as stranger:
        def is_limited():
            for _ in range(200):
                stranger.send("02 16")
            return "datagrams.dropped limit=answers_to_strangers" in server.log()
        until(is_limited, "an answer that is one too many")


def test_a_listener_without_anonymous_clients_lets_none_in(start_server):
    port = free_port()
    server = start_server(
        f"listener {port} 127.0.0.1\nprotocol mqttsn\nlistener_allow_anonymous false\n")
    server.await_log("server.running")
    with Sensor(port) as sensor:
        sensor.ask("0A 04 04 01 003C 'clid'", "03 05 03")
        sensor.send("08 0C 62 'ab' 0000 'x'")
        server.await_log("client.refused")


def test_sensors_of_ipv6(start_gateway):
    server = start_gateway(host="::1")
    with Sensor(server.sensor_port, host="::1").connect("six") as sensor:
        sensor.expect_nothing()


def test_the_server_says_that_it_stops(start_gateway):
    server = start_gateway()
    with Sensor(server.sensor_port).connect("awake") as awake, \
            Sensor(server.sensor_port).connect("asleep") as asleep:
        asleep.ask("04 18 003C", "02 18")
        server.stop()
        awake.expect("02 18")
        until(lambda: "server.stopped" in server.log(), "the end")
