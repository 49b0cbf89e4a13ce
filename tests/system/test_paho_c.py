# SPDX-License-Identifier: Apache-2.0
"""Paho C's synchronous and asynchronous client, version 3.1, 3.1.1 and 5.0.

Each test is a scenario of paho_c/scenarios.c, run by one of the two programs built from it.
"""

import os
import subprocess
from pathlib import Path

import pytest

from server import REPOSITORY
from waiting import PATIENCE_S

BUILD = Path(os.environ.get("NIGHTJAR_BUILD", REPOSITORY / "build"))
VERSIONS = {"3.1": 3, "3.1.1": 4, "5.0": 5}


@pytest.fixture(params=["sync", "async"])
def run(request, server):
    """Runs a scenario to its end, which must be a good one."""
    program = BUILD / "tests" / "system" / f"paho_c_{request.param}"
    assert program.exists(), f"{program} is not there: ninja -C {BUILD}, or set NIGHTJAR_BUILD"

    def run(version, scenario):
        done = subprocess.run([program, f"tcp://127.0.0.1:{server.port}", str(VERSIONS[version]),
                               scenario], capture_output=True, text=True, timeout=3 * PATIENCE_S)
        assert done.returncode == 0, done.stderr

    return run


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("scenario", [
    pytest.param("every_qos_in_order", marks=pytest.mark.sanitizer),
    "large_payload",
    "retained_messages",
    "will_after_kill",
    "durable_session",
])
def test_scenario(run, version, scenario):
    run(version, scenario)


@pytest.mark.parametrize("version", ["3.1.1", "5.0"])
def test_shared_subscription(run, version):
    run(version, "shared_subscription")


def test_properties_of_version_5(run):
    run("5.0", "properties_untouched")
