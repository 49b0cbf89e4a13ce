# SPDX-License-Identifier: Apache-2.0
"""What is left of root's privileges when the server runs as another user: a start as root, which
is what these tests are about, needs root."""

import os
import pwd
import signal
import ssl
import subprocess
import tempfile
from pathlib import Path

import pytest

from certificates import Authority
from server import PROGRAM, Server, free_port
from waiting import PATIENCE_S

pytestmark = [
    pytest.mark.ours_only("Mosquitto 2.0.11 cannot read such files again"),
    pytest.mark.skipif(os.geteuid() != 0, reason="only root has privileges to give up"),
]

READ_ALL = 1 << 2  # CAP_DAC_READ_SEARCH
NOBODY = pwd.getpwnam("nobody").pw_uid


def threads(server):
    """What each thread of the process may do: (user, permitted, effective, inheritable)."""
    found = []
    for task in Path(f"/proc/{server.pid}/task").iterdir():
        lines = dict(line.split(":\t", 1) for line in (task / "status").read_text().splitlines()
                     if ":\t" in line)
        found.append((int(lines["Uid"].split()[1]),
                      *(int(lines[f"Cap{kind}"], 16) for kind in ("Prm", "Eff", "Inh"))))
    return found


def keepers(server):
    """How many threads keep the privilege; all must be nobody's and make no use of any."""
    found = threads(server)
    assert {user for user, *_ in found} == {NOBODY}
    assert all(effective == inheritable == 0 for *_, effective, inheritable in found)
    assert {permitted for _, permitted, *_ in found} <= {0, READ_ALL}
    return sum(permitted == READ_ALL for _, permitted, *_ in found)


def served(server):
    return ssl.get_server_certificate(("127.0.0.1", server.port))


def reload(server, outcome):
    server.signal(signal.SIGHUP)
    server.await_log(f"config.{outcome}")


@pytest.fixture
def private(tmp_path):
    """An authority, and the lines of a listener whose key is for root alone."""
    authority = Authority(tmp_path)
    certificate, key = authority.issue("server", kind="server")
    key.chmod(0o600)
    assert key.stat().st_uid == 0
    return authority, (f"persistence false\nuser nobody\ntls_watch_files false\n"
                       f"certfile {certificate}\nkeyfile {key}")


def test_a_key_of_roots_is_read_again(start_server, private):
    authority, lines = private
    server = start_server(lines)
    server.await_log("server.keeps_privilege files=[0-9]+")
    assert keepers(server) == 1
    before = served(server)
    authority.issue("server", kind="server")
    reload(server, "reloaded")
    assert served(server) != before
    assert keepers(server) == 1


def test_a_changed_key_of_roots_is_seen(start_server, private):
    authority, lines = private
    server = start_server(lines.replace("tls_watch_files false", "tls_watch_files true"))
    before = served(server)
    authority.issue("server", kind="server")
    server.await_log("credentials.reloaded")
    assert served(server) != before


def test_no_thread_can_gain_privileges(start_server, private):
    server = start_server(private[1])
    server.await_log("server.running")
    assert keepers(server) == 1
    for task in Path(f"/proc/{server.pid}/task").iterdir():
        assert "NoNewPrivs:\t1\n" in (task / "status").read_text()


def test_the_privilege_can_be_given_up(start_server, private):
    authority, lines = private
    server = start_server(f"{lines}\nkeep_read_privilege false")
    server.await_log("a reload would fail")
    assert keepers(server) == 0
    before = served(server)
    authority.issue("server", kind="server")
    reload(server, "kept")
    assert served(server) == before


def test_nothing_is_kept_where_the_user_can_read_everything():
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        rules = Path(name) / "rules"
        rules.write_text("topic readwrite #\n")
        port = free_port()
        server = Server(name, port, f"listener {port} 127.0.0.1\nallow_anonymous true\n"
                        f"persistence false\nuser nobody\nacl_file {rules}\n").start()
        try:
            server.await_log("server.running")
            assert keepers(server) == 0
            assert "keeps_privilege" not in server.log()
            rules.chmod(0o600)
            reload(server, "kept")
            rules.chmod(0o644)
            reload(server, "reloaded")
            server.stop()
        finally:
            server.kill()


