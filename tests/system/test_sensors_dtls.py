# SPDX-License-Identifier: Apache-2.0
"""Devices of MQTT-SN by DTLS, with keys and with certificates, and those who would be such."""

import re
import socket

import pytest

from dtls import RECORD_NUMBER, Relay, Wiretap, cookie_of, hello
from mosquitto import Subscriber, publish
from sensor import Sensor, datagram
from server import free_port
from test_tls_psk import DOOR, LAMP
from tls import mutual, reload, renew_certificate, replace
from waiting import PATIENCE_S, elapse, until

pytestmark = [pytest.mark.ours_only("MQTT-SN is spoken by this server alone"),
              pytest.mark.datagrams]

DEVICES = 200
OLD_S = 1  # a newcomer that may have to make room
HANDSHAKE_S = 5  # which a relay that stands still for a moment does not miss
LIGHT = "PSK-AES128-CCM8:@SECLEVEL=0"  # what small devices speak


@pytest.fixture
def start_gateway(start_server, tmp_path):
    """A function that starts a server with a listener of DTLS, with keys of a lamp and a door."""
    def start(config=None, threads=3, options="", more=""):
        (tmp_path / "keys").write_text(f"lamp:{LAMP}\ndoor:{DOOR}\n")
        (tmp_path / "keys").chmod(0o600)
        port = free_port()
        keys = f"psk_hint garden\npsk_file {tmp_path}/keys\nuse_identity_as_username true\n"
        server = start_server(f"threads {threads}\n{options}listener {port} 127.0.0.1\n"
                              f"protocol mqttsn\n{keys if config is None else config}{more}")
        server.sensor_port = port
        server.keys = tmp_path / "keys"
        server.await_log("server.running")
        return server
    return start


@pytest.fixture
def start_certified(start_gateway, authority, tmp_path):
    """The same with certificates."""
    def start(more=""):
        renew_certificate(authority, tmp_path, "/CN=localhost")
        return start_gateway(f"certfile {tmp_path}/server.pem\nkeyfile {tmp_path}/server.key\n" +
                             mutual(authority, f"use_identity_as_username true\n{more}"))
    return start


def lamps(server, *more):
    return Relay(server.sensor_port, "psk", "lamp", LAMP, *more)


def stranger(server, *more):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.connect(("127.0.0.1", server.sensor_port))
    sock.settimeout(PATIENCE_S)
    return sock


@pytest.mark.sanitizer
@pytest.mark.parametrize("more, ciphers", [("", []), (f"ciphers {LIGHT}\n", ["cipher", LIGHT])])
def test_messages_pass_by_keys(start_gateway, more, ciphers):
    server = start_gateway(more=more)
    with lamps(server, *ciphers) as relay, relay.sensor() as lamp, \
            Subscriber(server, "-t", "#", "-q", "2", show="%t %p") as heard:
        lamp.connect("lamp-1")
        server.await_log(r'client.connected id="lamp-1" .*user="lamp".*tls=DTLSv1.2')
        lamp.ask("08 0C 22 'ab' 0001 '1'", "07 0D 'ab' 0001 00")
        lamp.ask("08 0C 42 'ab' 0002 '2'", "04 0F 0002")
        lamp.ask("04 10 0002", "04 0E 0002")
        assert heard.lines(2) == ["ab 1", "ab 2"]
        lamp.ask("07 12 22 0003 'cd'", "08 13 20 0000 0003 00")
        publish(server, "cd", "-m", "3", "-q", "1")
        lamp.expect("08 0C 22 'cd' 0001 '3'")
        lamp.send("07 0D 'cd' 0001 00")
        lamp.expect_nothing()
        lamp.ask("02 18", "02 18")
        relay.await_told("ended 0")


