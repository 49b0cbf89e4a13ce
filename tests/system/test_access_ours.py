# SPDX-License-Identifier: Apache-2.0
"""What is ours alone of who comes in and what he may do: at once, told, and never half."""

import re
import select
import subprocess

import pytest

from access import (connect, connected, granted, payloads, payloads_until_end, publish, reload,
                    start, write_passwords)
from access_rules import RULES
from server import PROGRAM, free_port
from waiting import PATIENCE_S, in_time
from wire import Wire, packet, string

pytestmark = pytest.mark.ours_only("it starts our server itself")


@pytest.fixture
def ours(tmp_path):
    """Our server with files of its own, which a test changes."""
    write_passwords(tmp_path / "passwords", {"alice": "wonder", "bob": "builder", "admin": "a"})
    (tmp_path / "rules").write_text(RULES)
    server = start(tmp_path, "nightjar", f"password_file {tmp_path}/passwords\n"
                                         f"acl_file {tmp_path}/rules\nacl_check_subscribe true")
    yield server, tmp_path
    server.stop()


def test_logins_hold_nobody_up(tmp_path):
    file = tmp_path / "passwords"
    for user in "alice", "bob":
        subprocess.run([PROGRAM, "passwd", "-b", *(["-c"] if user == "alice" else []), file, user,
                        user], check=True)
    server = start(tmp_path, "nightjar",
                   f"password_file {file}\nthreads 1")
    wire, code = connect(server, "alice", "alice", "a")
    assert code == 0

    def log_in():
        logins = [Wire(server) for _ in range(10)]
        for number, login in enumerate(logins):
            login.send(packet(0x10, "00 04 'MQTT' 04 c2 00 3c", string(f"b{number}"),
                              string("bob"), string("bob" if number % 2 else "wrong")))
        wire.send("c0 00")
        wire.expect("d0 00")
        # A login takes a tenth of a second; the answer to the ping did not wait for all of them.
        assert not select.select([logins[-1].socket], [], [], 0)[0]
        return logins

    # Far less than ten logins take.
    logins = in_time(0.1, log_in)
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
                          timeout=PATIENCE_S, check=False)
    assert done.returncode == 3
    assert re.search(rf"Error: .*/{name}:1: ", done.stderr)


def test_the_log_says_which_line_decides(ours):
    server, _ = ours
    with connected(server, "alice") as alice:
        assert not publish(alice, "alice/private/x", b"")
    line = RULES.splitlines().index("topic deny alice/private/#") + 1
    server.await_log(f"access.denied .*action=publish .*/rules line={line}$")
    server.await_log(r'login.checked user="alice" .*/passwords line=1 result=good$')
