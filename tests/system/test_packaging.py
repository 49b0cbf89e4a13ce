# SPDX-License-Identifier: Apache-2.0
"""What distributions install: the configuration loads, and systemd takes the unit."""

import os
import pwd
import re
import shutil
import subprocess

import pytest

from server import PROGRAM, REPOSITORY
from waiting import PATIENCE_S

pytestmark = pytest.mark.ours_only("it is our configuration and our unit")

PACKAGING = REPOSITORY / "packaging"
CONFIG = PACKAGING / "nightjar.conf"
UNIT = PACKAGING / "systemd" / "nightjar.service"


def run(*words):
    return subprocess.run([str(word) for word in words], text=True, capture_output=True,
                          timeout=PATIENCE_S, check=False)


@pytest.fixture
def installed(tmp_path):
    """The configuration on this machine, where no package has made the server's user."""
    text, users = re.subn(r"^user nightjar$", f"user {pwd.getpwuid(os.geteuid()).pw_name}",
                          CONFIG.read_text(), flags=re.M)
    assert users == 1
    config = tmp_path / "nightjar.conf"
    config.write_text(text)
    return config


def test_the_installed_configuration_loads_without_a_warning(installed):
    done = run(PROGRAM, "-c", installed, "--test-config")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "acl_check_subscribe true" in done.stdout
    assert "listener 1883 127.0.0.1" in done.stdout


def test_its_examples_are_keys_that_are_honoured():
    examples = re.findall(r"^#([a-z]\w*) ", CONFIG.read_text(), re.M)
    assert len(examples) >= 10
    page = (REPOSITORY / "docs" / "options.md").read_text()
    for key in examples:
        row = re.search(rf"^\| `{key}` .*$", page, re.M)
        assert row and re.search(r"\| (live|restart) \|", row.group()), key


def test_its_examples_can_be_switched_on(installed):
    """But for those that name files, which are not there."""
    text = re.sub(r"^#((?!listener|protocol|\w+file|log_dest)[a-z]\w* )", r"\1",
                  installed.read_text(), flags=re.M)
    text = text.replace("#listener 8083\n#protocol", "listener 8083\nprotocol")
    installed.write_text(text)
    done = run(PROGRAM, "-c", installed, "--test-config")
    assert done.returncode == 0, done.stderr
    assert "protocol websockets" in done.stdout and "memory_limit 1073741824" in done.stdout


def test_systemd_takes_the_unit(tmp_path):
    """systemd-analyze is where systemd is; what it looks for, the programs, is put in place."""
    unit = UNIT.read_text()
    assert re.search(r"^ExecReload=/usr/bin/nightjar ctl reload$", unit, re.M)
    analyze = shutil.which("systemd-analyze")
    if not analyze:
        return
    (tmp_path / "nightjar.service").write_text(
        unit.replace("/usr/bin/nightjar", str(PROGRAM)).replace("man:nightjar", "man:true"))
    done = run(analyze, "verify", "--man=no", tmp_path / "nightjar.service")
    complaints = [line for line in done.stderr.splitlines() if "nightjar.service:" in line]
    assert done.returncode == 0 and not complaints, done.stderr
