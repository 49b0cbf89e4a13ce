/* SPDX-License-Identifier: Apache-2.0 */
/* CONNECT and CONNACK: who is let in, and what he is told. */
#include "tests/harness/peer.h"

struct refused {
    const char *packet;
    enum mqtt_reason reason;
};

#define REFUSED(server, rows) check_refused((server), (rows), sizeof(rows) / sizeof((rows)[0]))

/* A CONNACK with the reason, or nothing; then the end, and no session. */
static void check_refused(struct server *server, const struct refused *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct peer *peer = peer_open(server);

        server_note(server, "row %zu", i);
        peer_send(peer, "%s", rows[i].packet);
        peer_expect_end(peer, rows[i].reason);
    }
    assert_int_equal(server_count(server, sessions), 0);
    assert_int_equal(server_count(server, refused_connects), count);
}

/* Of 3.x: closed without a word. */
static void check_closed(struct server *server, const char *const *packets, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct peer *peer = peer_open(server);

        server_note(server, "row %zu", i);
        peer_send(peer, "%s", packets[i]);
        peer_expect_closed(peer);
    }
    assert_int_equal(server_count(server, sessions), 0);
}

#define CLOSED(server, rows) check_closed((server), (rows), sizeof(rows) / sizeof((rows)[0]))

/* ---- Let in ---- */

SERVER_TEST("MQTT5-3.1.4-5 MQTT5-3.2.2-1 MQTT5-2.2.2-1 MQTT5-3.1.2-6 MQTT5-3.1.2-28 "
            "MQTT5-4.12.0-6",
        valid_connect_is_answered_by_connack)
{
    struct peer *peer = peer_open(server);

    peer_send(peer, "10 RL S'MQTT' 05 00 003C 00 S'c1'");
    peer_expect(peer, "20 RL 00 00 (21 0014 22 000a 27 001e8480)");
    peer_expect_nothing(peer);
}

SERVER_TEST("MQTT311-3.1.4-4 MQTT311-3.2.2-3 MQTT311-7.0.0-2", valid_connect_of_3_1_1)
{
    struct peer *peer = peer_open(server);

    peer_send(peer, "10 RL S'MQTT' 04 00 003C S'c1'");
    peer_expect(peer, "20 02 00 00");
    peer_expect_nothing(peer);
}

SERVER_TEST("V31-1 V31-6 V31-7 V31-8 V31-10 V31-15", valid_connects_of_3_1)
{
    const char *const packets[] = {
        "10 RL S'MQIsdp' 03 02 003C S'c'",
        "10 RL S'MQIsdp' 03 03 003C S'c'",
        "14 RL S'MQIsdp' 03 02 003C S'c'",
        "10 RL S'MQIsdp' 03 82 003C S'c'",
        "10 RL S'MQIsdp' 03 c2 003C S'c' S'u'",
        "10 RL S'MQIsdp' 03 c2 003C S'c' S'a-name-that-is-longer-than-12' S'so-is-this-password'",
    };

    for (size_t i = 0; i < sizeof(packets) / sizeof(packets[0]); i++) {
        struct peer *peer = peer_open(server);

        peer_send(peer, "%s", packets[i]);
        peer_expect(peer, "20 02 00 00");
        peer_send(peer, "e0 00");
        peer_expect_closed(peer);
    }
}

SERVER_TEST("MQTT5-3.1.2-19 U5-2.2.2-2 MQTT5-3.1.3-1 MQTT5-3.1.3-5 MQTT311-3.1.3-5 MQTT311-3.1.3-1 "
            "MQTT311-3.1.2-21",
        fields_of_connect_stand_in_order)
{
    const char *const packets[] = {
        "10 RL S'MQTT' 05 42 0000 00 S'p' S'pw'",
        "10 RL S'MQTT' 05 c6 0000 00 S'w' (18 00000005 01 01) S'will' S'bye' S'u' S'pw'",
        "10 RL S'MQTT' 05 02 0000 (11 00000005 21 0003 27 00001000 22 0002 19 01 17 00) S'all'",
        "10 RL S'MQTT' 05 02 0000 (17 01 26 S'k' S'v' 22 0002 11 00000005) S'order'",
        "10 RL S'MQTT' 05 02 0000 00 S'0'",
        "10 RL S'MQTT' 05 02 0000 00 S'0123456789abcdefghijkLM'",
        "10 RL S'MQTT' 05 02 0000 00 S'an id of 24 and more bytes, with blanks'",
    };

    for (size_t i = 0; i < sizeof(packets) / sizeof(packets[0]); i++) {
        struct peer *peer = peer_open(server);

        peer_send(peer, "%s", packets[i]);
        peer_expect(peer, "20 RL 00 00 *");
        peer_expect_nothing(peer);
    }
    {
        struct peer *peer = peer_open(server);

        peer_send(peer, "10 RL S'MQTT' 04 c6 0000 S'o' S'will' S'bye' S'u' S''");
        peer_expect(peer, "20 02 00 00");
    }
}

