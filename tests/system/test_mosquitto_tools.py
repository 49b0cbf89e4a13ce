# SPDX-License-Identifier: Apache-2.0
"""Mosquitto's command-line clients, version 3.1, 3.1.1 and 5.0, as scripts use them."""

import itertools
import json
import threading
import time

import pytest

from mosquitto import Subscriber, publish, retained, run
from waiting import PATIENCE_S, elapse, in_time, until

VERSIONS = ["mqttv31", "mqttv311", "mqttv5"]


def streams(*qos_levels):
    """Rows of version and QoS for tests that send more messages than a Receive Maximum."""
    overrun = pytest.mark.ours_only(
        "Mosquitto 2.0.11 sends a 5.0 client more QoS 2 messages than its Receive Maximum allows, "
        "and the client leaves with a protocol error")
    return [pytest.param(version, qos, marks=[overrun] if (version, qos) == ("mqttv5", 2) else [])
            for version in VERSIONS for qos in qos_levels]


@pytest.fixture(params=VERSIONS)
def version(request):
    return request.param


# Publish and subscribe ---------------------------------------------------------------------------


@pytest.mark.sanitizer
@pytest.mark.parametrize("qos", [0, 1, 2])
def test_a_message_arrives_at_its_qos(server, version, qos):
    with Subscriber(server, "-t", "a/+", "-q", "2", show="%t %q %r %p", version=version) as sub:
        publish(server, "a/b", "-q", qos, "-m", "hello", version=version)
        assert sub.lines(1) == [f"a/b {qos} 0 hello"]


@pytest.mark.parametrize("qos", [0, 1, 2])
def test_the_subscription_lowers_the_qos(server, version, qos):
    with Subscriber(server, "-t", "a", "-q", qos, show="%q", version=version) as sub:
        publish(server, "a", "-q", "2", "-m", "x", version=version)
        assert sub.lines(1) == [str(qos)]


def test_versions_talk_to_each_other(server):
    subscribers = [Subscriber(server, "-t", "mixed", "-q", "1", version=v) for v in VERSIONS]
    for version in VERSIONS:
        publish(server, "mixed", "-q", "1", "-m", f"from {version}", version=version)
    for subscriber in subscribers:
        with subscriber:
            # Three publishers: no order is promised among them.
            assert sorted(subscriber.lines(3)) == sorted(f"from {v}" for v in VERSIONS)


@pytest.mark.parametrize("version, qos", streams(0, 1, 2))
def test_a_stream_of_lines_keeps_its_order(server, version, qos):
    lines = [f"line {i}" for i in range(300)]
    with Subscriber(server, "-t", "stream", "-q", qos, version=version) as sub:
        publish(server, "stream", "-q", qos, "-l", version=version, stdin="\n".join(lines) + "\n")
        assert sub.lines(300) == lines


def test_a_file_of_a_megabyte_arrives_whole(server, version, tmp_path):
    payload = tmp_path / "payload"
    payload.write_text("0123456789abcdef" * 65536)
    with Subscriber(server, "-t", "large", "-q", "1", version=version) as sub:
        publish(server, "large", "-q", "1", "-f", payload, version=version)
        assert sub.lines(1) == [payload.read_text()]


def test_wildcards_match_by_level(server, version):
    names = ["home/kitchen/light", "home/kitchen/", "home/hall/light", "home", "away/kitchen/light"]
    expected = {
        "home/+/light": ["home/kitchen/light", "home/hall/light"],
        "home/#": ["home/kitchen/light", "home/kitchen/", "home/hall/light", "home"],
        "+/kitchen/+": ["home/kitchen/light", "home/kitchen/", "away/kitchen/light"],
    }
    for name in names:
        publish(server, name, "-r", "-m", "x", "-q", "1", version=version)
    for topic_filter, topics in expected.items():
        found = retained(server, topic_filter, show="%t", version=version)
        assert sorted(found) == sorted(topics), topic_filter


def test_unsubscribing_ends_delivery(server, version):
    with Subscriber(server, "-i", "u", "-c", "-q", "1", "-t", "keep", "-t", "leave",
                    version=version):
        pass
    with Subscriber(server, "-i", "u", "-c", "-q", "1", "-U", "leave", "-t", "keep",
                    version=version) as sub:
        until(lambda: sub.has_received("UNSUBACK"), "the UNSUBACK")
        publish(server, "leave", "-q", "1", "-m", "gone", version=version)
        publish(server, "keep", "-q", "1", "-m", "stays", version=version)
        sub.lines(1)
        assert sub.lines_until_now() == ["stays"]


