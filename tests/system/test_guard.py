# SPDX-License-Identifier: Apache-2.0
"""The protections that go by address: each from loopback addresses of its own."""

import re
import signal
import time
from contextlib import ExitStack

import pytest

from access import write_passwords
from paho_client import Client
from waiting import elapse, in_time, lasted, until
from websocket_wire import BINARY, FIN, frame, request
from wire import V5, V311, Wire, connect, octets, packet, string

pytestmark = pytest.mark.ours_only("Mosquitto has no limits by address")

ELSEWHERE = "127.0.0.2"  # 127.0.0.1 is exempt where nothing else is said
SAME_MAX = 4  # of a few guesses, that the server takes for one
OLD_S = 0.5  # so old makes room for others who have not connected either
ACCEPTED = "20 02 00 00"
PROXIED = "listener {port} 127.0.0.1\nenable_proxy_protocol 1"


def header(address):
    return f"PROXY TCP4 {address} 127.0.0.1 41312 1883\r\n".encode()


def comes_in(server, source=None, first=b"", client_id="c"):
    """Whether a client from there is let in."""
    with Wire(server, source=source) as wire:
        wire.send(first, connect(V311, client_id))
        got = wire.receive()
        assert got in (None, (0x20, octets("00 00"))), got
        return got is not None


def log_in(server, password, source=ELSEWHERE, user="ada", first=b""):
    """A login's answer: the code of CONNACK, or None for a close; and the seconds it took."""
    with Wire(server, source=source) as wire:
        start = time.monotonic()
        wire.send(first, packet(0x10, "00 04 'MQTT' 04 c2 00 3c", string(f"c{password}"),
                                string(user), string(password)))
        got = wire.receive()
        return got and got[1][1], time.monotonic() - start


def guess_until_banned(server, least, **how):
    """Wrong logins until the address is banned; a few in a hundred count as the same one again."""
    for count in range(least + SAME_MAX):
        code, _ = log_in(server, f"wrong{count}", **how)
        if code is None:
            break
        assert code == 5
    assert least <= count < least + SAME_MAX


@pytest.fixture
def start_locked(start_server, tmp_path):
    """A function that starts a server which knows ada, whose password is "good"."""
    write_passwords(tmp_path / "passwords", {"ada": "good"})

    def start(config, **options):
        return start_server(f"password_file {tmp_path}/passwords\nallow_anonymous false\n{config}",
                            **options)

    return start


def reload(server, old, new):
    """Changes the configuration and waits until it holds."""
    before = server.log().count("config.reloaded")
    server.config_file.write_text(server.config_file.read_text().replace(old, new))
    server.signal(signal.SIGHUP)
    until(lambda: server.log().count("config.reloaded") > before, "the reload")


# Lists of addresses ------------------------------------------------------------------------------


@pytest.mark.sanitizer
@pytest.mark.config("allow_address 127.0.0.1, 127.9.0.0/16\ndeny_address 127.9.9.0/24")
def test_a_listener_is_for_some_addresses_and_not_for_others(server):
    assert comes_in(server)
    assert comes_in(server, "127.9.0.1")
    assert not comes_in(server, "127.9.9.1")
    assert not comes_in(server, "127.8.0.1")
    server.await_log(r"connection\.refused peer=127\.9\.9\.1:\d+ .*limit=deny_address")
    server.await_log(r"connection\.refused peer=127\.8\.0\.1:\d+ .*limit=allow_address")


@pytest.mark.sanitizer
@pytest.mark.config("deny_address 192.0.2.1")
def test_a_reload_ends_those_who_are_denied(server):
    with Wire(server, source="127.0.0.5").connected(V5, "five") as five, \
            Wire(server, source="127.0.0.6").connected(V5, "six") as six, \
            Wire(server, source="127.0.0.5") as half:
        half.send("10 0e 00 04")
        reload(server, "deny_address 192.0.2.1", "deny_address 127.0.0.5")
        five.expect_end(0x87)
        half.expect_end()
        six.send("c0 00")
        six.expect("d0 00")
    server.await_log(r'client\.disconnected id="five" .*address')
    assert not comes_in(server, "127.0.0.5")