/* ---- Client ids ---- */

SERVER_TEST("MQTT5-3.1.3-6 MQTT5-3.1.3-7 MQTT5-3.2.2-16", empty_id_gets_one_of_its_own)
{
    struct peer *first = peer_open(server);
    struct peer *second = peer_open(server);
    struct peer *again = peer_open(server);
    struct bytes connack;
    uint8_t id[2 + 27];

    peer_send(first, "10 RL S'MQTT' 05 02 0000 (11 0000003c) S''");
    connack = peer_take(first);
    /* 20 RL 00 00, the properties' length, then 12 and the id. */
    assert_int_equal(connack.data[5], 0x12);
    memcpy(id, connack.data + 6, sizeof(id));
    assert_memory_equal(id + 2, "auto-", 5);
    peer_send(second, "10 RL S'MQTT' 05 02 0000 00 S''");
    connack = peer_take(second);
    assert_int_equal(connack.data[5], 0x12);
    assert_memory_not_equal(id, connack.data + 6, sizeof(id));
    peer_cut(first);
    peer_send(again, "10 RL S'MQTT' 05 00 0000 (11 0000003c) S'%.27s'", (const char *)id + 2);
    peer_expect(again, "20 RL 01 00 *");
}

SERVER_TEST("MQTT311-3.1.3-6", empty_ids_of_3_1_1_are_different)
{
    struct peer *first = peer_open(server);
    struct peer *second = peer_open(server);

    peer_send(first, "10 RL S'MQTT' 04 02 0000 S''");
    peer_expect(first, "20 02 00 00");
    peer_send(second, "10 RL S'MQTT' 04 02 0000 S''");
    peer_expect(second, "20 02 00 00");
    peer_expect_nothing(first);
    assert_int_equal(server_count(server, sessions), 2);
}

SERVER_TEST(
        "MQTT311-3.1.3-8 MQTT311-3.1.3-9 MQTT311-3.2.2-5 V31-2 V31-4", refusals_of_3_x_have_codes)
{
    struct peer *without_id = peer_open(server);
    struct peer *without_id_3_1 = peer_open(server);
    struct peer *unknown = peer_open(server);
    struct peer *unknown_3_1 = peer_open(server);

    peer_send(without_id, "10 RL S'MQTT' 04 00 003C S''");
    peer_expect(without_id, "20 02 00 02");
    peer_expect_closed(without_id);
    peer_send(without_id_3_1, "10 RL S'MQIsdp' 03 02 003C S''");
    peer_expect(without_id_3_1, "20 02 00 02");
    peer_expect_closed(without_id_3_1);
    peer_send(unknown, "10 RL S'MQTT' 02 02 003C S'c'");
    peer_expect(unknown, "20 02 00 01");
    peer_expect_closed(unknown);
    peer_send(unknown_3_1, "10 RL S'MQIsdp' 02 02 003C S'c'");
    peer_expect(unknown_3_1, "20 02 00 01");
    peer_expect_closed(unknown_3_1);
}

SERVER_TEST("MQTT5-3.1.3-8", empty_id_can_be_forbidden)
{
    const struct refused rows[] = {
        { "10 RL S'MQTT' 05 02 0000 00 S''", MQTT_CLIENT_ID_NOT_VALID },
    };

    server->listener.allow_zero_length_clientid = false;
    REFUSED(server, rows);
}

