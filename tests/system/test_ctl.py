# SPDX-License-Identifier: Apache-2.0
"""`nightjar ctl` and the control socket that it speaks to, with real clients connected."""

import json
import os
import re
import signal
import subprocess

import pytest

import access
from control import Control
from paho_client import V311, Client
from server import LOCATION, PROGRAM, common_config, free_port, is_open
from waiting import PATIENCE_S, until
from wire import V5, Wire, connect, packet, string, subscribe

pytestmark = pytest.mark.ours_only("Mosquitto 2.0.11 has no control socket")

KICKED = 0x98


def unsubscribe(wire, topic_filter):
    """Whatever retained messages come before the UNSUBACK."""
    wire.send(packet(0xA2, "0002 00", string(topic_filter)))
    while wire.receive()[0] != 0xB0:
        pass


@pytest.fixture
def control(tmp_path):
    return Control(tmp_path)


@pytest.fixture
def served(start_server, control):
    return start_server(control.config())


# Who is there ------------------------------------------------------------------------------------


@pytest.mark.sanitizer
def test_status_tells_what_the_server_is_and_does(served, control):
    with Client(served, "a") as a, Client(served, "b", V311) as b:
        b.subscribe("t", 1)
        a.publish("t", "x", 1)
        b.take(1)
        until(lambda: control.ask("status")["messages"]["delivered"] == 1, "the acknowledgement")
        until(lambda: control.ask("status")["listeners"][0]["connections"] == 2,
              "the look at its port to be over")
        status = control.ask("status")
        assert status["pid"] == served.pid
        assert status["control_socket"] == str(control.path)
        assert status["config_file"] == str(served.config_file)
        assert status["clients"] == status["sessions"] == 2
        assert status["subscriptions"] == 1
        assert status["retained"] == 0  # and the server's own are not counted
        a.publish("elsewhere", "x", 1, True)
        assert control.ask("status")["retained"] == 1
        assert [row["port"] for row in status["listeners"]] == [served.port]
        assert status["listeners"][0]["connections"] == 2
        messages = status["messages"]
        assert messages["matched"] == 1 and messages["waiting"] == 0
        assert 0 < status["memory"]["used"] < status["memory"]["limit"]  # by default there is one
        assert status["last_reload"] is None and status["warnings"] == []
        shown = control.run("status")
        assert "MB set aside on disk, messages in it: " in shown
        assert f"listener           {served.port} 127.0.0.1, mqtt, connections: 2" in shown


def test_status_repeats_the_warnings_of_the_configuration(start_server, control):
    server = start_server(control.config() + "autosave_interval 5\n")
    assert server.is_alive()
    warnings = control.ask("status")["warnings"]
    assert [row["severity"] for row in warnings] == ["warning"]
    assert re.search(r"server\.conf:\d+: autosave_interval", warnings[0]["text"])
    assert warnings[0]["text"] in control.run("status")


def test_status_knows_a_listener_that_speaks_tls_by_keys(start_server, control, tmp_path):
    (tmp_path / "keys").write_text("lamp:00112233445566778899aabbccddeeff\n")
    server = start_server(control.config() + f"psk_hint garden\npsk_file {tmp_path}/keys\n")
    wanted = re.compile(rf"^listener +{server.port} .*, mqtt over TLS, connections: 0$", re.M)
    until(lambda: wanted.search(control.run("status")), "the look at its port to be over")


def test_clients_are_listed_whole_and_in_part(served, control):
    clients = [Client(served, f"sensor/{i}", user=(f"u{i % 3}", "")) for i in range(20)]
    clients.append(Client(served, "pump", V311, clean=False))
    clients[-1].disconnect()
    rows = control.ask("clients")["clients"]
    assert sorted(row["id"] for row in rows) == sorted(c.client_id for c in clients)

    def ids(*words):
        return sorted(row["id"] for row in control.ask("clients", *words)["clients"])

    assert ids("--connected") == sorted(f"sensor/{i}" for i in range(20))
    assert ids("--id", "sensor/1?") == sorted(f"sensor/{i}" for i in range(10, 20))
    assert ids("--id", "*p") == ["pump"]
    assert ids("--user", "u2", "--id", "*1*") == ["sensor/11", "sensor/14", "sensor/17"]
    assert ids("--user", "") == ["pump"]
    assert len(ids("--address", "127.0.0.0/8")) == len(ids("--listener", str(served.port))) == 20
    assert ids("--address", "10.0.0.0/8") == ids("--listener", "1") == []
    assert len(control.run("clients").splitlines()) == 22
    assert len(control.run("clients", "--limit", "5").splitlines()) == 6
    for client in clients:
        client.disconnect()


