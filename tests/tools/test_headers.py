# SPDX-License-Identifier: Apache-2.0
"""Each public header stands by itself, and is C++ as well as C."""

import pathlib
import subprocess

import pytest

INCLUDE = pathlib.Path(__file__).resolve().parents[2] / "include"
HEADERS = sorted(path.relative_to(INCLUDE) for path in INCLUDE.rglob("*.h"))
COMPILERS = {
    "C11": ["gcc", "-std=c11", "-x", "c"],
    "C++11": ["g++", "-std=c++11", "-x", "c++"],
    "C++17": ["g++", "-std=c++17", "-x", "c++"],
}


def compile_text(compiler, text):
    return subprocess.run([*COMPILERS[compiler], "-fsyntax-only", "-Wall", "-Wextra", "-Wpedantic",
                           "-Wshadow", "-Werror", f"-I{INCLUDE}", "-"], input=text, text=True,
                          capture_output=True, timeout=60)


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("header", HEADERS, ids=str)
def test_a_header_stands_by_itself(compiler, header):
    done = compile_text(compiler, f"#include <{header}>\n#include <{header}>\n")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("compiler", COMPILERS)
def test_a_warning_would_be_noticed(compiler):
    assert compile_text(compiler, "int f(int x);\nint f(int x) { return 0; }\n").returncode != 0
