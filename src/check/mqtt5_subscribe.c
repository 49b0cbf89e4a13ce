/* SPDX-License-Identifier: Apache-2.0 */
#include "check/chapters.h"
#include "check/probe.h"

#include <stdio.h>

enum {
    FILTERS_MAX = 256, /* in one packet */
    ROUNDS = 16,       /* not more than servers send before an acknowledgement */
    REQUEST_SIZE = FILTERS_MAX * 32,
    ANSWER_SIZE = FILTERS_MAX * 3 + 1,
};

/* ---- SUBACK ---- */

static void every_subscribe_is_answered(struct check *check)
{
    static const char *const rest[] = { "00 S'~/a' 00", "00 S'~/a' 00", "00 S'~/a' 25",
        "00 S'$SYS/~' 00", "(26 S'k' S'v') S'~/b' 18", "00 S'~' 00 S'~/c' 01" };
    struct probe *a = probe_connected(check, "~a");

    for (size_t i = 0; i < sizeof(rest) / sizeof(rest[0]); i++) {
        probe_send(a, "82 RL 0001 %s", rest[i]);
        probe_expect(a, "90 RL 0001 *");
    }
}

static void a_suback_has_the_id_of_its_subscribe(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");

    probe_send(a,
            "82 RL ABCD 00 S'~/a' 00 | 82 RL 0001 00 S'~/b' 00 | 82 RL FFFF 00 S'~/c' 00 | "
            "82 RL 0100 00 S'~/a' 00");
    probe_expect_all(a,
            "90 RL ABCD [P] .. | 90 RL 0001 [P] .. | 90 RL FFFF [P] .. | "
            "90 RL 0100 [P] ..");
    probe_expect_nothing(a);
}

static void a_suback_has_one_code_for_each_filter(struct check *check)
{
    static const unsigned counts[] = { 1, 3, 100 };
    struct probe *a = probe_connected(check, "~a");
    char request[REQUEST_SIZE];
    char answer[ANSWER_SIZE];

    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        probe_send(a, "82 RL 0001 00 %s",
                check_repeat(request, sizeof(request), "S'~/a' 00", counts[i]));
        probe_expect(
                a, "90 RL 0001 [P] %s", check_repeat(answer, sizeof(answer), " ..", counts[i]));
    }
}

/* The QoS that the server can grant for the one asked. */
static unsigned grantable(const struct check *check, unsigned qos)
{
    unsigned maximum_qos = check_target(check)->maximum_qos;

    return qos < maximum_qos ? qos : maximum_qos;
}

static void codes_stand_in_the_order_of_filters(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");

    probe_send(a, "82 RL 0001 00 S'~/a' 02 S'~/b' 00 S'~/c' 01");
    probe_expect(a, "90 RL 0001 [P] %02x 00 %02x", grantable(check, 2), grantable(check, 1));
}

/* A topic that may not be subscribed to where one is known. */
static const char *unwanted(const struct check *check)
{
    const char *topic = check_target(check)->denied_topic;

    return topic ? topic : "~/unwanted";
}

static void codes_are_those_of_a_suback(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");

    probe_send(a, "82 RL 0001 00 S'~/a' 00 S'~/b' 01 S'~/c' 02 S'$SYS/~' 2E S'%s' 02 S'~/a' 02",
            unwanted(check));
    probe_expect(a,
            "90 RL 0001 [P] <00 80 83 87 8F 91 97> <00 01 80 83 87 8F 91 97>"
            "<00 01 02 80 83 87 8F 91 97> <00 01 02 80 83 87 8F 91 97>"
            "<00 01 02 80 83 87 8F 91 97> <00 01 02 80 83 87 8F 91 97>");
}

static void a_denied_filter_fails_and_no_other(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");

    probe_send(a, "82 RL 0001 00 S'~/a' 00 S'%s' 01 S'~/b' 01 S'~/c' 02",
            check_target(check)->denied_topic);
    if (probe_expect_one(a,
                "90 RL 0001 [P] 00 <80 87> <00 01> <00 01 02> |"
                "90 RL 0001 [P] 00 <00 01> <00 01> <00 01 02>") == 1)
        check_skip(check, "the server grants the filter, and may judge each message");
}

