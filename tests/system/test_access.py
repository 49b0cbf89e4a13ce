# SPDX-License-Identifier: Apache-2.0
"""Who comes in and what he may do, by password_file and acl_file.

A table of verdicts is put to our server and to Debian's Mosquitto with the same files. Where
Mosquitto decides otherwise, MOSQUITTOS says so and why.
"""

from contextlib import contextmanager

import pytest

from access import (SERVERS, connect, connected, granted, payloads, payloads_until_end, publish,
                    start, subscribed, write_passwords)
from access_rules import MOSQUITTOS, PASSWORDS, RULES, client_of, rows
from server import free_port
from wire import V5, V311, packet, string, subscribe

pytestmark = pytest.mark.ours_only("it starts both servers itself")

@pytest.fixture(scope="module")
def files(tmp_path_factory):
    directory = tmp_path_factory.mktemp("access")
    write_passwords(directory / "passwords", PASSWORDS)
    (directory / "rules").write_text(RULES)
    return directory


@pytest.fixture(scope="module", params=SERVERS)
def server(request, files):
    server = start(files, request.param, f"allow_anonymous true\npassword_file {files}/passwords\n"
                                         f"acl_file {files}/rules")
    server.kind = request.param
    yield server
    server.kill()


def expected(server, client, topic, rights):
    if server.kind == "mosquitto" and (client, topic) in MOSQUITTOS:
        return MOSQUITTOS[client, topic][0]
    return rights


def letters(server, letter, allowed):
    """Compares who is allowed what with one letter of the table."""
    wrong = []
    for client, topic, rights in rows():
        wanted = letter in expected(server, client, topic, rights)
        if (client, topic) in allowed and allowed[client, topic] != wanted:
            wrong.append(f"{client} {letter} {topic}: {allowed[client, topic]}")
    return wrong


def by_client():
    clients = {}
    for client, topic, _ in rows():
        clients.setdefault(client, []).append(topic)
    return clients


def test_the_table_is_a_table():
    assert len(rows()) >= 210
    assert len({row[:2] for row in rows()}) == len(rows())
    assert not MOSQUITTOS.keys() - {row[:2] for row in rows()}
    assert not [topic for _, topic, _ in rows() if set("#+") & set(topic)]  # nobody can be asked


def test_who_may_publish(server):
    allowed = {}
    for client, topics in by_client().items():
        with connected(server, client) as wire:
            for topic in topics:
                allowed[client, topic] = publish(wire, topic, b"x")
    assert not letters(server, "w", allowed)


def sent(wire, version, qos, topic, payload):
    """Publishes and completes the exchange; the reason in the first answer, or None."""
    wire.send(packet(0x30 | qos << 1, string(topic), "0001" if qos else "",
                     "00" if version == V5 else "", payload.encode()))
    if not qos:
        return None
    body = wire.expect_packet({1: 0x40, 2: 0x50}[qos])
    code = body[2] if len(body) > 2 else 0
    if qos == 2 and code < 0x80:
        wire.send("62 02 0001")
        wire.expect_packet(0x70)
    return code


HIDDEN = ("nobody$", "$x/first")  # what Mosquitto lets nobody read: only the answer can be asked


def writers(server):
    """Who may publish where, of what somebody can read."""
    return {row[:2] for row in rows() if "w" in expected(server, *row) and row[:2] != HIDDEN}


@contextmanager
def watching(server):
    """A publisher of end marks, and a client that reads all that the table is about."""
    with connected(server, "helper") as helper, connected(server, "watcher") as watcher:
        for topic_filter in "#", "$SYS/broker/connection/+/state", "$test/#":
            assert granted(watcher, topic_filter) == 0
        yield helper, watcher


@pytest.mark.parametrize("version, qos", [(V5, 0), (V5, 2), (V311, 0), (V311, 1), (V311, 2)])
def test_what_is_published_goes_on_only_where_that_is_allowed(server, version, qos):
    codes = {}
    with watching(server) as (helper, watcher):
        for client, topics in by_client().items():
            with connected(server, client, version=version) as wire:
                for topic in topics:
                    codes[client, topic] = sent(wire, version, qos, topic, f"{client} {topic}")
                wire.send("c0 00")
                wire.expect("d0 00")
        must = {f"{client} {topic}" for client, topic in writers(server)}
        assert payloads(helper, watcher, must) == must
    if qos and version == V5:
        assert not letters(server, "w", {key: code < 0x80 for key, code in codes.items()})
    elif qos:
        assert set(codes.values()) == {0}  # 3.1.1 has no word for a refusal


def wanted(server, client, topics):
    """Those of the topics that the client is to read."""
    may = {topic for name, topic, rights in rows()
           if name == client and "r" in expected(server, name, topic, rights)}
    return may & set(readable(topics))


def readable(topics):
    """Of these topics: on which the administrator may publish for others to read."""
    return [topic for topic in topics
            if not topic.startswith("$") or topic.endswith("/state")]


