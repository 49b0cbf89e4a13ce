# SPDX-License-Identifier: Apache-2.0
"""`nightjar pub`, `sub` and `rr` under the names of Mosquitto's tools, beside those of Debian.

Both are given the same command lines, against our server and against Mosquitto: they must print the
same, end with the same status, and complain of the same.
"""

import hashlib
import os
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from access import start, write_passwords
from certificates import Authority
from client_lines import (ENGINED, GUARDED, INSECURE, LOCKED, PROXIED, REFUSED, RETAINED, SECURED,
                          SERVED, UNPROXIED)
from mosquitto import retained
from server import PROGRAM, REPOSITORY, free_port
from socks_proxy import Proxy
from tls import mutual
from waiting import PATIENCE_S, until

pytestmark = pytest.mark.ours_only("it is our command")

BUILD = Path(os.environ.get("NIGHTJAR_BUILD", REPOSITORY / "build")).absolute()
NAMES = {"pub": "mosquitto_pub", "sub": "mosquitto_sub", "rr": "mosquitto_rr"}

# What differs from one run to the next: identifiers of packets and clients, and times.
VARYING = [
    (re.compile(rb"\b([Mm]id: )\d+"), rb"\1N"), (re.compile(rb"\((m)\d+"), rb"(\1N"),
    (re.compile(rb", m\d+, "), b", mN, "), (re.compile(rb"Client auto-[0-9A-Z-]+"), b"Client X"),
    (re.compile(rb"Client [0-9a-f]{8}-[0-9a-f-]+"), b"Client X"),
    (re.compile(rb'"tst":(\s*)"[^"]*"'), rb'"tst":\1"T"'),
    (re.compile(rb"\Amosquitto_pub is a simple mqtt client .*", re.DOTALL), b""),  # its help
]

# Complaints of Mosquitto 2.0 that 2.1 has put into better words; ours are those of 2.1.
REWORDED = {
    "Error: You must specify a topic to subscribe to.":
        "Error: You must specify a topic to subscribe to (-t) or unsubscribe from (-U).",
    "Error: unsupported URL scheme.": "Error: Unsupported URL scheme.",
    "Error: Invalid command given in --property argument.":
        "Error: Invalid command bogus given in --property argument.",
    "Error: Invalid property name given in --property argument.":
        "Error: Invalid property name bogus given in --property argument.",
}

# Where its time is over before the server has let it in, Mosquitto's tool ends otherwise: it is
# given more, as a machine may stand still.
NOT_LET_IN = 255
WAITS_S = (1, 5, 25)


def canonical(text):
    for pattern, instead in VARYING:
        text = pattern.sub(instead, text)
    return text


