# SPDX-License-Identifier: Apache-2.0
"""MQTT-SN over a network that loses, doubles and delays three of ten datagrams each: QoS 1 and 2
keep what they promise, both ways, between `nightjar sn` and the gateway."""

from contextlib import ExitStack

import pytest

from lossy_link import LossyLink
from mosquitto import Subscriber, publish
from sn_tools import SnPublisher, SnSubscriber
from waiting import until

pytestmark = [pytest.mark.ours_only("MQTT-SN is spoken by this server alone"),
              pytest.mark.datagrams]

TROUBLE = 0.3
WARM = 20  # messages before the trouble begins: then it is known that ids rise
SEED = 7


def numbers(first, count):
    return [str(number) for number in range(first, first + count)]


def in_order(lines):
    """The lines without those that came before."""
    return list(dict.fromkeys(lines))


def test_what_a_device_sends_arrives(start_gateway):
    server = start_gateway()
    messages = 30
    retry = ["--retry", "50", "--retries", "255", "-k", "600"]
    with ExitStack() as stack:
        heard, links, pubs = {}, {}, {}
        for qos in 1, 2:
            links[qos] = stack.enter_context(LossyLink(server.sensor_port, SEED + qos))
            heard[qos] = stack.enter_context(Subscriber(server, "-t", f"up/{qos}", "-q", "2"))
            pubs[qos] = stack.enter_context(SnPublisher(
                server, f"device{qos}", "-t", f"up/{qos}", "-q", qos, *retry,
                port=links[qos].port))
            pubs[qos].write("".join(f"{number}\n" for number in numbers(0, WARM)))
        for qos in 1, 2:
            # A server that stands still for a moment is sent one of QoS 1 again.
            until(lambda: len(in_order(heard[qos].lines_until_now())) == WARM, "the first of them")
            links[qos].trouble = TROUBLE
            pubs[qos].write("".join(f"{number}\n" for number in numbers(WARM, messages)))
        for qos in 1, 2:
            pubs[qos].process.stdin.close()
            assert pubs[qos].wait() == 0, pubs[qos].errors.read_text()
            assert all(links[qos].counts.values()), links[qos].counts
        assert heard[2].lines_until_now() == numbers(0, WARM + messages)
        # A late copy may show an old one again; none is missing.
        assert in_order(heard[1].lines_until_now()) == numbers(0, WARM + messages)


def test_what_is_sent_to_devices_arrives(start_gateway):
    """Each has few messages, for the gateway waits a second at least before it says one again."""
    server = start_gateway("sn_retry_interval 1\nsn_retry_interval_max 1\nsn_retries 20\n")
    messages = 3
    retry = ["--retry", "50", "--retries", "255", "-k", "600"]
    with ExitStack() as stack:
        links, subs = {}, {}
        for name in "1a", "1b", "2a", "2b":
            links[name] = stack.enter_context(LossyLink(server.sensor_port, f"{SEED}{name}"))
            subs[name] = stack.enter_context(SnSubscriber(
                server, f"device{name}", "-t", "down", "-q", name[0], *retry,
                port=links[name].port))

        def expect(first, count):
            publish(server, "down", "-l", "-q", "2",
                    stdin="".join(f"{number}\n" for number in numbers(first, count)))
            for name, sub in subs.items():
                # Who stands still for a moment is sent one of QoS 1 again.
                until(lambda: in_order(sub.lines()) == numbers(0, first + count), f"all at {name}")

        expect(0, WARM)
        for link in links.values():
            link.trouble = TROUBLE
        expect(WARM, messages)
        for link in links.values():
            link.trouble = 0
        for name, sub in subs.items():
            assert sub.end() == 0
            assert in_order(sub.lines()) == numbers(0, WARM + messages)
            if name[0] == "2":
                assert sub.lines() == numbers(0, WARM + messages)
