# SPDX-License-Identifier: Apache-2.0
"""`nightjar sn pub` and `nightjar sn sub` against our gateway, among clients of MQTT."""

import json
import os
import re
import socket
import subprocess

import pytest

from certificates import Authority
from mosquitto import Subscriber, publish
from sensor import Sensor, datagram
from server import PROGRAM, free_port
from sn_tools import SnPublisher, SnSubscriber, command, run
from sn_tools import publish as sn_publish
from test_tls_psk import LAMP
from tls import mutual, renew_certificate, trusting
from waiting import PATIENCE_S, until

pytestmark = [pytest.mark.ours_only("it is our command"), pytest.mark.datagrams]

BY_KEY = ["--psk", LAMP, "--psk-identity", "lamp"]


@pytest.mark.parametrize("qos", ["0", "1", "2"])
def test_messages_cross_both_ways(start_gateway, qos):
    server = start_gateway("sn_predefined 7 plant/agreed\n")
    with Subscriber(server, "-t", "#", "-q", "2", show="%t %r %p") as heard:
        sn_publish(server.sensor_port, "-q", qos, "-t", "plant/up", "-t", "ab", "-T7", "-m", "x")
        assert heard.lines(3) == ["plant/up 0 x", "ab 0 x", "plant/agreed 0 x"]
    with SnSubscriber(server, "here", "-q", qos, "-v", "-t", "plant/#", "-t", "ab", "-T7") as sub:
        until(lambda: server.log().count("client.subscribed id=\"here\"") >= 3, "all of them")
        publish(server, "plant/down", "-m", "1", "-q", qos)
        publish(server, "ab", "-m", "2", "-q", qos)
        publish(server, "plant/agreed", "-m", "3", "-q", qos)
        sn_publish(server.sensor_port, "-q", qos, "-t", "plant/sn", "-m", "4")
        # Four publishers: no order is promised among them.
        assert sorted(sub.await_lines(4)) == ["0007: 3", "ab: 2", "plant/down: 1", "plant/sn: 4"]
        assert sub.end() == 0
    server.await_log('client.disconnected id="here".* reason=normal')


def test_where_messages_come_from(start_gateway, tmp_path):
    server = start_gateway()
    port = server.sensor_port
    file = tmp_path / "file"
    file.write_bytes(b"two\nlines")
    with Subscriber(server, "-t", "a", "-q", "2", show="%r %x") as heard:
        shown = []

        def expect(payloads, *options, **more):
            sn_publish(port, "-t", "a", "-q1", *options, **more)
            shown.extend(f"0 {payload.hex()}" for payload in payloads)
            heard.lines(len(shown))
            assert heard.lines_until_now() == shown
        expect([b"two\nlines"], "-f", file)
        expect([b"two\nlines"], "-s", stdin="two\nlines")
        expect([b"two", b"lines"], "-l", stdin="two\nlines")
        expect([], "-l")
        expect([b""], "-n")
        expect([b"kept"], "-m", "kept", "-r")  # new to who has subscribed
        expect([b"y" * 500], "-m", "y" * 500)
    with SnSubscriber(server, "late", "-t", "a", "-1") as sub:
        assert sub.await_lines(1) == ["kept"] and sub.wait() == 0


def test_quality_minus_1_needs_no_connection(start_gateway):
    server = start_gateway("sn_predefined 7 plant/agreed\n")
    with Subscriber(server, "-t", "#", show="%t %p") as heard:
        sn_publish(server.sensor_port, "-q", "-1", "-T", "7", "-m", "x")
        heard.lines(1)  # by another thread, maybe, than the others
        sn_publish(server.sensor_port, "-q-1", "-t", "ab", "-l", stdin="1\n2\n")
        assert heard.lines(3) == ["plant/agreed x", "ab 1", "ab 2"]
    assert "nightjar-sn" not in server.log()
    done = run("pub", server.sensor_port, "-q", "-1", "-t", "long", "-m", "x")
    assert done.returncode == 1 and b"two characters" in done.stderr


def test_how_messages_are_printed(start_gateway):
    server = start_gateway()
    for name, options in ("plain", []), ("time", ["-V"]), ("json", ["-F", "%j"]):
        publish(server, "a", "-m", "kept", "-r", "-q", "1")
        done = run("sub", server.sensor_port, "-t", "a", "-q", "1", "-1", *options)
        assert (done.returncode, done.stderr) == (0, b""), name
        if name == "plain":
            assert done.stdout == b"kept\n"
        elif name == "time":
            assert re.fullmatch(rb"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d a: kept\n", done.stdout)
        else:
            message = json.loads(done.stdout)
            assert (message["topic"], message["payload"], message["retain"]) == ("a", "kept", 1)


