# SPDX-License-Identifier: Apache-2.0
"""Commands of ours that the pages show: each is one that there is, with options that it has."""

import functools
import re
import shlex
import subprocess

import pytest

from server import PROGRAM, REPOSITORY
from waiting import PATIENCE_S

pytestmark = pytest.mark.ours_only("it is about our pages")

PAGES = [path for pattern in ("README.md", "docs/*.md", "docs/man/*", "packaging/*.md",
                              "examples/*/*.md")
         for path in sorted(REPOSITORY.glob(pattern))]
BLOCK = re.compile(r"^```sh\n(.*?)^```|^((?:    \S.*\n)+)", re.M | re.S)
SHOWN = re.compile(r"(?:^\s*|[|(;&] ?|[$] |sudo )(?:build/)?nightjar((?: [^\s|;&)>]+)+)")


def lines_of(page):
    """What is typed: shell blocks and what is indented in Markdown, examples in a manual page."""
    text = page.read_text()
    if page.suffix == ".md":
        return [line for match in BLOCK.finditer(text)
                for line in (match[1] or match[2]).splitlines()]
    _, _, examples = text.partition(".Sh EXAMPLES\n")
    return examples.partition("\n.Sh ")[0].splitlines()


@functools.cache
def help_of(*command):
    done = subprocess.run([PROGRAM, *command, "--help"], text=True, capture_output=True,
                          timeout=PATIENCE_S, check=False)
    assert done.returncode == 0, (command, done.stderr)
    return done.stdout


def commands_of(line):
    """The words behind `nightjar` in a line, once for each time that it stands there."""
    for match in SHOWN.finditer(line.replace("\\-", "-")):
        try:
            yield shlex.split(match[1], comments=True)
        except ValueError:  # a quote that goes on behind a sign of the shell's
            yield match[1].split()


def wrong_words(words):
    if words and words[0].startswith("-"):
        command = ()
    else:
        command = tuple(words[:2] if words[0] == "sn" else words[:1])
    shown = help_of(*command)
    if words[0] == "ctl":
        plain = [word for word in words[1:] if not word.startswith("-")]
        if plain and not re.search(rf"^  {re.escape(plain[0])} ", shown, re.M):
            yield plain[0]
    for word in words:
        option = re.match(r"--[a-z][a-z-]*|-[A-Za-z]", word)
        if option and not re.search(rf"(?<![\w-]){option[0]}(?![\w-])", shown):
            yield word


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_each_command_shown_is_there(page):
    wrong = [(words, word) for line in lines_of(page) for words in commands_of(line)
             if words for word in wrong_words(words)]
    assert not wrong


def test_the_pages_show_commands():
    shown = [words for page in PAGES for line in lines_of(page) for words in commands_of(line)]
    assert len({words[0] for words in shown if words}) > 12
    assert list(wrong_words(["ctl", "--sockt", "statsu"])) == ["statsu", "--sockt"]
