/* SPDX-License-Identifier: Apache-2.0 */
/* MQTT-SN: what a gateway owes its clients, who are clients of the server like any other. */
#include "base/hash.h"
#include "tests/harness/sensor.h"

#include <stdio.h>

/* ---- Connections ---- */

SENSOR_TEST("SN-6.2-3 SN-5.4.5-1 SN-5.4.4-1 SN-4.1-1", a_client_connects)
{
    struct sensor *a = sensor_new(air);

    sensor_send(a, "0A 04 04 01 003C 'clid'");
    sensor_expect(a, "03 05 00");
    assert_int_equal(sensor_phase(a), GATEWAY_ACTIVE);
    sensor_connected(air, "b");
    sensor_connected(air, "c");
    assert_int_equal(server_told(air->server, "client.connected"), 3);
}

SENSOR_TEST("SN-5.2.1-1 SN-5.2.1-2 SN-5.2.1-3 SN-5.2.1-5 SN-5.2.2-1 SN-5.2.2-2",
        only_whole_messages_of_clients_count)
{
    struct sensor *a = sensor_new(air);

    sensor_send(a, "01 000C 04 04 01 003C 'clid'");
    sensor_expect(a, "03 05 00");
    sensor_send(a, "02 16");
    sensor_send(a, "01 0004 16");
    sensor_expect(a, "02 17 | 02 17");
    sensor_send(a, "03 16");
    sensor_send(a, "05 16");
    sensor_send(a, "01");
    sensor_send(a, "00");
    sensor_send(a, "02 11");
    sensor_send(a, "02 FF");
    sensor_send(a, "03 05 00");
    sensor_send(a, "02 06");
    sensor_expect_nothing(a);
    assert_int_equal(sensor_phase(a), GATEWAY_ACTIVE);
}

SENSOR_TEST("SN-6.2-2 SN-5.4.6-1 SN-5.4.7-1 SN-5.4.8-1 SN-5.4.9-1", a_will_is_asked_for)
{
    struct peer *watcher = peer_connected(air->server, "watcher", MQTT_5_0);
    struct sensor *a = sensor_new(air);

    peer_subscribed(watcher, "wt", 2);
    sensor_send(a, "0A 04 0C 01 000A 'clid'");
    sensor_expect(a, "02 06");
    sensor_send(a, "0A 04 0C 01 000A 'clid'");
    sensor_expect(a, "02 06");
    sensor_send(a, "05 07 20 'wt'");
    sensor_send(a, "05 07 20 'wt'");
    sensor_expect(a, "02 08 | 02 08");
    sensor_send(a, "05 09 'bye'");
    sensor_expect(a, "03 05 00");
    sensor_send(a, "05 09 'bye'");
    sensor_expect(a, "03 05 00");
    air_advance(air, 14999);
    peer_expect_nothing(watcher);
    air_advance(air, 2);
    peer_expect(watcher, "32 RL S'wt' .... 00 'bye'");
    assert_int_equal(sensor_phase(a), GATEWAY_NEW);
    sensor_send(a, "02 16");
    sensor_expect(a, "02 18");
}

SENSOR_TEST("SN-5.4.7-1", an_empty_will_topic_is_no_will)
{
    struct sensor *a = sensor_new(air);

    sensor_send(a, "0A 04 0C 01 000A 'clid'");
    sensor_send(a, "02 07");
    sensor_expect(a, "02 06 | 03 05 00");
    air_advance(air, 20000);
    assert_int_equal(server_told(air->server, "will.published"), 0);
}

SENSOR_TEST("SN-6.2-4 SN-5.3.10-1", whom_the_server_refuses_the_gateway_refuses)
{
    struct sensor *a = sensor_new(air);

    sensor_send(a, "0D 04 04 01 003C 'refused'");
    sensor_expect(a, "03 05 03");
    assert_int_equal(sensor_phase(a), GATEWAY_NEW);
    sensor_send(a, "0A 04 04 02 003C 'clid'");
    sensor_expect(a, "03 05 03");
}

TEST(nobody_waits_for_a_will_for_ever)
{
    struct server *server = server_new(1);
    struct air *air = air_new(server);
    struct sensor *a = sensor_new(air);

    sensor_send(a, "0A 04 0C 01 000A 'clid'");
    sensor_expect(a, "02 06");
    air_advance(air, 40001);
    assert_int_equal(sensor_phase(a), GATEWAY_NEW);
    assert_int_equal(server_told(server, "client.connected"), 0);
    air_end(air);
    server_end(server);
}

SENSOR_TEST("SN-5.3.1-1", a_client_without_id_leaves_nothing_behind)
{
    struct sensor *a = sensor_new(air);

    sensor_send(a, "06 04 04 01 003C");
    sensor_expect(a, "03 05 00");
    a = sensor_new(air);
    sensor_send(a, "06 04 00 01 003C");
    sensor_expect(a, "03 05 03");
    a = sensor_new(air);
    sensor_send(a, "1E 04 04 01 003C {24}");
    sensor_expect(a, "03 05 00");
}

SENSOR_TEST("SN-5.4.21-1 SN-5.4.21-2 SN-6.12-1 SN-6.12-2 SN-6.14-3", a_client_leaves)
{
    struct peer *watcher = peer_connected(air->server, "watcher", MQTT_5_0);
    struct sensor *a = sensor_new(air);

    peer_subscribed(watcher, "#", 0);
    sensor_send(a, "0A 04 0C 01 0002 'clid'");
    sensor_send(a, "05 07 00 'wt'");
    sensor_send(a, "05 09 'bye'");
    sensor_expect(a, "02 06 | 02 08 | 03 05 00");
    sensor_send(a, "02 18");
    sensor_send(a, "02 18");
    sensor_expect(a, "02 18 | 02 18");
    air_advance(air, 60000);
    peer_expect_nothing(watcher);
    sensor_send(a, "08 0C 20 0001 0009 'x'");
    sensor_expect(a, "02 18");
}

SENSOR_TEST("SN-6.14-2 SN-7.2-2 SN-5.3.3-1", silence_is_forgiven_for_a_while)
{
    struct sensor *a = sensor_new(air);
    struct sensor *b = sensor_new(air);
    struct sensor *c = sensor_new(air);

    sensor_send(a, "07 04 04 01 0002 'a'");
    sensor_send(b, "07 04 04 01 0064 'b'");
    sensor_send(c, "07 04 04 01 0001 'c'");
    air_advance(air, 1999);
    assert_int_equal(sensor_phase(c), GATEWAY_ACTIVE);
    air_advance(air, 1);
    assert_int_equal(sensor_phase(c), GATEWAY_NEW);
    air_advance(air, 999);
    assert_int_equal(sensor_phase(a), GATEWAY_ACTIVE);
    sensor_send(a, "02 16");
    air_advance(air, 2999);
    assert_int_equal(sensor_phase(a), GATEWAY_ACTIVE);
    air_advance(air, 1);
    assert_int_equal(sensor_phase(a), GATEWAY_NEW);
    air_advance(air, 110000 - 5999 - 1);
    assert_int_equal(sensor_phase(b), GATEWAY_ACTIVE);
    air_advance(air, 1);
    assert_int_equal(sensor_phase(b), GATEWAY_NEW);
}

