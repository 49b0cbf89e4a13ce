# SPDX-License-Identifier: Apache-2.0
"""tools/tidy finds one planted breach of each kind, and nothing in a tree that keeps the rules."""

import json
import os
import pathlib
import shutil
import subprocess
import time

import pytest

TIDY = pathlib.Path(__file__).resolve().parents[2] / "tools" / "tidy"
C = "/* SPDX-License-Identifier: Apache-2.0 */\n"
PY = "# SPDX-License-Identifier: Apache-2.0\n"

CLEAN = {
    "src/floors": "pure = stddef.h\n"
                  "base | pure\nnet base | any\nmqtt base | pure\nnet/user.* base mqtt | any\n"
                  "+ *_test.c tests/harness | any\n",
    "src/README.md": "What this program is made of.\n\n- `base/`: Bytes.\n- `net/`: Streams.\n",
    "src/base/README.md": "Bytes.\n\n- `bytes`: a view.\n",
    "src/base/bytes.h": C + "#include <stddef.h>\nstruct bytes { size_t size; };\n",
    "src/base/bytes.c": C + '#include "base/bytes.h"\nint bytes_none(void)\n{\n    return 0;\n}\n',
    "src/base/bytes_test.c": C + '#include "tests/harness/test.h"\n\n#include <stdio.h>\n'
                                 "static int calls;\n",
    "src/net/README.md": "Streams.\n\n- `tcp`: sockets.\n",
    "src/net/tcp.c": C + '#include "base/bytes.h"\n\n#include <sys/socket.h>\n'
                         "static const int sizes[] = { 1, 2 };\n"
                         "static int first(void)\n{\n    static const int x = 1;\n"
                         "    return sizes[0] + x;\n}\n",
    "tests/harness/test.h": C + "#define TEST(name) static void name(void)\n",
}

LONG_FUNCTION = "int long_one(int x)\n{\n" + "    x++;\n" * 67 + "    return x;\n}\n"
TABLE_FUNCTION = ("int table(int x)\n{\n    static const int rows[] = {\n" + "        1,\n" * 80 +
                  "    };\n    return rows[x];\n}\n")
FLAT_SWITCH = ("int flat(int x)\n{\n    switch (x) {\n" +
               "".join(f"    case {i}:\n        return {i};\n" for i in range(40)) +
               "    }\n    return 0;\n}\n")
DEEP_SWITCH = FLAT_SWITCH.replace("    case 3:\n", "    case 3: {\n        x++;\n    }\n")


def plant(root, files):
    for path, text in {**CLEAN, **files}.items():
        if text is not None:
            file = root / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)


def tidy(root, *options):
    done = subprocess.run([TIDY, "--root", root, *options], capture_output=True, text=True)
    assert done.stderr == ""
    return done.returncode, done.stdout.splitlines()


def test_a_tree_that_keeps_the_rules_passes(tmp_path):
    plant(tmp_path, {})
    assert tidy(tmp_path, "--no-objects") == (0, ["tidy: all rules kept"])


@pytest.mark.parametrize("text", [TABLE_FUNCTION, FLAT_SWITCH,
                                  LONG_FUNCTION.replace("    x++;\n", "", 1)],
                         ids=["table", "flat_switch", "exactly_70_lines"])
def test_what_may_be_long_passes(tmp_path, text):
    plant(tmp_path, {"src/net/tcp.c": C + text})
    assert tidy(tmp_path, "--no-objects")[0] == 0


BREACHES = {
    "floor_upwards": ("src/base/bytes.c", C + '#include "net/tcp.h"\n', 2, "may not include"),
    "floor_sideways": ("src/net/tcp.c", C + '#include "mqtt/topic.h"\n', 2, "may not include"),
    "system_header": ("src/base/bytes.c", C + "#include <stdio.h>\n", 2, "<stdio.h> on a floor"),
    "unknown_include": ("src/net/tcp.c", C + '#include "bytes.h"\n', 2, "no file bytes.h"),
    "folder_without_floor": ("src/store/log.c", C, 1, "no floor"),
    "cycle": ("src/base/bytes.h", C + '#include "base/bytes.h"\nstruct x { int y; };\n', 2,
              "in a circle: src/base/bytes.h -> src/base/bytes.h"),
    "long_function": ("src/net/tcp.c", C + "\n" + LONG_FUNCTION, 3, "long_one() has 71 lines"),
    "switch_with_blocks": ("src/net/tcp.c", C + DEEP_SWITCH, 2, "flat() has"),
    "no_license": ("src/net/tcp.c", "int x(void);\n", 1, "no license line"),
    "no_license_in_script": ("tools/thing", "#!/bin/sh\ntrue\n", 1, "no license line"),
    "later": ("src/net/tcp.c", C + "/* " + "TO" + "DO: later */\n", 2, "do it now"),
    "fix_later": ("tests/a.py", PY + "# " + "FIX" + "ME\n", 2, "do it now"),
    "wide_line": ("src/net/tcp.c", C + "/* " + "x" * 98 + "\n */\n", 2, "101 columns"),
    "branch": ("src/base/bytes.c", C + "#ifdef __linux__\n#endif\n", 2, "#ifdef in base"),
    "umbrella": ("src/net/tcp.h", C + '#ifndef A\n#include "base/bytes.h"\n#endif\n', 1,
                 "includes only"),
    "blanks": ("src/net/tcp.c", C + "int x(void); \n", 2, "blanks at the end"),
    "registry": ("tests/system/package-lock.json", '{\n"resolved": "somewhere"\n}\n', 2,
                 "names a registry"),
    "sleep": ("tests/wait.c", C + "void w(void)\n{\n    us" + "leep(3);\n}\n", 4, "sleeps"),
    "sleep_in_python": ("tests/wait.py", PY + "time.sl" + "eep(3)\n", 2, "sleeps"),
    "static_object": ("src/net/tcp.c", C + "static int count = 3;\n", 2, "that can change"),
    "static_in_function": ("src/net/tcp.c", C + "int f(void)\n{\n    static int count;\n"
                           "    return count++;\n}\n", 4, "that can change"),
    "no_readme": ("src/base/README.md", None, 1, "is missing"),
    "readme_title": ("src/base/README.md", "# base\n- `bytes`: a view\n", 1, "not a sentence"),
    "readme_differs": ("src/base/README.md", "Other bytes.\n- `bytes`: a view\n", 1,
                       "src/README.md"),
    "readme_forgets": ("src/base/README.md", "Bytes.\n", 1, "no line for bytes"),
}


