# SPDX-License-Identifier: Apache-2.0
"""How devices of MQTT-SN find the gateway on a network: ADVERTISE, SEARCHGW, GWINFO."""

import ctypes
import os
import re
import socket
import struct
import subprocess
import time

import pytest

from mosquitto import Subscriber
from sensor import datagram
from server import free_port
from waiting import PATIENCE_S

pytestmark = [pytest.mark.ours_only("MQTT-SN is spoken by this server alone"),
              pytest.mark.datagrams]

CLONE_NEWNET = 0x40000000
GROUP_4, GROUP_6 = "239.192.18.84", "ff02::1884"
HOST_4 = "10.77.0.1"
MULTICAST_ALL_4, MULTICAST_ALL_6 = 49, 29
SEARCHGW = 0x01
QUIET_S = 1  # in which the group is told once, whoever asks
END = "03 00 63"  # an ADVERTISE is too short to be this one


def system(name, *arguments):
    library = ctypes.CDLL(None, use_errno=True)
    if getattr(library, name)(*arguments) != 0:
        raise OSError(ctypes.get_errno(), f"{name} failed, which needs root")


@pytest.fixture
def network():
    """A network of this test alone: this thread is in it, and whatever it starts."""
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    system("unshare", CLONE_NEWNET)
    try:
        for line in ("link set lo up", "link add field type veth peer name uplink",
                     # No address of its own making, which is there only after a while.
                     "link set field addrgenmode none",
                     "link set uplink up", "link set field up",
                     f"addr add {HOST_4}/24 brd + dev field",
                     "addr add fd77::1/64 dev field nodad"):
            subprocess.run(["ip", *line.split()], check=True)
        yield "field"
    finally:
        system("setns", home, CLONE_NEWNET)
        os.close(home)


class Listener:
    """A device that hears the group and speaks to it."""

    def __init__(self, family, group, port, interface):
        self.to = (group, port)
        index = socket.if_nametoindex(interface)
        self.socket = socket.socket(family, socket.SOCK_DGRAM)
        self.socket.settimeout(PATIENCE_S)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET:
            self.socket.bind((group, port))
            self.socket.setsockopt(socket.IPPROTO_IP, MULTICAST_ALL_4, 0)
            self.socket.setsockopt(
                socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP,
                struct.pack("4s4si", socket.inet_aton(group), bytes(4), index))
        else:
            self.socket.bind((group, port, 0, index))
            self.socket.setsockopt(socket.IPPROTO_IPV6, MULTICAST_ALL_6, 0)
            self.socket.setsockopt(
                socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP,
                socket.inet_pton(family, group) + struct.pack("i", index))
        self.asker = socket.socket(family, socket.SOCK_DGRAM)
        self.asker.settimeout(PATIENCE_S)
        if family == socket.AF_INET:
            self.asker.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF,
                                  struct.pack("4s4si", bytes(4), bytes(4), index))
        else:
            self.asker.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, index)

    def hears(self, text):
        """The next datagram to the group but those that devices ask is this one; who said it."""
        while True:
            came, peer = self.socket.recvfrom(2048)
            if came[1] != SEARCHGW:
                break
        assert came == datagram(text), f"expected {text}, got {came.hex(' ')}"
        return peer

    def heard_until(self, text):
        """What has come to the group before this datagram, but what devices ask."""
        heard = []
        while (came := self.socket.recv(2048)) != datagram(text):
            if came[1] != SEARCHGW:
                heard.append(came)
        return heard

    def asks(self, text, answer):
        """It is answered to itself; who answered."""
        self.asker.sendto(datagram(text), self.to)
        came, peer = self.asker.recvfrom(2048)
        assert came == datagram(answer), f"expected {answer}, got {came.hex(' ')}"
        return peer

    def close(self):
        self.socket.close()
        self.asker.close()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()


def test_devices_find_the_gateway(start_server, network):
    port = free_port()
    server = start_server(
        f"threads 3\nsn_gateway_id 7\nsn_advertise_interval 1\nlistener {port}\n"
        "protocol mqttsn\nlistener_allow_anonymous true\n"
        f"sn_multicast {GROUP_4} {GROUP_6}\nsn_multicast_interface {network}\n")
    server.await_log("server.running")
    with Listener(socket.AF_INET, GROUP_4, port, network) as four, \
            Listener(socket.AF_INET6, GROUP_6, port, network) as six:
        for device, host in ((four, HOST_4), (six, None)):
            speaker = device.hears("05 00 07 0001")
            assert device.hears("05 00 07 0001") == speaker
            assert speaker[1] == port and (host is None or speaker[0] == host)
            # Whoever asks is answered from where the gateway is found, and may connect there.
            assert device.asks("03 01 01", "03 02 07") == speaker
            device.asker.sendto(datagram("0A 04 04 01 003C 'clid'"), speaker)
            assert device.asker.recv(2048) == datagram("03 05 00")
            device.asker.sendto(datagram("02 18"), speaker)
            assert device.asker.recv(2048) == datagram("02 18")
        server.stop()
        four.socket.setblocking(False)
        with pytest.raises(BlockingIOError):
            while True:
                four.socket.recv(2048)


def test_the_group_hears_of_one_who_asks_but_not_of_each(start_server, network):
    port = free_port()
    server = start_server(
        f"sn_gateway_id 7\nsn_advertise_interval 0\nlistener {port} {HOST_4}\n"
        "protocol mqttsn\nlistener_allow_anonymous true\nbind_interface field\n"
        f"sn_multicast {GROUP_4}\nsn_multicast_hops 3\n")
    server.await_log("server.running")
    with Listener(socket.AF_INET, GROUP_4, port, network) as device:
        began = time.monotonic()
        for _ in range(20):
            assert device.asks("03 01 02", "03 02 07") == (HOST_4, port)
        # One more, for the server looks at the clock before it reads.
        told_max = 2 + int((time.monotonic() - began) / QUIET_S)
        device.asker.sendto(datagram(END), device.to)
        assert 1 <= device.heard_until(END).count(datagram("03 02 07")) <= told_max
        for text in ("02 16", "05 00 08 0001", "03 02 08", "0A 04 04 01 003C 'clid'", "03", "01"):
            device.asker.sendto(datagram(text), device.to)
            assert device.heard_until(text) == []
        device.asker.setblocking(False)
        with pytest.raises(BlockingIOError):
            device.asker.recv(2048)


def test_who_asks_all_hosts_is_answered_once(start_server, network):
    port = free_port()
    server = start_server(
        f"threads 4\nsn_gateway_id 7\nlistener {port}\nprotocol mqttsn\n"
        "listener_allow_anonymous true\n")
    server.await_log("server.running")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as device, \
            Subscriber(server, "-t", "ab", show="%p") as heard:
        device.settimeout(PATIENCE_S)
        device.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        for text in ("03 01 01", "08 0C 62 'ab' 0000 'x'", "03 01 01", "08 0C 62 'ab' 0000 'y'"):
            device.sendto(datagram(text), ("10.77.0.255", port))
        for _ in range(2):
            assert device.recv(2048) == datagram("03 02 07")
        assert heard.lines(2) == ["x", "y"]
        device.setblocking(False)
        with pytest.raises(BlockingIOError):
            device.recv(2048)


def test_a_group_that_the_listener_cannot_speak_to_is_refused(start_server):
    port = free_port()
    with pytest.raises(AssertionError, match=re.escape(f"the group [{GROUP_6}]:{port}")):
        start_server(
            f"listener {port} 127.0.0.1\nprotocol mqttsn\nlistener_allow_anonymous true\n"
            f"sn_multicast {GROUP_6}\n")
