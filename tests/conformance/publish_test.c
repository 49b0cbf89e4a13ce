/* SPDX-License-Identifier: Apache-2.0 */
/* PUBLISH: what is forwarded, to whom, and what is refused. */
#include "tests/harness/peer.h"

#include <stdlib.h>

/* Each row ends the connection of a new client. */
struct wrong {
    const char *packet;
    enum mqtt_reason reason;
};

static void check_wrong(struct server *server, const struct wrong *rows, size_t count)
{
    struct peer *all = peer_connected(server, "all", MQTT_5_0);

    peer_subscribed(all, "#", 2);
    for (size_t i = 0; i < count; i++) {
        struct peer *peer = peer_connected(server, "c", MQTT_5_0);

        server_note(server, "row %zu", i);
        peer_send(peer, "%s", rows[i].packet);
        peer_expect_end(peer, rows[i].reason);
    }
    peer_expect_nothing(all);
}

#define WRONG(server, rows) check_wrong((server), (rows), sizeof(rows) / sizeof((rows)[0]))

/* ---- Malformed ---- */

SERVER_TEST("MQTT5-1.5.4-1 MQTT5-1.5.4-2 MQTT5-1.5.7-1 MQTT5-2.2.1-3 MQTT5-3.3.1-2 MQTT5-3.3.1-4 "
            "MQTT5-3.3.2-1 MQTT5-3.3.2-2 MQTT5-3.3.2-13 MQTT5-3.3.2-14 MQTT5-3.3.2-19 "
            "MQTT5-3.3.4-6 MQTT5-4.7.0-1 MQTT5-4.7.3-1 MQTT5-4.7.3-2 U5-3.3.2.1-1 U5-3.3.2.3-1 "
            "U5-2.2.2-1 U5-4.13.1-1 U5-1.5.5-1 MQTT5-1.5.5-1",
        wrong_publishes_end_the_connection)
{
    const struct wrong rows[] = {
        { "30 RL 0002 c328 00 'x'", MQTT_MALFORMED },
        { "30 RL 0003 610062 00 'x'", MQTT_MALFORMED },
        { "30 RL S'a' (26 0001 ff S'v') 'x'", MQTT_MALFORMED },
        { "32 RL S'a' 0000 00 'x'", MQTT_PROTOCOL_ERROR },
        { "34 RL S'a' 0000 00 'x'", MQTT_PROTOCOL_ERROR },
        { "38 RL S'a' 00 'x'", MQTT_MALFORMED },
        { "36 RL S'a' 0005 00 'x'", MQTT_MALFORMED },
        { "30 02 0005", MQTT_MALFORMED },
        { "30 00", MQTT_MALFORMED },
        { "30 RL S'a/#' 00 'x'", MQTT_TOPIC_NAME_INVALID },
        { "30 RL S'a/+' 00 'x'", MQTT_TOPIC_NAME_INVALID },
        { "30 RL S'a' (08 0001 ff) 'x'", MQTT_MALFORMED },
        { "30 RL S'a' (08 S'r/+') 'x'", MQTT_PROTOCOL_ERROR },
        { "30 RL S'a' (03 0001 ff) 'x'", MQTT_MALFORMED },
        { "30 RL S'a' (0b 01) 'x'", MQTT_PROTOCOL_ERROR },
        { "30 RL 0000 00 'x'", MQTT_PROTOCOL_ERROR },
        { "30 RL S'a' (11 00000001) 'x'", MQTT_MALFORMED },
        { "30 RL S'a' (01 00 01 00) 'x'", MQTT_PROTOCOL_ERROR },
        { "30 RL S'a' (02 00000001 02 00000001) 'x'", MQTT_PROTOCOL_ERROR },
        { "30 RL S'a' (03 S't' 03 S't') 'x'", MQTT_PROTOCOL_ERROR },
        { "30 RL S'a' (08 S't' 08 S't') 'x'", MQTT_PROTOCOL_ERROR },
        { "30 RL S'a' (09 S't' 09 S't') 'x'", MQTT_PROTOCOL_ERROR },
        { "30 RL S'a' (23 0001 23 0001) 'x'", MQTT_PROTOCOL_ERROR },
        { "30 RL S'a' 05 'x'", MQTT_MALFORMED },
        { "30 ffffffff 01", MQTT_MALFORMED },
        { "30 808000", MQTT_MALFORMED },
    };

    WRONG(server, rows);
}