@pytest.mark.parametrize("share", ["", "$share/g/"], ids=["plain", "shared"])
def test_who_gets_what_is_published(server, share):
    allowed = {}
    with connected(server, "admin") as admin:
        for client, topics in by_client().items():
            if client == "admin":
                continue
            topics = readable(topics)
            if share and server.kind == "mosquitto":  # 2.0.11 gives groups nothing below $SYS
                topics = [topic for topic in topics if not topic.startswith("$")]
            with connected(server, client) as wire:
                for topic in topics:
                    assert granted(wire, share + topic) == 0
                assert granted(wire, "end") == 0
                for topic in topics:
                    assert publish(admin, topic, topic.encode())
                seen = payloads(admin, wire, wanted(server, client, topics))
                for topic in topics:
                    allowed[client, topic] = topic in seen
    assert not letters(server, "r", allowed)


def test_who_gets_what_is_retained(server):
    allowed = {}
    with connected(server, "admin") as admin:
        assert publish(admin, "end", b"now", retain=True)
        for client, topics in by_client().items():
            if client == "admin":
                continue
            for topic in readable(topics):
                assert publish(admin, topic, topic.encode(), retain=True)
            with connected(server, client) as wire:
                # One SUBSCRIBE for all: what it asks for comes filter by filter.
                wire.send(subscribe(V5, [*readable(topics), "end"]))
                wire.expect_packet(0x90)
                seen = set()
                first, body = wire.receive()
                while body[2:5] != b"end":
                    size = int.from_bytes(body[:2], "big")
                    seen.add(body[2:2 + size].decode())
                    first, body = wire.receive()
                for topic in readable(topics):
                    allowed[client, topic] = topic in seen
            for topic in readable(topics):
                assert publish(admin, topic, b"", retain=True)
        assert publish(admin, "end", b"", retain=True)
    assert not letters(server, "r", allowed)


def test_who_gets_what_is_retained_below_a_wide_filter(server):
    allowed = {}
    with connected(server, "admin") as admin:
        for client, topics in by_client().items():
            topics = [topic for topic in readable(topics) if not topic.startswith("$")]
            if client == "admin":
                continue
            for topic in topics:
                assert publish(admin, topic, topic.encode(), retain=True)
            with connected(server, client) as wire:
                seen = subscribed(wire, "#")
                seen |= payloads(admin, wire, wanted(server, client, topics) - seen)
                for topic in topics:
                    allowed[client, topic] = topic in seen
            for topic in topics:
                assert publish(admin, topic, b"", retain=True)
    assert not letters(server, "r", allowed)


@pytest.mark.parametrize("topic_filter", ["#", "+/#", "$share/wide/#"])
def test_who_gets_what_a_wide_filter_asks_for(server, topic_filter):
    allowed = {}
    topics = {topic for topic in readable([topic for _, topic, _ in rows()])
              if not topic.startswith("$")}
    with connected(server, "admin") as admin:
        for client, own in by_client().items():
            if client == "admin":
                continue
            with connected(server, client) as wire:
                assert granted(wire, topic_filter) == 0
                for topic in topics:
                    assert publish(admin, topic, topic.encode())
                seen = payloads(admin, wire, wanted(server, client, own) & topics)
                for topic in own:
                    allowed[client, topic] = topic in seen
    assert not letters(server, "r", {key: value for key, value in allowed.items()
                                     if not key[1].startswith("$")})


@pytest.mark.parametrize("client, topic, allowed", [
    ("nobody", "$SYS/broker/version", True),
    ("admin2", "$SYS/broker/version", True),
    ("alice", "$SYS/broker/version", False),
    ("dollar", "$SYS/broker/version", False),
    ("mute", "$SYS/broker/version", False),
    ("ivan", "$SYS/broker/version", False),
    ("ivan", "$SYS/broker/uptime", True),
    ("nobody", "$SYS/broker/uptime", False),
])
def test_who_reads_what_the_server_says_of_itself(server, client, topic, allowed):
    with connected(server, "admin2") as reader:
        # Another thread than the one that serves us says it, and may have begun later.
        reader.send(subscribe(V5, [topic]))
        while reader.receive()[0] & 0xF0 != 0x30:
            pass
    with connected(server, "admin") as admin:
        assert publish(admin, "end", b"now", retain=True)
        with connected(server, client) as wire:
            wire.send(subscribe(V5, [topic, "end"]))
            wire.expect_packet(0x90)
            assert bool(payloads_until_end(wire)) == allowed
        assert publish(admin, "end", b"", retain=True)


def test_whose_will_is_published_of_all_the_table(server):
    may = writers(server)
    with watching(server) as (helper, watcher):
        for client, topic, _ in rows():
            wire, code = connect(server, *client_of(client), will=topic, said=f"{client} {topic}")
            # docs/decisions/0020: who relies on a will learns at CONNECT that it is refused.
            is_in = (client, topic) in may or server.kind == "mosquitto"
            assert code == (0 if is_in else 0x87), (client, topic)
            wire.send("e0 01 04")  # an end that asks for the will
            wire.expect_end()
        must = {f"{client} {topic}" for client, topic in may}
        assert payloads(helper, watcher, must) == must


