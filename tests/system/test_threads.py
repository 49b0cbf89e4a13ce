# SPDX-License-Identifier: Apache-2.0
"""Four threads of the server at once: everything that crosses them, with exact accounts.

Client ids spread over the threads by a hash that is new in each run, so publishers, subscribers,
members of a group and successive owners of an id meet across threads as well as within one. The
thread sanitizer's build runs this too.
"""

import time
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from paho_client import V31, V311, V5, Client
from waiting import until

VERSIONS = [V31, V311, V5]
STREAMS = 6
STREAM_MESSAGES = 200
TAKEOVERS = 25
UPDATES = 60
STATES = 5
CHURN_SECONDS_MAX = 20

pytestmark = [
    pytest.mark.sanitizer,
    pytest.mark.config("threads 4\nmax_queued_messages 0"),
    pytest.mark.ours_only("threads is our own key"),
]


def by_topic(client):
    """What a client got, in order, for each topic."""
    got = defaultdict(list)
    for message in client.messages:
        got[message.topic].append(int(message.payload))
    return got


def publish_stream(server, number):
    """One publisher's messages, QoS 1 and 2 in turn over the streams."""
    with Client(server, f"publisher{number}", VERSIONS[number % 3]) as publisher:
        sent = [publisher.send(f"stream/{number}", str(i), 1 + number % 2)
                for i in range(STREAM_MESSAGES)]
        until(lambda: all(info.is_published() for info in sent), "every acknowledgement")


def take_over(server, number):
    """Successive connections with one id; each that is pushed out leaves its will."""
    last = None
    for i in range(TAKEOVERS):
        last = Client(server, f"taken{number}", V311, clean=i % 2 == 0,
                      will=(f"wills/{number}", str(i), 1, False, {}))
    last.disconnect()


def update_states(server, number):
    """The values of a few retained messages, each counting up."""
    with Client(server, f"updater{number}") as updater:
        for i in range(UPDATES):
            for state in range(STATES):
                updater.send(f"state/{number}/{state}", str(i), 1, True)
        updater.payloads_until_now()


def read_states(server, number, is_done):
    """New subscribers in between: none sees a value go back."""
    deadline = time.monotonic() + CHURN_SECONDS_MAX
    while not is_done() and time.monotonic() < deadline:
        with Client(server, f"reader{number}", VERSIONS[number % 3]) as reader:
            reader.subscribe("state/#", number % 3)
            reader.payloads_until_now()
            for topic, values in by_topic(reader).items():
                assert values == sorted(set(values)), f"{topic}: {values}"


def change_subscriptions(server, number, is_done):
    """Subscriptions that come and go while others publish."""
    deadline = time.monotonic() + CHURN_SECONDS_MAX
    with Client(server, f"changer{number}") as changer:
        while not is_done() and time.monotonic() < deadline:
            filters = [f"stream/{number}", "stream/+", "+/#", f"$share/changers/state/{number}/#"]
            for topic_filter in filters:
                changer.subscribe(topic_filter, 1)
            for topic_filter in filters:
                assert changer.unsubscribe(topic_filter) == 0
            changer.payloads_until_now()


def test_everything_at_once_over_four_threads(server):
    with ExitStack() as stack:
        watchers = [stack.enter_context(Client(server, f"watcher{i}", VERSIONS[i]))
                    for i in range(3)]
        members = [stack.enter_context(Client(server, f"member{i}", VERSIONS[1 + i % 2]))
                   for i in range(4)]
        mourner = stack.enter_context(Client(server, "mourner"))
        for watcher in watchers:
            watcher.subscribe("stream/#", 2)
        for member in members:
            member.subscribe("$share/group/stream/#", 1)
        mourner.subscribe("wills/#", 1)

        with ThreadPoolExecutor(STREAMS + 3 + 2 + 3 + 2) as pool:
            work = [pool.submit(publish_stream, server, i) for i in range(STREAMS)]
            work += [pool.submit(take_over, server, i) for i in range(3)]
            work += [pool.submit(update_states, server, i) for i in range(2)]

            def is_done(work=tuple(work)):
                return all(future.done() for future in work)

            work += [pool.submit(read_states, server, i, is_done) for i in range(3)]
            work += [pool.submit(change_subscriptions, server, i, is_done) for i in range(2)]
            for future in work:
                future.result()

        total = STREAMS * STREAM_MESSAGES
        in_order = {f"stream/{i}": list(range(STREAM_MESSAGES)) for i in range(STREAMS)}
        for watcher in watchers:
            watcher.take(total)
            assert by_topic(watcher) == in_order

        until(lambda: sum(len(member.messages) for member in members) >= total, "the group's share")
        given = Counter((message.topic, message.payload)
                        for member in members for message in member.messages)
        assert len(given) == total and set(given.values()) == {1}
        assert all(member.messages for member in members)

        mourner.take(3 * (TAKEOVERS - 1))
        assert by_topic(mourner) == {f"wills/{i}": list(range(TAKEOVERS - 1)) for i in range(3)}

        with Client(server, "late") as late:
            late.subscribe("state/#", 1)
            late.payloads_until_now()
            assert by_topic(late) == {
                f"state/{i}/{state}": [UPDATES - 1] for i in range(2) for state in range(STATES)}


def test_durable_sessions_find_their_home_again(server):
    """Absent clients on every thread get all that was published on every other one."""
    ids = [f"durable{i}" for i in range(24)]
    for client_id in ids:
        absent = Client(server, client_id, V311, clean=False)
        absent.subscribe("news/#", 1)
        absent.drop()
    with ThreadPoolExecutor(4) as pool:
        def publish(number):
            with Client(server, f"publisher{number}") as publisher:
                for i in range(25):
                    publisher.publish(f"news/{number}", str(i), 1)

        list(pool.map(publish, range(4)))
    for client_id in ids:
        with Client(server, client_id, V311, clean=False) as back:
            assert back.session_present
            back.take(100)
            assert by_topic(back) == {f"news/{i}": list(range(25)) for i in range(4)}
