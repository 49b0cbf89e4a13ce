# SPDX-License-Identifier: Apache-2.0
"""Who comes in and what he may do, by password_file and acl_file.

A table of verdicts is put to our server and to Debian's Mosquitto with the same files. Where
Mosquitto decides otherwise, MOSQUITTOS says so and why.
"""

import re
import select
import signal
import subprocess
from pathlib import Path

import pytest

from server import IS_NIGHTJAR, PROGRAM, Server, free_port
from waiting import until
from wire import V311, V5, Wire, packet, string, subscribe

pytestmark = pytest.mark.ours_only("it starts both servers itself")

MOSQUITTO = Path("/usr/sbin/mosquitto")
SERVERS = {"nightjar": PROGRAM, "mosquitto": MOSQUITTO}

PASSWORDS = {"alice": "wonder", "bob": "builder", "plus+": "p", "hash#": "p", "sl/ash": "p",
             "mute": "m", "admin": "a", "with blank": "b", "%c": "c", "$SYS": "s", "l\u00e9on": "l",
             "colonless": "a:b:c"}

RULES = """\
# Nobody has been named yet: these are for clients without a name.
topic read public/#
topic deny public/secret
topic readwrite anyone/+/box
topic read
topic read $SYS/broker/version
topic read end
user alice
topic alice/#
topic read news/+/today
topic write inbox
topic deny alice/private/#
topic deny news/bad/today
topic read end
topic /slash/#
topic a/+/c/#
user bob
topic read alice/out
topic readwrite bob's topic
topic read end
user plus+
topic read end
topic own
user hash#
topic read end
user sl/ash
topic read end
user mute
topic deny devices/#
topic deny +/mute/#
topic deny a
topic read end
user with blank
topic read words
topic read end
user %c
topic read end
user $SYS
topic read end
user colonless
topic read end
user alice
topic write later
user admin
topic #
topic $SYS/#
topic $test/#
pattern read end
pattern devices/%c/#
pattern deny devices/%c/locked
pattern write users/%u/in
pattern read users/%u/out
pattern pair/%u/%c
pattern joined-%c-here
pattern %c/first
pattern read open/to/all
pattern deny alice/out/denied
"""

# A client: its user name (None: without one) and its client id.
CLIENTS = {
    "nobody": (None, "n1"),
    "nobody+": (None, "n+"),
    "nobody#": (None, "#"),
    "nobody/": (None, "n/1"),
    "alice": ("alice", "a1"),
    "alice+": ("alice", "+"),
    "alice/": ("alice", "a1/x"),
    "bob": ("bob", "b1"),
    "plus": ("plus+", "p1"),
    "hash": ("hash#", "h1"),
    "slash": ("sl/ash", "s1"),
    "mute": ("mute", "m1"),
    "blank": ("with blank", "w1"),
    "percent": ("%c", "victim"),
    "dollar": ("$SYS", "$SYS"),
    "leon": ("l\u00e9on", "\u00e9"),
    "colon": ("colonless", "c1"),
}

