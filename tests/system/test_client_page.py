# SPDX-License-Identifier: Apache-2.0
"""docs/client.md: its programs are compiled, and print what the page says."""

import re
import subprocess

import pytest

from server import REPOSITORY
from test_engine import BUILD
from waiting import PATIENCE_S, in_time

ANSWER_S = 5  # that the programs wait for one
PAGE = (REPOSITORY / "docs" / "client.md").read_text()
PROGRAMS = re.findall(r"^## ([^\n]*)\n(?:(?!^## ).)*?```c\n(.*?)```\n\n```text\n(.*?)```", PAGE,
                      re.DOTALL | re.MULTILINE)


def test_every_program_says_what_it_prints():
    assert len(PROGRAMS) == PAGE.count("```c\n") >= 5


@pytest.mark.parametrize("program, printed", [row[1:] for row in PROGRAMS],
                         ids=[row[0].split()[0] for row in PROGRAMS])
def test_a_program_prints_what_the_page_says(server, tmp_path, program, printed):
    (tmp_path / "program.c").write_text(program)
    done = subprocess.run(
        ["gcc", "-std=gnu11", "-Wall", "-Wextra", "-Werror", f"-I{REPOSITORY}/include",
         tmp_path / "program.c", "-o", tmp_path / "program", f"-L{BUILD}/src/client",
         f"-Wl,-rpath,{BUILD}/src/client", "-lnightjar"],
        text=True, capture_output=True, timeout=PATIENCE_S)
    assert done.returncode == 0, done.stderr

    def is_as_said():
        done = subprocess.run([tmp_path / "program", f"mqtt://127.0.0.1:{server.port}"], text=True,
                              capture_output=True, timeout=PATIENCE_S)
        assert (done.stdout, done.stderr) == (printed, "")
        assert done.returncode == 0

    in_time(ANSWER_S, is_as_said)
