/* SPDX-License-Identifier: Apache-2.0 */
/* The draft of MQTT-SN 2.0: what a gateway owes its clients, beside those of 1.2. */
#include "gateway/topics.h"
#include "tests/harness/sensor.h"

/* A test of a listener where 2.0 is spoken; topic 5 is agreed on. */
#define DRAFT_TEST(ids, function)                                                                  \
    static void function##_spoken(struct air *air);                                                \
    SENSOR_TEST(ids, function)                                                                     \
    {                                                                                              \
        static const struct gateway_predefined_topic topics[] = {                                  \
            { 5, { 0 }, { (const uint8_t *)"agreed", 6 } },                                        \
        };                                                                                         \
                                                                                                   \
        air->gateway.settings.predefined = (struct gateway_predefined){ topics, 1 };               \
        air->speaks_draft = true;                                                                  \
        server_start(air->server);                                                                 \
        function##_spoken(air);                                                                    \
    }                                                                                              \
    static void function##_spoken(struct air *air)

/* With clean start and 60 s of keep alive; CONNACK is taken. */
static struct sensor *draft_connected(struct air *air, const char *id)
{
    struct sensor *sensor = sensor_new(air);

    sensor_send(sensor, "%02x 01 01 00C0 02 003C 0000 '%s'", (unsigned)(10 + strlen(id)), id);
    sensor_expect(sensor, "06 02 00 00C0 00");
    return sensor;
}

/* With a session of 100 s that outlives the connection, and these flags as well. */
static struct sensor *draft_lasting(struct air *air, const char *id)
{
    struct sensor *sensor = sensor_new(air);

    sensor_send(
            sensor, "%02x 01 09 00C0 02 003C 0000 00000064 '%s'", (unsigned)(14 + strlen(id)), id);
    sensor_expect(sensor, "06 02 00 00C0 00");
    return sensor;
}

/* ---- CONNECT ---- */

DRAFT_TEST("MQTTSN2-3.1.19-5 MQTTSN2-3.1.2.1-3", a_client_connects)
{
    struct sensor *a = draft_connected(air, "clid");

    assert_int_equal(sensor_phase(a), GATEWAY_ACTIVE);
    assert_int_equal(server_told(air->server, "client.connected"), 1);
    sensor_send(a, "04 0C 0001");
    sensor_expect(a, "04 0D 0001");
    /* In the long form of the header as well. */
    sensor_send(a, "01 0006 0C 0002");
    sensor_expect(a, "04 0D 0002");
}

SENSOR_TEST("MQTTSN2-3.1.5-2", where_the_draft_is_not_spoken_it_is_refused)
{
    struct sensor *a = sensor_new(air);
    struct sensor *b = sensor_connected(air, "b");

    sensor_send(a, "0B 01 01 00C0 02 003C 0000 'a'");
    sensor_expect(a, "06 02 00 00C0 84");
    sensor_send(a, "04 0C 0001");
    sensor_send(a, "02 17");
    sensor_expect_nothing(a);
    sensor_send(b, "0B 01 01 00C0 02 003C 0000 'b'");
    sensor_expect_nothing(b);
    sensor_send(b, "02 16");
    sensor_expect(b, "02 17");
}

DRAFT_TEST("MQTTSN2-3.1.2-2 MQTTSN2-3.1.6-4 MQTTSN2-3.1.7-1 MQTTSN2-3.1.19-1",
        a_connect_that_is_wrong_makes_no_connection)
{
    struct sensor *a = sensor_new(air);

    sensor_send(a, "0B 01 81 00C0 02 003C 0000 'a'");
    sensor_expect(a, "06 02 00 00C0 81");
    sensor_send(a, "0B 01 01 00C0 03 003C 0000 'a'");
    sensor_expect(a, "06 02 00 00C0 84");
    sensor_send(a, "0B 01 01 00C0 02 0000 0000 'a'");
    sensor_expect(a, "06 02 00 00C0 82");
    sensor_send(a, "0B 01 01 00C0 02 003C 0009 'a'");
    sensor_expect(a, "06 02 00 00C0 82");
    sensor_send(a, "11 01 01 00C0 02 003C 0000 'refused'");
    sensor_expect(a, "06 02 00 00C0 85");
    assert_int_equal(sensor_phase(a), GATEWAY_NEW);
    assert_int_equal(server_told(air->server, "client.connected"), 0);
}

DRAFT_TEST("MQTTSN2-3.2.11-2 MQTTSN2-3.2.11-3 MQTTSN2-3.1.18-3", whoever_has_no_id_gets_one)
{
    struct sensor *a = sensor_new(air);
    struct bytes connack;

    sensor_send(a, "0A 01 01 00C0 02 003C 0000");
    connack = sensor_take(a);
    assert_true(connack.size > 6);
    assert_int_equal(connack.data[0], connack.size);
    assert_memory_equal(connack.data + 1, "\x02\0\0\xC0\0", 5);
    assert_int_equal(sensor_phase(a), GATEWAY_ACTIVE);
}

DRAFT_TEST(NULL, an_id_that_is_given_is_told_once_a_second)
{
    static const char connect[] = "0A 01 01 00C0 02 003C 0000";
    struct sensor *a = sensor_new(air);
    struct bytes connack;

    air_advance(air, 1000 - air->server->now_ms % 1000);
    sensor_send(a, connect);
    assert_true(sensor_take(a).size > 6);
    sensor_send(a, connect);
    sensor_expect_nothing(a);
    air_advance(air, 1000);
    sensor_send(a, connect);
    connack = sensor_take(a);
    assert_true(connack.size > 6);
    sensor_send(a, connect);
    sensor_expect_nothing(a);
    sensor_send(a, "04 0C 0001");
    sensor_expect(a, "04 0D 0001");
}

DRAFT_TEST("MQTTSN2-3.1.2.2-1 MQTTSN2-3.1.2.2-2 MQTTSN2-3.1.2.2-3 MQTTSN2-3.1.3.3-2 "
           "MQTTSN2-3.1.6-2",
        a_will_comes_with_the_connect_and_is_published)
{
    struct peer *watcher = peer_connected(air->server, "watcher", MQTT_5_0);
    struct sensor *a = sensor_new(air);

    peer_subscribed(watcher, "wt", 2);
    sensor_send(a, "15 01 03 17 00C0 02 000A 0000 0002 'wt' 0003 'bye' 'a'");
    sensor_expect(a, "06 02 00 00C0 00");
    air_advance(air, 14999);
    peer_expect_nothing(watcher);
    sensor_expect_nothing(a);
    air_advance(air, 2);
    peer_expect(watcher, "32 RL S'wt' .... 00 'bye'");
    sensor_expect(a, "04 0E 04 8D");
    assert_int_equal(sensor_phase(a), GATEWAY_NEW);
    sensor_send(a, "04 0C 0001");
    sensor_expect(a, "04 0E 04 F4");
}