SENSOR_TEST("SN-6.3-1 SN-6.3-2 SN-6.3-5", a_clean_session_is_clean)
{
    struct peer *publisher = peer_connected(air->server, "publisher", MQTT_5_0);
    struct sensor *a = sensor_new(air);

    sensor_send(a, "0A 04 00 01 003C 'clid'");
    sensor_send(a, "06 12 20 0001 'a'");
    sensor_expect(a, "03 05 00 | 08 13 20 0001 0001 00");
    sensor_send(a, "02 18");
    sensor_expect(a, "02 18");
    peer_publishes(publisher, 2, "a", "1");
    sensor_send(a, "0A 04 00 01 003C 'clid'");
    sensor_expect(a, "03 05 00 | 07 0A 0001 .... 'a'");
    sensor_send(a, "07 0B 0001 0001 00");
    sensor_expect(a, "08 0C 20 0001 .... '1'");
    sensor_send(a, "07 0D 0001 0001 00");
    sensor_send(a, "0A 04 04 01 003C 'clid'");
    sensor_expect(a, "03 05 00");
    peer_publishes(publisher, 2, "a", "2");
    sensor_expect_nothing(a);
    /* With a Will: the old one is deleted, and so are subscriptions. */
    sensor_send(a, "06 12 20 0001 'a'");
    sensor_expect(a, "08 13 20 0001 0001 00");
    sensor_send(a, "0A 04 0C 01 003C 'clid'");
    sensor_expect(a, "02 06");
    sensor_send(a, "05 07 00 'wt'");
    sensor_send(a, "05 09 'bye'");
    sensor_expect(a, "02 08 | 03 05 00");
    peer_publishes(publisher, 0, "a", "3");
    sensor_expect_nothing(a);
}

SENSOR_TEST("SN-6.3-3", a_new_will_replaces_the_old_one)
{
    struct peer *watcher = peer_connected(air->server, "watcher", MQTT_5_0);
    struct sensor *a = sensor_new(air);

    peer_subscribed(watcher, "wt/#", 0);
    for (unsigned i = 1; i <= 2; i++) {
        sensor_send(a, "0A 04 08 01 0002 'clid'");
        sensor_send(a, "07 07 00 'wt/%u'", i);
        sensor_send(a, "05 09 'bye'");
        sensor_expect(a, "02 06 | 02 08 | 03 05 00");
        if (i == 1) {
            sensor_send(a, "06 12 00 0001 'a'");
            sensor_expect(a, "08 13 00 0001 0001 00");
        }
    }
    peer_publishes(watcher, 0, "a", "kept");
    sensor_expect(a, "07 0A .... .... 'a'");
    air_advance(air, 3001);
    peer_expect(watcher, "30 RL S'wt/2' 00 'bye'");
    peer_expect_nothing(watcher);
}

/* One of QoS 1 and retained, of a client that is lost after 3 s. */
static struct sensor *connected_with_will(struct air *air)
{
    struct sensor *a = sensor_new(air);

    sensor_send(a, "0A 04 08 01 0002 'clid'");
    sensor_send(a, "05 07 30 'wt'");
    sensor_send(a, "05 09 'bye'");
    sensor_expect(a, "02 06 | 02 08 | 03 05 00");
    return a;
}

SENSOR_TEST("SN-6.3-4 SN-6.3-5", a_will_outlives_the_connection)
{
    struct peer *watcher = peer_connected(air->server, "watcher", MQTT_5_0);
    struct sensor *a = connected_with_will(air);

    peer_subscribed(watcher, "wt", 1);
    sensor_send(a, "06 1C 'gone'");
    sensor_send(a, "02 18");
    sensor_expect(a, "03 1D 00 | 02 18");
    air_advance(air, 60000);
    peer_expect_nothing(watcher);
    /* It is the session's, wherever its client comes from, and as often as it is lost. */
    for (unsigned i = 0; i < 2; i++) {
        struct sensor *b = sensor_new(air);

        sensor_send(b, "0A 04 00 01 0002 'clid'");
        sensor_expect(b, "03 05 00");
        air_advance(air, 3001);
        peer_expect(watcher, "32 RL S'wt' .... 00 'gone'");
    }
    peer_expect_nothing(watcher);
}

SENSOR_TEST("SN-6.3-1 SN-6.3-2 SN-6.3-3 SN-6.3-5", a_will_that_is_given_up_does_not_come_back)
{
    /* By a clean session, and while it is connected. */
    static const char *const ways[][3] = {
        { "0A 04 04 01 003C 'clid'", "02 18", "03 05 00 | 02 18" },
        { "0A 04 00 01 003C 'clid'", "02 1A", "03 05 00 | 03 1B 00" },
    };
    struct peer *watcher = peer_connected(air->server, "watcher", MQTT_5_0);

    peer_subscribed(watcher, "+", 0);
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        struct sensor *a = connected_with_will(air);

        sensor_send(a, "02 18");
        sensor_expect(a, "02 18");
        sensor_send(a, "%s", ways[i][0]);
        sensor_send(a, "%s", ways[i][1]);
        sensor_expect(a, "%s", ways[i][2]);
        sensor_send(a, "02 18");
        sensor_expect(a, "02 18");
        sensor_send(a, "0A 04 00 01 0002 'clid'");
        sensor_expect(a, "03 05 00");
        air_advance(air, 3001);
        assert_int_equal(sensor_phase(a), GATEWAY_NEW);
    }
    peer_expect_nothing(watcher);
}

/* It comes with this id and without a clean session. */
static void come_to_stay(struct sensor *sensor, const char *id)
{
    sensor_send(sensor, "%02x 04 00 01 003C '%s'", (unsigned)(6 + strlen(id)), id);
    sensor_expect(sensor, "03 05 00");
}

SENSOR_TEST("SN-6.3-5", topic_ids_last_as_long_as_the_session)
{
    struct peer *watcher = peer_connected(air->server, "watcher", MQTT_5_0);
    struct sensor *a = sensor_new(air);
    struct sensor *b = sensor_new(air);
    struct sensor *c = sensor_new(air);

    peer_subscribed(watcher, "#", 0);
    come_to_stay(a, "clid");
    sensor_send(a, "09 0A 0000 0001 'a/b'");
    sensor_send(a, "02 18");
    sensor_expect(a, "07 0B 0001 0001 00 | 02 18");
    come_to_stay(b, "clid");
    sensor_send(b, "08 0C 00 0001 0000 'x'");
    peer_expect(watcher, "30 RL S'a/b' 00 'x'");
    /* A new address, of which nobody has told the server. */
    come_to_stay(c, "clid");
    sensor_send(c, "08 0C 00 0001 0000 'y'");
    peer_expect(watcher, "30 RL S'a/b' 00 'y'");
    /* With a clean session it means nothing. */
    sensor_send(c, "0A 04 04 01 003C 'clid'");
    sensor_send(c, "08 0C 00 0001 0000 'z'");
    sensor_expect(c, "03 05 00 | 07 0D 0001 0000 02");
    peer_expect_nothing(watcher);
}

SENSOR_TEST("SN-5.3.11-1 SN-6.7-2", an_id_of_another_session_stands_for_nothing)
{
    struct sensor *a = sensor_new(air);
    struct sensor *b = sensor_new(air);

    come_to_stay(a, "one");
    sensor_send(a, "09 0A 0000 0001 'a/b'");
    sensor_expect(a, "07 0B 0001 0001 00");
    come_to_stay(b, "two");
    sensor_send(b, "09 0A 0000 0001 'c/d'");
    sensor_expect(b, "07 0B 0002 0001 00");
    /* As one from before the server's start, which the device remembers. */
    sensor_send(b, "08 0C 20 0001 0002 'x'");
    sensor_expect(b, "07 0D 0001 0002 02");
}

