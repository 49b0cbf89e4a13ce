# SPDX-License-Identifier: Apache-2.0
"""`nightjar decode`: packets in words, from digits and from captures."""

import csv
import re
import subprocess
from pathlib import Path

import pytest

from server import PROGRAM
from waiting import PATIENCE_S

pytestmark = pytest.mark.ours_only("it is our command")

ROOT = Path(__file__).resolve().parents[2]
CAPTURES = ROOT / "tests" / "fuzz" / "corpus" / "capture"


def decode(*arguments, stdin=""):
    return subprocess.run([PROGRAM, "decode", *map(str, arguments)], input=stdin, text=True,
                          capture_output=True, timeout=PATIENCE_S, check=False)


def headings(done):
    return [line for line in done.stdout.splitlines() if not line.startswith("  ")]


def test_packets_are_told_one_after_the_other():
    digits = "30 06 00 01 61 68 65 79\nc0:00 0xd0,0x00"
    for done in (decode("-V", "4", stdin=digits), decode("-V", 4, *digits.split()),
                 decode("-V", 4, "-", stdin=digits)):
        assert done.returncode == 0, done.stderr
        assert headings(done) == ["PUBLISH from client, 8 bytes", "PINGREQ from client, 2 bytes",
                                  "PINGRESP from server, 2 bytes"]
        assert '  payload                "hey"' in done.stdout.splitlines()



def test_a_connect_says_the_version_of_those_behind_it():
    for level, payload in ("04", "00 68 69"), ("05", '"hi"'):
        properties = "00" if level == "05" else ""
        connect = f"10{13 + len(properties) // 2:02x}00044d515454{level}020000{properties}000163"
        done = decode(connect, "3006000161006869")
        assert done.returncode == 0, done.stdout
        assert done.stdout.splitlines()[-1] == f"  payload                {payload}"


@pytest.mark.parametrize("digits, options, status, told", [
    ("3606000161000500", [], 1, "  ! byte 0: there is no QoS 3 [MQTT5-3.3.1-4]"),
    ("36050001610005", ["-V", "4"], 1, "  ! byte 0: there is no QoS 3 [MQTT311-3.3.1-4]"),
    ("e0018e", ["--from", "client", "-V", "5"], 1,
     "  ! byte 2: a DISCONNECT has no such code from this side [MQTT5-3.14.2-1]"),
    ("e0018e", ["--from", "server"], 0, "  reason                 0x8e Session taken over"),
    ("3006", [], 1, "2 bytes are left, which are no whole packet"),
    ("0218", ["--sn"], 0, "DISCONNECT from client, 2 bytes"),
    ("0203", ["--sn"], 1, "  ! the length or the type is none [SN-5.2.2-1]"),
    ("020a", ["--sn"], 1, "  ! the message's body is not what its type has [SN-5.4.10-1]"),
    ("060e051234f4", ["--sn2", "--from", "server"], 0,
     "  reason                 0xf4 no_virtual_connection"),
    ("0219", ["--sn2"], 1, "  ! Malformed Packet [MQTT-SN 2.0 section 2.1]"),
    ("040c0000", ["--sn2"], 1, "  ! Protocol Error [MQTT-SN 2.0 section 3.11]"),
])
def test_faults_are_told_and_change_the_exit_status(digits, options, status, told):
    done = decode(*options, digits)
    assert told in done.stdout.splitlines()
    assert done.returncode == status


@pytest.mark.parametrize("arguments", [["3g"], ["301"], ["--pcap", "/nonexistent"],
                                       ["--from", "nobody", "c000"], ["--bogus"]])
def test_what_cannot_be_read_is_status_two(arguments):
    done = decode(*arguments)
    assert done.returncode == 2
    assert done.stderr.startswith("nightjar decode: ")
    assert done.stdout == ""


@pytest.mark.parametrize("capture", ["pcap_ethernet", "pcap_big_endian_vlan", "pcap_linux",
                                     "pcapng", "pcapng_big_endian"])
def test_captures_are_put_in_order(capture):
    done = decode("--pcap", CAPTURES / capture)
    assert done.returncode == 0, done.stdout
    assert [re.sub(r"^[\d.]+ ", "", line) for line in headings(done)] == [
        "10.0.0.1:5000 > 10.0.0.2:1883 CONNECT from client, 18 bytes",
        "10.0.0.2:1883 > 10.0.0.1:5000 CONNACK from server, 4 bytes",
        "10.0.0.1:5000 > 10.0.0.2:1883 PUBLISH from client, 8 bytes"]


def test_captures_with_other_things_in_them():
    assert "[101:101:" in decode("--pcap", CAPTURES / "pcap_raw_ipv6").stdout
    done = decode("--pcap", CAPTURES / "pcap_sn", "--sn-port", 1883)
    assert done.returncode == 0
    assert '  short topic            "ab"' in done.stdout.splitlines()
    done = decode("--pcap", CAPTURES / "pcap_http")
    assert done.returncode == 1
    assert "this is HTTP, and no WebSocket" in done.stdout
    done = decode("--pcap", CAPTURES / "pcap_cut")
    assert done.returncode == 1
    assert "the capture is cut short" in done.stdout


def test_a_capture_without_the_servers_port_says_so():
    done = decode("--pcap", CAPTURES / "pcap_ethernet", "--port", 4)
    assert done.returncode == 0 and done.stdout == ""
    assert "port 4 of TCP or 10000 of UDP; name the server's with --port" in done.stderr
    assert decode("--pcap", CAPTURES / "pcap_ethernet").stderr == ""


def test_websockets_are_taken_apart():
    done = decode("--pcap", CAPTURES / "pcap_websocket")
    assert done.returncode == 0, done.stdout
    assert [line.split(" ", 4)[4] for line in headings(done)] == [
        "WebSocket from client, GET /mqtt HTTP/1.1",
        "WebSocket from server, HTTP/1.1 101 Switching Protocols",
        "CONNECT from client, 18 bytes", "CONNACK from server, 4 bytes",
        "PUBLISH from client, 8 bytes", "WebSocket from client, ping",
        "WebSocket from client, close, code 1000"]
    assert '  payload                "hey"' in done.stdout.splitlines()


def statements():
    """The ids of all statements, as tests and messages spell them."""
    known = set()
    for name, prefix in ("mqtt-5.0", "MQTT5-"), ("mqtt-3.1.1", "MQTT311-"), \
            ("mqtt-3.1-delta", ""), ("mqtt-sn-1.2", ""):
        with open(ROOT / "docs" / "spec" / f"{name}.tsv", encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
                known.add(re.sub(r"^MQTT-", prefix, row["id"]))
    return known


def test_each_statement_that_may_be_named_exists():
    named = set()
    for source in "decode_rules.c", "decode_sn.c", "decode_websocket.c":
        text = (ROOT / "src" / "cli" / source).read_text(encoding="utf-8")
        named |= set(re.findall(r'["\[]((?:MQTT5|MQTT311|U5|U311|V31|SN)-[^"\]]+)["\]]', text))
    assert len(named) > 80
    assert named <= statements(), named - statements()
