# SPDX-License-Identifier: Apache-2.0
"""What keeps one client from costing the others too much, shown with real clients.

The exact numbers are shown by tests/conformance/protection_test.c, where the clock is a false one.
"""

import re
import time
from contextlib import ExitStack

import pytest

from paho_client import V5, V311, Client
from waiting import lasted, seconds_of, until
from wire import V5 as WIRE_V5
from wire import V311 as WIRE_V311
from wire import Wire, connect, packet, publish, string

pytestmark = pytest.mark.ours_only("Mosquitto has no such limits")

ONE, OTHER = "127.0.0.1", "127.0.0.2"  # two addresses of this machine


def expect_quick_service(client):
    """Who does nothing wrong is served as ever."""
    until(lambda: seconds_of(lambda: client.publish("quiet", "x", 1)) < 1, "quick service")


@pytest.mark.sanitizer
@pytest.mark.config("id_fight_max 4")
def test_fight_for_an_id_is_slowed_and_both_are_named(server):
    with Client(server, "quiet") as quiet:
        quiet.subscribe("quiet", 1)
        fighters = []
        for turn in range(9):
            source, user = ((ONE, "ada"), (OTHER, "bob"))[turn % 2]
            began = time.monotonic()
            fighters.append(Client(server, "twin", source=source, user=(user, None)))
            # Four times at once, then so many seconds at least.
            assert lasted(began, (0, 0, 0, 0, 0, 0.1, 0.2, 0.4, 0.8)[turn]), turn
            expect_quick_service(quiet)
        line = server.await_log(r'client\.id_fight id="twin" .*').group()
        assert set(re.findall(r"peer=(127\.0\.0\.[12]):\d+", line)) == {ONE, OTHER}
        assert re.search(r'\buser="bob"', line) and re.search(r'other_user="ada"', line)
        for fighter in fighters[:-1]:
            fighter.expect_end(0x8E)
        fighters[-1].disconnect()


@pytest.mark.config("flapping_max 3\nflapping_window 600")
def test_client_that_is_lost_again_and_again_waits(server):
    for turn, least in enumerate((0, 0, 0, 0, 0.1, 0.2, 0.4)):
        began = time.monotonic()
        client = Client(server, "flapping")
        assert lasted(began, least), turn
        assert ("client.flapping" in server.log()) == (least > 0), "who waits is told of"
        client.drop()
        until(lambda: server.log().count('client.disconnected id="flapping"') == turn + 1,
              "the server to notice")
    server.await_log(r'client\.flapping id="flapping" peer=127\.0\.0\.1:\d+ .*times=1 delay_ms=100')
    until(lambda: seconds_of(lambda: Client(server, "steady").disconnect()) < 1,
          "another one not to wait")


@pytest.mark.config("threads 4\nsessions_per_user_max 3\nsys_interval 1")
def test_user_has_so_many_sessions_on_all_threads_together(server):
    with ExitStack() as stack:
        for number in range(3):
            stack.enter_context(Client(server, f"ada{number}", user=("ada", "x")))
        with Wire(server) as fourth:
            fourth.send(packet(0x10, "00 04 'MQTT' 05 82 00 3c 00", string("ada3"), string("ada")))
            assert fourth.receive()[1][1] == 0x97
            fourth.expect_end()
        watcher = stack.enter_context(Client(server, "bob", user=("bob", "x")))
        watcher.subscribe("$SYS/broker/clients/refused/sessions_per_user_max", 0)
        until(lambda: "1" in watcher.payloads(), "the count")
    server.await_log('client.refused id="ada3" .*reason=quota_exceeded user="ada" '
                     'text=".*sessions_per_user_max')


def test_client_that_reconnects_once_does_not_wait(server):
    """Its old connection may still be there, or be lost: that is no fight."""
    first = Client(server, "device")
    second = Client(server, "device")
    first.expect_end(0x8E)
    second.drop()
    with Client(server, "device"):
        pass
    assert not re.search(r"client\.(id_fight|flapping)", server.log())


@pytest.mark.sanitizer
@pytest.mark.parametrize("qos", [0, 1])
def test_publisher_that_is_too_fast_loses_nothing(start_server, qos):
    server = start_server("packet_rate_max 1000\nmax_queued_messages 0")
    with Client(server, "reader") as reader, \
            Wire(server) as hasty:
        reader.subscribe("t", qos)
        began = time.monotonic()
        hasty.send(connect(WIRE_V311, "hasty", keepalive_s=1),
                   *[publish(WIRE_V311, "t", str(number).encode(), qos, number + 1)
                     for number in range(2500)], "c0 00")
        hasty.expect("20 02 00 00")
        for number in range(2500 if qos else 0):
            assert hasty.expect_packet(0x40) == (number + 1).to_bytes(2, "big")
        hasty.expect("d0 00")  # though it had to lie for longer than Keep Alive allows
        reader.take(2500)
        assert time.monotonic() - began > 1.4  # a second's worth came at once
        assert reader.payloads() == [str(number) for number in range(2500)]
        assert reader.ended is None
    server.await_log(r'client\.throttled id="hasty" peer=\S+ limit=packet_rate_max times=1')