SERVER_TEST("MQTT311-1.5.3-1 MQTT311-1.5.3-2 MQTT311-2.3.1-1 MQTT311-3.3.1-2 MQTT311-3.3.1-4 "
            "MQTT311-3.3.2-1 MQTT311-3.3.2-2 MQTT311-4.7.3-1 MQTT311-4.7.3-2 U311-2.2.3-a "
            "MQTT311-4.7.1-1 V31-19 V31-23",
        wrong_publishes_of_3_x_end_the_connection)
{
    const char *const rows[] = {
        "30 RL 0002 c328 'x'",
        "30 RL 0003 610062 'x'",
        "32 RL S'a' 0000 'x'",
        "38 RL S'a' 'x'",
        "36 RL S'a' 0001 'x'",
        "30 00",
        "30 02 0005",
        "30 RL S'a/+' 'x'",
        "30 RL S'#' 'x'",
        "30 RL 0000 'x'",
        "30 ffffffff 01",
    };

    for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
        struct peer *peer = peer_connected(server, "c", i % 2 ? MQTT_3_1 : MQTT_3_1_1);

        server_note(server, "row %zu", i / 2);
        peer_send(peer, "%s", rows[i / 2]);
        peer_expect_closed(peer);
    }
}

/* ---- Forwarded ---- */

SERVER_TEST("MQTT5-3.3.2-4 MQTT5-3.3.2-15 MQTT5-3.3.2-16 MQTT5-3.3.2-17 MQTT5-3.3.2-18 "
            "MQTT5-3.3.2-20 MQTT5-2.2.1-2 MQTT5-3.3.2-3 MQTT5-4.3.1-1 MQTT5-1.5.4-3",
        properties_are_forwarded_as_they_came)
{
    struct peer *a = peer_connected(server, "a", MQTT_5_0);
    struct peer *b = peer_connected(server, "b", MQTT_5_0);
    struct peer *old = peer_connected(server, "old", MQTT_3_1_1);
    const char *const properties[] = {
        "(01 01)",
        "(01 00)",
        "(08 S'r/1' 09 0003 00ff01)",
        "(03 S'text/plain')",
        "(26 S'z' S'1' 26 S'a' S'2' 26 S'm' S'3' 26 S'a' S'2' 26 S'' S'')",
        "(26 S'k' 0004 efbbbf61)",
    };

    peer_subscribed(a, "t", 0);
    peer_subscribed(old, "t", 0);
    for (size_t i = 0; i < sizeof(properties) / sizeof(properties[0]); i++) {
        peer_send(b, "30 RL S't' %s 'x'", properties[i]);
        peer_expect(a, "30 RL S't' %s 'x'", properties[i]);
        peer_expect(old, "30 RL S't' 'x'");
    }
    peer_expect_nothing(a);
}

SERVER_TEST("MQTT5-1.5.4-3 MQTT311-1.5.3-3 MQTT5-4.7.3-4 MQTT311-4.7.3-4",
        topics_are_compared_byte_by_byte)
{
    struct peer *a = peer_connected(server, "a", MQTT_5_0);
    struct peer *b = peer_connected(server, "b", MQTT_3_1_1);

    peer_send(a, "82 RL 0001 00 0004 efbbbf61 00 0002 c3a9 00");
    peer_expect(a, "90 RL 0001 00 00 00");
    peer_send(b, "30 RL S'a' 'x' | 30 RL 0003 65cc81 'x' | 30 RL S'A' 'x'");
    peer_expect_nothing(a);
    peer_send(b, "30 RL 0004 efbbbf61 'x' | 30 RL 0002 c3a9 'y'");
    peer_expect(a, "30 RL 0004 efbbbf61 00 'x' | 30 RL 0002 c3a9 00 'y'");
}