/* Without properties the SUBACK is as large as the client allows, which is hardly more than the
 * server's CONNACK. */
static void a_suback_keeps_to_the_maximum_packet_size(struct check *check)
{
    struct probe *b = probe_connected(check, "~b");
    unsigned count = (unsigned)probe_connack(b).size;
    char answer[ANSWER_SIZE];
    char request[REQUEST_SIZE];
    char pair[32];
    struct probe *a;

    if (count >= FILTERS_MAX)
        check_skip(check, "the server's CONNACK is larger than any SUBACK in this case");
    a = probe_connects(check, "02 0000 (27 %08zx) S'~a'",
            probe_size(b, "90 RL 0001 00 %s", check_repeat(answer, sizeof(answer), " 00", count)));
    snprintf(pair, sizeof(pair), "S'%s' 02 ", unwanted(check));
    probe_send(
            a, "82 RL 0001 (26 S'k' S'v') %s", check_repeat(request, sizeof(request), pair, count));
    probe_expect(a, "90 RL 0001 00 %s", check_repeat(answer, sizeof(answer), " ..", count));
}

/* ---- One subscription in place of another ---- */

static void subscribing_again_replaces(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");
    struct probe *b = probe_connected(check, "~b");

    probe_subscribes(a, "~/a", 0);
    probe_publishes(b, 2, "~/a", "1");
    probe_receives(a, 0x30, "~/a", "1");
    probe_subscribes(a, "~/a", 1);
    probe_publishes(b, 2, "~/a", "2");
    probe_receives(a, 0x32, "~/a", "2");
    probe_subscribes(a, "~/a", 4);
    probe_publishes(a, 2, "~/a", "3");
    probe_publishes(b, 2, "~/a", "4");
    probe_receives(a, 0x30, "~/a", "4");
    probe_expect_nothing(a);
}

static void retained_messages_are_sent_again(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");
    struct probe *b = probe_connected(check, "~b");

    probe_publishes(b, 3, "~/a", "1");
    probe_publishes(b, 3, "~/b", "2");
    for (unsigned i = 0; i < 2; i++) {
        probe_send(a, "82 RL 0001 00 S'~/a' 00 S'~/b' 00");
        probe_expect_all(a, "90 RL 0001 [P] 00 00 | 31 RL S'~/a' 00 '1' | 31 RL S'~/b' 00 '2'");
    }
    probe_expect_nothing(a);
}

/* Each message is published while its receiver subscribes again. */
static void replacing_loses_no_message(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");
    struct probe *b = probe_connected(check, "~b");
    char expected[ROUNDS * 64];
    size_t used = 0;

    probe_subscribes(a, "~/a", 1);
    for (unsigned i = 0; i < ROUNDS; i++) {
        char payload[] = { (char)('a' + i), '\0' };

        probe_send(a, "82 RL 0001 00 S'~/a' 01");
        probe_publishes(b, 2, "~/a", payload);
        used += (size_t)snprintf(expected + used, sizeof(expected) - used,
                "%s90 RL 0001 [P] 01 | 32 RL S'~/a' id 00 '%s'", i > 0 ? "|" : "", payload);
    }
    probe_expect_all(a, "%s", expected);
    probe_expect_nothing(a);
}

/* The last filter is the first one again, and so replaces it. */
static void many_filters_are_as_many_requests_with_one_answer(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");
    struct probe *b = probe_connected(check, "~b");

    probe_send(a, "82 RL 0001 00 S'~/a' 00 S'~/b' 00 S'~/a' 01");
    probe_expect(a, "90 RL 0001 [P] 00 00 01");
    probe_publishes(b, 2, "~/a", "x");
    probe_receives(a, 0x32, "~/a", "x");
    probe_publishes(b, 2, "~/b", "x");
    probe_receives(a, 0x30, "~/b", "x");
    probe_expect_nothing(a);
}

/* ---- Options ---- */