SENSOR_TEST("SN-6.3-4", a_will_comes_along_to_another_address)
{
    struct peer *watcher = peer_connected(air->server, "watcher", MQTT_5_0);
    struct sensor *a = sensor_new(air);
    struct sensor *b = sensor_new(air);

    peer_subscribed(watcher, "wt", 0);
    sensor_send(a, "0A 04 08 01 003C 'clid'");
    sensor_send(a, "05 07 00 'wt'");
    sensor_send(a, "05 09 'bye'");
    sensor_expect(a, "02 06 | 02 08 | 03 05 00");
    come_to_stay(b, "clid");
    peer_expect(watcher, "30 RL S'wt' 00 'bye'"); /* of the connection that is over */
    air_advance(air, 90000);
    peer_expect(watcher, "30 RL S'wt' 00 'bye'");
    assert_int_equal(sensor_phase(b), GATEWAY_NEW);
}

SENSOR_TEST("SN-X-4", the_same_id_from_elsewhere_takes_over)
{
    struct sensor *a = sensor_connected(air, "clid");
    struct sensor *b = sensor_connected(air, "clid");

    sensor_expect(a, "02 18");
    sensor_send(a, "02 16");
    sensor_expect(a, "02 18");
    sensor_send(b, "02 16");
    sensor_expect(b, "02 17");
}

TEST(a_server_that_stops_says_so)
{
    struct server *server = server_new(2);
    struct air *air = air_new(server);
    struct sensor *a = sensor_connected(air, "a");

    server_shuts_down(server);
    air_advance(air, 1);
    sensor_expect(a, "02 18");
    air_end(air);
    server_end(server);
}

/* ---- Wills that change ---- */

SENSOR_TEST("SN-6.4-1 SN-5.4.22-1 SN-5.4.23-1 SN-5.4.24-1 SN-5.4.25-1", a_will_is_changed)
{
    struct peer *watcher = peer_connected(air->server, "watcher", MQTT_5_0);
    struct sensor *a = sensor_new(air);

    peer_subscribed(watcher, "+", 2);
    sensor_send(a, "0A 04 0C 01 0002 'clid'");
    sensor_send(a, "05 07 00 'wt'");
    sensor_send(a, "05 09 'bye'");
    sensor_expect(a, "02 06 | 02 08 | 03 05 00");
    sensor_send(a, "06 1C 'gone'");
    sensor_expect(a, "03 1D 00");
    air_advance(air, 3001);
    peer_expect(watcher, "30 RL S'wt' 00 'gone'");

    sensor_send(a, "0A 04 04 01 0002 'clid'");
    sensor_expect(a, "03 05 00");
    sensor_send(a, "05 1A 30 'wu'");
    sensor_send(a, "05 1C 'bye'");
    sensor_expect(a, "03 1B 00 | 03 1D 00");
    air_advance(air, 3001);
    peer_expect(watcher, "32 RL S'wu' .... 00 'bye'");
    peer_expect_nothing(watcher);
    peer_subscribed(peer_connected(air->server, "later", MQTT_5_0), "x", 0);
    assert_int_equal(server_told(air->server, "will.published"), 2);
}

SENSOR_TEST("SN-6.4-2", a_will_is_deleted)
{
    struct sensor *a = sensor_new(air);

    sensor_send(a, "0A 04 0C 01 0002 'clid'");
    sensor_send(a, "05 07 00 'wt'");
    sensor_send(a, "05 09 'bye'");
    sensor_expect(a, "02 06 | 02 08 | 03 05 00");
    sensor_send(a, "02 1A");
    sensor_expect(a, "03 1B 00");
    air_advance(air, 3001);
    assert_int_equal(sensor_phase(a), GATEWAY_NEW);
    assert_int_equal(server_told(air->server, "will.published"), 0);
}

SENSOR_TEST("SN-5.3.10-1", a_will_that_may_not_be_is_refused_and_the_old_one_kept)
{
    struct peer *watcher = peer_connected(air->server, "watcher", MQTT_5_0);
    struct sensor *a = sensor_new(air);

    peer_subscribed(watcher, "wt", 0);
    sensor_send(a, "0A 04 0C 01 0002 'clid'");
    sensor_send(a, "05 07 00 'wt'");
    sensor_send(a, "05 09 'bye'");
    sensor_expect(a, "02 06 | 02 08 | 03 05 00");
    sensor_send(a, "09 1A 00 'denied'");
    sensor_send(a, "07 1A 00 'a/#a'");
    sensor_expect(a, "03 1B 03 | 03 1B 03");
    assert_int_equal(server_told(air->server, "will.refused"), 1);
    air_advance(air, 3001);
    peer_expect(watcher, "30 RL S'wt' 00 'bye'");
}

/* ---- Topics ---- */

SENSOR_TEST("SN-5.4.10-1 SN-5.4.11-1 SN-6.5-1 SN-5.3.7-1 SN-7.3-1", a_topic_is_registered)
{
    struct sensor *a = sensor_connected(air, "a");
    struct sensor *b = sensor_connected(air, "b");
    struct peer *watcher = peer_connected(air->server, "watcher", MQTT_5_0);

    peer_subscribed(watcher, "#", 0);
    sensor_send(a, "07 0A 0000 1234 'a'");
    sensor_send(a, "07 0A 0000 1235 'a'");
    sensor_expect(a, "07 0B 0001 1234 00 | 07 0B 0001 1235 00");
    sensor_send(b, "07 0A 0000 0001 'b'");
    sensor_expect(b, "07 0B 0001 0001 00");
    sensor_send(a, "08 0C 00 0001 0000 'x'");
    sensor_send(b, "08 0C 00 0001 0000 'y'");
    peer_expect(watcher, "30 RL S'a' 00 'x' | 30 RL S'b' 00 'y'");
}

SENSOR_TEST("SN-X-3 SN-5.3.12-1", no_wildcard_is_registered)
{
    struct sensor *a = sensor_connected(air, "a");

    sensor_send(a, "07 0A 0000 0001 '#'");
    sensor_send(a, "08 0A 0000 0002 C328");
    sensor_send(a, "06 0A 0000 0003");
    sensor_expect(a, "07 0B 0000 0001 03 | 07 0B 0000 0002 03");
}

SENSOR_TEST("SN-5.3.10-1", a_full_table_is_congestion)
{
    struct sensor *a = sensor_connected(air, "a");

    for (unsigned i = 0; i < 16; i++) {
        sensor_send(a, "08 0A 0000 0001 '%02u'", i);
        sensor_expect(a, "07 0B %04x 0001 00", i + 1);
    }
    sensor_send(a, "08 0A 0000 0001 'no'");
    sensor_send(a, "07 12 00 0002 'no'");
    sensor_expect(a, "07 0B 0000 0001 01 | 08 13 00 0000 0002 01");
}

/* ---- Publishing ---- */

SENSOR_TEST("SN-6.6-1 SN-5.4.12-1 SN-5.4.13-1 SN-5.4.13-2 SN-5.4.14-1", messages_are_published)
{
    struct sensor *a = sensor_connected(air, "a");
    struct peer *watcher = peer_connected(air->server, "watcher", MQTT_5_0);

    peer_subscribed(watcher, "a", 2);
    sensor_send(a, "07 0A 0000 0001 'a'");
    sensor_expect(a, "07 0B 0001 0001 00");
    sensor_send(a, "08 0C 00 0001 0000 'x'");
    sensor_expect_nothing(a);
    peer_expect(watcher, "30 RL S'a' 00 'x'");
    sensor_send(a, "08 0C 20 0001 0009 'y'");
    sensor_expect(a, "07 0D 0001 0009 00");
    peer_expect(watcher, "32 RL S'a' .... 00 'y'");
    sensor_send(a, "08 0C 40 0001 000A 'z'");
    sensor_expect(a, "04 0F 000A");
    sensor_send(a, "04 10 000A");
    sensor_expect(a, "04 0E 000A");
    peer_expect(watcher, "34 RL S'a' .... 00 'z'");
    sensor_send(a, "08 0C 10 0001 0000 'r'");
    peer_expect(watcher, "30 RL S'a' 00 'r'");
    peer_subscribed(watcher, "a", 0);
    peer_expect(watcher, "31 RL S'a' 00 'r'");
}