DRAFT_TEST("MQTTSN2-3.1.2.2-1", a_will_goes_by_a_predefined_alias_too)
{
    struct peer *watcher = peer_connected(air->server, "watcher", MQTT_5_0);
    struct sensor *a = sensor_new(air);

    peer_subscribed(watcher, "agreed", 0);
    sensor_send(a, "13 01 03 01 00C0 02 0002 0000 0005 0003 'bye' 'a'");
    sensor_expect(a, "06 02 00 00C0 00");
    air_advance(air, 3001);
    peer_expect(watcher, "30 RL S'agreed' 00 'bye'");
    sensor_expect(a, "04 0E 04 8D");
    /* One that stands for nothing. */
    sensor_send(a, "13 01 03 01 00C0 02 0002 0000 0006 0003 'bye' 'a'");
    sensor_expect(a, "06 02 00 00C0 90");
    sensor_send(a, "13 01 03 00 00C0 02 0002 0000 0005 0003 'bye' 'a'");
    sensor_expect(a, "06 02 00 00C0 90");
}

DRAFT_TEST("MQTTSN2-3.1.2.2-4 MQTTSN2-3.13.7-3 MQTTSN2-3.13.7-4", a_client_leaves)
{
    struct peer *watcher = peer_connected(air->server, "watcher", MQTT_5_0);
    struct sensor *a = sensor_new(air);

    peer_subscribed(watcher, "wt", 0);
    sensor_send(a, "15 01 03 03 00C0 02 000A 0000 0002 'wt' 0003 'bye' 'a'");
    sensor_send(a, "03 0E 00");
    sensor_expect(a, "06 02 00 00C0 00");
    sensor_expect_nothing(a);
    peer_expect_nothing(watcher);
    /* With the Will, by the code that says so, and by any that tells of a failure. */
    sensor_send(a, "15 01 03 03 00C0 02 000A 0000 0002 'wt' 0003 'bye' 'a'");
    sensor_send(a, "04 0E 04 04");
    peer_expect(watcher, "30 RL S'wt' 00 'bye'");
    sensor_send(a, "15 01 03 03 00C0 02 000A 0000 0002 'wt' 0003 'bye' 'a'");
    sensor_send(a, "04 0E 04 81");
    peer_expect(watcher, "30 RL S'wt' 00 'bye'");
    sensor_expect(a, "06 02 00 00C0 00 | 06 02 00 00C0 00");
    sensor_expect_nothing(a);
}

DRAFT_TEST("MQTTSN2-3.1.2.1-1 MQTTSN2-3.1.2.1-2 MQTTSN2-3.2.2.1-1 MQTTSN2-3.2.2.1-2 "
           "MQTTSN2-3.1.9-1 MQTTSN2-4.4.1-1",
        a_session_outlives_the_connection)
{
    struct peer *publisher = peer_connected(air->server, "publisher", MQTT_5_0);
    struct sensor *a = draft_lasting(air, "a");

    sensor_send(a, "06 08 23 0001 'b'");
    sensor_expect(a, "08 09 04 0001 0001 01");
    sensor_send(a, "03 0E 00");
    peer_publishes(publisher, 2, "b", "1");
    air_advance(air, 90000);
    sensor_send(a, "0F 01 08 00C1 02 003C 0000 00000064 'a'");
    sensor_expect(a, "06 02 01 00C1 00 | 08 10 01 .... 0001 'b'");
    sensor_send(a, "05 11 00 0001");
    sensor_expect(a, "08 03 20 0001 0001 '1'");
    /* Not acknowledged: it comes again by the same identifier, as it was. */
    sensor_send(a, "0F 01 08 00C2 02 003C 0000 00000064 'a'");
    sensor_expect(a, "06 02 01 00C2 00 | 08 10 01 0002 0001 'b'");
    sensor_send(a, "05 11 00 0002");
    sensor_expect(a, "08 03 20 0001 0001 '1'");
    sensor_send(a, "04 04 0001");
    /* Its time is changed at the end. */
    sensor_send(a, "07 0E 02 00000001");
    air_advance(air, 2000);
    sensor_send(a, "0F 01 08 00C3 02 003C 0000 00000064 'a'");
    sensor_expect(a, "06 02 00 00C3 00");
}

DRAFT_TEST("MQTTSN2-4.7.2.2-1", aliases_last_as_long_as_the_session)
{
    struct peer *watcher = peer_connected(air->server, "watcher", MQTT_5_0);
    struct sensor *a = draft_lasting(air, "a");
    struct sensor *b = sensor_new(air);

    peer_subscribed(watcher, "#", 0);
    sensor_send(a, "08 10 00 0001 'a/b'");
    sensor_send(a, "03 0E 00");
    sensor_expect(a, "07 11 04 0001 0001");
    sensor_send(b, "0F 01 08 00C1 02 003C 0000 00000064 'a'");
    sensor_expect(b, "06 02 01 00C1 00");
    sensor_send(b, "06 03 00 0001 'x'");
    peer_expect(watcher, "30 RL S'a/b' 00 'x'");
    /* A new one is another one. */
    sensor_send(b, "08 10 00 0002 'c/d'");
    sensor_expect(b, "07 11 04 0002 0002");
    /* In a session that is new they mean nothing. */
    sensor_send(b, "0F 01 09 00C2 02 003C 0000 00000064 'a'");
    sensor_send(b, "08 03 20 0003 0001 'x'");
    sensor_expect(b, "06 02 00 00C2 00 | 05 04 0003 F0");
    sensor_send(b, "08 10 00 0004 'a/b'");
    sensor_expect(b, "07 11 04 0004 0003");
    peer_expect_nothing(watcher);
}