def test_a_page_after_the_other_lists_everyone_once(served, control):
    wires = [Wire(served) for _ in range(50)]
    for number, wire in enumerate(wires):
        wire.send(connect(V5, f"c{number}"), subscribe(V5, ["a", "b/+", f"c/{number}"]))
    until(lambda: control.ask("status")["subscriptions"] == 150, "all subscriptions")
    for command, count in ("clients", 50), ("subscriptions", 150):
        found, request = [], {"command": command, "limit": 7}
        while request:
            answer, = control.say(json.dumps(request).encode())
            rows = answer["answer"][command]
            assert len(rows) <= 7
            found += [(row["id"], row.get("filter")) for row in rows]
            after = answer["answer"]["next"]
            request = after and {**request, "after": after}
        assert len(found) == len(set(found)) == count
    for wire in wires:
        wire.socket.close()


@pytest.mark.sanitizer
def test_all_about_one_client_and_its_account_adds_up(served, control):
    client = Client(served, "c", will=("gone", "bye", 1, True, {"WillDelayInterval": 700}),
                    SessionExpiryInterval=6000, ReceiveMaximum=2, user=("ada", ""))
    client.subscribe("t/#", 1)
    client.subscribe("$share/g/s", 2)
    with Client(served, "p") as publisher:
        publisher.publish("t/1", "x", 1)
        client.take(1)
        until(lambda: control.ask("client", "c")["client"]["account"]["delivered"] == 1,
              "the acknowledgement")
        client.drop()
        for number in range(5):
            publisher.publish("t/2", str(number), 1)
        publisher.publish("t/3", "", 0)
    until(lambda: control.ask("client", "c")["client"]["account"]["matched"] == 7, "the last")
    told = control.ask("client", "c")["client"]
    assert told["user"] == "ada" and not told["connected"]
    assert 5900 <= told["expires_s"] <= 6000
    assert sorted((row["filter"], row["qos"]) for row in told["filters"]) == [
        ("$share/g/s", 2), ("t/#", 1)]
    assert told["will"] == {"topic": "gone", "qos": 1, "retain": True, "payload_bytes": 3,
                            "delay_s": 700}
    account = told["account"]
    assert account["matched"] == 7 and account["delivered"] == 1 and account["waiting"] == 5
    assert account["dropped"]["offline"] == 1
    assert account["matched"] == (account["delivered"] + account["waiting"] + account["expired"]
                                  + sum(account["dropped"].values()))
    shown = control.run("client", "c")
    assert re.search(r"^  dropped offline +1$", shown, re.M)
    assert control.run("client", "nobody", status=1) == "there is no such client\n"


def test_subscriptions_that_a_topic_matches_are_found(served, control):
    with Client(served, "a") as a, Client(served, "b") as b:
        a.subscribe("home/+/light", 1)
        a.subscribe("$share/g/home/#")
        b.subscribe("other")
        found = control.ask("subscriptions", "--topic", "home/hall/light")["subscriptions"]
        assert sorted((row["id"], row["filter"]) for row in found) == [
            ("a", "$share/g/home/#"), ("a", "home/+/light")]
        assert len(control.ask("subscriptions")["subscriptions"]) == 3
        assert control.ask("subscriptions", "--id", "b")["subscriptions"][0]["filter"] == "other"
        assert "FILTER" in control.run("subscriptions")


def test_what_clients_are_called_does_not_write_to_the_terminal(served, control):
    wire = Wire(served)
    wire.send(connect(V5, "a\x1b[31m\x07\u009b2J"))
    wire.receive()
    shown = control.run("clients")
    assert "a?[31m??2J" in shown and "\x1b" not in shown and "\u009b" not in shown
    wire.socket.close()


