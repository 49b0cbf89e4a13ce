# SPDX-License-Identifier: Apache-2.0
"""Devices of the draft of MQTT-SN 2.0, at listeners where it is spoken and where it is not."""

import socket
import subprocess
from contextlib import ExitStack

import pytest

from dtls import Relay
from lossy_link import LossyLink
from mosquitto import Subscriber, publish
from sensor import DraftSensor, Sensor, datagram
from server import PROGRAM, free_port
from test_tls_psk import LAMP
from waiting import until

pytestmark = [pytest.mark.ours_only("MQTT-SN is spoken by this server alone"),
              pytest.mark.datagrams]

DRAFT = "sn_draft_2_0 true\n"
SEED = 11
RETRY_S = 0.05


@pytest.fixture
def start_draft(start_gateway):
    """A function that starts a server with a listener where 2.0 is spoken."""
    def start(config="", **options):
        return start_gateway(f"{DRAFT}{config}", **options)
    return start


def test_devices_and_clients_of_mqtt_hear_each_other(start_draft):
    server = start_draft("sn_predefined 5 plant/agreed\n")
    with DraftSensor(server.sensor_port).connect("device") as device, \
            Subscriber(server, "-t", "#", "-q", "2", show="%t %p") as heard:
        alias = device.register("plant/up")
        device.send(f"06 03 00 {alias} '0'")
        device.ask(f"08 03 20 0002 {alias} '1'", "04 04 0002")
        device.ask(f"08 03 40 0003 {alias} '2'", "04 05 0003")
        device.ask("04 06 0003", "04 07 0003")
        device.send("06 03 01 0005 '3'")
        device.send("0B 03 03 0005 'by/na' '4'")
        assert sorted(heard.lines(5)) == [
            "by/na 4", "plant/agreed 3", "plant/up 0", "plant/up 1", "plant/up 2"]
        device.ask("0C 08 23 0004 'plant/#'", "06 09 01 0004 01")
        publish(server, "plant/agreed", "-m", "5", "-q", "1")
        device.expect("08 03 21 0001 0005 '5'")
        device.send("04 04 0001")
        publish(server, "plant/down", "-m", "6", "-q", "1")
        told = device.receive()
        assert told[:3] + told[7:] == datagram("11 10 01 'plant/down'")
        device.socket.send(b"\x05\x11\0" + told[3:5])
        device.expect(f"08 03 20 0002 {told[5:7].hex()} '6'")
        device.send("04 04 0002")
        device.expect_nothing()


def test_both_versions_at_one_listener_of_many_threads(start_draft):
    server = start_draft(threads=4)
    old = [Sensor(server.sensor_port).connect(f"old{i}") for i in range(10)]
    new = [DraftSensor(server.sensor_port).connect(f"new{i}") for i in range(20)]
    aliases = [device.subscribe("ab") for device in new]
    for device in old:
        device.ask("07 12 02 0001 'ab'", "08 13 00 0000 0001 00")
    publish(server, "ab", "-m", "x")
    for device, alias in zip(new, aliases):
        device.expect(f"06 03 00 {alias} 'x'")
        # It begins anew, from where it was, and as another one.
        device.connect("again")
    for device in old:
        device.expect("08 0C 02 'ab' 0000 'x'")
        device.expect_nothing()
    with DraftSensor(server.sensor_port) as elsewhere:
        elsewhere.connect("new0")
        elsewhere.connect("again")
        new[-1].expect("04 0E 04 8E")
    for device in old + new:
        device.close()


def test_where_it_is_not_spoken_it_is_refused_and_told(start_gateway):
    server = start_gateway()
    with DraftSensor(server.sensor_port) as device:
        device.ask("0B 01 01 00C0 02 003C 0000 'a'", "06 02 00 00C0 84")
        server.await_log("datagrams.refused .*reason=mqttsn_2_0")


def test_where_there_is_no_room_it_is_put_off(start_draft):
    server = start_draft("max_connections 1\n")
    with DraftSensor(server.sensor_port).connect("a"), DraftSensor(server.sensor_port) as other:
        other.ask("0B 01 01 00C0 02 003C 0000 'b'", "06 02 00 00C0 89")


