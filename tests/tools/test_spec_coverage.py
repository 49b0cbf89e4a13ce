# SPDX-License-Identifier: Apache-2.0
"""tools/spec-coverage finds each way in which tests, reasons and ledgers may not fit."""

import json
import pathlib
import subprocess

import pytest

SPEC_COVERAGE = pathlib.Path(__file__).resolve().parents[2] / "tools" / "spec-coverage"
HEADING = "id\tapplies to\trequirement\ttest\n"
LEDGERS = {
    "mqtt-5.0.tsv": "MQTT-3.1.0-1\tclient\tFirst comes CONNECT.\t-\n"
                    "MQTT-3.1.0-2\tserver\tA second one | ends it.\t-\n"
                    "MQTT-6.0.0-1\tserver\tWebSocket frames are binary.\t-\n"
                    "U5-4.1-1\tboth\tState is kept.\t-\n",
    "mqtt-3.1.1.tsv": "MQTT-3.1.0-2\tserver\tA second one ends it.\t-\n"
                      "MQTT-3.12.4-1\tserver\tPings are answered.\t-\n",
    "mqtt-3.1-delta.tsv": "V31-1\tclient\tThe name is MQIsdp.\t-\tknown\n",
    "mqtt-sn-1.2.tsv": "SN-5.2.1-1\tboth\tLength counts itself.\t-\n"
                       "SN-6.2-1\tclient\tFirst comes CONNECT.\t-\n",
    "mqtt-sn-2.0.tsv": "MQTTSN2-3.4-1\tclient\tREGISTER has no alias.\n"
                       "MQTTSN2-3.4-2\tserver\tREGISTER has one.\n",
}
TESTS = ["-\tplain", "MQTT5-3.1.0-1\t5.0_first", "MQTT5-3.1.0-2 MQTT311-3.1.0-2\tsecond",
         "U5-4.1-1\t5.0_kept", "U5-4.1-1\t5.0_kept_long", "SN-5.2.1-1\tcounted",
         "MQTT311-3.12.4-1\t3.1.1_ping", "MQTTSN2-3.4-1\taliases_are_told"]
REASONS = ["V31-1\tclient\tThe library's CONNECT will show it.",
           "MQTT5-6.0.0-1\tchoice\tBinds a server without frames.",
           "SN-6.2-1\tsystem\ttest_radio.py test_devices"]
CASES = ["MQTT5-3.1.0-1\tfirst", "combination\tall_together", "MQTT5-6.0.0-1\tframes_are_binary"]
PAGE_IS_OLD = "docs/conformance.md is not what the ledgers, tests and reasons make"


class Tree:
    """A tree with ledgers, reasons, and a build of one test program."""

    def __init__(self, root):
        self.root = root
        self.page = root / "docs" / "conformance.md"
        self.reasons = root / "docs" / "conformance-reasons.tsv"
        self.program = root / "build" / "tests" / "planted_test"
        self.nightjar = root / "build" / "nightjar"
        (root / "docs" / "spec").mkdir(parents=True)
        for name, rows in LEDGERS.items():
            (root / "docs" / "spec" / name).write_text(HEADING + rows)
        (root / "tests" / "system").mkdir(parents=True)
        (root / "tests" / "system" / "test_radio.py").write_text(
            "\ndef test_devices():\n    pass\n")
        self.program.parent.mkdir(parents=True)
        (root / "build" / "meson-info").mkdir()
        (root / "build" / "meson-info" / "intro-tests.json").write_text(
            json.dumps([{"cmd": [str(self.program)]}, {"cmd": ["/bin/false"]}]))
        self.has_tests(TESTS)
        self.has_cases(CASES)
        self.has_reasons(REASONS)

    def has_cases(self, cases):
        self.nightjar.write_text(
            "#!/bin/sh\n[ \"$*\" = 'check --list' ] && exec cat <<'END'\n"
            + "\n".join(cases) + "\nEND\n")
        self.nightjar.chmod(0o755)

    def has_tests(self, tests, failing=()):
        names = [test.split("\t")[1] for test in tests]
        ended = "".join(f"[  {'FAILED' if name in failing else '    OK'} ] {name}\n"
                        for name in names)
        self.program.write_text(
            "#!/bin/sh\n"
            f"[ \"$1\" = --list ] && exec cat <<'END'\n" + "\n".join(tests) + "\nEND\n"
            f"cat <<'END'\n[==========] planted: Running {len(names)} test(s).\n{ended}END\n"
            f"exit {1 if failing else 0}\n")
        self.program.chmod(0o755)

    def has_reasons(self, reasons):
        self.reasons.write_text("\n".join(["id\tkind\treason", *reasons]) + "\n")

    def run(self, *options):
        return subprocess.run([SPEC_COVERAGE, "--root", self.root, *options],
                              capture_output=True, text=True)


@pytest.fixture
def tree(tmp_path):
    return Tree(tmp_path)


def faults(done):
    return [line.removeprefix("spec-coverage: ") for line in done.stderr.splitlines()]