@pytest.mark.sanitizer
def test_behind_a_proxy_the_clients_address_counts(start_server):
    server = start_server(listener=f"{PROXIED}\nallow_address 10.0.0.0/8\ndeny_address 10.0.0.7")
    assert comes_in(server, first=header("10.0.0.8"))
    assert not comes_in(server, first=header("10.0.0.7"))
    assert not comes_in(server, first=header("192.0.2.1"))
    server.await_log(r"connection\.refused peer=10\.0\.0\.7:41312 .*limit=deny_address")
    server.await_log(r"connection\.refused peer=192\.0\.2\.1:41312 .*limit=allow_address")
    assert not re.search(r"connection\.ended peer=(10\.0\.0\.7|192)", server.log())


def test_behind_a_web_proxy_the_clients_address_counts(start_server):
    server = start_server(listener="listener {port} 127.0.0.1\nprotocol websockets\n"
                                   "trusted_proxies 127.0.0.1\ndeny_address 192.0.2.7")
    for address, told in (("192.0.2.8", r'client\.connected id="c" peer=192\.0\.2\.8'),
                          ("192.0.2.7", r"connection\.refused peer=192\.0\.2\.7.*deny_address")):
        forwarded = f"\r\nX-Forwarded-For: {address}\r\n\r\n".encode()
        with Wire(server) as wire:
            wire.send(request().replace(b"\r\n\r\n", forwarded),
                      frame(FIN | BINARY, connect(V311, "c")))
            server.await_log(told)


# Connections -------------------------------------------------------------------------------------


@pytest.mark.sanitizer
@pytest.mark.config("connection_rate_max 5\nsys_interval 1")
def test_an_address_opens_so_many_connections_a_second(server):
    began = time.monotonic()
    with ExitStack() as stack:
        wires = [stack.enter_context(Wire(server, source=ELSEWHERE)) for _ in range(100)]
        for number, wire in enumerate(wires):
            wire.send(connect(V311, f"c{number}"))
        good = sum(wire.receive() is not None for wire in wires)
    assert 10 <= good <= 10 + 5 * (time.monotonic() - began) + 1
    assert comes_in(server, "127.0.0.3")
    assert all(comes_in(server) for _ in range(20))
    server.await_log(r"connection\.refused peer=127\.0\.0\.2:\d+ .*limit=connection_rate_max")
    with Client(server, "watcher") as watcher:
        watcher.subscribe("$SYS/broker/connections/refused/connection_rate_max")
        until(lambda: str(100 - good) in watcher.payloads(), "$SYS to tell")


@pytest.mark.sanitizer
@pytest.mark.config("max_connections_per_address 3")
def test_an_address_has_so_many_connections(server):
    with ExitStack() as stack:
        for i in range(3):
            last = stack.enter_context(Wire(server, source=ELSEWHERE).connected(V311, f"c{i}"))
        assert not comes_in(server, ELSEWHERE)
        assert comes_in(server, "127.0.0.3")
        last.close()
        until(lambda: comes_in(server, ELSEWHERE), "a place to be free")
    server.await_log("connection.refused .*limit=max_connections_per_address")


@pytest.mark.config("max_connections_per_address 1\nexempt_address none")
def test_nobody_need_be_exempt(server):
    def came_in():
        wire = Wire(server)
        wire.send(connect(V311, "c"))
        return wire if wire.receive() else wire.close()

    with until(came_in, "the starter's own connection to be gone"):
        assert not comes_in(server)


# Logins ------------------------------------------------------------------------------------------


@pytest.mark.sanitizer
def test_wrong_logins_are_answered_later_and_later(start_locked):
    server = start_locked("login_delay_max 1")
    times_s = []
    for i in range(6):
        code, seconds = log_in(server, f"wrong{i}")
        assert code == 5
        times_s.append(seconds)
    assert times_s[4] > 0.15 and times_s[5] > 0.3, times_s
    code, seconds = log_in(server, "good")
    assert code == 0
    assert log_in(server, "good", source="127.0.0.3")[0] == 0


