# SPDX-License-Identifier: Apache-2.0
"""The programs of examples/client, against the server under test."""

import itertools
import os
import subprocess
from contextlib import contextmanager

import pytest

from mosquitto import Subscriber, publish
from server import free_port
from test_engine import BUILD
from waiting import PATIENCE_S, in_time, until

# How long the programs wait for an answer themselves.
ANSWER_S = 5
FAREWELL_S = 10


def command(name, *words):
    return [str(BUILD / "examples" / f"client_{name}"), *map(str, words)]


def url_of(server):
    return f"mqtt://127.0.0.1:{server.port}"


@contextmanager
def running(name, *words, stdout=subprocess.PIPE):
    """The program, ended by its end of input or, where it does not look at that, killed."""
    with subprocess.Popen(command(name, *words), stdin=subprocess.PIPE, stdout=stdout,
                          text=True) as program:
        try:
            yield program
        finally:
            program.kill()


def run(name, *words):
    return subprocess.run(command(name, *words), text=True, capture_output=True,
                          timeout=2 * PATIENCE_S)


def send_readings(server, file, count):
    """Runs the sensor with so many new readings; what it could not send in time goes later."""
    counts = itertools.chain([count], itertools.repeat(0))

    def send():
        done = run("sensor", url_of(server), file, next(counts))
        assert done.returncode == 0, done.stderr

    in_time(FAREWELL_S, send)


def test_a_sensor_sends_its_readings(server, tmp_path):
    with Subscriber(server, "-t", "garden/#", "-q", "2") as subscriber:
        send_readings(server, tmp_path / "readings", 3)
        assert subscriber.lines(3) == ["20.5", "21.5", "22.5"]


def test_a_sensor_keeps_its_readings_until_there_is_a_server(start_server, tmp_path):
    file = tmp_path / "readings"
    with subprocess.Popen(command("sensor", f"mqtt://127.0.0.1:{free_port()}", file, 3),
                          stderr=subprocess.DEVNULL) as sensor:
        until(lambda: file.exists() and file.read_bytes().count(b"garden") == 3, "the readings")
        sensor.kill()
    server = start_server()
    with Subscriber(server, "-t", "garden/#", "-q", "2") as subscriber:
        send_readings(server, file, 0)
        assert subscriber.lines(3) == ["20.5", "21.5", "22.5"]
        send_readings(server, file, 0)
        assert subscriber.lines_until_now() == ["20.5", "21.5", "22.5"]


def test_a_question_is_answered(server):
    with running("respond", url_of(server), "shouts") as responder:
        assert responder.stdout.readline() == "ready\n"
        for question in ["hello", "again"]:
            def ask():
                done = run("request", url_of(server), "shouts", question)
                assert done.stdout == f"{question.upper()}\n", done.stderr

            in_time(ANSWER_S, ask)


@pytest.mark.ours_only("Mosquitto 2.0.11 does not say that nobody subscribes")
def test_a_question_to_nobody_fails_at_once(server):
    done = run("request", url_of(server), "nobody/here", "hello")
    assert done.returncode == 1
    assert "no answer: cannot request" in done.stderr


def test_workers_share_their_jobs(server):
    reads, writes = os.pipe()
    jobs = [f"{job} done\n" for job in range(6)]
    with open(reads, encoding="ascii") as told, \
            running("worker", url_of(server), "painters", "jobs/#", stdout=writes) as one, \
            running("worker", url_of(server), "painters", "jobs/#", stdout=writes) as two:
        os.close(writes)
        assert [told.readline(), told.readline()] == ["ready\n"] * 2
        for job in range(len(jobs)):
            publish(server, "jobs/paint", "-m", str(job), "-q", "1")
        assert sorted(told.readline() for _ in jobs) == jobs
        for worker in [one, two]:
            worker.communicate(timeout=PATIENCE_S)
            assert worker.returncode == 0


def test_a_loop_of_the_programs_own(server):
    with running("loop", url_of(server), "chat") as loop:
        loop.stdin.write("first\n")
        loop.stdin.flush()
        assert loop.stdout.readline() == "first\n"
        publish(server, "chat", "-m", "from afar", "-q", "2")
        assert loop.stdout.readline() == "from afar\n"
        out, _ = loop.communicate("last\n", timeout=PATIENCE_S)
        assert out in ("last\n", "")
        assert loop.returncode == 0


def test_a_subscriber_writes_each_message_at_once(server):
    publish(server, "greeting/world", "-m", "hello", "-q", "1", "-r")
    with running("subscribe", url_of(server)) as subscriber:
        assert subscriber.stdout.readline() == "hello\n"  # so it has subscribed
        publish(server, "greeting/world", "-m", "again")
        assert subscriber.stdout.readline() == "again\n"
    publish(server, "greeting/world", "-n", "-r")
