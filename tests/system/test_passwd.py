# SPDX-License-Identifier: Apache-2.0
"""`nightjar passwd`: both servers read what it writes; a terminal does not show passwords."""

import os
import pty
import subprocess
import termios

import pytest

from server import PROGRAM, is_sanitizer_build
from access import SERVERS, connect, start
from waiting import PATIENCE_S
from wire import V311

pytestmark = pytest.mark.ours_only("it is our command")


def passwd(*arguments, stdin=""):
    return subprocess.run([PROGRAM, "passwd", *map(str, arguments)], input=stdin, text=True,
                          capture_output=True, timeout=PATIENCE_S, check=False)


@pytest.fixture
def file(tmp_path):
    return tmp_path / "passwords"


def logs_in(directory, kind, file, user, password):
    server = start(directory, kind, f"password_file {file}")
    try:
        return connect(server, user, password, "x", version=V311)[1] == 0
    finally:
        server.kill()


@pytest.mark.parametrize("kind, algorithm", [
    ("nightjar", "sha512-pbkdf2"), ("nightjar", "sha512"), ("nightjar", "argon2id"),
    ("nightjar", "scram-sha-256"),
    ("mosquitto", "sha512-pbkdf2"), ("mosquitto", "sha512"),  # 2.0.11 knows no argon2id
])
def test_both_servers_read_what_it_writes(tmp_path, file, kind, algorithm):
    assert kind in SERVERS
    assert passwd("-H", algorithm, "-c", "-b", file, "alice", "wonder").returncode == 0
    assert logs_in(tmp_path, kind, file, "alice", "wonder")
    (tmp_path / "again").mkdir()
    assert not logs_in(tmp_path / "again", kind, file, "alice", "wrong")


def test_it_goes_on_with_what_mosquitto_passwd_began(tmp_path, file):
    file.write_text("")
    for command in ["mosquitto_passwd", "-b"], [PROGRAM, "passwd", "-b"]:
        name = "alice" if command[0] == "mosquitto_passwd" else "bob"
        subprocess.run([*command, file, name, name], check=True, capture_output=True)
    assert [line.split(":")[0] for line in file.read_text().splitlines()] == ["alice", "bob"]
    (tmp_path / "again").mkdir()
    for user in "alice", "bob":
        assert logs_in(tmp_path / ("again" if user == "bob" else "."), "nightjar", file, user, user)


def test_a_file_in_clear_text_is_hashed(tmp_path, file):
    file.write_text("# users\nalice:wonder\nbob:a:b\n")
    assert passwd("-U", file).returncode == 0
    text = file.read_text()
    assert text.startswith("# users\nalice:$7$")
    assert "wonder" not in text
    assert passwd("-U", file).returncode == 0
    assert file.read_text() == text
    assert logs_in(tmp_path, "nightjar", file, "bob", "a:b")


def test_a_user_is_removed(file):
    passwd("-c", "-b", "-I", "1", file, "alice", "a")
    passwd("-b", "-I", "1", file, "bob", "b")
    assert passwd("-D", file, "alice").returncode == 0
    assert file.read_text().startswith("bob:$7$1$")
    gone = passwd("-D", file, "alice")
    assert gone.returncode == 1
    assert "no user alice" in gone.stderr


def test_a_link_of_mosquittos_name_is_the_command(tmp_path, file):
    link = tmp_path / "mosquitto_passwd"
    link.symlink_to(PROGRAM)
    subprocess.run([link, "-c", "-b", file, "alice", "a"], check=True)
    assert file.read_text().startswith("alice:$7$210000$")


def test_the_first_line_of_stdin_is_the_password(tmp_path, file):
    assert passwd("-c", file, "alice", stdin="wonder\nmore\n").returncode == 0
    assert logs_in(tmp_path, "nightjar", file, "alice", "wonder")


@pytest.mark.parametrize("arguments, told", [
    (["-b", "no/such/file", "a", "b"], "No such file or directory; -c makes a new file"),
    (["-b", "f", "a"], "something is missing"),
    (["-b", "f", "a", "b", "c"], "too many words"),
    (["-D", "-c", "f", "a"], "do not go together"),
    (["-H", "md5", "-b", "f", "a", "b"], "say argon2id, sha512-pbkdf2, scram-sha-256 or sha512"),
    (["-I", "0", "-b", "f", "a", "b"], "say a number"),
    (["-c", "-b", "f", "a:b", "c"], "cannot have a :"),
    (["-c", "-b", "f", "a", ""], "the password is empty"),
])
def test_what_is_wrong_is_told_and_nothing_changed(tmp_path, arguments, told):
    done = subprocess.run([PROGRAM, "passwd", *arguments], cwd=tmp_path, text=True,
                          capture_output=True, timeout=PATIENCE_S, check=False)
    assert done.returncode == 1
    assert told in done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(is_sanitizer_build(), reason="many runs")
def test_many_at_once_lose_nothing(file):
    file.write_text("")
    runs = [subprocess.Popen([PROGRAM, "passwd", "-I", "1", "-b", file, f"user{i}", "p"])
            for i in range(20)]
    assert [run.wait(PATIENCE_S) for run in runs] == [0] * 20
    names = {line.split(":")[0] for line in file.read_text().splitlines()}
    assert names == {f"user{i}" for i in range(20)}


# At a terminal -----------------------------------------------------------------------------------


def at_a_terminal(file, *answers):
    """Types each answer after its prompt. The status, and all that the terminal showed."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(PROGRAM, [str(PROGRAM), "passwd", "-c", str(file), "alice"])
    shown = b""
    for answer in answers:
        prompts = shown.count(b": ")
        while shown.count(b": ") == prompts:
            shown += os.read(terminal, 1024)
        assert not termios.tcgetattr(terminal)[3] & termios.ECHO
        os.write(terminal, answer)
    try:
        while more := os.read(terminal, 1024):
            shown += more
    except OSError:  # its other side is closed
        pass
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    os.close(terminal)
    return status, shown.decode()


def test_a_password_is_asked_for_twice_and_not_shown(tmp_path, file):
    status, shown = at_a_terminal(file, b"wrong\x15wondet\x7fr\r", b"wonder\r")
    assert status == 0
    assert "wonde" not in shown
    assert logs_in(tmp_path, "nightjar", file, "alice", "wonder")


@pytest.mark.parametrize("answers, told", [
    ((b"wonder\r", b"wunder\r"), "not the same"),
    ((b"wond\x03",), "no password was given"),
    ((b"wonder\r", b"\x04"), "no password was given"),
    ((b"\r", b"\r"), "empty"),
])
def test_what_goes_wrong_at_a_terminal_changes_nothing(file, answers, told):
    status, shown = at_a_terminal(file, *answers)
    assert status == 1
    assert told in shown
    assert not file.exists()