# What a client may do with a topic: r, w, rw or nothing.
TABLE = """\
nobody   public                  r
nobody   public/                 r
nobody   public/a/b              r
nobody   public/secret           -
nobody   public/secret/more      r
nobody   publics                 -
nobody   anyone/x/box            rw
nobody   anyone//box             rw
nobody   anyone/x/y/box          -
nobody   anyone/x/box/y          -
nobody   read                    rw
nobody   Public/a                -
nobody   devices/n1/state        rw
nobody   devices/n1              rw
nobody   devices/n2/state        -
nobody   devices/n1/locked       -
nobody   devices/n1/locked/in    rw
nobody   users//in               -
nobody   users/%u/in             -
nobody   users/%u/out            -
nobody   alice/x                 -
nobody   open/to/all             r
nobody   joined-n1-here          rw
nobody   n1/first                rw
nobody   n2/first                -
nobody   pair//n1                -
nobody+  public/a                r
nobody+  devices/n+/state        -
nobody+  devices/nx/state        -
nobody+  open/to/all             -
nobody#  public/a                r
nobody#  devices/x/y             -
nobody#  devices/#               -
nobody/  devices/n/1/state       -
nobody/  devices/n/1/locked      -
nobody/  n/1/first               -
nobody/  open/to/all             r
alice    alice                   rw
alice    alice/x                 rw
alice    alice/private           -
alice    alice/private/x         -
alice    alice/privates          rw
alice    alice/out/denied        rw
alice    news/good/today         r
alice    news/bad/today          -
alice    news/good/tomorrow      -
alice    inbox                   w
alice    later                   w
alice    /slash                  rw
alice    /slash/x                rw
alice    slash/x                 -
alice    a/b/c                   rw
alice    a/b/c/d                 rw
alice    a/b                     -
alice    a//c/d                  rw
alice    public/a                -
alice    read                    -
alice    users/alice/in          w
alice    users/alice/out         r
alice    users/bob/in            -
alice    users/bob/out           -
alice    pair/alice/a1           rw
alice    pair/a1/alice           -
alice    devices/a1/x            rw
alice+   alice/x                 rw
alice+   devices/+/x             -
alice+   devices/any/x           -
alice+   users/alice/out         -
alice/   alice/x                 rw
alice/   devices/a1/x            -
alice/   devices/a1/x/y          -
alice/   users/alice/in          w
alice/   pair/alice/a1/x         -
bob      alice/out               r
bob      alice/out/x             -
bob      bob's@topic             rw
bob      bob's                   -
bob      alice/x                 -
bob      users/bob/in            w
bob      users/bob/out           r
plus     own                     rw
plus     users/plus+/in          -
plus     users/any/in            -
plus     devices/p1/x            -
hash     users/a/out             -
hash     devices/h1/x            -
slash    users/sl/ash/in         -
slash    users/sl/ash/out        -
slash    devices/s1/x            rw
mute     devices/m1/x            -
mute     users/mute/in           -
mute     a                       -
blank    words                   r
blank    users/with@blank/in     w
blank    users/with/in           -
percent  users/%c/in             w
percent  users/victim/in         -
percent  users/victim/out        -
percent  devices/victim/x        rw
dollar   $SYS/first              -
dollar   users/$SYS/in           w
leon     devices/\u00e9/x             rw
leon     users/l\u00e9on/in           w
leon     users/leon/in           -
colon    users/colonless/out     r
admin    anything/at/all         rw
admin    inbox                   rw
admin    $test/x                 -
"""

NO_SLASH = "a '/' in a name would reach into the topics of another name"
NO_DOLLAR = "clients do not publish to topics beginning with $ (docs/decisions/0003)"

# Mosquitto's verdict where it is not ours, and why ours is another.
MOSQUITTOS = {
    ("nobody/", "devices/n/1/state"): ("rw", NO_SLASH),
    ("nobody/", "n/1/first"): ("rw", NO_SLASH),
    ("alice/", "devices/a1/x"): ("rw", NO_SLASH),
    ("alice/", "devices/a1/x/y"): ("rw", NO_SLASH),
    ("alice/", "pair/alice/a1/x"): ("rw", NO_SLASH),
    ("slash", "users/sl/ash/in"): ("w", NO_SLASH),
    ("slash", "users/sl/ash/out"): ("r", NO_SLASH),
    ("admin", "$test/x"): ("rw", NO_DOLLAR),
}
ROUNDS = 200  # of asking for what must come and may come late


def rows():
    return [(client, topic.replace("@", " "), "" if rights == "-" else rights)
            for client, topic, rights in (line.split() for line in TABLE.splitlines())]


def client_of(name):
    user, client_id = CLIENTS.get(name, ("admin", name))
    return user, PASSWORDS.get(user), client_id