static void no_local_keeps_ones_own_away(struct check *check)
{
    struct probe *a = probe_resumed(check, "~a", false);
    struct probe *b = probe_connected(check, "~b");

    probe_subscribes(a, "~/a", 5);
    probe_publishes(a, 2, "~/a", "1");
    probe_publishes(b, 2, "~/a", "2");
    probe_receives(a, 0x32, "~/a", "2");
    /* It is the client id that counts, not the connection. */
    probe_disconnects(a);
    a = probe_resumed(check, "~a", true);
    probe_publishes(a, 2, "~/a", "3");
    probe_publishes(b, 2, "~/a", "4");
    probe_receives(a, 0x32, "~/a", "4");
    probe_expect_nothing(a);
}

static void delivery_has_the_lower_qos(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");
    struct probe *b = probe_connected(check, "~b");
    char topic[] = "~/0";

    for (unsigned granted = 0; granted <= grantable(check, 2); granted++) {
        topic[2] = (char)('0' + granted);
        probe_subscribes(a, topic, (uint8_t)granted);
        for (unsigned qos = 0; qos <= grantable(check, 2); qos++) {
            unsigned lower = qos < granted ? qos : granted;

            probe_publishes(b, (uint8_t)(qos << 1), topic, "x");
            probe_receives(a, (uint8_t)(0x30 | lower << 1), topic, "x");
        }
    }
    probe_expect_nothing(a);
}

/* ---- Subscription Identifiers ---- */

static void an_identifier_is_kept_until_it_is_replaced(struct check *check)
{
    static const char *const properties[] = { "(0B 07)", "(0B FFFFFF7F)", "00", "(0B 8001)" };
    struct probe *a = probe_connected(check, "~a");
    struct probe *b = probe_connected(check, "~b");

    for (size_t i = 0; i < sizeof(properties) / sizeof(properties[0]); i++) {
        probe_send(a, "82 RL 0001 %s S'~/a' 00 S'~/b' 00", properties[i]);
        probe_expect(a, "90 RL 0001 [P] 00 00");
        probe_publishes(b, 2, "~/a", "x");
        probe_expect(a, "30 RL S'~/a' %s 'x'", properties[i]);
        probe_publishes(b, 2, "~/b", "x");
        probe_expect(a, "30 RL S'~/b' %s 'x'", properties[i]);
    }
    probe_expect_nothing(a);
}

static void subscribe_with_identifier(struct probe *probe, unsigned identifier)
{
    probe_send(probe, "82 RL 0001 (0B %02x) S'~/a' 01", identifier);
    probe_expect(probe, "90 RL 0001 [P] 01");
}

/* Message 1 was sent with the old identifier first and may keep it, message 2 was not. */
static void a_new_identifier_is_not_given_up(struct check *check)
{
    struct probe *a = probe_resumed(check, "~a", false);
    struct probe *b = probe_connected(check, "~b");
    unsigned shown = 0;

    subscribe_with_identifier(a, 1);
    probe_publishes(b, 2, "~/a", "1");
    probe_expect(a, "32 RL S'~/a' id1 (0B 01) '1'");
    subscribe_with_identifier(a, 2);
    probe_publishes(b, 2, "~/a", "2");
    probe_expect(a, "32 RL S'~/a' id2 (0B 02) '2'");
    for (unsigned i = 0; i < 2; i++) {
        unsigned before = shown;

        probe_cut(a);
        a = probe_resumed(check, "~a", true);
        shown = probe_expect_one(a, "3A RL S'~/a' id1 (0B 01) '1' | 3A RL S'~/a' id1 (0B 02) '1'");
        if (shown < before)
            check_fail(check, "message 1 keeps the new identifier");
        probe_expect(a, "3A RL S'~/a' id2 (0B 02) '2'");
    }
}

/* ---- The order of PUBLISH and SUBACK ---- */

static void a_message_may_precede_the_suback(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");
    struct probe *b = probe_connected(check, "~b");

    probe_publishes(b, 3, "~/a", "x");
    probe_send(a, "82 RL 0001 00 S'~/a' 01");
    probe_expect_all(a, "90 RL 0001 [P] 01 | 33 RL S'~/a' id 00 'x'");
    probe_send(a, "40 02 id");
    probe_expect_nothing(a);
}