def test_another_file_is_not_read_with_the_privilege(private, tmp_path):
    other = tmp_path / "other.conf"
    other.write_text("listener 1\n")
    other.chmod(0o600)
    port, control = free_port(), tmp_path / "control"
    server = Server(tmp_path, port, f"listener {port} 127.0.0.1\nallow_anonymous true\n"
                    f"control_socket {control}\n{private[1]}\n").start()
    try:
        server.await_log("server.running")
        assert keepers(server) == 1
        answers = [subprocess.run([PROGRAM, "ctl", "-s", control, "diff", *files], text=True,
                                  capture_output=True, timeout=PATIENCE_S)
                   for files in ([], [other])]
        assert answers[0].returncode == 0, answers[0]
        assert answers[1].returncode != 0 and "Permission denied" in str(answers[1])
        server.stop()
    finally:
        server.kill()


# What root opens in a folder of the user's --------------------------------------------------------


@pytest.fixture
def folder():
    """A folder of nobody's, and a file of root's beside it."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        secret, theirs = Path(name) / "secret", Path(name) / "theirs"
        secret.write_text("precious\n")
        secret.chmod(0o600)
        theirs.mkdir()
        os.chown(theirs, NOBODY, -1)
        yield theirs, secret


def nobodys(folder, lines):
    port = free_port()
    return Server(folder.parent, port, f"listener {port} 127.0.0.1\nallow_anonymous true\n"
                  f"persistence false\nuser nobody\ncontrol_socket none\n{lines}\n")


def expect_untouched(secret):
    assert secret.stat().st_uid == 0 and secret.read_text() == "precious\n"


@pytest.mark.parametrize("link", [os.symlink, os.link])
def test_a_pid_file_that_is_a_link_is_not_written(folder, link):
    theirs, secret = folder
    link(secret, theirs / "pid")
    os.chown(theirs / "pid", NOBODY if link is os.symlink else 0, -1, follow_symlinks=False)
    server = nobodys(theirs, f"pid_file {theirs}/pid")
    started = subprocess.run(server.arguments, capture_output=True, text=True, check=False,
                             timeout=PATIENCE_S)
    assert started.returncode == 1 and f"pid_file_failed file={theirs}/pid" in started.stderr
    expect_untouched(secret)


def test_a_log_file_that_is_a_users_link_is_not_written(folder):
    theirs, secret = folder
    os.symlink(secret, theirs / "log")
    os.chown(theirs / "log", NOBODY, -1, follow_symlinks=False)
    server = nobodys(theirs, f"log_dest file {theirs}/log").start()
    try:
        server.await_log("log.failed")
        server.await_log("server.running")
        expect_untouched(secret)
        server.stop()
    finally:
        server.kill()


@pytest.mark.parametrize("target", ["roots_link", "other_name", "pipe"])
def test_only_a_file_of_the_log_itself_is_given_away(folder, target):
    theirs, secret = folder
    log = theirs / "log"
    if target == "roots_link":
        os.symlink(secret, log)
    elif target == "other_name":
        os.link(secret, log)
    else:
        os.mkfifo(log)
        reader = os.open(log, os.O_RDWR)  # without one, to open it would wait
    server = nobodys(theirs, f"log_dest stderr\nlog_dest file {log}").start()
    try:
        server.await_log("server.running")
        assert log.stat().st_uid == 0
        server.stop()
    finally:
        server.kill()
        if target == "pipe":
            os.close(reader)


def test_the_files_of_log_and_pid_are_the_users(folder):
    theirs, _ = folder
    server = nobodys(theirs, f"log_dest stderr\nlog_dest file {theirs}/log\npid_file {theirs}/pid")
    server.start()
    try:
        server.await_log("server.running")
        assert (theirs / "log").owner() == (theirs / "pid").owner() == "nobody"
        assert (theirs / "pid").read_text() == str(server.pid)
        server.stop()
    finally:
        server.kill()