SERVER_TEST("MQTT5-3.3.4-1 MQTT311-3.3.4-1 MQTT5-2.2.1-5 MQTT311-2.3.1-6 MQTT5-4.3.2-4 "
            "MQTT5-4.3.3-8 MQTT5-3.4.2-1 MQTT5-3.5.2-1",
        each_qos_is_answered_in_its_way)
{
    struct peer *all = peer_connected(server, "all", MQTT_5_0);
    struct peer *a = peer_connected(server, "a", MQTT_5_0);
    struct peer *b = peer_connected(server, "b", MQTT_3_1_1);

    peer_send(a, "30 RL S'a' 00 'x'");
    peer_expect_nothing(a);
    /* Nobody listens yet, and a client of 5.0 is told so. */
    peer_send(a, "32 RL S'a' 1234 00 'x' | 34 RL S'a' 1235 00 'x'");
    peer_expect(a, "40 03 1234 10 | 50 03 1235 10");
    peer_send(b, "32 RL S'a' 1234 'x' | 34 RL S'a' 1235 'x'");
    peer_expect(b, "40 02 1234 | 50 02 1235");
    peer_send(a, "62 02 1235");
    peer_expect(a, "70 02 1235");
    peer_subscribed(all, "#", 0);
    peer_send(a, "32 RL S'a' 1234 00 'x' | 34 RL S'a' 1235 00 'x'");
    peer_expect(a, "40 02 1234 | 50 02 1235");
    peer_expect(all, "30 RL S'a' 00 'x' | 30 RL S'a' 00 'x'");
}

SERVER_TEST("MQTT5-3.8.4-8 MQTT311-3.8.4-6 MQTT5-4.3.1-1 MQTT311-4.3.1-1 MQTT5-4.3.2-2 "
            "MQTT5-4.3.3-2 MQTT311-2.3.1-5",
        delivery_has_the_lower_of_both_qos)
{
    struct peer *publisher = peer_connected(server, "publisher", MQTT_5_0);
    struct peer *subscribers[3];
    uint16_t ids[3] = { 0 };

    for (unsigned granted = 0; granted < 3; granted++) {
        char id[] = { 's', (char)('0' + granted), '\0' };

        subscribers[granted] = peer_connected(server, id, MQTT_3_1_1);
        peer_subscribed(subscribers[granted], "t", (uint8_t)granted);
    }
    for (unsigned published = 0; published < 3; published++) {
        peer_publishes(publisher, (uint8_t)(published << 1), "t", "x");
        for (unsigned granted = 0; granted < 3; granted++) {
            unsigned qos = published < granted ? published : granted;

            if (qos == 0)
                peer_expect(subscribers[granted], "30 RL S't' 'x'");
            else
                peer_expect(subscribers[granted], "%02x RL S't' %04x 'x'", 0x30 | qos << 1,
                        ++ids[granted]);
        }
    }
}

SERVER_TEST("MQTT5-3.3.1-3 MQTT311-3.3.1-3", dup_is_not_forwarded)
{
    struct peer *a = peer_connected(server, "a", MQTT_5_0);
    struct peer *b = peer_connected(server, "b", MQTT_5_0);

    peer_subscribed(a, "t", 2);
    peer_send(b, "3a RL S't' 0005 00 'x' | 3c RL S't' 0006 00 'y'");
    peer_expect(b, "40 02 0005 | 50 02 0006");
    peer_expect(a, "32 RL S't' 0001 00 'x' | 34 RL S't' 0002 00 'y'");
}

SERVER_TEST("MQTT5-4.7.3-3 MQTT311-4.7.3-3 V31-22", longest_topic_goes_through)
{
    struct peer *a = peer_connected(server, "a", MQTT_3_1_1);
    struct peer *b = peer_connected(server, "b", MQTT_3_1_1);
    enum { SIZE = 65535 };
    uint8_t *packet = malloc(4 + 2 + SIZE + 1);
    struct bytes got;

    assert_non_null(packet);
    /* 65,538 bytes follow. */
    memcpy(packet, (uint8_t[]){ 0x30, 0x82, 0x80, 0x04, 0xFF, 0xFF }, 6);
    memset(packet + 6, 't', SIZE);
    packet[6 + SIZE] = 'x';
    peer_subscribed(a, "#", 0);
    peer_send_bytes(b, bytes_of(packet, 6 + SIZE + 1));
    got = peer_take(a);
    assert_true(bytes_equal(got, bytes_of(packet, 6 + SIZE + 1)));
    free(packet);
}