static const struct check_case cases[] = {
    { "MQTT5-3.8.1-1", "subscribe_has_the_flags_0010",
            .refused = "80 RL 0001 00 S'~/a' 00 | 81 RL 0001 00 S'~/a' 00 | "
                       "83 RL 0001 00 S'~/a' 00 | 84 RL 0001 00 S'~/a' 00 | "
                       "86 RL 0001 00 S'~/a' 00 | 8A RL 0001 00 S'~/a' 00 | "
                       "8F RL 0001 00 S'~/a' 00",
            .codes = "81" },
    { "MQTT5-3.8.3-1", "filters_to_subscribe_to_are_strings",
            .refused = "82 RL 0001 00 0002 C328 00 | 82 RL 0001 00 S'~/a' 00 0001 FF 00 | "
                       "82 RL 0001 00 0003 EDA080 00",
            .codes = "81" },
    { "MQTT5-3.8.3-2", "subscribe_has_a_filter", .refused = "82 RL 0001 00", .codes = "82 81" },
    { "MQTT5-3.8.3-3", CASE(no_local_keeps_ones_own_away) },
    { "MQTT5-3.8.3-4", "no_local_on_a_shared_subscription_is_refused", .need = NEED_SHARED,
            .refused = "82 RL 0001 00 S'$share/~g/~/a' 04 | "
                       "82 RL 0001 00 S'~/a' 00 S'$share/~g/~/a' 05",
            .codes = "82" },
    { "MQTT5-3.8.3-5", "reserved_bits_of_the_options_are_0",
            .refused = "82 RL 0001 00 S'~/a' 40 | 82 RL 0001 00 S'~/a' 80 | "
                       "82 RL 0001 00 S'~/a' 00 S'~/b' C1",
            .codes = "81" },
    { "MQTT5-3.8.4-1", CASE(every_subscribe_is_answered) },
    { "MQTT5-3.8.4-2", CASE(a_suback_has_the_id_of_its_subscribe) },
    { "MQTT5-3.8.4-3", CASE(subscribing_again_replaces) },
    { "MQTT5-3.8.4-4", CASE(retained_messages_are_sent_again), NEED_RETAIN },
    { "MQTT5-3.8.4-4", CASE(replacing_loses_no_message) },
    { "MQTT5-3.8.4-5", CASE(many_filters_are_as_many_requests_with_one_answer) },
    { "MQTT5-3.8.4-6", CASE(a_suback_has_one_code_for_each_filter) },
    { "MQTT5-3.8.4-7", CASE(a_denied_filter_fails_and_no_other), NEED_RIGHTS },
    { "MQTT5-3.8.4-7 MQTT5-3.9.3-2", CASE(codes_are_those_of_a_suback) },
    { "MQTT5-3.8.4-8", CASE(delivery_has_the_lower_qos) },
    { "MQTT5-3.9.2-1 MQTT5-3.9.2-2", CASE(a_suback_keeps_to_the_maximum_packet_size) },
    { "MQTT5-3.9.3-1", CASE(codes_stand_in_the_order_of_filters) },
    { "U5-3.8.2.1.2-1", "a_subscribe_has_one_identifier_but_0", .need = NEED_IDENTIFIER,
            .refused = "82 RL 0001 (0B 00) S'~/a' 00 | 82 RL 0001 (0B 01 0B 02) S'~/a' 00",
            .codes = "82" },
    { "U5-3.8.2.1.2-2", CASE(an_identifier_is_kept_until_it_is_replaced), NEED_IDENTIFIER },
    { "U5-3.8.3.1-1", "qos_3_cannot_be_asked_for",
            .refused = "82 RL 0001 00 S'~/a' 03 | 82 RL 0001 00 S'~/a' 00 S'~/b' 03",
            .codes = "82 81" },
    { "U5-3.8.3.1-2", "retain_handling_3_is_refused",
            .refused = "82 RL 0001 00 S'~/a' 30 | 82 RL 0001 00 S'~/a' 00 S'~/b' 31",
            .codes = "82 81" },
    { "U5-3.8.4-1", CASE(a_message_may_precede_the_suback), NEED_RETAIN },
    { "U5-3.8.4-3", CASE(a_new_identifier_is_not_given_up), NEED_IDENTIFIER },
};

const struct check_chapter check_mqtt5_subscribe = CHAPTER("SUBSCRIBE and SUBACK", MQTT_5_0, cases);
