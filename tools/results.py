# SPDX-License-Identifier: Apache-2.0
"""What tests passed and failed, counted one by one from what the test runners leave behind."""

import json
import re
import xml.etree.ElementTree

STARTED = re.compile(r"\[==========\] [^\n]*Running (\d+) test\(s\)")
ENDED = re.compile(r"\[ +(OK|FAILED|SKIPPED) +\] (\w[\w.]*)$", re.M)
OUTPUT_LINES_MAX = 200  # of a failed program, from its end


class Results:
    """The names of all tests that passed, and of those that failed with what to print of them."""

    def __init__(self):
        self.passed = []
        self.failed = []

    def add(self, name, good, output=""):
        """Counts one test; `output` is printed at once where it failed."""
        (self.passed if good else self.failed).append(name)
        if not good:
            print(f"FAILED: {name}")
            print("\n".join(output.rstrip().splitlines()[-OUTPUT_LINES_MAX:]), flush=True)

    def add_all(self, others):
        self.passed += others.passed
        self.failed += others.failed

    def line(self):
        return f"{len(self.passed)} passed, {len(self.failed)} failed"


def program_results(name, output, status):
    """The tests of one program: cmocka's single ones, or the program as one test.

    Yields (name, whether it passed). A program that fails though all its tests passed (a leak at
    its end, say), or that ends before it ran them all, is one failed test more.
    """
    announced = STARTED.findall(output)
    if not announced:
        yield name, status == 0
        return
    # cmocka names a failed test twice: where it ends, and in the list at the end.
    ended = dict((test, verdict) for verdict, test in ENDED.findall(output))
    for test, verdict in ended.items():
        yield f"{name}: {test}", verdict == "OK"
    if len(ended) < sum(map(int, announced)):
        yield f"{name}: ended with status {status} before all its tests were run", False
    elif status != 0 and all(verdict == "OK" for verdict in ended.values()):
        yield f"{name}: ended with status {status} after its tests", False


def read_meson(results, build, log):
    """Counts what Meson's testlog.json says; names start with `build`."""
    for line in log.splitlines():
        program = json.loads(line)
        output = (program.get("stdout") or "") + (program.get("stderr") or "")
        status = program["returncode"]
        if program["result"] in ("TIMEOUT", "INTERRUPT", "SKIP"):
            status = status or program["result"].lower()
        printed = False
        for name, good in program_results(program["name"].split(" / ")[-1], output, status):
            results.add(f"{build}: {name}", good, "" if good or printed else output)
            printed = printed or not good


def read_junit(results, build, text):
    """Counts the cases of a JUnit file; one that was skipped has not passed."""
    for case in xml.etree.ElementTree.fromstring(text).iter("testcase"):
        bad = [child for child in case if child.tag in ("failure", "error", "skipped")]
        name = f"{build}: {case.get('classname')}.{case.get('name')}"
        (results.failed if bad else results.passed).append(
            f"{name} ({bad[0].tag}: {first_line(bad[0].get('message'))})" if bad else name)


def first_line(text):
    return (text or "").split("\n")[0][:120]
