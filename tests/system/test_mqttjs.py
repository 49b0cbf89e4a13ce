# SPDX-License-Identifier: Apache-2.0
"""MQTT.js, version 3.1, 3.1.1 and 5.0: each test is a scenario of mqttjs/scenarios.mjs."""

import subprocess
from pathlib import Path

import pytest

from waiting import PATIENCE_S

HERE = Path(__file__).parent


@pytest.fixture
def run(server):
    """Runs a scenario to its end, which must be a good one."""
    assert (HERE / "node_modules" / "mqtt").is_dir(), f"MQTT.js is not there: npm ci in {HERE}"

    def run(version, scenario):
        done = subprocess.run(
            ["node", HERE / "mqttjs" / "scenarios.mjs", str(server.port), version, scenario],
            capture_output=True, text=True, timeout=3 * PATIENCE_S)
        assert done.returncode == 0, done.stderr

    return run


@pytest.mark.parametrize("version", ["3.1", "3.1.1", "5.0"])
@pytest.mark.parametrize("scenario", [
    pytest.param("everyQosInOrder", marks=pytest.mark.sanitizer),
    "largePayload",
    "retainedMessages",
    "will",
    "durableSession",
])
def test_scenario(run, version, scenario):
    run(version, scenario)


@pytest.mark.parametrize("version", ["3.1.1", "5.0"])
def test_shared_subscription(run, version):
    run(version, "sharedSubscription")


@pytest.mark.ours_only("Mosquitto 2.0.11 acknowledges and discards what is over its own limit")
def test_a_burst_of_version_3(run):
    run("3.1.1", "burst")


@pytest.mark.parametrize("scenario", [
    "properties", "topicAliases", "reasonCodes",
    pytest.param("takeover", marks=pytest.mark.ours_only(
        "Mosquitto 2.0.11 closes the old connection without a DISCONNECT")),
])
def test_scenario_of_version_5(run, scenario):
    run("5.0", scenario)
