# SPDX-License-Identifier: Apache-2.0
"""Paho Python, version 3.1, 3.1.1 and 5.0."""

import re
import time
from collections import Counter
from contextlib import ExitStack

import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCodes

from paho_client import V31, V311, V5, Client
from server import IS_NIGHTJAR
from waiting import elapse, until

VERSIONS = [V31, V311, V5]
FOREVER_S = 0xFFFFFFFF
WILL = ("status", "offline", 1, False, {})
# With it an acknowledgement says as well that the message, and so all that was sent before it, has
# come to every queue that it is for; else that may take its time.
ACKNOWLEDGES_QUEUED = "queue_full_policy backpressure" if IS_NIGHTJAR else ""


@pytest.fixture(params=VERSIONS, ids=["3.1", "3.1.1", "5.0"])
def version(request):
    return request.param


def durable(server, client_id, version):
    """A connection whose session outlives it."""
    expiry = {"SessionExpiryInterval": FOREVER_S} if version == V5 else {}
    return Client(server, client_id, version, clean=False, **expiry)


# Publish and subscribe ---------------------------------------------------------------------------


@pytest.mark.sanitizer
@pytest.mark.parametrize("qos", [0, 1, 2])
def test_messages_arrive_in_order_at_their_qos(server, version, qos):
    with Client(server, "s", version) as subscriber, Client(server, "p", version) as publisher:
        assert subscriber.subscribe("a/#", 2) == 2
        sent = [publisher.send(f"a/{i % 7}", str(i), qos) for i in range(500)]
        messages = subscriber.take(500)
        assert [m.payload for m in messages] == [b"%d" % i for i in range(500)]
        assert {m.qos for m in messages} == {qos}
        until(lambda: all(info.is_published() for info in sent), "every acknowledgement")


@pytest.mark.parametrize("granted", [0, 1, 2])
def test_the_subscription_lowers_the_qos(server, version, granted):
    with Client(server, "s", version) as client:
        assert client.subscribe("a", granted) == granted
        client.publish("a", "x", 2)
        assert client.take(1)[0].qos == granted


@pytest.mark.parametrize("qos", [0, 1, 2])
def test_a_payload_of_a_megabyte_arrives_whole(server, version, qos):
    payload = bytes(range(256)) * 4096
    with Client(server, "s", version) as client:
        client.subscribe("large", qos)
        client.publish("large", payload, qos)
        assert client.take(1)[0].payload == payload


def test_a_topic_may_have_65535_bytes(server, version):
    topic = "t" * 65535
    with Client(server, "s", version) as client:
        client.subscribe("+", 1)
        client.publish(topic, "x", 1, True)
        assert client.take(1)[0].topic == topic
    with Client(server, "late", version) as late:
        late.subscribe(topic)
        assert late.take(1)[0].retain


def test_unicode_survives(server, version):
    topic = "räume/küche/\N{BLACK SUN WITH RAYS}/\N{GRINNING FACE}/\ufeff"
    with Client(server, "s", version) as client:
        client.subscribe("räume/+/\N{BLACK SUN WITH RAYS}/#")
        client.publish(topic, topic)
        message = client.take(1)[0]
        assert message.topic == topic and message.payload.decode() == topic


def test_many_clients_each_get_what_is_theirs(server):
    with ExitStack() as stack:
        clients = [stack.enter_context(Client(server, f"client{i}", VERSIONS[i % 3]))
                   for i in range(60)]
        for client in clients:
            client.subscribe(f"to/{client.client_id}", 1)
            client.subscribe("to/all", 1)
        for i, client in enumerate(clients):
            client.send(f"to/client{(i + 1) % 60}", client.client_id, 1)
        clients[0].send("to/all", "hello", 1)
        for i, client in enumerate(clients):
            client.take(2)
            assert sorted(client.payloads()) == sorted(["hello", f"client{(i - 1) % 60}"])