def test_counts_what_is_shown_and_what_has_a_reason(tree):
    assert tree.run("--page").returncode == 0
    done = tree.run()
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "mqtt-5.0.tsv, numbered: 3 of 3: 2 shown, 1 with a reason",
        "mqtt-5.0.tsv, unnumbered: 1 of 1: 1 shown, 0 with a reason",
        "mqtt-3.1.1.tsv, numbered: 2 of 2: 2 shown, 0 with a reason",
        "mqtt-3.1-delta.tsv, unnumbered: 1 of 1: 0 shown, 1 with a reason",
        "mqtt-sn-1.2.tsv, unnumbered: 2 of 2: 1 shown, 1 with a reason",
        "mqtt-sn-2.0.tsv, numbered: 1 of 2: 1 shown, 0 with a reason",
        "reasons: 1 client, 1 choice, 0 optional, 1 system",
        "shown by a case of nightjar check: 0",
        "shown by the server's reaction, binding only clients: 1",
        "total: 9 of 9: 6 shown, 3 with a reason",
    ]


def test_a_statement_with_neither_test_nor_reason_is_found(tree):
    tree.has_tests([test for test in TESTS if "MQTT311-3.12.4-1" not in test])
    done = tree.run("--page")
    assert done.returncode == 1
    assert "mqtt-3.1.1.tsv, numbered: 1 of 2: 1 shown, 0 with a reason" in done.stdout
    [fault] = faults(done)
    assert fault.startswith(
        "docs/spec/mqtt-3.1.1.tsv:3: MQTT311-3.12.4-1 has neither test nor reason; write a case")
    assert not tree.page.exists()


def test_a_statement_that_stands_twice_is_found(tree):
    ledger = tree.root / "docs" / "spec" / "mqtt-5.0.tsv"
    ledger.write_text(ledger.read_text() + "U5-4.1-1\tboth\tState is kept again.\t-\n")
    done = tree.run()
    assert done.returncode == 1
    assert faults(done) == ["docs/spec/mqtt-5.0.tsv:6: U5-4.1-1 stands at "
                            "docs/spec/mqtt-5.0.tsv:5 too; keep one of them"]


def test_an_unknown_id_in_a_test_is_found(tree):
    tree.has_tests([*TESTS, "MQTT-3.1.0-2\twithout_version", "MQTT5-9.9.9-9\tinvented"])
    done = tree.run()
    assert done.returncode == 1
    assert faults(done) == [
        "planted_test: without_version names MQTT-3.1.0-2, which is in no ledger; correct the id",
        "planted_test: invented names MQTT5-9.9.9-9, which is in no ledger; correct the id"]


def test_an_unknown_id_in_a_case_that_no_test_runs_is_found(tree):
    tree.has_cases([*CASES, "MQTT5-9.9.9-9\tinvented"])
    done = tree.run()
    assert done.returncode == 1
    assert faults(done) == ["nightjar check: invented names MQTT5-9.9.9-9, which is in no ledger; "
                            "correct the id"]


@pytest.mark.parametrize("row, expected", [
    ("MQTT5-9.9.9-9\tclient\tNo.", "MQTT5-9.9.9-9 is in no ledger"),
    ("MQTT311-3.12.4-1\tchoice\tNo.", "MQTT311-3.12.4-1 is shown by 3.1.1_ping, so that"),
    ("MQTT5-3.1.0-1\tlazy\tNo.", "MQTT5-3.1.0-1 has the kind 'lazy'; use one of client, choice, "
     "optional, system"),
    ("MQTT5-3.1.0-2\tsystem\ttest_radio.py test_nothing", "MQTT5-3.1.0-2 is shown by second"),
    ("MQTT5-3.1.0-1\tclient\t", "MQTT5-3.1.0-1 has no reason; write a short sentence"),
    ("MQTT5-3.1.0-1", "MQTT5-3.1.0-1 has the kind ''"),
    ("V31-1\tclient\tAgain.", "V31-1 stands at docs/conformance-reasons.tsv:2 too"),
], ids=["unknown", "stale_choice", "kind", "stale_system", "empty", "cut_short", "twice"])
def test_a_wrong_reason_is_found(tree, row, expected):
    tree.has_reasons([*REASONS, row])
    done = tree.run()
    assert done.returncode == 1
    assert faults(done)[0].startswith(f"docs/conformance-reasons.tsv:5: {expected}")


def test_a_system_test_that_is_not_there_is_found(tree):
    tree.has_reasons([*REASONS[:-1], "SN-6.2-1\tsystem\ttest_radio.py test_nothing"])
    [fault] = faults(tree.run())
    assert fault.startswith(
        "docs/conformance-reasons.tsv:4: SN-6.2-1 names no test of tests/system; begin")


def test_a_client_library_to_come_excuses_no_server(tree):
    tree.has_tests([test for test in TESTS if "U5-4.1-1" not in test])
    tree.has_reasons([*REASONS, "U5-4.1-1\tclient\tThe library will keep its state."])
    done = tree.run()
    assert done.returncode == 1
    [fault] = faults(done)
    assert fault.startswith(
        "docs/conformance-reasons.tsv:5: U5-4.1-1 binds more than clients (both)")