SENSOR_TEST("SN-X-2 SN-5.3.4-3", a_repeated_message_of_qos_2_arrives_once)
{
    struct sensor *a = sensor_connected(air, "a");
    struct peer *watcher = peer_connected(air->server, "watcher", MQTT_5_0);

    peer_subscribed(watcher, "ab", 2);
    sensor_send(a, "08 0C 42 'ab' 000A 'z'");
    sensor_send(a, "08 0C C2 'ab' 000A 'z'");
    sensor_expect(a, "04 0F 000A | 04 0F 000A");
    sensor_send(a, "04 10 000A");
    sensor_send(a, "04 10 000A");
    sensor_expect(a, "04 0E 000A | 04 0E 000A");
    peer_expect(watcher, "34 RL S'ab' .... 00 'z'");
    peer_expect_nothing(watcher);
}

SENSOR_TEST("SN-5.4.13-1 SN-6.7-2", an_unknown_id_is_told)
{
    struct sensor *a = sensor_connected(air, "a");

    sensor_send(a, "08 0C 00 0005 0000 'x'");
    sensor_send(a, "08 0C 20 0005 0001 'x'");
    sensor_send(a, "08 0C 40 0005 0002 'x'");
    sensor_send(a, "08 0C 01 7FFF 0000 'x'");
    sensor_expect(a, "07 0D 0005 0000 02 | 07 0D 0005 0001 02 | 07 0D 0005 0002 02");
    sensor_expect(a, "07 0D 7FFF 0000 02");
}

SENSOR_TEST("SN-5.3.4-4", a_reserved_type_of_topic_is_refused)
{
    struct sensor *a = sensor_connected(air, "a");

    sensor_send(a, "08 0C 03 0005 0000 'x'");
    sensor_expect(a, "07 0D 0005 0000 03");
}

SENSOR_TEST("SN-6.7-1 SN-6.7-4", ids_that_were_agreed_on_and_short_names_need_no_registration)
{
    static const struct gateway_predefined_topic topics[] = {
        { 5, { 0 }, { (const uint8_t *)"agreed", 6 } },
    };
    struct peer *watcher = peer_connected(air->server, "watcher", MQTT_5_0);
    struct sensor *a;

    air->gateway.settings.predefined = (struct gateway_predefined){ topics, 1 };
    a = sensor_connected(air, "a");
    peer_subscribed(watcher, "#", 0);
    sensor_send(a, "08 0C 01 0005 0000 'x'");
    sensor_send(a, "08 0C 02 'ab' 0000 'y'");
    peer_expect(watcher, "30 RL S'agreed' 00 'x' | 30 RL S'ab' 00 'y'");
    sensor_expect_nothing(a);
}

SENSOR_TEST("SN-6.8-1 SN-7.1-1", whoever_has_no_connection_may_publish)
{
    struct peer *watcher = peer_connected(air->server, "watcher", MQTT_5_0);
    struct sensor *a = sensor_new(air);

    peer_subscribed(watcher, "#", 0);
    sensor_send(a, "09 0C 62 'ab' 0000 'hi'");
    sensor_send(a, "09 0C 62 'ab' 0000 'ho'");
    sensor_send(a, "09 0C 61 0007 0000 'no'");
    peer_expect(watcher, "30 RL S'ab' 00 'hi' | 30 RL S'ab' 00 'ho'");
    peer_expect_nothing(watcher);
    sensor_expect_nothing(a);
    assert_int_equal(server_told(air->server, "client.connected"), 2);
    /* It may as well be connected. */
    a = sensor_connected(air, "a");
    sensor_send(a, "09 0C 62 'ab' 0000 'hu'");
    peer_expect(watcher, "30 RL S'ab' 00 'hu'");
    sensor_expect_nothing(a);
}

SENSOR_TEST("SN-5.3.10-1", what_may_not_be_published_is_refused)
{
    struct sensor *a = sensor_connected(air, "a");

    sensor_send(a, "0C 0A 0000 0001 'denied'");
    sensor_expect(a, "07 0B 0001 0001 00");
    sensor_send(a, "08 0C 20 0001 0001 'x'");
    sensor_send(a, "08 0C 40 0001 0002 'x'");
    sensor_expect(a, "07 0D 0001 0001 03 | 07 0D 0001 0002 03");
}

SENSOR_TEST("SN-5.2.1-2", a_message_may_be_long)
{
    struct sensor *a = sensor_connected(air, "a");
    struct peer *watcher = peer_connected(air->server, "watcher", MQTT_5_0);
    struct sensor *b = sensor_connected(air, "b");

    peer_subscribed(watcher, "ab", 0);
    sensor_send(b, "07 12 02 0001 'ab'");
    sensor_expect(b, "08 13 00 0000 0001 00");
    sensor_send(a, "01 0135 0C 02 'ab' 0000 {300}");
    peer_expect(watcher, "30 RL S'ab' 00 {300}");
    sensor_expect(b, "01 0135 0C 02 'ab' 0000 {300}");
}

/* ---- Subscribing ---- */

SENSOR_TEST("SN-5.4.15-1 SN-5.4.16-1 SN-5.4.16-2 SN-6.9-1 SN-6.10-1 SN-6.7-3 SN-6.7-5",
        topics_come_as_they_were_subscribed)
{
    static const struct gateway_predefined_topic topics[] = {
        { 5, { 0 }, { (const uint8_t *)"agreed", 6 } },
    };
    struct peer *publisher = peer_connected(air->server, "publisher", MQTT_5_0);
    struct sensor *a;

    air->gateway.settings.predefined = (struct gateway_predefined){ topics, 1 };
    a = sensor_connected(air, "a");
    peer_publishes(publisher, 0, "agreed", "0");
    sensor_expect_nothing(a);
    sensor_send(a, "06 12 20 0002 'a'");
    sensor_send(a, "07 12 21 0003 0005");
    sensor_send(a, "07 12 22 0004 'ab'");
    sensor_send(a, "07 12 21 0005 0006");
    sensor_expect(a, "08 13 20 0001 0002 00 | 08 13 20 0005 0003 00 | 08 13 20 0000 0004 00");
    sensor_expect(a, "08 13 00 0000 0005 02");
    peer_publishes(publisher, 0, "a", "1");
    peer_publishes(publisher, 0, "agreed", "2");
    peer_publishes(publisher, 0, "ab", "3");
    sensor_expect(a, "08 0C 00 0001 0000 '1' | 08 0C 01 0005 0000 '2' | 08 0C 02 'ab' 0000 '3'");
    sensor_expect_nothing(a);
}