# Kick --------------------------------------------------------------------------------------------


@pytest.mark.sanitizer
@pytest.mark.parametrize("client_id", ["a", "b", "c", "d"])  # homes on several threads
def test_a_kicked_client_is_told_why(served, control, client_id):
    client = Client(served, client_id, SessionExpiryInterval=100)
    assert control.run("kick", client_id, "--reason", "maintenance") == "its connection is ended\n"
    until(lambda: client.ended is not None, "the end of the connection")
    assert client.ended == KICKED
    served.await_log(f'client.disconnected id="{client_id}" .*reason=administrative_action')
    assert control.run("kick", client_id, status=1) == "it is not connected\n"
    assert control.run("kick", "nobody", status=1) == "there is no such client\n"
    client.paho.loop_stop()


def test_a_kicked_client_of_3_1_1_is_closed(served, control):
    client = Client(served, "old", V311)
    control.run("kick", "old")
    client.expect_end()


# Bans --------------------------------------------------------------------------------------------


def test_a_ban_is_listed_and_lifted(start_server, control, tmp_path):
    passwords = tmp_path / "passwords"
    access.write_passwords(passwords, {"ada": "right"})
    server = start_server(control.config() + f"password_file {passwords}\nexempt_address none\n"
                          "login_failures_max 3\nlogin_delay_max 0\n")
    assert control.ask("bans")["bans"] == []
    guesses = map(str, range(12))  # a few in a hundred count as the same one again

    def after_a_guess():
        _, code = access.connect(server, "ada", next(guesses), "x")
        assert code
        return control.ask("bans")["bans"][0]

    while after_a_guess()["failures"] < 2:
        pass
    assert control.ask("bans")["bans"] == [
        {"network": "127.0.0.1", "failures": 2, "banned_s": 0}]
    assert re.search(r"^127\.0\.0\.1 +2 +-$", control.run("bans"), re.M)
    while not (ban := after_a_guess())["banned_s"]:
        pass
    assert ban["banned_s"] > 500
    assert re.search(r"^127\.0\.0\.1 .* (9m|10m 0s)", control.run("bans"), re.M)
    banned, code = access.connect(server, "ada", "right", "x")
    assert code is None
    assert control.run("unban", "192.0.2.7", status=1) == "it has no wrong logins\n"
    control.run("unban", "127.0.0.1")
    _, code = access.connect(server, "ada", "right", "x")
    assert code == 0
    control.run("unban", "localhost", status=2)


# Explain -----------------------------------------------------------------------------------------

RULES = """\
topic read news/#
topic read end
user root
topic #
topic $SYS/#
user ada
topic read end
topic readwrite home/#
topic deny home/alarm
topic write out/+/x
user bob
topic read end
topic read home/+/light
topic read $SYS/broker/uptime
user eve
topic read end
pattern readwrite dev/%c/#
pattern read user/%u/in
pattern deny dev/%c/secret
"""

# user, client id, topic, r, w and s for what is allowed, and the line that decides of the first
REQUESTS = [
    ("", "c1", "news/today", "r.s", 1),
    ("", "c1", "home/x", "...", None),
    ("", "c1", "dev/c1/state", "rws", 17),
    ("", "c1", "dev/c2/state", "...", None),
    ("", "c1", "dev/c1/secret", "...", 19),
    ("", "c1", "$SYS/broker/uptime", "...", None),
    ("ada", "c2", "home/x", "rws", 8),
    ("ada", "c2", "home", "rws", 8),
    ("ada", "c2", "home/alarm", "...", 9),
    ("ada", "c2", "out/1/x", ".w.", None),
    ("ada", "c2", "out/1/y", "...", None),
    ("ada", "c2", "news/today", "...", None),
    ("ada", "c2", "user/ada/in", "r.s", 18),
    ("ada", "c2", "user/bob/in", "...", None),
    ("ada", "c2", "dev/c2", "rws", 17),
    ("ada", "a/b", "dev/a/b/c", "...", None),
    ("bob", "c3", "home/hall/light", "r.s", 13),
    ("bob", "c3", "home/light", "...", None),
    ("bob", "c3", "$SYS/broker/uptime", "r.s", 14),
    ("bob", "c3", "$SYS/broker/version", "...", None),
    ("bob", "c3", "dev/c3/a/b/c", "rws", 17),
    ("bob", "c3", "end", "r.s", 12),
    ("eve", "c4", "news/today", "...", None),
    ("eve", "c4", "user/eve/in", "r.s", 18),
    ("eve", "c4", "user/eve/out", "...", None),
    ("eve", "c4", "dev/c4/secret", "...", 19),
    ("root", "c5", "a/b/c", "rws", 4),
    ("root", "c5", "$SYS/broker/version", "r.s", 5),
    ("root", "c5", "$other", "...", None),
    ("root", "c5", "dev/c5/secret", "rws", 4),
]