SERVER_TEST(NULL, payloads_of_all_sizes_arrive_whole)
{
    struct peer *a = peer_connected(server, "a", MQTT_5_0);
    struct peer *b = peer_connected(server, "b", MQTT_5_0);
    /* Around those of one and two bytes of length, of the output buffer, and of the tail. */
    const size_t sizes[] = { 0, 1, 20, 26, 27, 28, 29, 121, 122, 123, 124, 125, 4080, 4096, 8191,
        8192, 8193, 16377, 16378, 16379, 70000 };

    peer_subscribed(a, "t", 1);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        size_t remaining = 6 + sizes[i];
        size_t head = remaining < 128 ? 2 : remaining < 16384 ? 3 : 4;
        uint8_t *packet = malloc(head + remaining);
        size_t at = 1;

        assert_non_null(packet);
        packet[0] = 0x32;
        for (size_t rest = remaining; at < head; rest >>= 7, at++)
            packet[at] = (uint8_t)((rest & 0x7F) | (at + 1 < head ? 0x80 : 0));
        memcpy(packet + at, (uint8_t[]){ 0, 1, 't', 0, (uint8_t)(i + 1), 0 }, 6);
        for (size_t j = 0; j < sizes[i]; j++)
            packet[at + 6 + j] = (uint8_t)(j * 31);
        peer_send_bytes(b, bytes_of(packet, head + remaining));
        peer_expect(b, "40 02 %04zx", i + 1);
        /* The ids are the same on both sides. */
        assert_true(bytes_equal(peer_take(a), bytes_of(packet, head + remaining)));
        peer_send(a, "40 02 %04zx", i + 1);
        free(packet);
    }
    peer_expect_nothing(a);
}

/* ---- Order ---- */

SERVER_TEST("MQTT5-4.6.0-5 MQTT5-4.6.0-6 MQTT311-4.6.0-5 MQTT311-4.6.0-6 MQTT5-4.6.0-2 "
            "MQTT311-4.6.0-2",
        order_of_one_publisher_and_topic_is_kept)
{
    struct peer *a = peer_connected(server, "a", MQTT_5_0);
    struct peer *b = peer_connected(server, "b", MQTT_3_1_1);
    struct peer *publisher = peer_connected(server, "publisher", MQTT_3_1_1);

    peer_subscribed(a, "t", 1);
    peer_subscribed(b, "t", 2);
    for (unsigned i = 0; i < 200; i++) {
        peer_send(publisher, "32 RL S't' %04x '%u' | 32 RL S't' %04x '%u'", 2 * i + 1, 2 * i,
                2 * i + 2, 2 * i + 1);
        peer_expect(publisher, "40 02 %04x | 40 02 %04x", 2 * i + 1, 2 * i + 2);
    }
    /* The window of 20 and the queue behind it keep the order. */
    for (unsigned i = 0; i < 400; i++) {
        peer_expect(a, "32 RL S't' %04x 00 '%u'", i + 1, i);
        peer_expect(b, "32 RL S't' %04x '%u'", i + 1, i);
        peer_send(a, "40 02 %04x", i + 1);
        peer_send(b, "40 02 %04x", i + 1);
    }
    peer_expect_nothing(a);
    peer_expect_nothing(b);
}