def test_unsubscribing_ends_delivery(server):
    with Client(server, "s") as client:
        client.subscribe("a", 1)
        assert client.unsubscribe("a") == 0
        assert client.unsubscribe("a") == 0x11
        client.publish("a", "x", 1)
        assert client.payloads_until_now() == []


# Retained messages -------------------------------------------------------------------------------


@pytest.mark.sanitizer
def test_a_retained_message_is_set_overwritten_and_cleared(server, version):
    def kept():
        with Client(server, "late", version) as late:
            late.subscribe("state/#", 2)
            late.payloads_until_now()
            return [(m.topic, m.payload, m.qos, bool(m.retain)) for m in late.messages]

    with Client(server, "p", version) as publisher:
        publisher.publish("state/a", "old", 1, True)
        assert kept() == [("state/a", b"old", 1, True)]
        publisher.publish("state/a", "new", 2, True)
        publisher.publish("state/a", "passing", 2, False)
        assert kept() == [("state/a", b"new", 2, True)]
        publisher.publish("state/a", "", 1, True)
        assert kept() == []


@pytest.mark.parametrize("handling, received", [(0, [1, 1]), (1, [1, 0]), (2, [0, 0])])
def test_retain_handling(server, handling, received):
    with Client(server, "s") as client:
        client.publish("state", "x", 1, True)
        for count in received:
            client.messages.clear()
            client.subscribe("state", 1, retain_handling=handling)
            assert len(client.payloads_until_now()) == count


def test_retain_as_published(server):
    with Client(server, "kept") as kept, Client(server, "cleared") as cleared:
        kept.subscribe("state", retain_as_published=True)
        cleared.subscribe("state")
        kept.publish("state", "x", 1, True)
        kept.publish("state", "y", 1, False)
        assert [m.retain for m in kept.take(2)] == [True, False]
        assert [m.retain for m in cleared.take(2)] == [False, False]


def test_no_local(server):
    with Client(server, "self") as client, Client(server, "other") as other:
        client.subscribe("a", 1, no_local=True)
        client.publish("a", "own", 1)
        other.publish("a", "other's", 1)
        client.take(1)
        assert client.payloads_until_now() == ["other's"]


# Wills -------------------------------------------------------------------------------------------


@pytest.mark.sanitizer
@pytest.mark.parametrize("qos", [0, 1, 2])
def test_the_will_is_published_when_the_connection_drops(server, version, qos):
    with Client(server, "watcher", version) as watcher:
        watcher.subscribe("status", 2)
        Client(server, "dying", version, will=("status", "offline", qos, True, {})).drop()
        message = watcher.take(1)[0]
        assert (message.payload, message.qos, message.retain) == (b"offline", qos, False)
    with Client(server, "late", version) as late:
        late.subscribe("status")
        assert late.take(1)[0].retain


def test_a_disconnect_discards_the_will(server, version):
    with Client(server, "watcher", version) as watcher:
        watcher.subscribe("status", 2)
        Client(server, "leaving", version, will=WILL).disconnect()
        assert watcher.payloads_until_now() == []


def test_a_disconnect_may_ask_for_the_will(server):
    with Client(server, "watcher") as watcher:
        watcher.subscribe("status", 2)
        code = ReasonCodes(PacketTypes.DISCONNECT, "Disconnect with will message")
        Client(server, "leaving", will=WILL).disconnect(code)
        assert watcher.take(1)[0].payload == b"offline"


def test_the_end_of_the_session_ends_the_delay_of_the_will(server):
    with Client(server, "watcher") as watcher:
        watcher.subscribe("status", 1)
        will = ("status", "offline", 1, False, {"WillDelayInterval": 3600})
        dropped_at = time.monotonic()
        Client(server, "dying", will=will, SessionExpiryInterval=1).drop()
        watcher.take(1)
        assert time.monotonic() - dropped_at >= 0.9


# Sessions ----------------------------------------------------------------------------------------