def test_a_topic_that_begins_with_a_dollar_is_not_matched_by_wildcards(server, version):
    with Subscriber(server, "-t", "#", "-t", "+/broker/uptime", show="%t",
                    version=version) as sub:
        publish(server, "plain", "-q", "1", "-m", "x", version=version)
        sub.lines(1)
        assert sub.lines_until_now() == ["plain"]


# Retained messages -------------------------------------------------------------------------------


@pytest.mark.sanitizer
def test_a_retained_message_is_set_overwritten_and_cleared(server, version):
    publish(server, "state", "-r", "-q", "1", "-m", "old", version=version)
    assert retained(server, "state", show="%r %p", version=version) == ["1 old"]
    publish(server, "state", "-r", "-q", "1", "-m", "new", version=version)
    publish(server, "state", "-q", "1", "-m", "passing", version=version)
    assert retained(server, "state", show="%r %p", version=version) == ["1 new"]
    publish(server, "state", "-r", "-q", "1", "-n", version=version)
    assert retained(server, "state", version=version) == []


def test_remove_retained_clears_all_that_it_sees(server):
    for i in range(20):
        publish(server, f"rubbish/{i}", "-r", "-q", "1", "-m", "x")
    with Subscriber(server, "-t", "rubbish/#", "-q", "1", "--remove-retained") as sub:
        until(lambda: len(sub.lines_until_now()) >= 20, "the retained messages")
    until(lambda: retained(server, "rubbish/#") == [], "the retained messages to be gone")


def test_retain_as_published(server):
    with Subscriber(server, "-t", "state", "-q", "1", "--retain-as-published",
                    show="%r") as kept, \
            Subscriber(server, "-t", "state", "-q", "1", show="%r") as cleared:
        publish(server, "state", "-r", "-q", "1", "-m", "x")
        assert kept.lines(1) == ["1"]
        assert cleared.lines(1) == ["0"]


# Wills -------------------------------------------------------------------------------------------


@pytest.mark.sanitizer
@pytest.mark.parametrize("qos", [0, 1, 2])
def test_the_will_is_published_after_kill_9(server, version, qos):
    with Subscriber(server, "-t", "status", "-q", "2", show="%q %r %p",
                    version=version) as watcher:
        dying = Subscriber(server, "-t", "x", "--will-topic", "status", "--will-payload", "offline",
                           "--will-qos", qos, "--will-retain", version=version)
        dying.kill()
        assert watcher.lines(1) == [f"{qos} 0 offline"]
    assert retained(server, "status", show="%r %p", version=version) == ["1 offline"]


@pytest.mark.parametrize("version, wills", [
    ("mqttv31", []), ("mqttv311", []),
    ("mqttv5", ["offline"]),  # this tool's DISCONNECT asks for the will, with reason code 0x04
])
def test_a_disconnect_decides_about_the_will(server, version, wills):
    with Subscriber(server, "-t", "status", "-q", "2", version=version) as watcher:
        Subscriber(server, "-t", "x", "--will-topic", "status", "--will-payload", "offline",
                   version=version).stop()
        watcher.lines(len(wills))
        assert watcher.lines_until_now() == wills


def test_the_will_waits_for_its_delay(server):
    with Subscriber(server, "-t", "status", "-q", "2") as watcher:
        dying = Subscriber(server, "-i", "d", "-t", "x", "-x", "60", "--will-topic", "status",
                           "--will-payload", "offline", "-D", "will", "will-delay-interval", "1")
        killed_at = time.monotonic()
        dying.kill()
        watcher.lines(1)
        assert time.monotonic() - killed_at >= 0.9


def test_coming_back_within_the_delay_keeps_the_will_in(server):
    options = ["-i", "d", "-c", "-t", "x", "-x", "60", "--will-topic", "status",
               "-D", "will", "will-delay-interval", "1", "--will-payload"]
    turns = itertools.count()
    with Subscriber(server, "-t", "status", "-q", "2") as watcher:
        def come_back():
            own = f"offline {next(turns)}"
            Subscriber(server, *options, own).kill()
            with Subscriber(server, *options, "another"):
                elapse(1.5)
                assert own not in watcher.lines_until_now()

        in_time(1 + 1.5, come_back)