SERVER_TEST("MQTT5-4.6.0-3 MQTT5-4.6.0-4 MQTT311-4.6.0-3 MQTT311-4.6.0-4",
        acknowledgements_keep_their_order)
{
    struct peer *a = peer_connected(server, "a", MQTT_5_0);
    struct peer *publisher = peer_connected(server, "publisher", MQTT_5_0);

    peer_subscribed(a, "t", 2);
    peer_send(
            publisher, "34 RL S't' 0003 00 '1' | 34 RL S't' 0001 00 '2' | 34 RL S't' 0002 00 '3'");
    peer_expect(publisher, "50 02 0003 | 50 02 0001 | 50 02 0002");
    peer_send(publisher, "62 02 0001 | 62 02 0003 | 62 02 0002");
    peer_expect(publisher, "70 02 0001 | 70 02 0003 | 70 02 0002");
    peer_expect(a, "34 RL S't' 0001 00 '1' | 34 RL S't' 0002 00 '2' | 34 RL S't' 0003 00 '3'");
    peer_send(a, "50 02 0002 | 50 02 0001 | 50 02 0003");
    peer_expect(a, "62 02 0002 | 62 02 0001 | 62 02 0003");
    peer_send(a, "70 02 0003 | 70 02 0001 | 70 02 0002");
    peer_expect_nothing(a);
}

/* ---- Refused one by one ---- */

SERVER_TEST("U5-4.7.2-1 U311-4.7.2-a U5-4.13.2-1 V31-14 MQTT5-4.3.3-9",
        clients_do_not_publish_to_the_servers_topics)
{
    struct peer *all = peer_connected(server, "all", MQTT_5_0);
    struct peer *a = peer_connected(server, "a", MQTT_5_0);
    struct peer *b = peer_connected(server, "b", MQTT_3_1_1);

    peer_subscribed(all, "$SYS/#", 2);
    peer_send(a, "32 RL S'$SYS/x' 0001 00 'x' | 34 RL S'$SYS/x' 0002 00 'x'");
    peer_expect(a, "40 RL 0001 87 * | 50 RL 0002 87 *");
    /* The id of what was refused is free at once. */
    peer_send(a, "34 RL S'$SYS/x' 0002 00 'x' | 62 02 0002");
    peer_expect(a, "50 RL 0002 87 * | 70 RL 0002 92 *");
    peer_send(b, "32 RL S'$SYS/x' 0001 'x' | 34 RL S'$SYS/x' 0002 'x' | 62 02 0002");
    peer_expect(b, "40 02 0001 | 50 02 0002 | 70 02 0002");
    peer_send(a, "30 RL S'$SYS/x' 00 'x'");
    peer_expect_nothing(a);
    peer_expect_nothing(all);
}

SERVER_TEST("MQTT5-4.7.2-1 MQTT311-4.7.2-1 V31-21", leading_wildcards_leave_out_the_servers_topics)
{
    struct peer *hash = peer_connected(server, "hash", MQTT_5_0);
    struct peer *plus = peer_connected(server, "plus", MQTT_3_1);
    struct peer *both = peer_connected(server, "both", MQTT_5_0);

    peer_subscribed(hash, "#", 0);
    peer_subscribed(plus, "+/x", 0);
    peer_subscribed(both, "$SYS/#", 0);
    server_announces(server, "$SYS/x", "1", false);
    peer_expect(both, "30 RL S'$SYS/x' 00 '1'");
    peer_expect_nothing(hash);
    peer_expect_nothing(plus);
}

SERVER_TEST("U5-3.3.2.3.2-1", payload_that_is_not_the_text_it_says_is_refused)
{
    struct peer *a = peer_connected(server, "a", MQTT_5_0);

    peer_send(a, "32 RL S'a' 0001 (01 01) ff | 34 RL S'a' 0002 (01 01) ff");
    peer_expect(a, "40 RL 0001 99 * | 50 RL 0002 99 *");
    peer_send(a, "32 RL S'a' 0003 (01 01) c3a9 | 32 RL S'a' 0004 (01 00) ff");
    peer_expect(a, "40 03 0003 10 | 40 03 0004 10");
}