def test_behind_a_forwarder(start_gateway):
    server = start_gateway()
    with SnSubscriber(server, "node", "-t", "ab", "--fe", "--wlnid", "n7", "-v") as sub:
        sn_publish(server.sensor_port, "-t", "ab", "-m", "x", "--fe", "-q", "1")
        assert sub.await_lines(1) == ["ab: x"]
        assert sub.end() == 0


def test_a_will_and_a_port_of_ours(start_gateway):
    server = start_gateway()
    port = free_port()
    with Subscriber(server, "-t", "w", "-q", "1", show="%p") as heard, \
            SnSubscriber(server, "frail", "-t", "ab", "-k", "4", "--will-topic", "w",
                         "--will-payload", "gone", "--will-qos", "1", "--cport", port) as sub:
        assert f"peer=127.0.0.1:{port}" in server.log()
        sub.process.kill()
        assert heard.lines(1) == ["gone"]


def test_a_session_is_kept_and_what_waits_comes(start_gateway):
    """-e lets the gateway know that the device sleeps; -c goes on with its session."""
    server = start_gateway()
    with SnSubscriber(server, "pump", "-c", "-q", "1", "-t", "pump/set", "-e", "60") as sub:
        assert sub.end() == 0
    publish(server, "pump/set", "-m", "1", "-q", "1")
    publish(server, "pump/set", "-m", "2", "-q", "1")
    done = run("sub", server.sensor_port, "-i", "pump", "-c", "-q1", "-t", "ab", "-C", "2")
    assert (done.returncode, done.stdout) == (0, b"1\n2\n")


@pytest.mark.parametrize("qos", ["1", "2"])
@pytest.mark.parametrize("output", ["full disk", "pipe"])
@pytest.mark.parametrize("end", [[], ["-e", "60"]], ids=["goes", "sleeps"])
def test_what_cannot_be_written_stays_with_the_gateway(start_gateway, end, output, qos):
    server = start_gateway()
    session = ["-i", "pump", "-c", "-q", qos, "-t", "ab"]
    with SnSubscriber(server, "pump", *session[2:]) as sub:
        server.await_log('client.subscribed id="pump"')
        assert sub.end() == 0
    for payload in "first", "second":
        publish(server, "ab", "-m", payload, "-q", qos)
    if output == "pipe":
        reader, stdout = os.pipe()
        os.close(reader)
    else:
        stdout = os.open("/dev/full", os.O_WRONLY)
    failed = subprocess.run([*command("sub", server.sensor_port), *session, *end, "-d"],
                            stdout=stdout, stderr=subprocess.PIPE, text=True, timeout=PATIENCE_S)
    os.close(stdout)
    assert failed.returncode != 0
    # Nothing that another gateway, or another order of the datagrams, would take for an answer.
    assert "received PUBLISH" in failed.stderr and not re.search("PUBACK|PUBREC", failed.stderr)
    assert run("sub", server.sensor_port, *session, "-C", "2").stdout == b"first\nsecond\n"


def test_a_sleeper_gets_all_that_waited_also_from_a_server_that_was_killed(start_gateway):
    server = start_gateway()
    with SnSubscriber(server, "sleeper", "-c", "-q", "2", "-t", "set/#", "--nap", "1",
                      "--retry", "200", "--retries", "255", "-d") as sub:
        until(lambda: "received DISCONNECT" in sub.errors.read_text(), "it to sleep")
        for number in range(3):
            publish(server, f"set/{number}", "-m", str(number), "-q", "1")
        assert sub.await_lines(3) == ["0", "1", "2"]
        # The server says so when it has heard of all three, and keeps that before it keeps more.
        until(lambda: re.search("(sent PUBACK.*){3}received PINGRESP", sub.errors.read_text(),
                                re.DOTALL), "it to sleep again")
        for number in range(3, 6):
            publish(server, f"set/{number}", "-m", str(number), "-q", "2")
        server.kill()
        server.start()
        lines = sub.await_lines(6)
        # At QoS 2 none comes twice, wherever its handshake was at the kill.
        assert lines == ["0", "1", "2", "3", "4", "5"]
        assert sub.end() == 0


def test_a_gateway_that_says_goodbye_is_connected_to_again(start_gateway):
    server = start_gateway()
    with SnSubscriber(server, "loyal", "-t", "ab", "-q", "1") as sub:
        server.stop()
        server.start()
        until(lambda: 'client.subscribed id="loyal"' in server.log_since_start(),
              "it to come again")
        publish(server, "ab", "-m", "x", "-q", "1")
        assert sub.await_lines(1) == ["x"]