# A will: the client, its topic, whether it is published at the end; at CONNECT ours is refused.
WILLS = [
    ("alice", "alice/will", True),
    ("alice", "alice/private/will", False),
    ("alice", "users/alice/in", True),
    ("alice", "users/bob/in", False),
    ("nobody", "anyone/x/box", True),
    ("nobody", "public/a", False),
    ("nobody", "devices/n1/gone", True),
    ("nobody+", "devices/x/gone", False),
    ("bob", "alice/out", False),
    ("mute", "devices/m1/x", False),
]


@pytest.mark.parametrize("client, topic, allowed", WILLS)
def test_whose_will_is_published(server, client, topic, allowed):
    with connected(server, "admin") as admin, connected(server, "admin2") as watcher:
        assert granted(watcher, topic) == 0
        assert granted(watcher, "end") == 0
        wire, code = connect(server, *client_of(client), will=topic)
        # docs/decisions/0020: who relies on a will learns at CONNECT that it is refused.
        assert code == (0 if allowed or server.kind == "mosquitto" else 0x87)
        wire.close()
        if allowed:
            first, body = watcher.receive()
            assert body.endswith(b"bye")
        else:
            assert publish(admin, "end", b"")
            assert payloads_until_end(watcher) == set()


# UNSUBSCRIBE: the client, what it has subscribed to, what it gives up, and the answers.
UNSUBSCRIPTIONS = [
    ("alice", ["alice/x"], ["alice/x"], [0]),
    ("alice", ["alice/private/x"], ["alice/private/x"], [0]),
    ("alice", [], ["alice/x"], [0x11]),
    ("alice", ["#"], ["alice/x", "#"], [0x11, 0]),
    ("mute", ["devices/#"], ["devices/#", "devices/+"], [0, 0x11]),
    ("nobody", ["$share/g/public/#"], ["public/#", "$share/g/public/#"], [0x11, 0]),
    ("frank", ["public/secret"], ["public/secret"], [0]),
    ("nobody", ["$SYS/#"], ["$SYS/#", "$SYS/broker/#"], [0, 0x11]),
]


@pytest.mark.parametrize("client, before, given_up, codes", UNSUBSCRIPTIONS)
def test_everybody_may_unsubscribe(server, client, before, given_up, codes):
    with connected(server, client) as wire:
        for topic_filter in before:
            wire.send(subscribe(V5, [topic_filter]))
        wire.send(packet(0xA2, "0002 00", *[string(topic_filter) for topic_filter in given_up]))
        while (got := wire.receive())[0] != 0xB0:
            assert got[0] & 0xF0 in (0x30, 0x90)
        assert list(got[1][3:]) == codes


# Who comes in: user name, password, the code for 3.1.1.
LOGINS = [
    (None, None, 0),
    ("alice", "wonder", 0),
    ("alice", "Wonder", 5),
    ("alice", "wonder ", 5),
    ("alice", "", 5),
    ("alice", None, 5),
    ("Alice", "wonder", 5),
    ("alic", "wonder", 5),
    ("alice ", "wonder", 5),
    ("nobody", "wonder", 5),
    ("nobody", None, 5),
    ("bob", "wonder", 5),
    ("bob", "builder", 0),
    ("", None, 0),
    ("plus+", "p", 0),
    ("with blank", "b", 0),
    ("l\u00e9on", "l", 0),
    ("colonless", "a:b:c", 0),
    ("colonless", "a", 5),
    ("%c", "c", 0),
]


@pytest.mark.parametrize("user, password, code", LOGINS)
def test_who_comes_in(server, user, password, code):
    wire, got = connect(server, user, password, "login", version=V311)
    assert got == code
    wire.close()


@pytest.mark.parametrize("user, password, code", LOGINS)
def test_who_comes_in_where_everybody_needs_a_name(files, tmp_path, user, password, code):
    codes = {}
    for kind in SERVERS:
        server = start(tmp_path, kind, f"password_file {files}/passwords")
        codes[kind] = connect(server, user, password, "login", version=V311)[1]
        server.kill()
    assert codes == dict.fromkeys(SERVERS, code if user else 5)


def test_each_listener_may_have_files_of_its_own(files, tmp_path):
    for kind in SERVERS:
        other = free_port()
        server = start(tmp_path, kind, f"allow_anonymous true\nacl_file {files}/rules\n"
                                       f"listener {other} 127.0.0.1\n"
                                       f"password_file {files}/passwords")
        text = server.config_file.read_text()
        server.kill()
        server.config_file.write_text("per_listener_settings true\n" + text)
        server.start()
        with connected(server, "nobody") as wire:
            assert not publish(wire, "alice/x", b"")
        # Nobody checks the name here, but the rules go by it.
        wire, code = connect(server, "alice", "wrong", "x")
        assert code == 0
        assert publish(wire, "alice/x", b"")
        wire.close()
        server.port = other
        assert connect(server, None, None, "x")[1] == 0x87
        assert connect(server, "alice", "wrong", "x")[1] == 0x87
        with connected(server, "alice") as wire:
            assert publish(wire, "bob's topic", b"")
        server.kill()