@pytest.mark.parametrize("path, text, line, what", BREACHES.values(), ids=BREACHES.keys())
def test_finds(tmp_path, path, text, line, what):
    around = {"src/net/tcp.h": C + "int tcp_open(void);\n",
              "src/mqtt/topic.h": C + "int topic(void);\n",
              "src/mqtt/README.md": "Topics.\n\n- `topic`: one.\n",
              "src/README.md": CLEAN["src/README.md"] + "- `mqtt/`: Topics.\n"}
    plant(tmp_path, {**around, path: text})
    code, lines = tidy(tmp_path, "--no-objects")
    assert code == 1
    assert any(found.startswith(f"{path}:{line}: ") and what in found for found in lines), lines


def test_finds_a_circle_of_three(tmp_path):
    plant(tmp_path, {f"src/net/{a}.h": C + f'#include "net/{b}.h"\nint {a}(void);\n'
                     for a, b in ("ab", "bc", "ca")})
    _, lines = tidy(tmp_path, "--no-objects")
    assert any("src/net/a.h -> src/net/b.h -> src/net/c.h -> src/net/a.h" in line
               for line in lines)


def build(root, names):
    """Compiles the named files as Meson would, and says so as Meson does."""
    folder = root / "build"
    folder.mkdir()
    rows = []
    for name in names:
        output = name.replace("/", "_") + ".o"
        subprocess.run(
            ["gcc", "-O2", "-fPIE", "-I../src", "-I..", "-c", "../" + name, "-o", output],
            cwd=folder, check=True)
        rows.append({"directory": str(folder), "file": "../" + name, "output": output})
    (folder / "compile_commands.json").write_text(json.dumps(rows))


POINTERS = "const char *const fixed[] = { \"a\" };\n"


@pytest.mark.parametrize("text, name", [
    ("int visible;\n", "visible"),
    ("int filled = 7;\n", "filled"),
    ("_Thread_local int mine;\n", "mine"),
    ("const char *names[] = { \"a\" };\n", "names"),
    ("int *f(void)\n{\n    static\n    int kept;\n    return &kept;\n}\n", "kept"),
], ids=["bss", "data", "thread", "pointers", "static_in_function"])
def test_finds_in_the_compiled_file(tmp_path, text, name):
    plant(tmp_path, {"src/net/tcp.c": C + POINTERS + text})
    build(tmp_path, ["src/net/tcp.c", "src/base/bytes_test.c"])
    code, lines = tidy(tmp_path)
    assert code == 1
    assert [line for line in lines if f": {name} can change" in line]
    assert not [line for line in lines if "fixed" in line]


def test_main_may_have_two_objects_that_change(tmp_path):
    main = C + "int level;\nint signalled;\n"
    files = {"src/floors": CLEAN["src/floors"] + "main.c base | any\n",
             "src/README.md": CLEAN["src/README.md"] + "- `main`: all.\n", "src/main.c": main}
    plant(tmp_path, files)
    build(tmp_path, ["src/main.c"])
    assert tidy(tmp_path)[0] == 0
    (tmp_path / "src/main.c").write_text(main + "int more;\n")
    shutil.rmtree(tmp_path / "build")
    build(tmp_path, ["src/main.c"])
    assert tidy(tmp_path)[0] == 1


def test_says_that_a_file_changed_since_it_was_built(tmp_path):
    plant(tmp_path, {})
    build(tmp_path, ["src/net/tcp.c"])
    late = time.time() + 5
    os.utime(tmp_path / "src/net/tcp.c", (late, late))
    assert any("run make and check again" in line for line in tidy(tmp_path)[1])


def test_says_that_nothing_is_built(tmp_path):
    plant(tmp_path, {})
    assert any("nothing is built" in line for line in tidy(tmp_path)[1])