@pytest.mark.sanitizer
def test_many_come_at_once(start_gateway):
    """Most of them live on another shard than the one that shakes hands with them."""
    server = start_gateway(threads=4)
    with lamps(server) as relay:
        sensors = [relay.sensor() for _ in range(DEVICES)]
        for number, sensor in enumerate(sensors):
            sensor.send(f"0A 04 04 01 003C 'c{number:03}'")
        for sensor in sensors:
            sensor.expect("03 05 00")
            sensor.ask("07 12 02 0001 'ab'", "08 13 00 0000 0001 00")
        publish(server, "ab", "-m", "x")
        for sensor in sensors:
            sensor.expect("08 0C 02 'ab' 0000 'x'")
        for sensor in sensors:
            sensor.send("02 18")
        relay.await_told("ended", DEVICES)
        for sensor in sensors:
            sensor.close()
    assert len(relay.ups()) == DEVICES


def test_what_begins_anew_needs_no_handshake(start_gateway):
    """Also where it is at home on another shard than before."""
    server = start_gateway(threads=4)
    with lamps(server) as relay, relay.sensor() as lamp:
        for number in range(8):
            lamp.connect(f"lamp-{number}")
            lamp.expect_nothing()
    assert relay.ups() == ["up 0 ECDHE-PSK-CHACHA20-POLY1305"]
    assert len(re.findall(r"client.connected .*user=\"lamp\"", server.log())) == 8


def test_a_device_that_has_forgotten_all_shakes_hands_again(start_gateway):
    """From the address at which it was before."""
    server = start_gateway()
    with Wiretap(server.sensor_port) as tap:
        for _ in range(2):
            with Relay(tap.port, "psk", "lamp", LAMP) as relay, relay.sensor() as lamp:
                lamp.connect("lamp-1", clean=False)
                lamp.expect_nothing()
                relay.process.kill()
                relay.process.wait()
                relay.process.returncode = 0
    server.await_log("reason=session_taken_over")


def test_a_sleeper_gets_what_has_waited(start_gateway):
    server = start_gateway()
    with lamps(server) as relay, relay.sensor() as lamp:
        lamp.connect("sleeper", clean=False)
        lamp.ask("07 12 22 0001 'ab'", "08 13 20 0000 0001 00")
        lamp.ask("04 18 003C", "02 18")
        publish(server, "ab", "-m", "1", "-q", "1")
        lamp.ask("09 16 'sleeper'", "08 0C 22 'ab' 0001 '1'")
        lamp.ask("07 0D 'ab' 0001 00", "02 17")


def test_another_address_takes_its_session_along_by_its_identity(start_gateway):
    """The identity is the client id, so nobody else has the session."""
    server = start_gateway(more="use_username_as_clientid true\n")
    with lamps(server) as relay, relay.sensor() as here, relay.sensor() as there, \
            Relay(server.sensor_port, "psk", "door", DOOR) as doors, doors.sensor() as door:
        here.connect("x", clean=False)
        here.ask("07 12 22 0001 'ab'", "08 13 20 0000 0001 00")
        here.ask("04 18 003C", "02 18")
        publish(server, "ab", "-m", "1", "-q", "1")
        door.connect("x", clean=False)
        door.expect_nothing()
        there.connect("x", clean=False)
        # By the short name, as it has subscribed; maybe it was on its way before.
        came = there.receive()
        assert came in (datagram("08 0C 22 'ab' 0001 '1'"), datagram("08 0C A2 'ab' 0001 '1'"))
        relay.await_told("ended 0")


@pytest.mark.sanitizer
def test_certificates_open_and_name(start_certified, authority, tmp_path):
    server = start_certified()
    pump = authority.issue("pump")
    with Relay(server.sensor_port, "ca", authority.certificate, "cert", *pump) as relay, \
            relay.sensor() as sensor:
        sensor.connect("one")
        server.await_log(r'client.connected id="one" .*user="pump".*cipher=ECDHE-ECDSA')
    with Relay(server.sensor_port, "ca", authority.certificate) as relay, \
            relay.sensor() as sensor:
        sensor.send("07 04 04 01 003C 'x'")
        relay.await_told("failed 0 .*handshake failure")
    server.await_log("connection.failed .*did not return a certificate")