@pytest.mark.sanitizer
@pytest.mark.parametrize("qos", [1, 2])
def test_a_durable_session_keeps_what_its_client_misses(server, version, qos):
    absent = durable(server, "absent", version)
    assert not absent.session_present
    absent.subscribe("news/#", qos)
    absent.drop()
    with Client(server, "p", version) as publisher:
        for i in range(20):
            publisher.publish(f"news/{i % 3}", str(i), qos)
    with durable(server, "absent", version) as back:
        back.take(20)
        assert back.payloads_until_now() == [str(i) for i in range(20)]
        assert {m.qos for m in back.messages} == {qos}
        assert back.session_present == (version != V31)  # the flag is not in 3.1


@pytest.mark.config(ACKNOWLEDGES_QUEUED)
def test_a_durable_session_keeps_nothing_of_qos_0(server, version):
    absent = durable(server, "absent", version)
    absent.subscribe("news", 1)
    absent.drop()
    with Client(server, "p", version) as publisher:
        publisher.publish("news", "not kept", 0)
        publisher.publish("news", "kept", 1)
    with durable(server, "absent", version) as back:
        back.take(1)
        assert back.payloads_until_now() == ["kept"]


@pytest.mark.parametrize("qos", [1, 2])
def test_a_subscriber_that_drops_while_receiving_misses_nothing(server, qos):
    """At QoS 2 nothing comes twice, for Paho keeps its half of the session."""
    subscriber = durable(server, "s", V5)
    subscriber.subscribe("a", qos)
    with Client(server, "p") as publisher:
        for i in range(800):
            publisher.send("a", str(i), qos)
        for seen in 100, 300, 500:
            until(lambda: len(subscriber.messages) >= seen, f"{seen} messages")
            subscriber.drop()
            subscriber.connect()
            assert subscriber.session_present
        until(lambda: "799" in subscriber.payloads(), "the last message")
    payloads = subscriber.payloads_until_now()
    if qos == 2:
        assert payloads == [str(i) for i in range(800)]
    else:
        assert list(dict.fromkeys(payloads)) == [str(i) for i in range(800)]
    subscriber.disconnect()


@pytest.mark.ours_only(
    "Paho sends all again that was in flight, and Mosquitto 2.0.11 acknowledges and discards what "
    "of it is over its own limit of 20, though 3.1.1 knows no such limit")
def test_a_publisher_that_drops_while_publishing_delivers_each_qos_2_message_once(server):
    publisher = durable(server, "p", V311)
    with Client(server, "s", V311) as subscriber:
        subscriber.subscribe("a", 2)
        sent = []
        for i in range(300):
            sent.append(publisher.send("a", str(i), 2))
            if i in (100, 200):
                publisher.drop()
                publisher.connect()
        until(lambda: all(info.is_published() for info in sent), "every PUBCOMP")
        subscriber.take(300)
        assert sorted(map(int, subscriber.payloads_until_now())) == list(range(300))
    publisher.disconnect()


def test_a_clean_start_forgets_the_session(server, version):
    absent = durable(server, "absent", version)
    absent.subscribe("news", 1)
    absent.disconnect()
    with Client(server, "p", version) as publisher:
        publisher.publish("news", "forgotten", 1)
    for clean in True, False:
        with Client(server, "absent", version, clean=clean) as back:
            assert not back.session_present
            assert back.payloads_until_now() == []


def test_a_disconnect_may_change_the_session_expiry(server):
    leaving = Client(server, "s", clean=False, SessionExpiryInterval=FOREVER_S)
    leaving.disconnect(SessionExpiryInterval=0)
    with Client(server, "s", clean=False) as back:
        assert not back.session_present


@pytest.mark.sanitizer
def test_a_second_connection_takes_the_session_over(server, version):
    first = durable(server, "same", version)
    first.subscribe("a", 1)
    with durable(server, "same", version) as second:
        first.expect_end(0x8E)
        second.publish("a", "x", 1)
        assert second.take(1)[0].payload == b"x"
        assert second.session_present == (version != V31)


