# SPDX-License-Identifier: Apache-2.0
"""examples/machine: runs exactly what its README shows, on this machine's own readings."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from mosquitto import retained
from server import REPOSITORY
from waiting import PATIENCE_S, until

EXAMPLE = REPOSITORY / "examples" / "machine"
HOST = os.uname().nodename
DAY_S = 86400
COME_LATE = "Come late, and know everything at once"
# Each sensor has a process of its own, which may be slow to start.
AWAIT_STATES = "".join(f"mosquitto_sub -t 'machine/+/{state}' -C 1 > /dev/null\n"
                       for state in ("status", "cpu", "memory", "net/lo"))
READING = re.compile(r"\d\d:\d\d:\d\d ([01]) (\S+) (.*)")


def shown_commands():
    """The README's commands by the heading that they stand under."""
    commands = {}
    for part in re.split(r"^## ", (EXAMPLE / "README.md").read_text(), flags=re.MULTILINE)[1:]:
        heading = part.partition("\n")[0]
        commands[heading] = re.findall(r"```sh\n(.*?)```", part, re.DOTALL)
    return commands


def processes_of(session):
    """The processes of a session that have not ended."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, _, of_session = stat.read_text().rpartition(")")[2].split()[:4]
        except (OSError, ValueError):
            continue  # it has ended meanwhile
        if int(of_session) == session and state not in "ZX":
            found.append(stat.parent.name)
    return found


@pytest.fixture
def clients_environment(server, tmp_path):
    """Mosquitto's clients take the server's port from their own configuration files."""
    for tool in "mosquitto_pub", "mosquitto_sub":
        (tmp_path / tool).write_text(f"-h 127.0.0.1\n-p {server.port}\n")
    return {**os.environ, "XDG_CONFIG_HOME": str(tmp_path)}


@pytest.fixture
def shown(clients_environment):
    """What the README's commands print, in one shell: a list of outputs for each heading."""
    commands = shown_commands()
    blocks = [AWAIT_STATES + block if heading == COME_LATE else block
              for heading, under_heading in commands.items() for block in under_heading]
    script = "\necho '<end of block>'\n".join(blocks)
    shell = subprocess.Popen(["bash", "-c", script], cwd=EXAMPLE, env=clients_environment,
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                             start_new_session=True)
    try:
        output, _ = shell.communicate(timeout=3 * PATIENCE_S)
        until(lambda: not processes_of(shell.pid), "everything that was started to have ended")
    finally:
        for pid in processes_of(shell.pid):
            os.kill(int(pid), 9)
    assert shell.returncode == 0
    outputs = iter(output.split("<end of block>\n"))
    return {heading: [next(outputs) for _ in under] for heading, under in commands.items()}


def readings(output):
    """The lines of ./watch as (retained, topic, payload)."""
    lines = [READING.fullmatch(line) for line in output.splitlines()]
    assert all(lines), output
    return [line.groups() for line in lines]


def seconds_between(earlier, later):
    """The seconds from one time of day, as in 12:00:01, to the next other one."""
    of_day = [sum(int(part) * unit for part, unit in zip(time.split(":"), (3600, 60, 1)))
              for time in (earlier, later)]
    return (of_day[1] - of_day[0]) % DAY_S


def expect_wildcards(output):
    of_all, of_cpu, of_two_levels = output[:8], output[8:10], output[10:]
    assert len(of_all) == 8 and len(of_two_levels) == 4
    assert all(topic.startswith(f"machine/{HOST}/") for _, topic, _ in of_all)
    assert [topic for _, topic, _ in of_cpu] == [f"machine/{HOST}/cpu"] * 2
    for _, topic, payload in of_two_levels:
        assert re.fullmatch(rf"machine/{re.escape(HOST)}/(disk|net)/[^/]+", topic)
        assert json.loads(payload).keys() in ({"time", "read_kib", "written_kib"},
                                              {"time", "received_bytes", "sent_bytes"})


def expect_states(output):
    states = dict(line.split(" ", 1) for line in output.splitlines())
    assert states.pop(f"machine/{HOST}/status") == "online"
    cpu = json.loads(states[f"machine/{HOST}/cpu"])
    memory = json.loads(states[f"machine/{HOST}/memory"])
    assert 0 <= cpu["busy_percent"] <= 100
    assert 0 < memory["used_percent"] < 100 and memory["available_mib"] > 0
    assert f"machine/{HOST}/net/lo" in states


def test_the_readme_does_what_it_says(server, shown):
    expect_wildcards(readings(shown["Watch through wildcards"][0]))
    expect_states(shown[COME_LATE][0])

    missed, forgotten = shown["Get what was missed"]
    came_back, *lines = missed.splitlines()
    ages_s = [seconds_between(json.loads(line)["time"], came_back) for line in lines]
    assert len(ages_s) == 3 and ages_s == sorted(ages_s, reverse=True), "oldest first"
    # One from afterwards would be nearly a day old.
    assert all(age_s < DAY_S / 2 for age_s in ages_s), "all from before it came back"
    assert forgotten == ""

    seen_live, seen_late = shown["Notice that a machine is gone"]
    status = f"machine/{HOST}/status"
    assert seen_live.splitlines() == [f"{status} online", f"{status} offline"]
    assert seen_late == f"{status} offline\n"
    assert retained(server, "machine/+/status") == ["offline"]


@pytest.mark.parametrize("number", [2, 15], ids=["Ctrl-C", "kill"])
def test_the_publisher_says_offline_however_it_is_stopped(server, clients_environment, number):
    publisher = subprocess.Popen([EXAMPLE / "publish"], env=clients_environment,
                                 stdin=subprocess.DEVNULL, start_new_session=True)
    until(lambda: retained(server, "machine/+/status") == ["online"], "the publisher")
    publisher.send_signal(number)
    publisher.wait(PATIENCE_S)
    until(lambda: retained(server, "machine/+/status") == ["offline"], "the will")
    until(lambda: not processes_of(publisher.pid), "its connections to be closed")