@pytest.mark.sanitizer
def test_so_many_wrong_logins_ban_an_address(start_locked):
    server = start_locked("login_failures_max 4\nlogin_ban_time 600\nlogin_delay_max 0\n"
                          "sys_interval 1")
    inside = Wire(server, source=ELSEWHERE)
    # Connected is not yet taken in: another thread may be at the ban before.
    server.await_log(rf"connection\.opened peer={ELSEWHERE}:{inside.socket.getsockname()[1]} ")
    guess_until_banned(server, 4)
    assert log_in(server, "good")[0] is None
    server.await_log(r'address\.banned address=127\.0\.0\.2 limit=login_failures_max failures=\d '
                     r'seconds=600 user="ada"')
    server.await_log("connection.refused .*login_failures_max")  # a close may be seen before
    for _ in range(20):
        assert log_in(server, "good")[0] is None
    assert len(re.findall("connection.refused .*login_failures_max", server.log())) == 1
    assert log_in(server, "good", source="127.0.0.3")[0] == 0
    with inside:  # who was there before may go on
        inside.send(packet(0x10, "00 04 'MQTT' 04 c2 00 3c", string("in"), string("ada"),
                           string("good")))
        inside.expect(ACCEPTED)


def test_a_ban_ends(start_locked):
    server = start_locked("login_failures_max 1\nlogin_ban_time 2\nlogin_delay_max 0")
    began = time.monotonic()
    assert log_in(server, "wrong")[0] == 5
    until(lambda: log_in(server, "good")[0] == 0, "the end of the ban")
    assert lasted(began, 2)
    assert server.log().count("address.banned") == 1


def test_the_same_wrong_password_again_bans_nobody(start_locked):
    server = start_locked("login_failures_max 4\nlogin_delay_max 0")
    for _ in range(20):
        assert log_in(server, "old")[0] == 5
    assert log_in(server, "good")[0] == 0


def test_the_exempt_are_neither_slowed_nor_banned(start_locked):
    server = start_locked("login_failures_max 4")
    for i in range(20):
        assert log_in(server, f"wrong{i}", source=None)[0] == 5
    assert log_in(server, "good", source=None)[0] == 0


@pytest.mark.sanitizer
def test_behind_a_proxy_the_clients_address_is_banned(start_locked):
    server = start_locked("login_failures_max 2\nlogin_delay_max 0", listener=PROXIED)
    guess_until_banned(server, 2, source=None, first=header("192.0.2.7"))
    assert log_in(server, "good", source=None, first=header("192.0.2.7"))[0] is None
    assert log_in(server, "good", source=None, first=header("192.0.2.8"))[0] == 0


def test_a_reload_without_the_limit_lets_the_banned_in(start_locked):
    server = start_locked("login_failures_max 1\nlogin_delay_max 0")
    assert log_in(server, "wrong")[0] == 5
    assert log_in(server, "good")[0] is None
    reload(server, "login_failures_max 1", "login_failures_max 0")
    assert log_in(server, "good")[0] == 0


# Handshakes --------------------------------------------------------------------------------------


@pytest.mark.sanitizer
@pytest.mark.config("threads 1\nhandshakes_max 4")
def test_the_oldest_without_a_connect_make_room(server):
    def some_have_to_wait():
        """Four are in, four wait in the system's queue, and so does the fifth of those who speak.
        But where this machine is slow, those who are in are old enough whenever one comes."""
        with ExitStack() as stack:
            silent = [stack.enter_context(Wire(server, source=f"127.0.0.{10 + i}"))
                      for i in range(8)]
            assert comes_in(server)
            for wire in silent[:4]:
                wire.expect_end()
        return "accept.waits limit=handshakes_max handshakes=4" in server.log()

    until(some_have_to_wait, "nine who come within half a second")
    server.await_log(r"connection\.refused peer=127\.0\.0\.10:\d+ .*limit=handshakes_max")