DRAFT_TEST("MQTTSN2-4.7.2.2-1", aliases_come_along_to_another_address)
{
    struct peer *watcher = peer_connected(air->server, "watcher", MQTT_5_0);
    struct sensor *a = draft_lasting(air, "a");
    struct sensor *b = sensor_new(air);

    peer_subscribed(watcher, "#", 0);
    sensor_send(a, "08 10 00 0001 'a/b'");
    sensor_expect(a, "07 11 04 0001 0001");
    /* It has not said farewell where it was: its address has changed under it. */
    sensor_send(b, "0F 01 08 00C1 02 003C 0000 00000064 'a'");
    sensor_expect(b, "06 02 01 00C1 00");
    sensor_send(b, "06 03 00 0001 'x'");
    peer_expect(watcher, "30 RL S'a/b' 00 'x'");
}

DRAFT_TEST(NULL, a_session_that_was_to_end_is_not_prolonged)
{
    struct sensor *a = draft_connected(air, "a");

    sensor_send(a, "07 0E 02 00000001");
    sensor_expect(a, "04 0E 04 82");
}

DRAFT_TEST("MQTTSN2-3.1.2.7-2 MQTTSN2-3.2.2.2-2", advice_is_given_where_it_is_allowed)
{
    struct sensor *a = sensor_new(air);

    air->server->settings.session_expiry_s_max = 50;
    sensor_send(a, "0F 01 09 00C0 02 003C 0000 00000064 'a'");
    sensor_expect(a, "06 02 00 00C0 00");
    sensor_send(a, "0F 01 49 00C1 02 003C 0000 00000064 'a'");
    sensor_expect(a, "0A 02 02 00C1 00 00000032");
    sensor_send(a, "0F 01 49 00C2 02 003C 0000 0000000A 'a'");
    sensor_expect(a, "06 02 00 00C2 00");
}

DRAFT_TEST("MQTTSN2-3.1.19-3 MQTTSN2-4.14-5", the_same_id_from_elsewhere_takes_over)
{
    struct peer *watcher = peer_connected(air->server, "watcher", MQTT_5_0);
    struct sensor *a = sensor_new(air);
    struct sensor *b = sensor_new(air);

    peer_subscribed(watcher, "wt", 0);
    sensor_send(a, "15 01 03 03 00C0 02 000A 0000 0002 'wt' 0003 'bye' 'c'");
    sensor_send(b, "0B 01 01 00C1 02 003C 0000 'c'");
    sensor_expect(a, "06 02 00 00C0 00 | 04 0E 04 8E");
    sensor_expect(b, "06 02 00 00C1 00");
    peer_expect(watcher, "30 RL S'wt' 00 'bye'");
    sensor_send(a, "04 0C 0001");
    sensor_expect(a, "04 0E 04 F4");
}

DRAFT_TEST("MQTTSN2-4.14-5 MQTTSN2-3.1.19-3", a_second_connect_begins_anew)
{
    struct peer *watcher = peer_connected(air->server, "watcher", MQTT_5_0);
    struct sensor *a = sensor_new(air);

    peer_subscribed(watcher, "wt", 0);
    sensor_send(a, "15 01 03 03 00C0 02 000A 0000 0002 'wt' 0003 'bye' 'c'");
    sensor_expect(a, "06 02 00 00C0 00");
    /* The network has doubled it. */
    sensor_send(a, "15 01 03 03 00C0 02 000A 0000 0002 'wt' 0003 'bye' 'c'");
    sensor_expect(a, "06 02 00 00C0 00");
    peer_expect_nothing(watcher);
    sensor_send(a, "15 01 03 03 00C1 02 000A 0000 0002 'wt' 0003 'bye' 'c'");
    sensor_expect(a, "06 02 00 00C1 00");
    peer_expect(watcher, "30 RL S'wt' 00 'bye'");
    /* By the same identifier, but as another one. */
    sensor_send(a, "15 01 03 03 00C1 02 000A 0000 0002 'wt' 0003 'bye' 'd'");
    sensor_expect(a, "06 02 00 00C1 00");
    peer_expect(watcher, "30 RL S'wt' 00 'bye'");
    assert_int_equal(server_told(air->server, "client.connected"), 4);
}

DRAFT_TEST(NULL, a_device_changes_its_version)
{
    struct sensor *a = sensor_connected(air, "a");

    sensor_send(a, "0B 01 01 00C0 02 003C 0000 'a'");
    sensor_expect(a, "06 02 00 00C0 00");
    sensor_send(a, "04 0C 0001");
    sensor_expect(a, "04 0D 0001");
    sensor_send(a, "07 04 04 01 003C 'a'");
    sensor_expect(a, "03 05 00");
    sensor_send(a, "02 16");
    sensor_expect(a, "02 17");
}

/* ---- Who it is ---- */

DRAFT_TEST(NULL, user_name_and_password_are_the_servers_to_judge)
{
    struct sensor *a = sensor_new(air);

    sensor_send(a, "23 01 05 00C0 02 003C 0000 0A 'MQTT-BASIC' 000B S'ann' S'good' 'a'");
    sensor_expect(a, "06 02 00 00C0 00");
    a = sensor_new(air);
    sensor_send(a, "24 01 05 00C0 02 003C 0000 0A 'MQTT-BASIC' 000C S'ann' S'wrong' 'b'");
    sensor_expect(a, "06 02 00 00C0 86");
    sensor_send(a, "24 01 05 00C0 02 003C 0000 0A 'MQTT-BASIC' 000C S'ann' 0006 'wrong' 'b'");
    sensor_expect(a, "06 02 00 00C0 81");
}

DRAFT_TEST("MQTTSN2-4.11.1-2 MQTTSN2-4.11.1-4 MQTTSN2-4.11.1-5 MQTTSN2-4.11.1.1-1",
        a_client_proves_who_it_is)
{
    struct sensor *a = sensor_new(air);

    sensor_send(a, "17 01 05 00C0 02 003C 0000 09 'CHALLENGE' 0000 'a'");
    sensor_expect(a, "12 0F 00C0 18 09 'CHALLENGE' 'ask'");
    /* Nothing else counts before the CONNACK. */
    sensor_send(a, "04 0C 0001");
    sensor_expect_nothing(a);
    sensor_send(a, "15 0F 00C1 18 09 'CHALLENGE' 'answer'");
    sensor_expect(a, "19 02 08 00C1 00 09 'CHALLENGE' 0007 'welcome'");
    /* And does so again. */
    sensor_send(a, "0F 0F 00C2 19 09 'CHALLENGE'");
    sensor_expect(a, "12 0F 00C2 18 09 'CHALLENGE' 'ask'");
    sensor_send(a, "15 0F 00C3 18 09 'CHALLENGE' 'answer'");
    sensor_expect(a, "16 0F 00C3 00 09 'CHALLENGE' 'welcome'");
    sensor_send(a, "04 0C 0001");
    sensor_expect(a, "04 0D 0001");
}

