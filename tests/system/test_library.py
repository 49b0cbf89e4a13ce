# SPDX-License-Identifier: Apache-2.0
"""The client library as other programs get it: installed, found by pkg-config, compiled with."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from server import REPOSITORY
from test_engine import BUILD
from waiting import PATIENCE_S

INCLUDE = REPOSITORY / "include" / "nightjar"
EXAMPLE = REPOSITORY / "examples" / "client" / "publish.c"
SHORT = 15  # lines of the smallest programs


def run(*command, **options):
    done = subprocess.run([*map(str, command)], text=True, capture_output=True,
                          timeout=PATIENCE_S, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A folder in which the build is installed."""
    folder = tmp_path_factory.mktemp("installed")
    run("meson", "install", "-C", BUILD, "--no-rebuild", "--destdir", folder)
    return folder


def test_make_install_builds_all_that_it_installs():
    """make builds the server alone, so the target "installed" has to name the rest."""
    rows = json.loads(run("meson", "introspect", BUILD, "--installed"))
    made = {os.path.relpath(row, BUILD) for row in rows if Path(row).is_relative_to(BUILD)}
    named = run("ninja", "-C", BUILD, "-t", "query", "installed")
    at_once = {name for name in made if not name.startswith("meson-private/")}
    assert "nightjar" in at_once
    assert at_once <= set(re.findall(r"^    \| (.+)$", named, re.M))


def declared():
    """What the headers say there is, but for what is inline."""
    text = "\n".join(path.read_text() for path in INCLUDE.glob("*.h"))
    text = re.sub(r"/\*.*?\*/|static inline.*?\n}", "", text, flags=re.DOTALL)
    return set(re.findall(r"\b(nj_\w+)\(", text))


def defined(*options):
    """The names that others may link with."""
    rows = run("nm", "--defined-only", *options).splitlines()
    return {row.split()[2] for row in rows if re.match(r"\w+ [A-Z] ", row)}


def test_the_shared_library_has_the_names_of_its_headers_and_no_others(installed):
    [library] = installed.rglob("libnightjar.so")
    assert defined("-D", library) == declared()


def test_the_static_library_has_the_names_of_its_headers_and_no_others(installed):
    [library] = installed.rglob("libnightjar.a")
    assert defined("-g", library) == declared()


def test_the_library_has_the_version_of_its_header(installed):
    numbers = re.findall(r"#define NJ_VERSION_(?:MAJOR|MINOR|PATCH) (\d+)",
                         (INCLUDE / "link.h").read_text())
    [library] = installed.rglob("libnightjar.so.*.*.*")
    assert library.name == "libnightjar.so." + ".".join(numbers)
    told = run("readelf", "-d", library)
    assert f"soname: [libnightjar.so.{numbers[0]}.{numbers[1]}]" in told


def pkg_config(installed, *options):
    [description] = installed.rglob("nightjar.pc")
    environment = {**os.environ, "PKG_CONFIG_PATH": str(description.parent),
                   "PKG_CONFIG_SYSROOT_DIR": str(installed)}
    flags = run("pkg-config", *options, "nightjar", env=environment).split()
    # A library of the system has no place below the folder.
    return [flag for flag in flags if Path(flag[2:]).exists() or not flag.startswith("-L")]


@pytest.mark.parametrize("compiler", [["gcc", "-std=c11"], ["g++", "-std=c++17", "-x", "c++"]],
                         ids=["C", "C++"])
def test_a_program_is_compiled_with_the_shared_library(installed, tmp_path, server, compiler):
    program = tmp_path / "publish"
    run(*compiler, "-Wall", "-Wextra", "-Werror", EXAMPLE, "-o", program,
        *pkg_config(installed, "--cflags", "--libs"))
    [library] = installed.rglob("libnightjar.so")
    run(program, f"mqtt://127.0.0.1:{server.port}",
        env={**os.environ, "LD_LIBRARY_PATH": str(library.parent)})


def compile_statically(installed, source, program, *options):
    [library] = installed.rglob("libnightjar.a")
    flags = [flag for flag in pkg_config(installed, "--static", "--cflags", "--libs")
             if flag != "-lnightjar"]
    run("gcc", "-std=c11", source, "-o", program, library, *flags, *options)


def test_a_program_is_compiled_with_the_static_library(installed, tmp_path, server):
    program = tmp_path / "publish"
    compile_statically(installed, EXAMPLE, program)
    assert "libnightjar" not in run("ldd", program)
    run(program, f"mqtt://127.0.0.1:{server.port}")


@pytest.mark.parametrize("proxy", ["{0}", 'nj_socks5("socks5h://localhost")'])
def test_a_program_has_socks5_in_it_only_where_it_asks_for_that(installed, tmp_path, proxy):
    source, program = tmp_path / "program.c", tmp_path / "program"
    source.write_text("#include <nightjar/socks5.h>\n\nint main(void)\n{\n"
                      f"    struct nj_link_options options = {{ .proxy = {proxy} }};\n\n"
                      "    nj_link_free(nj_link_new(&options));\n}\n")
    compile_statically(installed, source, program, "-Wl,--gc-sections")
    names = re.findall(r"\b\w*socks\w*", run("nm", program))
    assert ("socks_client_open" in names) if "socks" in proxy else not names


@pytest.mark.parametrize("name", ["publish", "subscribe"])
def test_the_smallest_programs_are_small(name):
    text = EXAMPLE.with_name(f"{name}.c").read_text()
    lines = [line for line in text.splitlines() if line and not line.startswith("/*")]
    assert len(lines) <= SHORT


@pytest.mark.ours_only("it reads our log")
def test_a_program_that_hears_and_one_that_speaks(server):
    url = f"mqtt://127.0.0.1:{server.port}"
    with subprocess.Popen(["stdbuf", "-oL", BUILD / "examples" / "client_subscribe", url],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as hears:
        try:
            server.await_log("client.subscribed")
            run(BUILD / "examples" / "client_publish", url)
            assert hears.stdout.readline() == "hello\n"
        finally:
            hears.kill()
            hears.wait(PATIENCE_S)