SERVER_TEST("MQTT5-3.1.3-2 MQTT311-3.1.3-2", the_id_names_the_session)
{
    struct peer *a = peer_resumed(server, "a", MQTT_5_0, false);

    peer_cut(a);
    peer_resumed(server, "b", MQTT_5_0, false);
    peer_resumed(server, "a", MQTT_5_0, true);
    peer_cut(peer_resumed(server, "three", MQTT_3_1_1, false));
    peer_resumed(server, "three", MQTT_3_1_1, true);
}

/* ---- Refused ---- */

SERVER_TEST("MQTT5-3.1.2-1 MQTT5-3.1.2-2 MQTT5-3.1.2-3 MQTT5-3.1.2-9 MQTT5-3.1.2-11 "
            "MQTT5-3.1.2-12 MQTT5-3.1.2-13 MQTT5-3.1.2-16 MQTT5-3.1.2-17 MQTT5-3.1.2-18 "
            "MQTT5-3.1.3-3 MQTT5-3.1.3-4 MQTT5-3.1.3-11 MQTT5-3.1.3-12 MQTT5-3.1.4-1 "
            "MQTT5-1.5.4-1 MQTT5-1.5.4-2 MQTT5-1.5.7-1 MQTT5-2.1.3-1 MQTT5-3.2.2-7 "
            "MQTT5-3.14.0-1 MQTT5-4.13.1-1 U5-4.13.1-1",
        malformed_connects_are_refused)
{
    const struct refused rows[] = {
        { "10 RL S'MQTX' 05 02 003C 00 S'c1'", MQTT_UNSUPPORTED_VERSION },
        { "10 RL S'MQTT' 06 02 003C 00 S'c1'", MQTT_UNSUPPORTED_VERSION },
        { "10 RL S'MQTT' 05 03 003C 00 S'c1'", MQTT_MALFORMED },
        { "11 RL S'MQTT' 05 02 003C 00 S'c1'", MQTT_MALFORMED },
        { "10 RL S'MQTT' 05 06 003C 00 S'c1'", MQTT_MALFORMED },
        { "10 RL S'MQTT' 05 0a 003C 00 S'c1'", MQTT_MALFORMED },
        { "10 RL S'MQTT' 05 1e 003C 00 S'c1' 00 S'w' S'x'", MQTT_MALFORMED },
        { "10 RL S'MQTT' 05 22 003C 00 S'c1'", MQTT_MALFORMED },
        { "10 RL S'MQTT' 05 02 003C 00 S'c1' S'u'", MQTT_MALFORMED },
        { "10 RL S'MQTT' 05 82 003C 00 S'c1'", MQTT_MALFORMED },
        { "10 RL S'MQTT' 05 82 003C 00 S'c1' S'u' S'pw'", MQTT_MALFORMED },
        { "10 RL S'MQTT' 05 42 003C 00 S'c1'", MQTT_MALFORMED },
        { "10 RL S'MQTT' 05 02 003C 00", MQTT_MALFORMED },
        { "10 RL S'MQTT' 05 02 003C 00 0001 ff", MQTT_MALFORMED },
        { "10 RL S'MQTT' 05 02 003C 00 0003 eda080", MQTT_MALFORMED },
        { "10 RL S'MQTT' 05 02 003C 00 0002 c0af", MQTT_MALFORMED },
        { "10 RL S'MQTT' 05 02 003C 00 0002 6100", MQTT_MALFORMED },
        { "10 RL S'MQTT' 05 06 003C 00 S'c1' 00 0002 c328 S'x'", MQTT_MALFORMED },
        { "10 RL S'MQTT' 05 06 003C 00 S'c1' 00 S'w/+' S'x'", MQTT_TOPIC_NAME_INVALID },
        { "10 RL S'MQTT' 05 82 003C 00 S'c1' 0001 ff", MQTT_MALFORMED },
        { "10 RL S'MQTT' 05 02 003C (26 0001 ff S'v') S'c1'", MQTT_MALFORMED },
        { "10 RL S'MQTT' 05 02 003C 00 S'c1' 00", MQTT_MALFORMED },
        { "10 RL S'MQTT' 05 02 003C", MQTT_MALFORMED },
    };

    REFUSED(server, rows);
}

