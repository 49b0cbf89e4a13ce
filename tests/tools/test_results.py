# SPDX-License-Identifier: Apache-2.0
"""tools/results.py counts every test once, and never takes an early end for a success."""

import json
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))

from results import Results, program_results, read_junit, read_meson  # noqa: E402

ALL_GOOD = """[==========] topic: Running 2 test(s).
[ RUN      ] first
[       OK ] first
[ RUN      ] second
a line of the test's own[       OK ] second
[==========] topic: 2 test(s) run.
[  PASSED  ] 2 test(s).
"""
ONE_BAD = """[==========] topic: Running 2 test(s).
[       OK ] first
[  ERROR   ] --- 1 != 2
[  FAILED  ] second
[==========] topic: 2 test(s) run.
[  FAILED  ] topic: 1 test(s), listed below:
[  FAILED  ] second

 1 FAILED TEST(S)
"""
BY_VERSION = """[==========] check: Running 2 test(s).
[       OK ] 3.1.1_first
[       OK ] 5.0_first
[==========] check: 2 test(s) run.
"""
ENDED_EARLY = "[==========] topic: Running 2 test(s).\n[       OK ] first\n[ RUN      ] second\n"


@pytest.mark.parametrize("output, status, expected", [
    (ALL_GOOD, 0, [True, True]),
    (ONE_BAD, 1, [True, False]),
    (BY_VERSION, 0, [True, True]),
    (ENDED_EARLY, -11, [True, False]),
    (ENDED_EARLY, 0, [True, False]),
    (ALL_GOOD, 66, [True, True, False]),
    (ALL_GOOD.replace("OK", "SKIPPED"), 0, [False, False]),
    ("no cmocka here\n", 0, [True]),
    ("no cmocka here\n", 1, [False]),
], ids=["good", "bad", "by_version", "crash", "early_exit", "leak_at_the_end", "skipped", "other",
        "other_bad"])
def test_counts_the_tests_of_a_program(output, status, expected):
    assert [good for _, good in program_results("topic", output, status)] == expected


def test_reads_what_meson_leaves(capsys):
    rows = [{"name": "nightjar:unit / topic", "stdout": ONE_BAD, "returncode": 1, "result": "FAIL"},
            {"name": "nightjar:unit / slow", "stdout": "", "returncode": 0, "result": "TIMEOUT"},
            {"name": "nightjar:tidy / tidy", "stdout": "", "returncode": 0, "result": "OK"}]
    results = Results()
    read_meson(results, "gcc", "\n".join(json.dumps(row) for row in rows))
    assert results.passed == ["gcc: topic: first", "gcc: tidy"]
    assert results.failed == ["gcc: topic: second", "gcc: slow"]
    assert "1 != 2" in capsys.readouterr().out


def test_a_skipped_python_test_has_not_passed():
    results = Results()
    read_junit(results, "system", """<testsuites><testsuite>
        <testcase classname="a" name="good"/>
        <testcase classname="a" name="bad"><failure message="no"/></testcase>
        <testcase classname="a" name="late"><error message="no"/></testcase>
        <testcase classname="a" name="absent"><skipped message="no npm"/></testcase>
        </testsuite></testsuites>""")
    assert results.line() == "1 passed, 3 failed"