DRAFT_TEST("MQTTSN2-4.11.1-1 MQTTSN2-4.11.1-7", who_does_not_prove_it_is_refused)
{
    struct sensor *a = sensor_new(air);
    struct sensor *b = draft_connected(air, "b");

    sensor_send(a, "13 01 05 00C0 02 003C 0000 05 'OTHER' 0000 'a'");
    sensor_expect(a, "06 02 00 00C0 8C");
    sensor_send(a, "17 01 05 00C0 02 003C 0000 09 'CHALLENGE' 0000 'a'");
    sensor_send(a, "12 0F 00C1 18 09 'CHALLENGE' 'bad'");
    sensor_expect(a, "12 0F 00C0 18 09 'CHALLENGE' 'ask' | 06 02 00 00C1 87");
    sensor_send(b, "0F 0F 00C2 19 09 'CHALLENGE'");
    sensor_expect(b, "04 0E 04 82");
}

/* ---- Topics ---- */

DRAFT_TEST("MQTTSN2-4.7.2.2-4 MQTTSN2-4.7.2.2-5 MQTTSN2-4.7.2.2-1", topics_are_registered)
{
    struct peer *watcher = peer_connected(air->server, "watcher", MQTT_5_0);
    struct sensor *a = draft_connected(air, "a");
    struct sensor *b = draft_connected(air, "b");

    peer_subscribed(watcher, "#", 0);
    sensor_send(a, "08 10 00 0001 'a/b'");
    sensor_expect(a, "07 11 04 0001 0001");
    sensor_send(a, "08 10 00 0002 'a/b'");
    sensor_expect(a, "08 11 04 0002 0001 1A");
    sensor_send(a, "0B 10 00 0003 'agreed'");
    sensor_expect(a, "08 11 05 0003 0005 1A");
    sensor_send(a, "06 03 00 0001 '1'");
    peer_expect(watcher, "30 RL S'a/b' 00 '1'");
    sensor_send(a, "06 03 01 0005 '2'");
    peer_expect(watcher, "30 RL S'agreed' 00 '2'");
    sensor_send(a, "09 03 03 0003 'c/d' '3'");
    peer_expect(watcher, "30 RL S'c/d' 00 '3'");
    /* Another client's is another number, and means nothing to others. */
    sensor_send(b, "08 10 00 0001 'a/b'");
    sensor_expect(b, "07 11 04 0001 0002");
    sensor_send(b, "08 03 20 0002 0001 '4'");
    sensor_expect(b, "05 04 0002 F0");
    peer_expect_nothing(watcher);
}

DRAFT_TEST("MQTTSN2-4.7.2.1-2", an_unknown_predefined_alias_ends_the_connection)
{
    struct sensor *a = draft_connected(air, "a");

    sensor_send(a, "08 03 21 0002 0006 '4'");
    sensor_expect(a, "04 0E 04 82");
    assert_int_equal(sensor_phase(a), GATEWAY_NEW);
}

DRAFT_TEST("MQTTSN2-4.7.2.2-4", what_is_agreed_on_no_more_gets_an_alias_of_the_session)
{
    static const struct gateway_predefined_topic others[] = {
        { 6, { 0 }, { (const uint8_t *)"agreed", 6 } },
    };
    struct peer *publisher = peer_connected(air->server, "publisher", MQTT_5_0);
    struct sensor *a = draft_connected(air, "a");

    sensor_send(a, "0B 08 23 0001 'agreed'");
    sensor_expect(a, "08 09 05 0001 0005 01");
    peer_publishes(publisher, 0, "agreed", "1");
    sensor_expect(a, "06 03 01 0005 '1'");
    air->gateway.settings.predefined = (struct gateway_predefined){ others, 1 };
    peer_publishes(publisher, 0, "agreed", "2");
    sensor_expect(a, "06 03 01 0006 '2'");
    air->gateway.settings.predefined = (struct gateway_predefined){ 0 };
    peer_publishes(publisher, 0, "agreed", "3");
    sensor_expect(a, "0D 10 01 0001 0001 'agreed'");
}

DRAFT_TEST(NULL, a_client_has_so_many_topics)
{
    struct sensor *a = draft_connected(air, "a");
    unsigned i;

    for (i = 1; i <= air->gateway.settings.topics_max; i++) {
        sensor_send(a, "09 10 00 0001 '%04x'", i);
        sensor_expect(a, "07 11 04 0001 ....");
    }
    sensor_send(a, "09 10 00 0001 '%04x'", i);
    sensor_expect(a, "06 11 00 0001 97");
}

/* ---- PUBLISH from a client ---- */

DRAFT_TEST("MQTTSN2-3.6.2.7-1 MQTTSN2-4.3.3-5 MQTTSN2-4.3.4-9 MQTTSN2-4.3.4-11 MQTTSN2-4.3.4-12 "
           "MQTTSN2-4.3.4-13",
        messages_are_published)
{
    struct peer *watcher = peer_connected(air->server, "watcher", MQTT_5_0);
    struct sensor *a = draft_connected(air, "a");

    peer_subscribed(watcher, "b", 2);
    sensor_send(a, "09 03 23 0001 0001 'b1'");
    sensor_expect(a, "04 04 0001");
    peer_expect(watcher, "32 RL S'b' .... 00 '1'");
    sensor_send(a, "09 03 43 0002 0001 'b2'");
    sensor_expect(a, "04 05 0002");
    sensor_send(a, "09 03 C3 0002 0001 'b2'");
    sensor_expect(a, "04 05 0002");
    sensor_send(a, "04 06 0002");
    sensor_expect(a, "04 07 0002");
    peer_expect(watcher, "34 RL S'b' .... 00 '2'");
    peer_expect_nothing(watcher);
    /* It is over: the same identifier is another message. */
    sensor_send(a, "09 03 C3 0002 0001 'b3'");
    sensor_expect(a, "04 05 0002");
    peer_expect(watcher, "34 RL S'b' .... 00 '3'");
    sensor_send(a, "04 06 0009");
    sensor_expect(a, "05 07 0009 92");
}