def test_new_files_end_whom_they_do_not_let_in_and_nobody_else(start_certified, authority):
    crl = authority.revoke()
    server = start_certified(f"crlfile {crl}\n")
    names = ["bad", "good"]
    relays = [Relay(server.sensor_port, "ca", authority.certificate,
                    "cert", *authority.issue(name)) for name in names]
    bad, good = [relay.sensor().connect(name) for name, relay in zip(names, relays)]
    authority.revoke(authority.folder / "bad.pem")
    server.await_log("client.disconnected id=\"bad\" .*revoked")
    bad.expect("02 18")
    relays[0].await_told("ended 0")
    good.expect_nothing()
    server.await_log("credentials.reloaded")  # by all threads: bad comes to any of them
    bad.send("09 04 04 01 003C 'bad'")
    relays[0].await_told("failed 1 .*certificate revoked")
    server.await_log("connection.failed .*certificate revoked")
    for sensor, relay in zip((bad, good), relays):
        sensor.close()
        relay.close()
    assert relays[1].told.count("\n") == 1


def test_a_key_that_is_gone_ends_its_clients(start_gateway):
    server = start_gateway()
    with lamps(server) as relay, relay.sensor() as lamp, \
            Relay(server.sensor_port, "psk", "door", DOOR) as doors, doors.sensor() as door:
        lamp.connect("lamp")
        door.connect("door")
        replace(server.keys, f"door:{DOOR}\n")
        reload(server, "config.reloaded")
        lamp.expect("02 18")
        relay.await_told("ended 0")
        door.expect_nothing()


def test_a_wrong_key_opens_nothing_and_is_told(start_gateway):
    server = start_gateway(options=f"connect_timeout {HANDSHAKE_S}\n")
    wrong = [("lamp", DOOR), ("cellar", LAMP)]
    relays = [Relay(server.sensor_port, "psk", *pair) for pair in wrong]
    sensors = [relay.sensor() for relay in relays]
    for sensor in sensors:
        sensor.send("0A 04 04 01 003C 'clid'")
    server.await_log("connection.failed .*its pre-shared key is not the one")
    server.await_log("connection.failed .*identity is unknown")
    for sensor, relay in zip(sensors, relays):
        sensor.close()
        relay.close()
        assert relay.ups() == []
    assert "client.connected" not in server.log()


@pytest.mark.sanitizer
def test_who_has_no_cookie_costs_nothing_and_gets_no_more_than_he_gives(start_gateway):
    server = start_gateway(threads=1)
    with stranger(server) as one, stranger(server) as other:
        question = hello()
        one.send(question)
        answer = one.recv(65535)
        cookie = cookie_of(answer)
        assert len(answer) <= len(question)
        assert answer[RECORD_NUMBER] == question[RECORD_NUMBER]
        for wrong in (b"", b"x" * 16, cookie[:-1], cookie + b"x"):
            one.send(hello(wrong, 1))
            assert cookie_of(one.recv(65535)) == cookie
        # A cookie is one address's own.
        other.send(hello(cookie, 1))
        assert cookie_of(other.recv(65535)) != cookie
        for size in range(len(question)):
            one.send(question[:size])
        opened = f"connection.opened .*port={server.sensor_port}"
        assert not re.search(opened, server.log())
        one.send(hello(cookie, 1))
        server.await_log(opened)
        assert len(re.findall(opened, server.log())) == 1


def test_handshakes_have_their_limits(start_gateway):
    server = start_gateway(options="handshakes_per_address_max 3\nexempt_address none\n", threads=1)
    strangers = [stranger(server) for _ in range(4)]
    for one in strangers:
        one.send(hello())
        one.send(hello(cookie_of(one.recv(65535)), 1))
    server.await_log("connection.refused .*limit=handshakes_per_address_max")
    for one in strangers:
        one.close()


@pytest.mark.sanitizer
def test_who_speaks_without_a_connection_may_have_to_make_room_for_that(start_gateway):
    server = start_gateway(options="handshakes_max 1\n", threads=1)
    with lamps(server) as relay, relay.sensor() as device:
        device.ask("03 01 00", "03 02 01")
        elapse(OLD_S)
        device.ask("03 01 00", "03 02 01")  # by which the server sees that time has passed
        device.send("0C 0C 62 'xy' 0000 'on' 'off'")
        server.await_log("connection.refused .*limit=handshakes_max")
    with lamps(server) as relay, relay.sensor() as device:
        device.connect("lamp")