def who():
    """Each client of the table with its topics."""
    found = {}
    for user, client_id, topic, _, _ in REQUESTS:
        found.setdefault((user, client_id), []).append(topic)
    return found.items()


def heard_of_everything(server, writer, user, client_id, topics):
    """The topics whose messages reach a client that has asked for all."""
    wire, code = access.connect(server, user or None, None, client_id)
    assert code == 0
    assert access.granted(wire, "#") < 0x80 and access.granted(wire, "$SYS/#") < 0x80
    for topic in topics:
        if not topic.startswith("$"):  # those are retained, and the server's own
            assert access.publish(writer, topic, b"")
    assert access.publish(writer, "end", b"")
    heard = set()
    while "end" not in heard or ("$SYS/broker/uptime" in topics and user == "bob"
                                 and "$SYS/broker/uptime" not in heard):
        first, body = wire.receive()
        assert first & 0xF0 == 0x30
        heard.add(body[2:2 + int.from_bytes(body[:2], "big")].decode())
    wire.socket.close()
    return heard


def explained(control, user, client_id, action, topic):
    """What `ctl explain` says, whose status says the same."""
    words = ["explain", user or "-", client_id, action, "--", topic]
    done = subprocess.run([PROGRAM, "ctl", "--socket", control.path, "--json", *words],
                          capture_output=True, timeout=PATIENCE_S, check=False)
    decision, = json.loads(done.stdout)["answer"]["decisions"]
    assert done.returncode == (0 if decision["allowed"] else 1)
    return decision


def test_explain_says_what_then_happens(start_server, control, tmp_path):
    rules = tmp_path / "rules"
    rules.write_text(RULES)
    # What is told of the server itself is told once: a later one might come after an UNSUBACK.
    server = start_server(control.config() + f"acl_file {rules}\nsys_interval 3600\n")
    writer, _ = access.connect(server, "root", None, "writer")
    for (user, client_id), topics in who():
        heard = heard_of_everything(server, writer, user, client_id, topics)
        for topic in topics:
            if topic not in ("$SYS/broker/version", "$other"):  # a fleeting and a missing one
                told = explained(control, user, client_id, "read", topic)
                assert told["allowed"] == (topic in heard), (user, client_id, topic, told)
    server.config_file.write_text(server.config_file.read_text() + "acl_check_subscribe true\n")
    assert "acl_check_subscribe changes from false to true" in control.run("reload")
    for (user, client_id), topics in who():
        wire, _ = access.connect(server, user or None, None, client_id)
        for topic in topics:
            for action, happened in (("write", access.publish(wire, topic, b"")),
                                     ("subscribe", access.granted(wire, topic) < 0x80)):
                told = explained(control, user, client_id, action, topic)
                assert told["allowed"] == happened, (user, client_id, action, topic, told)
                assert not told["by_name_alone"]
                if happened and action == "subscribe":
                    unsubscribe(wire, topic)
        wire.socket.close()


