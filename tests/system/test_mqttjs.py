# SPDX-License-Identifier: Apache-2.0
"""MQTT.js, version 3.1, 3.1.1 and 5.0: each test is a scenario of mqttjs/scenarios.mjs."""

import pytest

from mqtt_js import run_scenario


@pytest.fixture
def run(server):
    """Runs a scenario to its end, which must be a good one."""
    return lambda version, scenario: run_scenario(
        f"mqtt://127.0.0.1:{server.port}", version, scenario)


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