SENSOR_TEST("SN-6.7-2", what_is_agreed_on_no_more_is_registered)
{
    static const struct gateway_predefined_topic topics[] = {
        { 5, { 0 }, { (const uint8_t *)"agreed", 6 } },
    };
    static const struct gateway_predefined_topic others[] = {
        { 5, { 0 }, { (const uint8_t *)"other", 5 } },
    };
    struct peer *publisher = peer_connected(air->server, "publisher", MQTT_5_0);
    struct sensor *a;

    air->gateway.settings.predefined = (struct gateway_predefined){ topics, 1 };
    a = sensor_connected(air, "a");
    sensor_send(a, "07 12 21 0003 0005");
    sensor_expect(a, "08 13 20 0005 0003 00");
    peer_publishes(publisher, 0, "agreed", "1");
    sensor_expect(a, "08 0C 01 0005 0000 '1'");
    air->gateway.settings.predefined = (struct gateway_predefined){ others, 1 };
    peer_publishes(publisher, 0, "agreed", "2");
    sensor_expect(a, "0C 0A 0002 0001 'agreed'");
    sensor_send(a, "07 0B 0002 0001 00");
    sensor_expect(a, "08 0C 00 0002 0000 '2'");
    air->gateway.settings.predefined = (struct gateway_predefined){ 0 };
    sensor_send(a, "08 0C 21 0005 0009 'x'");
    sensor_send(a, "07 14 01 000A 0005");
    sensor_send(a, "07 12 21 000B 0005");
    sensor_expect(a, "07 0D 0005 0009 02 | 04 15 000A | 08 13 00 0000 000B 02");
}

SENSOR_TEST("SN-6.9-2 SN-6.5-4 SN-6.10-2 SN-6.10-3", what_matches_a_wildcard_is_registered_first)
{
    struct peer *publisher = peer_connected(air->server, "publisher", MQTT_5_0);
    struct sensor *a = sensor_connected(air, "a");

    sensor_send(a, "08 12 20 0002 'a/#'");
    sensor_expect(a, "08 13 20 0000 0002 00");
    peer_publishes(publisher, 0, "a/b", "1");
    peer_publishes(publisher, 0, "a/b", "2");
    sensor_expect(a, "09 0A 0001 0001 'a/b'");
    sensor_expect_nothing(a);
    air_advance(air, 10000);
    sensor_expect(a, "09 0A 0001 0001 'a/b'");
    sensor_send(a, "07 0B 0001 0001 00");
    sensor_expect(a, "08 0C 00 0001 0000 '1' | 08 0C 00 0001 0000 '2'");
    peer_publishes(publisher, 0, "a/b", "3");
    sensor_expect(a, "08 0C 00 0001 0000 '3'");
}

SENSOR_TEST("SN-6.10-4", a_refused_id_is_a_refused_topic)
{
    struct peer *publisher = peer_connected(air->server, "publisher", MQTT_5_0);
    struct sensor *a = sensor_connected(air, "a");

    sensor_send(a, "08 12 20 0002 'a/#'");
    sensor_expect(a, "08 13 20 0000 0002 00");
    peer_publishes(publisher, 2, "a/b", "1");
    sensor_expect(a, "09 0A 0001 0001 'a/b'");
    sensor_send(a, "07 0B 0001 0001 03");
    peer_publishes(publisher, 2, "a/b", "2");
    peer_publishes(publisher, 2, "a/c", "3");
    sensor_expect(a, "09 0A 0002 0002 'a/c'");
    sensor_send(a, "07 0B 0002 0002 00");
    sensor_expect(a, "08 0C 20 0002 .... '3'");
    sensor_expect_nothing(a);
}

SENSOR_TEST("SN-6.10-6 SN-6.10-5", a_forgotten_id_is_told_again)
{
    struct peer *publisher = peer_connected(air->server, "publisher", MQTT_5_0);
    struct sensor *a = sensor_connected(air, "a");

    sensor_send(a, "06 12 20 0002 'a'");
    sensor_expect(a, "08 13 20 0001 0002 00");
    peer_publishes(publisher, 2, "a", "1");
    sensor_expect(a, "08 0C 20 0001 0001 '1'");
    sensor_send(a, "07 0D 0001 0001 02");
    sensor_expect(a, "07 0A 0001 0001 'a'");
    sensor_expect_nothing(a);
    sensor_send(a, "07 0B 0001 0001 00");
    sensor_expect(a, "08 0C A0 0001 0001 '1'");
    sensor_send(a, "07 0D 0001 0001 00");
    peer_publishes(publisher, 0, "a", "2");
    sensor_expect(a, "08 0C 00 0001 0000 '2'");
    sensor_send(a, "07 0D 0001 0000 02");
    sensor_expect(a, "07 0A 0001 0002 'a'");
}

SENSOR_TEST("SN-6.9-4 SN-5.4.17-1 SN-5.4.18-1", a_subscription_ends)
{
    struct peer *publisher = peer_connected(air->server, "publisher", MQTT_5_0);
    struct sensor *a = sensor_connected(air, "a");

    sensor_send(a, "06 12 00 0002 'a'");
    sensor_send(a, "07 12 02 0003 'ab'");
    sensor_expect(a, "08 13 00 0001 0002 00 | 08 13 00 0000 0003 00");
    sensor_send(a, "06 14 00 0005 'a'");
    sensor_send(a, "06 14 00 0006 'z'");
    sensor_send(a, "07 14 02 0007 'ab'");
    sensor_expect(a, "04 15 0005 | 04 15 0006 | 04 15 0007");
    peer_publishes(publisher, 0, "a", "x");
    peer_publishes(publisher, 0, "ab", "x");
    sensor_expect_nothing(a);
}

SENSOR_TEST("SN-5.3.4-2 SN-5.3.12-1 SN-X-2", what_cannot_be_subscribed_is_refused)
{
    struct sensor *a = sensor_connected(air, "a");

    sensor_send(a, "06 12 60 0002 'a'");
    sensor_send(a, "08 12 00 0003 'a#b'");
    sensor_send(a, "0B 12 00 0004 'denied'");
    sensor_expect(a, "08 13 00 0000 0002 03 | 08 13 00 0000 0003 03 | 08 13 00 0000 0004 03");
    sensor_send(a, "06 12 20 0005 'a'");
    sensor_send(a, "06 12 A0 0005 'a'");
    sensor_expect(a, "08 13 20 .... 0005 00 | 08 13 20 .... 0005 00");
    assert_int_equal(hub_count(air->server->hub, 0).subscriptions, 1);
}

SENSOR_TEST(NULL, retained_and_shared_work_for_sensors)
{
    struct peer *publisher = peer_connected(air->server, "publisher", MQTT_5_0);
    struct sensor *a = sensor_connected(air, "a");
    struct sensor *b = sensor_connected(air, "b");

    peer_publishes(publisher, 1, "ab", "kept");
    sensor_send(a, "07 12 02 0001 'ab'");
    sensor_expect(a, "08 13 00 0000 0001 00 | 0B 0C 12 'ab' 0000 'kept'");
    sensor_send(a, "0F 12 00 0002 '$share/g/t'");
    sensor_send(b, "0F 12 00 0002 '$share/g/t'");
    sensor_expect(a, "08 13 00 0000 0002 00");
    sensor_expect(b, "08 13 00 0000 0002 00");
    peer_publishes(publisher, 0, "t", "1");
    peer_publishes(publisher, 0, "t", "2");
    sensor_expect(a, "07 0A .... 0001 't'");
    sensor_expect(b, "07 0A .... 0001 't'");
}

/* ---- Deliveries ---- */