def test_a_device_has_a_user_name_and_a_password(start_server, tmp_path):
    port = free_port()
    subprocess.run([PROGRAM, "passwd", "-c", "-b", tmp_path / "passwords", "ann", "good"],
                   check=True)
    (tmp_path / "acl").write_text("topic read #\nuser ann\ntopic write ann/#\n")
    server = start_server(
        f"password_file {tmp_path}/passwords\nacl_file {tmp_path}/acl\n"
        f"listener {port} 127.0.0.1\nprotocol mqttsn\nlistener_allow_anonymous false\n{DRAFT}")
    server.await_log("server.running")
    with DraftSensor(port) as device, Subscriber(server, "-t", "#", show="%t %p") as heard:
        device.ask("24 01 05 00C0 02 003C 0000 0A 'MQTT-BASIC' 000C 0003 'ann' 0005 'wrong' 'a'",
                   "06 02 00 00C0 87")
        device.ask("0B 01 01 00C0 02 003C 0000 'a'", "06 02 00 00C0 87")
        device.ask("23 01 05 00C0 02 003C 0000 0A 'MQTT-BASIC' 000B 0003 'ann' 0004 'good' 'a'",
                   "06 02 00 00C0 00")
        device.ask("0C 03 23 0001 0004 'else' '1'", "05 04 0001 87")
        device.ask("0D 03 23 0002 0005 'ann/a' '2'", "04 04 0002")
        assert heard.lines(1) == ["ann/a 2"]


def test_forged_wrong_passwords_ban_nobody(start_server, tmp_path):
    """Whoever sends from another's address does not take his right to come in."""
    port = free_port()
    subprocess.run([PROGRAM, "passwd", "-c", "-b", tmp_path / "passwords", "ann", "good"],
                   check=True)
    server = start_server(
        f"password_file {tmp_path}/passwords\nlistener {port} 127.0.0.1\nprotocol mqttsn\n"
        f"listener_allow_anonymous false\n{DRAFT}exempt_address none\nlogin_failures_max 2\n"
        "login_delay_max 0\n")
    server.await_log("server.running")
    with ExitStack() as stack:
        for number in range(4):
            device = stack.enter_context(DraftSensor(port))
            device.ask("22 01 05 00C0 02 003C 0000 0A 'MQTT-BASIC' 000A 0003 'ann' "
                       f"0003 'no{number}' 'a'", "06 02 00 00C0 87")
        server.await_log("address.unproved .*address=127.0.0.1 .*failures=2")
        login = "23 01 05 00C0 02 003C 0000 0A 'MQTT-BASIC' 000B 0003 'ann' 0004 'good'"
        stack.enter_context(DraftSensor(port)).ask(f"{login} 'a'", "06 02 00 00C0 00")
        publish(server, "ab", "-m", "x", "-u", "ann", "-P", "good")
        assert "address.banned" not in server.log()


def sleeper_with_five(server, awake_max):
    """Asleep, with messages that wait."""
    device = DraftSensor(server.sensor_port).connect("sleeper", 3600, awake_max=awake_max)
    alias = device.subscribe("ab")
    device.ask("09 13 01 0002 00000E10", "05 14 00 0002")
    publish(server, "ab", "-l", "-q", "1", stdin="1\n2\n3\n4\n5\n")
    device.expect("02 15")
    return device, alias


def test_a_sleeper_gets_as_many_as_it_wants_at_a_time(start_draft):
    server = start_draft()
    device, alias = sleeper_with_five(server, 2)
    with device:
        for count, remaining in (2, True), (2, True), (1, False):
            device.send("04 0C 0003")
            for _ in range(count):
                came = device.receive()
                assert came[:3] + came[5:7] == datagram(f"08 03 20 {alias}"), came.hex(" ")
                device.socket.send(b"\x04\x04" + came[3:5])
            pong = device.receive()
            assert pong[:4] == datagram("05 0D 0003"), pong.hex(" ")
            assert bool(pong[4]) == remaining


def test_a_sleeper_gets_all_also_from_a_server_that_was_killed(start_draft):
    server = start_draft()
    device, _ = sleeper_with_five(server, 0)
    with device:
        server.kill()
        server.start()
        until(lambda: "server.running" in server.log_since_start(), "the other start")
        device.ask("04 0C 0003", "04 0E 04 F4")
        device.connect("sleeper", 3600, clean=False, present=True)
        told = device.receive()
        assert told[:3] + told[7:] == datagram("09 10 01 'ab'"), told.hex(" ")
        device.socket.send(b"\x05\x11\0" + told[3:5])
        for number in b"12345":
            came = device.receive()
            assert came[:3] + came[5:] == datagram("08 03 20") + told[5:7] + bytes([number])
            device.socket.send(b"\x04\x04" + came[3:5])
        device.expect_nothing()