def test_a_will_bears_its_properties(server):
    with Subscriber(server, "-t", "status", show="%j") as watcher:
        Subscriber(server, "-t", "x", "--will-topic", "status", "--will-payload", "offline",
                   "-D", "will", "content-type", "text/plain",
                   "-D", "will", "response-topic", "who/asks",
                   "-D", "will", "user-property", "reason", "power").kill()
        properties = json.loads(watcher.lines(1)[0])["properties"]
        assert properties["content-type"] == "text/plain"
        assert properties["response-topic"] == "who/asks"
        assert properties["user-properties"] == {"reason": "power"}


# Durable sessions --------------------------------------------------------------------------------


@pytest.mark.sanitizer
@pytest.mark.parametrize("end", ["stop", "kill"])
@pytest.mark.parametrize("version, qos", streams(1, 2))
def test_a_durable_subscriber_gets_what_it_missed(server, version, qos, end):
    options = ["-i", "durable", "-c", "-t", "news", "-q", "2"]
    getattr(Subscriber(server, *options, version=version), end)()
    missed = [f"missed {i}" for i in range(100)]
    publish(server, "news", "-q", qos, "-l", stdin="\n".join(missed) + "\n", version=version)
    with Subscriber(server, *options, version=version) as sub:
        assert sub.lines(100) == missed
    with Subscriber(server, *options, version=version) as sub:
        assert sub.lines_until_now() == [], "what was delivered is not delivered again"


def test_a_clean_start_forgets_the_session(server, version):
    Subscriber(server, "-i", "durable", "-c", "-t", "news", "-q", "1", version=version).stop()
    publish(server, "news", "-q", "1", "-m", "forgotten", version=version)
    with Subscriber(server, "-i", "durable", "-t", "other", "-q", "1", version=version) as sub:
        assert sub.lines_until_now() == []
    with Subscriber(server, "-i", "durable", "-c", "-t", "other", "-q", "1",
                    version=version) as sub:
        assert sub.lines_until_now() == []


def test_a_session_ends_when_its_expiry_has_passed(server):
    sessions = {expiry_s: ["-i", f"expiry{expiry_s}", "-c", "-x", expiry_s, "-q", "1"]
                for expiry_s in (1, 60)}
    for options in sessions.values():
        Subscriber(server, *options, "-t", "news").stop()
    publish(server, "news", "-q", "1", "-m", "kept")
    server.await_log("session.expired id=\"expiry1\"|Expiring client expiry1")
    for expiry_s, expected in (1, []), (60, ["kept"]):
        with Subscriber(server, *sessions[expiry_s], "-t", "other") as sub:
            assert sub.lines_until_now() == expected


# Shared subscriptions ----------------------------------------------------------------------------


@pytest.mark.sanitizer
@pytest.mark.parametrize("version, qos", streams(0, 1, 2))
def test_a_shared_subscription_gives_each_message_to_one_member(server, version, qos):
    messages = [f"job {i}" for i in range(200)]
    options = ["-t", "$share/workers/jobs/#", "-q", qos]
    with Subscriber(server, *options, version=version) as one, \
            Subscriber(server, *options, version=version) as other, \
            Subscriber(server, "-t", "jobs/#", "-q", qos, version=version) as everything:
        publish(server, "jobs/now", "-q", qos, "-l", stdin="\n".join(messages) + "\n",
                version=version)
        assert everything.lines(200) == messages
        until(lambda: len(one.lines_until_now()) + len(other.lines_until_now()) == 200,
              "all jobs to be given out")
        given = [one.lines_until_now(), other.lines_until_now()]
        assert sorted(given[0] + given[1]) == sorted(messages)
        assert all(given), "each member has its part"


# Properties of version 5.0 -----------------------------------------------------------------------


@pytest.mark.sanitizer
def test_properties_reach_the_subscriber_untouched(server):
    with Subscriber(server, "-t", "a", "-q", "1", show="%j") as sub:
        publish(server, "a", "-q", "1", "-m", "grüße", *[
            "-D", "publish", "user-property", "first", "1",
            "-D", "publish", "user-property", "second", "2",
            "-D", "publish", "content-type", "text/plain",
            "-D", "publish", "response-topic", "answers/here",
            "-D", "publish", "correlation-data", "c0ffee",
            "-D", "publish", "payload-format-indicator", "1"])
        message = json.loads(sub.lines(1)[0])
    assert message["topic"] == "a" and message["qos"] == 1 and message["retain"] == 0
    assert message["payload"] == "grüße" and message["payloadlen"] == len("grüße".encode())
    assert message["properties"] == {
        "user-properties": {"first": "1", "second": "2"},
        "content-type": "text/plain",
        "response-topic": "answers/here",
        "correlation-data": "c0ffee",
        "payload-format-indicator": 1,
    }