SENSOR_TEST("SN-6.6-1 SN-6.13-3", deliveries_are_repeated_until_they_are_answered)
{
    struct peer *publisher = peer_connected(air->server, "publisher", MQTT_5_0);
    struct sensor *a = sensor_connected(air, "a");

    sensor_send(a, "07 12 42 0001 'ab'");
    sensor_expect(a, "08 13 40 0000 0001 00");
    peer_publishes(publisher, 2, "ab", "1");
    peer_publishes(publisher, 4, "ab", "2");
    sensor_expect(a, "08 0C 22 'ab' 0001 '1'");
    air_advance(air, 10000);
    sensor_expect(a, "08 0C A2 'ab' 0001 '1'");
    sensor_send(a, "07 0D 'ab' 0001 00");
    sensor_expect(a, "08 0C 42 'ab' 0002 '2'");
    air_advance(air, 10000);
    sensor_expect(a, "08 0C C2 'ab' 0002 '2'");
    sensor_send(a, "04 0F 0002");
    sensor_expect(a, "04 10 0002");
    air_advance(air, 10000);
    sensor_expect(a, "04 10 0002");
    sensor_send(a, "04 0E 0002");
    sensor_expect_nothing(a);
    assert_int_equal(server_waiting(air->server), 0);
}

SENSOR_TEST("SN-6.13-3", whoever_never_answers_is_lost)
{
    struct peer *publisher = peer_connected(air->server, "publisher", MQTT_5_0);
    struct sensor *a = sensor_connected(air, "a");

    sensor_send(a, "07 12 42 0001 'ab'");
    sensor_expect(a, "08 13 40 0000 0001 00");
    peer_publishes(publisher, 2, "ab", "1");
    sensor_expect(a, "08 0C 22 'ab' 0001 '1'");
    air_advance(air, 39999);
    sensor_expect(a, "08 0C A2 'ab' 0001 '1' | 08 0C A2 'ab' 0001 '1' | 08 0C A2 'ab' 0001 '1'");
    sensor_expect_nothing(a);
    assert_int_equal(sensor_phase(a), GATEWAY_ACTIVE);
    air_advance(air, 1);
    sensor_expect_nothing(a);
    assert_int_equal(sensor_phase(a), GATEWAY_NEW);
}

/* How long it takes until the sensor is sent something, to the millisecond. */
static int64_t silence_ms(struct air *air, struct sensor *sensor)
{
    int64_t waited_ms = 0;

    while (sensor_take(sensor).size == 0) {
        air_advance(air, 1);
        waited_ms++;
        assert_true(waited_ms < 100000);
    }
    return waited_ms;
}

SENSOR_TEST("SN-6.13-3", repetitions_come_at_growing_intervals)
{
    struct peer *publisher = peer_connected(air->server, "publisher", MQTT_5_0);
    struct sensor *a = sensor_connected(air, "a");

    air->gateway.settings.retry_ms = 1000;
    air->gateway.settings.retry_max_ms = 3000;
    sensor_send(a, "07 12 22 0001 'ab'");
    sensor_expect(a, "08 13 20 0000 0001 00");
    for (unsigned i = 0; i < 2; i++) {
        int64_t grown_ms;

        peer_publishes(publisher, 2, "ab", "1");
        sensor_expect(a, "08 0C 22 'ab' %04x '1'", i + 1);
        assert_int_equal(silence_ms(air, a), 1000);
        grown_ms = silence_ms(air, a);
        assert_true(grown_ms >= 1500 && grown_ms <= 2000);
        grown_ms = silence_ms(air, a);
        assert_true(grown_ms >= 2250 && grown_ms <= 3000);
        /* What is answered has taught nothing: the next one begins anew. */
        sensor_send(a, "07 0D 'ab' %04x 00", i + 1);
    }
    peer_publishes(publisher, 2, "ab", "1");
    sensor_expect(a, "08 0C 22 'ab' 0003 '1'");
    air_advance(air, 1000 + 1500 + 2250);
    assert_int_equal(sensor_phase(a), GATEWAY_ACTIVE);
    air_advance(air, 500 + 750 + 3000);
    assert_int_equal(sensor_phase(a), GATEWAY_NEW);
}

SENSOR_TEST("SN-6.13-3", devices_are_not_repeated_to_all_at_once)
{
    enum { DEVICES = 20 };
    struct peer *publisher = peer_connected(air->server, "publisher", MQTT_5_0);
    struct sensor *sensors[DEVICES];
    unsigned most = 0;

    air->gateway.settings.retry_ms = 1000;
    air->gateway.settings.retry_max_ms = 60000;
    for (unsigned i = 0; i < DEVICES; i++) {
        char id[12];

        snprintf(id, sizeof(id), "d%u", i);
        sensors[i] = sensor_connected(air, id);
        sensor_send(sensors[i], "07 12 22 0001 'ab'");
        sensor_take(sensors[i]);
    }
    peer_publishes(publisher, 2, "ab", "1");
    for (unsigned i = 0; i < DEVICES; i++)
        sensor_expect(sensors[i], "08 0C 22 'ab' 0001 '1'");
    air_advance(air, 1000);
    for (unsigned i = 0; i < DEVICES; i++)
        sensor_expect(sensors[i], "08 0C A2 'ab' 0001 '1'");
    for (unsigned waited_ms = 0; waited_ms < 2000; waited_ms++) {
        unsigned count = 0;

        air_advance(air, 1);
        for (unsigned i = 0; i < DEVICES; i++)
            count += sensor_take(sensors[i]).size > 0;
        most = count > most ? count : most;
    }
    assert_in_range(most, 1, 5);
}

SENSOR_TEST("SN-6.10-7 SN-5.2.1-4 SN-7.4-1", what_does_not_fit_is_passed_over)
{
    struct peer *publisher = peer_connected(air->server, "publisher", MQTT_5_0);
    struct sensor *a;

    air->gateway.settings.message_size_max = 60;
    a = sensor_connected(air, "a");
    sensor_send(a, "06 12 40 0001 '#'");
    sensor_expect(a, "08 13 40 0000 0001 00");
    for (unsigned flags = 0; flags <= 4; flags += 2) {
        peer_send(publisher, "%02x RL S'ab' %s 00 {54}", 0x30 | flags, flags ? "0009" : "");
        peer_send(publisher, "%02x RL S{55} %s 00 'x'", 0x30 | flags, flags ? "0008" : "");
    }
    sensor_expect_nothing(a);
    peer_publishes(peer_connected(air->server, "other", MQTT_5_0), 2, "ab", "small");
    sensor_expect(a, "08 0A 0001 0001 'ab'");
}

/* ---- Sleep ---- */

SENSOR_TEST("SN-6.14-4 SN-6.14-5 SN-6.14-6 SN-6.14-7 SN-5.4.19-1 SN-5.4.20-1",
        a_sleeping_client_gets_what_has_waited)
{
    struct peer *publisher = peer_connected(air->server, "publisher", MQTT_5_0);
    struct sensor *a = sensor_new(air);

    sensor_send(a, "0A 04 00 01 003C 'clid'");
    sensor_send(a, "07 12 42 0001 'ab'");
    sensor_send(a, "04 18 000A");
    sensor_expect(a, "03 05 00 | 08 13 40 0000 0001 00 | 02 18");
    assert_int_equal(sensor_phase(a), GATEWAY_ASLEEP);
    peer_publishes(publisher, 0, "ab", "1");
    peer_publishes(publisher, 2, "ab", "2");
    peer_publishes(publisher, 4, "ab", "3");
    sensor_expect_nothing(a);
    air_advance(air, 14999);
    sensor_send(a, "06 16 'clid'");
    sensor_expect(a, "08 0C 02 'ab' 0000 '1' | 08 0C 22 'ab' 0001 '2'");
    sensor_expect_nothing(a);
    assert_int_equal(sensor_phase(a), GATEWAY_AWAKE);
    sensor_send(a, "07 0D 'ab' 0001 00");
    sensor_expect(a, "08 0C 42 'ab' 0002 '3'");
    sensor_send(a, "04 0F 0002");
    sensor_expect(a, "04 10 0002");
    sensor_send(a, "04 0E 0002");
    sensor_expect(a, "02 17");
    assert_int_equal(sensor_phase(a), GATEWAY_ASLEEP);
    air_advance(air, 14999);
    sensor_send(a, "06 16 'clid'");
    sensor_expect(a, "02 17");
    air_advance(air, 14999);
    assert_int_equal(sensor_phase(a), GATEWAY_ASLEEP);
    air_advance(air, 1);
    assert_int_equal(sensor_phase(a), GATEWAY_NEW);
}