def test_what_is_of_another_kind_is_told_and_counted(start_gateway, start_server):
    server = start_gateway(options="sys_interval 1\n")
    with Sensor(server.sensor_port) as clear, stranger(server) as astray:
        clear.send("0A 04 04 01 003C 'clid'")
        server.await_log("datagrams.refused .*reason=not_dtls")
        astray.send(bytes.fromhex("17fefd0001000000000001000101"))
        server.await_log("association.unknown ")
        with lamps(server) as relay, relay.sensor() as forwarder:
            forwarder.send("05 FE 00 1122 0A 04 04 01 003C 'clid'")
            server.await_log("datagrams.refused .*reason=forwarded")
    assert "client.connected" not in server.log()
    with Subscriber(server, "-t", "$SYS/broker/sn/#", show="%t %p") as counts:
        wanted = {"$SYS/broker/sn/datagrams/refused 2", "$SYS/broker/sn/datagrams/unknown 1"}
        until(lambda: wanted <= set(counts.lines_until_now()), f"{wanted} to be told")
    plain = start_gateway("listener_allow_anonymous true\n")
    with stranger(plain) as secured:
        secured.send(hello())
        plain.await_log("datagrams.refused .*reason=dtls")
    assert "client.connected" not in plain.log()


def test_what_was_heard_is_of_no_use_to_another(start_gateway):
    server = start_gateway(threads=1)
    with Wiretap(server.sensor_port) as tap, Relay(tap.port, "psk", "lamp", LAMP) as relay, \
            relay.sensor() as lamp, Subscriber(server, "-t", "ab") as heard:
        lamp.connect("lamp")
        lamp.ask("08 0C 22 'ab' 0001 '1'", "07 0D 'ab' 0001 00")
        with stranger(server) as thief:
            for data in [*tap.sent, b"\x17\xfe\xfd" + bytes(8) + b"\0\1x"]:
                thief.send(data)
                tap.back.send(data)
        lamp.ask("08 0C 22 'ab' 0001 '2'", "07 0D 'ab' 0001 00")
        assert heard.lines_until_now() == ["1", "2"]


def test_a_handshake_comes_to_its_end_where_datagrams_are_lost(start_gateway):
    """The server's first flight, the client's, and the server's last one are lost once each."""
    server = start_gateway(options="")
    server_hello, client_key, server_end = (False, 0x16, 2), (True, 0x16, 16), (False, 0x14, 1)
    still = {server_hello, client_key, server_end}

    def loses(number, from_device):
        data = (tap.sent if from_device else tap.came)[number]
        kind = (from_device, data[0], data[13])
        is_lost = kind in still
        still.discard(kind)
        return is_lost

    with Wiretap(server.sensor_port, loses) as tap, \
            Relay(tap.port, "psk", "lamp", LAMP) as relay, relay.sensor() as lamp:
        lamp.connect("lamp")
        lamp.expect_nothing()
        assert not still


def test_the_server_says_that_it_stops(start_gateway):
    server = start_gateway()
    with lamps(server) as relay, relay.sensor() as lamp:
        lamp.connect("lamp")
        server.stop()
        lamp.expect("02 18")
        relay.await_told("ended 0")
        until(lambda: "server.stopped" in server.log(), "the end")


def test_a_listener_that_speaks_it_no_more_keeps_whom_it_has(start_gateway, tmp_path):
    secured = f"psk_hint garden\npsk_file {tmp_path}/keys\n"
    server = start_gateway(f"listener_allow_anonymous true\n{secured}")
    with lamps(server) as relay, relay.sensor() as lamp, Sensor(server.sensor_port) as clear:
        lamp.connect("lamp")
        text = server.config_file.read_text()
        server.config_file.write_text(text.replace(secured, ""))
        reload(server, "config.reloaded")
        clear.connect("clear")
        lamp.expect_nothing()
        lamp.ask("02 18", "02 18")
        relay.await_told("ended 0")