@pytest.mark.sanitizer
def test_explain_names_the_rule_that_decides(start_server, control, tmp_path):
    rules = tmp_path / "rules"
    rules.write_text(RULES)
    config = f"acl_file {rules}\nacl_check_subscribe true\n"
    server = start_server(control.config() + config)
    for user, client_id, topic, rights, line in REQUESTS:
        for action, letter in ("read", "r"), ("write", "w"), ("subscribe", "s"):
            told = explained(control, user, client_id, action, topic)
            assert told["allowed"] == (letter in rights), (user, client_id, action, topic, told)
            assert told["by_name_alone"]
            if action == "read":
                assert told["because"] == (f"{rules}:{line}" if line
                                           else f"no rule of {rules} fits")
            offline = subprocess.run(
                [PROGRAM, "-c", server.config_file, "--explain", user or "-", client_id, action,
                 topic], text=True, capture_output=True, timeout=PATIENCE_S, check=False)
            assert offline.returncode == (0 if letter in rights else 1)
            assert told["because"] in offline.stdout
    for action, topic, because in (
            ("write", "$SYS/x", "topics beginning with $ are the server's own"),
            ("write", "a/+", "it is no topic name"),
            ("subscribe", "a/#/b", "it is no topic filter"),
            ("subscribe", "/".join("a" * 201), "topic_levels_max")):
        assert explained(control, "root", "x", action, topic)["because"] == because


def test_explain_goes_by_the_listener(start_server, control, tmp_path):
    other = free_port()
    rules = tmp_path / "rules"
    rules.write_text("topic read news\n")
    start_server(f"acl_file {rules}\nlistener {other} 127.0.0.1\nallow_anonymous true\n"
                 + control.config(),
                 listener="per_listener_settings true\nlistener {port} 127.0.0.1")
    shown = control.run("explain", "-", "x", "write", "news", status=1)
    assert len(shown.splitlines()) == 2 and "there is no acl_file" in shown
    control.run("explain", "-", "x", "write", "news", "--listener", str(other))
    assert "no listener has that port" in control.run(
        "explain", "-", "x", "write", "news", "--listener", "1", status=2)


@pytest.mark.parametrize("is_there", [True, False])
def test_explain_knows_what_a_mount_point_leaves_out(start_server, control, tmp_path, is_there):
    rules = tmp_path / "rules"
    rules.write_text("topic readwrite #\n")
    server = start_server(f"mount_point m/\nacl_file {rules}\nacl_check_subscribe true\n"
                          f"strict_text true\n{control.config()}")
    if is_there:
        wire, _ = access.connect(server, None, None, "c")

    for action, full, happens in (
            ("write", "m/a", True), ("write", "a", False), ("write", "m/", False),
            ("write", "m/$SYS/a", False), ("write", "m/a\u0001", False),
            ("read", "m/a", True), ("read", "a", False), ("read", "m/$SYS/a", True),
            ("subscribe", "m/#", True), ("subscribe", "#", False), ("subscribe", "m", False),
            ("subscribe", "$share/g/m/a", True), ("subscribe", "$share/g/a", False),
            ("subscribe", "m/\u0001", False)):
        told = explained(control, "", "c", action, full)
        assert told["allowed"] == happens, (action, full, told)
        assert told["by_name_alone"] != is_there
        offline = subprocess.run(
            [PROGRAM, "-c", server.config_file, "--explain", "-", "c", action, full], text=True,
            capture_output=True, timeout=PATIENCE_S, check=False)
        assert offline.returncode == (0 if happens else 1) and told["because"] in offline.stdout
        if is_there and "m/" in full and full != "m/" and action != "read":
            inside = full.replace("m/", "", 1)
            assert happens == (access.publish(wire, inside, b"") if action == "write"
                               else access.granted(wire, inside) < 0x80)


def test_explain_refuses_what_is_no_port(served, control):
    for port in -1, 65536, served.port + (1 << 32):
        answer, = control.say(json.dumps({"command": "explain", "user": "", "client": "c",
                                          "action": "read", "topic": "t",
                                          "listener": port}).encode())
        assert not answer["ok"] and "port" in answer["problem"]


# Files -------------------------------------------------------------------------------------------