SENSOR_TEST("SN-6.14-4", a_client_that_never_wakes_is_lost)
{
    struct peer *watcher = peer_connected(air->server, "watcher", MQTT_5_0);
    struct sensor *a = sensor_new(air);

    peer_subscribed(watcher, "wt", 0);
    sensor_send(a, "0A 04 0C 01 003C 'clid'");
    sensor_send(a, "05 07 00 'wt'");
    sensor_send(a, "05 09 'bye'");
    sensor_send(a, "04 18 0002");
    sensor_expect(a, "02 06 | 02 08 | 03 05 00 | 02 18");
    air_advance(air, 2999);
    peer_expect_nothing(watcher);
    air_advance(air, 2);
    peer_expect(watcher, "30 RL S'wt' 00 'bye'");
    sensor_expect_nothing(a);
}

SENSOR_TEST("SN-6.14-9 SN-6.14-11 SN-6.3-4 SN-6.14-10", a_sleeping_client_connects)
{
    struct peer *publisher = peer_connected(air->server, "publisher", MQTT_5_0);
    struct sensor *a = sensor_new(air);

    sensor_send(a, "0A 04 08 01 0002 'clid'");
    sensor_send(a, "05 07 00 'wt'");
    sensor_send(a, "05 09 'bye'");
    sensor_send(a, "07 12 22 0001 'ab'");
    sensor_send(a, "04 18 000A");
    sensor_expect(a, "02 06 | 02 08 | 03 05 00 | 08 13 20 0000 0001 00 | 02 18");
    peer_publishes(publisher, 2, "ab", "1");
    /* To ask for something, it has to connect. */
    sensor_send(a, "07 0A 0000 0001 'a'");
    sensor_expect(a, "02 18");
    sensor_send(a, "0A 04 00 01 0002 'clid'");
    sensor_expect(a, "03 05 00 | 08 0C 22 'ab' 0001 '1'");
    assert_int_equal(sensor_phase(a), GATEWAY_ACTIVE);
    sensor_send(a, "07 0D 'ab' 0001 00");
    /* Its Will is still there. */
    peer_subscribed(publisher, "wt", 0);
    air_advance(air, 3000);
    peer_expect(publisher, "30 RL S'wt' 00 'bye'");
}

SENSOR_TEST("SN-6.14-9", sleep_is_changed_and_ended)
{
    struct sensor *a = sensor_connected(air, "clid");

    sensor_send(a, "04 18 0002");
    sensor_send(a, "04 18 001E");
    sensor_expect(a, "02 18 | 02 18");
    air_advance(air, 44999);
    assert_int_equal(sensor_phase(a), GATEWAY_ASLEEP);
    sensor_send(a, "02 18");
    sensor_expect(a, "02 18");
    assert_int_equal(sensor_phase(a), GATEWAY_NEW);
}

SENSOR_TEST("SN-X-1", nobody_collects_what_waits_for_another)
{
    struct peer *publisher = peer_connected(air->server, "publisher", MQTT_5_0);
    struct sensor *a = sensor_connected(air, "clid");
    struct sensor *b = sensor_new(air);
    struct sensor *c = sensor_connected(air, "c");

    sensor_send(a, "07 12 22 0001 'ab'");
    sensor_send(a, "04 18 001E");
    sensor_expect(a, "08 13 20 0000 0001 00 | 02 18");
    peer_publishes(publisher, 2, "ab", "1");
    sensor_send(b, "06 16 'clid'");
    sensor_expect(b, "02 18");
    sensor_send(c, "06 16 'clid'");
    sensor_expect(c, "02 18");
    assert_int_equal(sensor_phase(c), GATEWAY_ACTIVE);
    assert_int_equal(sensor_phase(a), GATEWAY_ASLEEP);
    sensor_send(a, "06 16 'clid'");
    sensor_expect(a, "08 0C 22 'ab' 0001 '1'");
}

SENSOR_TEST("SN-6.11-2", ping_is_answered)
{
    struct sensor *a = sensor_connected(air, "a");

    sensor_send(a, "02 16");
    sensor_expect(a, "02 17");
    sensor_send(a, "03 16 'a'");
    sensor_expect(a, "02 17");
}

TEST(a_client_that_sleeps_over_its_answers_gets_them_later)
{
    struct server *server = server_new(1);
    struct air *air = air_new(server);
    struct peer *publisher = peer_connected(server, "publisher", MQTT_5_0);
    struct sensor *a = sensor_connected(air, "clid");

    sensor_send(a, "07 12 22 0001 'ab'");
    sensor_expect(a, "08 13 20 0000 0001 00");
    sensor_send(a, "04 18 0064");
    sensor_expect(a, "02 18");
    peer_publishes(publisher, 2, "ab", "1");
    sensor_send(a, "06 16 'clid'");
    sensor_expect(a, "08 0C 22 'ab' 0001 '1'");
    air_advance(air, 40000);
    sensor_expect(a, "08 0C A2 'ab' 0001 '1' | 08 0C A2 'ab' 0001 '1' | 08 0C A2 'ab' 0001 '1'");
    sensor_expect_nothing(a);
    assert_int_equal(sensor_phase(a), GATEWAY_ASLEEP);
    sensor_send(a, "06 16 'clid'");
    sensor_expect(a, "08 0C A2 'ab' 0001 '1'");
    sensor_send(a, "07 0D 'ab' 0001 00");
    sensor_expect(a, "02 17");
    air_end(air);
    server_end(server);
}

/* ---- A network that loses and doubles ---- */

enum { MESSAGES = 30, TRIES_MAX = 3000 };

/* A device that publishes numbered messages, one after the other, and takes others as numbered. */
struct device {
    struct sensor *sensor;
    bool connected;
    bool subscribed;
    unsigned sent;       /* its messages that are done */
    bool received;       /* PUBREC has come for the one that is under way */
    bool repeats;        /* it has been said before */
    unsigned heard;      /* messages that have come, each once */
    uint16_t unreleased; /* the id of the one that waits for PUBREL; 0: none does */
};

/* At QoS 1 and 2 in turns; MsgIds begin at 1, with the message. */
static void device_says(struct device *device)
{
    unsigned number = device->sent + 1;
    unsigned flags = (number % 2 ? 0x22 : 0x42) | (device->repeats ? 0x80 : 0);

    device->repeats = true;
    if (!device->connected)
        sensor_send(device->sensor, "07 04 00 01 0000 'd'");
    else if (!device->subscribed)
        sensor_send(device->sensor, "07 12 42 FFFF 'dn'");
    else if (device->received)
        sensor_send(device->sensor, "04 10 %04x", number);
    else if (device->sent < MESSAGES)
        sensor_send(device->sensor, "08 0C %02x 'up' %04x %02x", flags, number, number);
}