def test_an_empty_client_id_gets_one_of_the_server(server):
    with Client(server) as one, Client(server) as other:
        assert one.connack.AssignedClientIdentifier != other.connack.AssignedClientIdentifier


# Shared subscriptions ----------------------------------------------------------------------------


@pytest.mark.sanitizer
@pytest.mark.parametrize("qos", [0, 1, 2])
def test_a_shared_subscription_gives_each_message_to_one_member(server, qos):
    with ExitStack() as stack:
        workers = [stack.enter_context(Client(server, f"w{i}", VERSIONS[1 + i % 2]))
                   for i in range(3)]
        for worker in workers:
            assert worker.subscribe("$share/group/jobs/+", qos) == qos
        publisher = stack.enter_context(Client(server, "p"))
        for i in range(300):
            publisher.send(f"jobs/{i % 5}", str(i), qos)
        until(lambda: sum(len(w.messages) for w in workers) >= 300, "all jobs")
        given = Counter(payload for w in workers for payload in w.payloads_until_now())
        assert given == Counter(str(i) for i in range(300))
        assert all(w.messages for w in workers), "each member has its part"


@pytest.mark.ours_only("Mosquitto 2.0.11 sends retained messages to shared subscriptions")
def test_a_shared_subscription_gets_no_retained_message(server):
    with Client(server, "s") as client:
        client.publish("state", "x", 1, True)
        client.subscribe("$share/group/state", 1)
        assert client.payloads_until_now() == []


@pytest.mark.ours_only("Mosquitto 2.0.11 hands messages to members that are not there")
def test_a_group_gives_to_those_who_are_there(server):
    absent = durable(server, "absent", V5)
    absent.subscribe("$share/group/jobs", 1)
    with Client(server, "present") as present:
        present.subscribe("$share/group/jobs", 1)
        absent.drop()
        # The group may not have heard yet who is gone: of as many messages as it has members it has
        # then given one to each, and one comes back, out of its order.
        for job in "one", "other":
            present.publish("jobs", job, 1)
        assert sorted(message.payload for message in present.take(2)) == [b"one", b"other"]
        present.messages.clear()
        for i in range(50):
            present.publish("jobs", str(i), 1)
        present.take(50)
        assert present.payloads() == [str(i) for i in range(50)]


# Properties and limits of version 5.0 ------------------------------------------------------------


@pytest.mark.sanitizer
def test_properties_reach_the_subscriber_untouched(server):
    user = [("key", "1"), ("other", "ü"), ("key", "3"), ("", "")]
    with Client(server, "s") as client:
        client.subscribe("a", 1, identifier=268435455)
        began = time.monotonic()
        client.publish("a", "x", 1, PayloadFormatIndicator=1, MessageExpiryInterval=1000,
                       ContentType="text/plain", ResponseTopic="answers/here",
                       CorrelationData=bytes(range(256)), UserProperty=user)
        got = client.take(1)[0].properties
    assert got.PayloadFormatIndicator == 1 and got.ContentType == "text/plain"
    assert got.ResponseTopic == "answers/here" and got.CorrelationData == bytes(range(256))
    assert got.UserProperty == user
    assert 998 - (time.monotonic() - began) < got.MessageExpiryInterval <= 1000
    assert got.SubscriptionIdentifier == [268435455]


def test_request_and_response(server):
    with Client(server, "service") as service, Client(server, "asker") as asker:
        service.subscribe("service", 1)
        asker.subscribe("answers/asker", 1)
        asker.send("service", "question", 1, ResponseTopic="answers/asker", CorrelationData=b"7")
        request = service.take(1)[0]
        service.send(request.properties.ResponseTopic, "answer", 1,
                     CorrelationData=request.properties.CorrelationData)
        answer = asker.take(1)[0]
        assert answer.payload == b"answer" and answer.properties.CorrelationData == b"7"