@pytest.mark.sanitizer
@pytest.mark.config("handshakes_per_address_max 3")
def test_an_address_has_so_many_handshakes(server):
    sources = map("127.0.1.{}".format, range(1, 255))

    def open_three(stack, source):
        for _ in range(3):
            wire = stack.enter_context(Wire(server, source=source))
            port = wire.socket.getsockname()[1]
            server.await_log(f"connection.opened peer={source}:{port} ")  # by whatever thread

    def is_full(source):
        with ExitStack() as stack:
            open_three(stack, source)
            assert not comes_in(server, source)

    in_time(OLD_S, lambda: is_full(next(sources)))
    with ExitStack() as stack:
        open_three(stack, ELSEWHERE)
        assert comes_in(server, "127.0.0.3")
        until(lambda: comes_in(server, ELSEWHERE), "one to be old enough")
    server.await_log("connection.refused .*limit=handshakes_per_address_max")


@pytest.mark.sanitizer
def test_one_who_says_late_who_he_is_makes_no_room_for_himself(start_server):
    server = start_server("threads 1\nhandshakes_per_address_max 2", listener=PROXIED)

    def late_comes():
        with ExitStack() as stack:
            late = stack.enter_context(Wire(server))
            late.send(header("10.0.0.7"))
            server.await_log(f"connection.opened peer=127.0.0.1:{late.socket.getsockname()[1]} ")
            elapse(1)  # old enough to make room
            for _ in range(2):
                stack.enter_context(Wire(server)).send(header("10.0.0.7"), "10")
            assert not comes_in(server, first=header("10.0.0.7"))
            late.send(connect(V311, "late"))
            assert late.receive() is None

    in_time(1 + OLD_S, late_comes)
    assert comes_in(server, first=header("10.0.0.8"))


@pytest.mark.config("threads 1\nhandshakes_per_address_max 2")
def test_who_has_just_come_is_not_as_old_as_the_silence_before(server):
    sources = map("127.0.1.{}".format, range(1, 255))

    def is_full(source):
        elapse(1)
        with ExitStack() as stack:
            for _ in range(2):
                stack.enter_context(Wire(server, source=source))
            assert not comes_in(server, source)

    in_time(1 + OLD_S, lambda: is_full(next(sources)))


@pytest.mark.sanitizer
def test_a_reload_that_trusts_a_proxy_counts_nobody_twice(start_server):
    server = start_server(
        "threads 1\nmax_connections_per_address 9",
        listener="listener {port} 127.0.0.1\nprotocol websockets\ntrusted_proxies 192.0.2.9")
    forwarded = request().replace(b"\r\n\r\n", b"\r\nX-Forwarded-For: 192.0.2.7\r\n\r\n")
    with Wire(server, source=ELSEWHERE) as silent, Wire(server, source=ELSEWHERE) as client:
        until(lambda: server.log().count(f"connection.opened peer={ELSEWHERE}") == 2,
              "them to be taken in")
        reload(server, "trusted_proxies 192.0.2.9", f"trusted_proxies {ELSEWHERE}")
        silent.send(forwarded)
        client.send(forwarded, frame(FIN | BINARY, connect(V311, "c")))
        server.await_log('client.connected id="c"')
    server.await_log('client.disconnected id="c"')


def test_who_is_in_is_no_handshake(start_server):
    server = start_server("threads 1\nhandshakes_max 2\nhandshakes_per_address_max 2")
    with ExitStack() as stack:
        for i in range(10):
            stack.enter_context(Wire(server, source=ELSEWHERE).connected(V311, f"c{i}"))
    assert "connection.refused" not in server.log()


@pytest.mark.parametrize("listener, half", [
    ("listener {port} 127.0.0.1\nprotocol websockets", b"GET / HTTP/1.1\r\nHost: x\r\n"),
    ("listener {port} 127.0.0.1\nprotocol websockets", request()),
    (PROXIED, b"PROXY TCP4 10.0"),
    (PROXIED, header("10.0.0.7") + b"\x10"),
])
def test_the_time_to_connect_is_for_all_layers_together(start_server, listener, half):
    server = start_server("connect_timeout 2", listener=listener)
    start = time.monotonic()
    with Wire(server) as wire:
        wire.send(half[:-1])
        elapse(1)
        wire.send(half[-1:])
        try:
            while wire.socket.recv(4096):
                pass
        except ConnectionResetError:  # it was over before the last byte
            pass
    assert 1.5 < time.monotonic() - start
    server.await_log("connection.ended .*reason=connect_timeout")