def connect(server, user, password, client_id, version=V5, will=None):
    """The connection and its CONNACK's code."""
    flags = 2 | (0x80 if user is not None else 0) | (0x40 if password is not None else 0)
    parts = [string(client_id)]
    if will:
        flags |= 4
        parts += [b"\0" if version == V5 else b"", string(will), string("bye")]
    parts += [string(text) for text in (user, password) if text is not None]
    wire = Wire(server)
    wire.send(packet(0x10, f"00 04 'MQTT' {version:02x}", bytes([flags]), "00 3c",
                     b"\0" if version == V5 else b"", *parts))
    got = wire.receive()
    return wire, got[1][1] if got else None


def connected(server, name, **options):
    wire, code = connect(server, *client_of(name), **options)
    assert code == 0, f"{name} is refused with {code:#x}"
    return wire


def publish(wire, topic, payload, retain=False):
    """Publishes at QoS 1; whether that is allowed."""
    wire.send(packet(0x33 if retain else 0x32, string(topic), "0001 00", payload))
    body = wire.expect_packet(0x40)
    return len(body) < 3 or body[2] < 0x80


def granted(wire, topic_filter):
    wire.send(subscribe(V5, [topic_filter]))
    return wire.expect_packet(0x90)[-1]


def payloads_until_end(wire):
    """Payloads that come, up to the message on the topic "end", which every client may read."""
    seen = set()
    while True:
        first, body = wire.receive()
        assert first & 0xF0 == 0x30, f"got a packet {first:02x}"
        size = int.from_bytes(body[:2], "big")
        if body[2:2 + size] == b"end":
            return seen
        seen.add(body[2 + size + 1:].decode())


def start(directory, kind, config, port=None):
    directory = Path(directory) / kind
    directory.mkdir()
    port = port or free_port()
    server = Server(directory, port, f"user root\nlog_type all\nlog_dest stderr\n"
                                     f"listener {port} 127.0.0.1\n{config}\n")
    server.arguments[0] = str(SERVERS[kind])
    return server.start()


def write_passwords(path, passwords):
    """As mosquitto_passwd writes them."""
    path.write_text("")
    path.chmod(0o600)
    for user, password in passwords.items():
        subprocess.run(["mosquitto_passwd", "-b", path, user, password], check=True,
                       capture_output=True)


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
        if "#" not in topic and "+" not in topic:
            clients.setdefault(client, []).append(topic)
    return clients


def test_the_table_is_a_table():
    assert len(rows()) >= 100
    assert len({row[:2] for row in rows()}) == len(rows())
    assert not MOSQUITTOS.keys() - {row[:2] for row in rows()}


def test_who_may_publish(server):
    allowed = {}
    for client, topics in by_client().items():
        with connected(server, client) as wire:
            for topic in topics:
                allowed[client, topic] = publish(wire, topic, b"x")
    assert not letters(server, "w", allowed)


def wanted(server, client, topics):
    """Those of the topics that the client is to read."""
    may = {topic for name, topic, rights in rows()
           if name == client and "r" in expected(server, name, topic, rights)}
    return may & set(readable(topics))


def payloads(admin, wire, must):
    """Payloads that come. What a group hands out keeps no order with the rest: it may be late."""
    seen = set()
    for _ in range(ROUNDS):
        assert publish(admin, "end", b"")
        seen |= payloads_until_end(wire)
        if must <= seen:
            break
    return seen


def readable(topics):
    """Of these topics: on which the administrator may publish for others to read."""
    return [topic for topic in topics if not topic.startswith("$")]


@pytest.mark.parametrize("share", ["", "$share/g/"], ids=["plain", "shared"])
def test_who_gets_what_is_published(server, share):
    allowed = {}
    with connected(server, "admin") as admin:
        for client, topics in by_client().items():
            if client == "admin":
                continue
            with connected(server, client) as wire:
                for topic in topics:
                    assert granted(wire, share + topic) == 0
                assert granted(wire, "end") == 0
                for topic in readable(topics):
                    assert publish(admin, topic, topic.encode())
                seen = payloads(admin, wire, wanted(server, client, topics))
                for topic in readable(topics):
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