@pytest.mark.sanitizer
def test_a_broken_reload_keeps_everything_and_says_where(served, control):
    good = served.config_file.read_text()
    served.config_file.write_text(good + "max_qos 1\nmax_keepalive never\n")
    shown = control.run("reload", status=1)
    line = good.count("\n") + 2
    assert re.search(rf"^error: .*server\.conf:{line}: max_keepalive never", shown, re.M)
    assert "failed: nothing is changed" in shown
    last = control.ask("status")["last_reload"]
    assert not last["applied"]
    with Client(served, "a") as client:
        assert not hasattr(client.connack, "MaximumQoS")
    assert "usable" in control.ask("diff", status=1)
    assert "the file cannot be used" in control.run("diff", status=1)
    served.config_file.write_text(good)
    assert "values that changed: 0" in control.run("reload")
    assert control.ask("status")["last_reload"]["applied"]


def test_diff_says_what_a_reload_would_change_and_changes_nothing(served, control, tmp_path):
    assert control.run("diff") == ""
    good = served.config_file.read_text()
    first = good.count("\n") + 1
    served.config_file.write_text(good + "max_queued_messages 7\nset_tcp_nodelay true\n")
    rows = control.ask("diff", status=1)["differences"]
    assert [(row["key"], row["old"], row["new"], row["line"], row["effect"]) for row in rows] == [
        ("max_queued_messages", "1000", "7", first, "live"),
        ("set_tcp_nodelay", "false", "true", first + 1, "restart")]
    assert "max_queued_messages: 1000 -> 7 (live)" in control.run("diff", status=1)
    control.run("reload")
    rows = control.ask("diff", status=1)["differences"]
    assert [row["key"] for row in rows] == ["set_tcp_nodelay"]
    other = tmp_path / "other.conf"
    other.write_text(good)
    keys = {row["key"] for row in control.ask("diff", str(other), status=1)["differences"]}
    assert keys == {"max_queued_messages"}
    offline = subprocess.run([PROGRAM, "-c", other, "--diff", served.config_file], text=True,
                             capture_output=True, timeout=PATIENCE_S, check=False)
    assert offline.returncode == 1
    assert "max_queued_messages: 1000 -> 7 (live)" in offline.stdout


# The socket --------------------------------------------------------------------------------------


def serves(control):
    """Whether one more is answered, where too many are there, or have just been."""
    try:
        with control.connect() as connection, connection.makefile("rb") as answers:
            connection.sendall(b'{"command":"status"}\n')
            return answers.readline()
    except ConnectionError:
        return b""


@pytest.mark.sanitizer
def test_hostile_lines_hurt_nobody(served, control):
    strange = [b"", b"x", b"[" * 100000, b'{"command":"kick"}', b'{"command":"status","x":1}',
               b'{"command":"clients","id":"' + b"*" * 257 + b'"}',
               b'{"command":"clients","limit":0}', b'{"command":"clients","limit":1e9}',
               b'{"command":"clients","after":"99.1.1"}', b'{"command":"clients","after":"x"}',
               b'{"command":"clients","after":"-1.-1.-1"}', b'{"command":"kick","id":"a\\u0000b"}',
               b'{"command":"kick","id":"a","reason":"' + b"r" * 201 + b'"}',
               b'{"command":"client","id":"' + b"i" * 70000 + b'"}',
               b'{"command":"explain","user":"","client":"","action":"read","topic":""}',
               b'{"command":"diff","file":"/dev/null/x"}', b"\xff\xfe"]
    for line in strange:
        answer, = control.say(line)
        assert answer["ok"] in (True, False)
        assert answer["ok"] or answer["problem"]
    with control.connect() as endless:
        with pytest.raises(OSError):
            while True:
                endless.sendall(b"y" * 65536)
    with control.connect() as careless:
        careless.sendall(b'{"command":"status"}\n' * 200)  # and reads nothing of it
        silent = [control.connect() for _ in range(20)]
        served.await_log("control.refused")
        for connection in silent:
            connection.close()
    until(lambda: serves(control), "the server to answer")
    with Client(served, "a"):
        assert control.ask("status")["clients"] == 1