SERVER_TEST("U5-2.2.2-1 U5-3.1.2.11-1 U5-3.1.2.11.3-1 U5-3.1.2.11.4-1 U5-3.1.2.11.6-1 "
            "U5-3.1.2.11.7-1 U5-3.1.2.11.10-1 U5-3.1.3.2-1 U5-3.1.3.2-2 MQTT5-1.5.5-1",
        wrong_properties_of_connect_are_refused)
{
#define WITH(properties) "10 RL S'MQTT' 05 02 003C " properties " S'c1'"
#define WILL(properties) "10 RL S'MQTT' 05 06 003C 00 S'c1' " properties " S'w' S'x'"
    const struct refused rows[] = {
        { WITH("(23 0001)"), MQTT_MALFORMED },
        { WITH("(00)"), MQTT_MALFORMED },
        { WITH("8000"), MQTT_MALFORMED },
        { WITH("7f"), MQTT_MALFORMED },
        { WITH("(11 00000001 11 00000001)"), MQTT_PROTOCOL_ERROR },
        { WITH("(21 0001 21 0001)"), MQTT_PROTOCOL_ERROR },
        { WITH("(27 00001000 27 00001000)"), MQTT_PROTOCOL_ERROR },
        { WITH("(22 0001 22 0001)"), MQTT_PROTOCOL_ERROR },
        { WITH("(19 01 19 01)"), MQTT_PROTOCOL_ERROR },
        { WITH("(17 01 17 01)"), MQTT_PROTOCOL_ERROR },
        { WITH("(15 S'm' 15 S'm')"), MQTT_PROTOCOL_ERROR },
        { WITH("(15 S'm' 16 S'd' 16 S'd')"), MQTT_PROTOCOL_ERROR },
        { WITH("(21 0000)"), MQTT_PROTOCOL_ERROR },
        { WITH("(27 00000000)"), MQTT_PROTOCOL_ERROR },
        { WITH("(19 02)"), MQTT_PROTOCOL_ERROR },
        { WITH("(17 02)"), MQTT_PROTOCOL_ERROR },
        { WITH("(16 S'x')"), MQTT_PROTOCOL_ERROR },
        { WILL("(23 0001)"), MQTT_MALFORMED },
        { WILL("(18 00000001 18 00000001)"), MQTT_PROTOCOL_ERROR },
        { WILL("(01 00 01 00)"), MQTT_PROTOCOL_ERROR },
        { WILL("(02 00000001 02 00000001)"), MQTT_PROTOCOL_ERROR },
        { WILL("(03 S't' 03 S't')"), MQTT_PROTOCOL_ERROR },
        { WILL("(08 S't' 08 S't')"), MQTT_PROTOCOL_ERROR },
        { WILL("(09 S't' 09 S't')"), MQTT_PROTOCOL_ERROR },
    };

    REFUSED(server, rows);
}

SERVER_TEST("MQTT5-3.1.4-2 MQTT5-3.2.2-6 MQTT5-3.2.2-8 MQTT5-4.12.0-1 MQTT5-4.12.0-4 "
            "U5-3.1.3.2.3-1",
        connects_that_fail_a_check_are_refused)
{
    const struct refused rows[] = {
        { "10 RL S'MQTT' 05 c0 0000 00 S'kept' S'u' S'wrong'", MQTT_BAD_USER_NAME_OR_PASSWORD },
        { "10 RL S'MQTT' 05 80 0000 00 S'kept' S'stranger'", MQTT_NOT_AUTHORIZED },
        { "10 RL S'MQTT' 05 00 0000 (15 S'NOPE') S'kept'", MQTT_BAD_AUTHENTICATION_METHOD },
        { "10 RL S'MQTT' 05 04 0000 00 S'kept' (01 01) S'w' 0001 ff", MQTT_PAYLOAD_FORMAT_INVALID },
        { "10 RL S'MQTT' 05 04 0000 00 S'kept' 00 S'$SYS/w' S'x'", MQTT_NOT_AUTHORIZED },
    };

    peer_cut(peer_resumed(server, "kept", MQTT_5_0, false));
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct peer *peer = peer_open(server);

        peer_send(peer, "%s", rows[i].packet);
        peer_expect(peer, "20 RL 00 %02x *", (unsigned)rows[i].reason);
        peer_expect_closed(peer);
    }
    peer_resumed(server, "kept", MQTT_5_0, true);
}