def test_who_gets_what_a_wide_filter_asks_for(server):
    allowed = {}
    topics = readable({topic for _, topic, _ in rows() if not set("#+") & set(topic)})
    with connected(server, "admin") as admin:
        for client, own in by_client().items():
            if client == "admin":
                continue
            with connected(server, client) as wire:
                assert granted(wire, "#") == 0
                for topic in topics:
                    assert publish(admin, topic, topic.encode())
                seen = payloads(admin, wire, wanted(server, client, own))
                for topic in own:
                    allowed[client, topic] = topic in seen
    assert not letters(server, "r", {key: value for key, value in allowed.items()
                                     if not key[1].startswith("$")})


@pytest.mark.parametrize("client, allowed", [
    ("nobody", True), ("admin2", True), ("alice", False), ("dollar", False), ("mute", False),
])
def test_who_reads_what_the_server_says_of_itself(server, client, allowed):
    with connected(server, "admin") as admin:
        assert publish(admin, "end", b"now", retain=True)
        with connected(server, client) as wire:
            wire.send(subscribe(V5, ["$SYS/broker/version", "end"]))
            wire.expect_packet(0x90)
            assert bool(payloads_until_end(wire)) == allowed
        assert publish(admin, "end", b"", retain=True)


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


# What is ours alone ------------------------------------------------------------------------------


@pytest.fixture
def ours(tmp_path):
    """Our server with files of its own, which a test changes."""
    write_passwords(tmp_path / "passwords", {"alice": "wonder", "bob": "builder", "admin": "a"})
    (tmp_path / "rules").write_text(RULES)
    server = start(tmp_path, "nightjar", f"password_file {tmp_path}/passwords\n"
                                         f"acl_file {tmp_path}/rules\nacl_check_subscribe true")
    yield server, tmp_path
    server.stop()


def reload(server, outcome="reloaded"):
    before = server.log().count(f"config.{outcome}")
    server.signal(signal.SIGHUP)
    until(lambda: server.log().count(f"config.{outcome}") > before, f"config.{outcome}")


def test_logins_hold_nobody_up(tmp_path):
    file = tmp_path / "passwords"
    for user in "alice", "bob":
        subprocess.run([PROGRAM, "passwd", "-b", *(["-c"] if user == "alice" else []), file, user,
                        user], check=True)
    server = start(tmp_path, "nightjar", f"password_file {file}\nthreads 1")
    wire, code = connect(server, "alice", "alice", "a")
    assert code == 0
    logins = [Wire(server) for _ in range(10)]
    for number, login in enumerate(logins):
        login.send(packet(0x10, "00 04 'MQTT' 04 c2 00 3c", string(f"b{number}"), string("bob"),
                          string("bob" if number % 2 else "wrong")))
    wire.send("c0 00")
    wire.expect("d0 00")
    # A login takes a tenth of a second; the answer to the ping did not wait for all of them.
    assert not select.select([logins[-1].socket], [], [], 0)[0]
    assert [login.receive()[1][1] for login in logins] == [5, 0] * 5
    server.stop()


def test_a_stop_waits_for_no_login(tmp_path):
    file = tmp_path / "passwords"
    subprocess.run([PROGRAM, "passwd", "-b", "-c", "-I", "1000000", file, "a", "a"], check=True)
    server = start(tmp_path, "nightjar", f"password_file {file}")
    logins = [Wire(server) for _ in range(20)]
    for login in logins:
        login.send(packet(0x10, "00 04 'MQTT' 04 c2 00 3c", string("x"), string("a"), string("a")))
    server.stop()


def test_a_subscription_is_refused_where_that_is_asked_for(ours):
    server, _ = ours
    with connected(server, "alice") as wire:
        for topic_filter, code in [
                ("alice/#", 0), ("alice", 0), ("alice/+/x", 0), ("alice/private/#", 0x87),
                ("alice/private/x", 0x87), ("#", 0x87), ("+/x", 0x87), ("news/+/today", 0),
                ("news/#", 0x87), ("inbox", 0x87), ("$share/g/alice/#", 0), ("$share/g/bob", 0x87),
                ("devices/a1/#", 0), ("devices/+/x", 0x87), ("$SYS/#", 0x87)]:
            assert granted(wire, topic_filter) == code, topic_filter