def test_what_a_client_shows_later_may_stand_beside_a_test(tree):
    tree.has_reasons([*REASONS, "U5-4.1-1\tclient\tThe library will keep its state."])
    assert tree.run("--page").returncode == 0
    assert "| shown; client: The library will keep its state. |" in tree.page.read_text()


def test_the_page_has_each_statement_below_its_section(tree):
    assert tree.run("--page").returncode == 0
    page = tree.page.read_text()
    headings = [line for line in page.splitlines() if line.startswith("#")]
    assert headings == ["# Conformance", "## MQTT 5.0", "### 3.1 CONNECT", "### 4.1", "### 6",
                        "## MQTT 3.1.1", "### 3.1 CONNECT", "### 3.12.4 PINGREQ", "## MQTT 3.1",
                        "## MQTT-SN 1.2", "### 5.2.1", "### 6.2", "## MQTT-SN 2.0",
                        "### 3.4 REGISTER"]
    assert ("| MQTT5-3.1.0-2 | A second one \\| ends it. | server | `planted_test second` "
            "| shown |\n") in page
    assert "| `planted_test 5.0_kept`<br>`planted_test 5.0_kept_long` | shown |\n" in page
    assert ("| MQTT5-6.0.0-1 | WebSocket frames are binary. | server "
            "| `nightjar check --only frames_are_binary` "
            "| choice: Binds a server without frames. |\n") in page
    assert "| V31-1 | The name is MQIsdp. | client | - | client: The library's CONNECT" in page
    assert "| together | | 9 | 6 | 3 |\n" in page


def test_a_draft_is_listed_and_not_summed_up(tree):
    assert tree.run("--page").returncode == 0
    page = tree.page.read_text()
    assert ("| MQTTSN2-3.4-1 | REGISTER has no alias. | client | `planted_test aliases_are_told` "
            "| shown |\n") in page
    assert "| MQTTSN2-3.4-2 | REGISTER has one. | server | - | not shown |\n" in page
    assert "| numbered | 2 | 1 | 0 |\n| together | | 9 | 6 | 3 |\n" in page


def test_cases_are_counted_among_what_is_shown(tree):
    tree.program = tree.program.rename(tree.program.with_name("conformance_check_test"))
    (tree.root / "build" / "meson-info" / "intro-tests.json").write_text(
        json.dumps([{"cmd": [str(tree.program)]}]))
    assert "shown by a case of nightjar check: 6\n" in tree.run("--page").stdout
    assert "`nightjar check` puts 6 to any server, and 1 bind only a client" in (
        tree.page.read_text())


def test_the_same_input_gives_the_same_page(tree):
    tree.run("--page")
    first = tree.page.read_bytes()
    tree.run("--page")
    assert tree.page.read_bytes() == first


@pytest.mark.parametrize("failing", ["plain", "second"])
def test_the_page_is_not_written_where_a_test_fails(tree, failing):
    tree.has_tests(TESTS, failing=[failing])
    done = tree.run("--page")
    assert done.returncode == 1
    assert faults(done) == ["docs/conformance.md is left as it is until this passes: "
                            f"planted_test: {failing}"]
    assert not tree.page.exists()


def test_the_page_is_not_written_where_a_listed_test_does_not_run(tree):
    text = tree.program.read_text()
    tree.program.write_text(text.replace("[      OK ] second\n", "").replace("g 7 t", "g 6 t"))
    done = tree.run("--page")
    assert done.returncode == 1
    assert "until this passes: planted_test: second\n" in done.stderr


def test_a_page_that_is_old_is_found(tree):
    done = tree.run()
    assert done.returncode == 1
    assert faults(done) == [f"{PAGE_IS_OLD}; run tools/spec-coverage --page"]
    tree.run("--page")
    tree.has_tests([test.replace("second", "again") for test in TESTS])
    assert PAGE_IS_OLD in tree.run().stderr


def test_sorts_the_reasons_as_the_ledgers_are(tree):
    rows = [REASONS[0], "MQTT5-9.9.9-9\tclient\tUnknown.", REASONS[1]]
    tree.has_reasons(rows)
    assert tree.run("--sort").returncode == 0
    assert tree.reasons.read_text().splitlines()[1:] == [rows[2], rows[0], rows[1]]


def test_a_program_that_the_build_no_longer_has_shows_nothing(tree):
    assert tree.run("--page").returncode == 0
    old = tree.program.with_name("old_test")
    old.write_text("#!/bin/sh\necho 'V31-1\told'\n")
    old.chmod(0o755)
    assert tree.run().returncode == 0


def test_fails_where_the_tests_are_not_built(tree):
    tree.program.unlink()
    done = tree.run()
    assert done.returncode == 1
    assert "planted_test'; build the tests first: ninja -C " in done.stderr
    assert tree.run(tree.root).returncode == 1