def test_another_user_is_not_served(served, control, tmp_path):
    """Whatever the socket's mode is; only root can try that."""
    if os.geteuid() != 0:
        return
    for folder in [tmp_path, *tmp_path.parents]:
        folder.chmod(folder.stat().st_mode | 0o005)
    assert control.path.stat().st_mode & 0o777 == 0o600
    control.path.chmod(0o666)
    asked = subprocess.run(
        ["/usr/bin/python3", "-c",
         "import socket, sys\ns = socket.socket(socket.AF_UNIX)\ns.connect(sys.argv[1])\n"
         "try:\n s.sendall(b'{\"command\":\"status\"}\\n')\n print(s.recv(9))\n"
         "except OSError:\n print(b'')", control.path],
        user=65534, group=65534, text=True, capture_output=True, timeout=PATIENCE_S, check=False)
    assert asked.stdout.strip() == "b''", asked.stderr
    served.await_log("control.refused user=65534")


def test_the_socket_goes_to_the_user_that_the_server_becomes(tmp_path):
    """Who may not read a file gets no line of it by `diff`."""
    if os.geteuid() != 0:
        return
    control, port, config = Control(tmp_path), free_port(), tmp_path / "server.conf"
    secret = tmp_path / "secret"
    secret.write_text("not_a_key 1\n")
    secret.chmod(0o600)
    for folder in [tmp_path, *tmp_path.parents]:
        folder.chmod(folder.stat().st_mode | 0o005)
    config.write_text(f"user nobody\nlistener {port} 127.0.0.1\ncontrol_socket {control.path}\n"
                      "persistence false\n")
    with subprocess.Popen([PROGRAM, "-c", config], stderr=subprocess.DEVNULL) as server:
        until(lambda: is_open("127.0.0.1", port), "the server")
        assert control.path.owner() == "nobody"
        shown = subprocess.run([PROGRAM, "ctl", "-s", control.path, "diff", secret], text=True,
                               user="nobody", group="nogroup", capture_output=True, check=False,
                               timeout=PATIENCE_S).stdout
        assert "Permission denied" in shown and "not_a_key" not in shown
        server.terminate()


def test_a_server_without_a_place_for_the_socket_says_so(open_folder):
    """A stranger to /run/nightjar; another server that has it just now is told as well."""
    if os.geteuid() != 0:
        return
    open_folder.chmod(0o777)
    with subprocess.Popen([PROGRAM, "-p", str(free_port())], user=65533, group=65533, text=True,
                          env={"XDG_RUNTIME_DIR": "/nowhere", LOCATION: str(open_folder / "data")},
                          stderr=subprocess.PIPE) as server:
        log = ""
        while "server.running" not in log:
            line = server.stderr.readline()
            assert line, log
            log += line
        server.terminate()
    assert re.search(r"control\.(nowhere|taken) text=.*control_socket", log)


def test_a_daemon_keeps_its_sockets(control, tmp_path):
    port, log = free_port(), tmp_path / "log"
    config = tmp_path / "daemon.conf"
    common = common_config().replace("log_dest stderr", f"log_dest file {log}")
    config.write_text(f"{common}{control.config()}allow_anonymous true\n"
                      f"listener {port} 127.0.0.1\nlistener 0 {tmp_path}/door\n")
    subprocess.run([PROGRAM, "-d", "-c", config], check=True, timeout=PATIENCE_S)
    until(lambda: "server.running" in log.read_text(), "the daemon")
    status = control.ask("status")
    try:
        assert [row["port"] for row in status["listeners"]] == [port, 0]
        assert (tmp_path / "door").is_socket()
    finally:
        os.kill(status["pid"], signal.SIGTERM)
    until(lambda: not control.path.exists() and not (tmp_path / "door").exists(), "its end")


def test_two_servers_do_not_share_a_socket(served, control, tmp_path):
    port = free_port()
    config = tmp_path / "second.conf"
    config.write_text(f"listener {port} 127.0.0.1\nuser root\ncontrol_socket {control.path}\n")
    second = subprocess.run([PROGRAM, "-c", config], text=True, capture_output=True,
                            timeout=PATIENCE_S, check=False)
    assert second.returncode == 1
    assert f'control.failed path={control.path} text="another server has it;' in second.stderr
    assert control.ask("status")["pid"] == served.pid
    served.stop()
    assert not control.path.exists()