def test_a_removed_user_is_disconnected_and_the_others_stay(ours):
    server, directory = ours
    with connected(server, "alice") as alice, connected(server, "bob") as bob:
        lines = (directory / "passwords").read_text().splitlines(keepends=True)
        (directory / "passwords").write_text("".join(lines[1:]))
        reload(server)
        alice.expect_end(0x87)
        bob.send("c0 00")
        bob.expect("d0 00")
        assert connect(server, "alice", "wonder", "new")[1] == 0x87
    server.await_log("client.disconnected .*reason=access_withdrawn")


def test_who_has_another_password_is_disconnected(ours):
    server, directory = ours
    with connected(server, "alice") as alice, connected(server, "bob") as bob:
        subprocess.run(["mosquitto_passwd", "-b", directory / "passwords", "alice", "other"],
                       check=True, capture_output=True)
        reload(server)
        alice.expect_end(0x87)
        bob.send("c0 00")
        bob.expect("d0 00")
    assert connect(server, "alice", "wonder", "new")[1] == 0x87
    wire, code = connect(server, "alice", "other", "new")
    assert code == 0
    wire.close()


def test_changed_rights_hold_at_once(ours):
    server, directory = ours
    with connected(server, "bob") as bob, connected(server, "admin") as admin:
        assert granted(bob, "alice/out") == 0
        assert granted(bob, "end") == 0
        assert publish(admin, "alice/out", b"before")
        assert payloads(admin, bob, {"before"}) == {"before"}
        (directory / "rules").write_text(
            RULES.replace("topic read alice/out\ntopic readwrite bob", "topic readwrite bob"))
        reload(server)
        assert publish(admin, "alice/out", b"after")
        assert publish(admin, "end", b"")
        assert payloads_until_end(bob) == set()
        assert granted(bob, "alice/out") == 0x87


@pytest.mark.parametrize("name, line, told", [
    ("rules", "topic red a", r'rules:\d+: \\?"red\\?" is not read, write, readwrite or deny'),
    ("passwords", "carol:secret", r"passwords:4: what follows the ':' is not a hash"),
    ("passwords", "alice:$6$AAAA$AAAA", r"passwords:4: what follows the ':' is not a hash"),
])
def test_a_broken_file_changes_nothing_and_says_where(ours, name, line, told):
    server, directory = ours
    with connected(server, "alice") as alice:
        with open(directory / name, "a") as file:
            file.write(line + "\n")
        reload(server, "kept")
        server.await_log(told)
        alice.send("c0 00")
        alice.expect("d0 00")
        assert publish(alice, "alice/x", b"")
        assert not publish(alice, "bob's topic", b"")
    assert "secret" not in server.log()


@pytest.mark.parametrize("name, line", [("rules", "topic red a"), ("passwords", "carol:secret")])
def test_a_broken_file_stops_the_start(tmp_path, name, line):
    (tmp_path / name).write_text(line + "\n")
    key = {"rules": "acl_file", "passwords": "password_file"}[name]
    (tmp_path / "conf").write_text(f"listener {free_port()} 127.0.0.1\n{key} {tmp_path}/{name}\n")
    done = subprocess.run([PROGRAM, "-c", tmp_path / "conf"], capture_output=True, text=True,
                          timeout=30, check=False)
    assert done.returncode == 3
    assert re.search(rf"Error: .*/{name}:1: ", done.stderr)


def test_the_log_says_which_line_decides(ours):
    server, _ = ours
    with connected(server, "alice") as alice:
        assert not publish(alice, "alice/private/x", b"")
    line = RULES.splitlines().index("topic deny alice/private/#") + 1
    server.await_log(f"access.denied .*action=publish .*/rules line={line}$")
    server.await_log(r'login.checked user="alice" .*/passwords line=1 result=good$')