def test_publisher_of_large_messages_is_held_to_its_bytes(start_server):
    server = start_server("byte_rate_max 1M")
    payload = bytes(100_000)
    with Client(server, "reader") as reader, Client(server, "large") as large:
        reader.subscribe("t", 1)

        def is_told():
            """Not where the machine was so slow that nobody had to be held."""
            before, began = len(reader.messages), time.monotonic()
            for _ in range(25):
                large.send("t", payload, 1)
            reader.take(before + 25)
            assert time.monotonic() - began > 1.2
            return re.search(r'client\.throttled id="large" peer=\S+ limit=byte_rate_max',
                             server.log())

        until(is_told, "it to be told")


@pytest.mark.sanitizer
@pytest.mark.parametrize("threads", [1, 4])
def test_fattest_queue_gives_way_and_thin_ones_lose_nothing(start_server, threads):
    server = start_server(f"threads {threads}\nmemory_limit 24M\nmax_queued_messages 0\n"
                          "persistence false")  # or the fat one would wait on disk
    thin = [f"thin{number}" for number in range(30)]
    for name in ["fat", *thin]:
        with Client(server, name, V311, clean=False) as client:
            client.subscribe(name, 1)
    with Client(server, "publisher", V5) as publisher:
        for number in range(10):
            for name in thin:
                publisher.send(name, f"{number} ".ljust(1000), 1)
        # Ten times what the server may take for all.
        for number in range(8000):
            say = publisher.send if number % 100 else publisher.publish  # no wait is for all of it
            say("fat", f"{number} ".ljust(30_000), 1)
        publisher.publish("done", "", 1)
        for name in thin:
            publisher.publish(name, "last", 1)
    for name in thin:
        with Client(server, name, V311, clean=False) as client:
            numbers = [message.payload.split()[0].decode() for message in client.take(11)]
            assert numbers == [str(number) for number in range(10)] + ["last"]
    with Client(server, "fat", V311, clean=False) as client:
        until(lambda: client.messages and client.messages[-1].payload.startswith(b"7999 "),
              "the last of what the fat one keeps")
        numbers = [int(message.payload.split()[0]) for message in client.messages]
        assert numbers == list(range(8000 - len(numbers), 8000)) and 250 < len(numbers) < 800
    log = server.log()
    assert "memory.short" in log
    dropped = re.findall(r'message\.dropped id="([^"]*)".*?reason=(\S+) limit=(\S+)', log)
    assert set(dropped) == {("fat", "memory_eviction", "memory_limit")}
    assert "publish.refused" not in log


@pytest.mark.sanitizer
def test_publishers_are_refused_where_nothing_can_give_way(start_server):
    """Retained messages fill the memory: to wait would be to wait for ever."""
    server = start_server("memory_limit 16M\nmax_queued_messages 0")
    with Wire(server).connected(WIRE_V5, "hoarder") as hoarder:
        codes = []
        for number in range(1, 801):
            hoarder.send(packet(0x33, string(f"t/{number}"), number.to_bytes(2, "big"), b"\0",
                                bytes(30_000)))
            codes.append(hoarder.expect_packet(0x40)[2:3])
        for number in range(1, 61):
            hoarder.send(packet(0x33, string(f"t/{number}"), number.to_bytes(2, "big"), b"\0"))
            assert hoarder.expect_packet(0x40)[2:3] < b"\x80"
        hoarder.send(packet(0x33, string("t/1"), b"\0\1", b"\0", bytes(30_000)))
        assert hoarder.expect_packet(0x40)[2:3] < b"\x80", "there is room again, and at once"
    refused = [code for code in codes if code >= b"\x80"]
    assert 200 < len(refused) < 500 and not any(code >= b"\x80" for code in codes[:300])


@pytest.mark.sanitizer
def test_unfinished_packets_give_way(start_server):
    """Many clients that each send most of a large packet, and then no more."""
    server = start_server("memory_limit 16M\nmessage_size_limit 0")
    most_of_it = packet(0x30, string("t"), b"\0", bytes(1_900_000))[:-1000]
    with Client(server, "quiet") as quiet, ExitStack() as stack:
        quiet.subscribe("quiet", 1)
        talker = stack.enter_context(Wire(server)).connected(WIRE_V5, "talker")

        def is_taken():
            """Who comes while a thread has not ended its own hoarders yet may be told to wait."""
            talker.send(publish(WIRE_V5, "quiet", b"x", 1))
            return talker.expect_packet(0x40)[2:3] < b"\x80"

        for number in range(30):
            hoarder = stack.enter_context(Wire(server)).connected(WIRE_V5, f"hoarder{number}")
            try:
                hoarder.send(most_of_it)
            except OSError:
                pass  # it has been ended already
            until(is_taken, "room for a small message")
        quiet.take(30)
        server.await_log(r'client\.disconnected id="hoarder\d+" .*reason=memory_eviction')
        assert quiet.ended is None