def test_nodes_behind_a_forwarder(start_draft):
    server = start_draft()
    with DraftSensor(server.sensor_port, node=b"\x11") as one, \
            DraftSensor(server.sensor_port, node=b"\x12" * 255) as other:
        other.socket.close()
        other.socket = one.socket
        one.connect("one")
        other.connect("other")
        alias = other.subscribe("ab")
        publish(server, "ab", "-m", "x")
        other.expect(f"06 03 00 {alias} 'x'")
        one.expect_nothing()
        other.send("03 0E 00")
        other.ask("04 0C 0001", "04 0E 04 F4")
        one.expect_nothing()


def test_strangers(start_draft):
    server = start_draft("sn_predefined 5 agreed\nsn_gateway_id 9\n")
    with DraftSensor(server.sensor_port) as stranger, \
            Subscriber(server, "-t", "#", show="%t %p") as heard:
        stranger.ask("02 17", "03 18 09")
        stranger.ask("03 01 00", "03 02 09")
        stranger.ask("04 0C 0001", "04 0E 04 F4")
        stranger.ask("13 FF 00 00 0102030405060708 01020304 00 00 00", "04 0E 04 F2")
        stranger.send("07 12 01 0005 '22'")
        stranger.send("07 12 03 0001 'b' '3'")
        assert heard.lines(2) == ["agreed 22", "b 3"]


def test_dtls(start_server, tmp_path):
    (tmp_path / "keys").write_text(f"lamp:{LAMP}\n")
    (tmp_path / "keys").chmod(0o600)
    port = free_port()
    server = start_server(
        f"listener {port} 127.0.0.1\nprotocol mqttsn\npsk_hint garden\npsk_file {tmp_path}/keys\n"
        f"use_identity_as_username true\n{DRAFT}")
    server.await_log("server.running")
    with Relay(port, "psk", "lamp", LAMP) as relay, DraftSensor(relay.port) as device, \
            Subscriber(server, "-t", "up", show="%p") as heard:
        device.connect("clid")
        device.ask("0A 03 23 0002 0002 'up' '1'", "04 04 0002")
        assert heard.lines(1) == ["1"]
        device.connect("clid")
        device.expect_nothing()


def test_a_broken_rule_is_told(start_draft):
    server = start_draft()
    with DraftSensor(server.sensor_port).connect("device") as device:
        device.ask("03 19 00", "04 0E 04 81")
        server.await_log('client.disconnected id="device" .*reason=malformed')


def test_the_server_says_that_it_stops(start_draft):
    server = start_draft()
    with DraftSensor(server.sensor_port).connect("awake") as device:
        server.stop()
        device.expect("04 0E 04 8B")


def test_a_network_that_loses_and_doubles_breaks_no_promise(start_draft):
    """A copy that comes late looks like a new message, so nothing is delayed."""
    server = start_draft("sn_retry_interval 1\nsn_retry_interval_max 1\nsn_retries 20\n")
    numbers = [str(number) for number in range(30)]
    with ExitStack() as stack:
        link = LossyLink(server.sensor_port, SEED, kinds=("lost", "doubled"))
        stack.enter_context(link)
        heard = stack.enter_context(Subscriber(server, "-t", "up", "-q", "2"))
        device = stack.enter_context(DraftSensor(link.port).connect("device"))
        device.socket.settimeout(RETRY_S)
        link.trouble = 0.3
        for packet_id, number in enumerate(numbers, 1):
            exchange(device, packet_id, number)
        assert all(link.counts[kind] for kind in link.kinds), link.counts
        assert heard.lines_until_now() == numbers


def exchange(device, packet_id, number):
    """Publishes at QoS 2, and says what is not answered again."""
    def until_answered(text, again, *answers):
        def is_answered():
            try:
                return device.receive() in map(datagram, answers)
            except socket.timeout:
                return device.send(again)
        device.send(text)
        until(is_answered, f"an answer to {text}")

    rest = f"{packet_id:04X} 0002 'up' '{number}'"
    size = 9 + len(number)
    until_answered(f"{size:02X} 03 43 {rest}", f"{size:02X} 03 C3 {rest}", f"04 05 {packet_id:04X}")
    # It may have been released already, when the answer is lost.
    until_answered(f"04 06 {packet_id:04X}", f"04 06 {packet_id:04X}", f"04 07 {packet_id:04X}",
                   f"05 07 {packet_id:04X} 92")