SERVER_TEST("MQTT311-3.2.2-4 U311-3.2.2-a", credentials_of_3_1_1_are_refused_by_code)
{
    struct peer *wrong = peer_open(server);
    struct peer *stranger = peer_open(server);

    peer_cut(peer_resumed(server, "kept", MQTT_3_1_1, false));
    peer_send(wrong, "10 RL S'MQTT' 04 c0 0000 S'kept' S'u' S'wrong'");
    peer_expect(wrong, "20 02 00 04");
    peer_expect_closed(wrong);
    peer_send(stranger, "10 RL S'MQTT' 04 80 0000 S'kept' S'stranger'");
    peer_expect(stranger, "20 02 00 05");
    peer_expect_closed(stranger);
}

SERVER_TEST("MQTT5-3.1.4-6 MQTT311-3.1.4-5", what_follows_a_refused_connect_is_ignored)
{
    struct peer *all = peer_connected(server, "all", MQTT_5_0);
    struct peer *peer = peer_open(server);

    peer_subscribed(all, "#", 0);
    peer_send(peer, "10 RL S'MQTT' 05 82 0000 00 S'c' S'stranger' | 30 RL S'a' 00 'x'");
    peer_expect_end(peer, MQTT_NOT_AUTHORIZED);
    peer = peer_open(server);
    peer_send(peer, "10 RL S'MQTT' 04 82 0000 S'c' S'stranger' | 30 RL S'a' 'x'");
    peer_expect(peer, "20 02 00 05");
    peer_expect_closed(peer);
    peer_expect_nothing(all);
}

SERVER_TEST("MQTT311-1.5.3-1 MQTT311-2.2.2-2 MQTT311-3.1.2-1 MQTT311-3.1.2-3 MQTT311-3.1.2-9 "
            "MQTT311-3.1.2-11 MQTT311-3.1.2-13 MQTT311-3.1.2-14 MQTT311-3.1.2-15 MQTT311-3.1.2-18 "
            "MQTT311-3.1.2-19 MQTT311-3.1.2-20 MQTT311-3.1.2-22 MQTT311-3.1.3-3 MQTT311-3.1.3-4 "
            "MQTT311-3.1.3-10 MQTT311-3.1.3-11 MQTT311-3.1.4-1 MQTT311-3.2.2-6 V31-9 "
            "MQTT311-4.7.1-1",
        malformed_connects_of_3_x_are_closed)
{
    const char *const packets[] = {
        "10 RL S'MQTX' 04 02 003C S'c'",
        "11 RL S'MQTT' 04 02 003C S'c'",
        "10 RL S'MQTT' 04 03 003C S'c'",
        "10 RL S'MQTT' 04 06 003C S'c'",
        "10 RL S'MQTT' 04 02 003C S'c' S'w' S'x'",
        "10 RL S'MQTT' 04 0a 003C S'c'",
        "10 RL S'MQTT' 04 1e 003C S'c' S'w' S'x'",
        "10 RL S'MQTT' 04 22 003C S'c'",
        "10 RL S'MQTT' 04 82 003C S'c'",
        "10 RL S'MQTT' 04 82 003C S'c' S'u' S'pw'",
        "10 RL S'MQTT' 04 c2 003C S'c' S'u'",
        "10 RL S'MQTT' 04 42 003C S'c' S'pw'",
        "10 RL S'MQTT' 04 02 003C",
        "10 RL S'MQTT' 04 02 003C 0001 ff",
        "10 RL S'MQTT' 04 02 003C 0002 c328",
        "10 RL S'MQTT' 04 02 003C 0002 c0af",
        "10 RL S'MQTT' 04 02 003C 0004 f4908080",
        "10 RL S'MQTT' 04 06 003C S'c' 0002 c328 S'x'",
        "10 RL S'MQTT' 04 06 003C S'c' S'w/#' S'x'",
        "10 RL S'MQTT' 04 82 003C S'c' 0001 ff",
        "10 RL S'MQTT' 04 02",
        "10 RL S'MQIsdp' 03 42 003C S'c' S'pw'",
    };

    CLOSED(server, packets);
}