static void device_goes_on(struct device *device)
{
    device->repeats = device->received = false;
    device->sent++;
}

static void device_takes_message(struct device *device, struct bytes datagram)
{
    uint16_t id = (uint16_t)(datagram.data[5] << 8 | datagram.data[6]);

    /* One that is not released yet has been heard already. */
    if (device->unreleased != id)
        assert_int_equal(datagram.data[7], '0' + ++device->heard);
    device->unreleased = id;
    sensor_send(device->sensor, "04 0F %04x", id);
}

static void device_takes(struct device *device, struct bytes datagram)
{
    uint8_t type = datagram.data[1];
    uint16_t id = datagram.size >= 4 ? (uint16_t)(datagram.data[2] << 8 | datagram.data[3]) : 0;

    if (type == MQTTSN_CONNACK)
        device->connected = true;
    else if (type == MQTTSN_SUBACK)
        device->subscribed = true;
    else if (type == MQTTSN_PUBACK && datagram.data[5] == device->sent + 1)
        device_goes_on(device);
    else if (type == MQTTSN_PUBREC && id == device->sent + 1)
        device->received = true;
    else if (type == MQTTSN_PUBCOMP && id == device->sent + 1 && device->received)
        device_goes_on(device);
    else if (type == MQTTSN_PUBLISH)
        device_takes_message(device, datagram);
    else if (type == MQTTSN_PUBREL) {
        if (device->unreleased == id)
            device->unreleased = 0;
        sensor_send(device->sensor, "04 0E %04x", id);
    }
    assert_int_not_equal(type, MQTTSN_DISCONNECT);
}

/* Each message once at QoS 2, at least once at QoS 1, and none before its turn. */
static void check_heard(struct peer *watcher)
{
    unsigned last = 0;
    struct bytes packet;

    while ((packet = peer_take(watcher)).size > 0) {
        unsigned number = packet.data[packet.size - 1];

        if (number % 2 && number <= last)
            continue; /* one of QoS 1, once more */
        assert_int_equal(number, last + 1);
        last = number;
    }
    assert_int_equal(last, MESSAGES);
}

SENSOR_TEST("SN-6.6-1 SN-6.13-3 SN-X-2", promises_are_kept_over_a_bad_network)
{
    struct peer *watcher = peer_connected(air->server, "watcher", MQTT_5_0);
    struct peer *publisher = peer_connected(air->server, "publisher", MQTT_5_0);
    struct device device = { .sensor = sensor_new(air) };
    unsigned published = 0;
    unsigned tries = 0;

    peer_subscribed(watcher, "up", 0);
    air->gateway.settings.retry_ms = 1000;
    air->gateway.settings.retries_max = 200;
    air->trouble = 30;
    air->luck = air->server->shard_count + air->server->stores;
    while (device.sent < MESSAGES || device.heard < MESSAGES || device.unreleased != 0) {
        struct bytes datagram;

        device_says(&device);
        while ((datagram = sensor_take(device.sensor)).size > 0)
            device_takes(&device, datagram);
        if (device.subscribed && published < MESSAGES) {
            char number[2] = { (char)('0' + ++published), '\0' };

            peer_publishes(publisher, 4, "dn", number);
        }
        air_advance(air, 100);
        assert_true(++tries < TRIES_MAX);
    }
    check_heard(watcher);
}

/* ---- Hostile datagrams ---- */

enum { HOSTILE_ROUNDS = 400, HOSTILE_SIZE_MAX = 24, ATTACKERS = 4 };

/* Something that a device may say, or nearly so: of any type, about ids that others have. It is no
 * CONNECT in a victim's name, for whoever sends that is the victim as far as UDP can tell. */
static size_t hostile_datagram(uint64_t *luck, uint8_t data[HOSTILE_SIZE_MAX])
{
    static const char *const names[] = { "awake", "asleep", "", "ab" };
    const char *name = names[(*luck = hash_mix(*luck + 1)) % 4];
    size_t size = 2;

    data[1] = (uint8_t)((*luck = hash_mix(*luck + 1)) % 0x20);
    for (unsigned i = 0; i < *luck % 7; i++)
        data[size++] = (uint8_t)((*luck >> 8 * i) % 4);
    if (*luck >> 60 > 3 && data[1] != MQTTSN_CONNECT) {
        memcpy(data + size, name, strlen(name));
        size += strlen(name);
    }
    data[0] = (uint8_t)(*luck >> 56 == 0 ? 0 : size);
    return size;
}

static void attack(struct sensor *attackers[ATTACKERS], uint64_t *luck)
{
    uint8_t data[HOSTILE_SIZE_MAX];
    size_t size = hostile_datagram(luck, data);
    struct sensor *attacker = attackers[(*luck = hash_mix(*luck + 1)) % ATTACKERS];

    sensor_send_bytes(attacker, bytes_of(data, size));
    while (sensor_take(attacker).size > 0)
        continue;
}

SENSOR_TEST("SN-6.14-1 SN-X-1", hostile_datagrams_touch_no_other_client)
{
    struct peer *publisher = peer_connected(air->server, "publisher", MQTT_5_0);
    struct peer *watcher = peer_connected(air->server, "watcher", MQTT_5_0);
    struct sensor *awake = sensor_new(air);
    struct sensor *asleep = sensor_new(air);
    struct sensor *attackers[ATTACKERS];
    uint64_t luck = 1;

    peer_subscribed(watcher, "will/#", 0);
    sensor_send(awake, "0B 04 08 01 0000 'awake'");
    sensor_send(awake, "08 07 00 'will/'");
    sensor_send(awake, "05 09 'bye'");
    sensor_send(awake, "0B 12 20 0001 'victim'");
    sensor_expect(awake, "02 06 | 02 08 | 03 05 00 | 08 13 20 0001 0001 00");
    sensor_send(asleep, "0C 04 00 01 0000 'asleep'");
    sensor_send(asleep, "0B 12 20 0001 'victim'");
    sensor_send(asleep, "04 18 FFFF");
    sensor_expect(asleep, "03 05 00 | 08 13 20 0002 0001 00 | 02 18");
    for (size_t i = 0; i < ATTACKERS; i++)
        attackers[i] = i == 0 ? sensor_connected(air, "attacker") : sensor_new(air);
    for (unsigned i = 0; i < HOSTILE_ROUNDS; i++) {
        if (i % 40 == 0)
            peer_publishes(publisher, 2, "victim", "x");
        for (unsigned j = 0; j < 8; j++)
            attack(attackers, &luck);
        if (i % 40 == 0) {
            sensor_expect(awake, "08 0C 20 0001 %04x 'x'", i / 40 + 1);
            sensor_send(awake, "07 0D 0001 %04x 00", i / 40 + 1);
        }
    }
    sensor_expect_nothing(awake);
    sensor_send(awake, "02 16");
    sensor_expect(awake, "02 17");
    sensor_expect_nothing(asleep);
    assert_int_equal(sensor_phase(asleep), GATEWAY_ASLEEP);
    sensor_send(asleep, "08 16 'asleep'");
    for (unsigned i = 1; i <= HOSTILE_ROUNDS / 40; i++) {
        sensor_expect(asleep, "08 0C 20 0002 %04x 'x'", i);
        sensor_send(asleep, "07 0D 0002 %04x 00", i);
    }
    sensor_expect(asleep, "02 17");
    peer_expect_nothing(watcher);
}
