# SPDX-License-Identifier: Apache-2.0
"""The programs of examples/sn, against our gateway."""

import subprocess
from contextlib import contextmanager

import pytest

from mosquitto import Subscriber, publish
from test_engine import BUILD
from waiting import PATIENCE_S, until

pytestmark = [pytest.mark.ours_only("MQTT-SN is spoken by this server alone"),
              pytest.mark.datagrams]


@contextmanager
def running(name, server, *words):
    command = [BUILD / "examples" / f"sn_{name}", "127.0.0.1", str(server.sensor_port), *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as program:
        try:
            yield program
        finally:
            program.kill()


def next_line(program, but):
    """The next line that is not this one, which comes once more where it is sent once more."""
    return next((line for line in iter(program.stdout.readline, "") if line != but), "")


def test_the_bare_engine_hears_itself_and_others_until_the_server_ends(start_gateway):
    server = start_gateway()
    with running("bare", server, "greeting/#", "greeting/world", "hello") as bare:
        first, second = "greeting/world hello\n", "greeting/you again\n"
        assert bare.stdout.readline() == first
        publish(server, "greeting/you", "-m", "again", "-q", "2")
        assert next_line(bare, but=first) == second
        server.stop()
        assert next_line(bare, but=second) == ""
        assert bare.wait(PATIENCE_S) == 1


def test_the_sensor_sleeps_and_obeys(start_gateway):
    server = start_gateway()
    command = "sensor/cellar/command"
    with running("sensor", server, "cellar", "1") as sensor, \
            Subscriber(server, "-t", "sensor/cellar/reading", "-q", "1") as heard:
        assert sensor.stdout.readline() == "asleep\n"
        publish(server, command, "-m", "read", "-q", "1")
        # It is asleep again where the command took longer to come than a sleep.
        assert next_line(sensor, but="asleep\n") == "command: read\n"
        until(heard.lines_until_now, "the reading")
        assert "asleep\n" in iter(sensor.stdout.readline, "")
        publish(server, command, "-m", "off", "-q", "1")
        assert "command: off\n" in sensor.stdout.read()
        assert sensor.wait(PATIENCE_S) == 0
        # It says one again whose answer takes longer than a second.
        assert set(heard.lines_until_now()) == {"21.5"}