DRAFT_TEST(NULL, what_is_refused_is_said_by_its_reason)
{
    struct sensor *a = draft_connected(air, "a");

    sensor_send(a, "0E 03 23 0001 0006 'denied' '1'");
    sensor_expect(a, "05 04 0001 87");
    sensor_send(a, "0E 03 43 0001 0006 'denied' '1'");
    sensor_expect(a, "05 05 0001 87");
    sensor_send(a, "0B 08 23 0002 'denied'");
    sensor_expect(a, "06 09 01 0002 87");
}

DRAFT_TEST("MQTTSN2-3.6.2.2-2 MQTTSN2-3.6.2.2.3-1 MQTTSN2-4.12.1-2 MQTTSN2-3.15.4-1",
        a_broken_rule_ends_the_connection)
{
    static const char *const wrongs[] = {
        "06 03 08 0005 '4' | 81",                    /* reserved bits */
        "08 03 A1 0001 0005 '4' | 81",               /* DUP at QoS 1 */
        "08 03 61 0001 0005 '4' | 81",               /* QoS 3 */
        "06 03 02 0005 '4' | 81",                    /* the reserved topic type */
        "08 03 21 0000 0005 '4' | 82", "02 02 | 82", /* only a server says CONNACK */
        "03 19 00 | 81", "09 13 00 0001 00000000 | 82", "09 13 02 0001 00000001 | 81",
        "04 0C 0000 | 82", "13 FF 00 00 0102030405060708 01020304 00 00 00 | F2",
        "09 FC 02 'ab' 04 0C 0001 | F3",
        "09 FE 0001 'a' 04 0C 0001 | 82", /* its CONNECT has not asked for this */
    };
    struct peer *watcher = peer_connected(air->server, "watcher", MQTT_5_0);

    peer_subscribed(watcher, "wt", 0);
    for (size_t i = 0; i < sizeof(wrongs) / sizeof(wrongs[0]); i++) {
        const char *bar = strchr(wrongs[i], '|');
        struct sensor *a = sensor_new(air);

        sensor_send(a, "15 01 03 03 00C0 02 000A 0000 0002 'wt' 0003 'bye' 'a'");
        sensor_expect(a, "06 02 00 00C0 00");
        sensor_send(a, "%.*s", (int)(bar - wrongs[i]), wrongs[i]);
        sensor_expect(a, "04 0E 04 %s", bar + 1);
        peer_expect(watcher, "30 RL S'wt' 00 'bye'");
        assert_int_equal(sensor_phase(a), GATEWAY_NEW);
    }
}

DRAFT_TEST("MQTTSN2-4.9-1 MQTTSN2-4.3.3-4", a_client_asks_one_thing_at_a_time)
{
    struct sensor *a = draft_connected(air, "a");

    server_holds(air->server, true);
    sensor_send(a, "09 03 23 0001 0001 'b1'");
    /* The same once more is no other. */
    sensor_send(a, "09 03 23 0001 0001 'b1'");
    sensor_expect_nothing(a);
    sensor_send(a, "09 03 23 0002 0001 'b2'");
    sensor_expect(a, "04 0E 04 93");
    server_holds(air->server, false);
}

DRAFT_TEST("MQTTSN2-3.6-1 MQTTSN2-4.3.1-2 MQTTSN2-3.6.1.6-1", a_message_without_a_session)
{
    struct peer *watcher = peer_connected(air->server, "watcher", MQTT_5_0);
    struct sensor *stranger = sensor_new(air);
    struct sensor *a = draft_connected(air, "a");

    peer_subscribed(watcher, "#", 2);
    sensor_send(stranger, "07 12 01 0005 '22'");
    peer_expect(watcher, "30 RL S'agreed' 00 '22'");
    sensor_send(stranger, "08 12 03 0001 'b' '12'");
    peer_expect(watcher, "30 RL S'b' 00 '12'");
    sensor_send(stranger, "06 12 01 0006 '2'");
    sensor_send(a, "08 12 03 0001 'c' '13'");
    peer_expect(watcher, "30 RL S'c' 00 '13'");
    /* One that is wrong is nobody's fault. */
    sensor_send(a, "06 12 00 0005 '2'");
    sensor_send(stranger, "06 12 81 0005 '2'");
    sensor_send(a, "04 0C 0001");
    sensor_expect(a, "04 0D 0001");
    peer_expect_nothing(watcher);
    /* As 1.2 has it. */
    sensor_send(stranger, "08 0C 61 0005 0000 'x'");
    peer_expect(watcher, "30 RL S'agreed' 00 'x'");
    sensor_expect(stranger, "02 18");
}

/* ---- SUBSCRIBE ---- */

DRAFT_TEST("MQTTSN2-3.7.6-1 MQTTSN2-3.7.6-2 MQTTSN2-3.7.6-6 MQTTSN2-4.7.2.2-2 MQTTSN2-4.7.2.2-3 "
           "MQTTSN2-3.8.2.1-2 MQTTSN2-3.8.4-1 MQTTSN2-3.8.4-2 MQTTSN2-3.8.4-3",
        a_subscription_comes_with_an_alias)
{
    struct peer *publisher = peer_connected(air->server, "publisher", MQTT_5_0);
    struct sensor *a = draft_connected(air, "a");

    sensor_send(a, "06 08 03 0001 'b'");
    sensor_expect(a, "08 09 04 0001 0001 00");
    sensor_send(a, "0B 08 23 0002 'agreed'");
    sensor_expect(a, "08 09 05 0002 0005 01");
    sensor_send(a, "07 08 41 0003 0005");
    sensor_expect(a, "06 09 01 0003 02");
    sensor_send(a, "08 08 03 0004 'c/#'");
    sensor_expect(a, "06 09 01 0004 00");
    sensor_send(a, "07 08 00 0005 0001");
    sensor_expect(a, "08 09 04 0005 0001 00");
    sensor_send(a, "07 08 00 0006 0009");
    sensor_expect(a, "06 09 01 0006 F0");
    sensor_send(a, "07 08 01 0007 0009");
    sensor_expect(a, "06 09 01 0007 F0");
    peer_publishes(publisher, 0, "b", "1");
    sensor_expect(a, "06 03 00 0001 '1'");
    peer_publishes(publisher, 0, "agreed", "2");
    sensor_expect(a, "06 03 01 0005 '2'");
}