@pytest.mark.ours_only("Mosquitto 2.0.11 sends one copy for each overlapping subscription")
def test_overlapping_subscriptions_give_one_copy_with_all_identifiers(server):
    with Client(server, "s") as client:
        client.subscribe("a/+", 0, identifier=1)
        client.subscribe("a/#", 2, identifier=2)
        client.subscribe("+/b", 1, identifier=3)
        client.publish("a/b", "x", 2)
        client.take(1)
        assert client.payloads_until_now() == ["x"]
        message = client.messages[0]
        assert message.qos == 2
        assert sorted(message.properties.SubscriptionIdentifier) == [1, 2, 3]


def test_a_publisher_may_use_topic_aliases(server):
    with Client(server, "s") as client:
        client.subscribe("#", 1)
        assert client.connack.TopicAliasMaximum >= 2
        for topic, alias in [("a", 1), ("b", 2), ("", 1), ("", 2), ("c", 1), ("", 1)]:
            client.publish(topic, "x", 1, TopicAlias=alias)
        assert [m.topic for m in client.take(6)] == ["a", "b", "a", "b", "c", "c"]


def test_an_unknown_topic_alias_ends_the_connection(server):
    client = Client(server, "s")
    client.send("a", "x", 0, TopicAlias=client.connack.TopicAliasMaximum + 1)
    client.expect_end(0x94)


@pytest.mark.parametrize("qos", [1, 2])
def test_a_receive_maximum_of_one_still_gets_everything(server, qos):
    with Client(server, "s", ReceiveMaximum=1) as subscriber, Client(server, "p") as publisher:
        subscriber.subscribe("a", qos)
        for i in range(100):
            publisher.send("a", str(i), qos)
        subscriber.take(100)
        assert subscriber.payloads_until_now() == [str(i) for i in range(100)]


@pytest.mark.config("max_packet_size 1000")
def test_a_packet_over_the_servers_maximum_ends_the_connection(server):
    client = Client(server, "s")
    assert client.connack.MaximumPacketSize == 1000
    client.subscribe("a")
    client.publish("a", "x" * 900)
    client.take(1)
    client.send("a", "x" * 1001)
    client.expect_end(0x95)


def test_a_message_over_the_clients_maximum_is_not_sent_to_it(server):
    with Client(server, "small", MaximumPacketSize=200) as small, Client(server, "large") as large:
        for client in small, large:
            client.subscribe("a", 1)
        large.publish("a", "x" * 1000, 1)
        large.publish("a", "fits", 1)
        large.take(2)
        small.take(1)
        assert small.payloads_until_now() == ["fits"]


def test_a_message_expires_in_the_queue_of_an_absent_client(server):
    absent = durable(server, "absent", V5)
    absent.subscribe("news", 1)
    absent.drop()
    began = time.monotonic()
    with Client(server, "p") as publisher:
        publisher.publish("news", "stale", 1, MessageExpiryInterval=1)
        publisher.publish("news", "fresh", 1, MessageExpiryInterval=1000)
    elapse(2.1)  # Mosquitto lets a queued message live through its last second
    with durable(server, "absent", V5) as back:
        back.take(1)
        assert back.payloads_until_now() == ["fresh"]
        left = back.messages[0].properties.MessageExpiryInterval
        assert 998 - (time.monotonic() - began) < left < 1000


@pytest.mark.config("max_keepalive 10")
def test_the_server_may_shorten_the_keep_alive(server):
    with Client(server, "long", keepalive_s=1000) as long, \
            Client(server, "short", keepalive_s=5) as short:
        assert long.connack.ServerKeepAlive == 10
        assert not hasattr(short.connack, "ServerKeepAlive")


@pytest.mark.config("max_qos 1")
def test_the_maximum_qos_is_told_and_kept(server):
    client = Client(server, "s")
    assert client.connack.MaximumQoS == 1
    assert client.subscribe("a", 2) in (1, 2)
    client.publish("a", "x", 1)
    assert client.take(1)[0].qos == 1
    client.send("a", "x", 2)
    client.expect_end(0x9B)


