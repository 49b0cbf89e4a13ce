# SPDX-License-Identifier: Apache-2.0
"""MQTT.js: runs a scenario of mqttjs/scenarios.mjs."""

import os
import subprocess
from pathlib import Path

from waiting import PATIENCE_S

HERE = Path(__file__).parent


def run_scenario(url, version, scenario, **environment):
    """Runs it to its end, which must be a good one."""
    assert (HERE / "node_modules" / "mqtt").is_dir(), f"MQTT.js is not there: npm ci in {HERE}"
    done = subprocess.run(["node", HERE / "mqttjs" / "scenarios.mjs", url, version, scenario],
                          capture_output=True, text=True, timeout=3 * PATIENCE_S,
                          env={**os.environ, **environment})
    assert done.returncode == 0, done.stderr