def test_a_line_goes_on_with_another_connection(start_gateway):
    """With -c a message that is under way when the server is killed goes to the next one."""
    server = start_gateway()
    with SnPublisher(server, "diary", "-c", "-q", "1", "-t", "a", "--retry", "100", "--retries",
                     "255") as pub:
        pub.write("1\n")
        server.await_log('client.connected id="diary"')
        server.kill()
        pub.write("2\n3\n")
        server.start()
        with Subscriber(server, "-t", "a", "-q", "1", show="%p") as heard:
            until(lambda: 'client.connected id="diary"' in server.log_since_start(), "it to return")
            pub.write("4\n")
            pub.process.stdin.close()
            assert pub.wait() == 0
            until(lambda: heard.lines_until_now()[-1:] == ["4"], "the last line")


@pytest.fixture
def mute_port():
    """A port of UDP at which nobody answers."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mute:
        mute.bind(("127.0.0.1", 0))
        yield mute.getsockname()[1]


def test_a_mute_gateway_is_told(mute_port):
    for tool, options in ("pub", ["-m", "x"]), ("sub", []):
        done = run(tool, mute_port, "-t", "a", "--retry", "20", "--retries", "2", *options)
        assert done.returncode == 1
        assert done.stderr == b"Error: 127.0.0.1: the gateway does not answer\n"


def test_refusals_are_told_with_the_gateways_code(start_gateway, tmp_path):
    rules = tmp_path / "rules"
    rules.write_text("topic read ok/#\n")
    server = start_gateway(f"acl_file {rules}\n")
    done = run("pub", server.sensor_port, "-t", "a", "-q", "1", "-m", "x")
    assert done.returncode == 3
    assert done.stderr == b"Error: PUBLISH: The gateway does not allow it (code 3)\n"
    done = run("pub", server.sensor_port, "-T", "9", "-q", "1", "-m", "x")
    assert done.returncode == 2
    done = run("sub", server.sensor_port, "-T", "9")
    assert (done.returncode, done.stdout) == (2, b"")
    done = run("sub", server.sensor_port, "-t", "ok/1", "-W", "1")
    assert (done.returncode, done.stderr) == (27, b"Timed out\n")


def test_debug_tells_datagrams(start_gateway):
    server = start_gateway()
    done = run("pub", server.sensor_port, "-t", "ab", "-m", "x", "-q", "1", "-d")
    told = [" ".join(line.split()[2:]) for line in done.stderr.decode().splitlines()]
    assert [line.split(",")[0] for line in told] == [
        "DEBUG sent CONNECT", "DEBUG received CONNACK", "DEBUG sent PUBLISH",
        "DEBUG received PUBACK", "DEBUG sent DISCONNECT", "DEBUG received DISCONNECT"]
    done = run("pub", server.sensor_port, "-t", "ab", "-m", "x", "-dd")
    assert b'"ab"' in done.stderr


@pytest.mark.parametrize("options, complaint", [
    (["pub", "-m", "x"], "no topic"),
    (["pub", "-t", "a"], "no message"),
    (["pub", "-t", "a", "-m", "x", "-n"], "more than one message"),
    (["pub", "-t", "a/#", "-m", "x"], "no topic can have that name"),
    (["sub", "-t", "a/#/b"], "it is no topic filter"),
    (["sub", "-t", "a", "-q", "-1"], "subscribe with 0, 1 or 2"),
    (["sub", "-t", "a", "-c"], "-i"),
    (["sub", "-T", "65535"], "1 to 65534"),
    (["sub", "-t", "a", "-F", "%y"], "it is no format"),
    (["sub", "-t", "a", "a"], "no such word"),
    (["rub"], "say pub or sub"),
    (["pub", "-t", "a", "-m", "x", "--wlnid", "y" * 253], "252 bytes"),
    (["pub", "-t", "a", "-m", "x", "--psk", "00"], "--psk-identity, or none"),
    (["pub", "-t", "a", "-m", "x", "--cert", "c"], "--key, or none"),
    (["pub", "-t", "a", "-m", "x", *BY_KEY, "--cafile", "c"], "a key goes without certificates"),
    (["pub", "-t", "ab", "-m", "x", *BY_KEY, "-q", "-1"], "by DTLS give 0, 1 or 2"),
    (["pub", "-t", "a", "-m", "x", *BY_KEY, "--fe"], "do not go by DTLS"),
    (["pub", "-t", "a", "-m", "x", "--cafile", "/nowhere"], "/nowhere: No such file"),
    (["pub", "-t", "a", "-m", "x", "--psk", "xy", "--psk-identity", "x"], "hexadecimal digits"),
])
def test_wrong_words_are_refused(mute_port, options, complaint):
    done = subprocess.run([PROGRAM, "sn", *options[:1], "-p", str(mute_port), *options[1:]],
                          capture_output=True, text=True, timeout=PATIENCE_S)
    assert done.returncode == 1
    assert complaint in done.stderr


@pytest.mark.parametrize("stops", ["stop", "kill"])
def test_by_dtls_with_a_key(start_gateway, tmp_path, stops):
    """Also when the server has been started again and knows of no handshake.

    The session is kept, for a tool that stands still for a moment is lost for one as well.
    """
    (tmp_path / "keys").write_text(f"lamp:{LAMP}\n")
    server = start_gateway(f"psk_hint x\npsk_file {tmp_path}/keys\nuse_identity_as_username true\n")
    with SnSubscriber(server, "lamp", "-c", "-t", "a/#", "-q", "2", "-k", "1", "--retry", "200",
                      "--retries", "20", *BY_KEY) as sub:
        sn_publish(server.sensor_port, "-t", "a/b", "-m", "1", "-q", "2", *BY_KEY)
        sub.await_lines(1)
        getattr(server, stops)()
        server.start()
        until(lambda: 'client.subscribed id="lamp"' in server.log_since_start(),
              "it to come again")
        sn_publish(server.sensor_port, "-t", "a/b", "-m", "2", "-q", "2", *BY_KEY)
        assert sub.await_lines(2) == ["1", "2"]
        assert sub.end() == 0


def test_by_dtls_with_certificates(start_gateway, authority, tmp_path):
    renew_certificate(authority, tmp_path, "/CN=localhost")
    server = start_gateway(f"certfile {tmp_path}/server.pem\nkeyfile {tmp_path}/server.key\n" +
                           mutual(authority, "use_identity_as_username true\n"))
    message = ["-t", "ab", "-m", "x", "-q", "1"]
    sn_publish(server.sensor_port, *message, *trusting(authority, authority.issue("pump")))
    server.await_log('client.connected .*user="pump"')
    done = run("pub", server.sensor_port, *message, *trusting(authority))
    assert done.returncode == 1 and b"handshake failure" in done.stderr
    other = Authority(tmp_path, "other")
    done = run("pub", server.sensor_port, *message, *trusting(other))
    assert done.returncode == 1 and b"certificate" in done.stderr


def test_under_the_names_of_mqtt_sn_tools(start_gateway, tmp_path):
    server = start_gateway()
    for name in "mqtt-sn-pub", "mqtt-sn-sub":
        (tmp_path / name).symlink_to(PROGRAM)
    with Subscriber(server, "-t", "a", show="%p") as heard:
        subprocess.run([tmp_path / "mqtt-sn-pub", "-p", str(server.sensor_port), "-ta", "-mx"],
                       check=True, timeout=PATIENCE_S)
        assert heard.lines(1) == ["x"]
    done = subprocess.run([tmp_path / "mqtt-sn-sub", "--help"], capture_output=True, text=True,
                          timeout=PATIENCE_S)
    assert done.returncode == 0 and "--nap" in done.stdout
    assert "sub {-t FILTER | -T ID}..." in done.stdout


def test_what_other_gateways_do_is_answered():
    """A gateway by script, as the specification has it: REGISTER, congestion, an unknown id."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as gateway:
        gateway.bind(("127.0.0.1", 0))
        gateway.settimeout(PATIENCE_S)
        port = gateway.getsockname()[1]
        with subprocess.Popen(command("sub", port, "-i", "c", "-t", "a/#", "-v", "-C", "1", "-q",
                                      "1"), stdout=subprocess.PIPE, text=True) as sub:
            def exchange(wanted, *answers):
                got, peer = gateway.recvfrom(65535)
                assert got == datagram(wanted), got.hex(" ")
                for answer in answers:
                    gateway.sendto(datagram(answer), peer)
            exchange("07 04 04 01 000A 'c'", "03 05 00")
            exchange("08 12 20 0001 'a/#'", "08 13 20 0000 0001 00", "08 0C 20 0009 0005 'x'")
            exchange("07 0D 0009 0005 02", "09 0A 0009 0001 'a/b'")
            exchange("07 0B 0009 0001 00", "02 16")
            exchange("02 17", "08 0C A0 0009 0005 'x'")
            exchange("07 0D 0009 0005 00")
            exchange("02 18", "02 18")
            assert sub.wait(PATIENCE_S) == 0
            assert sub.stdout.read() == "a/b: x\n"
