# SPDX-License-Identifier: Apache-2.0
"""tools/spec-list knows the statements by version, and no others."""

import pathlib
import subprocess

SPEC_LIST = pathlib.Path(__file__).resolve().parents[2] / "tools" / "spec-list"


def spec_list(build, lines):
    program = build / "tests" / "planted_test"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\nprintf '%b' '" + "".join(line + "\\n" for line in lines) + "'\n")
    program.chmod(0o755)
    return subprocess.run([SPEC_LIST, build], capture_output=True, text=True)


def test_lists_each_statement_once_in_order(tmp_path):
    done = spec_list(tmp_path, ["-\\tplain", "MQTT5-3.1.0-2 MQTT311-3.1.0-2\\tsecond",
                                "MQTT5-3.1.0-2\\tagain", "V31-1\\told"])
    assert done.returncode == 0, done.stderr
    listed = [line for line in done.stdout.splitlines() if not line.startswith("#")]
    assert listed == ["MQTT311-3.1.0-2", "MQTT5-3.1.0-2", "V31-1"]


def test_fails_for_an_unknown_statement(tmp_path):
    done = spec_list(tmp_path, ["MQTT5-9.9.9-9\\tinvented", "MQTT-3.1.0-2\\twithout_version"])
    assert done.returncode == 1
    assert "MQTT5-9.9.9-9 is in no ledger" in done.stderr
    assert "MQTT-3.1.0-2 is in no ledger of docs/spec; named by planted_test" in done.stderr


def test_fails_where_no_program_is_built(tmp_path):
    assert subprocess.run([SPEC_LIST, tmp_path], capture_output=True).returncode == 1
