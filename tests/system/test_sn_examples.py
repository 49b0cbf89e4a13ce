# SPDX-License-Identifier: Apache-2.0
"""The programs of examples/sn, against our gateway."""

import subprocess
from contextlib import contextmanager

import pytest

from mosquitto import Subscriber, publish
from test_engine import BUILD
from waiting import PATIENCE_S

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


def test_the_bare_engine_hears_itself_and_others_until_the_server_ends(start_gateway):
    server = start_gateway()
    with running("bare", server, "greeting/#", "greeting/world", "hello") as bare:
        assert bare.stdout.readline() == "greeting/world hello\n"
        publish(server, "greeting/you", "-m", "again", "-q", "2")
        assert bare.stdout.readline() == "greeting/you again\n"
        server.stop()
        assert bare.stdout.readline() == ""
        assert bare.wait(PATIENCE_S) == 1


def test_the_sensor_sleeps_and_obeys(start_gateway):
    server = start_gateway()
    command = "sensor/cellar/command"
    with running("sensor", server, "cellar", "1") as sensor, \
            Subscriber(server, "-t", "sensor/cellar/reading", "-q", "1") as heard:
        assert sensor.stdout.readline() == "asleep\n"
        publish(server, command, "-m", "read", "-q", "1")
        while (said := sensor.stdout.readline()) == "asleep\n":
            pass  # again, where the command took longer to come than a sleep
        assert said == "command: read\n"
        assert heard.lines(1) == ["21.5"]
        while sensor.stdout.readline() != "asleep\n":
            pass
        publish(server, command, "-m", "off", "-q", "1")
        assert "command: off\n" in sensor.stdout.read()
        assert sensor.wait(PATIENCE_S) == 0