SERVER_TEST("MQTT5-3.1.0-1 MQTT311-3.1.0-1 MQTT311-4.8.0-1 MQTT311-2.2.2-2",
        other_first_packets_are_closed_without_a_word)
{
    const char *const packets[] = { "c0 00", "30 RL S'a' 'x'", "82 RL 0001 S'a' 00", "f0 00",
        "00 00", "e0 00", "'GET / HTTP/1.1'", "16 03 01 02 00 01 00", "10 ff ff ff ff 7f" };

    CLOSED(server, packets);
}

/* ---- Twice ---- */

SERVER_TEST("MQTT5-3.1.0-2 MQTT5-3.2.0-2", second_connect_ends_the_connection)
{
    struct peer *watcher = peer_connected(server, "watcher", MQTT_5_0);
    struct peer *peer = peer_open(server);

    peer_subscribed(watcher, "w", 0);
    peer_send(peer, "10 RL S'MQTT' 05 06 0000 00 S'c1' 00 S'w' S'bye'");
    peer_expect(peer, "20 RL 00 00 *");
    peer_send(peer, "10 RL S'MQTT' 05 06 0000 00 S'c1' 00 S'w' S'bye'");
    peer_expect_end(peer, MQTT_PROTOCOL_ERROR);
    peer_expect(watcher, "30 RL S'w' 00 'bye'");
}

SERVER_TEST("MQTT311-3.1.0-2", second_connect_of_3_1_1_ends_the_connection)
{
    struct peer *watcher = peer_connected(server, "watcher", MQTT_3_1_1);
    struct peer *peer = peer_open(server);

    peer_subscribed(watcher, "w", 0);
    peer_send(peer, "10 RL S'MQTT' 04 06 0000 S'c1' S'w' S'bye'");
    peer_expect(peer, "20 02 00 00");
    peer_send(peer, "10 RL S'MQTT' 04 06 0000 S'c1' S'w' S'bye'");
    peer_expect_closed(peer);
    peer_expect(watcher, "30 RL S'w' 'bye'");
}

/* ---- What CONNACK announces ---- */

SERVER_TEST("MQTT5-3.2.2-9 U5-3.2.2.3.2-1 MQTT5-3.2.2-22", limits_of_the_server_are_announced)
{
    struct peer *peer;

    server->settings.max_packet_size = 4096;
    server->settings.receive_max = 5;
    server->settings.retain_available = false;
    server->settings.session_expiry_s_max = 3600;
    server->settings.max_keepalive_s = 30;
    server->listener.max_qos = 1;
    server->listener.max_topic_alias = 3;
    peer = peer_open(server);
    peer_send(peer, "10 RL S'MQTT' 05 02 003C (11 ffffffff) S'c'");
    peer_expect(peer, "20 RL 00 00 (11 00000e10 13 001e 21 0005 22 0003 24 01 25 00 27 00001000)");
    peer_send(peer, "e0 00");
    peer_expect_closed(peer);
    peer = peer_open(server);
    peer_send(peer, "10 RL S'MQTT' 05 02 001E (11 00000e10) S'c'");
    peer_expect(peer, "20 RL 00 00 (21 0005 22 0003 24 01 25 00 27 00001000)");
    peer = peer_open(server);
    peer_send(peer, "10 RL S'MQTT' 05 02 0000 00 S'd'");
    peer_expect(peer, "20 RL 00 00 (13 001e 21 0005 22 0003 24 01 25 00 27 00001000)");
}

SERVER_TEST("MQTT5-3.2.2-12 MQTT5-3.2.2-13 MQTT5-3.2.2-11 MQTT5-3.2.2-14 U5-3.2.2.3.4-2 "
            "U5-3.2.2.3.5-1",
        what_is_announced_as_unavailable_is_refused)
{
    const struct refused rows[] = {
        { "10 RL S'MQTT' 05 16 0000 00 S'c' 00 S'w' S'x'", MQTT_QOS_NOT_SUPPORTED },
        { "10 RL S'MQTT' 05 26 0000 00 S'c' 00 S'w' S'x'", MQTT_RETAIN_NOT_SUPPORTED },
    };
    struct peer *peer;

    server->listener.max_qos = 1;
    server->settings.retain_available = false;
    REFUSED(server, rows);
    peer = peer_connected(server, "c", MQTT_5_0);
    peer_send(peer, "34 RL S'a' 0001 00 'x'");
    peer_expect_end(peer, MQTT_QOS_NOT_SUPPORTED);
    peer = peer_connected(server, "c", MQTT_5_0);
    peer_send(peer, "31 RL S'a' 00 'x'");
    peer_expect_end(peer, MQTT_RETAIN_NOT_SUPPORTED);
}

