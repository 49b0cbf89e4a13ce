# SPDX-License-Identifier: Apache-2.0
"""The client engine in examples/engine, against the server under test and Debian's Mosquitto."""

import os
import subprocess
from pathlib import Path

import pytest

from access import MOSQUITTO
from mosquitto import publish
from server import REPOSITORY, free_port, is_listening
from waiting import PATIENCE_S, until

BUILD = Path(os.environ.get("NIGHTJAR_BUILD", REPOSITORY / "build"))
EXAMPLES = [BUILD / "examples" / name for name in ("engine", "engine_small")]


class Peer:
    """Debian's Mosquitto on a port of its own."""

    def __init__(self, directory):
        self.port = free_port()
        self.tool_options = ["-h", "127.0.0.1", "-p", str(self.port)]
        config = directory / "mosquitto.conf"
        config.write_text(f"listener {self.port} 127.0.0.1\nallow_anonymous true\n")
        self.process = subprocess.Popen([MOSQUITTO, "-c", config],
                                        stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until(lambda: is_listening(self.port), "Mosquitto to listen")

    def stop(self):
        self.process.terminate()
        self.process.wait(PATIENCE_S)


@pytest.fixture
def peer(tmp_path):
    peer = Peer(tmp_path)
    yield peer
    peer.stop()


@pytest.fixture(params=["server", "peer"])
def either(request):
    """The server under test, then the peer."""
    return request.getfixturevalue(request.param)


@pytest.mark.parametrize("example_path", EXAMPLES, ids=lambda path: path.name)
def test_the_example_hears_itself_and_others_until_the_server_ends(either, example_path):
    words = [example_path, "127.0.0.1", str(either.port), "greeting/#", "greeting/world", "hello"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as example:
        try:
            assert example.stdout.readline() == "greeting/world hello\n"
            publish(either, "greeting/you", "-m", "again", "-q", "2")
            assert example.stdout.readline() == "greeting/you again\n"
            either.stop()
            assert example.stdout.readline() == ""
            assert example.wait(PATIENCE_S) == 1
        finally:
            example.kill()


def test_the_example_says_when_nobody_is_there():
    done = subprocess.run([EXAMPLES[0], "127.0.0.1", str(free_port()), "a", "a", "x"], text=True,
                          capture_output=True, timeout=PATIENCE_S)
    assert done.returncode == 1
    assert "no server there" in done.stderr