SERVER_TEST(NULL, named_limits_of_one_message_refuse_it)
{
    struct peer *a;

    server->settings.topic_levels_max = 3;
    server->settings.message_size_limit = 4;
    server->settings.user_properties_max = 2;
    a = peer_connected(server, "a", MQTT_5_0);
    peer_send(a, "32 RL S'a/b/c' 0001 00 'four' | 32 RL S'a/b/c/d' 0002 00 'x'");
    peer_expect(a, "40 03 0001 10 | 40 RL 0002 90 *");
    peer_send(a, "32 RL S'a' 0003 00 'fives'");
    peer_expect(a, "40 RL 0003 97 *");
    peer_send(a, "32 RL S'a' 0004 (26 S'' S'' 26 S'' S'') 'x'");
    peer_expect(a, "40 03 0004 10");
    peer_send(a, "32 RL S'a' 0005 (26 S'' S'' 26 S'' S'' 26 S'' S'') 'x'");
    peer_expect(a, "40 RL 0005 97 *");
    assert_int_equal(server_told(server, "publish.refused"), 3);
}

SERVER_TEST("U5-1.5.4-1 U5-1.5.4-2 U311-1.5.3-a", control_characters_are_refused_where_asked_for)
{
    struct peer *a = peer_connected(server, "a", MQTT_5_0);

    peer_send(a, "32 RL 0001 01 0001 00 'x'");
    peer_expect(a, "40 03 0001 10");
    server->settings.strict_text = true;
    peer_send(a, "32 RL 0001 01 0001 00 'x'");
    peer_expect(a, "40 RL 0001 90 *");
    peer_send(a, "82 RL 0002 00 0001 7f 00");
    peer_expect(a, "90 RL 0002 00 8f");
}

SERVER_TEST("MQTT5-3.4.2-2 MQTT5-3.4.2-3 MQTT5-3.5.2-2 MQTT5-3.5.2-3 MQTT5-3.6.2-2 MQTT5-3.6.2-3 "
            "MQTT5-3.7.2-2 MQTT5-3.7.2-3 MQTT5-3.1.2-29",
        reason_strings_stay_within_what_the_client_wants)
{
    struct peer *a = peer_open(server);
    struct peer *b = peer_open(server);
    struct peer *c = peer_connected(server, "c", MQTT_5_0);

    peer_send(a, "10 RL S'MQTT' 05 02 0000 (27 00000018) S'a'");
    peer_expect(a, "20 RL 00 00 *");
    peer_send(b, "10 RL S'MQTT' 05 02 0000 (17 00) S'b'");
    peer_expect(b, "20 RL 00 00 *");
    peer_send(a, "32 RL S'$a' 0001 00 'x' | 34 RL S'$a' 0002 00 'x' | 62 02 0009 | 50 02 0009");
    peer_expect(a, "40 03 0001 87 | 50 03 0002 87 | 70 03 0009 92 | 62 03 0009 92");
    peer_send(b, "32 RL S'$a' 0001 00 'x' | 34 RL S'$a' 0002 00 'x' | 62 02 0009 | 50 02 0009");
    peer_expect(b, "40 03 0001 87 | 50 03 0002 87 | 70 03 0009 92 | 62 03 0009 92");
    peer_send(c, "32 RL S'$a' 0001 00 'x'");
    peer_expect(c, "40 RL 0001 87 (1f S'Not authorized')");
}

/* ---- Request and response ---- */

SERVER_TEST(NULL, request_is_answered_through_its_response_topic)
{
    struct peer *asks = peer_connected(server, "asks", MQTT_5_0);
    struct peer *answers = peer_connected(server, "answers", MQTT_5_0);

    peer_subscribed(asks, "reply/asks", 1);
    peer_subscribed(answers, "service", 1);
    peer_send(asks, "32 RL S'service' 0001 (08 S'reply/asks' 09 S'42') 'why'");
    peer_expect(asks, "40 02 0001");
    peer_expect(answers, "32 RL S'service' 0001 (08 S'reply/asks' 09 S'42') 'why'");
    peer_send(answers, "40 02 0001 | 32 RL S'reply/asks' 0001 (09 S'42') 'so'");
    peer_expect(answers, "40 02 0001");
    peer_expect(asks, "32 RL S'reply/asks' 0001 (09 S'42') 'so'");
}