DRAFT_TEST("MQTTSN2-3.7.2.5-1 MQTTSN2-3.7.6-4", options_of_subscriptions_are_those_of_mqtt_5)
{
    struct peer *publisher = peer_connected(air->server, "publisher", MQTT_5_0);
    struct sensor *a = draft_connected(air, "a");

    peer_send(publisher, "31 RL S'b' 00 'kept'");
    /* No local, and no retained messages. */
    sensor_send(a, "06 08 8B 0001 'b'");
    sensor_expect(a, "08 09 04 0001 0001 00");
    sensor_send(a, "06 03 00 0001 '1'");
    sensor_expect_nothing(a);
    /* Retained ones only if it is new, which it is not. */
    sensor_send(a, "06 08 07 0002 'b'");
    sensor_expect(a, "08 09 04 0002 0001 00");
    sensor_expect_nothing(a);
    /* All of them, and retain as published. */
    sensor_send(a, "06 08 13 0003 'b'");
    sensor_expect(a, "08 09 04 0003 0001 00 | 09 03 10 0001 'kept'");
    peer_send(publisher, "31 RL S'b' 00 'again'");
    sensor_expect(a, "0A 03 10 0001 'again'");
    sensor_send(a, "06 0A 03 0004 'b'");
    sensor_expect(a, "04 0B 0004");
    sensor_send(a, "07 0A 00 0005 0001");
    sensor_expect(a, "05 0B 0005 11");
    peer_publishes(publisher, 0, "b", "2");
    sensor_expect_nothing(a);
}

/* ---- PUBLISH to a client ---- */

DRAFT_TEST("MQTTSN2-4.7.2-1 MQTTSN2-3.4-2", what_matches_a_wildcard_is_registered_first)
{
    struct peer *publisher = peer_connected(air->server, "publisher", MQTT_5_0);
    struct sensor *a = draft_connected(air, "a");

    sensor_send(a, "06 08 43 0001 '#'");
    sensor_expect(a, "06 09 01 0001 02");
    peer_publishes(publisher, 0, "b", "1");
    sensor_expect(a, "08 10 01 0001 0001 'b'");
    peer_publishes(publisher, 0, "agreed", "2");
    sensor_expect_nothing(a);
    sensor_send(a, "05 11 00 0001");
    sensor_expect(a, "06 03 00 0001 '1' | 06 03 01 0005 '2'");
    /* One that it refuses comes by the whole name. */
    peer_publishes(publisher, 0, "c", "3");
    sensor_expect(a, "08 10 01 0002 0002 'c'");
    sensor_send(a, "06 11 00 0002 97");
    sensor_expect(a, "07 03 03 0001 'c' '3'");
}

DRAFT_TEST("MQTTSN2-4.3.3-4 MQTTSN2-4.9-1", the_server_asks_one_thing_at_a_time)
{
    struct peer *publisher = peer_connected(air->server, "publisher", MQTT_5_0);
    struct sensor *a = draft_connected(air, "a");

    sensor_send(a, "06 08 43 0001 '#'");
    sensor_send(a, "06 08 43 0001 'b'");
    sensor_expect(a, "06 09 01 0001 02 | 08 09 04 0001 0001 02");
    peer_publishes(publisher, 2, "b", "1");
    sensor_expect(a, "08 03 20 0001 0001 '1'");
    peer_publishes(publisher, 2, "b", "2");
    peer_publishes(publisher, 0, "c", "3");
    sensor_expect_nothing(a);
    sensor_send(a, "04 04 0001");
    sensor_expect(a, "08 10 01 0001 0002 'c'");
    sensor_expect_nothing(a);
    sensor_send(a, "05 11 00 0001");
    sensor_expect(a, "06 03 00 0002 '3' | 08 03 20 .... 0001 '2'");
}

DRAFT_TEST("MQTTSN2-4.4.2-7 MQTTSN2-4.3.4-4 MQTTSN2-4.3.4-8 MQTTSN2-4.4.2-5",
        what_is_not_answered_comes_again_as_it_was)
{
    struct peer *publisher = peer_connected(air->server, "publisher", MQTT_5_0);
    struct sensor *a = draft_connected(air, "a");

    sensor_send(a, "06 08 43 0001 'b'");
    sensor_expect(a, "08 09 04 0001 0001 02");
    peer_publishes(publisher, 2, "b", "1");
    sensor_expect(a, "08 03 20 0001 0001 '1'");
    air_advance(air, 10001);
    sensor_expect(a, "08 03 20 0001 0001 '1'");
    sensor_send(a, "04 04 0001");
    peer_publishes(publisher, 4, "b", "2");
    sensor_expect(a, "08 03 40 0002 0001 '2'");
    air_advance(air, 10001);
    sensor_expect(a, "08 03 C0 0002 0001 '2'");
    sensor_send(a, "04 05 0002");
    sensor_expect(a, "04 06 0002");
    air_advance(air, 10001);
    sensor_expect(a, "04 06 0002");
    sensor_send(a, "04 07 0002");
    peer_publishes(publisher, 4, "b", "3");
    sensor_expect(a, "08 03 40 .... 0001 '3'");
    for (unsigned i = 0; i < 3; i++) {
        air_advance(air, 10001);
        sensor_expect(a, "08 03 C0 .... 0001 '3'");
        sensor_send(a, "04 0C 0001");
        sensor_expect(a, "04 0D 0001");
    }
    air_advance(air, 10001);
    sensor_expect(a, "04 0E 04 80");
    assert_int_equal(sensor_phase(a), GATEWAY_NEW);
}

DRAFT_TEST("MQTTSN2-4.4.1-2", a_message_that_is_refused_is_done_with)
{
    struct peer *publisher = peer_connected(air->server, "publisher", MQTT_5_0);
    struct sensor *a = draft_connected(air, "a");

    sensor_send(a, "06 08 43 0001 'b'");
    sensor_expect(a, "08 09 04 0001 0001 02");
    peer_publishes(publisher, 2, "b", "1");
    peer_publishes(publisher, 4, "b", "2");
    sensor_expect(a, "08 03 20 0001 0001 '1'");
    sensor_send(a, "05 04 0001 83");
    sensor_expect(a, "08 03 40 0002 0001 '2'");
    sensor_send(a, "05 05 0002 F0");
    sensor_expect_nothing(a);
    /* It has forgotten the alias. */
    peer_publishes(publisher, 0, "b", "3");
    sensor_expect(a, "08 10 01 .... 0001 'b'");
}

