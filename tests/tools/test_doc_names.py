# SPDX-License-Identifier: Apache-2.0
"""tools/doc-names finds what a page lacks, what it has too much, and a level that is wrong."""

import pathlib
import shutil
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOC_NAMES = ROOT / "tools" / "doc-names"
FILES = ["docs/log.md", "docs/sys-topics.md", "src/broker"]


def doc_names(root, path=None, old="", new=""):
    """Runs it on a copy of what it reads, with one change."""
    for name in FILES:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, root / name)
    if path:
        text = (root / path).read_text("utf-8")
        assert old in text
        (root / path).write_text(text.replace(old, new), "utf-8")
    return subprocess.run([DOC_NAMES, root], capture_output=True, text=True)


def test_the_pages_list_what_the_source_says(tmp_path):
    done = doc_names(tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_an_event_that_is_not_listed_is_found(tmp_path):
    done = doc_names(tmp_path, "src/broker/core/will.c", '"will.published"', '"will.sent"')
    assert done.returncode == 1
    assert "does not list will.sent" in done.stdout
    assert "lists will.published, which the source does not say" in done.stdout


def test_a_wrong_level_and_a_wrong_field_are_found(tmp_path):
    done = doc_names(tmp_path, "docs/log.md", "| `session.expired` | info | `id`",
                     "| `session.expired` | warn | `name`")
    assert done.returncode == 1
    assert "session.expired has the level info" in done.stdout
    assert "session.expired has the fields id" in done.stdout


def test_a_line_of_mosquitto_that_differs_is_found(tmp_path):
    done = doc_names(tmp_path, "docs/log.md", "Reloading config.", "Reading config.")
    assert done.returncode == 1


def test_a_topic_that_is_gone_is_found(tmp_path):
    done = doc_names(tmp_path, "src/broker/admin/sys.c", '{ "heap/current",', '{ "heap/now",')
    assert done.returncode == 1
    assert "does not list heap/now" in done.stdout
    assert "lists heap/current" in done.stdout