def test_a_user_property_may_repeat_and_keeps_its_place(server):
    with Subscriber(server, "-t", "a", show="%P") as sub:
        publish(server, "a", "-m", "x", *[
            "-D", "publish", "user-property", "key", "1",
            "-D", "publish", "user-property", "other", "2",
            "-D", "publish", "user-property", "key", "3"])
        assert sub.lines(1) == ["key:1 other:2 key:3"]


def test_the_message_expiry_that_is_left_is_told(server):
    began = time.monotonic()
    publish(server, "a", "-r", "-q", "1", "-m", "x", "-D", "publish", "message-expiry-interval",
            "100")
    elapse(1.1)
    (left,) = retained(server, "a", show="%E")
    assert 98 - (time.monotonic() - began) < int(left) < 100


def test_an_expired_message_is_not_delivered(server):
    expiry = ["-D", "publish", "message-expiry-interval", "1"]
    session = ["-i", "durable", "-c", "-t", "news", "-q", "1"]
    Subscriber(server, *session).stop()
    for retain in [], ["-r"]:
        publish(server, "news", "-q", "1", *retain, "-m", "stale", *expiry)
    elapse(2.1)  # Mosquitto lets a queued message live through its last second
    assert retained(server, "news") == []
    publish(server, "news", "-q", "1", "-m", "fresh")
    with Subscriber(server, *session) as sub:
        sub.lines(1)
        assert sub.lines_until_now() == ["fresh"]


def test_the_subscription_identifier_comes_with_each_message(server):
    publish(server, "a/kept", "-r", "-q", "1", "-m", "x")
    with Subscriber(server, "-t", "a/#", "-D", "subscribe", "subscription-identifier", "4711",
                    show="%S %t") as sub:
        publish(server, "a/live", "-m", "x")
        assert sub.lines(2) == ["4711 a/kept", "4711 a/live"]


def test_a_publisher_may_use_a_topic_alias(server):
    with Subscriber(server, "-t", "a/long/topic", "-q", "1", show="%t %p") as sub:
        publish(server, "a/long/topic", "-q", "1", "-l", "-D", "publish", "topic-alias", "3",
                stdin="one\ntwo\nthree\n")
        assert sub.lines(3) == [f"a/long/topic {word}" for word in ("one", "two", "three")]


def test_request_and_response(server):
    def answer(worker):
        (line,) = worker.lines(1)
        request = json.loads(line)
        properties = request["properties"]
        publish(server, properties["response-topic"], "-q", "1",
                "-m", f"answer to {request['payload']}",
                "-D", "publish", "correlation-data", properties["correlation-data"])

    with Subscriber(server, "-t", "service", "-q", "1", show="%j") as worker:
        answering = threading.Thread(target=answer, args=(worker,))
        answering.start()
        done = run("rr", server, "-t", "service", "-e", "answers/me", "-m", "question", "-q", "1",
                   "-W", PATIENCE_S, "-F", "%t %p %D", "-D", "publish", "correlation-data", "c1")
        answering.join()
    assert done.returncode == 0, done.stderr
    assert done.stdout == "answers/me answer to question c1\n"


# Refusals ----------------------------------------------------------------------------------------


@pytest.mark.config("allow_anonymous false")
@pytest.mark.parametrize("version, status", [("mqttv31", 5), ("mqttv311", 5), ("mqttv5", 135)])
def test_an_anonymous_client_is_refused_where_it_is_not_allowed(server, version, status):
    done = run("pub", server, "-t", "a", "-m", "x", version=version)
    assert done.returncode == status, done.stderr


# What the server tells of itself -----------------------------------------------------------------


@pytest.mark.config("sys_interval 1")
def test_sys_counts_the_bytes_that_came_in(server):
    publish(server, "a", "-q", "1", "-m", "x" * 100000)
    until(lambda: any(int(value) >= 100000
                      for value in retained(server, "$SYS/broker/publish/bytes/received")),
          "$SYS to count the payload")