SERVER_TEST("MQTT5-3.2.2-10", less_qos_is_granted_where_there_is_less)
{
    struct peer *peer;

    server->listener.max_qos = 1;
    peer = peer_connected(server, "c", MQTT_5_0);
    peer_send(peer, "82 RL 0001 00 S'a' 02 S'b' 00");
    peer_expect(peer, "90 RL 0001 00 01 00");
}

SERVER_TEST("MQTT5-3.2.2-19 MQTT5-3.2.2-20", connack_stays_within_the_clients_packet_size)
{
    struct peer *peer = peer_open(server);

    peer_send(peer, "10 RL S'MQTT' 05 82 0000 (27 0000000a) S'c' S'stranger'");
    peer_expect(peer, "20 03 00 87 00");
    peer_expect_closed(peer);
    /* What it must know does not fit: it is told by a DISCONNECT, or by nothing. */
    peer = peer_open(server);
    peer_send(peer, "10 RL S'MQTT' 05 02 0000 (27 0000000a) S'c'");
    peer_expect_end(peer, MQTT_PACKET_TOO_LARGE);
}

SERVER_TEST("U5-3.1.4-1 U311-3.1.4-a", transports_without_connect_are_closed_in_time)
{
    struct peer *silent = peer_open(server);
    struct peer *half = peer_open(server);

    peer_send(half, "10 0d 00 04 'MQ'");
    clock_advance(server, 9900);
    peer_expect_nothing(silent);
    peer_expect_nothing(half);
    clock_advance(server, 200);
    peer_expect_closed(silent);
    peer_expect_closed(half);
}

SERVER_TEST("U5-3.1.4-3", what_is_sent_before_connack_is_processed)
{
    struct peer *peer = peer_open(server);

    peer_send(peer, "10 RL S'MQTT' 05 02 0000 00 S'c' | 82 RL 0001 00 S'a' 00 | 30 RL S'a' 00 'x'");
    peer_expect(peer, "20 RL 00 00 * | 90 RL 0001 00 00 | 30 RL S'a' 00 'x'");
}

SERVER_TEST("U5-3.2.2.3.6-1", oversize_connect_is_refused_from_its_header)
{
    struct peer *peer;

    server->settings.connect_size_max = 100;
    peer = peer_open(server);
    peer_send(peer, "10 64 S'MQTT' 05 02 0000 00");
    peer_expect_end(peer, MQTT_PACKET_TOO_LARGE);
}

/* ---- Limits ---- */

TEST(connections_and_sessions_have_a_limit)
{
    struct server *server = server_new(2);
    struct peer *peers[4];

    server->settings.global_max_connections = 3;
    server->settings.global_max_clients = 2;
    for (size_t i = 0; i < 4; i++)
        peers[i] = peer_open(server);
    peer_expect_closed(peers[3]);
    for (size_t i = 0; i < 2; i++) {
        peer_send(peers[i], "10 RL S'MQTT' 05 02 0000 00 S'c%zu'", i);
        peer_expect(peers[i], "20 RL 00 00 *");
    }
    peer_send(peers[2], "10 RL S'MQTT' 05 02 0000 00 S'c2'");
    peer_expect_end(peers[2], MQTT_QUOTA_EXCEEDED);
    peer_cut(peers[0]);
    peer_connected(server, "c3", MQTT_5_0);
    server_end(server);
}

TEST(versions_can_be_left_out)
{
    struct server *server = server_new(1);
    struct peer *peer;

    server->listener.protocol_versions = 1 << 4;
    peer = peer_open(server);
    peer_send(peer, "10 RL S'MQTT' 05 02 0000 00 S'c'");
    peer_expect_end(peer, MQTT_UNSUPPORTED_VERSION);
    peer = peer_open(server);
    peer_send(peer, "10 RL S'MQIsdp' 03 02 0000 S'c'");
    peer_expect(peer, "20 02 00 01");
    peer_expect_closed(peer);
    peer_connected(server, "c", MQTT_3_1_1);
    server_end(server);
}