@pytest.mark.config("retain_available false")
def test_retained_messages_may_be_switched_off(server):
    client = Client(server, "s")
    assert client.connack.RetainAvailable == 0
    client.send("a", "x", 1, True)
    client.expect_end(0x9A)


@pytest.mark.ours_only("Mosquitto 2.0.11 miscounts after a connection without CONNECT")
@pytest.mark.config("max_connections 2")
def test_max_connections_refuses_the_next_one(server):
    with Client(server, "one"), Client(server, "two") as two:
        try:
            third = Client(server, "three")
            assert third.code in (None, 0x89, 0x97)
            third.expect_end(0x89, 0x97)
        except OSError:
            pass  # closed before Paho could write: as good a refusal
        two.subscribe("a")
        two.publish("a", "x")
        two.take(1)


# What the server tells of itself -----------------------------------------------------------------


class SysValues:
    """The numbers under $SYS/broker as they come."""

    def __init__(self, client):
        self._client = client
        client.subscribe("$SYS/broker/#")

    def __getitem__(self, name):
        for message in reversed(self._client.messages):
            if message.topic == f"$SYS/broker/{name}":
                return int(re.match(rb"\d+", message.payload).group(0))
        return None

    def await_equal(self, **names):
        for name, value in names.items():
            until(lambda: self[name] == value, f"$SYS/broker/{name} to be {value}")


@pytest.mark.sanitizer
@pytest.mark.config("sys_interval 1")
def test_sys_tells_what_there_is(server):
    with Client(server, "watcher") as watcher, ExitStack() as stack:
        values = SysValues(watcher)
        clients = [stack.enter_context(Client(server, f"c{i}", VERSIONS[i % 3])) for i in range(9)]
        for client in clients:
            client.subscribe(f"mine/{client.client_id}", 1)
        clients[0].subscribe("$share/group/jobs")
        durable(server, "absent", V5).drop()
        for i in range(500):
            clients[0].publish(f"kept/{i}", "x", 1, True)
        values.await_equal(**{
            "clients/connected": 10,
            "clients/active": 10,
            "clients/disconnected": 1,
            "clients/inactive": 1,
            "clients/total": 11,
            "clients/maximum": 11,
            "subscriptions/count": 10,
            "shared_subscriptions/count": 1,
        })
        # Those under $SYS are retained messages too.
        until(lambda: 500 <= values["retained messages/count"] < 600, "the retained messages")


@pytest.mark.config("sys_interval 1")
def test_sys_counts_every_packet_and_message(server):
    with Client(server, "watcher") as watcher, ExitStack() as stack:
        values = SysValues(watcher)
        clients = [stack.enter_context(Client(server, f"c{i}", VERSIONS[i % 3])) for i in range(9)]
        for client in clients:
            client.subscribe(f"mine/{client.client_id}", 1)
            client.publish(f"mine/{client.client_id}", "12345", 1)
            client.take(1)
        clients[0].publish("nobody/listens", "12345", 0)
        values.await_equal(**{
            "publish/messages/received": 10,
            "publish/bytes/received": 50,
            # Nine times CONNECT, SUBSCRIBE, PUBLISH, PUBACK; the last PUBLISH; the watcher's two.
            "messages/received": 9 * 4 + 1 + 2,
        })


@pytest.mark.config("sys_interval 1")
def test_sys_counts_expired_sessions(server):
    Client(server, "brief", clean=False, SessionExpiryInterval=1).drop()
    with Client(server, "watcher") as watcher:
        values = SysValues(watcher)
        values.await_equal(**{"clients/expired": 1, "clients/disconnected": 0})


@pytest.mark.config("sys_interval 0")
def test_sys_may_be_switched_off(server):
    with Client(server, "watcher") as watcher:
        watcher.subscribe("$SYS/#")
        assert watcher.payloads_until_now() == []