@pytest.mark.alone("there is one usual place on a machine")
def test_the_usual_place_is_found_by_both_and_left_to_who_has_it(tmp_path, monkeypatch):
    """As a user to whom /run is closed, and a folder below it that a server as nobody has left."""
    folder = tmp_path / "run"
    folder.mkdir()
    nobody = {"user": 65533, "group": 65533, "extra_groups": []} if os.geteuid() == 0 else {}
    if nobody:
        os.chown(folder, 65533, 65533)
        for above in [tmp_path, *tmp_path.parents]:
            above.chmod(above.stat().st_mode | 0o005)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
    servers = []
    try:
        for _ in range(2):
            port = free_port()
            monkeypatch.setenv(LOCATION, str(folder / f"data{port}"))
            log = open(tmp_path / f"log{port}", "w+", encoding="utf-8")
            servers.append((log, subprocess.Popen(
                [PROGRAM, "-p", str(port), "-v"], cwd="/", stderr=log, stdout=log, **nobody)))
            until(lambda: is_open("127.0.0.1", port), f"a server on port {port}")
        status = subprocess.run([PROGRAM, "ctl", "-j", "status"], text=True, capture_output=True,
                                timeout=PATIENCE_S, check=True, **nobody)
        assert json.loads(status.stdout)["answer"]["pid"] == servers[0][1].pid
        until(lambda: "control.taken" in (tmp_path / f"log{port}").read_text(), "it to be told")
    finally:
        for log, process in servers:
            process.terminate()
            process.wait()
            log.close()
    assert not (folder / "nightjar" / "control.sock").exists()


def test_without_a_server_the_status_is_3(tmp_path):
    done = subprocess.run([PROGRAM, "ctl", "--socket", tmp_path / "none", "status"], text=True,
                          capture_output=True, timeout=PATIENCE_S, check=False)
    assert done.returncode == 3
    assert "is the server running" in done.stderr


@pytest.mark.parametrize("words", [
    [], ["nothing"], ["kick"], ["status", "x"], ["status", "--id", "x"],
    ["clients", "--reason", "x"],
    ["clients", "--limit", "0"], ["clients", "--listener", "70000"], ["explain", "a", "b", "read"],
    ["clients", "--no-such"], ["kick", "a", "--limit", "3"],
])
def test_a_wrong_command_line_ends_with_2(control, words):
    done = subprocess.run([PROGRAM, "ctl", "--socket", control.path, *words], text=True,
                          capture_output=True, timeout=PATIENCE_S, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("nightjar ctl: ")


# Signals -----------------------------------------------------------------------------------------


def test_usr2_lists_all_subscriptions_in_the_log(served):
    with Client(served, "a", user=("ada", "")) as client:
        for number in range(250):
            client.subscribe(f"t/{number}", 1)
        served.signal(signal.SIGUSR2)
        served.await_log("subscriptions.listed subscriptions=250")
    listed = re.findall(r'subscription.listed id="a" user="ada" filter="(t/\d+)" qos=1 connected=1',
                        served.log())
    assert sorted(listed) == sorted(f"t/{number}" for number in range(250))


def test_usr1_makes_a_checkpoint(served, control):
    before = control.ask("status")["store"]["checkpoints"]
    with Client(served, "kept", V311, clean=False) as client:
        client.subscribe("t", 1)
    served.signal(signal.SIGUSR1)
    served.await_log("store.checkpoint")
    until(lambda: control.ask("status")["store"]["checkpoints"] > before, "a checkpoint")


def test_a_checkpoint_can_be_asked_for(served, control):
    assert control.ask("checkpoint") == {"begun": True}
    assert "archive" in control.run("checkpoint")


def test_without_persistence_there_is_nothing_to_save(start_server, control):
    server = start_server(control.config() + "persistence false")
    server.signal(signal.SIGUSR1)
    server.await_log("store.nothing")
    assert "persistence is false" in control.run("checkpoint", status=2)
    assert control.ask("status")["store"] is None
    assert "store              none" in control.run("status")