def complaint(text):
    """The first line that is not empty; what follows it is advice."""
    lines = [line for line in text.decode(errors="replace").splitlines() if line.strip()]
    return REWORDED.get(lines[0], lines[0]) if lines else ""


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with links of our program, and files for command lines."""
    folder = tmp_path_factory.mktemp("tools")
    for name in NAMES.values():
        (folder / name).symlink_to(PROGRAM)
    (folder / "text").write_text("from a file\nof two lines\n")
    return folder


def run(place, whose, line, paths=None, options=()):
    program = place / NAMES[line.tool] if whose == "ours" else NAMES[line.tool]
    files = {"text": place / "text", "missing": place / "missing", **(paths or {})}
    done = subprocess.run(
        [program, *options, *line.words(files)], input=line.stdin.encode(), capture_output=True,
        timeout=PATIENCE_S, check=False,
        env={**os.environ, "XDG_CONFIG_HOME": str(place / "none"), "TZ": "UTC"})
    return done.returncode, canonical(done.stdout), complaint(done.stderr)


def run_both(place, line, options, paths):
    with ThreadPoolExecutor(2) as both:  # who waits, waits at the same time as the other
        theirs = both.submit(run, place, "theirs", line, paths, options)
        if "-W" not in line.options:
            theirs.result()
        ours = both.submit(run, place, "ours", line, paths, options)
        return theirs.result(), ours.result()


def differences(place, lines, options=(), paths=None):
    """Lines of which the two tools make something else."""
    found = []
    for line in lines:
        for wait_s in WAITS_S:
            waiting = line._replace(options=line.options.replace("-W 1", f"-W {wait_s}"))
            theirs, ours = run_both(place, waiting, options, paths)
            if theirs[0] != NOT_LET_IN or "-W" not in line.options:
                break
        if theirs != ours:
            found.append(f"{NAMES[line.tool]} {line.options}\n  {theirs}\n  {ours}")
    return found


def test_the_same_lines_are_refused(place):
    found = differences(place, REFUSED)
    assert not found, "\n".join(found)


@pytest.mark.parametrize("kind", ["nightjar", "mosquitto"])
def test_the_same_lines_do_the_same(place, tmp_path, kind):
    server = start(tmp_path, kind, "allow_anonymous true")
    try:
        for topic, payload, more in RETAINED:
            subprocess.run(["mosquitto_pub", *server.tool_options, "-r", "-t", topic, "-s", *more],
                           input=payload, check=True)
        until(lambda: len(retained(server, "r/#", show="%t")) == len(RETAINED), "all to be there")
        found = differences(place, SERVED, server.tool_options,
                            {"address": f"127.0.0.1:{server.port}"})
        assert not found, "\n".join(found)
    finally:
        server.kill()


def test_the_same_lines_go_through_a_proxy(place, server):
    subprocess.run(["mosquitto_pub", *server.tool_options, "-r", "-t", "r/text", "-m", "hello"],
                   check=True)
    with Proxy() as proxy:
        paths = {"proxy": proxy.url, "proxy_port": proxy.port, "port": server.port,
                 "no_port": free_port()}
        found = differences(place, PROXIED, server.tool_options, paths)
        assert not found, "\n".join(found)
        for line in PROXIED:
            assert run(place, "ours", line, paths, server.tool_options)[0] == 0, line
        for line in UNPROXIED:
            for whose, statuses in ("theirs", (1, 7, 11, 16)), ("ours", (1,)):
                status, _, complaint = run(place, whose, line, paths, server.tool_options)
                assert status in statuses and complaint.startswith("Error: "), (whose, line)


@pytest.mark.parametrize("kind", ["nightjar", "mosquitto"])
def test_the_same_lines_are_let_in(place, tmp_path, kind):
    write_passwords(tmp_path / "passwords", {"ada": "wonder"})
    (tmp_path / "acl").write_text("user ada\ntopic read may/#\n")
    server = start(tmp_path, kind,
                   f"password_file {tmp_path}/passwords\nacl_file {tmp_path}/acl")
    try:
        found = differences(place, GUARDED, server.tool_options,
                            {"address": f"127.0.0.1:{server.port}"})
        assert not found, "\n".join(found)
    finally:
        server.kill()


def test_the_same_lines_are_secure(place, start_tls, authority, tmp_path):
    server = start_tls(mutual(authority))
    cert, key = authority.issue("ada")
    paths = {"ca": authority.certificate, "cert": cert, "key": key,
             "other": Authority(tmp_path, "other").certificate}
    found = differences(place, SECURED, server.tool_options, paths)
    assert not found, "\n".join(found)
    for line in SECURED:
        assert run(place, "ours", line, paths, server.tool_options)[0] == 0, line
    for line in INSECURE:
        for whose in "theirs", "ours":
            status, _, complaint = run(place, whose, line, paths, server.tool_options)
            assert status in ((1,) if whose == "ours" else (1, 8)), (whose, line)
            assert re.match("Error: |OpenSSL Error|Unable to connect", complaint), complaint


def test_the_same_lines_use_a_key_in_an_engine(place, start_tls, authority, monkeypatch):
    monkeypatch.setenv("OPENSSL_ENGINES", str(BUILD / "tests" / "system"))
    server = start_tls(mutual(authority))
    cert, key = authority.issue("ada")
    paths = {"ca": authority.certificate, "cert": cert, "key": key,
             "sha1": hashlib.sha1(b"open").hexdigest(),
             "other_sha1": hashlib.sha1(b"shut").hexdigest()}
    found = differences(place, ENGINED, server.tool_options, paths)
    assert not found, "\n".join(found)
    for line in ENGINED:
        assert run(place, "ours", line, paths, server.tool_options)[0] == 0, line
    for line in LOCKED:
        for whose in "theirs", "ours":
            status, _, complaint = run(place, whose, line, paths, server.tool_options)
            assert status in ((1,) if whose == "ours" else (1, 8)), (whose, line)
            assert re.match("Error: |OpenSSL Error|Unable to connect", complaint), complaint