DRAFT_TEST("MQTTSN2-3.1.7-2 MQTTSN2-3.1.7-3", a_client_gets_no_larger_packet_than_it_takes)
{
    struct peer *publisher = peer_connected(air->server, "publisher", MQTT_5_0);
    struct sensor *a = sensor_new(air);

    sensor_send(a, "0B 01 01 00C0 02 003C 000A 'a'");
    sensor_send(a, "06 08 23 0001 'b'");
    sensor_expect(a, "06 02 00 00C0 00 | 08 09 04 0001 0001 01");
    peer_publishes(publisher, 2, "b", "4444");
    peer_publishes(publisher, 2, "b", "333");
    sensor_expect(a, "0A 03 20 .... 0001 '333'");
}

DRAFT_TEST("MQTTSN2-3.1.7-2 MQTTSN2-3.1.7-3", an_id_that_it_cannot_take_is_not_told)
{
    struct sensor *a = sensor_new(air);

    sensor_send(a, "0A 01 01 00C0 02 003C 000A");
    sensor_expect_nothing(a);
    sensor_send(a, "04 0C 0001");
    sensor_expect(a, "04 0D 0001");
}

/* ---- Sleep ---- */

DRAFT_TEST("MQTTSN2-3.15.5-2 MQTTSN2-3.15.5-4 MQTTSN2-3.15.5-5 MQTTSN2-3.15.5-6 "
           "MQTTSN2-3.11.3-4 MQTTSN2-4.14.2-2 MQTTSN2-4.14.2-5 MQTTSN2-4.14.2-7 "
           "MQTTSN2-3.11.3-1",
        what_comes_while_it_sleeps_waits)
{
    struct peer *publisher = peer_connected(air->server, "publisher", MQTT_5_0);
    struct sensor *a = draft_connected(air, "a");

    sensor_send(a, "06 08 43 0001 'b'");
    sensor_send(a, "09 13 01 0002 00000064");
    sensor_expect(a, "08 09 04 0001 0001 02 | 05 14 00 0002");
    assert_int_equal(sensor_phase(a), GATEWAY_ASLEEP);
    sensor_send(a, "04 0C 0003");
    sensor_expect(a, "05 0D 0003 00");
    for (unsigned i = 0; i < 2; i++)
        peer_publishes(publisher, 2 * i + 2, "b", "x");
    sensor_expect(a, "02 15"); /* once */
    sensor_expect_nothing(a);
    air_advance(air, 100000);
    sensor_send(a, "04 0C 0004");
    assert_int_equal(sensor_phase(a), GATEWAY_AWAKE);
    sensor_expect(a, "08 03 20 0001 0001 'x'");
    sensor_send(a, "04 0C 0004"); /* the network doubles it */
    sensor_send(a, "04 04 0001");
    sensor_expect(a, "08 03 40 0002 0001 'x'");
    sensor_send(a, "04 05 0002");
    sensor_expect(a, "04 06 0002");
    sensor_send(a, "04 07 0002");
    sensor_expect(a, "05 0D 0004 00");
    assert_int_equal(sensor_phase(a), GATEWAY_ASLEEP);
}

DRAFT_TEST("MQTTSN2-4.14.2-3 MQTTSN2-4.14.2-4 MQTTSN2-3.1.2.5-1", it_gets_as_many_as_it_wants)
{
    struct peer *publisher = peer_connected(air->server, "publisher", MQTT_5_0);
    struct sensor *a = sensor_new(air);

    sensor_send(a, "0C 01 11 00C0 02 003C 0000 02 'a'");
    sensor_send(a, "06 08 23 0001 'b'");
    sensor_send(a, "09 13 01 0002 00000064");
    sensor_expect(a, "06 02 00 00C0 00 | 08 09 04 0001 0001 01 | 05 14 00 0002");
    for (unsigned i = 0; i < 5; i++)
        peer_publishes(publisher, 2, "b", "x");
    sensor_expect(a, "02 15");
    for (unsigned i = 0; i < 2; i++) {
        sensor_send(a, "04 0C 0003");
        sensor_expect(a, "08 03 20 %04x 0001 'x'", 2 * i + 1);
        sensor_send(a, "04 04 %04x", 2 * i + 1);
        sensor_expect(a, "08 03 20 %04x 0001 'x'", 2 * i + 2);
        sensor_send(a, "04 04 %04x", 2 * i + 2);
        sensor_expect(a, "05 0D 0003 <03 01 FF>");
        sensor_expect_nothing(a);
    }
    sensor_send(a, "04 0C 0004");
    sensor_expect(a, "08 03 20 0005 0001 'x'");
    sensor_send(a, "04 04 0005");
    sensor_expect(a, "05 0D 0004 00");
}

DRAFT_TEST("MQTTSN2-3.15.2.1-1 MQTTSN2-4.7.2.2-1", aliases_are_given_up_for_the_sleep)
{
    struct peer *publisher = peer_connected(air->server, "publisher", MQTT_5_0);
    struct sensor *a = draft_connected(air, "a");

    sensor_send(a, "06 08 03 0001 'b'");
    sensor_send(a, "07 08 01 0001 0005");
    sensor_send(a, "09 13 00 0002 00000064");
    sensor_expect(a, "08 09 04 0001 0001 00 | 06 09 01 0001 00 | 05 14 00 0002");
    peer_publishes(publisher, 0, "agreed", "x");
    peer_publishes(publisher, 0, "b", "y");
    sensor_expect(a, "02 15");
    sensor_send(a, "04 0C 0003");
    sensor_expect(a, "06 03 01 0005 'x' | 08 10 01 0001 0001 'b'");
    sensor_send(a, "05 11 00 0001");
    sensor_expect(a, "06 03 00 0001 'y' | 05 0D 0003 00");
}

DRAFT_TEST("MQTTSN2-4.14.2-1 MQTTSN2-3.15.5-7 MQTTSN2-4.14-1", a_sleeper_may_be_lost)
{
    struct sensor *a = draft_connected(air, "a");

    sensor_send(a, "09 13 01 0002 0001869F");
    air_advance(air, 149998499);
    assert_int_equal(sensor_phase(a), GATEWAY_ASLEEP);
    sensor_send(a, "09 13 01 0003 00000002");
    sensor_expect(a, "05 14 00 0002 | 05 14 00 0003");
    air_advance(air, 2999);
    assert_int_equal(sensor_phase(a), GATEWAY_ASLEEP);
    air_advance(air, 1);
    assert_int_equal(sensor_phase(a), GATEWAY_NEW);
    sensor_expect_nothing(a);
}

DRAFT_TEST("MQTTSN2-4.14.2-6 MQTTSN2-4.14-3", who_is_woken_has_to_answer)
{
    struct peer *publisher = peer_connected(air->server, "publisher", MQTT_5_0);
    struct sensor *a = draft_lasting(air, "a");

    sensor_send(a, "06 08 23 0001 'b'");
    sensor_send(a, "09 13 01 0002 00000064");
    sensor_expect(a, "08 09 04 0001 0001 01 | 05 14 00 0002");
    /* What the network has kept back means nothing now. */
    sensor_send(a, "06 03 00 0001 'y'");
    sensor_expect_nothing(a);
    peer_publishes(publisher, 2, "b", "x");
    sensor_expect(a, "02 15");
    sensor_send(a, "04 0C 0003");
    sensor_expect(a, "08 03 20 0001 0001 'x'");
    for (unsigned i = 0; i < 4; i++)
        air_advance(air, 10001);
    assert_int_equal(sensor_phase(a), GATEWAY_NEW);
    /* The message is still there. */
    a = sensor_new(air);
    sensor_send(a, "0F 01 08 00C1 02 003C 0000 00000064 'a'");
    sensor_expect(a, "06 02 01 00C1 00 | 08 10 01 .... .... 'b'");
}

/* ---- Envelopes, strangers, discovery ---- */

DRAFT_TEST("MQTTSN2-3.18-4 MQTTSN2-3.18-3", an_envelope_says_what_the_address_says)
{
    struct sensor *a = sensor_new(air);
    struct sensor *b = sensor_new(air);

    sensor_send(a, "0B 01 21 00C0 02 003C 0000 'a'");
    sensor_expect(a, "06 02 00 00C0 00");
    sensor_send(a, "09 FE 0001 'a' 04 0C 0001");
    sensor_expect(a, "04 0D 0001");
    /* Another's client's is not heard, and from elsewhere nobody can show that he is this one. */
    sensor_send(a, "09 FE 0001 'b' 04 0C 0001");
    sensor_expect_nothing(a);
    sensor_send(b, "09 FE 0001 'a' 04 0C 0001");
    sensor_expect(b, "04 0E 04 F4");
    sensor_send(a, "09 FE 0001 'a' 04 0D 0001");
    sensor_expect(a, "04 0E 04 82");
}

DRAFT_TEST("MQTTSN2-3.11.3-2 MQTTSN2-3.11.3-3 MQTTSN2-3.15.5-3 MQTTSN2-4.14-2",
        strangers_learn_that_they_are_strangers)
{
    static const char *const words[] = { "04 0C 0001", "06 03 00 0001 'x'", "04 04 0001",
        "04 05 0001", "04 06 0001", "06 08 03 0001 'b'", "06 10 00 0001 'b'", "05 11 00 0001",
        "09 13 01 0002 00000064" };
    struct sensor *a = sensor_new(air);

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        sensor_send(a, "%s", words[i]);
        sensor_expect(a, "04 0E 04 F4");
    }
    sensor_send(a, "13 FF 00 00 0102030405060708 01020304 00 00 00");
    sensor_expect(a, "04 0E 04 F2");
    sensor_send(a, "03 0E 00");
    sensor_expect(a, "02 18"); /* PUBCOMP of 1.2, whose sender is told so */
}

DRAFT_TEST(NULL, devices_of_1_2_are_heard_as_ever)
{
    struct peer *watcher = peer_connected(air->server, "watcher", MQTT_5_0);
    struct sensor *stranger = sensor_new(air);
    struct sensor *a = sensor_connected(air, "a");

    peer_subscribed(watcher, "b", 0);
    sensor_send(a, "07 0A 0000 0001 'b'");
    sensor_expect(a, "07 0B 0001 0001 00");
    sensor_send(a, "08 0C 20 0001 0002 'x'");
    sensor_expect(a, "07 0D 0001 0002 00");
    peer_expect(watcher, "30 RL S'b' 00 'x'");
    sensor_send(a, "06 12 20 0003 'c'");
    sensor_expect(a, "08 13 20 0002 0003 00");
    sensor_send(stranger, "08 0C 20 0001 0009 'x'");
    sensor_send(stranger, "06 12 20 0001 'a'");
    sensor_send(stranger, "02 16");
    sensor_expect(stranger, "02 18 | 02 18 | 02 18");
    sensor_send(stranger, "03 01 00");
    sensor_expect(stranger, "03 02 07");
    sensor_send(stranger, "02 17");
    sensor_expect(stranger, "03 18 07");
}

DRAFT_TEST(NULL, a_lossy_network_breaks_no_promise_of_qos_1)
{
    struct peer *publisher = peer_connected(air->server, "publisher", MQTT_5_0);
    struct sensor *a = draft_connected(air, "a");
    unsigned seen = 0;

    sensor_send(a, "06 08 23 0001 'b'");
    sensor_expect(a, "08 09 04 0001 0001 01");
    air->gateway.settings.retries_max = 100;
    air->trouble = 30;
    for (unsigned i = 0; i < 20; i++)
        peer_send(publisher, "32 RL S'b' %04x 00 %02x", i + 1, i);
    for (unsigned rounds = 0; rounds < 500 && seen < 20; rounds++) {
        struct bytes datagram = sensor_take(a);

        if (datagram.size == 8 && datagram.data[1] == 0x03) {
            assert_true(datagram.data[7] <= seen);
            seen += datagram.data[7] == seen;
            sensor_send(a, "04 04 %02x%02x", datagram.data[3], datagram.data[4]);
        } else if (datagram.size == 0) {
            sensor_send(a, "04 0C 0007");
            air_advance(air, 10001);
        }
    }
    assert_int_equal(seen, 20);
}
